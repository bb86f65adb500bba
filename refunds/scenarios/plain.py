"""What YAML read, as JSON that a database keeps: moments as text, plain values alone, all of it bounded."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from refunds.scenarios.fields import MAX_TEXT, ScenarioError, what

MAX_CHARACTERS: Final = 40_000
"""Of one scenario, written as JSON."""
_MAX_DEPTH: Final = 30
_SURROGATES: Final = range(0xD800, 0xE000)


def plain(raw: object) -> dict[str, Any]:
    """A raw scenario as JSON has it. Raises ``ScenarioError`` with the place of what cannot be kept."""
    found = _value(raw, "", 0)
    if not isinstance(found, dict):
        raise ScenarioError(f"entry: must be a mapping, not {what(raw)}")
    if len(json.dumps(found)) > MAX_CHARACTERS:
        raise ScenarioError(f"entry: is longer than {MAX_CHARACTERS} characters")
    return found


def _value(value: object, place: str, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ScenarioError(f"{place}: is nested more than {_MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        return {_key(key, place): _value(each, f"{place}.{key}".lstrip("."), depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_value(each, f"{place}[{number}]", depth + 1) for number, each in enumerate(value)]
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and math.isfinite(value):
        return value
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 10**15):
        return value
    raise ScenarioError(f"{place or 'entry'}: cannot be kept: {what(value)}")


def _key(key: object, place: str) -> str:
    if not isinstance(key, str):
        raise ScenarioError(f"{place or 'entry'}: keys must be texts, not {what(key)}")
    return _text(key, place)


def _text(value: str, place: str) -> str:
    if len(value) > MAX_TEXT or "\x00" in value or any(ord(char) in _SURROGATES for char in value):
        raise ScenarioError(f"{place or 'entry'}: must be a text of at most {MAX_TEXT} characters, not {what(value)}")
    return value
