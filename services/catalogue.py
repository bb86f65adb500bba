"""What a service costs at this moment."""

from __future__ import annotations

from collections.abc import Mapping

from services.models import Service
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money


def price_of(service: Service, *, currency: str, answers: Mapping[str, str] | None = None) -> Money:
    """The price of one device now. An answer that has a price of its own (a top-up's amount) decides.

    Raises ``Refused`` (``no_price``) where the service has none in ``currency``.
    """
    prices = {row.option: row for row in service.prices.filter(currency=currency)}
    options = [f"{name}={value}" for name, value in (answers or {}).items()]
    row = next((prices[option] for option in options if option in prices), prices.get(""))
    if row is None:
        raise Refused(f"{service} has no price in {currency}", code="no_price")
    return row.money
