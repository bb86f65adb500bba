"""A certificate as a paper. Its letters, and what becomes of those that are missing, are those of evidence packs."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _

from orders.models import CheckCertificate
from orders.wording import time_words
from payments.paper import Paper
from services.identifiers import group_imei
from services.reports.words import ReportView


def render_pdf(certificate: CheckCertificate, report: ReportView, *, address: str) -> bytes:
    """The certificate with its ``report`` and the ``address`` where it can be verified; the same bytes each time."""
    order = certificate.order
    paper = Paper(f"{settings.SHOP_NAME} {certificate.code}", made_at=certificate.issued_at)
    paper.line(_("Certificate of a device check"), size=18)
    paper.line(f"{settings.SHOP_NAME} · {certificate.code}")
    paper.gap()
    paper.line(_("Check: %s") % order.service_name)
    paper.line(_("Device: %s") % group_imei(order.identifier))
    paper.line(_("Data as of %s.") % time_words(order.ended_at or certificate.issued_at))
    paper.line(_("Certificate made: %s") % time_words(certificate.issued_at))
    paper.gap()
    paper.line(_("What the report says"), size=14)
    for line in report.lines:
        paper.line(f"{line.label}: {line.text}")
    paper.gap()
    paper.line(_("Risk of a block: %s") % report.risk, size=14)
    paper.line(report.risk_meaning)
    for each in report.risk_lines:
        paper.line(f"–  {each.label}: {each.text} – {each.effect}.")
    paper.gap()
    for sentence in report.disclaimer:
        paper.line(sentence)
    paper.gap()
    paper.line(_("Is this paper genuine?"), size=14)
    paper.line(_("Open this address and compare. What stands there counts, not the paper."))
    paper.line(address)
    return paper.finished()
