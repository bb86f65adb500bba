"""What is left of the price of many orders, in as many queries as for one; also as it was at an earlier moment.

``refunding.refundable_for`` says the same of one order, with the locks of whoever is about to pay; a test holds both
together. Nothing is written here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from orders.models import CorrectionRequest, Order
from orders.states import CorrectionState, OrderState
from payments.booking import UNATTACHED
from payments.models import Dispute, Payment, Refund
from payments.states import COUNTING_REFUNDS, OPEN_DISPUTES, DisputeState, PaymentState, RefundState
from unlockshop.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Told:
    """A dispute as it stood: open, lost, or over otherwise."""

    opened_at: datetime
    closed_at: datetime | None
    is_open: bool
    is_lost: bool


@dataclass(frozen=True, slots=True)
class Remaining:
    """The payment that paid for an order, what is left of the order's price, and what it was asked back by.

    ``refunded_at`` is the newest refund of the payment, ``disputes`` the newest first. ``is_closed``: the last refund
    by the provider did not arrive where the money came from.
    """

    payment: Payment | None
    left: Money
    refunded_at: datetime | None = None
    disputes: Sequence[Told] = ()
    is_closed: bool = False


class _Row(NamedTuple):
    """What counts of a refund."""

    purchase: int
    payment: int
    order: int | None
    amount: Decimal
    at: datetime
    state: str
    by_hand: str


def of(orders: Sequence[tuple[Order, datetime | None]]) -> list[Remaining]:
    """For each order; refunds and disputes from the moment beside it on do not count. Four queries.

    Money that left no payment here counts in full.
    """
    purchases = {order.purchase_id for order, _until in orders}
    payments: dict[int, Payment] = {}
    captured = Payment.objects.filter(purchase_id__in=purchases, state=PaymentState.CAPTURED)
    for payment in captured.exclude(attention__in=UNATTACHED).order_by("pk"):
        payments.setdefault(payment.purchase_id, payment)
    refunds: dict[int, list[_Row]] = defaultdict(list)
    columns = ("payment__purchase_id", "payment_id", "order_id", "amount", "created_at", "state", "by_hand")
    told = Refund.objects.filter(payment__purchase_id__in=purchases).order_by("created_at")
    for each in map(_Row._make, told.values_list(*columns)):
        refunds[each.purchase].append(each)
    disputes: dict[int, list[Dispute]] = defaultdict(list)
    for dispute in Dispute.objects.filter(payment__in=list(payments.values())).order_by("-opened_at"):
        disputes[dispute.payment_id].append(dispute)
    corrections = list(
        CorrectionRequest.objects.filter(order__purchase_id__in=purchases).values_list(
            "order_id", "replacement_id", "state"
        )
    )
    former = {replacement: order for order, replacement, _state in corrections if replacement}
    replaced = {order for order, _replacement, state in corrections if state == CorrectionState.REPLACED}
    found = []
    for order, until in orders:
        paid = payments.get(order.purchase_id)
        if paid is None:
            found.append(Remaining(None, order.money))
            continue
        known = [row for row in disputes[paid.pk] if until is None or row.opened_at < until]
        told_of = [row for row in refunds[order.purchase_id] if until is None or row.at < until]
        sent = [row.state for row in told_of if row.payment == paid.pk and not row.by_hand]
        rows = [row for row in told_of if row.state in COUNTING_REFUNDS]
        left = min(_of_order(order, rows, former), _of_payment(paid, rows, known))
        if order.pk in replaced and order.state == OrderState.CANCELLED:
            left = Decimal(0)
        found.append(
            Remaining(
                paid,
                Money(left, paid.currency),
                max((row.at for row in rows if row.payment == paid.pk), default=None),
                [_told(row, until) for row in known],
                is_closed=sent[-1:] == [RefundState.FAILED],
            )
        )
    return found


def _of_order(order: Order, rows: Sequence[_Row], former: Mapping[int, int]) -> Decimal:
    """Its price, less what was given back of it and of those that it replaces."""
    chain = [order.pk]
    while chain[-1] in former:
        chain.append(former[chain[-1]])
    return order.price - sum((row.amount for row in rows if row.order in chain), Decimal(0))


def _of_payment(payment: Payment, rows: Sequence[_Row], disputes: Sequence[Dispute]) -> Decimal:
    gone = sum((row.amount for row in rows if row.payment == payment.pk), Decimal(0))
    withdrawn = [each.amount for each in disputes if each.funds_withdrawn and each.currency == payment.currency]
    return max(payment.amount - gone - min(sum(withdrawn, Decimal(0)), payment.amount), Decimal(0))


def _told(dispute: Dispute, until: datetime | None) -> Told:
    is_open = dispute.state in OPEN_DISPUTES
    if until is not None and dispute.closed_at is not None and dispute.closed_at >= until:
        return Told(dispute.opened_at, None, is_open=True, is_lost=False)
    return Told(dispute.opened_at, dispute.closed_at, is_open, dispute.state == DisputeState.LOST)
