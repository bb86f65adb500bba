"""The moment a purchase is paid: every order of it starts, and the customer is told once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orders import lifecycle, mailing
from orders.models import Purchase
from orders.models.mail import MailKind
from orders.states import OrderState
from unlockshop.kernel.actors import Actor


def mark_purchase_paid(purchase_id: int, *, actor: Actor, at: datetime) -> bool:
    """Pay every order of the purchase. True when this call did it, False when it was paid before or has expired.

    Runs in the caller's transaction, so that money and orders move together or not at all.
    """
    with transaction.atomic(savepoint=False):
        purchase = Purchase.objects.select_for_update(no_key=True).get(pk=purchase_id)
        if purchase.paid_at is not None:
            return False
        orders = list(purchase.orders.select_for_update().order_by("position"))
        if any(order.state != OrderState.AWAITING_PAYMENT for order in orders):
            return False
        purchase.paid_at = at
        purchase.save(update_fields=["paid_at"])
        lifecycle.mark_paid_many(orders, actor=actor, at=at)
        mailing.queue_for_purchase(purchase, MailKind.CONFIRMATION)
    return True


def expire_purchase(purchase_id: int, *, actor: Actor) -> bool:
    """Let the orders of an unpaid purchase expire. False when it is paid or was expired before."""
    with transaction.atomic():
        purchase = Purchase.objects.select_for_update(no_key=True).get(pk=purchase_id)
        if purchase.paid_at is not None:
            return False
        waiting = list(purchase.orders.filter(state=OrderState.AWAITING_PAYMENT))
        for order in waiting:
            lifecycle.expire(order.pk, actor=actor)
    return bool(waiting)
