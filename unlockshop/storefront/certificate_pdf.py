"""A certificate as a paper. Its letters, and what becomes of those that are missing, are those of evidence packs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.translation import gettext as _

from orders.models import CheckCertificate
from orders.wording import time_words
from payments.evidence_pdf import FAMILY, FONT
from services.identifiers import group_imei
from services.reports.words import ReportView

if TYPE_CHECKING:
    from fpdf import FPDF

_SMALL: Final = 9
_PLAIN: Final = 11


def render_pdf(certificate: CheckCertificate, report: ReportView, *, address: str) -> bytes:
    """The certificate with its ``report`` and the ``address`` where it can be verified; the same bytes each time."""
    from fpdf import FPDF  # noqa: PLC0415 - heavy, and needed by nobody else

    order = certificate.order
    pdf: FPDF = FPDF(format="A4")
    pdf.set_creation_date(certificate.issued_at)
    pdf.set_title(f"{settings.SHOP_NAME} {certificate.code}")
    pdf.set_author(settings.SHOP_NAME)
    pdf.set_auto_page_break(auto=True, margin=18)
    pdf.add_font(FAMILY, fname=FONT)
    pdf.set_font(FAMILY, size=_PLAIN)
    paper = _Paper(pdf)
    pdf.add_page()
    paper.line(_("Certificate of a device check"), size=18)
    paper.line(f"{settings.SHOP_NAME} · {certificate.code}")
    paper.gap()
    paper.line(_("Check: %s") % order.service_name)
    paper.line(_("Device: %s") % group_imei(order.identifier))
    paper.line(_("Data as of %s.") % time_words(order.ended_at or certificate.issued_at))
    paper.line(_("Certificate made: %s") % time_words(certificate.issued_at))
    paper.heading(_("What the report says"))
    for line in report.lines:
        paper.line(f"{line.label}: {line.text}")
    paper.heading(_("Risk of a block: %s") % report.risk)
    paper.line(report.risk_meaning)
    for each in report.risk_lines:
        paper.line(f"–  {each.label}: {each.text} – {each.effect}.")
    paper.gap()
    for sentence in report.disclaimer:
        paper.line(sentence, size=_SMALL)
    paper.heading(_("Is this paper genuine?"))
    paper.line(_("Open this address and compare. What stands there counts, not the paper."))
    paper.line(address)
    return bytes(pdf.output())


class _Paper:
    """Writes lines from top to bottom."""

    def __init__(self, pdf: FPDF) -> None:
        self._pdf = pdf
        self._known = set(pdf.fonts[FAMILY.lower()].cmap)  # type: ignore[union-attr]

    def line(self, text: str, *, size: int = _PLAIN) -> None:
        shown = "".join(char if ord(char) in self._known else f"[U+{ord(char):04X}]" for char in text)
        self._pdf.set_font(FAMILY, size=size)
        self._pdf.multi_cell(0, size * 0.55, shown, new_x="LMARGIN", new_y="NEXT", align="L")

    def heading(self, text: str) -> None:
        self.gap()
        self.line(text, size=14)

    def gap(self) -> None:
        self._pdf.ln(3)
