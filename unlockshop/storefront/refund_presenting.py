"""What customers read about money given back. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from payments.models import Refund
from payments.states import RefundState
from payments.wording import grounds_words, way_words
from unlockshop.kernel.money import Money
from unlockshop.kernel.work import WorkState

R = RefundState

# Promised to the customer, or done: a failed one that never went out is the staff's business alone.
UNDER_WAY: Final = frozenset({R.REQUESTED, R.SENDING, R.PENDING, R.UNCERTAIN})


@dataclass(frozen=True, slots=True)
class RefundView:
    """One refund: how it stands, in words, and why it was made."""

    money: Money
    word: str
    text: str
    why: str
    order_number: str
    at: datetime
    tone: str


def present_refunds(refunds: Iterable[Refund]) -> list[RefundView]:
    """Those that the customer may know of, in the order in which they come."""
    return [_view(refund) for refund in refunds if refund.state in UNDER_WAY or refund.succeeded_at]


def refunded(refunds: Iterable[Refund], currency: str) -> Money:
    """How much of it has gone out for good, as far as anybody knows."""
    amounts = [refund.amount for refund in refunds if refund.state == R.SUCCEEDED]
    return Money(sum(amounts, Decimal(0)), currency)


def _view(refund: Refund) -> RefundView:
    word, text, tone = _words(refund)
    return RefundView(
        money=refund.money,
        word=word,
        text=text,
        why=grounds_words(refund),
        order_number=refund.order.number if refund.order else "",
        at=refund.succeeded_at or refund.created_at,
        tone=tone,
    )


def _words(refund: Refund) -> tuple[str, str, str]:
    way = {"way": way_words(refund)}
    if refund.state in UNDER_WAY:
        return _("On its way"), _("It goes to %(way)s. We mail you when it is out.") % way, "waiting"
    if refund.state == R.SUCCEEDED:
        text = _("Sent to %(way)s. Your bank books it, usually within five to ten working days.") % way
        return _("Refunded"), text, "good"
    if refund.work_state == WorkState.NEEDS_STAFF:
        text = _("The bank returned it to us. The money is still yours, and our staff see to it.")
        return _("Came back"), text, "waiting"
    return _("Came back"), _("The bank returned it to us. Our staff have seen to it."), "ended"
