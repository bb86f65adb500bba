"""Reading XML that a supplier wrote, without giving it a hold on us.

The standard library's expat with a document type refused at its first word: entities, expanding or external, can
only be declared in one, so none ever is. ``defusedxml`` does the same, but bounds neither depth nor the number of
elements, which are bounded here; it would be a dependency for half of the job. The size is bounded by ``http``.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 50_000
_BLANK: Final = "\ufeff \t\r\n\0"


class _Hostile(ValueError):
    """The document wants what no answer needs."""


class _Reader:
    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = 0
        self._elements = 0

    def read(self, text: str) -> Element:
        # The text is decoded already, so an encoding that the document claims counts for nothing.
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._builder.data
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.ExternalEntityRefHandler = self._refuse
        parser.Parse(text.encode("utf-8", "replace"), True)
        return self._builder.close()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise _Hostile("too deep or too many elements")
        self._builder.start(tag, attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._builder.end(tag)

    @staticmethod
    def _refuse(*_declaration: object) -> Any:
        raise _Hostile("document types and entities are not allowed")


def read_xml(text: str, root: str) -> Element | None:
    """The element ``root`` (in any case) that is the whole document, or None.

    Warnings of the supplier's server may stand before it, but no document type; after it there may be nothing. So a
    document that is quoted inside an error page is never taken for an answer.
    """
    text = text.strip(_BLANK)
    start = re.search(rf"<\?xml\s|<{re.escape(root)}[\s/>]", text, re.IGNORECASE)
    if start is None or "<!doctype" in text[: start.start()].casefold():
        return None
    try:
        found = _Reader().read(text[start.start() :])
    except (expat.ExpatError, _Hostile):
        return None
    return found if found.tag.casefold() == root.casefold() else None


def children(element: Element, name: str) -> list[Element]:
    """The direct children called ``name``, in any case."""
    return [child for child in element if child.tag.casefold() == name.casefold()]


def words(element: Element, name: str) -> str:
    """All text within the first child called ``name``, each piece between tags on a line of its own; else empty."""
    found = children(element, name)
    pieces = (piece.strip(_BLANK) for piece in found[0].itertext()) if found else ()
    return "\n".join(piece for piece in pieces if piece)
