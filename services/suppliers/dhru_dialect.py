"""Which dialect of parameters a Dhru server reads (protocol section 2), told by questions alone.

A service's details, asked for by a known id, come only from a server that could read the id. Where there is no such
action, the status of an order that nobody has serves: a server that read the id says so, or answers otherwise than
to no id at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.suppliers.dhru_call import DhruCall, Reply
from services.suppliers.dhru_envelope import Envelope, get, rows, scalar, texts
from services.suppliers.dhru_errors import is_unknown_action
from services.suppliers.dhru_lists import read_details
from services.suppliers.dhru_parameters import Dialect
from unlockshop.kernel.errors import OutcomeUnknown, Retryable

NOBODYS_ORDER: Final = "999999991"
_NOT_READ: Final = (
    "parameter", "required", "missing", "json", "xml", "base64", "malformed", "decode", "parse", "invalid request",
    "undefined", "null",
)  # fmt: skip
_NO_ANSWER, _SAME, _OTHER, _ECHO = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class DialectFindings:
    """The dialects that were understood, the usual one first; whether the two questions are known at all."""

    dialects: tuple[Dialect, ...]
    knows_details: bool | None
    knows_status: bool | None


def find_dialects(
    way: Callable[[Dialect], DhruCall], known_service: str, breathe: Callable[[], None]
) -> DialectFindings:
    """Ask in each dialect. Empty ``dialects`` when the answers do not tell."""
    knows_details: bool | None = None
    if known_service:
        understood = []
        for dialect in Dialect:
            breathe()
            found = _envelope(way(dialect), "getimeiservicedetails", {"ID": known_service})
            if found is not None and is_unknown_action(found.error_text()):
                knows_details = False
                break
            if found is not None and _has_details(found):
                understood.append(dialect)
        if understood:
            return DialectFindings(tuple(understood), True, None)
    breathe()
    control = _envelope(way(Dialect.XML), "getimeiorder", {})
    scores: dict[Dialect, int] = {}
    for dialect in Dialect:
        breathe()
        found = _envelope(way(dialect), "getimeiorder", {"ID": NOBODYS_ORDER})
        if found is not None and is_unknown_action(found.error_text()):
            return DialectFindings((), knows_details, False)
        scores[dialect] = _score(found, control)
    best = max(scores.values())
    if best < _OTHER and best == min(scores.values()):
        return DialectFindings((), knows_details, None if best == _NO_ANSWER else True)
    least = min(best, _OTHER)
    return DialectFindings(tuple(each for each in Dialect if scores[each] >= least), knows_details, True)


def _envelope(way: DhruCall, action: str, fields: dict[str, str]) -> Envelope | None:
    try:
        reply: Reply = way.ask(action, fields, purpose="dialect")
    except (OutcomeUnknown, Retryable):
        return None
    return reply.envelope


def _has_details(envelope: Envelope) -> bool:
    if envelope.error is not None:
        return False
    found = envelope.rows()
    places = [*found, *(inner for row in found for inner in rows(get(row, "LIST")))]
    return any(read_details(place) is not None for place in places)


def _score(answer: Envelope | None, control: Envelope | None) -> int:
    if answer is None:
        return _NO_ANSWER
    if scalar(get(answer.top, "ID")) == NOBODYS_ORDER:
        return _ECHO
    told = _words(answer)
    if any(mark in told for mark in _NOT_READ):
        return _NO_ANSWER
    if NOBODYS_ORDER in told:
        return _ECHO
    return _SAME if control is not None and told == _words(control) else _OTHER


def _words(envelope: Envelope) -> str:
    return " ".join(texts([envelope.error, envelope.success])).casefold()
