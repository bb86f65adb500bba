"""The ``parameters`` of a Dhru call: the three dialects of protocol section 2, the tags of sections 4.5 to 4.10."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from xml.sax.saxutils import escape

from services.suppliers.base import JobRequest
from services.suppliers.plain_text import storable


class Dialect(StrEnum):
    """How the parameters of a call are written. The first is what most panels take for single orders."""

    XML = "xml"
    BASE64_JSON = "b64json"
    JSON = "json"


TAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "network": "NETWORK",
        "provider": "PROVIDERID",
        "model": "MODELID",
        "pin": "PIN",
        "kbh": "KBH",
        "mep": "MEP",
        "prd": "PRD",
        "type": "TYPE",
        "locks": "LOCKS",
        "sn": "SN",
        "secro": "SecRO",
    }
)
"""Answers with a tag of their own, by name. Everything else travels in CUSTOMFIELD under its own name.

Not here on purpose: quantity and amount (QNT multiplies what is bought; one order buys once), reference (ours).
"""
_IDENTIFIERS: Final = frozenset({"imei", "imei_or_serial", "msisdn", "serial"})
_NOT_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SEVERAL: Final = re.compile(r"[\x00-\x1f\x7f,;|]")
_NOTHING: Final = MappingProxyType({Dialect.XML: "\n", Dialect.BASE64_JSON: "e30=", Dialect.JSON: "{}"})


def is_single(identifier: str) -> bool:
    """Whether the text is one identifier: some panels split at commas and lines, and sell each part."""
    return bool(identifier.strip()) and not _SEVERAL.search(identifier)


def encode(fields: Mapping[str, str], dialect: Dialect) -> str:
    """``fields`` in a dialect, empty ones left out. Without any: what the original client sends for none."""
    filled = {name: clean for name, value in fields.items() if (clean := storable(value).strip())}
    if not filled:
        return _NOTHING[dialect]
    if dialect == Dialect.XML:
        return xml(filled)
    if "CUSTOMFIELD" in filled:  # in JSON some servers read it in small letters, some in capitals
        filled["customfield"] = filled["CUSTOMFIELD"]
    text = json.dumps(filled)
    return text if dialect == Dialect.JSON else _base64(text)


def bulk(wanted: Mapping[str, Mapping[str, str]]) -> str:
    """The rows of a bulk call by our own keys: base64 of JSON whatever the dialect of single calls."""
    shown: dict[str, dict[str, Any]] = {}
    for key, fields in wanted.items():
        shown[key] = {name: clean for name, value in fields.items() if (clean := storable(value).strip())}
        if "CUSTOMFIELD" in shown[key]:
            shown[key]["customfield"] = shown[key]["CUSTOMFIELD"]
    return _base64(json.dumps(shown))


def xml(fields: Mapping[str, str]) -> str:
    """``fields`` as a PARAMETERS element in the order given, empty ones left out, ASCII only."""
    inner = "".join(f"<{tag}>{_text(value)}</{tag}>" for tag, value in fields.items() if value.strip())
    return f"<PARAMETERS>{inner}</PARAMETERS>\n"


def _text(value: str) -> str:
    clean = _NOT_XML.sub("", storable(value)).strip()
    return escape(clean).encode("ascii", "xmlcharrefreplace").decode("ascii")


def placement(job: JobRequest, *, sends_reference: bool, dialect: Dialect = Dialect.XML) -> str:
    """The parameters of a placement."""
    return encode(order_fields(job, sends_reference=sends_reference), dialect)


def order_fields(job: JobRequest, *, sends_reference: bool) -> dict[str, str]:
    """What a placement says of one device, by tag (section 4.5)."""
    tagged: dict[str, str] = {}
    custom: dict[str, str] = {}
    for name, value in job.fields.items():
        folded = name.strip().casefold()
        if not value.strip() or (folded in _IDENTIFIERS and value.strip() == job.identifier.strip()):
            continue
        if folded in TAGS:
            tagged[TAGS[folded]] = value
        else:
            custom[name] = storable(value).strip()
    fields = {"ID": job.service_id, "IMEI": job.identifier, **tagged}
    if sends_reference:
        fields["REFERENCE"] = job.reference
    if custom:
        fields["CUSTOMFIELD"] = custom_field(custom)
    return fields


def server_fields(job: JobRequest, *, sends_reference: bool, is_legacy: bool = False) -> dict[str, str]:
    """What a placement says of a server order (section 4.10): one piece, its answers in CUSTOMFIELD.

    Every answer travels in CUSTOMFIELD under the service's own name for it, also one that has a tag elsewhere.
    ``is_legacy``: for ``placeserverorder``, whose panels spell two of the names in two ways.
    """
    custom = {name: storable(value).strip() for name, value in job.fields.items() if value.strip()}
    fields = {"ID": job.service_id, "QNT": "1", "IMEI": job.identifier}
    if is_legacy:
        fields |= {"SERVICE_ID": job.service_id, "QUANTITY": "1"}
    if sends_reference:
        fields["REFERENCE"] = job.reference
    if custom:
        fields["CUSTOMFIELD"] = custom_field(custom)
    return fields


def custom_field(fields: Mapping[str, str]) -> str:
    """Canonical base64 of a JSON object: no line breaks, padded, which the strict panels insist on."""
    return _base64(json.dumps(dict(fields), ensure_ascii=False))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
