"""A supplier's text taken apart into labels and values: lines, tables, strings of pairs, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.reports.fields import SPECS, Kind
from services.reports.meanings import known_field, read_pair

MAX_LINES: Final = 160
MAX_LABEL: Final = 60
MAX_VALUE: Final = 200
_MAX_LINE: Final = 400
_LONGEST_LABEL_WORDS: Final = 5
_COLONS: Final = (":", "：", "=", "\t")
_DASHES: Final = (" - ", " – ", " — ")
_BREAKS: Final = re.compile(r"\s*[|•;]\s*")


def pairs_in(text: str) -> Iterator[tuple[str, str]]:
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


def is_looked_at(text: str) -> bool:
    """Whether ``pairs_in`` gives all of the text: no line beyond the last it takes, no value too deep or too long."""
    found = _object(text.strip())
    if found is None:
        lines = text.strip().splitlines()
        return len(lines) <= MAX_LINES and all(len(line) <= _MAX_LINE for line in lines)
    values = [each for value in found.values() for each in (value.values() if isinstance(value, dict) else [value])]
    plain = [each for each in values if each is None or isinstance(each, str | int | float)]
    return len(plain) == len(values) <= MAX_LINES and all(len(str(each)) <= _MAX_LINE for each in plain)


def _object(stripped: str) -> dict[Any, Any] | None:
    """The JSON object that the text is; None for any other text."""
    if not stripped.startswith("{"):
        return None
    try:
        found = json.loads(stripped)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _lines(text: str) -> Iterator[str]:
    stripped = text.strip()
    found = _object(stripped)
    if found is not None:
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
    if len(parts) > 1 and all(known_field(_split(part)[0]) for part in parts):
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
        name = known_field(label)
        if name and SPECS[name].kind != Kind.TEXT and (reading := read_pair(label, value)) and reading.value:
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
