"""The shop's own look at orders that were paid for and brought nothing: refunded by itself where the rules say so.

Pulled by a periodic task. Each end of an order is looked at once: the claim row that it leaves is the proof. What the
rules leave to a person (such as a device that was not found) waits in the claim queue.
"""

from __future__ import annotations

import logging
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from orders import lifecycle
from orders.models import CorrectionRequest, Order
from orders.states import UNDELIVERED, CorrectionState
from payments import refunding
from payments.booking import UNATTACHED
from payments.models import Dispute, Payment, Refund
from payments.states import COUNTING_REFUNDS, OPEN_DISPUTES, DisputeState, PaymentState, RefundState
from refunds import applying, calling_off, claim_moving, sweeping
from refunds.models import Claim
from refunds.order_facts import payment_of
from refunds.states import OPEN_CLAIMS, WAITING, ClaimEventKind, ClaimState, ClaimType
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM

logger = logging.getLogger(__name__)


def due_orders() -> QuerySet[Order]:
    """Orders that ended without a result, with money left here, undisputed, and that nobody has looked at since.

    Money of the whole purchase that went back leaves it to staff where the purchase has other orders: nobody can tell
    for which of them it was.
    """
    looked_at = Claim.objects.filter(order=OuterRef("pk"), type=ClaimType.OUTCOME, opened_at__gte=OuterRef("ended_at"))
    is_open = Claim.objects.filter(order=OuterRef("pk"), type=ClaimType.OUTCOME, state__in=sorted(OPEN_CLAIMS))
    # One that failed waits for staff in a queue of its own.
    failed = Refund.objects.filter(order=OuterRef("pk"), state=RefundState.FAILED)
    replaced = CorrectionRequest.objects.filter(order=OuterRef("pk"), state=CorrectionState.REPLACED)
    of_all = Refund.objects.filter(
        payment__purchase=OuterRef("purchase"), order=None, state__in=sorted(COUNTING_REFUNDS)
    ).exclude(payment__attention__in=UNATTACHED)
    others = (
        Order.objects.filter(purchase=OuterRef("purchase"))
        .exclude(pk=OuterRef("pk"))
        .exclude(correction_requests__state=CorrectionState.REPLACED)
    )
    captured = Payment.objects.filter(purchase=OuterRef("purchase"), state=PaymentState.CAPTURED).exclude(
        attention__in=UNATTACHED
    )
    disputed = Dispute.objects.filter(
        payment__purchase=OuterRef("purchase"), state__in=sorted(OPEN_DISPUTES | {DisputeState.LOST})
    )
    rows: QuerySet[Order] = (
        Order.objects.filter(Exists(captured), state__in=sorted(UNDELIVERED), price__gt=0)
        .filter(price__gt=_given(order=OuterRef("pk")))
        .filter(purchase__total__gt=_given(payment__purchase=OuterRef("purchase")))
        .exclude(Exists(looked_at))
        .exclude(Exists(is_open))
        .exclude(Exists(failed))
        .exclude(Exists(replaced))
        .exclude(Exists(of_all), Exists(others))
        .exclude(Exists(disputed))
        .order_by("ended_at")
    )
    return rows


def _given(**which: OuterRef) -> Combinable:
    """How much of it has gone back, or may yet; not of what was paid too much."""
    rows = Refund.objects.filter(state__in=sorted(COUNTING_REFUNDS), **which)
    rows = rows.exclude(payment__attention__in=UNATTACHED).order_by().annotate(one=Value(1)).values("one")
    total = Subquery(rows.annotate(given=Sum("amount")).values("given"))
    # SQLite adds up as floating point: less than the smallest amount there is makes equal what is equal.
    return Coalesce(total, Decimal(0)) + Value(Decimal("0.0005"))


def look_at_ended(*, limit: int = 100) -> int:
    """Open and judge a claim for each of them; returns how many. For the sweep."""
    return sweeping.each(list(due_orders().values_list("pk", flat=True)[:limit]), _look)


def _look(order_id: int) -> bool:
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        if not due_orders().filter(pk=order_id).exists():
            return False
        payment = payment_of(order)
        if payment is None or refunding.refundable_for(order, payment).amount <= 0:
            return False
        now = clock.now()
        agreed = calling_off.agreed_with(order.purchase)
        claim = claim_moving.create(
            ClaimState.WAITING_STAFF,
            actor=SYSTEM,
            order=order,
            type=ClaimType.OUTCOME,
            profile=calling_off.name_of(agreed),
            opened_at=now,
            state_changed_at=now,
            due_at=applying.staff_due(agreed, now),
            currency=order.currency,
        )
        ruling = applying.rejudge(claim)
        if claim.state == ClaimState.APPROVED:
            applying.answer_others(claim)
        logger.info("order %s ended: %s", order.number, ruling.answer.code)
        return True


def close_resumed(*, limit: int = 100) -> int:
    """Close what was waiting about orders that staff sent out once more; returns how many. For the sweep."""
    rows = Claim.objects.filter(type=ClaimType.OUTCOME, state__in=sorted(WAITING))
    found = rows.exclude(order__state__in=sorted(UNDELIVERED)).values_list("pk", flat=True)
    return sweeping.each(list(found[:limit]), _close)


def _close(claim_id: int) -> bool:
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        if claim.state not in WAITING or claim.order.state in UNDELIVERED:
            return False
        data = {"reason": "the order goes on"}
        claim_moving.move(claim, ClaimState.WITHDRAWN, ClaimEventKind.WITHDRAWN, actor=SYSTEM, data=data, due_at=None)
        return True
