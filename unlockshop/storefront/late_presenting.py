"""What an order's page says once the order is late: what its customer may do now, and what happens by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orders.models import Order
from refunds import late_words
from refunds.overdue import Lateness


@dataclass(frozen=True, slots=True)
class Late:
    """A text, whether there is a button, the rule in its own words, and when the order ends by itself."""

    may: bool
    text: str
    clause: str
    ends_at: datetime | None


def present(order: Order, now: Lateness | None) -> Late | None:
    """What to say; None for an order that is not late."""
    return Late(now.may, late_words.offer(order, now), now.clause, now.ends_at) if now else None
