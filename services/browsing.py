"""Finding services in the catalogue: by words and by category, kind, brand and country.

The catalogue holds hundreds of services, so one query reads the few columns that are searched, words are compared
here (without regard to case and accents, the same on every database), and a second one loads the page that is shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.translation import get_language

from services.models import Category, Service, ServiceField, ServiceKind, ServicePrice
from services.order_form import choices_of, country_name
from unlockshop.kernel.money import Money

PAGE_SIZE: Final = 24
MAX_QUERY: Final = 80


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a visitor looks for. Empty parts do not narrow."""

    words: str = ""
    category: str = ""
    kind: str = ""
    brand: str = ""
    country: str = ""


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
    category_slug: str
    category_name: str

    @property
    def haystack(self) -> str:
        parts = [self.name, self.brand, self.operator, self.models_note, self.category_name, *map(str, self.networks)]
        return fold(" ".join([*parts, country_name(self.country) if self.country else "", self.country]))


_COLUMNS: Final = (
    "pk", "name", "kind", "brand", "operator", "country", "networks", "models_note",
    "category__slug", "category__name",
)  # fmt: skip


def find(wanted: Wanted, *, currency: str, page: int = 1) -> Found:
    """The services that fit ``wanted``; a page beyond the last is the last. Three queries."""
    rows = [_Row(*columns) for columns in Service.objects.filter(is_published=True).values_list(*_COLUMNS)]
    fitting = [row for row in rows if _fits(row, wanted)]
    pages = max(1, -(-len(fitting) // PAGE_SIZE))
    page = min(max(1, page), pages)
    shown = [row.pk for row in fitting[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]]
    return Found(
        services=list(with_prices(Service.objects.filter(pk__in=shown), currency=currency)) if shown else [],
        total=len(fitting),
        page=page,
        pages=pages,
        categories=_options(rows, lambda row: (row.category_slug, row.category_name), in_order=True),
        kinds=[(kind.value, str(kind.label)) for kind in ServiceKind if any(row.kind == kind for row in rows)],
        brands=_options(rows, lambda row: (row.brand, row.brand)),
        countries=_options(rows, lambda row: (row.country, country_name(row.country))),
    )


def with_prices(services: QuerySet[Service], *, currency: str) -> QuerySet[Service]:
    """The services with their category and all prices in ``currency``, for ``price_tag``."""
    prices = ServicePrice.objects.filter(currency=currency).order_by("amount")
    loaded = Prefetch("prices", queryset=prices, to_attr="price_rows")
    return services.select_related("category").prefetch_related(loaded)


def price_tag(service: Service) -> PriceTag | None:
    """What to write beside a service that came through ``with_prices``; None where it has no price."""
    rows: list[ServicePrice] = getattr(service, "price_rows", [])
    if not rows:
        return None
    return PriceTag(min(rows, key=lambda row: row.amount).money, is_from=any(row.option for row in rows))


def choice_labels(service: Service, field: ServiceField) -> list[tuple[str, str]]:
    """The answers of a choice field, each with its price where it has one of its own."""
    rows: list[ServicePrice] = getattr(service, "price_rows", [])
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


def _fits(row: _Row, wanted: Wanted) -> bool:
    exact = (
        (wanted.category, row.category_slug),
        (wanted.kind, row.kind),
        (wanted.brand, row.brand),
        (wanted.country, row.country),
    )
    if any(want and want != have for want, have in exact):
        return False
    words = fold(wanted.words).split()
    return not words or _all_in(words, row.haystack)


def _all_in(words: Sequence[str], haystack: str) -> bool:
    return all(word in haystack for word in words)


def _options(
    rows: Sequence[_Row], pair: Callable[[_Row], tuple[str, str]], *, in_order: bool = False
) -> list[tuple[str, str]]:
    pairs = {pair(row): None for row in rows if pair(row)[0]}
    return list(pairs) if in_order else sorted(pairs, key=lambda option: fold(option[1]))
