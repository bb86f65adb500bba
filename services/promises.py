"""Delivery times in words. An average is rounded as people speak; a guarantee is never rounded.

A guarantee counts business time: each whole day of it is a business day, the rest are hours in which the shop is open.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

HOUR: Final = 60
DAY: Final = 24 * HOUR


def average_words(minutes: int) -> str:
    """Such as "about 30 hours on average, not guaranteed"."""
    return _("about %(time)s on average, not guaranteed") % {"time": about(minutes)}


def estimate_words(minutes: int) -> str:
    """Such as "about 30 hours by the supplier's estimate, not guaranteed"."""
    return _("about %(time)s by the supplier's estimate, not guaranteed") % {"time": about(minutes)}


def guaranteed_words(minutes: int, *, is_guaranteed: bool = True) -> str:
    """Such as "at most 3 business days, guaranteed", or what is expected. Hours beside the days are open hours."""
    days, rest = divmod(minutes, DAY)
    in_days = ngettext("%(count)d business day", "%(count)d business days", days) % {"count": days} if days else ""
    in_hours = _("%(time)s of opening time") % {"time": exactly(rest)} if rest or not days else ""
    time = _("%(days)s and %(hours)s") % {"days": in_days, "hours": in_hours} if in_days and in_hours else ""
    told = {"time": time or in_days or in_hours}
    if not is_guaranteed:
        return _("expected within %(time)s, not guaranteed") % told
    return _("at most %(time)s, guaranteed") % told


def about(minutes: int) -> str:
    """A rounded duration: minutes below two hours, hours below two days, days above."""
    if minutes < 2 * HOUR:
        if minutes > 10 and minutes != HOUR:
            minutes = round(minutes / 5) * 5
        return _hours(1) if minutes == HOUR else _minutes(max(1, minutes))
    if minutes < 2 * DAY:
        return _hours(round(minutes / HOUR))
    return _days(round(minutes / DAY))


def exactly(minutes: int) -> str:
    """The same duration in the largest units that say it fully: "3 days", "36 hours", "1 hour 30 minutes"."""
    if minutes >= DAY and minutes % DAY == 0:
        return _days(minutes // DAY)
    hours, rest = divmod(minutes, HOUR)
    if not hours:
        return _minutes(rest)
    if not rest:
        return _hours(hours)
    return f"{_hours(hours)} {_minutes(rest)}"


def _minutes(count: int) -> str:
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def _hours(count: int) -> str:
    return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}


def _days(count: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
