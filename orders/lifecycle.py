"""One function per transition: the only writer of ``Order.state``.

Each locks the row, checks the table, updates it on condition that the state is still the old one, writes the event
and the effect rows, all in the caller's transaction or one of its own. The same target again changes nothing;
a forbidden move raises ``TransitionRefused``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final

from django.db import transaction

from orders import events, mailing
from orders.models import Order, SupplierAttempt
from orders.models.mail import MailKind
from orders.states import BOUGHT_OUTCOMES, LIVE_OUTCOMES, OPEN, AttemptOutcome, HoldReason, OrderState, is_legal
from services.suppliers.plain_text import MAX_CHARS, to_plain_text
from unlockshop.kernel import clock, work
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused, TransitionRefused

STAFF_DUE: Final = timedelta(hours=24)
ADVANCE_TASK: Final = "orders.advance_order"
# How staff may end an order on hold without a result: the event that says so and the mail that goes out.
ENDS_BY_HAND: Final[Mapping[OrderState, tuple[str, MailKind]]] = {
    OrderState.UNAVAILABLE: ("order.ended_by_hand_unavailable", MailKind.UNAVAILABLE),
    OrderState.NOT_FOUND: ("order.ended_by_hand_not_found", MailKind.NOT_FOUND),
}


def lock(order_id: int) -> Order:
    """The order, its row locked until the transaction ends (on SQLite the whole database is)."""
    return Order.objects.select_for_update(of=("self",)).select_related("purchase").get(pk=order_id)


def mark_paid(order_id: int, *, actor: Actor, at: datetime) -> Order:
    """awaiting_payment -> paid. Forwarding may start at once; a worker is rung."""
    return _move(
        order_id,
        OrderState.PAID,
        "order.paid",
        actor=actor,
        from_states={OrderState.AWAITING_PAYMENT},
        changes={"paid_at": at, "next_action_at": at, "forward_after": at},
        describe=lambda order: {"amount": order.money},
    )


def expire(order_id: int, *, actor: Actor) -> Order:
    """awaiting_payment -> expired."""
    return _move(order_id, OrderState.EXPIRED, "order.expired", actor=actor)


def start_submitting(order_id: int, *, attempt: SupplierAttempt, actor: Actor) -> Order:
    """paid -> submitting, with the attempt that was written in the same transaction."""
    return _move(
        order_id,
        OrderState.SUBMITTING,
        "order.submitting",
        actor=actor,
        changes={"next_action_at": attempt.lease_until},
        data={"reference": attempt.reference, "supplier": attempt.supplier.name},
        ring=False,
    )


def submitted(order_id: int, *, attempt: SupplierAttempt, next_poll_at: datetime, actor: Actor) -> Order:
    """submitting | uncertain | on_hold -> in_process: the supplier has the order."""
    kind = "order.adopted" if attempt.outcome == AttemptOutcome.ADOPTED else "order.submitted"
    return _move(
        order_id,
        OrderState.IN_PROCESS,
        kind,
        actor=actor,
        changes={"next_action_at": next_poll_at, "polls": 0},
        data={
            "reference": attempt.reference,
            "supplier": attempt.supplier.name,
            "supplier_order_id": attempt.supplier_order_id,
        },
        ring=False,
    )


def back_to_paid(order_id: int, kind: str, *, retry_at: datetime, actor: Actor, **data: Any) -> Order:
    """submitting | uncertain | on_hold -> paid: provably nothing was bought; forwarded again at ``retry_at``."""
    return _move(
        order_id,
        OrderState.PAID,
        kind,
        actor=actor,
        from_states={OrderState.SUBMITTING, OrderState.UNCERTAIN, OrderState.ON_HOLD},
        changes={"next_action_at": retry_at},
        data=data,
    )


def resubmit(order_id: int, *, reason: str, actor: Actor) -> Order:
    """unavailable | not_found -> paid: staff send the order once more. Needs a reason."""
    _need_reason(reason)
    return _move(
        order_id,
        OrderState.PAID,
        "order.resubmitted",
        actor=actor,
        from_states={OrderState.UNAVAILABLE, OrderState.NOT_FOUND},
        changes={"next_action_at": clock.now(), "ended_at": None, "supplier_note": ""},
        data={"reason": reason},
    )


def mark_uncertain(order_id: int, *, attempt: SupplierAttempt, look_at: datetime, message: str, actor: Actor) -> Order:
    """submitting -> uncertain: the attempt may have had effect. It is looked for from ``look_at`` on."""
    return _move(
        order_id,
        OrderState.UNCERTAIN,
        "order.uncertain",
        actor=actor,
        changes={"next_action_at": look_at},
        data={"reference": attempt.reference, "message": message},
        ring=False,
    )


def hold(order_id: int, *, reason: HoldReason, message: str = "", actor: Actor) -> Order:
    """paid | submitting | uncertain | in_process -> on_hold, owned by staff and due in 24 hours.

    Refused while an attempt is being sent: what comes of it must be written down first.
    """
    with transaction.atomic():
        order = lock(order_id)
        live = live_attempt(order)
        if live and live.outcome == AttemptOutcome.IN_FLIGHT:
            raise TransitionRefused(f"{live.reference} is being sent to the supplier at this moment")
        return _move(
            order_id,
            OrderState.ON_HOLD,
            "order.held",
            actor=actor,
            changes={
                "next_action_at": None,
                "hold_reason": reason,
                "owner": "staff",
                "owner_due_at": clock.now() + STAFF_DUE,
            },
            data={"reason": reason.label, "message": message},
        )


def resume(order_id: int, *, reason: str, actor: Actor) -> Order:
    """on_hold -> paid, or back to in_process where the supplier has it. Needs a reason.

    Refused while an attempt's outcome is unknown: somebody must say first whether it was bought.
    """
    _need_reason(reason)
    with transaction.atomic():
        live = _live_of_held(order_id)
        target = OrderState.IN_PROCESS if live else OrderState.PAID
        return _move(
            order_id,
            target,
            "order.resumed",
            actor=actor,
            changes={"next_action_at": clock.now(), "polls": 0},
            data={"reason": reason},
        )


def complete(order_id: int, *, result: str, supplier_name: str, actor: Actor) -> Order:
    """in_process -> completed, with the result and the mail that carries it."""
    if not result.strip():
        raise Refused("a completed order needs a result", code="empty_result")
    return _move(
        order_id,
        OrderState.COMPLETED,
        "order.completed",
        actor=actor,
        from_states={OrderState.IN_PROCESS},
        changes={"result": result},
        data={"supplier": supplier_name},
        mail=MailKind.COMPLETED,
    )


def mark_unavailable(order_id: int, *, note: str, supplier_name: str, actor: Actor) -> Order:
    """in_process -> unavailable: the supplier cannot deliver. ``note`` is its reason, plain text."""
    return _move_rejected(
        order_id,
        OrderState.UNAVAILABLE,
        "order.unavailable",
        actor=actor,
        from_states={OrderState.IN_PROCESS},
        changes={"supplier_note": note},
        data={"supplier": supplier_name, "message": note},
        mail=MailKind.UNAVAILABLE,
    )


def mark_not_found(order_id: int, *, note: str, supplier_name: str, actor: Actor) -> Order:
    """in_process -> not_found: the device is not in the supplier's records."""
    return _move_rejected(
        order_id,
        OrderState.NOT_FOUND,
        "order.not_found",
        actor=actor,
        from_states={OrderState.IN_PROCESS},
        changes={"supplier_note": note},
        data={"supplier": supplier_name, "message": note},
        mail=MailKind.NOT_FOUND,
    )


def deliver_by_hand(order_id: int, *, result: str, evidence: str, actor: Actor) -> Order:
    """on_hold -> completed, with a result that staff typed and the mail that carries it. Needs evidence.

    Refused while an attempt's outcome is unknown. Any state but on hold is refused, completed too: what was typed
    would be lost without a word.
    """
    _need_evidence(evidence)
    if len(result.strip()) > MAX_CHARS:
        raise Refused(f"a result has at most {MAX_CHARS:,} characters", code="result_too_long")
    text = typed(result)
    if not text:
        raise Refused("a completed order needs a result", code="empty_result")
    with transaction.atomic():
        _live_of_held(order_id)
        return _move(
            order_id,
            OrderState.COMPLETED,
            "order.delivered_by_hand",
            actor=actor,
            from_states={OrderState.ON_HOLD},
            changes={"result": text},
            data={"evidence": evidence},
            mail=MailKind.COMPLETED,
        )


def end_by_hand(order_id: int, target: OrderState, *, note: str, evidence: str, actor: Actor) -> Order:
    """on_hold -> unavailable | not_found, said by staff. Needs evidence. The customer reads ``note``.

    Refused while an attempt's outcome is unknown, for any other target, and in any state but on hold.
    """
    _need_evidence(evidence)
    if target not in ENDS_BY_HAND:
        raise TransitionRefused(f"staff cannot end an order as {target}")
    kind, mail = ENDS_BY_HAND[target]
    text = typed(note)
    with transaction.atomic():
        _live_of_held(order_id)
        return _move_rejected(
            order_id,
            target,
            kind,
            actor=actor,
            from_states={OrderState.ON_HOLD},
            changes={"supplier_note": text},
            data={"evidence": evidence, "message": text},
            mail=mail,
        )


def typed(text: str) -> str:
    """What staff typed or pasted, as clean as a supplier's text. It is no HTML: a lone ``<`` or ``&`` stays."""
    return to_plain_text(escape(text, quote=False))


def _move_rejected(order_id: int, target: OrderState, kind: str, **details: Any) -> Order:
    """The order has ended without a result, so its attempt is alive no more."""
    with transaction.atomic():
        order = _move(order_id, target, kind, **details)
        order.supplier_attempts.filter(outcome__in=BOUGHT_OUTCOMES).update(outcome=AttemptOutcome.REJECTED)
    return order


def cancel(order_id: int, *, reason: str, actor: Actor) -> Order:
    """paid | on_hold -> cancelled. Needs a reason. Refused while the order may be alive at a supplier."""
    _need_reason(reason)
    with transaction.atomic():
        order = lock(order_id)
        if order.state != OrderState.CANCELLED and live_attempt(order):
            raise TransitionRefused(f"{order} may be alive at a supplier")
        return _move(
            order_id,
            OrderState.CANCELLED,
            "order.cancelled",
            actor=actor,
            from_states={OrderState.PAID, OrderState.ON_HOLD},
            data={"reason": reason},
            mail=MailKind.CANCELLED,
        )


def take_turn(order_id: int, state: OrderState, *, seconds: int) -> bool:
    """Claim the next action of an order that is due in ``state``, for ``seconds``; False when it is not due.

    The claim pushes ``next_action_at`` into the future: a worker that dies leaves the order due again by itself.
    """
    moment = clock.database_now()
    rows = Order.objects.filter(pk=order_id, state=state, next_action_at__lte=moment)
    return rows.update(next_action_at=moment + timedelta(seconds=seconds)) == 1


def postpone(order_id: int, state: OrderState, *, until: datetime, **changes: Any) -> bool:
    """Set when an order in ``state`` is due next. False when it has left that state."""
    return Order.objects.filter(pk=order_id, state=state).update(next_action_at=until, **changes) == 1


def live_attempt(order: Order) -> SupplierAttempt | None:
    """The attempt that has bought the order, or may have; None when nothing is at a supplier."""
    return order.supplier_attempts.select_related("supplier").filter(outcome__in=LIVE_OUTCOMES).first()


def _live_of_held(order_id: int) -> SupplierAttempt | None:
    """The live attempt of an order on hold, its row locked. Refused where nobody knows yet what became of it."""
    order = lock(order_id)
    if order.state != OrderState.ON_HOLD:
        raise TransitionRefused(f"{order} is {order.state}, not on hold")
    live = live_attempt(order)
    if live and live.outcome in {AttemptOutcome.UNKNOWN, AttemptOutcome.IN_FLIGHT}:
        raise TransitionRefused(f"say first whether {live.reference} was bought")
    return live


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused("a reason is required", code="reason_required")


def _need_evidence(evidence: str) -> None:
    if not evidence.strip():
        raise Refused("your evidence is required", code="evidence_required")


def _move(
    order_id: int,
    target: OrderState,
    kind: str,
    *,
    actor: Actor,
    from_states: set[OrderState] | None = None,
    changes: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    describe: Callable[[Order], dict[str, Any]] | None = None,
    mail: MailKind | None = None,
    ring: bool = True,
) -> Order:
    with transaction.atomic():
        order = lock(order_id)
        old = OrderState(order.state)
        if old == target:
            return order
        if not is_legal(old, target) or (from_states is not None and old not in from_states):
            raise TransitionRefused(f"{order} cannot go from {old} to {target}")
        moment = clock.now()
        columns: dict[str, Any] = {"state": target, "state_changed_at": moment}
        columns.update({name: _storable(value) for name, value in (changes or {}).items()})
        if target not in OPEN:
            columns.update(next_action_at=None, ended_at=moment)
        if target != OrderState.ON_HOLD:
            columns.update(hold_reason="", owner="", owner_due_at=None)
        if Order.objects.filter(pk=order_id, state=old).update(**columns) != 1:
            raise TransitionRefused(f"{order} left {old} meanwhile")
        for name, value in columns.items():
            setattr(order, name, value)
        details = {**(data or {}), **(describe(order) if describe else {})}
        events.record(order, kind, actor=actor, from_state=old, to_state=target, **details)
        if mail is not None:
            mailing.queue_for_order(order, mail)
        if ring and order.next_action_at is not None and order.next_action_at <= moment:
            work.ring(ADVANCE_TASK, order.pk)
        return order


def _storable(value: Any) -> Any:
    """PostgreSQL cannot store the NUL character."""
    return value.replace("\x00", "") if isinstance(value, str) else value
