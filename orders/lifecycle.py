"""One function per transition: the only caller of ``orders.moving``, which alone writes ``Order.state``.

Each works in the caller's transaction or one of its own. The same target again changes nothing; a forbidden move
raises ``TransitionRefused``. The ``*_many`` ones move a whole batch or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from orders import clocks, days_off, giving_back, turnaround
from orders.models import Order, SupplierAttempt
from orders.models.mail import MailKind
from orders.moving import ADVANCE_TASK, Step, lock, move, move_many
from orders.states import BOUGHT_OUTCOMES, LIVE_OUTCOMES, OPEN_CANCELS, AttemptOutcome, HoldReason, OrderState
from services.models import Offer
from services.suppliers.plain_text import MAX_CHARS, to_plain_text
from unlockshop.kernel import actors, clock, work
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.errors import Refused, TransitionRefused

STAFF_DUE: Final = timedelta(hours=24)
# How staff may end an order on hold without a result: the event that says so and the mail that goes out.
ENDS_BY_HAND: Final[Mapping[OrderState, tuple[str, MailKind]]] = {
    OrderState.UNAVAILABLE: ("order.ended_by_hand_unavailable", MailKind.UNAVAILABLE),
    OrderState.NOT_FOUND: ("order.ended_by_hand_not_found", MailKind.NOT_FOUND),
}


def mark_paid(order_id: int, *, actor: Actor, at: datetime, kind: str = "order.paid") -> Order:
    """awaiting_payment -> paid. Forwarding may start once the order's hold is over; without one a worker is rung."""
    # What the clocks rest on is frozen at checkout, so it needs no lock.
    promised = Order.objects.defer("result").get(pk=order_id)
    promised.days_off = days_off.ahead([promised.calendar], at)[promised.calendar] or None
    return move(
        order_id,
        OrderState.PAID,
        kind,
        actor=actor,
        from_states={OrderState.AWAITING_PAYMENT},
        changes=_paid_columns(promised, at),
        describe=lambda order: {"amount": order.money},
    )


def mark_paid_many(orders: Sequence[Order], *, actor: Actor, at: datetime) -> None:
    """``mark_paid`` for the locked, unpaid orders of a purchase, free ones among them: all or none."""
    alike: dict[tuple[Any, ...], list[Order]] = {}
    off = days_off.ahead({order.calendar for order in orders}, at)
    for order in orders:
        order.days_off = tuple(off[order.calendar]) or None
        columns = _paid_columns(order, at)
        alike.setdefault(("order.paid" if order.price else "order.free", *columns.items()), []).append(order)
    for (kind, *pairs), those in alike.items():
        columns = dict(pairs)
        due = columns.pop("next_action_at")
        steps = [Step(order, due, actor, {"amount": order.money}) for order in those]
        move_many(steps, OrderState.AWAITING_PAYMENT, OrderState.PAID, kind, **columns)
        if due <= clock.now():
            for order in those:
                work.ring(ADVANCE_TASK, order.pk)


def _paid_columns(order: Order, at: datetime) -> dict[str, Any]:
    """The columns of an order that is paid at ``at``: held back first where its terms say so, and its clocks."""
    held = timedelta(seconds=order.hold_seconds)
    return {
        "paid_at": at,
        "next_action_at": at + held,
        "forward_after": at + held,
        "days_off": order.days_off,
        **clocks.started(order, at, held=held),
    }


def expire(order_id: int, *, actor: Actor) -> Order:
    """awaiting_payment -> expired."""
    return move(order_id, OrderState.EXPIRED, "order.expired", actor=actor)


def start_submitting(order_id: int, *, attempt: SupplierAttempt, actor: Actor) -> Order:
    """paid -> submitting, with the attempt that was written in the same transaction."""
    return move(
        order_id,
        OrderState.SUBMITTING,
        "order.submitting",
        actor=actor,
        changes={"next_action_at": attempt.lease_until},
        data=_attempt_data(attempt),
        ring=False,
    )


def submitted(order_id: int, *, attempt: SupplierAttempt, next_poll_at: datetime, actor: Actor) -> Order:
    """submitting | uncertain | on_hold -> in_process: the supplier has the order."""
    kind = "order.adopted" if attempt.outcome == AttemptOutcome.ADOPTED else "order.submitted"
    return move(
        order_id,
        OrderState.IN_PROCESS,
        kind,
        actor=actor,
        changes={"next_action_at": next_poll_at, "polls": 0},
        data={**_attempt_data(attempt), "supplier_order_id": attempt.supplier_order_id},
        ring=False,
    )


def start_submitting_many(attempts: Sequence[SupplierAttempt], *, actor: Actor) -> None:
    """``start_submitting`` for a batch of locked orders: all or none."""
    steps = [Step(attempt.order, attempt.lease_until, actor, _attempt_data(attempt)) for attempt in attempts]
    move_many(steps, OrderState.PAID, OrderState.SUBMITTING, "order.submitting")


def submitted_many(accepted: Sequence[tuple[SupplierAttempt, datetime]]) -> None:
    """``submitted`` for a batch of locked orders that are being submitted, with when to poll each: all or none."""
    steps = [
        Step(
            attempt.order,
            next_poll_at,
            actors.supplier(attempt.supplier.slug),
            {**_attempt_data(attempt), "supplier_order_id": attempt.supplier_order_id},
        )
        for attempt, next_poll_at in accepted
    ]
    move_many(steps, OrderState.SUBMITTING, OrderState.IN_PROCESS, "order.submitted", polls=0)


def _attempt_data(attempt: SupplierAttempt) -> dict[str, Any]:
    return {"reference": attempt.reference, "supplier": attempt.supplier.name}


def back_to_paid(order_id: int, kind: str, *, retry_at: datetime, actor: Actor, **data: Any) -> Order:
    """submitting | uncertain | on_hold -> paid: provably nothing was bought; forwarded again at ``retry_at``.

    One whose money went back meanwhile is cancelled in the same act.
    """
    with transaction.atomic():
        order = move(
            order_id,
            OrderState.PAID,
            kind,
            actor=actor,
            from_states={OrderState.SUBMITTING, OrderState.UNCERTAIN, OrderState.ON_HOLD},
            changes={"next_action_at": retry_at},
            data=data,
        )
        return _ended_if_given_back(order)


def _ended_if_given_back(order: Order) -> Order:
    """Cancel an order that has all its money back and is at no supplier; its row is locked."""
    if order.state not in {OrderState.PAID, OrderState.ON_HOLD} or not giving_back.is_noted(order):
        return order
    if live_attempt(order) is not None:
        return order
    return cancel(order.pk, reason=_("All its money went back."), actor=SYSTEM)


def resubmit(order_id: int, *, reason: str, actor: Actor) -> Order:
    """unavailable | not_found -> paid: the order is sent once more; its clocks begin anew. Needs a reason.

    Knows nothing of money: ``refunds.resubmitting``, which does, is the only caller.
    """
    _need_reason(reason)
    with transaction.atomic():
        again = clocks.restarted(lock(order_id), clock.now())
        return move(
            order_id,
            OrderState.PAID,
            "order.resubmitted",
            actor=actor,
            from_states={OrderState.UNAVAILABLE, OrderState.NOT_FOUND},
            changes={"next_action_at": clock.now(), "ended_at": None, "supplier_note": "", **again},
            data={"reason": reason},
        )


def mark_uncertain(order_id: int, *, attempt: SupplierAttempt, look_at: datetime, message: str, actor: Actor) -> Order:
    """submitting -> uncertain: the attempt may have had effect. It is looked for from ``look_at`` on."""
    return move(
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

    One whose money went back, and that no supplier can have, has nobody to wait for: it is cancelled in the same act.
    Refused while an attempt is being sent: what comes of it must be written down first.
    """
    with transaction.atomic():
        order = lock(order_id)
        live = live_attempt(order)
        if live and live.outcome == AttemptOutcome.IN_FLIGHT:
            raise TransitionRefused(f"{live.reference} is being sent to the supplier at this moment")
        held = move(
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
        return _ended_if_given_back(held)


def resume(order_id: int, *, reason: str, actor: Actor) -> Order:
    """on_hold -> paid, or back to in_process where the supplier has it. Needs a reason.

    A person has looked and lets it go: what needs approval is approved by it. Behind a hold that was not ours to end
    the clocks begin anew.
    One whose money went back meanwhile is cancelled instead.
    Refused while an attempt's outcome is unknown: somebody must say first whether it was bought.
    """
    _need_reason(reason)
    with transaction.atomic():
        live = _live_of_held(order_id)
        target = OrderState.IN_PROCESS if live else OrderState.PAID
        order = lock(order_id)
        again = clocks.restarted(order, clock.now()) if order.hold_reason in clocks.WAITS_FOR_OTHERS else {}
        resumed = move(
            order_id,
            target,
            "order.resumed",
            actor=actor,
            changes={"next_action_at": clock.now(), "polls": 0, "approved_at": clock.now(), **again},
            data={"reason": reason},
        )
        return _ended_if_given_back(resumed)


def complete(order_id: int, *, result: str, supplier_name: str, actor: Actor) -> Order:
    """in_process -> completed, with the result and the mail that carries it."""
    if not result.strip():
        raise Refused("a completed order needs a result", code="empty_result")
    return move(
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
        return move(
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
        order = move(order_id, target, kind, **details)
        order.supplier_attempts.filter(outcome__in=BOUGHT_OUTCOMES).update(outcome=AttemptOutcome.REJECTED)
    return order


def cancel(order_id: int, *, reason: str, actor: Actor) -> Order:
    """paid | on_hold -> cancelled. Needs a reason. Refused while the order may be alive at a supplier."""
    _need_reason(reason)
    return _cancel_here(order_id, "order.cancelled", actor=actor, reason=reason)


def cancel_agreed(
    order_id: int, *, supplier_name: str, actor: Actor, mail: MailKind | None = MailKind.CANCELLED
) -> Order:
    """in_process | on_hold -> cancelled: the supplier that has the order agreed to drop it.

    Refused for an order that has ended: a result that was delivered stays delivered. Without ``mail`` the caller
    tells the customer.
    """
    return _move_rejected(
        order_id,
        OrderState.CANCELLED,
        "order.cancelled",
        actor=actor,
        from_states={OrderState.IN_PROCESS, OrderState.ON_HOLD},
        data={"reason": f"{supplier_name} agreed"},
        mail=mail,
    )


def call_off(order_id: int, *, rule: str, actor: Actor) -> Order:
    """paid | on_hold -> cancelled, by the customer. ``rule`` is what the right to it rests on.

    Refused while the order may be alive at a supplier: whoever holds the order's lock first, this or forwarding, wins.
    """
    return _cancel_here(order_id, "order.called_off", actor=actor, rule=rule)


def _cancel_here(order_id: int, kind: str, *, actor: Actor, **data: str) -> Order:
    with transaction.atomic():
        order = lock(order_id)
        if order.state != OrderState.CANCELLED and live_attempt(order):
            raise TransitionRefused(f"{order} may be alive at a supplier")
        return move(
            order_id,
            OrderState.CANCELLED,
            kind,
            actor=actor,
            from_states={OrderState.PAID, OrderState.ON_HOLD},
            data=data,
            mail=MailKind.CANCELLED,
        )


def run_out(order_id: int, *, rule: str, clause: str, actor: Actor) -> Order:
    """paid | on_hold | in_process -> cancelled: its time is over and the refund rules end it. ``clause`` says why.

    What a supplier has of it counts as a failure of that supplier. It is bought for nothing, unless the supplier is
    being asked to drop it: then its answer tells (``orders.cancelling``). Refused while nobody knows whether one has
    it.
    """
    with transaction.atomic():
        order = lock(order_id)
        live = live_attempt(order)
        if order.state != OrderState.CANCELLED and live and live.outcome not in BOUGHT_OUTCOMES:
            raise TransitionRefused(f"say first whether {live.reference} was bought")
        is_first = order.state != OrderState.CANCELLED
        is_asked = order.cancel_requests.filter(state__in=sorted(OPEN_CANCELS), attempt=live).exists()
        order = move(
            order_id,
            OrderState.CANCELLED,
            "order.run_out",
            actor=actor,
            from_states={OrderState.PAID, OrderState.ON_HOLD, OrderState.IN_PROCESS},
            data={"rule": rule, "clause": clause, "loss": "" if live is None else _cost_words(is_asked=is_asked)},
            mail=MailKind.CANCELLED,
        )
        if is_first and live is not None:
            turnaround.note(order, OrderState.UNAVAILABLE, clock.now())
            if not is_asked:
                SupplierAttempt.objects.filter(pk=live.pk).update(is_late_surprise=True)
        return order


def _cost_words(*, is_asked: bool) -> str:
    if is_asked:
        return _("The supplier is asked to drop it; what it does not drop is a loss.")
    return _("What the supplier has of it is a loss.")


def cancel_at_supplier(order_id: int, *, rule: str, actor: Actor, kind: str = "order.cancelled_on_delay") -> Order:
    """in_process | on_hold -> cancelled, by a right of the customer that does not ask the supplier.

    ``kind`` is the event that tells which right.

    The attempt stays bought: whether the supplier drops it is asked by a request of its own (``orders.cancelling``).
    Refused where no supplier is known to have it.
    """
    with transaction.atomic():
        order = lock(order_id)
        live = live_attempt(order)
        if order.state != OrderState.CANCELLED and (live is None or live.outcome not in BOUGHT_OUTCOMES):
            raise TransitionRefused(f"no supplier is known to have {order}")
        return move(
            order_id,
            OrderState.CANCELLED,
            kind,
            actor=actor,
            from_states={OrderState.IN_PROCESS, OrderState.ON_HOLD},
            data={"rule": rule},
            mail=MailKind.CANCELLED,
        )


def take_turn(order_id: int, state: OrderState, *, seconds: int) -> bool:
    """Claim the next action of an order that is due in ``state``, for ``seconds``; False when it is not due.

    The claim pushes ``next_action_at`` into the future: a worker that dies leaves the order due again by itself.
    """
    moment = clock.database_now()
    rows = Order.objects.filter(pk=order_id, state=state, next_action_at__lte=moment)
    return rows.update(next_action_at=moment + timedelta(seconds=seconds)) == 1


def take_turns(order_ids: Sequence[int], state: OrderState, seconds: int) -> set[int]:
    """``take_turn`` for many orders: the ids of those that were due and are the caller's now."""
    moment = clock.database_now()
    with transaction.atomic():
        rows = Order.objects.filter(pk__in=order_ids, state=state, next_action_at__lte=moment)
        taken = set(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
        Order.objects.filter(pk__in=taken).update(next_action_at=moment + timedelta(seconds=seconds))
    return taken


def postpone(order_id: int, state: OrderState, *, until: datetime, **changes: Any) -> bool:
    """Set when an order in ``state`` is due next. False when it has left that state."""
    return Order.objects.filter(pk=order_id, state=state).update(next_action_at=until, **changes) == 1


def postpone_many(
    order_ids: Sequence[int] | QuerySet[Any, Any], state: OrderState, *, until: datetime, **changes: Any
) -> None:
    """``postpone`` for many orders; those that have left the state stay as they are."""
    Order.objects.filter(pk__in=order_ids, state=state).update(next_action_at=until, **changes)


def wake(supplier_id: int) -> int:
    """Make paid orders due now that may go to the supplier; returns how many. None before its hold is over."""
    moment = clock.now()
    rows = Order.objects.filter(
        state=OrderState.PAID,
        next_action_at__gt=moment,
        forward_after__lte=moment,
        service__in=Offer.objects.filter(supplier=supplier_id, is_active=True).values("service"),
    )
    return rows.update(next_action_at=moment)


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
