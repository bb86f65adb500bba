"""Moving an order from one state to another: the only writer of ``Order.state``.

A move locks the row, checks the table, updates the row on condition that the state is still the old one, and writes
the event and the effect rows, all in the caller's transaction or one of its own. Only ``orders.lifecycle`` calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Case, DateTimeField, Value, When

from orders import events, learning, mailing, turnaround
from orders.models import Order
from orders.models.mail import MailKind
from orders.states import OPEN, OrderState, is_legal
from unlockshop.kernel import clock, work
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import TransitionRefused

ADVANCE_TASK: Final = "orders.advance_order"


def lock(order_id: int) -> Order:
    """The order, its row locked until the transaction ends (on SQLite the whole database is)."""
    return Order.objects.select_for_update(of=("self",)).select_related("purchase").get(pk=order_id)


def move(
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
    """Move one order; the same target again changes nothing.

    ``changes`` are further columns, ``data`` and ``describe`` what the event tells. ``mail`` is queued with it, and
    a worker is rung (unless not ``ring``) when the order is due at once. Raises ``TransitionRefused``.
    """
    with transaction.atomic():
        order = lock(order_id)
        old = OrderState(order.state)
        if old == target:
            return order
        if not is_legal(old, target) or (from_states is not None and old not in from_states):
            raise TransitionRefused(f"{order} cannot go from {old} to {target}")
        moment = clock.now()
        columns = _columns(target, moment, changes or {})
        if Order.objects.filter(pk=order_id, state=old).update(**columns) != 1:
            raise TransitionRefused(f"{order} left {old} meanwhile")
        for name, value in columns.items():
            setattr(order, name, value)
        if target not in OPEN:
            turnaround.note(order, target, moment)
            learning.note(order, target)
            order.supplier_attempts.filter(work_key__isnull=False).update(work_key=None)
        details = {**(data or {}), **(describe(order) if describe else {})}
        events.record(order, kind, actor=actor, from_state=old, to_state=target, **details)
        if mail is not None:
            mailing.queue_for_order(order, mail)
        if ring and order.next_action_at is not None and order.next_action_at <= moment:
            work.ring(ADVANCE_TASK, order.pk)
        return order


@dataclass(frozen=True, slots=True)
class Step:
    """One order's part in ``move_many``: its locked row, when it is due next, and what the event says."""

    order: Order
    next_action_at: datetime
    actor: Actor
    data: dict[str, Any]


def move_many(steps: Sequence[Step], old: OrderState, target: OrderState, kind: str, **changes: Any) -> None:
    """Move orders that are all in ``old`` to ``target``, in the caller's transaction: all of them or, raising, none.

    For moves without mail and without a ring. Raises ``TransitionRefused`` when one has left ``old`` meanwhile; the
    caller's transaction cannot go on then.
    """
    if not is_legal(old, target) or target not in OPEN or target == OrderState.ON_HOLD:
        raise TransitionRefused(f"orders cannot go from {old} to {target} together")
    due = {step.order.pk: step.next_action_at for step in steps}
    columns = _columns(target, clock.now(), {**changes, "next_action_at": _by_order(due)})
    with transaction.atomic(savepoint=False):
        if Order.objects.filter(pk__in=due, state=old).update(**columns) != len(steps):
            raise TransitionRefused(f"one of {len(steps)} orders left {old} meanwhile")
        events.record_many(
            [(step.order, step.actor, step.data) for step in steps], kind, from_state=old, to_state=target
        )


def _columns(target: OrderState, moment: datetime, changes: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {"state": target, "state_changed_at": moment}
    columns.update({name: _storable(value) for name, value in changes.items()})
    if target not in OPEN:
        columns.update(next_action_at=None, ended_at=moment)
    if target != OrderState.ON_HOLD:
        columns.update(hold_reason="", owner="", owner_due_at=None)
    return columns


def _by_order(moments: Mapping[int, datetime]) -> Any:
    """One moment for all, or one for each, as an UPDATE takes it."""
    if len(set(moments.values())) == 1:
        return next(iter(moments.values()))
    whens = [When(pk=pk, then=Value(moment)) for pk, moment in moments.items()]
    return Case(*whens, output_field=DateTimeField())


def _storable(value: Any) -> Any:
    """PostgreSQL cannot store the NUL character."""
    return value.replace("\x00", "") if isinstance(value, str) else value
