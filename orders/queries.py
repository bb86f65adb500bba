"""What the public tracker may ask: one query each, the same for a hit and a miss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orders.models import Order, OrderEvent
from orders.states import UNPAID

TRACKER_LIMIT: Final = 10


def story_of(number: str) -> tuple[Order, list[OrderEvent]] | None:
    """The order with this public number and its events, oldest first; None when there is none."""
    story = list(
        OrderEvent.objects.filter(order__number=number)
        .select_related("order")
        .only(
            "seq",
            "kind",
            "to_state",
            "data",
            "at",
            "order__state",
            "order__service_name",
            "order__paid_at",
            "order__calendar",
        )
        .order_by("seq")
    )
    return (story[0].order, story) if story else None


def paid_orders_of(identifier: str) -> Sequence[Order]:
    """The newest paid orders for a device or line, with service and category, at most ten."""
    return list(
        Order.objects.filter(identifier=identifier)
        .exclude(state__in=UNPAID)
        .select_related("service__category")
        .only("state", "service_kind", "created_at", "calendar", "service__category__name")
        .order_by("-created_at", "-pk")[:TRACKER_LIMIT]
    )
