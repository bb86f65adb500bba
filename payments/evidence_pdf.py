"""An evidence pack as PDF, for people: staff read it, and banks that ask for documents get it.

The letters come from a font in ``payments/fonts`` (Roboto, Apache License 2.0, cut down to Latin, Greek and
Cyrillic). A character that it lacks is printed as its number, such as [U+4E2D], and a note says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from payments.evidence_facts import stamp
from payments.models import EvidencePack

if TYPE_CHECKING:
    from fpdf import FPDF

FONT: Final = Path(__file__).parent / "fonts" / "Roboto-Regular.ttf"
FAMILY: Final = "Roboto"
TITLES: Final = (
    ("dispute", "The dispute"),
    ("purchase", "The purchase"),
    ("orders", "What was ordered, and what was delivered"),
    ("consent", "What the customer agreed to before paying"),
    ("payment", "The payment"),
    ("mails", "Mails sent to the customer"),
    ("access_log", "Log of events"),
    ("terms", "Refund rules of the accepted terms"),
)
WITHHELD: Final = "Results (unlock codes, reports) were delivered as stated; they are not part of this document."


def render_pdf(pack: EvidencePack) -> bytes:
    """The pack as PDF; the same pack gives the same document."""
    return _Paper(pack).finished()


class _Paper:
    """Writes a pack from top to bottom."""

    def __init__(self, pack: EvidencePack) -> None:
        from fpdf import FPDF  # noqa: PLC0415 - heavy, and needed by nobody else

        self._pack = pack
        self._lacking = False
        pdf: FPDF = FPDF(format="A4")
        pdf.set_creation_date(pack.assembled_at)
        pdf.set_title(f"Evidence for dispute {pack.dispute.provider_ref}")
        pdf.set_author(settings.SHOP_NAME)
        pdf.set_auto_page_break(auto=True, margin=18)
        pdf.add_font(FAMILY, fname=FONT)
        pdf.set_font(FAMILY, size=9)
        self._known = set(pdf.fonts[FAMILY.lower()].cmap)  # type: ignore[union-attr]
        self._pdf = pdf

    def finished(self) -> bytes:
        """All pages."""
        self._pdf.add_page()
        self._line(f"Evidence for dispute {self._pack.dispute.provider_ref}", size=16)
        self._line(f"{settings.SHOP_NAME}, assembled {stamp(self._pack.assembled_at)}. {WITHHELD}")
        for name, title in TITLES:
            self._heading(title)
            self._write(self._pack.facts[name])
        if self._lacking:
            self._line("Characters that this document's font lacks are printed as their Unicode numbers.")
        return bytes(self._pdf.output())

    def _write(self, group: list[Any]) -> None:
        """A group is a record, or a list of records or of lines."""
        if group and isinstance(group[0], str):
            self._lines(group)
        elif group and isinstance(group[0][0], str):
            self._record(group)
        else:
            for record in group:
                self._record(record)
        if not group:
            self._line("none")

    def _record(self, pairs: list[Any]) -> None:
        for name, value in pairs:
            if name in {"clause", "text"}:
                self._line(f"[{value}]" if name == "clause" else value)
            elif isinstance(value, list):
                self._line(f"{name}: {'' if value else 'none'}")
                self._lines([f"  –  {each}" for each in value])
            else:
                self._line(f"{name}: {value or '–'}")
        self._pdf.ln(2)

    def _lines(self, lines: list[str]) -> None:
        for line in lines:
            self._line(line)

    def _heading(self, title: str) -> None:
        self._pdf.ln(3)
        self._line(title, size=12)

    def _line(self, text: str, *, size: int = 9) -> None:
        self._pdf.set_font(FAMILY, size=size)
        self._pdf.multi_cell(0, size * 0.5, self._printable(text), new_x="LMARGIN", new_y="NEXT", align="L")

    def _printable(self, text: str) -> str:
        shown = "".join(c if c == "\n" or ord(c) in self._known else f"[U+{ord(c):04X}]" for c in text)
        self._lacking = self._lacking or shown != text
        return shown
