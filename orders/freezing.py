"""Stopping what is not yet forwarded of a purchase whose money is in doubt, and letting it go on.

The purchase carries the reason (``frozen_for``), and ``orders.forwarding`` looks at it under the order's lock. So an
order that comes back from a supplier while its purchase is frozen is held then, and none slips through.

Purchases are locked before their orders and never for their key (``no_key``), here and everywhere: a row written
under an order's lock, such as a replacement or a mail, refers to the purchase, and would wait for who waits for the
order.
"""

from __future__ import annotations

from django.db import transaction

from orders import lifecycle
from orders.models import Purchase
from orders.states import ENDED, FREEZING, HoldReason, OrderState
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import TransitionRefused


def freeze(purchase_id: int, *, reason: HoldReason, message: str = "", actor: Actor) -> int:
    """Hold every paid order that no supplier has, and keep the others from being sent again. How many were held.

    Runs in the caller's transaction. Every open order is locked, also those in other states: one that is coming
    back from a supplier at this moment is then seen as it came back.
    """
    held = 0
    with transaction.atomic():
        purchase = Purchase.objects.select_for_update(no_key=True).get(pk=purchase_id)
        if purchase.frozen_for not in FREEZING or FREEZING.index(reason) > FREEZING.index(
            HoldReason(purchase.frozen_for)
        ):
            purchase.frozen_for = reason
            purchase.save(update_fields=["frozen_for"])
        for order_id in purchase.orders.exclude(state__in=ENDED).order_by("pk").values_list("pk", flat=True):
            if lifecycle.lock(order_id).state == OrderState.PAID:
                lifecycle.hold(order_id, reason=reason, message=message, actor=actor)
                held += 1
    return held


def thaw(purchase_id: int, *, reason: str, actor: Actor) -> int:
    """Let a frozen purchase go on. How many orders did; one that cannot stays on hold for staff."""
    resumed = 0
    with transaction.atomic():
        purchase = Purchase.objects.select_for_update(no_key=True).get(pk=purchase_id)
        purchase.frozen_for = ""
        purchase.save(update_fields=["frozen_for"])
        held = purchase.orders.filter(state=OrderState.ON_HOLD, hold_reason__in=FREEZING)
        for order_id in held.order_by("pk").values_list("pk", flat=True):
            try:
                lifecycle.resume(order_id, reason=reason, actor=actor)
            except TransitionRefused:
                continue
            resumed += 1
    return resumed
