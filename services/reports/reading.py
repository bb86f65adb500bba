"""A supplier's text made into a report: known fields with one meaning each, everything else as it stands.

Suppliers write as they like: "Key: value" lines, HTML tables, emoji, JSON, many languages. Whatever the text, reading
ends, raises nothing, and returns no more than fits a page. Nothing is guessed: what is unreadable, or said twice with
two meanings, is unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from services.browsing import compact, fold
from services.reports.dates import read_date
from services.reports.fields import NO, SPECS, UNKNOWN, VAGUE_LABELS, YES, Field, Kind, Spec
from services.suppliers.plain_text import MAX_CHARS, to_plain_text

MAX_LINES: Final = 160
MAX_OTHERS: Final = 40
MAX_LABEL: Final = 60
MAX_VALUE: Final = 200
_MAX_LINE: Final = 400
_MAX_TEXT_VALUE: Final = 80
_LONGEST_LABEL_WORDS: Final = 5
_COLONS: Final = (":", "：", "=", "\t")
_DASHES: Final = (" - ", " – ", " — ")
_BREAKS: Final = re.compile(r"\s*[|•;]\s*")
_BESIDE: Final = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_SERIAL: Final = re.compile(r"[A-Z0-9]{8,20}")
_LINK: Final = re.compile(r"//|www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """One field. ``value`` is a state's name, an ISO date, digits or cleaned text; empty: unknown. ``raw`` as written.

    ``raw`` and ``label`` are foreign text: escaped where they are shown.
    """

    field: Field
    value: str
    raw: str
    label: str


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
    for label, value in _pairs(text[:MAX_CHARS]):
        reading = _read(label, value)
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
    return Report(readings, tuple(others[:MAX_OTHERS]))


def _agree(first: Reading, second: Reading) -> bool:
    return first.value.casefold() == second.value.casefold()


def _of_an_account(reading: Reading) -> Reading:
    """A bare "Status" beside the account's fields may be the account's: only the word blacklist makes it one."""
    is_vague = compact(reading.label) in _vague_labels() and "blacklist" not in compact(reading.raw)
    return replace(reading, value="") if is_vague else reading


def _undecided(first: Reading, second: Reading) -> Reading:
    """One field that is said twice: both words are kept, and where both have a meaning there is none."""
    raw = f"{first.raw} / {second.raw}"[:MAX_VALUE]
    value = "" if first.value and second.value else first.value or second.value
    if not first.value and " / " in first.raw:
        value = ""
    return Reading(first.field, value, raw, first.label)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Labels and values; a line without a label has an empty one. A value may stand on the line below its label."""
    waiting = ""
    for line in _lines(text):
        for piece in _pieces(line):
            label, value = _split(piece)
            if waiting and not label:
                label, waiting = waiting, ""
            elif waiting:
                yield waiting, ""
                waiting = ""
            if label and not value:
                waiting = label
            elif value:
                yield label, value
    if waiting:
        yield waiting, ""


def _lines(text: str) -> Iterator[str]:
    stripped = text.strip()
    if stripped.startswith("{"):
        try:
            found = json.loads(stripped)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            yield from _flat(found)
            return
    for line in stripped.splitlines()[:MAX_LINES]:
        cut = line[:_MAX_LINE]
        printable = "".join(char if char.isprintable() or char == "\t" else " " for char in cut)
        tidy = re.sub(r" {2,}", " ", printable).strip(" ")
        if any(char.isalnum() for char in tidy):
            yield tidy


def _flat(found: Mapping[Any, Any]) -> Iterator[str]:
    """The lines that a JSON object stands for: its plain values, and those one level below."""
    count = 0
    for name, value in found.items():
        inner = value.items() if isinstance(value, dict) else [(name, value)]
        for label, each in inner:
            if isinstance(each, str | int | float) and count < MAX_LINES:
                count += 1
                words = " ".join(str(each)[:_MAX_LINE].split())
                spaced = " ".join(str(label)[:MAX_LABEL].replace("_", " ").split())
                clean = "".join(char for char in f"{spaced}: {words}" if char.isprintable())
                yield clean


def _pieces(line: str) -> list[str]:
    """The line, or its parts where it strings several pairs together: every part has a label of its own."""
    parts = [part for part in _BREAKS.split(line) if part]
    if len(parts) > 1 and all(_split(part)[0] for part in parts):
        return parts
    parts = [part for part in line.split(", ") if part]
    if len(parts) > 1 and all(_known(_split(part)[0]) for part in parts):
        return parts
    return [line]


def _split(piece: str) -> tuple[str, str]:
    """Label and value of one piece; without a label, everything is value."""
    for separators in (_COLONS, _DASHES):
        places = [(piece.find(mark), mark) for mark in separators if piece.find(mark) > 0]
        if places:
            place, mark = min(places)
            label, value = _bare(piece[:place]), piece[place + len(mark) :].strip()
            if label and len(label) <= MAX_LABEL and not value.startswith("//"):
                return label, value[:MAX_VALUE]
            break
    return _by_known_label(piece)


def _by_known_label(piece: str) -> tuple[str, str]:
    """Rows of a table lose their cells' borders: the words in front are a label if those behind have a meaning."""
    words = piece.split(" ")
    for count in range(min(_LONGEST_LABEL_WORDS, len(words) - 1), 0, -1):
        label, value = _bare(" ".join(words[:count])), " ".join(words[count:])
        name = _known(label)
        if name and SPECS[name].kind != Kind.TEXT and (reading := _read(label, value)) and reading.value:
            return label, value[:MAX_VALUE]
    return "", piece[:MAX_VALUE]


def _bare(label: str) -> str:
    """A label without the bullets and pictures around it; empty where no letter is left."""
    bare = label.strip()
    while bare and not bare[0].isalnum():
        bare = bare[1:]
    while bare and not (bare[-1].isalnum() or bare[-1] in ")]?"):
        bare = bare[:-1]
    return bare if any(char.isalpha() for char in bare) else ""


@cache
def _labels() -> Mapping[str, tuple[Field, bool]]:
    """Every known label, as compared, with its field and whether yes and no change places under it."""
    known: dict[str, tuple[Field, bool]] = {}
    for suffix in ("", "status", "state"):  # a field's own label wins over one that is made up here
        for name, spec in SPECS.items():
            if not suffix or spec.kind == Kind.STATE:
                for labels, is_inverse in ((spec.labels, False), (spec.inverse, True)):
                    for label in labels:
                        known.setdefault(compact(label) + suffix, (name, is_inverse))
    return known


@cache
def _meanings(name: Field) -> Mapping[str, str]:
    """Every known word of a state, as compared, with the state."""
    return {_words(word): state for state, words in SPECS[name].words.items() for word in words}


@cache
def _plain_answers() -> Mapping[str, bool]:
    return {_words(word): True for word in YES} | {_words(word): False for word in NO}


@cache
def _unknown_words() -> frozenset[str]:
    return frozenset(_words(word) for word in UNKNOWN)


@cache
def _vague_labels() -> frozenset[str]:
    return frozenset(compact(label) for label in VAGUE_LABELS)


def _known(label: str) -> Field | None:
    found = _labels().get(compact(label))
    return found[0] if found else None


def _words(text: str) -> str:
    """Text as values are compared: letters and digits, one blank between words."""
    return " ".join("".join(char if char.isalnum() else " " for char in fold(text)).split())


def _read(label: str, raw: str) -> Reading | None:
    """One pair as a field; None where no field is for it."""
    key = compact(label)
    if key in _vague_labels():
        state = _meanings(Field.BLACKLIST).get(_words(raw), "")
        return Reading(Field.BLACKLIST, state, raw, label) if state else None
    name, is_inverse = _labels().get(key, (None, False))
    if name is None:
        return None
    return Reading(name, _value(SPECS[name], name, raw, is_inverse=is_inverse), raw, label)


def _value(spec: Spec, name: Field, raw: str, *, is_inverse: bool) -> str:
    if spec.kind == Kind.STATE:
        return _state_beside(name, raw, is_inverse=is_inverse)
    if spec.kind == Kind.DATE:
        return read_date(raw)
    if spec.kind == Kind.IMEI:
        digits = re.sub(r"[ ./-]", "", raw)
        return digits if re.fullmatch(r"[0-9]{15}", digits, re.ASCII) and _has_check_digit(digits) else ""
    if spec.kind == Kind.SERIAL:
        serial = raw.strip().upper()
        return serial if _SERIAL.fullmatch(serial) else ""
    words = _words(raw)
    is_text = len(raw) <= _MAX_TEXT_VALUE and not _LINK.search(raw) and words not in _unknown_words()
    is_name = is_text and not (name == Field.CARRIER and words in _meanings(Field.SIM_LOCK))
    return raw if is_name else ""


def _state_beside(name: Field, raw: str, *, is_inverse: bool) -> str:
    """A state, with what stands beside it in brackets: that must not take anything back."""
    state = _state(name, raw, is_inverse=is_inverse)
    if state:
        return state
    beside = [one or other for one, other in _BESIDE.findall(raw)]
    state = _state(name, _BESIDE.sub(" ", raw), is_inverse=is_inverse) if beside else ""
    is_lock = name == Field.SIM_LOCK and state == "locked"  # a lock's brackets name its network
    for words in beside:
        is_harmless = not any(char.isalpha() for char in words) or is_lock
        other = _state(name, words, is_inverse=is_inverse)
        if other != state and (other or not is_harmless):
            return ""
    return state


def _state(name: Field, raw: str, *, is_inverse: bool) -> str:
    words, spec = _words(raw), SPECS[name]
    if "?" in raw:
        return ""
    if words in _meanings(name):
        return _meanings(name)[words]
    answer = _plain_answers().get(words)
    if answer is not None:
        return spec.yes if answer is not is_inverse else spec.no
    if name == Field.SIM_LOCK and re.match(r"(?:sim )?locked to \S", words):
        return "locked"
    return ""


def _has_check_digit(digits: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(digits)]
    return sum(digit // 10 + digit % 10 for digit in doubled) % 10 == 0
