"""How the money of a purchase stands, in words. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _

from orders.models import Order, Purchase
from orders.states import OrderState
from orders.wording import money_words
from payments.booking import UNATTACHED
from payments.collecting import MIN_TIME_TO_PAY
from payments.models import Payment, Refund
from payments.states import PaymentState
from unlockshop.kernel.money import Money
from unlockshop.storefront.refund_presenting import RefundView, present_refunds, refunded

# A payment that is only "created" never had a page: nobody can be paying it.
UNDER_WAY: Final = frozenset({PaymentState.OPEN, PaymentState.PENDING})


class Standing(StrEnum):
    """Where the money is. Only ``PAID`` says that it arrived for the orders."""

    PAID = "paid"
    TO_PAY = "to_pay"
    AT_BANK = "at_bank"
    IN_CHECK = "in_check"
    TOO_LATE = "too_late"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PurchaseView:
    """What the purchase page says about the money. ``trouble``: what became of the last try to pay."""

    standing: Standing
    headline: str
    text: str
    is_under_way: bool
    trouble: str
    refunds: Sequence[RefundView]

    @property
    def can_pay(self) -> bool:
        return self.standing == Standing.TO_PAY


def present_purchase(
    purchase: Purchase,
    orders: Iterable[Order],
    payments: Sequence[Payment],
    refunds: Sequence[Refund],
    *,
    now: datetime,
) -> PurchaseView:
    """The money of the purchase at ``now``; ``payments`` oldest first, none of them needed once it is paid."""
    states = {payment.state for payment in payments}
    standing = _standing(purchase, orders, states, now)
    given = refunded([each for each in refunds if each.payment.attention not in UNATTACHED], purchase.currency)
    headline, text = _refund_words(purchase, given) if given.amount else _words(standing, purchase)
    return PurchaseView(
        standing,
        headline,
        text,
        is_under_way=bool(UNDER_WAY & states),
        trouble=trouble(payments) if standing == Standing.TO_PAY else "",
        refunds=present_refunds(refunds),
    )


def trouble(payments: Sequence[Payment]) -> str:
    """What became of the newest of the tries to pay: ``failed``, ``declined``, or nothing to say."""
    begun = [payment for payment in payments if payment.state != PaymentState.CREATED]
    if not begun:
        return ""
    if begun[-1].state == PaymentState.FAILED:
        return "failed"
    return "declined" if begun[-1].state == PaymentState.OPEN and begun[-1].declined_at else ""


def _standing(purchase: Purchase, orders: Iterable[Order], payment_states: Collection[str], now: datetime) -> Standing:
    if purchase.paid_at is not None:
        return Standing.PAID
    if PaymentState.CAPTURED in payment_states:
        return Standing.TOO_LATE
    if PaymentState.PARKED in payment_states:
        return Standing.IN_CHECK
    if PaymentState.PENDING in payment_states:
        return Standing.AT_BANK
    is_expired = any(order.state == OrderState.EXPIRED for order in orders)
    return Standing.EXPIRED if is_expired or purchase.expires_at - now < MIN_TIME_TO_PAY else Standing.TO_PAY


def _refund_words(purchase: Purchase, given_back: Money) -> tuple[str, str]:
    amounts = {"amount": money_words(purchase.money), "given": money_words(given_back)}
    if given_back.amount >= purchase.total:
        return _("Refunded"), _("We have refunded the %(amount)s that you paid.") % amounts
    return _("Paid, partly refunded"), _(
        "We have received your payment of %(amount)s and refunded %(given)s of it."
    ) % amounts


def _words(standing: Standing, purchase: Purchase) -> tuple[str, str]:
    amount = {"amount": money_words(purchase.money)}
    if standing == Standing.PAID and purchase.total == 0:
        return _("Nothing to pay"), _("This purchase costs nothing. The work has started.")
    if standing == Standing.PAID:
        return _("Paid"), _("We have received your payment of %(amount)s.") % amount
    if standing == Standing.TOO_LATE:
        return _("Paid too late"), _(
            "Your payment arrived after the purchase had expired. The money is yours; our staff look at it. "
            "Do not pay again."
        )
    if standing == Standing.IN_CHECK:
        return _("Your payment is being checked"), _(
            "A payment for this purchase does not fit it exactly. Our staff look at it. Do not pay again."
        )
    if standing == Standing.AT_BANK:
        return _("Your bank is still confirming"), _(
            "Your payment is on its way; banks may take some days. You may close this page: we mail you as soon as "
            "it is confirmed. Do not pay again."
        )
    if standing == Standing.EXPIRED:
        return _("Expired"), _(
            "The time to pay for this purchase is over. Order again if you still want it. "
            "If you did pay, write to us: money that came too late is yours."
        )
    return _("Not paid yet"), _("%(amount)s is to be paid. Work starts as soon as the payment has arrived.") % amount
