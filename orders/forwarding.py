"""Buying a paid order at a supplier, once.

``begin`` commits a SupplierAttempt before anything is sent; ``send`` calls the supplier outside any transaction;
``record_*`` writes what came of it. A call that may have had effect leaves the order ``uncertain``, and only
evidence or a person moves it on (``orders.resolving``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, CharField, Value, When

from orders import counting, events, lifecycle, routing
from orders.exchanges import log_exchanges
from orders.models import Order, SupplierAttempt
from orders.routing import Hold, Wait
from orders.states import BOUGHT_OUTCOMES, AttemptOutcome, HoldReason, OrderState
from services import balances, breaking, proving
from services.models import Capability, Offer
from services.models.health import Trouble
from services.suppliers.base import SUPPLIER_SIDE, Exchange, JobAccepted, JobRequest, RefusalCode
from services.suppliers.registry import UnknownAdapter, client_for
from unlockshop.kernel import actors, clock, work
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, TransitionRefused

logger = logging.getLogger(__name__)

SEND_WITHIN: Final = timedelta(seconds=15)


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
        tried = routing.tried_for([order])[order_id]
        found = routing.route_now(order, tried, moment)
        if isinstance(found, Offer):
            attempt = new_attempt(order, found, n=tried.count + 1, moment=moment)
            try:
                with transaction.atomic():
                    if passes_breaker(attempt):
                        attempt.save(force_insert=True)
                        lifecycle.start_submitting(order_id, attempt=attempt, actor=SYSTEM)
                        return attempt
            except IntegrityError:  # an equal order was sent at this very moment
                lifecycle.hold(order_id, reason=HoldReason.SAME_DEVICE, actor=SYSTEM)
                return None
            found = routing.route_now(order, tried, moment)  # another order is the trial
        if isinstance(found, Wait):
            lifecycle.postpone(order_id, OrderState.PAID, until=found.until)
            if found.short is not None:
                balances.ran_short(found.short.supplier_id, found.short.cost, found.short.cost_currency)
        elif isinstance(found, Hold):
            lifecycle.hold(order_id, reason=found.reason, message=found.message, actor=SYSTEM)
        return None


def passes_breaker(attempt: SupplierAttempt) -> bool:
    """Whether the attempt may be made as far as its supplier's breaker goes; takes the one trial if it must."""
    return breaking.admits(
        attempt.supplier, attempt.reference, moment=attempt.created_at, lease_until=attempt.lease_until
    )


def new_attempt(order: Order, offer: Offer, *, n: int, moment: datetime) -> SupplierAttempt:
    """The unsaved ``n``-th attempt to buy the order, at this offer; times count from ``moment``."""
    return SupplierAttempt(
        order=order,
        n=n,
        supplier=offer.supplier,
        supplier_service_id=offer.supplier_service_id,
        cost=offer.cost,
        cost_currency=offer.cost_currency,
        reference=f"{order.number}-{n}",
        work_key=routing.work_key(order),
        created_at=moment,
        send_before=moment + SEND_WITHIN,
        lease_until=moment + timedelta(seconds=settings.SUPPLIER_LEASE_SECONDS),
    )


@dataclass(frozen=True, slots=True)
class Call:
    """What a call to a supplier came to, and what was said."""

    answer: JobAccepted | Retryable | Refused | OutcomeUnknown
    exchanges: Sequence[Exchange]


def send(attempt: SupplierAttempt) -> None:
    """Call the supplier for an attempt that is in flight, and record what came of it."""
    made = call(attempt)
    if isinstance(made.answer, JobAccepted):
        crash_here("forward.after_post_before_commit")
    record(attempt, made.answer)
    log_exchanges([(attempt, exchange) for exchange in made.exchanges])
    counting.placed([(attempt, made)])


def call(attempt: SupplierAttempt) -> Call:
    """Place the order. The database is not touched, so any thread may do it; order and supplier are loaded."""
    order = attempt.order
    job = JobRequest(
        reference=attempt.reference,
        service_id=attempt.supplier_service_id,
        identifier=order.identifier,
        fields={name: str(value) for name, value in order.answers.items()},
    )
    try:
        client = client_for(attempt.supplier)
    except UnknownAdapter as error:
        return Call(error, [])
    try:
        return Call(client.place(job, send_before=attempt.send_before), client.exchanges)
    except (Retryable, Refused, OutcomeUnknown) as error:
        return Call(error, client.exchanges)
    except Exception as error:  # an adapter's bug proves nothing about what the supplier heard
        logger.exception("unforeseen error while placing %s", attempt.reference)
        return Call(OutcomeUnknown(f"unforeseen {type(error).__name__}"), client.exchanges)


def record(attempt: SupplierAttempt, answer: JobAccepted | Retryable | Refused | OutcomeUnknown) -> None:
    """Write down what came of one call."""
    actor = actors.supplier(attempt.supplier.slug)
    if isinstance(answer, JobAccepted):
        record_accepted(attempt, answer.supplier_order_id, actor=actor)
    elif isinstance(answer, Refused):
        record_refused(attempt, code=answer.code, message=str(answer), actor=actor)
    elif isinstance(answer, Retryable):
        record_not_sent(attempt, message=str(answer), actor=actor)
    else:
        crash_here("forward.after_unknown")
        record_unknown(attempt, message=str(answer), actor=actor)


def record_accepted_many(accepted: Sequence[tuple[SupplierAttempt, JobAccepted]]) -> None:
    """``record_accepted`` for a batch in which all is as it should be; otherwise nothing is written.

    Raises ``TransitionRefused`` when an attempt or its order has moved on meanwhile, ``IntegrityError`` when an id
    belongs to another order.
    """
    moment = clock.now()
    ids = {attempt.pk: answer.supplier_order_id for attempt, answer in accepted}
    with transaction.atomic(durable=True):
        rows = Order.objects.select_for_update(of=("self",)).filter(supplier_attempts__in=ids)
        list(rows.order_by("pk").values_list("pk"))  # locked, in one order everywhere
        whens = [When(pk=pk, then=Value(supplier_order_id)) for pk, supplier_order_id in ids.items()]
        if SupplierAttempt.objects.filter(pk__in=ids, outcome=AttemptOutcome.IN_FLIGHT).update(
            outcome=AttemptOutcome.ACCEPTED,
            settled_at=moment,
            supplier_order_id=Case(*whens, output_field=CharField()),
        ) != len(ids):
            raise TransitionRefused("an attempt of the batch was settled meanwhile")
        polls = []
        for attempt, answer in accepted:
            attempt.outcome = AttemptOutcome.ACCEPTED
            attempt.supplier_order_id = answer.supplier_order_id
            polls.append((attempt, moment + timedelta(seconds=attempt.supplier.poll_seconds)))
        lifecycle.submitted_many(polls)


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
        breaking.failed(attempt.supplier_id, attempt.reference, trouble=Trouble.UNREACHABLE, message=message)
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
        breaking.refused(attempt.supplier_id, attempt.reference, code=code, message=message)
        if code == RefusalCode.FUNDS:
            balances.ran_short(attempt.supplier_id, attempt.cost, attempt.cost_currency)
        if order.state not in {OrderState.SUBMITTING, OrderState.UNCERTAIN}:
            return
        if code not in SUPPLIER_SIDE and code != RefusalCode.SERVICE_GONE:
            reason = HoldReason.INPUT_REFUSED if code == RefusalCode.INPUT else HoldReason.SUPPLIER_REFUSED
            lifecycle.hold(order.pk, reason=reason, message=message, actor=actor)
            return
        lifecycle.back_to_paid(
            order.pk,
            "order.not_sent",
            retry_at=clock.now(),  # to the next supplier; without one it waits for the breaker
            actor=actor,
            reference=attempt.reference,
            message=message,
        )


def record_unknown(attempt: SupplierAttempt, *, message: str, actor: Actor, is_lost: bool = False) -> None:
    """Nobody can tell whether it was bought. Wait for the supplier's books to settle, then look."""
    with transaction.atomic(durable=True):
        order = lifecycle.lock(attempt.order_id)
        rows = SupplierAttempt.objects.filter(pk=attempt.pk, outcome=AttemptOutcome.IN_FLIGHT)
        if not rows.update(outcome=AttemptOutcome.UNKNOWN, message=_storable(message)):
            return
        if is_lost:
            breaking.trial_lost(attempt.supplier_id, attempt.reference)
        else:
            breaking.failed(attempt.supplier_id, attempt.reference, trouble=Trouble.UNCLEAR, message=message)
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
        record_unknown(attempt, message="the worker was lost", actor=SYSTEM, is_lost=True)


def _settle_attempt(attempt: SupplierAttempt, outcome: AttemptOutcome, *, message: str, reason_code: str = "") -> bool:
    """Write the outcome of an attempt that nobody has settled yet."""
    rows = SupplierAttempt.objects.filter(
        pk=attempt.pk, outcome__in=[AttemptOutcome.IN_FLIGHT, AttemptOutcome.UNKNOWN]
    )
    changes = {"outcome": outcome, "message": _storable(message), "reason_code": _storable(reason_code)[:24]}
    return bool(rows.update(**changes, settled_at=clock.now()))


def _storable(message: str) -> str:
    """PostgreSQL cannot store the NUL character."""
    return message.replace("\x00", "")[:500]


def _record_surprise(order: Order, attempt: SupplierAttempt, supplier_order_id: str, actor: Actor) -> None:
    """Our loss, once: payments pulls it into the books. What the giving up rested on is refuted."""
    if attempt.is_late_surprise:
        return
    message = f"accepted late as {supplier_order_id}"
    rows = SupplierAttempt.objects.filter(pk=attempt.pk)
    rows.update(is_late_surprise=True, message=message[:500])
    with suppress(IntegrityError), transaction.atomic():  # an id of another order stays that order's
        rows.filter(supplier_order_id=None).update(supplier_order_id=supplier_order_id)
    for capability in (Capability.ABSENT_IS_PROOF, Capability.REFUSES_DUPLICATES):
        proving.refute(attempt.supplier_id, capability, f"{attempt.reference} was given up and then {message}")
    events.record(
        order,
        "attempt.late_surprise",
        actor=actor,
        supplier=attempt.supplier.name,
        reference=attempt.reference,
        supplier_order_id=supplier_order_id,
    )
    logger.error("late surprise: %s was bought although given up", attempt.reference)
