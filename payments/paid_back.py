"""What must not happen any more once all money of an order is on its way back: nobody buys it, nothing replaces it."""

from __future__ import annotations

from collections.abc import Callable

from orders import lifecycle, replacing
from orders.models import CorrectionRequest, Order
from orders.states import CancelState, CorrectionState, OrderState
from payments.models import Payment
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.money import Money


def turn_down_corrections(
    payment: Payment, order: Order | None, left_of: Callable[[Order, Payment], Money], *, actor: Actor
) -> None:
    """Turn down what waits to replace the order (None: any of the purchase) of which nothing is ``left_of``.

    A replacement stands on its predecessor's money. The caller holds the payment's lock; orders are locked by id.
    """
    waiting = CorrectionRequest.objects.filter(state=CorrectionState.ASKED, order__purchase=payment.purchase_id)
    if order is not None:
        waiting = waiting.filter(order=order)
    for wanted in waiting.select_related("order__purchase").order_by("order"):
        if left_of(lifecycle.lock(wanted.order_id), payment).amount <= 0:
            replacing.turn_down(wanted, CancelState.ENDED, actor=actor)


def stop_unsent(
    payment: Payment, order: Order | None, left_of: Callable[[Order, Payment], Money], *, reason: str, actor: Actor
) -> None:
    """Cancel the order (None: any of the purchase) that has not left for a supplier, if nothing of it is ``left_of``.

    One that a supplier may have goes on: staff decided to give its money back all the same. Locks as above.
    """
    waiting = Order.objects.filter(purchase=payment.purchase_id, state__in=(OrderState.PAID, OrderState.ON_HOLD))
    if order is not None:
        waiting = waiting.filter(pk=order.pk)
    for each in waiting.order_by("pk").values_list("pk", flat=True):
        locked = lifecycle.lock(each)
        is_here = locked.state in {OrderState.PAID, OrderState.ON_HOLD} and lifecycle.live_attempt(locked) is None
        if is_here and left_of(locked, payment).amount <= 0:
            lifecycle.cancel(locked.pk, reason=reason, actor=actor)
