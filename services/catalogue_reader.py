"""Checked values out of the mappings of a catalogue file; every complaint names the place."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final

from services.models import MAX_GUARANTEED_HOURS

MAX_LIST: Final = 50


class CatalogueFileError(ValueError):
    """The file cannot be loaded; the text says which service and which field."""


class Reader:
    """Takes checked values out of one mapping; ``where`` begins every complaint."""

    def __init__(self, raw: Any, where: str, known: frozenset[str]) -> None:
        self.where = where
        if not isinstance(raw, dict):
            raise CatalogueFileError(f"{where}: must be a mapping of names to values")
        unknown = sorted(str(key) for key in raw if key not in known)
        if unknown:
            raise CatalogueFileError(f"{where}: {unknown[0]}: unknown key")
        self.raw = raw

    def error(self, key: str, problem: str) -> CatalogueFileError:
        """A complaint about ``key``."""
        return CatalogueFileError(f"{self.where}: {key}: {problem}")

    def text(self, key: str, longest: int, *, needed: bool = False) -> str:
        """Trimmed text of at most ``longest`` characters."""
        value = self.raw.get(key)
        if value is None:
            value = ""
        if not isinstance(value, str):
            raise self.error(key, f"must be text, not {type(value).__name__}")
        value = value.strip()
        if needed and not value:
            raise self.error(key, "is missing")
        if len(value) > longest:
            raise self.error(key, f"has {len(value)} characters, at most {longest} fit")
        if any(not (char.isprintable() or char == "\n") for char in value):
            raise self.error(key, "has a control character")
        return value

    def number(self, key: str) -> Decimal:
        """A number."""
        value = self.raw.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.error(key, "must be a number")
        return Decimal(str(value))

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.raw.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false")
        return value

    def texts(self, key: str, longest: int) -> tuple[str, ...]:
        """A list of texts without repeats."""
        values = self.raw.get(key)
        if values is None:
            return ()
        if not isinstance(values, list) or len(values) > MAX_LIST:
            raise self.error(key, f"must be a list of at most {MAX_LIST}")
        read = []
        for value in values:
            plain = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
            read.append(Reader({key: plain}, self.where, frozenset({key})).text(key, longest, needed=True))
        if len(set(read)) != len(read):
            raise self.error(key, "has the same entry twice")
        return tuple(read)

    def minutes(self, key: str) -> int:
        """Hours, as whole minutes."""
        hours = self.number(key)
        if not 0 < hours <= MAX_GUARANTEED_HOURS:
            raise self.error(key, f"must be more than 0 and at most {MAX_GUARANTEED_HOURS} hours")
        return max(1, math.ceil(hours * 60))
