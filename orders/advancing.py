"""What the doorbell and the sweep run: do the next thing for an order, whatever it is."""

from __future__ import annotations

from orders import forwarding, polling, resolving
from orders.models import Order
from orders.states import OrderState
from unlockshop.kernel import clock, work

# Unpaid orders are expired by the payments app, which first asks the provider whether money came in.
ADVANCING = (OrderState.PAID, OrderState.SUBMITTING, OrderState.UNCERTAIN, OrderState.IN_PROCESS)

_STEPS = {
    OrderState.PAID: forwarding.forward,
    OrderState.SUBMITTING: forwarding.record_lost,
    OrderState.UNCERTAIN: resolving.resolve,
    OrderState.IN_PROCESS: polling.poll,
}


def advance(order_id: int) -> None:
    """Take the order's next step if it is due. Safe to call any number of times at once."""
    state = Order.objects.values_list("state", flat=True).get(pk=order_id)
    step = _STEPS.get(OrderState(state))
    if step is not None:
        step(order_id)


def due_orders(*, limit: int = work.SWEEP_LIMIT) -> list[int]:
    """Ids of orders whose next action is due, longest waiting first."""
    rows = Order.objects.filter(state__in=ADVANCING, next_action_at__lte=clock.database_now())
    return list(rows.order_by("next_action_at").values_list("pk", flat=True)[:limit])
