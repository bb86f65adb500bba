"""Certificates: a customer opens the report of a check to others; anybody with the code sees that it is genuine."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from orders import certifying
from orders.checking import report_of
from orders.models import CheckCertificate, Order
from payments.paper import printable
from services.reports.words import ReportView
from unlockshop.kernel import actors
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import certificate_pdf as pdf
from unlockshop.storefront import errors
from unlockshop.storefront.addresses import client_ip
from unlockshop.storefront.order_presenting import identifier_label
from unlockshop.storefront.page_head import absolute
from unlockshop.storefront.private_pages import private_page
from unlockshop.storefront.ratelimit import too_many

LIMIT: Final = 30
WINDOW_SECONDS: Final = 600


@private_page
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for a code; one that is known leads to its certificate."""
    asked = request.GET.get("code")
    if asked is None:
        return render(request, "storefront/certificates.html", {"error": ""})
    if not asked.strip():
        error = _("Enter the code of the certificate.")
        return render(request, "storefront/certificates.html", {"error": error}, status=422)
    if too_many(request, "certificate", LIMIT, WINDOW_SECONDS):
        return errors.too_many_requests(request, retry_after=WINDOW_SECONDS)
    found = certifying.find(asked)
    return _unknown(request) if found is None else HttpResponseRedirect(found.get_absolute_url(), status=303)


@private_page
@require_safe
def certificate(request: HttpRequest, code: str) -> HttpResponse:
    """The certificate: the report, its device and its dates; nothing about the customer."""
    opened = _open(request, code)
    if isinstance(opened, HttpResponse):
        return opened
    found, report = opened
    context = {
        "certificate": found,
        "order": found.order,
        "report": report,
        "identifier_label": identifier_label(found.order.identifier_kind),
        "address": absolute(found.get_absolute_url()),
    }
    return render(request, "storefront/certificate.html", context)


@private_page
@require_safe
def certificate_pdf(request: HttpRequest, code: str) -> HttpResponse:
    """The same as a paper."""
    opened = _open(request, code)
    if isinstance(opened, HttpResponse):
        return opened
    found, shown = opened
    address = absolute(found.get_absolute_url())
    with printable():
        report = report_of(found.order) or shown
        content = pdf.render_pdf(found, report, address=address)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{found.code}.pdf"'
    return response


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def issue(request: HttpRequest, secret: str) -> HttpResponse:
    """The customer makes the certificate. Read instead of pressed, it leads to the button."""
    order = _order(secret)
    if request.method != "POST":
        return redirect(order)
    try:
        certifying.issue(order.pk, actor=actors.customer(ip=client_ip(request)))
    except Refused as refused:
        return _refused(request, order, refused)
    return HttpResponseRedirect(order.get_absolute_url() + "#certificate-title", status=303)


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, secret: str) -> HttpResponse:
    """The customer closes the certificate again."""
    order = _order(secret)
    if request.method == "POST":
        certifying.withdraw(order.pk, actor=actors.customer(ip=client_ip(request)))
    return HttpResponseRedirect(order.get_absolute_url(), status=303)


def _open(request: HttpRequest, code: str) -> tuple[CheckCertificate, ReportView] | HttpResponse:
    """The certificate with its report, or the answer that there is none. Tries are counted."""
    if too_many(request, "certificate", LIMIT, WINDOW_SECONDS):
        return errors.too_many_requests(request, retry_after=WINDOW_SECONDS)
    found = certifying.find(code)
    report = report_of(found.order) if found else None
    return _unknown(request) if found is None or report is None else (found, report)


def _order(secret: str) -> Order:
    return get_object_or_404(Order.objects.defer("result"), secret=secret)


def _refused(request: HttpRequest, order: Order, refused: Refused) -> HttpResponse:
    way_out = errors.WayOut(order.get_absolute_url(), _("Back to the order"))
    return errors.conflict(request, title=_("No certificate was made"), text=str(refused), way_out=way_out)


def _unknown(request: HttpRequest) -> HttpResponse:
    """404: unknown and withdrawn codes get the same answer."""
    return errors.problem(
        request,
        status=404,
        title=_("There is no certificate with this code"),
        text=_(
            "The code may be mistyped, or its owner has withdrawn the certificate. "
            "Without one, believe no paper or picture that shows this code."
        ),
        way_out=errors.WayOut(reverse("certificates"), _("Enter another code")),
    )
