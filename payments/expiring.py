"""Letting unpaid purchases go, but never while money may still be on its way."""

from __future__ import annotations

from orders import paying
from orders.models import Order
from orders.states import OrderState
from payments.models import Payment
from payments.states import LIVE
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM


def expire_unpaid(*, limit: int = 100) -> int:
    """Expire overdue purchases that no live payment can still pay; returns how many. Asks no provider itself."""
    overdue = (
        Order.objects.filter(state=OrderState.AWAITING_PAYMENT, next_action_at__lte=clock.now())
        .exclude(purchase__in=Payment.objects.filter(state__in=LIVE).values("purchase"))
        .order_by("next_action_at")
        .values_list("purchase_id", flat=True)
    )
    purchases = list(dict.fromkeys(overdue[:limit]))
    return sum(paying.expire_purchase(purchase_id, actor=SYSTEM) for purchase_id in purchases)
