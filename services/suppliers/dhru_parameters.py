"""The ``parameters`` of a Dhru call: plain XML, dialect A of protocol section 2; the tags of section 4.5."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape

from services.suppliers.base import JobRequest
from services.suppliers.plain_text import storable

NO_PARAMETERS: Final = "\n"
"""What the original client sends for an action without parameters."""

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


def is_single(identifier: str) -> bool:
    """Whether the text is one identifier: some panels split at commas and lines, and sell each part."""
    return bool(identifier.strip()) and not _SEVERAL.search(identifier)


def xml(fields: Mapping[str, str]) -> str:
    """``fields`` as a PARAMETERS element in the order given, empty ones left out, ASCII only."""
    inner = "".join(f"<{tag}>{_text(value)}</{tag}>" for tag, value in fields.items() if value.strip())
    return f"<PARAMETERS>{inner}</PARAMETERS>\n"


def _text(value: str) -> str:
    clean = _NOT_XML.sub("", storable(value)).strip()
    return escape(clean).encode("ascii", "xmlcharrefreplace").decode("ascii")


def placement(job: JobRequest, *, sends_reference: bool) -> str:
    """The parameters of a placement."""
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
    return xml(fields)


def custom_field(fields: Mapping[str, str]) -> str:
    """Canonical base64 of a JSON object: no line breaks, padded, which the strict panels insist on."""
    return base64.b64encode(json.dumps(dict(fields), ensure_ascii=False).encode()).decode("ascii")
