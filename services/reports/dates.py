"""Dates as suppliers write them. One that can be read in two ways is unknown."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})", re.ASCII)
_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})[-/.]([0-9]{4})", re.ASCII)
_DAY_NAMED: Final = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th|\.)?[ -]([^\W\d_]{3,10})\.?,?[ -]([0-9]{4})")
_MONTH_NAMED: Final = re.compile(r"([^\W\d_]{3,10})\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})")
_TIME: Final = re.compile(r"[T ][0-9]{1,2}:[0-9]{2}.{0,20}$")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_YEARS: Final = range(1990, 2101)


def read_date(text: str) -> str:
    """The date in ``text`` as ISO text; empty where it is none, or could be two."""
    words = _TIME.sub("", text.strip()[:60]).strip()
    if found := _YEAR_FIRST.fullmatch(words):
        return _iso(found[1], found[2], found[3])
    if found := _YEAR_LAST.fullmatch(words):
        first, mark, second, year = found.groups()
        # With dots the day comes first everywhere; with strokes that depends on who writes.
        if mark == "." or int(first) > 12 or int(first) == int(second):
            return _iso(year, second, first)
        return _iso(year, first, second) if int(second) > 12 else ""
    if found := _DAY_NAMED.fullmatch(words):
        return _iso(found[3], _month(found[2]), found[1])
    if found := _MONTH_NAMED.fullmatch(words):
        return _iso(found[3], _month(found[1]), found[2])
    return ""


def _month(name: str) -> str:
    word = name.casefold()
    names = next((names for names in (_MONTHS, _FULL_MONTHS) if word in names), None)
    return str(names.index(word) + 1) if names else "0"


def _iso(year: str, month: str, day: str) -> str:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return ""
    return found.isoformat() if found.year in _YEARS else ""
