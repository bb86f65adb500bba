"""Which accounts a fact touches. Besides ``dispute_booking``, the only module that chooses them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import Sum

from orders.models import Order
from orders.states import OrderState
from payments import ledger
from payments.models import CLEARING, Account, Payment, Refund
from payments.states import Attention, PaymentState, RefundState
from unlockshop.kernel.money import Money

# Money that fits no order: its way out leads from where it stands.
UNATTACHED: Final = frozenset({Attention.OVERPAYMENT, Attention.LATE})


def book_capture(payment: Payment) -> None:
    """Money came in, for orders or for none."""
    credit = Account.UNATTACHED if payment.attention in UNATTACHED else Account.CUSTOMER_PREPAYMENTS
    lines = [(CLEARING[payment.provider], payment.money), (credit, -payment.money)]
    ledger.post(f"capture:{payment.pk}", "capture", payment=payment, lines=lines)


def stray_key(payment: Payment) -> str:
    """The business key under which money that is not what was asked for is booked."""
    return f"stray-capture:{payment.pk}"


def book_stray_capture(payment: Payment, money: Money) -> None:
    """Money came in that is not what was asked for. It is in the books, and fits nothing until staff have looked."""
    lines = [(CLEARING[payment.provider], money), (Account.UNATTACHED, -money)]
    ledger.post(stray_key(payment), "stray_capture", payment=payment, lines=lines)


def book_fee(payment: Payment, fee: Money) -> None:
    """What the provider kept of it."""
    lines = [(Account.PROVIDER_FEES, fee), (CLEARING[payment.provider], -fee)]
    ledger.post(f"fee:{payment.pk}", "fee", payment=payment, lines=lines)


def book_refund(refund: Refund) -> None:
    """Money went back. A delivered order's counts against its sale, any other's against the prepayment."""
    payment, money = refund.payment, refund.money
    if payment.attention in UNATTACHED:
        debit = Account.UNATTACHED
    elif refund.order is not None and ledger.is_booked(sale_key(refund.order)):
        debit = Account.REFUNDS
    else:
        debit = Account.CUSTOMER_PREPAYMENTS
    lines = [(debit, money), (CLEARING[payment.provider], -money)]
    ledger.post(f"refund:{refund.pk}", "refund", payment=payment, lines=lines, order=refund.order)


def book_returned_refund(refund: Refund) -> None:
    """A refund that had gone out came back from the bank."""
    ledger.reverse(f"refund:{refund.pk}", f"refund-returned:{refund.pk}", "refund_returned")


def sale_key(order: Order) -> str:
    """The business key under which a delivered order is booked."""
    return f"sale:{order.pk}"


def book_deliveries(*, limit: int = 200) -> int:
    """Turn the prepayments of delivered orders into sales; returns how many. Pulled by the sweep."""
    delivered = (
        Order.objects.filter(state=OrderState.COMPLETED, price__gt=0)
        .exclude(postings__kind="sale")
        .order_by("ended_at")[:limit]
    )
    return sum(_book_delivery(order) for order in delivered)


def _book_delivery(order: Order) -> bool:
    """Under the lock that refunds are booked under too, so that neither is computed from what the other changes."""
    payments = Payment.objects.filter(purchase_id=order.purchase_id, state=PaymentState.CAPTURED)
    with transaction.atomic():
        payment = payments.exclude(attention__in=UNATTACHED).select_for_update(of=("self",)).first()
        if payment is None or ledger.is_booked(sale_key(order)):
            return False
        given: Decimal | None = Refund.objects.filter(order=order, state=RefundState.SUCCEEDED).aggregate(
            total=Sum("amount")
        )["total"]
        earned = Money(order.price - (given or Decimal(0)), order.currency)
        if earned.amount <= 0:
            return False
        lines = [(Account.CUSTOMER_PREPAYMENTS, earned), (Account.SALES, -earned)]
        ledger.post(sale_key(order), "sale", payment=payment, lines=lines, order=order)
    return True
