"""How the money of a purchase stands, in words. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _

from orders.models import Order, Purchase
from orders.states import OrderState
from orders.wording import money_words
from payments.collecting import MIN_TIME_TO_PAY
from payments.states import PaymentState

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
    """What the purchase page says about the money."""

    standing: Standing
    headline: str
    text: str
    is_under_way: bool

    @property
    def can_pay(self) -> bool:
        return self.standing == Standing.TO_PAY


def present_purchase(
    purchase: Purchase, orders: Iterable[Order], payment_states: Collection[str], *, now: datetime
) -> PurchaseView:
    """The money of the purchase at ``now``; ``payment_states`` are those of all its payments."""
    standing = _standing(purchase, orders, payment_states, now)
    headline, text = _words(standing, purchase)
    return PurchaseView(standing, headline, text, is_under_way=bool(UNDER_WAY.intersection(payment_states)))


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
