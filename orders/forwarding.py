"""Buying a paid order at a supplier, once.

``begin`` commits a SupplierAttempt before anything is sent; ``send`` calls the supplier outside any transaction;
``record_*`` writes what came of it. A call that may have had effect leaves the order ``uncertain``, and only
evidence or a person moves it on (``orders.resolving``).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction

from orders import events, lifecycle
from orders.exchanges import log_exchanges
from orders.models import Order, SupplierAttempt
from orders.states import BOUGHT_OUTCOMES, AttemptOutcome, HoldReason, OrderState
from services.models import Offer, Supplier
from services.suppliers.base import SUPPLIER_SIDE, JobRequest, RefusalCode
from services.suppliers.registry import UnknownAdapter, client_for
from unlockshop.kernel import actors, clock, work
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

logger = logging.getLogger(__name__)

ATTEMPTS_CAP: Final = 25
SEND_WITHIN: Final = timedelta(seconds=15)
LONGEST_SLEEP: Final = timedelta(minutes=5)


def forward(order_id: int) -> None:
    """Buy the order if it is paid and due. Safe to call any number of times at once."""
    attempt = begin(order_id)
    if attempt is not None:
        crash_here("forward.after_begin")
        send(attempt)


def begin(order_id: int) -> SupplierAttempt | None:
    """Commit the next attempt and move the order to ``submitting``; None when there is nothing to send now."""
    with transaction.atomic(durable=True):
        order = lifecycle.lock(order_id)
        moment = clock.database_now()
        if order.state != OrderState.PAID or order.next_action_at is None or order.next_action_at > moment:
            return None
        if order.forward_after is not None and order.forward_after > moment:
            lifecycle.postpone(order_id, OrderState.PAID, until=order.forward_after)
            return None
        if order.purchase.frozen_for:
            lifecycle.hold(order_id, reason=HoldReason(order.purchase.frozen_for), actor=SYSTEM)
            return None
        tried = order.supplier_attempts.count()
        if tried >= ATTEMPTS_CAP:
            lifecycle.hold(order_id, reason=HoldReason.TOO_MANY_ATTEMPTS, actor=SYSTEM)
            return None
        offer = _choose_offer(order)
        if offer is None:
            return None
        attempt = SupplierAttempt.objects.create(
            order=order,
            n=tried + 1,
            supplier=offer.supplier,
            supplier_service_id=offer.supplier_service_id,
            cost=offer.cost,
            cost_currency=offer.cost_currency,
            reference=f"{order.number}-{tried + 1}",
            created_at=moment,
            send_before=moment + SEND_WITHIN,
            lease_until=moment + timedelta(seconds=settings.SUPPLIER_LEASE_SECONDS),
        )
        lifecycle.start_submitting(order_id, attempt=attempt, actor=SYSTEM)
    return attempt


def _choose_offer(order: Order) -> Offer | None:
    """The first offer whose supplier takes orders now. None: the order waits for a pause to end, or is held."""
    gone = order.supplier_attempts.filter(reason_code=RefusalCode.SERVICE_GONE).values_list(
        "supplier_id", "supplier_service_id"
    )
    refused = set(gone)
    offers = [
        offer
        for offer in Offer.objects.select_related("supplier").filter(
            service_id=order.service_id, is_active=True, supplier__is_active=True
        )
        if (offer.supplier_id, offer.supplier_service_id) not in refused
    ]
    moment = clock.now()
    for offer in offers:
        if offer.supplier.paused_until is None or offer.supplier.paused_until <= moment:
            return offer
    pauses = [offer.supplier.paused_until for offer in offers if offer.supplier.paused_until]
    if pauses:
        # Staff may end a pause early, so nobody sleeps through the whole of a long one.
        lifecycle.postpone(order.pk, OrderState.PAID, until=min(*pauses, moment + LONGEST_SLEEP))
    else:
        lifecycle.hold(order.pk, reason=HoldReason.NO_SUPPLIER, actor=SYSTEM)
    return None


def send(attempt: SupplierAttempt) -> None:
    """Call the supplier for an attempt that is in flight, and record what came of it."""
    order = attempt.order
    try:
        client = client_for(attempt.supplier)
    except UnknownAdapter as error:
        record_not_sent(attempt, message=str(error), actor=SYSTEM)
        return
    job = JobRequest(
        reference=attempt.reference,
        service_id=attempt.supplier_service_id,
        identifier=order.identifier,
        fields={name: str(value) for name, value in order.answers.items()},
    )
    actor = actors.supplier(attempt.supplier.slug)
    try:
        accepted = client.place(job, send_before=attempt.send_before)
    except Retryable as error:
        record_not_sent(attempt, message=str(error), actor=actor)
    except Refused as error:
        record_refused(attempt, code=error.code, message=str(error), actor=actor)
    except OutcomeUnknown as error:
        crash_here("forward.after_unknown")
        record_unknown(attempt, message=str(error), actor=actor)
    else:
        crash_here("forward.after_post_before_commit")
        record_accepted(attempt, accepted.supplier_order_id, actor=actor)
    log_exchanges(attempt, client)


def record_accepted(
    attempt: SupplierAttempt,
    supplier_order_id: str,
    *,
    actor: Actor,
    outcome: AttemptOutcome = AttemptOutcome.ACCEPTED,
) -> None:
    """The supplier has the order. Whatever the shop believed meanwhile, the fact is kept.

    An id that belongs to another order is a conflict for staff; an attempt that was given up before is a late
    surprise: our loss, written down, and never delivered twice.
    """
    with transaction.atomic(durable=True):
        order = lifecycle.lock(attempt.order_id)
        current = SupplierAttempt.objects.select_related("supplier").get(pk=attempt.pk)
        if current.outcome in BOUGHT_OUTCOMES:
            return
        if current.outcome not in {AttemptOutcome.IN_FLIGHT, AttemptOutcome.UNKNOWN}:
            _record_surprise(order, current, supplier_order_id, actor)
            return
        try:
            with transaction.atomic():
                adopt(order, current, supplier_order_id, outcome=outcome, actor=actor)
        except IntegrityError:
            message = f"{current.supplier} answered with id {supplier_order_id}, which belongs to another order"
            _settle_attempt(current, AttemptOutcome.UNKNOWN, message=message)
            lifecycle.hold(order.pk, reason=HoldReason.RESULT_CONFLICT, message=message, actor=actor)


def adopt(
    order: Order, attempt: SupplierAttempt, supplier_order_id: str, *, outcome: AttemptOutcome, actor: Actor
) -> None:
    """Bind the supplier's id to the attempt and start polling, in the caller's transaction.

    Raises ``IntegrityError`` when the id belongs to another attempt.
    """
    SupplierAttempt.objects.filter(pk=attempt.pk).update(
        outcome=outcome, supplier_order_id=supplier_order_id, settled_at=clock.now()
    )
    attempt.refresh_from_db()
    poll_at = clock.now() + timedelta(seconds=attempt.supplier.poll_seconds)
    lifecycle.submitted(order.pk, attempt=attempt, next_poll_at=poll_at, actor=actor)


def record_not_sent(attempt: SupplierAttempt, *, message: str, actor: Actor) -> None:
    """Provably nothing happened. The order goes back and is tried again, later each time."""
    with transaction.atomic(durable=True):
        order = lifecycle.lock(attempt.order_id)
        if not _settle_attempt(attempt, AttemptOutcome.NOT_SENT, message=message):
            return
        if order.state in {OrderState.SUBMITTING, OrderState.UNCERTAIN}:
            lifecycle.back_to_paid(
                order.pk,
                "order.not_sent",
                retry_at=clock.now() + work.backoff(attempt.n),
                actor=actor,
                reference=attempt.reference,
                message=message,
            )


def record_refused(attempt: SupplierAttempt, *, code: str, message: str, actor: Actor) -> None:
    """The supplier said no, so nothing was bought. What next depends on whose fault it is."""
    with transaction.atomic(durable=True):
        order = lifecycle.lock(attempt.order_id)
        if not _settle_attempt(attempt, AttemptOutcome.REFUSED, message=message, reason_code=code):
            return
        if order.state not in {OrderState.SUBMITTING, OrderState.UNCERTAIN}:
            return
        moment = clock.now()
        if code in SUPPLIER_SIDE:
            retry_at = moment + timedelta(seconds=settings.SUPPLIER_PAUSE_SECONDS)
            Supplier.objects.filter(pk=attempt.supplier_id).update(
                paused_until=retry_at, pause_reason=f"{code}: {message}"[:200]
            )
        elif code == RefusalCode.SERVICE_GONE:
            retry_at = moment
        else:
            reason = HoldReason.INPUT_REFUSED if code == RefusalCode.INPUT else HoldReason.SUPPLIER_REFUSED
            lifecycle.hold(order.pk, reason=reason, message=message, actor=actor)
            return
        lifecycle.back_to_paid(
            order.pk,
            "order.not_sent",
            retry_at=retry_at,
            actor=actor,
            reference=attempt.reference,
            message=message,
        )


def record_unknown(attempt: SupplierAttempt, *, message: str, actor: Actor) -> None:
    """Nobody can tell whether it was bought. Wait for the supplier's books to settle, then look."""
    with transaction.atomic(durable=True):
        order = lifecycle.lock(attempt.order_id)
        rows = SupplierAttempt.objects.filter(pk=attempt.pk, outcome=AttemptOutcome.IN_FLIGHT)
        if not rows.update(outcome=AttemptOutcome.UNKNOWN, message=message[:500]):
            return
        if order.state == OrderState.SUBMITTING:
            look_at = clock.now() + timedelta(seconds=attempt.supplier.settle_seconds)
            lifecycle.mark_uncertain(order.pk, attempt=attempt, look_at=look_at, message=message, actor=actor)


def record_lost(order_id: int) -> None:
    """The lease of an order's attempt ran out: its worker is gone, and the call may have been made."""
    attempt = (
        SupplierAttempt.objects.select_related("supplier")
        .filter(order_id=order_id, outcome=AttemptOutcome.IN_FLIGHT, lease_until__lte=clock.database_now())
        .first()
    )
    if attempt is not None:
        record_unknown(attempt, message="the worker was lost", actor=SYSTEM)


def _settle_attempt(attempt: SupplierAttempt, outcome: AttemptOutcome, *, message: str, reason_code: str = "") -> bool:
    """Write the outcome of an attempt that nobody has settled yet."""
    rows = SupplierAttempt.objects.filter(
        pk=attempt.pk, outcome__in=[AttemptOutcome.IN_FLIGHT, AttemptOutcome.UNKNOWN]
    )
    return bool(
        rows.update(outcome=outcome, message=message[:500], reason_code=reason_code[:24], settled_at=clock.now())
    )


def _record_surprise(order: Order, attempt: SupplierAttempt, supplier_order_id: str, actor: Actor) -> None:
    SupplierAttempt.objects.filter(pk=attempt.pk).update(
        is_late_surprise=True, message=f"accepted late as {supplier_order_id}"
    )
    Supplier.objects.filter(pk=attempt.supplier_id).update(absent_is_proof=False)
    events.record(
        order,
        "attempt.late_surprise",
        actor=actor,
        supplier=attempt.supplier.name,
        reference=attempt.reference,
        supplier_order_id=supplier_order_id,
    )
    logger.error("late surprise: %s was bought although given up", attempt.reference)
