"""Repeating a finished check: a press begins a new order for the same device."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from orders.checking import is_finished_check
from orders.models import Draft, Order
from services.device_list import Device, Devices
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import checkout_drafts, errors
from unlockshop.storefront.catalogue_views import DRAFTS_PER_HOUR, service_with_form
from unlockshop.storefront.private_pages import private_page
from unlockshop.storefront.ratelimit import HOUR, too_many


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def check_again(request: HttpRequest, secret: str) -> HttpResponse:
    """On to the details of a new order like this one. Read instead of pressed, it leads to the order."""
    orders = Order.objects.select_related("purchase", "service").defer("result")
    order = get_object_or_404(orders, secret=secret)
    if request.method != "POST":
        return redirect(order)
    if too_many(request, "draft", DRAFTS_PER_HOUR, HOUR):
        return errors.too_many_requests(request, retry_after=HOUR)
    service = service_with_form(order.service.slug)
    if not is_finished_check(order) or service is None or not checkout_drafts.takes_orders(service):
        return _cannot(request, order)
    device = Device(value=order.identifier, kind=order.identifier_kind, warning="", raw=order.identifier)
    draft = Draft(service=service, recheck_of=order, contact={"email": order.purchase.email})
    try:
        draft = checkout_drafts.save_devices(
            draft, service=service, devices=Devices((device,)), answers=order.answers, currency=order.currency
        )
    except Refused:
        return _cannot(request, order)
    return HttpResponseRedirect(checkout_drafts.next_step(draft), status=303)


def _cannot(request: HttpRequest, order: Order) -> HttpResponse:
    return errors.conflict(
        request,
        title=_("This check cannot be repeated at the moment"),
        text=_("Nothing was ordered or charged."),
        way_out=errors.WayOut(order.get_absolute_url(), _("Back to the order")),
    )
