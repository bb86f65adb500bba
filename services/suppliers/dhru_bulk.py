"""Bulk calls of the Dhru protocol (sections 4.6 and 4.8): rows under our own keys, in four shapes of answer.

1. ``{key: {"SUCCESS": [..]}}``; 2. ``{"SUCCESS": {key: {"status": "success", ..}}}``; 3. the rows of 2 at the top.
The fourth, two arrays without keys, cannot be matched to what was asked and tells nothing of any row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.suppliers.dhru_envelope import Envelope, get, rows, scalar, texts
from services.suppliers.dhru_status import reference_id

CHUNK: Final = 50
RESERVED: Final = frozenset({"success", "error", "apiversion", "id", "message"})
"""What a row of ours must not be called: names that answers have at their top."""

_REFUSED_WORDS: Final = frozenset({"error", "failed", "fail", "failure", "false"})


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer says of one key: its SUCCESS rows, its ERROR text, or neither."""

    rows: tuple[dict[str, Any], ...] = ()
    error: str = ""


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """At most fifty at a time, which is the least that any panel takes."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def by_key(envelope: Envelope, keys: Collection[str]) -> dict[str, list[Told]]:
    """Everything that the answer says under each of ``keys``; a key may be told of twice, in two shapes."""
    found: dict[str, list[Told]] = {}
    for key in keys:
        blocks = [get(place, key) for place in (envelope.top, envelope.success) if isinstance(place, dict)]
        told = [_told(block) for block in blocks if isinstance(block, (dict, list))]
        if told:
            found[key] = told
    return found


def _told(block: Any) -> Told:
    success, error = get(block, "SUCCESS"), get(block, "ERROR")
    if success in (None, [], {}, "") and error in (None, [], {}, ""):
        flat = rows(block)
        words = {scalar(get(row, "status")).casefold() for row in flat}
        if words & _REFUSED_WORDS:
            return Told(error=" ".join(texts(block)))
        return Told(rows=tuple(flat))
    return Told(tuple(rows(success)), " ".join(texts(error)))


def status_row(told: Sequence[Told]) -> dict[str, Any] | None:
    """The one row with a STATUS, if that is all that was said, or said twice alike; else None."""
    if any(each.error for each in told):
        return None
    found = [row for each in told for row in each.rows if get(row, "STATUS") is not None]
    if not found or any(row != found[0] for row in found):
        return None
    return found[0]


def order_ids(told: Sequence[Told], service_id: str) -> set[str]:
    """Every order id that was told for one key."""
    return {name for each in told for row in each.rows if (name := reference_id(row, service_id))}
