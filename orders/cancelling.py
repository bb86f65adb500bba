"""Asking a supplier to drop an order that it has.

The request is a row. Where the protocol can ask, a worker does, outside any transaction; elsewhere, and where its
answer is unclear, staff write to the supplier and record what it answers. The last answer counts, but never against
a result: only an order that has not ended is cancelled, under the lock that results are recorded under too.

An order that was ended while a supplier had it, by a right of its customer's own or at its hard cap, is asked back in
the same way. There the answer only says who bears the cost: what the supplier does not drop is our loss.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from orders import events, lifecycle, replacing
from orders.exchanges import log_exchanges
from orders.models import CancelRequest, Order, SupplierAttempt
from orders.models.mail import MailKind
from orders.states import (
    BOUGHT_OUTCOMES,
    CANCELS_FOR_STAFF,
    OPEN,
    OPEN_CANCELS,
    AttemptOutcome,
    CancelState,
    OrderState,
)
from services.suppliers.base import CancelAnswer, Feature, SupplierClient
from services.suppliers.registry import client_for, features_of
from unlockshop.kernel import actors, clock, work
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError, TransitionRefused
from unlockshop.kernel.work import WorkState

logger = logging.getLogger(__name__)

ASK_TASK: Final = "orders.ask_to_cancel"
ASK_LEASE: Final = timedelta(seconds=120)
TRIES: Final = 8
# Where an order is while a supplier has it.
AT_SUPPLIER: Final = frozenset({OrderState.IN_PROCESS, OrderState.ON_HOLD})
# Or was, when its customer cancelled it.
ASKABLE: Final = AT_SUPPLIER | {OrderState.CANCELLED}
ANSWERS: Final = (CancelState.AGREED, CancelState.REFUSED, CancelState.TOO_LATE)
# The event that tells how a request came to its end.
TOLD: Final = {
    CancelState.AGREED: "supplier.cancel_agreed",
    CancelState.REFUSED: "supplier.cancel_refused",
    CancelState.TOO_LATE: "supplier.cancel_too_late",
    CancelState.ENDED: "supplier.cancel_ended",
}


def may_request(order: Order, live: SupplierAttempt | None) -> bool:
    """Whether a supplier has the order, and is not being asked to drop it."""
    is_there = live is not None and live.outcome in BOUGHT_OUTCOMES and order.state in AT_SUPPLIER
    return is_there and open_request(order) is None


def open_request(order: Order) -> CancelRequest | None:
    """The request that is under way."""
    rows: QuerySet[CancelRequest] = order.cancel_requests.filter(state__in=sorted(OPEN_CANCELS))
    return rows.first()


def request(order_id: int, *, reason: str, actor: Actor) -> CancelRequest:
    """Write down that the supplier is to be asked. Raises ``Refused`` without a reason, or where one is open."""
    if not reason.strip():
        raise Refused("a reason is required", code="reason_required")
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        live = lifecycle.live_attempt(order)
        if live is None or live.outcome not in BOUGHT_OUTCOMES or order.state not in AT_SUPPLIER:
            raise TransitionRefused(f"no supplier is known to have {order}")
        can_ask = Feature.CANCEL in features_of(live.supplier)
        row = CancelRequest(
            order=order,
            attempt=live,
            state=CancelState.TO_ASK if can_ask else CancelState.BY_HAND,
            reason=reason.replace("\x00", "").strip()[:500],
            by_kind=actor.kind,
            by_label=actor.label[:254],
            by_ip=actor.ip,
            work_state=WorkState.QUEUED if can_ask else WorkState.DONE,
            next_action_at=clock.now() if can_ask else None,
        )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            raise Refused("the supplier is being asked already", code="asked_already") from error
        events.record(order, "supplier.cancel_requested", actor=actor, supplier=live.supplier.name, reason=row.reason)
        if can_ask:
            work.ring(ASK_TASK, row.pk)
    return row


def recall(order_id: int, *, reason: str, actor: Actor) -> bool:
    """Ask the supplier to drop an order that the caller's transaction ends without it. Whether that may still save it.

    Only where its protocol can be asked, and it has not said that it is too late; one that is asked already is not
    asked twice.
    """
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        if open_request(order) is not None:
            return True
        live = lifecycle.live_attempt(order)
        if not may_request(order, live) or live is None or Feature.CANCEL not in features_of(live.supplier):
            return False
        if order.cancel_requests.filter(attempt=live, state=CancelState.TOO_LATE).exists():
            return False
        request(order_id, reason=reason, actor=actor)
    return True


def ask(request_id: int) -> None:
    """Ask the supplier, if it is time. Safe to call any number of times at once.

    A worker lost after ``asked_at`` was written may have asked: then nobody can tell the answer, and it is not asked
    again, because "too late" to a second question may mean that the first was granted.
    """
    row = work.claim(CancelRequest, request_id, lease=ASK_LEASE)
    if row is None:
        return
    with work.guarded(row, cap=TRIES):
        if row.state != CancelState.TO_ASK:
            work.finish(row)
        elif row.asked_at is not None:
            _unclear(row, "the worker was lost")
        else:
            _ask(row)


def _ask(row: CancelRequest) -> None:
    attempt = SupplierAttempt.objects.select_related("supplier", "order").get(pk=row.attempt_id)
    supplier = attempt.supplier
    if attempt.order.state not in ASKABLE or attempt.outcome not in BOUGHT_OUTCOMES:
        close_ended()
        return
    if not CancelRequest.objects.filter(pk=row.pk, lease_token=row.lease_token).update(asked_at=clock.now()):
        return
    crash_here("cancel.before_call")
    client: SupplierClient | None = None
    try:
        client = client_for(supplier)
        if Feature.CANCEL not in client.features:
            _by_hand(row, "its protocol cannot cancel")
            return
        answer = client.cancel(str(attempt.supplier_order_id))
        crash_here("cancel.after_call_before_commit")
    except OutcomeUnknown as error:
        _unclear(row, str(error))
        return
    except Refused as error:
        _by_hand(row, str(error))
        return
    except Retryable as error:
        _again(row, error)
        return
    finally:
        if client is not None:
            log_exchanges([(attempt, exchange) for exchange in client.exchanges])
    actor = actors.supplier(supplier.slug)
    if answer == CancelAnswer.ASKED:
        _move(row, CancelState.ASKED, "supplier.cancel_asked", actor=actor)
        return
    told = CancelState.AGREED if answer == CancelAnswer.CANCELLED else CancelState.TOO_LATE
    with suppress(TransitionRefused):  # the order ended, and the sweep has closed the request
        settle(row.pk, told, message="", actor=actor)


def settle(request_id: int, answer: CancelState, *, message: str, actor: Actor) -> CancelState:
    """Write down what the supplier answered; an agreement cancels the order. Returns what the request became.

    Where a correction waits for it, an agreement puts the replacement in the order's place in the same act.

    A request that is closed takes a later answer too, unless the order has ended meanwhile: then an agreement is too
    late. Raises ``TransitionRefused`` for anything else that comes after the end.
    """
    if answer not in ANSWERS:
        raise TransitionRefused(f"{answer} is no answer")
    with transaction.atomic():
        row = CancelRequest.objects.select_related("attempt__supplier").get(pk=request_id)
        order = lifecycle.lock(row.order_id)
        row.refresh_from_db(fields=["state"])
        wanted = replacing.open_correction(row)
        supplier = row.attempt.supplier
        if order.state == OrderState.CANCELLED and row.state in OPEN_CANCELS and _has_it(row):
            _settle_recall(order, row, answer, message=message, actor=actor)
            if wanted is not None:  # the order was ended while its correction was asked for
                replacing.turn_down(wanted, CancelState.ENDED, actor=actor)
            return answer
        if order.state not in AT_SUPPLIER or not _has_it(row):
            if row.state not in OPEN_CANCELS:
                raise TransitionRefused(f"{order} has ended: it is {order.get_state_display()}")
            answer = CancelState.TOO_LATE if order.state == OrderState.COMPLETED else CancelState.ENDED
        _close(row, answer, message)
        events.record(order, TOLD[answer], actor=actor, supplier=supplier.name, message=message)
        if answer == CancelState.AGREED:
            mail = MailKind.CANCELLED if wanted is None else None
            lifecycle.cancel_agreed(order.pk, supplier_name=supplier.name, actor=actor, mail=mail)
            if wanted is not None:
                replacing.replace(wanted, actor=actor)
        elif wanted is not None:
            replacing.turn_down(wanted, answer, actor=actor)
    return answer


def _settle_recall(order: Order, row: CancelRequest, answer: CancelState, *, message: str, actor: Actor) -> None:
    """The order has been cancelled already. Dropped, it costs nothing; else what was paid for it is lost."""
    _close(row, answer, message)
    is_dropped = answer == CancelState.AGREED
    changes = {"outcome": AttemptOutcome.REJECTED} if is_dropped else {"is_late_surprise": True}
    SupplierAttempt.objects.filter(pk=row.attempt_id).update(**changes)
    kind = "supplier.recall_agreed" if is_dropped else "supplier.recall_lost"
    events.record(order, kind, actor=actor, supplier=row.attempt.supplier.name, message=message)


def write_down(request_id: int, *, note: str, actor: Actor) -> None:
    """Staff wrote to the supplier: when, and how. Raises ``TransitionRefused`` once the request is closed."""
    if not note.strip():
        raise Refused("say how the supplier was asked", code="note_required")
    with transaction.atomic():
        row = CancelRequest.objects.select_related("attempt__supplier").get(pk=request_id)
        order = lifecycle.lock(row.order_id)
        text = note.replace("\x00", "").strip()[:500]
        rows = CancelRequest.objects.filter(pk=row.pk, state__in=sorted(CANCELS_FOR_STAFF))
        if not rows.update(written_at=clock.now(), written_note=text):
            raise TransitionRefused("this request is not for staff to carry on")
        events.record(order, "supplier.cancel_written", actor=actor, supplier=row.attempt.supplier.name, message=text)


def close_ended(*, limit: int = work.SWEEP_LIMIT) -> int:
    """Close requests whose orders ended, or left this attempt, in another way; returns how many. For the sweep."""
    rows = CancelRequest.objects.filter(state__in=sorted(OPEN_CANCELS)).exclude(
        order__state__in=sorted({*OPEN, OrderState.CANCELLED}), attempt__outcome__in=sorted(BOUGHT_OUTCOMES)
    )
    found = list(rows.values_list("pk", flat=True)[:limit])
    for request_id in found:
        settle(request_id, CancelState.TOO_LATE, message="", actor=SYSTEM)
    return len(found)


def for_staff() -> QuerySet[CancelRequest]:
    """Requests that a person must carry on, oldest first."""
    return CancelRequest.objects.filter(state__in=sorted(CANCELS_FOR_STAFF)).order_by("created_at")


def _has_it(row: CancelRequest) -> bool:
    return SupplierAttempt.objects.filter(pk=row.attempt_id, outcome__in=sorted(BOUGHT_OUTCOMES)).exists()


def _close(row: CancelRequest, state: CancelState, message: str) -> None:
    CancelRequest.objects.filter(pk=row.pk).update(
        state=CancelState(state),
        answer=message.replace("\x00", "")[:500],
        answered_at=clock.now(),
        work_state=WorkState.DONE,
        next_action_at=None,
        lease_token="",
        lease_until=None,
    )


def _again(row: CancelRequest, error: ShopError) -> None:
    """It was provably not asked: later again, and by hand once that was in vain too often."""
    if row.attempts >= TRIES:
        _by_hand(row, str(error))
        return
    CancelRequest.objects.filter(pk=row.pk, lease_token=row.lease_token).update(asked_at=None)
    work.retry_or_give_up(row, str(error), cap=TRIES)


def _unclear(row: CancelRequest, message: str) -> None:
    _move(row, CancelState.UNCLEAR, "supplier.cancel_unclear", actor=SYSTEM, message=message)


def _by_hand(row: CancelRequest, message: str) -> None:
    _move(row, CancelState.BY_HAND, "supplier.cancel_by_hand", actor=SYSTEM, message=message)


def _move(row: CancelRequest, state: CancelState, kind: str, *, actor: Actor, **data: Any) -> None:
    """The worker's part is done; the request stays open in ``state``, for staff to carry on."""
    with transaction.atomic():
        order = lifecycle.lock(row.order_id)
        if not CancelRequest.objects.filter(pk=row.pk, lease_token=row.lease_token, state=CancelState.TO_ASK).exists():
            return
        work.finish(row, state=state)
        supplier = SupplierAttempt.objects.select_related("supplier").get(pk=row.attempt_id).supplier
        events.record(order, kind, actor=actor, supplier=supplier.name, **data)
