"""What must not happen any more once all money of an order is on its way back: no other order takes its place."""

from __future__ import annotations

from collections.abc import Callable

from orders import lifecycle, replacing
from orders.models import CorrectionRequest, Order
from orders.states import CancelState, CorrectionState
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
