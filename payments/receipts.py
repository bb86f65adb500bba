"""The receipt of a paid purchase: what was bought, what came in by which way, and what went back since.

It is read from the rows each time, so that a refund stands on it as soon as it has gone out, and so does what the bank
took back for a dispute. Its number is the
purchase's. Tax is part of the prices; it is named only where the shop's settings say at which rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import CorrectionRequest, Order, Purchase
from orders.states import CorrectionState
from payments import disputing
from payments.booking import UNATTACHED
from payments.models import Payment, Refund
from payments.owing import refunds_of
from payments.states import PaymentState, RefundState
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, as the settings name it; ``address`` by lines."""

    name: str
    address: Sequence[str]
    tax_id: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything that a receipt says. ``total`` is what was paid, ``kept`` what of it was not given or taken back.

    ``taken_back`` is what the bank has taken for disputes; None where it has taken nothing.
    """

    purchase: Purchase
    seller: Seller
    paid_at: datetime
    orders: Sequence[Order]
    payment: Payment | None
    refunds: Sequence[Refund]
    taken_back: Money | None
    total: Money
    kept: Money


_WAYS: Final = {"stripe": gettext_lazy("card"), "paypal": gettext_lazy("PayPal")}


def way_words(payment: Payment) -> str:
    """The way of a payment in words."""
    return str(_WAYS.get(payment.provider, payment.provider))


def receipt_of(purchase: Purchase) -> Receipt:
    """The receipt as things stand. Raises ``Refused`` (``not_paid``) before the money is booked."""
    if purchase.paid_at is None:
        raise Refused(_("There is a receipt once the purchase is paid."), code="not_paid")
    payments = Payment.objects.filter(purchase=purchase, state=PaymentState.CAPTURED).exclude(attention__in=UNATTACHED)
    payment = payments.order_by("pk").first()
    gone = [
        refund for refund in refunds_of(purchase)
        if refund.state == RefundState.SUCCEEDED and payment is not None and refund.payment_id == payment.pk
    ]  # fmt: skip
    # The price of a replaced order is its replacement's now.
    replaced = CorrectionRequest.objects.filter(order__purchase=purchase, state=CorrectionState.REPLACED)
    back = sum((refund.amount for refund in gone), Decimal(0))
    taken = disputing.taken_back(payment) if payment is not None else Decimal(0)
    return Receipt(
        purchase=purchase,
        seller=seller(),
        paid_at=purchase.paid_at,
        orders=list(purchase.orders.exclude(pk__in=replaced.values("order")).defer("result").order_by("position")),
        payment=payment,
        refunds=gone,
        taken_back=Money(taken, purchase.currency) if taken else None,
        total=purchase.money,
        # A bank may take once more what was refunded before; less than nothing is paid by nobody.
        kept=Money(max(purchase.total - back - taken, Decimal(0)), purchase.currency),
    )


def seller() -> Seller:
    """The seller of the settings."""
    address = [line.strip() for line in settings.SELLER_ADDRESS.split("|") if line.strip()]
    return Seller(settings.SELLER_NAME or settings.SHOP_NAME, address, settings.SELLER_TAX_ID)
