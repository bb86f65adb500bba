"""Handing over a result to the holder of the order's secret link."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from orders import events
from orders.lifecycle import lock
from orders.models import OrderEvent
from orders.states import OrderState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused

# Pressing again within this time, from the same address, adds no line to the story.
SAME_VIEWING: Final = timedelta(minutes=10)


def open_result(order_id: int, *, actor: Actor) -> str:
    """The delivered result; that it was opened, and from where, is recorded.

    Raises ``Refused`` (``no_result``) for an order that is not completed.
    """
    with transaction.atomic():
        order = lock(order_id)
        if order.state != OrderState.COMPLETED:
            raise Refused(_("This order has no result yet."), code="no_result")
        recent = OrderEvent.objects.filter(
            order=order, kind="result.viewed", ip=actor.ip, at__gt=clock.now() - SAME_VIEWING
        )
        if not recent.exists():
            events.record(order, "result.viewed", actor=actor)
        return order.result
