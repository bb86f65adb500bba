"""What the tracker may show to anybody. These two records are the whole list: what is not here is not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orders import wording
from orders.models import Order, OrderEvent
from orders.states import OrderState
from services.alternatives import for_not_found
from services.models import ServiceKind
from unlockshop.storefront.not_found_presenting import CASES
from unlockshop.storefront.order_presenting import Milestone, Tone, timeline, tone_of


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A service for devices that another one did not find."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class TrackedOrder:
    """For somebody who knows the order number: it, state, service and story. Nothing on device, money or person."""

    number: str
    word: str
    meaning: str
    tone: Tone
    service_name: str
    milestones: Sequence[Milestone]
    calendar: str
    alternatives: Sequence[Suggestion] = ()


@dataclass(frozen=True, slots=True)
class TrackedDevice:
    """For somebody who knows only a device number: state, family of the service and day."""

    word: str
    tone: Tone
    family: str
    ordered_on: datetime
    calendar: str


# Whether mail reaches a person is between them and us.
_PRIVATE: Final = frozenset({"mail.bounced", "mail.readdressed"})


def track_order(order: Order, story: Sequence[OrderEvent], *, asked: str) -> TrackedOrder:
    """The public side of an order and its story; ``asked`` is the number as the visitor gave it, in normal form."""
    state = OrderState(order.state)
    found = for_not_found(order.service) if state in CASES else []
    return TrackedOrder(
        number=asked,
        word=wording.state_word(state),
        meaning=wording.meaning(state),
        tone=tone_of(state),
        service_name=order.service_name,
        milestones=timeline(state, [event for event in story if event.kind not in _PRIVATE]),
        calendar=order.calendar,
        alternatives=[Suggestion(each.name, each.get_absolute_url()) for each in found] if found else (),
    )


def track_device(order: Order) -> TrackedDevice:
    """The little that is public about an order when only its device is known."""
    kind = ServiceKind(order.service_kind)
    return TrackedDevice(
        word=wording.state_word(order.state),
        tone=tone_of(order.state),
        family=f"{kind.label}, {order.service.category.name}",
        ordered_on=order.created_at,
        calendar=order.calendar,
    )
