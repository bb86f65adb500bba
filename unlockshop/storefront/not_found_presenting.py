"""What else a device can be ordered for that one service did not find, or could not deliver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from orders.models import Order
from orders.states import OrderState
from refunds import calling_off
from services import promises
from services.alternatives import for_not_found
from services.browsing import price_tag

CASES: Final = frozenset({OrderState.NOT_FOUND, OrderState.UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class Alternative:
    """A service with its price and time in words; its measured success is on its own page."""

    name: str
    address: str
    price: str
    time: str


def alternatives_to(order: Order) -> Sequence[Alternative]:
    """The services to suggest, in the order's currency; none for an order that may still be delivered."""
    if order.state not in CASES:
        return ()
    found = []
    for service in for_not_found(order.service):
        tag = price_tag(service, order.currency)
        if tag is None:
            continue
        price = tag.money.format(get_language() or "en")
        found.append(
            Alternative(
                service.name,
                service.get_absolute_url(),
                _("from %(price)s") % {"price": price} if tag.is_from else price,
                promises.guaranteed_words(service.guaranteed_minutes, is_guaranteed=calling_off.is_guaranteed()),
            )
        )
    return found
