"""What a service costs at this moment, and in which currencies it is sold at all.

A service is sold in an offered currency whose price table is whole: it prices every option that the service has a
price for in another offered currency. So a forgotten price of a dear option never sells it at the ordinary one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet

from services.models import Service, ServicePrice
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money


def price_of(service: Service, *, currency: str, answers: Mapping[str, str] | None = None) -> Money:
    """The price of one device now. An answer that has a price of its own (a top-up's amount) decides.

    Raises ``Refused`` (``no_price``) where the service is not sold in ``currency``.
    """
    return _row_of(service, currency, answers or {}).money


def recheck_price_of(service: Service, *, currency: str, answers: Mapping[str, str]) -> Money:
    """The price of a check that is repeated soon; ``price_of`` where there is no price of its own. Raises as that."""
    return _row_of(service, currency, answers).recheck_money


def _row_of(service: Service, currency: str, answers: Mapping[str, str]) -> ServicePrice:
    # Prices that the same request has loaded already, with ``browsing.with_prices``, are not read again.
    rows = service.price_rows if hasattr(service, "price_rows") else list(service.prices.all())
    prices = {row.option: row for row in rows if row.currency == currency} if currency in sold_in(rows) else {}
    options = [f"{name}={value}" for name, value in answers.items()]
    row = next((prices[option] for option in options if option in prices), prices.get(""))
    if row is None:
        raise Refused(f"{service} has no price in {currency}", code="no_price")
    return row


def sold_in(rows: Iterable[ServicePrice]) -> list[str]:
    """The currencies in which a service with these price rows is sold, in the shop's order."""
    priced = {(row.currency, row.option) for row in rows if row.currency in settings.CURRENCIES}
    options = {option for _currency, option in priced}
    return [code for code in settings.CURRENCIES if priced and all((code, option) in priced for option in options)]


def without_price(services: QuerySet[Service], currencies: Iterable[str]) -> QuerySet[Service]:
    """The services that are not sold in at least one of ``currencies``: ``sold_in``, asked of the database."""
    offered = Q(prices__currency__in=settings.CURRENCIES)
    counted = services.annotate(price_options=Count("prices__option", distinct=True, filter=offered))
    lacking = Q(price_options=0)
    for code in currencies:
        name = f"prices_in_{code}"
        counted = counted.annotate(**{name: Count("prices", distinct=True, filter=Q(prices__currency=code))})
        lacking |= Q(**{f"{name}__lt": F("price_options")})
    return counted.filter(lacking)
