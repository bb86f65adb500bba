"""Other services for a device that one did not find (IMEIORG-1.2b)."""

from __future__ import annotations

from typing import Final

from services.browsing import with_prices
from services.models import Service
from services.order_form import ANY_NETWORK

MOST: Final = 4


def for_not_found(service: Service) -> list[Service]:
    """Services that staff flagged for devices not found or barred, of the same kind, network and brand.

    A service that names no network, or no brand, covers all. At most four, with their prices; two queries.
    """
    flagged = Service.objects.filter(is_published=True, is_open=True, covers_not_found=True, kind=service.kind)
    fitting = [each for each in with_prices(flagged.exclude(pk=service.pk)) if _covers(each, service)]
    return fitting[:MOST]


def _covers(other: Service, service: Service) -> bool:
    ours, theirs = {str(name) for name in service.networks}, {str(name) for name in other.networks}
    any_network = not ours or not theirs or ANY_NETWORK in ours | theirs
    return (any_network or bool(ours & theirs)) and other.brand in {"", service.brand}
