"""What the doorbell and the sweep run: do the next thing for an order, whatever it is."""

from __future__ import annotations

from orders import dispatching, forwarding, lifecycle, polling, resolving
from orders.models import Order
from orders.states import OrderState
from services.models.health import SupplierHealth
from unlockshop.kernel import clock, work

# Unpaid orders are expired by the payments app, which first asks the provider whether money came in.
ADVANCING = (OrderState.PAID, OrderState.SUBMITTING, OrderState.UNCERTAIN, OrderState.IN_PROCESS)

_STEPS = {
    OrderState.PAID: forwarding.forward,
    OrderState.SUBMITTING: forwarding.record_lost,
    OrderState.UNCERTAIN: resolving.resolve,
    OrderState.IN_PROCESS: polling.poll,
}
_BATCHES = {
    OrderState.PAID: dispatching.dispatch,
    OrderState.IN_PROCESS: polling.poll_due,
}


def advance(order_id: int) -> None:
    """Take the order's next step if it is due. Safe to call any number of times at once."""
    state = Order.objects.values_list("state", flat=True).get(pk=order_id)
    step = _STEPS.get(OrderState(state))
    if step is not None:
        step(order_id)


def ring_for(order_id: int) -> None:
    """What a doorbell sets off: the step of this order, and with it all other work of its kind that is due.

    So a thousand rings for a thousand orders are answered by a few batches, and most of them find nothing left.
    """
    state = Order.objects.values_list("state", flat=True).get(pk=order_id)
    batch = _BATCHES.get(OrderState(state))
    if batch is not None:
        batch()
    else:
        advance(order_id)


def wake_orders() -> None:
    """Orders that wait for a supplier which takes orders again go now, not when they would have looked next."""
    for supplier_id in SupplierHealth.objects.filter(wakes_orders=True).values_list("supplier_id", flat=True):
        if SupplierHealth.objects.filter(supplier=supplier_id, wakes_orders=True).update(wakes_orders=False):
            lifecycle.wake(supplier_id)


def due_orders(*, limit: int = work.SWEEP_LIMIT) -> list[int]:
    """Ids of orders whose next action is due, longest waiting first."""
    rows = Order.objects.filter(state__in=ADVANCING, next_action_at__lte=clock.database_now())
    return list(rows.order_by("next_action_at").values_list("pk", flat=True)[:limit])
