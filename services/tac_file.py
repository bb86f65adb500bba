"""Reading a file of TACs (CSV with the columns tac, brand, model) into the database, a batch at a time.

Every batch is committed by itself: an import that was cut off is begun again, and what is stored already is passed
over. A bad line is reported with its number and left out; it never stops the others.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import IO, Final

from django.db import transaction

from services.device_models import clean_name, imported_among, put_imported

MAX_LINE: Final = 2_000
BATCH: Final = 500
COLUMNS: Final = ("tac", "brand", "model")


class TacFileError(ValueError):
    """The file is not one of TACs at all; nothing was read."""


@dataclass(slots=True)
class Counts:
    """What an import did, in lines."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def load(file: IO[bytes], *, origin: str, tell_bad: Callable[[int, str], None]) -> Counts:
    """Import ``file``; ``tell_bad`` gets the number and fault of each line left out. Raises ``TacFileError``."""
    counts = Counts()
    lines = _lines(file)
    places = _header(next(lines, (1, "")))
    batch: dict[str, tuple[str, str]] = {}
    for number, line in lines:
        if line is not None and not line.strip():
            continue
        counts.read += 1
        row = _row(line, places)
        if isinstance(row, str):
            counts.bad += 1
            tell_bad(number, row)
            continue
        tac, brand, model = row
        if tac in batch:
            counts.bad += 1
            tell_bad(number, "the TAC stood on a line shortly before")
            continue
        batch[tac] = brand, model
        if len(batch) >= BATCH:
            _put(batch, origin, counts)
            batch = {}
    _put(batch, origin, counts)
    return counts


def _lines(file: IO[bytes]) -> Iterator[tuple[int, str | None]]:
    """Line numbers and lines; None for one that is too long or no UTF-8. Nothing longer is held in memory."""
    number = 0
    while raw := file.readline(MAX_LINE + 1):
        number += 1
        is_whole = raw.endswith(b"\n") or len(raw) <= MAX_LINE
        while not is_whole:
            rest = file.readline(MAX_LINE + 1)
            is_whole = not rest or rest.endswith(b"\n")
            raw = b"\xff"
        try:
            yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            yield number, None


def _header(first: tuple[int, str | None]) -> tuple[int, int, int]:
    names = [cell.strip().casefold() for cell in _cells(first[1] or "") or []]
    if any(names.count(name) != 1 for name in COLUMNS):
        raise TacFileError("the first line must name the columns tac, brand and model")
    tac, brand, model = (names.index(name) for name in COLUMNS)
    return tac, brand, model


def _row(line: str | None, places: tuple[int, int, int]) -> tuple[str, str, str] | str:
    """TAC, brand and model of a line, or what is wrong with it."""
    cells = None if line is None or "\0" in line else _cells(line)
    if cells is None or len(cells) <= max(places):
        return "the line cannot be read: too long, not UTF-8, or with too few columns"
    tac, brand, model = (cells[place].strip() for place in places)
    if not (len(tac) == 8 and tac.isascii() and tac.isdecimal()):
        return "the TAC must have 8 digits"
    brand, model = clean_name(brand, 60), clean_name(model, 80)
    if not brand or not model:
        return "brand or model is missing, too long, or no name"
    return tac, brand, model


def _cells(line: str) -> list[str] | None:
    try:
        return next(csv.reader([line], strict=True), None)
    except csv.Error:
        return None


def _put(batch: dict[str, tuple[str, str]], origin: str, counts: Counts) -> None:
    if not batch:
        return
    with transaction.atomic():
        have = imported_among(batch)
        fresh = [
            (tac, brand, model)
            for tac, (brand, model) in batch.items()
            if have.get(tac) != (brand, model, origin[:60])
        ]
        put_imported(fresh, origin=origin)
    known = sum(tac in have for tac, _brand, _model in fresh)
    counts.updated += known
    counts.created += len(fresh) - known
    counts.unchanged += len(batch) - len(fresh)
