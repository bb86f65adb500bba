"""The sums of a scenario file: one calendar function, its arguments, and the moment that must come out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from refunds.scenarios.fields import Fields, ScenarioError, count, moment, one_of, text, what
from unlockshop.kernel import calendars
from unlockshop.kernel.calendars import BusinessCalendar

MAX_DAYS: Final = 10_000


def _zone(value: object, place: str) -> ZoneInfo:
    try:
        return ZoneInfo(text(value, place))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScenarioError(f"{place}: there is no time zone {what(value)}") from error


def _calendar(value: object, place: str) -> BusinessCalendar:
    return calendars.named(one_of(*calendars.CALENDARS)(value, place))


def _days(value: object, place: str) -> int:
    return count(value, place, most=MAX_DAYS)


def _seconds(value: object, place: str) -> int:
    return count(value, place, most=1_000_000_000)


_PARSERS: Final[dict[str, Callable[[object, str], Any]]] = {
    "start": moment, "seconds": _seconds, "n": _days, "hours": _days, "tz": _zone, "calendar": _calendar,
}  # fmt: skip
# Each function with the names of its arguments, in its order.
_FUNCTIONS: Final[dict[str, tuple[Callable[..., datetime], tuple[str, ...]]]] = {
    "elapsed_end": (calendars.elapsed_end, ("start", "seconds")),
    "calendar_days_end": (calendars.calendar_days_end, ("start", "n", "tz")),
    "business_days_end": (calendars.business_days_end, ("start", "n", "calendar")),
    "business_hours_end": (calendars.business_hours_end, ("start", "hours", "calendar")),
    "guarantee_end": (calendars.guarantee_end, ("start", "hours", "calendar")),
    "guarantee_plus_days_end": (calendars.guarantee_plus_days_end, ("start", "hours", "n", "calendar")),
    "withdrawal_end": (calendars.withdrawal_end, ("start", "n", "calendar")),
    "months_end": (calendars.months_end, ("start", "n", "tz")),
}


def compute(value: object, place: str) -> datetime:
    """The moment that a ``calc`` describes. Raises ``ScenarioError`` for one that cannot be computed."""
    calc = Fields(value, place)
    function, names = _FUNCTIONS[calc.take("fn", one_of(*_FUNCTIONS))]
    arguments = [calc.take(name, _PARSERS[name]) for name in names]
    calc.finish()
    try:
        return function(*arguments)
    except (ValueError, OverflowError) as error:
        raise ScenarioError(f"{place}: {error}") from error


def case(raw: object) -> tuple[datetime, datetime]:
    """The moment expected and the moment computed."""
    entry = Fields(raw, "")
    entry.take("name", text)
    entry.take("arithmetic", text, "")
    found = entry.take("at", moment), entry.take("calc", compute)
    entry.finish()
    return found
