"""Finding services in the catalogue: by words, category, kind, brand, network, country, price and time.

The catalogue holds hundreds of services, so one query reads the few columns that are searched, words are compared
here (without regard to case and accents, the same on every database), and a second one loads the page that is shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, cast

from django.conf import settings
from django.db import models
from django.db.models import (
    Count,
    F,
    FilteredRelation,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    prefetch_related_objects,
)
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from services.catalogue import sold_in
from services.models import Category, Service, ServiceField, ServiceKind, ServicePrice
from services.order_form import choices_of, country_name
from unlockshop.kernel.money import Money

PAGE_SIZE: Final = 24
MAX_QUERY: Final = 80


class Sort(models.TextChoices):
    """How the list is ordered; the shelf's own order where nothing is chosen."""

    PRICE = "price", _("Lowest price")
    TIME = "time", _("Shortest time")
    POPULAR = "popular", _("Most ordered")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a visitor looks for. Empty parts do not narrow. Prices are in ``currency``, the time in minutes."""

    words: str = ""
    category: str = ""
    kind: str = ""
    brand: str = ""
    operator: str = ""
    country: str = ""
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    max_minutes: int | None = None
    sort: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of services, with what the filters can be set to."""

    services: Sequence[Service]
    total: int
    page: int
    pages: int
    categories: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]
    brands: Sequence[tuple[str, str]]
    operators: Sequence[tuple[str, str]]
    countries: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PriceTag:
    """The price beside a service; ``is_from`` where an answer on the form decides."""

    money: Money
    is_from: bool


@dataclass(frozen=True, slots=True)
class _Row:
    pk: int
    name: str
    kind: str
    brand: str
    operator: str
    country: str
    networks: list[str]
    models_note: str
    average_minutes: int
    category_slug: str
    category_name: str
    price: Decimal | None

    @property
    def haystack(self) -> str:
        texts = (self.name, self.brand, self.operator, self.models_note, self.category_name, *map(str, self.networks))
        return _haystack(texts, self.country, get_language() or "en")


_COLUMNS: Final = (
    "pk", "name", "kind", "brand", "operator", "country", "networks", "models_note", "average_minutes",
    "category__slug", "category__name", "lowest",
)  # fmt: skip


def find(
    wanted: Wanted,
    *,
    page: int = 1,
    size: int = PAGE_SIZE,
    popularity: Callable[[Sequence[int]], Mapping[int, int]] | None = None,
) -> Found:
    """The services that fit ``wanted``, ``size`` on a page; a page beyond the last is the last. Two queries.

    ``popularity`` tells the orders of each service, and is asked only where the list is ordered by it.
    """
    lowest = ServicePrice.objects.filter(service=OuterRef("pk"), currency=wanted.currency or settings.DEFAULT_CURRENCY)
    published = Service.objects.filter(is_published=True).annotate(
        lowest=Subquery(lowest.order_by("amount").values("amount")[:1])
    )
    rows = [_Row(*columns) for columns in published.values_list(*_COLUMNS)]
    fitting = _sorted([row for row in rows if _fits(row, wanted)], wanted.sort, popularity)
    pages = max(1, -(-len(fitting) // size))
    page = min(max(1, page), pages)
    shown = [row.pk for row in fitting[(page - 1) * size : page * size]]
    return Found(
        services=_load(shown) if shown else [],
        total=len(fitting),
        page=page,
        pages=pages,
        categories=_options(rows, lambda row: (row.category_slug, row.category_name), in_order=True),
        kinds=[(kind.value, str(kind.label)) for kind in ServiceKind if any(row.kind == kind for row in rows)],
        brands=_options(rows, lambda row: (row.brand, row.brand)),
        operators=_options(rows, lambda row: (row.operator, row.operator)),
        countries=_options(rows, lambda row: (row.country, country_name(row.country))),
    )


def _load(ids: Sequence[int]) -> list[Service]:
    """Services in this order, with category and prices, as ``with_prices`` loads them. One query."""
    relation = FilteredRelation("prices", condition=Q(prices__currency__in=settings.CURRENCIES))
    columns = {
        "price_id": F("offered__pk"), "price_in": F("offered__currency"),
        "price_for": F("offered__option"), "price_amount": F("offered__amount"),
    }  # fmt: skip
    rows = cast("Any", Service.objects).filter(pk__in=ids).select_related("category")
    joined = rows.annotate(offered=relation).annotate(**columns)
    found: dict[int, Any] = {}
    for row in joined.order_by("price_amount"):
        service: Any = found.setdefault(row.pk, row)
        if service is row:
            service.price_rows = []
        priced: Any = row
        if priced.price_id is not None:
            service.price_rows.append(
                ServicePrice(
                    pk=priced.price_id, service=service, currency=priced.price_in, option=priced.price_for,
                    amount=priced.price_amount,
                )
            )  # fmt: skip
    return [found[pk] for pk in ids if pk in found]


def with_prices(services: QuerySet[Service]) -> QuerySet[Service]:
    """The services with their category and all prices in offered currencies, for ``price_tag``."""
    return services.select_related("category").prefetch_related(_offered_prices())


def load_form(service: Service) -> None:
    """Load the questions and prices of a service that was read with its category. Two queries."""
    prefetch_related_objects([service], "fields", _offered_prices())


def _offered_prices() -> Prefetch[Any]:
    prices = ServicePrice.objects.filter(currency__in=settings.CURRENCIES).order_by("amount")
    return Prefetch("prices", queryset=prices, to_attr="price_rows")


def price_tag(service: Service, currency: str) -> PriceTag | None:
    """What to write beside a service that came through ``with_prices``; None where it is not sold in ``currency``."""
    if currency not in currencies_of(service):
        return None
    rows = _rows_in(service, currency)
    return PriceTag(min(rows, key=lambda row: row.amount).money, is_from=any(row.option for row in rows))


def currencies_of(service: Service) -> list[str]:
    """The currencies in which a service that came through ``with_prices`` is sold."""
    return sold_in(getattr(service, "price_rows", []))


def choice_labels(service: Service, field: ServiceField, currency: str) -> list[tuple[str, str]]:
    """The answers of a choice field, each with its price in ``currency`` where it has one of its own."""
    rows = _rows_in(service, currency)
    prices = {row.option: row.money.format(get_language() or "en") for row in rows if row.option}
    labels = []
    for choice in choices_of(field):
        price = prices.get(f"{field.name}={choice}")
        labels.append((choice, f"{choice} – {price}" if price else choice))
    return labels


def categories_with_counts() -> QuerySet[Category]:
    """The categories that have something to sell, each with ``services_count``."""
    published = Count("services", filter=Q(services__is_published=True))
    counted = Category.objects.annotate(services_count=published).filter(services_count__gt=0)
    return counted.order_by("position", "name")


def fold(text: str) -> str:
    """Text as it is compared: lower case, without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def compact(text: str) -> str:
    """Text as it is compared without regard to spacing and signs: iphone15 for "i-Phone 15", att for AT&T."""
    return "".join(c for c in fold(text) if c.isalnum())


@lru_cache(maxsize=8192)
def _haystack(texts: tuple[str, ...], country: str, language: str) -> str:
    """What is searched of a service, folded once for each text and language; with and without spaces."""
    del language  # country_name speaks it; here it tells the cached words apart
    words = " ".join([*texts, country_name(country) if country else "", country])
    return f"{fold(words)} {compact(words)}"


def _rows_in(service: Service, currency: str) -> list[ServicePrice]:
    return [row for row in getattr(service, "price_rows", []) if row.currency == currency]


def _fits(row: _Row, wanted: Wanted) -> bool:
    exact = (
        (wanted.category, row.category_slug),
        (wanted.kind, row.kind),
        (wanted.brand, row.brand),
        (wanted.operator, row.operator),
        (wanted.country, row.country),
    )
    if any(want and want != have for want, have in exact):
        return False
    if wanted.max_minutes is not None and row.average_minutes > wanted.max_minutes:
        return False
    return _fits_price(row.price, wanted) and _has_words(row, wanted.words)


def _fits_price(price: Decimal | None, wanted: Wanted) -> bool:
    if wanted.min_price is None and wanted.max_price is None:
        return True
    least, most = wanted.min_price or Decimal(0), wanted.max_price
    return price is not None and price >= least and (most is None or price <= most)


def _has_words(row: _Row, words: str) -> bool:
    """Every word is there, however it is spaced: "iphone15" and "i phone" find an iPhone 15."""
    return not words or all(
        word in row.haystack or (compact(word) or word) in row.haystack for word in fold(words).split()
    )


def _sorted(
    rows: list[_Row], sort: str, popularity: Callable[[Sequence[int]], Mapping[int, int]] | None
) -> list[_Row]:
    """Rows in the order wished for; equal ones stay in the shelf's order, those without a price come last."""
    if sort == Sort.PRICE:
        return sorted(rows, key=lambda row: (row.price is None, row.price or 0))
    if sort == Sort.TIME:
        return sorted(rows, key=lambda row: row.average_minutes)
    if sort == Sort.POPULAR and popularity is not None:
        orders = popularity([row.pk for row in rows])
        return sorted(rows, key=lambda row: -orders.get(row.pk, 0))
    return rows


def _options(
    rows: Sequence[_Row], pair: Callable[[_Row], tuple[str, str]], *, in_order: bool = False
) -> list[tuple[str, str]]:
    pairs = {pair(row): None for row in rows if pair(row)[0]}
    return list(pairs) if in_order else sorted(pairs, key=lambda option: fold(option[1]))
