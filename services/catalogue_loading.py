"""Writing a catalogue file into the database: all of it or nothing, and the same file again changes nothing.

The file wins over what is in the database; what the file does not name is left alone, never deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, TypeVar

from django.db import models, transaction

from services.catalogue_file import Catalogue, CatalogueFileError, ServiceEntry
from services.models import (
    IDENTIFIER_KINDS,
    Category,
    Offer,
    Service,
    ServiceField,
    ServicePrice,
    Supplier,
)

# Slug in the file: name and description on the shelf. The order is the order in the shop.
CATEGORIES: Final[Mapping[str, tuple[str, str]]] = {
    "unlock": ("Network unlock", "Use your phone with any network."),
    "check": ("Device checks", "Carrier lock, model, warranty and history from the IMEI."),
    "operator_check": ("Network checks", "What one network says about a phone before you unlock or buy it."),
    "status": ("Status checks", "Blacklist, lost-mode and management status before you buy."),
    "identify": ("Identify a device", "Find out which model or network a phone belongs to."),
    "topup": ("Top-ups", "Mobile credit for prepaid lines."),
}
FIRST_SUPPLIER_SERVICE_ID: Final = 1001
COST_SHARE: Final = Decimal("0.60")
ASKED_FIRST: Final = 50
"""The priority of an offer that is asked before the ordinary ones."""
Row = TypeVar("Row", bound=models.Model)


@dataclass(slots=True)
class Report:
    """What a load did: rows created, updated and found as they should be, and what only the database has."""

    created: Counter[str] = field(default_factory=Counter)
    updated: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    only_in_database: list[str] = field(default_factory=list)

    @property
    def has_changed(self) -> bool:
        """Whether anything was written."""
        return bool(self.created or self.updated)


def load(
    catalogue: Catalogue,
    *,
    publish: bool,
    supplier: Supplier | None = None,
    asked_first: Mapping[str, Supplier] | None = None,
) -> Report:
    """Bring the database in line with ``catalogue``.

    New services are hidden unless ``publish``. With ``supplier`` each service gets an offer there:
    id 1000 + position in the file, cost 60 % of the price. That is the demo supplier's numbering.
    ``asked_first`` names, by service, one more supplier with the same numbering, who is asked before that one.
    Raises ``CatalogueFileError`` when it names a service that the file does not have.
    """
    report = Report()
    first = asked_first or {}
    unknown = set(first) - {entry.slug for entry in catalogue.services}
    if unknown:
        raise CatalogueFileError(f"no such service to offer: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        categories = {
            slug: _put(report, Category, {"slug": slug}, name=name, description=description, position=position)
            for position, (slug, (name, description)) in enumerate(CATEGORIES.items(), 1)
        }
        for entry in catalogue.services:
            service = _put(report, Service, {"slug": entry.slug}, **_values(entry, categories, publish=publish))
            _load_fields(report, entry, service)
            _load_prices(report, entry, service, currency=catalogue.currency)
            if supplier is not None:
                _load_offer(report, entry, service, supplier, currency=catalogue.currency)
            if entry.slug in first:
                _load_offer(
                    report, entry, service, first[entry.slug], currency=catalogue.currency, priority=ASKED_FIRST
                )
        slugs = {entry.slug for entry in catalogue.services}
        extra = Service.objects.exclude(slug__in=slugs).order_by("slug").values_list("slug", flat=True)
        report.only_in_database += [f"service {slug}" for slug in extra]
    return report


def _values(entry: ServiceEntry, categories: Mapping[str, Category], *, publish: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": entry.name,
        "kind": entry.kind,
        "category": categories[entry.category],
        "brand": entry.brand,
        "operator": entry.operator,
        "country": entry.country,
        "networks": list(entry.networks),
        "models_note": entry.models_note,
        "eligibility": entry.eligibility,
        "result_kind": entry.result_kind,
        "average_minutes": entry.average_minutes,
        "guaranteed_minutes": entry.guaranteed_minutes,
    }
    return {**values, "is_published": True} if publish else values


def _load_prices(report: Report, entry: ServiceEntry, service: Service, *, currency: str) -> None:
    wanted = {currency: entry.prices, **entry.other_prices}
    for code, column in wanted.items():
        for option, amount in column.items():
            key = {"service": service, "currency": code, "option": option}
            is_priced_again = not option and code in entry.recheck_prices
            again = {"recheck_amount": entry.recheck_prices[code]} if is_priced_again else {}
            _put(report, ServicePrice, key, amount=amount, **again)
    for left in service.prices.all():
        if left.option not in wanted.get(left.currency, {}):
            report.only_in_database.append(f"price {entry.slug} {left.currency} {left.option}".strip())


def _load_offer(
    report: Report, entry: ServiceEntry, service: Service, supplier: Supplier, *, currency: str, **values: Any
) -> None:
    cost = (entry.prices[""] * COST_SHARE).quantize(Decimal("0.01"), ROUND_HALF_UP)
    service_id = str(FIRST_SUPPLIER_SERVICE_ID - 1 + entry.position)
    key = {"service": service, "supplier": supplier}
    _put(report, Offer, key, supplier_service_id=service_id, cost=cost, cost_currency=currency, **values)


def _load_fields(report: Report, entry: ServiceEntry, service: Service) -> None:
    names = {wanted.name for wanted in entry.fields}
    for left in service.fields.exclude(name__in=names):
        if left.kind in IDENTIFIER_KINDS:
            raise CatalogueFileError(
                f"{entry.slug}: required_fields: the database asks for the identifier in the field {left.name!r}; "
                "rename or remove it there first"
            )
        report.only_in_database.append(f"field {entry.slug}.{left.name}")
    for position, wanted in enumerate(entry.fields):
        _put(
            report,
            ServiceField,
            {"service": service, "name": wanted.name},
            label=wanted.label,
            kind=wanted.kind,
            is_required=wanted.is_required,
            choices=list(wanted.choices),
            pattern=wanted.pattern,
            help_text=wanted.help_text,
            position=position,
        )


def _put(report: Report, model: type[Row], key: dict[str, Any], **values: Any) -> Row:
    """The row with ``key``, brought to ``values``; only columns that differ are written."""
    rows = model._default_manager  # noqa: SLF001 - the documented way to a model's rows
    name = str(model._meta.verbose_name)  # noqa: SLF001
    row = rows.filter(**key).first()
    if row is None:
        report.created[name] += 1
        return rows.create(**key, **values)
    changed = [column for column, value in values.items() if getattr(row, column) != value]
    if not changed:
        report.unchanged[name] += 1
        return row
    for column in changed:
        setattr(row, column, values[column])
    row.save(update_fields=changed)
    report.updated[name] += 1
    return row
