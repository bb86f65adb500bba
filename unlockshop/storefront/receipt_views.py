"""The receipt of a paid purchase, behind its secret link: as a page to print, and as PDF."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from orders.models import Purchase
from payments.receipt_pdf import render_pdf
from payments.receipts import receipt_of, way_words
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import errors
from unlockshop.storefront.private_pages import private_page
from unlockshop.storefront.ratelimit import MINUTE, too_many

PDFS_PER_MINUTE = 20


@private_page
@require_safe
def receipt(request: HttpRequest, secret: str) -> HttpResponse:
    """What was bought and paid, and what went back since. Unpaid, it leads to the purchase."""
    purchase = get_object_or_404(Purchase, secret=secret)
    try:
        found = receipt_of(purchase)
    except Refused:
        return redirect("purchase", secret)
    way = way_words(found.payment) if found.payment else ""
    context = {"receipt": found, "purchase": purchase, "way": way}
    return render(request, "storefront/receipt.html", context)


@private_page
@require_safe
def receipt_pdf(request: HttpRequest, secret: str) -> HttpResponse:
    """The same as a file to keep."""
    purchase = get_object_or_404(Purchase, secret=secret)
    if too_many(request, "receipt", PDFS_PER_MINUTE, MINUTE):
        way_out = errors.WayOut(reverse("receipt", args=[secret]), _("Back to the receipt"))
        return errors.too_many_requests(request, retry_after=MINUTE, way_out=way_out)
    try:
        content = render_pdf(receipt_of(purchase))
    except Refused:
        return redirect("purchase", secret)
    name = f"receipt-{purchase.number}.pdf"
    disposition = f'attachment; filename="{name}"'
    return HttpResponse(content, content_type="application/pdf", headers={"Content-Disposition": disposition})
