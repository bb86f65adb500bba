"""A supplier's text made into a report: known fields with one meaning each, everything else as it stands.

Suppliers write as they like: "Key: value" lines, HTML tables, emoji, JSON, many languages. Whatever the text, reading
ends, raises nothing, and returns no more than fits a page. Nothing is guessed: what is unreadable, or said twice with
two meanings, is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from services.browsing import compact
from services.reports.fields import SPECS, Field, Kind
from services.reports.meanings import Reading, is_vague, read_pair, says_nothing
from services.reports.pairs import MAX_VALUE, is_looked_at, pairs_in
from services.suppliers.plain_text import MAX_CHARS, to_plain_text

MAX_OTHERS: Final = 40


@dataclass(frozen=True, slots=True)
class Other:
    """A line that no field is for; ``label`` is empty where the line has none."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was read, in the order in which it is shown."""

    readings: tuple[Reading, ...] = ()
    others: tuple[Other, ...] = ()
    is_whole: bool = True
    """Whether all of the text was looked at: none of it lay beyond what a page takes, or too deep."""

    def value(self, name: Field) -> str:
        """What the report says in a field; empty where it is silent or unreadable."""
        return next((reading.value for reading in self.readings if reading.field == name), "")

    @property
    def is_readable(self) -> bool:
        """Whether at least one field has a meaning."""
        return any(reading.value for reading in self.readings)


def read_report(text: str) -> Report:
    """The report in ``text``, which is HTML or plain text of a supplier's."""
    if "<" in text[:MAX_CHARS]:
        text = to_plain_text(text)
    found: dict[Field, Reading] = {}
    others: list[Other] = []
    for label, value in pairs_in(text[:MAX_CHARS]):
        reading = read_pair(label, value)
        if reading is None:
            others.append(Other(label, value))
        elif reading.field not in found:
            found[reading.field] = reading
        elif not _agree(found[reading.field], reading):
            if SPECS[reading.field].kind == Kind.TEXT:
                others.append(Other(label, value))
            else:
                found[reading.field] = _undecided(found[reading.field], reading)
    if Field.BLACKLIST in found and (Field.FIND_MY in found or Field.LOST_MODE in found):
        found[Field.BLACKLIST] = _of_an_account(found[Field.BLACKLIST])
    readings = tuple(found[name] for name in Field if name in found)
    is_whole = len(text) <= MAX_CHARS and len(others) <= MAX_OTHERS and is_looked_at(text)
    return Report(readings, tuple(others[:MAX_OTHERS]), is_whole)


def _agree(first: Reading, second: Reading) -> bool:
    return first.value.casefold() == second.value.casefold()


def _of_an_account(reading: Reading) -> Reading:
    """A bare "Status" beside the account's fields may be the account's: only the word blacklist makes it one."""
    may_be_other = is_vague(reading.label) and "blacklist" not in compact(reading.raw)
    return replace(reading, value="") if may_be_other else reading


def _undecided(first: Reading, second: Reading) -> Reading:
    """One field that is said twice: both words are kept, and where both have a meaning there is none.

    Of a state the word that cannot be read may be the bad one: the other counts only beside one that says nothing.
    """
    raw = f"{first.raw} / {second.raw}"[:MAX_VALUE]
    value = "" if first.value and second.value else first.value or second.value
    unread = second if first.value else first
    if SPECS[first.field].kind == Kind.STATE and not says_nothing(unread.raw):
        value = ""
    if not first.value and " / " in first.raw:
        value = ""
    return Reading(first.field, value, raw, first.label)
