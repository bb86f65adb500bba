"""A supplier's catalogue made fit to keep: plain text, bounded sizes, one entry for an id, costs that are numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from services.suppliers.base import CatalogueEntry, CustomField
from services.suppliers.plain_text import to_line, to_plain_text

MAX_ENTRIES: Final = 50_000
MAX_COST: Final = Decimal(10) ** 9
_SMALLEST: Final = Decimal("0.000001")
_MAX_ID: Final = 80
_MAX_QUESTIONS: Final = 40
_MAX_OPTIONS: Final = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry as it is kept. ``cost`` is None where the supplier's is missing or no sensible number."""

    service_id: str
    name: str
    group: str
    kind: str
    cost: Decimal | None
    time: str
    info: str
    form: dict[str, Any]


def clean(entries: Iterable[CatalogueEntry]) -> tuple[list[Listed], int]:
    """The usable entries, and the number of those left out: without an id that can be kept, or with one named before.

    Whatever adapter they come from, their texts are made plain once more.
    """
    found: dict[str, Listed] = {}
    skipped = 0
    for entry in entries:
        service_id = str(entry.service_id).strip()
        if not service_id or service_id in found or len(service_id) > _MAX_ID or to_line(service_id, 99) != service_id:
            skipped += 1
            continue
        found[service_id] = Listed(
            service_id=service_id,
            name=to_line(entry.name, 200),
            group=to_line(entry.group, 200),
            kind=to_line(entry.kind, 20),
            cost=usable_cost(entry.cost),
            time=to_line(entry.time, 80),
            info=to_plain_text(entry.info),
            form=_form(entry),
        )
    return list(found.values()), skipped


def usable_cost(cost: Decimal | None) -> Decimal | None:
    """``cost`` as it is kept, rounded up to six digits; None for what is missing, no number, negative or absurd."""
    if cost is None or not isinstance(cost, Decimal) or not cost.is_finite() or not 0 <= cost < MAX_COST:
        return None
    return cost.quantize(_SMALLEST, rounding="ROUND_CEILING")


def _form(entry: CatalogueEntry) -> dict[str, Any]:
    """What the supplier asks for with an order. A change of it makes orders fail, so it is compared as a whole."""
    return {
        "kind": to_line(entry.kind, 20),
        "identifier": to_line(entry.identifier_label, 80),
        "letters": bool(entry.allows_letters),
        "requires": sorted({to_line(name, 40) for name in entry.requires[:_MAX_QUESTIONS]}),
        "questions": [_question(field) for field in _first(entry.custom_fields, _MAX_QUESTIONS)],
    }


def _question(field: CustomField) -> dict[str, Any]:
    return {
        "name": to_line(field.name, 80),
        "kind": to_line(field.kind, 20),
        "options": [to_line(option, 80) for option in _first(field.options, _MAX_OPTIONS)],
        "description": to_line(field.description, 200),
        "required": bool(field.is_required),
    }


def _first(items: Sequence[Any], count: int) -> Sequence[Any]:
    return tuple(items)[:count]
