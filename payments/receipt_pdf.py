"""A receipt as PDF, in the active language; in English where the font lacks that language's letters."""

from __future__ import annotations

from django.utils.translation import gettext as _

from orders.moments import day_words
from orders.wording import money_words
from payments.paper import Paper, printable
from payments.receipts import Receipt, way_words
from services.identifiers import group_imei


def render_pdf(receipt: Receipt) -> bytes:
    """The receipt as PDF; the same receipt gives the same document."""
    with printable():
        return _render(receipt)


def _render(receipt: Receipt) -> bytes:
    number = receipt.purchase.number
    title = _("Receipt %(number)s") % {"number": number}
    paper = Paper(title, made_at=receipt.paid_at)
    paper.line(receipt.seller.name, size=12)
    for line in receipt.seller.address:
        paper.line(line)
    if receipt.seller.tax_id:
        paper.line(_("Tax number: %(id)s") % {"id": receipt.seller.tax_id})
    paper.gap(6)
    paper.line(title, size=16)
    paper.line(
        _("Paid on %(day)s by %(email)s")
        % {"day": day_words(receipt.orders[0], receipt.paid_at), "email": receipt.purchase.email}
    )
    if receipt.payment is not None:
        paper.line(_("Way of payment: %(way)s") % {"way": way_words(receipt.payment)})
    paper.gap(4)
    for order in receipt.orders:
        text = f"{order.service_name}\n{group_imei(order.identifier)}, {order.number}"
        paper.pair(text, money_words(order.money))
    paper.pair(_("Total, incl. tax"), money_words(receipt.total), size=11)
    for refund in receipt.refunds:
        day = day_words(receipt.orders[0], refund.succeeded_at or refund.created_at)
        what = refund.order.number if refund.order else number
        paper.pair(
            _("Given back on %(day)s for %(what)s") % {"day": day, "what": what}, f"–{money_words(refund.money)}"
        )
    if receipt.taken_back is not None:
        paper.pair(_("Taken back by the bank for a dispute"), f"–{money_words(receipt.taken_back)}")
    if receipt.refunds or receipt.taken_back is not None:
        paper.pair(_("Paid after refunds"), money_words(receipt.kept), size=11)
    if paper.is_lacking:
        paper.gap()
        paper.line(_("Characters that this document's font lacks are printed as their Unicode numbers."))
    return paper.finished()
