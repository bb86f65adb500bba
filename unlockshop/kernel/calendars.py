"""Time as the shop's promises count it: elapsed seconds, calendar days, business days and business hours.

Every moment that comes in is aware; every moment that goes out is aware and in the calendar's or given zone.
Days and hours are exact across daylight-saving changes: elapsed time is measured in UTC, dates are local.
A deadline that ends a day is written 23:59:59 and covers that whole second (``is_past``).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = timedelta(days=1)
LAST_SECOND: Final = time(23, 59, 59)
# Longer than any run of closed days: a search beyond it means a calendar that never opens.
MAX_CLOSED_DAYS: Final = 366
# A guarantee longer than this many open hours begins on the next business day.
LONG_GUARANTEE_HOURS: Final = 24


class CalendarError(ValueError):
    """A calendar or count that time cannot be measured with."""


@dataclass(frozen=True)
class BusinessCalendar:
    """When the shop counts time: opening hours on some weekdays, less public holidays and other closed days.

    ``opens`` and ``closes`` are local wall times on the same day; both None means the whole day counts.
    ``country`` names the public holidays (ISO 3166), None for none; ``closed`` holds extra days off.
    """

    name: str
    zone: ZoneInfo
    opens: time | None
    closes: time | None
    weekdays: frozenset[int]
    country: str | None = None
    closed: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise CalendarError(f"calendar {self.name}: weekdays are numbers from 0 (Monday) to 6, at least one")
        if (self.opens is None) != (self.closes is None):
            raise CalendarError(f"calendar {self.name}: opening and closing time go together")
        if self.opens is not None and self.closes is not None and self.opens >= self.closes:
            raise CalendarError(f"calendar {self.name}: it must open before it closes")

    def __hash__(self) -> int:
        return hash((self.name, self.closed))

    def closed_on(self, days: frozenset[date]) -> BusinessCalendar:
        """The same calendar with more days off."""
        return replace(self, closed=self.closed | days) if days else self

    @property
    def hours_a_day(self) -> timedelta:
        """How long a business day is by the wall clock."""
        if self.opens is None or self.closes is None:
            return DAY
        return _since_midnight(self.closes) - _since_midnight(self.opens)

    def is_business_day(self, day: date) -> bool:
        """Whether ``day`` counts."""
        return day.weekday() in self.weekdays and day not in self.closed and day not in _public(self.country, day.year)

    def next_business_day(self, day: date) -> date:
        """The first business day after ``day``. Raises ``CalendarError`` if there is none within a year."""
        for _tries in range(MAX_CLOSED_DAYS):
            day += DAY
            if self.is_business_day(day):
                return day
        raise CalendarError(f"calendar {self.name} has no business day near {day}")

    def local(self, moment: datetime) -> datetime:
        """``moment`` by the calendar's wall clock."""
        return _aware(moment).astimezone(self.zone)

    def session(self, day: date) -> tuple[datetime, datetime]:
        """When ``day`` opens and closes, in UTC; the two are equal on a day off."""
        return _session(self, day)


def _since_midnight(moment: time) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise CalendarError(f"{moment} has no time zone")
    return moment


@lru_cache(maxsize=512)
def _public(country: str | None, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - its registry is large, and most processes never count opening hours

    return frozenset(holidays.country_holidays(country, years=year)) if country else frozenset()


@lru_cache(maxsize=8192)
def _session(calendar: BusinessCalendar, day: date) -> tuple[datetime, datetime]:
    opens = datetime.combine(day, calendar.opens or time.min, calendar.zone).astimezone(UTC)
    if not calendar.is_business_day(day):
        return opens, opens
    if calendar.closes is None:
        return opens, datetime.combine(day + DAY, time.min, calendar.zone).astimezone(UTC)
    return opens, datetime.combine(day, calendar.closes, calendar.zone).astimezone(UTC)


def open_time(start: datetime, end: datetime, calendar: BusinessCalendar) -> timedelta:
    """Business time between two moments; zero when ``end`` is not after ``start``."""
    start_utc, end_utc = _aware(start).astimezone(UTC), _aware(end).astimezone(UTC)
    total = timedelta(0)
    day, last = calendar.local(start).date(), calendar.local(end).date()
    while day <= last:
        opens, closes = calendar.session(day)
        overlap = min(closes, end_utc) - max(opens, start_utc)
        if overlap > timedelta(0):
            total += overlap
        day += DAY
    return total


def elapsed_end(start: datetime, seconds: int) -> datetime:
    """The moment ``seconds`` of real time after ``start``: 24 hours over a clock change are 24 hours."""
    return (_aware(start).astimezone(UTC) + timedelta(seconds=seconds)).astimezone(start.tzinfo)


def day_end(day: date, zone: ZoneInfo) -> datetime:
    """The last second of ``day`` in ``zone``."""
    return datetime.combine(day, LAST_SECOND, zone).replace(fold=1)


def calendar_days_end(start: datetime, n: int, zone: ZoneInfo) -> datetime:
    """The last second of the ``n``-th day after ``start``; the local day of ``start`` is day 0."""
    return day_end(_aware(start).astimezone(zone).date() + _days(n), zone)


def withdrawal_end(start: datetime, n: int, calendar: BusinessCalendar) -> datetime:
    """As ``calendar_days_end``, moved to the next business day when it falls on a day off."""
    day = calendar.local(start).date() + _days(n)
    return day_end(day if calendar.is_business_day(day) else calendar.next_business_day(day), calendar.zone)


def months_end(start: datetime, n: int, zone: ZoneInfo) -> datetime:
    """The last second of the same date ``n`` months on, or of that month's last day when it is shorter."""
    day = _aware(start).astimezone(zone).date()
    return day_end(add_months(day, n), zone)


def add_months(day: date, n: int) -> date:
    """The same date ``n`` months on, clamped to the end of that month."""
    years, month = divmod(day.month - 1 + n, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def business_days_end(start: datetime, n: int, calendar: BusinessCalendar) -> datetime:
    """The close of the ``n``-th business day after the local date of ``start``, or its last second without hours."""
    _days(n)
    day = calendar.local(start).date()
    for _count in range(n):
        day = calendar.next_business_day(day)
    if calendar.closes is None:
        return day_end(day, calendar.zone)
    return datetime.combine(day, calendar.closes, calendar.zone)


def business_hours_end(start: datetime, hours: int, calendar: BusinessCalendar) -> datetime:
    """The moment at which ``hours`` of business time have passed since ``start``; the clock stands while closed."""
    return _after_open_time(start, timedelta(hours=hours), calendar)


def _after_open_time(start: datetime, wanted: timedelta, calendar: BusinessCalendar) -> datetime:
    if wanted < timedelta(0):
        raise CalendarError("time is counted forward")
    begin = _aware(start).astimezone(UTC)
    if not wanted:
        return calendar.local(start)
    day = calendar.local(start).date()
    while True:
        opens, closes = calendar.session(day)
        available = closes - max(opens, begin)
        if available >= wanted:
            return (max(opens, begin) + wanted).astimezone(calendar.zone)
        if available > timedelta(0):
            wanted -= available
        day = calendar.next_business_day(day)


def guarantee_start(start: datetime, hours: int, calendar: BusinessCalendar) -> datetime:
    """When a guarantee of ``hours`` begins: at once, or if it is a long one at the next business day's opening."""
    if hours <= LONG_GUARANTEE_HOURS:
        return _aware(start)
    day = calendar.next_business_day(calendar.local(start).date())
    return calendar.session(day)[0].astimezone(calendar.zone)


def guarantee_end(start: datetime, hours: int, calendar: BusinessCalendar) -> datetime:
    """The end of a guaranteed delivery time of ``hours`` business hours."""
    return business_hours_end(guarantee_start(start, hours, calendar), hours, calendar)


def guarantee_plus_days_end(start: datetime, hours: int, n: int, calendar: BusinessCalendar) -> datetime:
    """The close of the ``n``-th business day after the end of the guarantee."""
    return business_days_end(guarantee_end(start, hours, calendar), n, calendar)


def promised_time(minutes: int, calendar: BusinessCalendar) -> timedelta:
    """A delivery time in minutes as business time: each whole day is a business day, the rest at most one more."""
    days, rest = divmod(timedelta(minutes=minutes), DAY)
    return days * calendar.hours_a_day + min(rest, calendar.hours_a_day)


def promise_end(start: datetime, minutes: int, calendar: BusinessCalendar) -> datetime:
    """The end of a delivery time of ``minutes`` (``promised_time``), begun as any guarantee of that length."""
    wanted = promised_time(minutes, calendar)
    hours = -(-wanted // timedelta(hours=1))
    return _after_open_time(guarantee_start(start, hours, calendar), wanted, calendar)


def open_time_end(start: datetime, minutes: int, calendar: BusinessCalendar) -> datetime:
    """The moment at which ``minutes`` of business time have passed since ``start``."""
    return _after_open_time(start, timedelta(minutes=minutes), calendar)


def counted_until(moment: datetime, calendar: BusinessCalendar) -> datetime:
    """Until when business time has been counted at ``moment``, in UTC: a deadline before it has been overrun.

    That is ``moment`` itself while the calendar is open, else the last close.
    """
    now = _aware(moment).astimezone(UTC)
    day = calendar.local(moment).date()
    for _tries in range(MAX_CLOSED_DAYS):
        opens, closes = calendar.session(day)
        if opens < closes and opens < now:
            return min(now, closes)
        day -= DAY
    raise CalendarError(f"calendar {calendar.name} has no business day near {day}")


def days_in_hours(days: int, calendar: BusinessCalendar) -> int:
    """A guarantee in business days as business hours."""
    return int(days * calendar.hours_a_day / timedelta(hours=1))


def is_past(moment: datetime, end: datetime) -> bool:
    """Whether ``moment`` lies after the deadline ``end``; a day's last second belongs to the day to its very end."""
    if end.time() == LAST_SECOND:
        return moment >= end + timedelta(seconds=1)
    return moment > end


def _days(n: int) -> timedelta:
    if n < 0:
        raise CalendarError("days are counted forward")
    return timedelta(days=n)


_WORKING_WEEK: Final = frozenset({0, 1, 2, 3, 4})
CALENDARS: Final = {
    calendar.name: calendar
    for calendar in (
        BusinessCalendar("la", ZoneInfo("America/Los_Angeles"), time(9), time(18), _WORKING_WEEK, "US"),
        BusinessCalendar("madrid", ZoneInfo("Europe/Madrid"), time(10), time(22), _WORKING_WEEK, "ES"),
        BusinessCalendar("weekday_utc", ZoneInfo("UTC"), None, None, _WORKING_WEEK),
    )
}


def named(name: str) -> BusinessCalendar:
    """The shop's calendar of that name. Raises ``CalendarError`` for one there is not."""
    try:
        return CALENDARS[name]
    except KeyError as error:
        raise CalendarError(f"there is no calendar {name!r}") from error
