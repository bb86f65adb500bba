"""Foreign JSON as every database takes it."""

from __future__ import annotations

from math import isfinite
from typing import Any


def storable(value: Any) -> Any:
    """What PostgreSQL can store inside JSON: no NUL, no half of a surrogate pair, no endless number."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value
