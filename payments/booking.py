"""Which accounts a fact touches. Besides ``dispute_booking``, the only module that chooses them."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from orders import replacing
from orders.models import Order, SupplierAttempt
from orders.states import OrderState
from payments import ledger
from payments.models import CLEARING, Account, LedgerEntry, LedgerTransaction, Payment, Refund
from payments.states import Attention, PaymentState, RefundState
from services import noticing
from services.models.health import NoticeKind
from unlockshop.kernel.exact_sum import ExactSum
from unlockshop.kernel.money import Money, MoneyError

logger = logging.getLogger(__name__)

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
    """Money went back. A delivered order's counts against its sale, any other's against the prepayment.

    One that names no order takes what is prepaid first; the rest can only be of orders that are delivered.
    """
    payment, money = refund.payment, refund.money
    if payment.attention in UNATTACHED:
        debits = [(Account.UNATTACHED, money)]
    elif refund.order is not None and ledger.is_booked(sale_key(refund.order)):
        debits = [(Account.REFUNDS, money)]
    else:
        held = min(_prepaid(payment), money.amount)
        shares = ((Account.CUSTOMER_PREPAYMENTS, held), (Account.REFUNDS, money.amount - held))
        debits = [(account, Money(share, money.currency)) for account, share in shares if share]
    source = Account.PAID_BY_HAND if refund.by_hand else CLEARING[payment.provider]
    lines = [*debits, (source, -money)]
    ledger.post(f"refund:{refund.pk}", "refund", payment=payment, lines=lines, order=refund.order)


def _prepaid(payment: Payment) -> Decimal:
    """How much of a payment still stands for orders that are not delivered. Under the payment's lock."""
    lines = LedgerEntry.objects.filter(transaction__payment=payment, account=Account.CUSTOMER_PREPAYMENTS)
    total: Decimal | None = lines.aggregate(total=ExactSum("amount"))["total"]
    return max(-(total or Decimal(0)), Decimal(0))


def book_returned_refund(refund: Refund) -> None:
    """A refund that had gone out came back from the bank."""
    ledger.reverse(f"refund:{refund.pk}", f"refund-returned:{refund.pk}", "refund_returned")


def sale_key(order: Order) -> str:
    """The business key under which a delivered order is booked."""
    return f"sale:{order.pk}"


def book_deliveries(*, limit: int = 200) -> int:
    """Turn the prepayments of delivered orders into sales; returns how many. Pulled by the sweep."""
    # Of a purchase that was given back whole nothing can become a sale.
    prepaid = (
        LedgerEntry.objects.filter(account=Account.CUSTOMER_PREPAYMENTS)
        .values("transaction__payment__purchase")
        .annotate(total=ExactSum("amount"))
        .filter(total__lt=0)
        .values("transaction__payment__purchase")
    )
    delivered = (
        Order.objects.filter(state=OrderState.COMPLETED, price__gt=0)
        .exclude(postings__kind="sale")
        .filter(purchase__in=prepaid)
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
        refunds = Refund.objects.filter(order__in=replacing.with_former(order), state=RefundState.SUCCEEDED)
        given: Decimal | None = refunds.aggregate(total=ExactSum("amount"))["total"]
        earned = Money(min(order.price - (given or Decimal(0)), _prepaid(payment)), order.currency)
        if earned.amount <= 0:
            return False
        lines = [(Account.CUSTOMER_PREPAYMENTS, earned), (Account.SALES, -earned)]
        ledger.post(sale_key(order), "sale", payment=payment, lines=lines, order=order)
    return True


def book_supplier_losses(*, limit: int = 200) -> int:
    """Book what suppliers were paid for orders that had been given up; returns how many. Pulled by the sweep.

    The cost is in the supplier's currency, rounded up to its minor units. One in a currency that the books do not know
    is logged, and stays unbooked.
    """
    key = Concat(Value("supplier-loss:"), Cast(OuterRef("pk"), CharField()))
    booked = LedgerTransaction.objects.filter(key=key)
    lost = SupplierAttempt.objects.filter(is_late_surprise=True, cost__gt=0).exclude(Exists(booked))
    return sum(
        _book_supplier_loss(attempt) for attempt in lost.select_related("order", "supplier").order_by("pk")[:limit]
    )


def _book_supplier_loss(attempt: SupplierAttempt) -> bool:
    try:
        cost = ledger.supplier_loss(attempt)
    except MoneyError:
        logger.exception("the loss of %s cannot be booked", attempt)
        return False
    lines = [(Account.SUPPLIER_LOSSES, cost), (Account.SUPPLIER_CREDIT, -cost)]
    try:
        with transaction.atomic():
            ledger.post(
                ledger.supplier_loss_key(attempt), "supplier_loss", payment=None, lines=lines, order=attempt.order
            )
            text = _("%(supplier)s has %(reference)s, which is not wanted any more: %(cost)s were spent for nothing.")
            facts = {
                "cost": cost,
                "supplier": attempt.supplier.name,
                "reference": attempt.reference,
            }
            noticing.tell(NoticeKind.SUPPLIER_LOSS, attempt.supplier_id, text % facts)
    except IntegrityError:  # booked by somebody else at this very moment
        return False
    return True
