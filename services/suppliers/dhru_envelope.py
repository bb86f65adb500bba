"""Reading a Dhru reply, whatever surrounds it (protocol sections 3 and 8).

The reply is found, not repaired: a body that does not end in a whole JSON or XML envelope has no envelope.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from xml.parsers import expat

from services.suppliers.plain_text import storable

_BLANK: Final = "\ufeff \t\r\n\0"
_OBJECT: Final = re.compile(r'\{\s*"')
_MAX_STARTS: Final = 64
_LONG_CHARS: Final = 2 * 1024 * 1024
_MAX_DEPTH: Final = 40
_KEYS: Final = frozenset({"success", "error"})
_ROW_NAMES: Final = frozenset({"item", "row", "element"})
_XML_DECLARATION: Final = re.compile(r"<\?xml[^>]*\?>", re.IGNORECASE)
_MONEY: Final = re.compile(r"-?\d[\d.,\s'’]*")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The two halves of a reply; None stands for a half that is absent or empty. ``top`` is the whole object."""

    success: Any
    error: Any
    top: dict[str, Any] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """The objects under SUCCESS."""
        return rows(self.success)

    def error_text(self) -> str:
        """Every text under ERROR, joined."""
        return " ".join(texts(self.error))


def read_envelope(text: str, keys: Collection[str] = ()) -> Envelope | None:
    """The envelope in ``text``, or None. Content type and HTTP status play no part (section 8, point 3).

    The answer to a bulk call may consist of rows under our own ``keys`` alone (section 4.6).
    """
    text = text.strip(_BLANK)
    known = _KEYS | {key.strip().casefold() for key in keys}
    top = _json_envelope(text, known)
    if top is None:
        top = _xml_envelope(text)
    if top is None:
        return None
    return Envelope(_present(get(top, "SUCCESS")), _present(get(top, "ERROR")), top)


def _present(value: Any) -> Any:
    """PHP writes an absent half as ``[]``, ``""``, ``false`` or ``null``."""
    return None if value in ([], {}, "", False) else value


def _is_envelope(value: Any, known: Collection[str] = _KEYS) -> bool:
    return isinstance(value, dict) and any(str(key).strip().casefold() in known for key in value)


def _json_envelope(text: str, known: Collection[str]) -> dict[str, Any] | None:
    """The whole text, else the first object that runs to the end of the text and is an envelope.

    To the very end, so that an envelope quoted in the middle of an error page (it could be somebody's input)
    is never taken for an answer.
    """
    if text.startswith(("{", "[")):
        whole = _json(text)
        entries = whole if isinstance(whole, list) else [whole]
        for entry in entries[:1]:
            if _is_envelope(entry, known):
                return dict(entry)
        if whole is not None:
            return None
    most = _MAX_STARTS if len(text) < _LONG_CHARS else _MAX_STARTS // 8
    for tried, start in enumerate(_OBJECT.finditer(text)):
        if tried >= most:
            break
        found = _json(text[start.start() :])
        if _is_envelope(found, known):
            return dict(found)
    return None


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError, InvalidOperation):
        return None


def _xml_envelope(text: str) -> dict[str, Any] | None:
    """Section 8, point 4: ``<RESPONSE><SUCCESS>..`` or a bare ``<SUCCESS>``. Document types are refused."""
    declared = _XML_DECLARATION.search(text)
    body = text[declared.end() :].strip(_BLANK) if declared else text
    if not body.startswith("<"):
        return None
    try:
        root = _XmlReader().read(body)
    except (expat.ExpatError, ValueError):
        return None
    if _is_envelope(root):
        return root
    return next((dict(inner) for inner in root.values() if _is_envelope(inner)), None)


class _XmlReader:
    """Elements to dicts, repeated ones to lists, text to strings. No document types, no entities, no depth."""

    def __init__(self) -> None:
        self._stack: list[tuple[dict[str, Any], list[str]]] = [({}, [])]

    def read(self, text: str) -> dict[str, Any]:
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.ExternalEntityRefHandler = self._refuse
        parser.Parse(text.encode("utf-8", "replace"), True)
        return self._stack[0][0]

    def _start(self, _tag: str, _attributes: dict[str, str]) -> None:
        if len(self._stack) > _MAX_DEPTH:
            raise ValueError("too deep")
        self._stack.append(({}, []))

    def _text(self, data: str) -> None:
        self._stack[-1][1].append(data)

    def _end(self, tag: str) -> None:
        children, pieces = self._stack.pop()
        value: Any = children or "".join(pieces).strip()
        parent = self._stack[-1][0]
        if tag not in parent:
            parent[tag] = value
        elif isinstance(parent[tag], list):
            parent[tag].append(value)
        else:
            parent[tag] = [parent[tag], value]

    @staticmethod
    def _refuse(*_declaration: object) -> int:
        raise ValueError("document types and entities are not allowed")


def get(mapping: Any, *names: str) -> Any:
    """The first of ``names`` that ``mapping`` has a value for, whatever the case of its keys."""
    if not isinstance(mapping, dict):
        return None
    folded = {str(key).strip().casefold(): value for key, value in mapping.items()}
    for name in names:
        value = folded.get(name.casefold())
        if value is not None:
            return value
    return None


def rows(value: Any, depth: int = 8) -> list[dict[str, Any]]:
    """A list of objects, an object, or an object of numbered objects (sections 3 and 8): always a list."""
    if isinstance(value, list):
        return [row for row in value if isinstance(row, dict)]
    if not isinstance(value, dict) or not depth:
        return []
    numbered: list[dict[str, Any]] = []
    plain: dict[str, Any] = {}
    for key, inner in value.items():
        name = str(key).strip().casefold()
        if isinstance(inner, (dict, list)) and (name.isdecimal() or name in _ROW_NAMES):
            numbered += rows(inner, depth - 1)
        else:
            plain[str(key)] = inner
    return ([plain] if plain else []) + numbered


def texts(value: Any, depth: int = 8) -> Iterator[str]:
    """Every text in ``value``, in order: strings, numbers, and what lists and objects hold."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value if depth else ():
            yield from texts(inner, depth - 1)
    elif (text := scalar(value)) != "":
        yield text


def scalar(value: Any) -> str:
    """A JSON value as trimmed text: ids come as strings and as numbers. Empty for anything that is no scalar."""
    if isinstance(value, bool) or value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < 30 and value == int(value):
        value = int(value)
    return storable(str(value)).strip()


def money(value: Any) -> Decimal | None:
    """An amount from ``16.41``, ``"$16.41"``, ``"12.5 USD"``, ``"1,234.50"`` or ``"€25,40"`` (section 4.1)."""
    if isinstance(value, Decimal) and not (value.is_finite() and -12 < value.adjusted() < 12):
        return Decimal(0) if value == 0 else None
    found = _MONEY.search(scalar(value)[:60])
    if found is None:
        return None
    digits = re.sub(r"[\s'’]", "", found[0]).rstrip(".,")
    point = max(digits.rfind("."), digits.rfind(","))
    if point >= 0:
        both = "." in digits and "," in digits
        mark = digits[point]
        is_thousands = not both and (digits.count(mark) > 1 or (mark == "," and len(digits) - point == 4))
        whole = re.sub(r"[.,]", "", digits[:point])
        rest = digits[point + 1 :]
        digits = whole + rest if is_thousands else f"{whole}.{rest}"
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None
