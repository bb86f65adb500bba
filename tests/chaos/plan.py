"""What the customers of a run will do: the same orders and the same size give the same plan for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Final

# Digits 13 and 14 from 80 on are the demo supplier's table; below it, its fault rates decide.
_TABLE_STARTS: Final = 80

# Slug of the service: which supplier does it, and how often it is ordered.
SERVICES: Final = {
    "samsung-att-us": ("licensed", 3),
    "motorola-att-us": ("refuser", 2),
    "google-pixel-us": ("lister", 2),
    "gsma-blacklist-pro": ("licensed", 2),
    "network-finder": ("finder", 3),
    "fr-networks-status": ("mute", 2),
}
# Slug of the supplier: its adapter, and what it has proven. All are one demo supplier process. The lister can be asked
# only for what it did lately for a device; the refuser takes no device twice.
SUPPLIERS: Final = {
    "licensed": ("dhru", {"finds_by_reference": True, "absent_is_proof": True}),
    "finder": ("dhru", {"finds_by_reference": True}),
    "lister": ("unlockbase", {}),
    "refuser": ("dhru", {"refuses_duplicates": True}),
    "mute": ("dhru", {}),
}
PATHS: Final = {"dhru": "/api/index.php", "unlockbase": "/xml/api/v3"}
# Where a device is ordered twice on purpose now and then: a look-up by device alone would then be wrong.
_KNOWS_DEVICES_APART: Final = frozenset({"licensed", "finder", "lister"})
# How a purchase is paid, and how often. docs/chaos.md says what each means.
WAYS: Final = {
    "pay": 60,
    "decline-then-pay": 9,
    "delayed-success": 9,
    "pay-twice": 5,
    "overpay": 3,
    "fail-then-pay": 4,
    "delayed-failure": 2,
    "cancel": 3,
    "leave": 2,
    "expire": 3,
    "late": 3,
}
# Where, and how often; ``late`` is PayPal's alone, because Stripe's pages close in time.
PROVIDERS: Final = {"stripe": 2, "paypal": 1}
# What becomes of the money afterwards, and how often. Empty: it stays.
STORIES: Final = {
    "": 42,
    "refund": 10,
    "parts": 8,
    "greedy": 7,
    "returned": 7,
    "dispute-won": 7,
    "dispute-lost": 7,
    "dispute-dropped": 4,
    "dispute-silent": 4,
    "warning": 4,
}
_REPEATED_DEVICE: Final = 0.04
_FROM_TABLE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Planned:
    """One purchase: when (seconds from the start), by whom, of what, how it is paid, and what follows."""

    index: int
    at: float
    email: str
    service: str
    imeis: tuple[str, ...]
    way: str
    returns: bool
    provider: str
    story: str

    @property
    def token(self) -> str:
        """The draft's token: a customer process that starts again finds its purchase by it."""
        return f"chaos-purchase-{self.index}"


def imei(body: str) -> str:
    """The 15-digit IMEI of a 14-digit body."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(body)]
    return body + str(-sum(n // 10 + n % 10 for n in doubled) % 10)


def plan(*, orders: int, seed: int, seconds: float) -> list[Planned]:
    """Purchases with ``orders`` orders in all, spread over ``seconds``."""
    rng = random.Random(f"plan:{seed}")
    services = _shuffled_for_ever(rng, {slug: weight for slug, (_, weight) in SERVICES.items()})
    ways = _shuffled_for_ever(rng, WAYS)
    providers = _shuffled_for_ever(rng, PROVIDERS)
    stories = _shuffled_for_ever(rng, STORIES)
    devices_of = _Devices(rng)
    planned: list[Planned] = []
    left = orders
    while left:
        size = min(left, rng.choices((1, 2, 3), (80, 12, 8))[0])
        service = next(services)
        supplier = SERVICES[service][0]
        devices = [devices_of.next(supplier) for _ in range(size)]
        way = next(ways)
        planned.append(
            Planned(
                index=len(planned),
                at=0.0,
                email=f"customer{rng.randrange(orders)}@example.com",
                service=service,
                imeis=tuple(dict.fromkeys(devices)),
                way=way,
                returns=rng.random() < 0.5,
                provider="paypal" if way == "late" else next(providers),
                story=next(stories),
            )
        )
        left -= len(planned[-1].imeis)
    step = seconds / len(planned)
    return [replace(p, at=round(step * (p.index + rng.random()), 2)) for p in planned]


class _Devices:
    """Devices to order for. Some are of the demo supplier's table, so that a run meets every one of its rows;

    some were ordered before: a look-up by IMEI alone would then be wrong.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._known: dict[str, list[str]] = {}
        self._used: set[str] = set()
        self._table = cycle(rng.sample(range(80, 98), 18))

    def next(self, supplier: str) -> str:
        """A device for an order that this supplier will do."""
        known = self._known.setdefault(supplier, [])
        if known and supplier in _KNOWS_DEVICES_APART and self._rng.random() < _REPEATED_DEVICE:
            return self._rng.choice(known)
        is_listed = self._rng.random() < _FROM_TABLE
        digits = next(self._table) if is_listed else self._rng.randrange(_TABLE_STARTS)
        found = imei(f"35{self._rng.randrange(10**10):010d}{digits:02d}")
        if found in self._used:
            return self.next(supplier)
        self._used.add(found)
        known.append(found)
        return found


def _shuffled_for_ever(rng: random.Random, weights: dict[str, int]) -> Iterator[str]:
    """Every name as often as its weight, spread evenly, so that a short run meets every way too."""
    places = [((n + rng.random()) / weight, name) for name, weight in weights.items() for n in range(weight)]
    return cycle(name for _, name in sorted(places))
