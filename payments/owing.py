"""What the shop still owes its customers: money of orders that were paid for and brought nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from orders import replacing
from orders.models import Order, Purchase
from orders.states import UNDELIVERED
from payments import refunding
from payments.booking import UNATTACHED
from payments.models import Payment, Refund
from payments.states import COUNTING_REFUNDS, PaymentState, RefundState
from unlockshop.kernel.money import Money

UNSENT_REFUNDS: Final = COUNTING_REFUNDS - {RefundState.SUCCEEDED}


def owed_back(order: Order) -> Money:
    """How much of an undelivered order's price is with us and not on its way back."""
    if order.state not in UNDELIVERED or replacing.is_replaced(order):
        return Money(Decimal(0), order.currency)
    captured = Payment.objects.filter(purchase_id=order.purchase_id, state=PaymentState.CAPTURED)
    payment = captured.exclude(attention__in=UNATTACHED).first()
    if payment is None:
        return order.money  # paid in a way that leaves no payment here
    left = refunding.refundable_for(order, payment)
    return Money(max(left.amount, Decimal(0)), left.currency)


def is_on_its_way(order: Order) -> bool:
    """Whether a refund of the order, or of its whole payment, is promised and has not gone out."""
    of_it = Q(order=order) | Q(order=None)
    return Refund.objects.filter(of_it, payment__purchase=order.purchase_id, state__in=UNSENT_REFUNDS).exists()


def with_refunds(orders: QuerySet[Order]) -> QuerySet[Order]:
    """The orders with ``has_refunds``, so that ``refunds_of`` need not be asked where a purchase has none."""
    return orders.annotate(has_refunds=Exists(Refund.objects.filter(payment__purchase=OuterRef("purchase"))))


def refunds_of(purchase: Purchase) -> QuerySet[Refund]:
    """Every refund of the purchase's payments, newest first, with what is needed to speak of it."""
    rows: QuerySet[Refund] = Refund.objects.filter(payment__purchase=purchase)
    return rows.select_related("payment", "order").order_by("-created_at", "pk")
