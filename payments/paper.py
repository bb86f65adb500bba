"""A document as PDF, written from top to bottom.

The letters come from a font in ``payments/fonts`` (Roboto, Apache License 2.0, cut down to Latin, Greek and
Cyrillic). A character that it lacks is printed as its number, such as [U+4E2D], and a note says so.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.translation import get_language_bidi, override

if TYPE_CHECKING:
    from fpdf import FPDF

FONT: Final = Path(__file__).parent / "fonts" / "Roboto-Regular.ttf"
FAMILY: Final = "Roboto"


def printable() -> AbstractContextManager[None]:
    """Within it the active language is one whose letters the font has: English in the place of one that lacks them."""
    return override("en") if get_language_bidi() else nullcontext()


class Paper:
    """One document; the same lines and the same ``made_at`` give the same bytes."""

    def __init__(self, title: str, *, made_at: datetime) -> None:
        from fpdf import FPDF  # noqa: PLC0415 - heavy, and needed by nobody else

        pdf: FPDF = FPDF(format="A4")
        pdf.set_creation_date(made_at)
        pdf.set_title(title)
        pdf.set_author(settings.SHOP_NAME)
        pdf.set_auto_page_break(auto=True, margin=18)
        pdf.add_font(FAMILY, fname=FONT)
        pdf.set_font(FAMILY, size=9)
        self._known = set(pdf.fonts[FAMILY.lower()].cmap)  # type: ignore[union-attr]
        self._pdf = pdf
        self.is_lacking = False
        pdf.add_page()

    def line(self, text: str, *, size: int = 9) -> None:
        """A paragraph, wrapped."""
        self._pdf.set_font(FAMILY, size=size)
        self._pdf.multi_cell(0, size * 0.5, self._printable(text), new_x="LMARGIN", new_y="NEXT", align="L")

    def pair(self, text: str, amount: str, *, size: int = 9) -> None:
        """A line with an amount at its end, and a rule below."""
        self._pdf.set_font(FAMILY, size=size)
        top, width = self._pdf.get_y(), self._pdf.epw
        if top > self._pdf.h - 40:
            self._pdf.add_page()
            top = self._pdf.get_y()
        self._pdf.multi_cell(width * 0.72, size * 0.5, self._printable(text), new_x="LMARGIN", new_y="NEXT", align="L")
        bottom = self._pdf.get_y()
        self._pdf.set_xy(self._pdf.l_margin + width * 0.72, top)
        self._pdf.cell(width * 0.28, size * 0.5, self._printable(amount), align="R")
        self._pdf.set_draw_color(200)
        self._pdf.line(self._pdf.l_margin, bottom + 1.5, self._pdf.l_margin + width, bottom + 1.5)
        self._pdf.set_xy(self._pdf.l_margin, bottom + 3)

    def gap(self, height: float = 3) -> None:
        """An empty stretch, in mm."""
        self._pdf.ln(height)

    def finished(self) -> bytes:
        """The document."""
        return bytes(self._pdf.output())

    def _printable(self, text: str) -> str:
        shown = "".join(c if c == "\n" or ord(c) in self._known else f"[U+{ord(c):04X}]" for c in text)
        self.is_lacking = self.is_lacking or shown != text
        return shown
