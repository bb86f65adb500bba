"""What one label and its value mean: which field it is, and what the value says in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from services.browsing import compact, fold
from services.reports.dates import read_date
from services.reports.fields import NO, SPECS, UNKNOWN, VAGUE_LABELS, YES, Field, Kind, Spec

_MAX_TEXT_VALUE: Final = 80
_LEAST_NAME: Final = 6
# Vague labels that can only be about a blacklist.
_LISTS: Final = frozenset({"gsma", "gsmastatus", "esn", "esnstatus"})
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


def read_pair(label: str, raw: str) -> Reading | None:
    """One pair as a field; None where no field is for it."""
    key = compact(label)
    if is_vague(label):
        state = _meanings(Field.BLACKLIST).get(_words(raw), "")
        return Reading(Field.BLACKLIST, state, raw, label) if state else None
    name, is_inverse = _labels().get(key, (None, False))
    if name is None:
        return None
    return Reading(name, _value(SPECS[name], name, raw, is_inverse=is_inverse), raw, label)


def known_field(label: str) -> Field | None:
    """The field that suppliers call so."""
    found = _labels().get(compact(label))
    return found[0] if found else None


def is_vague(label: str) -> bool:
    """Whether the label alone does not say what it is about."""
    return compact(label) in _vague_labels()


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


def speaks_of(fields: frozenset[Field], label: str, raw: str) -> bool:
    """Whether a line that no field is for speaks of what one of ``fields`` is about, in words that are not read.

    Its label may say so, or the words themselves where they name the field: "Find My iPhone is ON" has no label.
    """
    if compact(label) in _LISTS and Field.BLACKLIST in fields:
        return not says_nothing(raw)
    words = f" {_words(label)} {_words(raw)} "
    return any(f" {name} " in words for name in _names(fields))


@cache
def _names(fields: frozenset[Field]) -> frozenset[str]:
    """What the fields are called, as far as the word alone can mean nothing else."""
    names = {_words(label) for field in fields for label in (*SPECS[field].labels, *SPECS[field].inverse)}
    return frozenset(name for name in names if len(name) >= _LEAST_NAME)


def says_nothing(raw: str) -> bool:
    """Whether a value is blank, or a word for "not known"."""
    words = _words(raw)
    return not words or words in _unknown_words()


def _words(text: str) -> str:
    """Text as values are compared: letters and digits, one blank between words."""
    return " ".join("".join(char if char.isalnum() else " " for char in fold(text)).split())


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
