"""What two reports of one device say differently."""

from __future__ import annotations

from dataclasses import dataclass

from services.reports.fields import Field
from services.reports.reading import Report


@dataclass(frozen=True, slots=True)
class Change:
    """One field with both values, as ``Reading.value`` has them; None: the report does not name the field."""

    field: Field
    before: str | None
    now: str | None


def compare(before: Report, now: Report) -> tuple[Change, ...] | None:
    """The fields whose value differs, in the order in which they are shown; None where a report cannot be read."""
    if not (before.is_readable and now.is_readable):
        return None
    older, newer = _values(before), _values(now)
    return tuple(
        Change(name, older.get(name), newer.get(name))
        for name in Field
        if _folded(older.get(name)) != _folded(newer.get(name))
    )


def _values(report: Report) -> dict[Field, str]:
    return {reading.field: reading.value for reading in report.readings}


def _folded(value: str | None) -> str | None:
    return value.casefold() if value is not None else None
