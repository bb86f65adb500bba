"""What a REST check supplier's answers mean: JSON, refusals, and the result as text (protocol section 11.4)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from services.suppliers.base import RefusalCode
from services.suppliers.dhru_envelope import get, scalar, texts
from services.suppliers.dhru_errors import CONFIG
from services.suppliers.plain_text import MAX_CHARS, to_line

_BLANK: Final = "\ufeff \t\r\n\0"
_MAX_LINES: Final = 200
_MAX_DEPTH: Final = 6
_LINK: Final = re.compile(r"(?:https?:)?//\S+", re.IGNORECASE)
_WORD_STARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_/.-]+")
_ACRONYMS: Final = frozenset(
    {"imei", "imei2", "meid", "esn", "eid", "sim", "fmi", "gsma", "mdm", "usa", "us", "os", "id"}
)
_MOMENT_NAMES: Final = frozenset({"date", "at", "time"})
_MOMENTS: Final = range(315_532_800, 4_102_444_800)  # 1980 to 2100, in Unix seconds

_MEANT: Final[Mapping[int, str]] = MappingProxyType(
    {401: RefusalCode.AUTH, 402: RefusalCode.FUNDS, 422: RefusalCode.INPUT, 429: RefusalCode.RATE}
)
"""Statuses that say by themselves that a request was turned away at the door."""
_UNPROVEN: Final = ""
_TABLE: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    # The first line with a matching text decides; matching ignores case.
    (_UNPROVEN, ("sqlstate", "deadlock", "exception", "timed out", "timeout", "internal error", "server error")),
    (RefusalCode.DUPLICATE, ("already pending", "already ordered", "duplicate")),
    (RefusalCode.IP, ("ip_not_allowed", "ip not allowed", "ip is not allowed", "ip address")),
    (RefusalCode.AUTH, ("unauthenticated", "unauthorized", "invalid token", "invalid_token")),
    (RefusalCode.FUNDS, ("insufficient balance", "insufficient fund", "not enough balance", "not enough fund",
                         "not enough credit", "insufficient credit")),
    (RefusalCode.RATE, ("too many requests", "too many attempts", "rate limit")),
    (RefusalCode.MAINTENANCE, ("under maintenance", "maintenance mode")),
    (RefusalCode.SERVICE_GONE, ("service not found", "service is not available", "service is inactive",
                                "selected service", "serviceid is invalid", "service id is invalid")),
    (CONFIG, ("route not found", "not found http", "method not allowed")),
    (RefusalCode.INPUT, ("deviceid", "device id", "invalid imei", "invalid serial")),
)  # fmt: skip


def read_json(text: str) -> Any:
    """The object or list that is the whole text, or None. Money keeps its digits."""
    try:
        found = json.loads(text.strip(_BLANK), parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError, InvalidOperation):
        return None
    return found if isinstance(found, (dict, list)) else None


def error_text(found: Any) -> str:
    """Every word an error answer says, its field names too: 422 answers say *which* field is wrong by its name."""
    spoken = (get(found, name) for name in ("message", "error", "errors", "detail", "code"))
    return " ".join(piece for value in spoken for piece in _named(value))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from texts(inner)
    else:
        yield from texts(value)


def refusal_code(status: int, found: Any, text: str) -> str:
    """The code for an answer that turned a request away; empty when it proves nothing.

    Only a 4xx turns away: a 5xx may have come after the check was made. Its words decide first, then the status. A
    422 may be bare text; any other must be JSON, for a page comes from something else than the API.
    """
    if not 400 <= status < 500:
        return _UNPROVEN
    if found is None and (status != 422 or "<" in text):
        return _UNPROVEN
    folded = (text if found is None else error_text(found)).casefold()
    for code, marks in _TABLE:
        if any(mark in folded for mark in marks):
            return code
    return _MEANT.get(status, _UNPROVEN)


def result_text(properties: Any) -> str:
    """The facts of a check as lines ``Name: value`` of plain text; links and empty values are left out."""
    lines: list[str] = []
    for name, value in _facts(properties, (), _MAX_DEPTH):
        if len(lines) >= _MAX_LINES:
            break
        lines.append(f"{name}: {value}" if name else value)
    return "\n".join(lines)[:MAX_CHARS].rstrip()


def _facts(value: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items() if depth else ():
            yield from _facts(inner, (*path, str(name)), depth - 1)
        return
    if isinstance(value, list):
        if any(isinstance(inner, (dict, list)) for inner in value):
            for inner in value if depth else ():
                yield from _facts(inner, path, depth - 1)
            return
        shown = ", ".join(text for inner in value if (text := _value(inner, "")))
    else:
        shown = _value(value, path[-1] if path else "")
    if shown:
        yield _label(path), shown


def _value(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if (
        isinstance(value, int)
        and value in _MOMENTS
        and _MOMENT_NAMES.intersection(_label((name,)).lower().split()[-1:])
    ):
        return datetime.fromtimestamp(value, UTC).date().isoformat()
    text = to_line(scalar(value), 500)
    return "" if _LINK.fullmatch(text) else text


def _label(path: tuple[str, ...]) -> str:
    """``gsmaBlacklisted`` as "GSMA blacklisted"."""
    parts = (word for name in path for word in _WORD_STARTS.split(to_line(name, 60)) if word.strip())
    told = [word.upper() if word.casefold() in _ACRONYMS else word for word in parts]
    told = [word if word.isupper() else word.lower() for word in told]
    joined = " ".join(told)
    return joined[:1].upper() + joined[1:]
