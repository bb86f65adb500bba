"""The Dhru wire protocol as a server sees it: request bodies, ``parameters`` dialects, reply envelope.

Nothing here knows about orders or services. Section numbers refer to the protocol notes:
1 transport, 2 parameters, 3 envelope, 4.5 custom fields, 9 what a server emits.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl
from xml.parsers import expat

API_VERSION = "6.1"
MAX_BODY_BYTES = 256 * 1024
"""Largest request body read, in bytes; a larger one is answered with HTTP 413."""
MAX_PARAMETERS_CHARS = 100_000
"""Largest ``parameters`` value, in characters (section 2)."""

_FIELD_ALIASES = {
    "username": ("username", "api_username", "user"),
    "apiaccesskey": ("apiaccesskey", "key", "api_key", "apikey", "accesskey"),
}
_XML_DECLARATION = re.compile(r"<\?xml[^>]*\?>", re.IGNORECASE)
_DOCTYPE = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_AMPERSAND = re.compile(r"&(?!#[0-9]+;|#x[0-9A-Fa-f]+;|(?:amp|lt|gt|quot|apos);)(?:[A-Za-z][A-Za-z0-9]+;)?")
_FORM_ARRAY = re.compile(r"parameters\[([^\[\]]+)\]", re.IGNORECASE)


class WireError(ValueError):
    """A request that cannot be read. The text is safe to send back."""


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The form of an urlencoded or multipart body (section 1); the last value of a repeated field counts."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(content_type, body)
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)
    except ValueError as error:
        raise WireError("Invalid request body") from error
    return dict(pairs)


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    try:
        parts = message_from_bytes(head + body).get_payload()
    except RecursionError as error:
        raise WireError("Invalid request body") from error
    fields: dict[str, str] = {}
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, Message):
            continue
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields[name] = payload.decode("utf-8", "replace")
    if not fields:
        raise WireError("Invalid request body")
    return fields


def credential(fields: dict[str, str], name: str) -> str:
    """``username`` or ``apiaccesskey`` under any of the spellings seen in the wild, trimmed (section 1)."""
    return next((fields[alias].strip() for alias in _FIELD_ALIASES[name] if fields.get(alias)), "")


def parameters(fields: dict[str, str]) -> Any:
    """The decoded ``parameters``: a dict (keys upper-cased if it was XML), a list, or ``{}`` when absent.

    Accepts XML, base64 of JSON, JSON, and PHP form arrays ``parameters[ID]=..`` (section 2).
    """
    array = {match[1]: value for name, value in fields.items() if (match := _FORM_ARRAY.fullmatch(name))}
    text = fields.get("parameters", "")
    if len(text) > MAX_PARAMETERS_CHARS or sum(map(len, array.values())) > MAX_PARAMETERS_CHARS:
        raise WireError("Parameters too large")
    text = text.strip("\ufeff \t\r\n\0")
    if not text:
        return array
    decoded = _dialect(text)
    if decoded is None:
        decoded = _dialect(_unbase64(text).strip("\ufeff \t\r\n\0"))
    if decoded is None:
        raise WireError("Invalid parameters")
    return decoded


def dialect_of(fields: dict[str, str]) -> str:
    """What ``parameters`` look like: "xml", "json" or "b64json"; empty when there are none."""
    text = fields.get("parameters", "").strip("\ufeff \t\r\n\0")
    if not text:
        return ""
    if text.startswith(("<", "&lt;")):
        return "xml"
    return "json" if text.startswith(("{", "[")) else "b64json"


def _dialect(text: str) -> Any:
    """XML or JSON by the first character; None when it is neither."""
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise WireError("Invalid parameters") from error
    if text.startswith(("<", "&lt;")):
        return _xml(text)
    return None


def _unbase64(text: str) -> str:
    """Base64 text decoded; a ``+`` that form decoding turned into a space is put back."""
    try:
        return base64.b64decode("".join(text.replace(" ", "+").split()), validate=True).decode("utf-8-sig")
    except (binascii.Error, ValueError) as error:
        raise WireError("Invalid parameters") from error


def _xml(text: str) -> dict[str, str]:
    """The fields of the last PARAMETERS element. Badly escaped XML gets a second reading."""
    for candidate in (text, _repair(text), _repair(html.unescape(text))):
        if _DOCTYPE.search(candidate):
            raise WireError("Document types and entities are not allowed")
        try:
            found = _ParametersReader().read(candidate)
        except expat.ExpatError:
            continue
        if found is not None:
            return found
    raise WireError("Invalid parameters")


def _repair(text: str) -> str:
    """XML with HTML's named characters written out and every bare ampersand escaped."""
    return _AMPERSAND.sub(lambda found: html.escape(html.unescape(found[0]), quote=False), text)


class _ParametersReader:
    """Reads ``<PARAMETERS><TAG>text</TAG>..</PARAMETERS>``, refusing document types and entity declarations.

    Clients reused for a second call send two root elements, so the text is wrapped in a root of our own
    and a later PARAMETERS replaces an earlier one.
    """

    def __init__(self) -> None:
        self._path: list[str] = []
        self._fields: dict[str, str] | None = None
        self._text: list[str] = []

    def read(self, text: str) -> dict[str, str] | None:
        """The fields; None when there is no PARAMETERS element."""
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        body = _XML_DECLARATION.sub("", text)
        parser.Parse(f"<root>{body}</root>".encode("utf-8", "replace"), True)
        return self._fields

    def _start(self, tag: str, _attributes: dict[str, str]) -> None:
        self._path.append(tag.upper())
        if self._path[1:] == ["PARAMETERS"]:
            self._fields = {}
        if len(self._path) == 3:
            self._text.clear()

    def _end(self, _tag: str) -> None:
        if len(self._path) == 3 and self._path[1] == "PARAMETERS" and self._fields is not None:
            self._fields[self._path[2]] = "".join(self._text)
        self._path.pop()

    @staticmethod
    def _refuse(*_declaration: object) -> None:
        raise WireError("Document types and entities are not allowed")


def row(value: object) -> dict[str, str]:
    """One order's fields: upper-case names, trimmed strings; nested values keep their JSON text."""
    if isinstance(value, list):
        value = value[-1] if value else {}
    if not isinstance(value, dict):
        raise WireError("Invalid parameters")
    return {_scalar(name).upper(): _scalar(item).strip() for name, item in value.items()}


def rows(value: object) -> dict[str, dict[str, str]]:
    """The rows of a bulk call by the caller's own key (sections 4.6 and 4.8); a list counts from 0."""
    if isinstance(value, list):
        value = {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, dict) or not all(isinstance(item, (dict, list)) for item in value.values()):
        raise WireError("Invalid parameters")
    return {_scalar(key): row(item) for key, item in value.items()}


def custom_fields(text: str) -> dict[str, str]:
    """CUSTOMFIELD: base64 of a JSON object, or that JSON plain (section 4.5). Names keep their case."""
    if not text:
        return {}
    decoded = _dialect(text if text.startswith("{") else _unbase64(text))
    if not isinstance(decoded, dict):
        raise WireError("CUSTOMFIELD must be base64 encoded.")
    return {_scalar(name): _scalar(item).strip() for name, item in decoded.items()}


def _scalar(value: object) -> str:
    """A JSON value as text that can be stored: no lone surrogates, nested values as their JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode("utf-8")


def success(**members: Any) -> dict[str, Any]:
    """A success envelope around one object (section 3)."""
    return {"SUCCESS": [members], "apiversion": API_VERSION}


def error(message: str, full_description: str = "") -> dict[str, Any]:
    """An error envelope (section 3). Errors travel with HTTP 200 (section 9)."""
    return {"ERROR": [error_row(message, full_description)], "apiversion": API_VERSION}


def error_row(message: str, full_description: str = "") -> dict[str, str]:
    return {"MESSAGE": message, "FULL_DESCRIPTION": full_description or message}


def encode(envelope: dict[str, Any]) -> bytes:
    """The envelope as the bytes of a reply body."""
    return json.dumps(envelope, ensure_ascii=False).encode("utf-8", "replace")
