"""Moving an order's clocks after they have begun: the customer was told a later date, or the order begins again.

Both write a line into the order's story, in the caller's transaction or one of their own. Neither tells the customer:
whoever calls them does.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from orders import clocks, events, lifecycle, moments
from orders.models import Order
from orders.states import UNDER_WAY
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused, TransitionRefused


def move_due(order_id: int, *, to: datetime, reason: str, actor: Actor) -> Order:
    """Tell a later time for the result; the guarantee and the cap behind it stay. The same time again does nothing.

    Raises ``Refused`` (``reason_required``, ``earlier``: before the guarantee), ``TransitionRefused`` when the order
    is unpaid or over.
    """
    if not reason.strip():
        raise Refused("a reason is required", code="reason_required")
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        if order.state not in UNDER_WAY or order.promised_until is None:
            raise TransitionRefused(f"{order} has no time to move: it is {order.state}")
        if to < order.promised_until:
            raise Refused("the guaranteed time cannot be taken back", code="earlier")
        return (
            order
            if to == order.result_due_at
            else _set(order, {"result_due_at": to}, "order.due_moved", reason, actor)
        )


def restart(order_id: int, *, reason: str, actor: Actor) -> Order:
    """Begin both clocks anew, because the order does: it was corrected, or waited for somebody else.

    Nothing that was promised moves forward in time. Raises as ``move_due``.
    """
    if not reason.strip():
        raise Refused("a reason is required", code="reason_required")
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        if order.state not in UNDER_WAY:
            raise TransitionRefused(f"{order} has no time to move: it is {order.state}")
        return _set(order, clocks.restarted(order, clock.now()), "order.clocks_restarted", reason, actor)


def _set(order: Order, columns: dict[str, datetime | None], kind: str, reason: str, actor: Actor) -> Order:
    former = order.result_due_at
    Order.objects.filter(pk=order.pk).update(**columns)
    for name, value in columns.items():
        setattr(order, name, value)
    assert order.result_due_at is not None
    data = {
        "due": moments.place_words(order, order.result_due_at),
        "due_at": order.result_due_at.astimezone(UTC).isoformat(),
        "former": moments.place_words(order, former) if former else "",
        "reason": reason.strip(),
    }
    events.record(order, kind, actor=actor, **data)
    return order
