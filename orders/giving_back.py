"""An order whose money goes back whole while a supplier is being asked for it, or nobody knows whether one has it.

It cannot be cancelled then. It is marked, and as soon as it proves that nothing was bought it ends instead of being
sent to the next supplier (``orders.lifecycle``).
"""

from __future__ import annotations

from typing import Final

from orders import events
from orders.models import Order
from unlockshop.kernel.actors import Actor

KIND: Final = "order.given_back"
LIFTED: Final = "order.not_given_back"
# The newest of these tells.
_TELLING: Final = (KIND, LIFTED, "order.resubmitted")


def note(order: Order, *, reason: str, actor: Actor) -> None:
    """Mark the order, once, in the caller's transaction; its row is locked."""
    if not is_noted(order):
        events.record(order, KIND, actor=actor, reason=reason)


def lift(order: Order, *, actor: Actor) -> None:
    """The money did not go back after all: the order goes on as any other. As ``note``."""
    if is_noted(order):
        events.record(order, LIFTED, actor=actor)


def is_noted(order: Order) -> bool:
    """Whether all money of the order goes back while it could not be stopped. One query."""
    told = order.events.filter(kind__in=_TELLING).order_by("-seq").values_list("kind", flat=True).first()
    return bool(told == KIND)
