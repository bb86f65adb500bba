"""Days that staff took out of a business calendar, as orders that are paid keep them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from orders.models import DayOff
from unlockshop.kernel import calendars

# Later than any clock of an order reaches: guarantees end within 20 business days, caps within a few months.
AHEAD: Final = timedelta(days=400)


def ahead(names: Collection[str], start: datetime) -> Mapping[str, list[str]]:
    """By calendar, the days off from ``start`` on, as ISO dates. One query; none where no order has a calendar."""
    known = {name for name in names if name}
    found: dict[str, list[str]] = {name: [] for name in names}
    if not known:
        return found
    first = min(calendars.named(name).local(start).date() for name in known)
    rows = DayOff.objects.filter(calendar__in=known, day__gte=first, day__lte=first + AHEAD).order_by("day")
    for name, day in rows.values_list("calendar", "day"):
        found[name].append(day.isoformat())
    return found
