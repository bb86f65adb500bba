"""Reading a catalogue file: YAML in, checked and bounded entries out. Nothing here touches the database.

The first thing wrong raises ``CatalogueFileError`` with the slug and the field, so that a person can mend it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final

import yaml

from services.catalogue_reader import CatalogueFileError, Reader
from services.models import IDENTIFIER_KINDS, FieldKind, ResultKind, ServiceKind
from unlockshop.kernel.money import EXPONENTS, Money, MoneyError

# ``price_eur`` is in it, and so are the costs of the demo supplier.
FILE_CURRENCY: Final = "EUR"
MAX_FILE_BYTES: Final = 2 * 1024 * 1024
MAX_SERVICES: Final = 2000
MAX_PRICE: Final = Decimal(100_000)
MAX_OPTION_LENGTH: Final = 40

KINDS: Final[Mapping[str, ServiceKind]] = {
    "unlock": ServiceKind.UNLOCK,
    "check": ServiceKind.CHECK,
    "operator_check": ServiceKind.CHECK,
    "status": ServiceKind.CHECK,
    "identify": ServiceKind.CHECK,
    "topup": ServiceKind.TOPUP,
}
_SERVICE_KEYS: Final = frozenset(
    {
        "slug", "name", "category", "brand", "operator", "country", "networks", "models", "required_fields",
        "price_eur", "price_note", "prices", "average_hours", "guaranteed_hours", "eligibility", "result_kind",
        "typical_success_text", "typical_not_found_text", "recheck_prices",
    }
)  # fmt: skip
_FIELD_KEYS: Final = frozenset({"name", "label", "type", "required", "choices", "currency", "pattern", "help"})
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_CENT: Final = Decimal("0.01")
_AMOUNT: Final = re.compile(r"[0-9]{1,9}([.][0-9]{1,3})?")
# What the price table's column holds; currencies differ too much in worth for one sensible limit.
_MAX_FOREIGN_PRICE: Final = Decimal(100_000_000)


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """One question of an order form."""

    name: str
    label: str
    kind: FieldKind
    is_required: bool
    choices: tuple[str, ...]
    pattern: str
    help_text: str


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """One service. ``position`` counts from 1 in file order.

    ``prices`` maps an option to its price in the file's currency, ``other_prices`` the same by further currencies;
    ``recheck_prices`` has the price of a repeated check by currency.
    """

    position: int
    slug: str
    name: str
    category: str
    kind: ServiceKind
    brand: str
    operator: str
    country: str
    networks: tuple[str, ...]
    models_note: str
    eligibility: str
    result_kind: ResultKind
    average_minutes: int
    guaranteed_minutes: int
    fields: tuple[FieldEntry, ...]
    prices: Mapping[str, Decimal]
    other_prices: Mapping[str, Mapping[str, Decimal]]
    recheck_prices: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The whole file."""

    currency: str
    services: tuple[ServiceEntry, ...]


def read(path: Path) -> Catalogue:
    """The catalogue in ``path``. Raises ``CatalogueFileError``."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CatalogueFileError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise CatalogueFileError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise CatalogueFileError(f"{path}: not valid YAML: {error}") from error
    return parse(document)


def parse(document: Any) -> Catalogue:
    """The catalogue in a document that was loaded from YAML."""
    if not isinstance(document, dict) or not isinstance(document.get("services"), list):
        raise CatalogueFileError("the file needs the keys currency and services (a list)")
    currency = document.get("currency")
    if not isinstance(currency, str) or not re.fullmatch(r"[A-Z]{3}", currency):
        raise CatalogueFileError("currency: must be a code of three letters such as EUR")
    if currency != FILE_CURRENCY:
        raise CatalogueFileError("currency: prices are read from price_eur, so it must be EUR")
    entries = document["services"]
    if not 1 <= len(entries) <= MAX_SERVICES:
        raise CatalogueFileError(f"services: from 1 to {MAX_SERVICES} are allowed, not {len(entries)}")
    services: list[ServiceEntry] = []
    seen: set[str] = set()
    for position, raw in enumerate(entries, 1):
        entry = _service(position, raw)
        if entry.slug in seen:
            raise CatalogueFileError(f"{entry.slug}: slug: is in the file twice")
        seen.add(entry.slug)
        services.append(entry)
    return Catalogue(currency, tuple(services))


def _service(position: int, raw: Any) -> ServiceEntry:
    slug = raw.get("slug") if isinstance(raw, dict) else None
    if not isinstance(slug, str) or len(slug) > 80 or not _SLUG.fullmatch(slug):
        raise CatalogueFileError(
            f"service number {position}: slug: must be small letters, digits and single hyphens, at most 80"
        )
    take = Reader(raw, slug, _SERVICE_KEYS)
    category = take.text("category", 40, needed=True)
    if category not in KINDS:
        raise take.error("category", f"{category!r} is none of {', '.join(KINDS)}")
    result_kind = take.text("result_kind", 40, needed=True)
    if result_kind not in ResultKind.values:
        raise take.error("result_kind", f"{result_kind!r} is none of {', '.join(ResultKind.values)}")
    country = take.text("country", 2)
    if country and not re.fullmatch(r"[A-Z]{2}", country):
        raise take.error("country", "must be two capital letters")
    average, guaranteed = take.minutes("average_hours"), take.minutes("guaranteed_hours")
    if guaranteed < average:
        raise take.error("guaranteed_hours", "is shorter than average_hours")
    models_note = ", ".join(take.texts("models", 200))
    if len(models_note) > 200:
        raise take.error("models", "has more than 200 characters in all")
    fields = _fields(take)
    prices = _prices(take, fields)
    other_prices = _other_prices(take, prices)
    return ServiceEntry(
        position=position,
        slug=slug,
        name=take.text("name", 120, needed=True),
        category=category,
        kind=KINDS[category],
        brand=take.text("brand", 60),
        operator=take.text("operator", 60),
        country=country,
        networks=tuple(name for name in take.texts("networks", 60) if name != "any"),
        models_note=models_note,
        eligibility=take.text("eligibility", 2000),
        result_kind=ResultKind(result_kind),
        average_minutes=average,
        guaranteed_minutes=guaranteed,
        fields=fields,
        prices=prices,
        other_prices=other_prices,
        recheck_prices=_recheck_prices(take, KINDS[category], {FILE_CURRENCY: prices, **other_prices}),
    )


def _fields(service: Reader) -> tuple[FieldEntry, ...]:
    raws = service.raw.get("required_fields")
    if not isinstance(raws, list) or not 1 <= len(raws) <= 10:
        raise service.error("required_fields", "must be a list of 1 to 10 fields")
    fields = tuple(_field(service, raw) for raw in raws)
    if len({field.name for field in fields}) != len(fields):
        raise service.error("required_fields", "has the same name twice")
    if sum(field.kind in IDENTIFIER_KINDS for field in fields) != 1:
        raise service.error("required_fields", "exactly one must have the type imei, imei_or_serial or msisdn")
    return fields


def _field(service: Reader, raw: Any) -> FieldEntry:
    take = Reader(raw, f"{service.where}: required_fields", _FIELD_KEYS)
    name = take.text("name", 40, needed=True)
    take.where += f": {name}"
    if not _FIELD_NAME.fullmatch(name):
        raise take.error("name", "must be small letters, digits and underscores")
    kind = take.text("type", 40, needed=True)
    if kind not in FieldKind.values:
        raise take.error("type", f"{kind!r} is none of {', '.join(FieldKind.values)}")
    choices = take.texts("choices", MAX_OPTION_LENGTH)
    if bool(choices) != (kind == FieldKind.CHOICE):
        raise take.error("choices", "belong to the type choice, and only there")
    if any(len(f"{name}={choice}") > MAX_OPTION_LENGTH for choice in choices):
        raise take.error("choices", f"name and choice together have more than {MAX_OPTION_LENGTH} characters")
    pattern = take.text("pattern", 120)
    try:
        re.compile(pattern)
    except re.error as error:
        raise take.error("pattern", f"is no regular expression: {error}") from error
    currency = take.text("currency", 3)
    if currency and not re.fullmatch(r"[A-Z]{3}", currency):
        raise take.error("currency", "must be a code of three letters")
    label = take.text("label", 80, needed=True)
    if currency:
        label = f"{label} ({currency})"[:80]
    return FieldEntry(
        name=name,
        label=label,
        kind=FieldKind(kind),
        is_required=take.flag("required", default=True),
        choices=choices,
        pattern=pattern,
        help_text=take.text("help", 200),
    )


def _prices(take: Reader, fields: tuple[FieldEntry, ...]) -> dict[str, Decimal]:
    """The ordinary price, and one for each choice of an amount, in proportion to the lowest choice."""
    base = take.number("price_eur")
    if base == 0 and KINDS[take.text("category", 40)] == ServiceKind.CHECK:
        return {"": base.quantize(_CENT)}
    if not 0 < base <= MAX_PRICE or base != base.quantize(_CENT):
        raise take.error("price_eur", f"must be more than 0, at most {MAX_PRICE}, in whole cents")
    prices = {"": base.quantize(_CENT)}
    for field in fields:
        if field.kind != FieldKind.CHOICE:
            continue
        if not all(choice.isascii() and choice.isdecimal() and int(choice) > 0 for choice in field.choices):
            raise take.error(f"required_fields: {field.name}: choices", "must be amounts, because they set the price")
        lowest = min(int(choice) for choice in field.choices)
        for choice in field.choices:
            price = (base * int(choice) / lowest).quantize(_CENT, ROUND_HALF_UP)
            if price > MAX_PRICE:
                raise take.error("price_eur", f"makes {field.name}={choice} cost more than {MAX_PRICE}")
            prices[f"{field.name}={choice}"] = price
    return prices


def _other_prices(take: Reader, prices: Mapping[str, Decimal]) -> dict[str, dict[str, Decimal]]:
    """``prices`` of the file: by currency one amount, or with options one for each of them. Nothing is computed."""
    table = take.raw.get("prices")
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise take.error("prices", "must be a mapping of currencies to prices")
    return {currency: _price_column(take, currency, column, prices) for currency, column in table.items()}


def _recheck_prices(
    take: Reader, kind: ServiceKind, ordinary: Mapping[str, Mapping[str, Decimal]]
) -> dict[str, Decimal]:
    """``recheck_prices`` of the file: by currency what a repeated check costs, no more than the check."""
    table = take.raw.get("recheck_prices")
    if table is None:
        return {}
    if kind != ServiceKind.CHECK or not isinstance(table, dict):
        raise take.error("recheck_prices", "must be a mapping of currencies to prices, and belongs to checks only")
    amounts = {}
    for currency, value in table.items():
        if currency not in ordinary:
            raise take.error("recheck_prices", f"{currency!r} is no currency that the service has a price in")
        key = f"recheck_prices: {currency}"
        amounts[currency] = _amount(take, key, value, currency)
        if amounts[currency] > ordinary[currency][""]:
            raise take.error(key, "is more than the price")
    return amounts


def _price_column(take: Reader, currency: Any, column: Any, prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
    if not isinstance(currency, str) or currency not in EXPONENTS:
        raise take.error("prices", f"{currency!r} is no currency that the shop knows")
    key = f"prices: {currency}"
    if currency == FILE_CURRENCY:
        raise take.error(key, "belongs into price_eur")
    options = set(prices) - {""}
    if not prices[""]:
        if str(column) != "0":
            raise take.error(key, "must be 0, as price_eur is")
        return {"": Decimal(0)}
    if not options:
        return {"": _amount(take, key, column, currency)}
    if not isinstance(column, dict) or set(column) != options:
        raise take.error(key, f"must have exactly the prices {', '.join(sorted(options))}")
    amounts = {option: _amount(take, f"{key}: {option}", column[option], currency) for option in column}
    return {"": min(amounts.values()), **amounts}


def _amount(take: Reader, key: str, value: Any, currency: str) -> Decimal:
    """An amount as text or as a number, with no more digits than its currency has."""
    text = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    if not _AMOUNT.fullmatch(text):
        raise take.error(key, "must be an amount such as 12.50")
    amount = Decimal(text)
    if not 0 < amount <= _MAX_FOREIGN_PRICE:
        raise take.error(key, f"must be more than 0 and at most {_MAX_FOREIGN_PRICE}")
    try:
        return Money(amount, currency).amount
    except MoneyError as error:
        raise take.error(key, str(error)) from error
