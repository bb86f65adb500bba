"""A moment of an order as its customer reads it: by the shop's clock, and by the customer's own where that differs.

The shop's clock is the one that the order's times are counted by (its calendar's zone), named by its city. The
customer's zone is what the browser told at the checkout; without one, only the shop's clock is given. Mails, the
order's pages and its timeline all take their words here. What others than the customer may read, such as the public
tracker or the staff's pages, is worded by ``place_words``, which tells nothing of where the customer is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel.dates import format_skeleton, get_timezone_location
from django.utils.translation import gettext as _

from orders.models import Order, Purchase
from orders.wording import babel_locale
from unlockshop.kernel import calendars, clock

MAX_ZONE: Final = 64
"""Characters of a zone's name that are kept."""


def due_words(order: Order, moment: datetime) -> str:
    """A deadline, such as "Thursday 3 December, 22:00 Madrid time (16:00 your time)". The year if it is another."""
    return _with_own(order, moment, place_words(order, moment), _day_of_week)


def time_words(order: Order, moment: datetime) -> str:
    """When something happened: "21 Aug 2026, 12:14 Madrid time (06:14 your time)"."""
    return _with_own(order, moment, public_time_words(order.calendar, moment), _short_day)


def public_time_words(calendar: str, moment: datetime) -> str:
    """When something happened, by the clock of ``calendar`` alone: "21 Aug 2026, 12:14 Madrid time"."""
    local = moment.astimezone(_zone(calendar))
    return _at(_short_day(local), local, _zone_words(calendar))


def place_words(order: Order, moment: datetime) -> str:
    """A deadline by the shop's clock alone, such as "Thursday 3 December, 22:00 Madrid time"."""
    local = moment.astimezone(_zone(order.calendar))
    return _at(_day_of_week(local), local, _zone_words(order.calendar))


def day_words(order: Order, moment: datetime) -> str:
    """The day that a moment falls on by the shop's clock, such as "21 Aug 2026"."""
    return day_in(order.calendar, moment)[1]


def day_in(calendar: str, moment: datetime) -> tuple[date, str]:
    """The day that a moment falls on by the clock of ``calendar``, and its words."""
    local = moment.astimezone(_zone(calendar))
    return local.date(), _short_day(local)


def zone_of(calendar: str) -> str:
    """The name of the zone of the shop's clock; UTC without a calendar."""
    return calendars.named(calendar).zone.key if calendar else "UTC"


def own_zone(purchase: Purchase) -> ZoneInfo | None:
    """The customer's zone; None where the browser told none, or none that is known any more."""
    if not purchase.time_zone:
        return None
    try:
        return ZoneInfo(purchase.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def known_zone(name: str) -> str:
    """The name, if it is one of a time zone; else empty. What a browser sends is never believed further."""
    return name if len(name) <= MAX_ZONE and name in _names() else ""


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(calendar: str) -> tzinfo:
    return calendars.named(calendar).zone if calendar else UTC


def says_own(order: Order, moment: datetime) -> bool:
    """Whether the words give the customer's own time as well."""
    return _own(order, moment) is not None


def _own(order: Order, moment: datetime) -> datetime | None:
    """The moment in the customer's zone; None where that is not known or its clock shows the same time."""
    own = own_zone(order.purchase)
    if own is None:
        return None
    there = moment.astimezone(own)
    return None if there.utcoffset() == moment.astimezone(_zone(order.calendar)).utcoffset() else there


def _with_own(order: Order, moment: datetime, words: str, day: Callable[[datetime], str]) -> str:
    """``words``, and behind them the customer's own time where its clock shows another one; the day if it differs."""
    there, here = _own(order, moment), moment.astimezone(_zone(order.calendar))
    if there is None:
        return words
    time = f"{there:%H:%M}"
    if there.date() != here.date():
        time = _("%(day)s, %(time)s") % {"day": day(there), "time": time}
    return _("%(words)s (%(time)s your time)") % {"words": words, "time": time}


def _at(day: str, local: datetime, zone: str) -> str:
    return _("%(day)s, %(time)s %(zone)s") % {"day": day, "time": f"{local:%H:%M}", "zone": zone}


def _day_of_week(local: datetime) -> str:
    today = clock.now().astimezone(local.tzinfo)
    skeleton = "MMMMEEEEd" if local.year == today.year else "yMMMMEEEEd"
    return str(format_skeleton(skeleton, local, tzinfo=local.tzinfo, locale=babel_locale()))


def _short_day(local: datetime) -> str:
    return str(format_skeleton("yMMMd", local, tzinfo=local.tzinfo, locale=babel_locale()))


def _zone_words(calendar: str) -> str:
    city = _city(zone_of(calendar), babel_locale()) if calendar else "UTC"
    return city if city == "UTC" else _("%(city)s time") % {"city": city}


@lru_cache(maxsize=200)
def _city(zone: str, locale: str) -> str:
    return get_timezone_location(ZoneInfo(zone), locale=locale, return_city=True)
