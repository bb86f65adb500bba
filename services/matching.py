"""The services for one device: a cheap check first where nobody knows its network, then the unlocks that fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.browsing import compact, fold, price_tag, with_prices
from services.device_models import Named
from services.fitting import Facts, covers_brand, misfits
from services.models import Service, ServiceKind
from services.order_form import ANY_NETWORK, network_choices

MOST_CHECKS: Final = 3
MOST_SERVICES: Final = 24
# Words in the names of checks that tell the network or the lock.
_TELLING: Final = ("simlock", "carrier", "network", "lockedto")


@dataclass(frozen=True, slots=True)
class Offer:
    """What to order for a device, what its brand and network can be chosen from, and how many services fit in all."""

    checks: Sequence[Service]
    services: Sequence[Service]
    total: int
    brands: Sequence[str]
    operators: Sequence[str]
    is_network_known: bool


def for_device(named: Named | None, facts: Facts, currency: str, *, brand: str = "", operator: str = "") -> Offer:
    """Open services for the device; ``brand`` counts where its TAC is unknown, ``operator`` narrows. Two queries."""
    known_brand = named.brand if named else brand
    listed = with_prices(Service.objects.filter(is_published=True, is_open=True).exclude(kind=ServiceKind.TOPUP))
    fitting = [each for each in listed if covers_brand(each, known_brand) and not misfits(each, named, facts)]
    unlocks = [each for each in fitting if each.kind == ServiceKind.UNLOCK] if known_brand else []
    operators = sorted({name for each in unlocks for name in _networks(each)}, key=fold)
    shown = [each for each in unlocks if not operator or not _networks(each) or operator in _networks(each)]
    wish = operator or facts.carrier
    checks = sorted(
        (
            each
            for each in fitting
            if each.kind == ServiceKind.CHECK and _tells_network(each) and (known_brand or not each.brand)
        ),
        key=lambda each: (not each.brand, _price(each, currency)),
    )
    brands = sorted({each.brand for each in listed if each.brand}, key=fold)
    return Offer(checks[:MOST_CHECKS], shown[:MOST_SERVICES], len(shown), brands, operators, bool(wish))


def _networks(service: Service) -> list[str]:
    return [name for name in network_choices(service) if name != ANY_NETWORK]


def _tells_network(service: Service) -> bool:
    """A check of any network's devices, whose name says that it tells the network or the lock."""
    return not _networks(service) and not service.country and any(word in compact(service.name) for word in _TELLING)


def _price(service: Service, currency: str) -> Decimal:
    tag = price_tag(service, currency)
    return tag.money.amount if tag else Decimal("Infinity")
