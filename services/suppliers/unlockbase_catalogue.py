"""UnlockBase's list of tools as catalogue entries (protocol section 11.1, ``GetTools``)."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from services.suppliers.base import CatalogueEntry
from services.suppliers.dhru_envelope import money
from services.suppliers.plain_text import to_line, to_plain_text
from services.suppliers.safe_xml import children, words
from unlockshop.kernel.errors import Retryable

_NOT_REQUIRED: Final = frozenset({"", "none", "no", "0", "false", "optional"})
_PREFIX: Final = "requires."


def read_tools(api: Element) -> list[CatalogueEntry]:
    """The tools of all groups; one without an id is skipped. ``Retryable`` when the answer has no group at all."""
    if not children(api, "Group"):
        raise Retryable("the supplier's answer has no list of tools")
    found: dict[str, CatalogueEntry] = {}
    for group in children(api, "Group"):
        for tool in children(group, "Tool"):
            entry = _entry(tool, to_line(words(group, "Name"), 200))
            if entry is not None:
                found.setdefault(entry.service_id, entry)
    return list(found.values())


def _entry(tool: Element, group: str) -> CatalogueEntry | None:
    tool_id = words(tool, "ID")
    if not tool_id or len(tool_id) > 80 or not tool_id.isprintable():
        return None
    return CatalogueEntry(
        service_id=tool_id,
        name=to_line(words(tool, "Name"), 200),
        group=group,
        kind="IMEI",
        cost=money(words(tool, "Credits")),
        time=_time(tool),
        info=to_plain_text(words(tool, "Message")),
        requires=_requires(tool),
        custom_fields=(),
        identifier_label="",
        allows_letters=False,
    )


def _time(tool: Element) -> str:
    """ "1-3 Days": the supplier's words, for staff to read."""
    least, most, unit = (to_line(words(tool, f"Delivery.{name}"), 20) for name in ("Min", "Max", "Unit"))
    span = "-".join(dict.fromkeys(part for part in (least, most) if part))
    return f"{span} {unit}".strip()


def _requires(tool: Element) -> tuple[str, ...]:
    """``Requires.Network`` and the like that are Required; ``Requires.Locks`` is the number of locks."""
    wanted = (child for child in tool if child.tag.casefold().startswith(_PREFIX))
    return tuple(
        child.tag[len(_PREFIX) :] for child in wanted if (child.text or "").strip().casefold() not in _NOT_REQUIRED
    )
