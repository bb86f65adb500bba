"""Correcting an order from its page, at once or by a replacement, and ordering anew with the right data."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from orders import repeating, replacing
from orders.models import CorrectionRequest, Order
from orders.states import CorrectionState
from refunds import correcting
from refunds.correcting import CorrectionStanding, Way
from services.device_list import Device, Devices
from unlockshop.kernel import actors
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import checkout_drafts, errors
from unlockshop.storefront.addresses import client_ip
from unlockshop.storefront.catalogue_views import checkout_closed, service_with_form
from unlockshop.storefront.checkout_repeats import may_ask_about, words_for
from unlockshop.storefront.correction_forms import CorrectionForm
from unlockshop.storefront.correction_presenting import request_text
from unlockshop.storefront.private_pages import private_page
from unlockshop.storefront.tracker_views import WINDOW_SECONDS

ROWS = Order.objects.select_related("purchase", "service__category").defer("result")


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, secret: str) -> HttpResponse:
    """The page behind the order's secret link that corrects it, and its form."""
    order = get_object_or_404(ROWS, secret=secret)
    now = correcting.standing(order)
    if request.method != "POST":
        return _page(request, order, now)
    if now.way is None:
        return _page(request, order, now, was_refused=True, status=409)
    form = CorrectionForm(order, request.POST)
    if not form.is_valid():
        return _page(request, order, now, form=form, status=422)
    return _submit(request, order, now, form)


@private_page
@require_POST
def order_again(request: HttpRequest, secret: str) -> HttpResponse:
    """Begin a new order with the data of a correction that came to nothing (IMEIORG-11.2c)."""
    order = get_object_or_404(ROWS, secret=secret)
    wanted = replacing.latest(order)
    if wanted is None or wanted.state in {CorrectionState.ASKED, CorrectionState.REPLACED}:
        raise Http404
    service = service_with_form(order.service.slug)
    if service is None or not checkout_drafts.takes_orders(service):
        return checkout_closed(request, order.service)
    device = Device(wanted.identifier, wanted.identifier_kind, "", wanted.identifier)
    try:
        draft = checkout_drafts.save_devices(
            None, service=service, devices=Devices((device,)), answers=wanted.answers, currency=order.currency
        )
    except Refused:
        return HttpResponseRedirect(service.get_absolute_url(), status=303)
    return HttpResponseRedirect(checkout_drafts.next_step(draft, fields=list(service.fields.all())), status=303)


def _submit(request: HttpRequest, order: Order, now: CorrectionStanding, form: CorrectionForm) -> HttpResponse:
    data = form.right_data
    asked = f"{order.secret}|{data.identifier}|{dict(data.answers)}"
    if not may_ask_about(request, asked):
        return errors.too_many_requests(request, retry_after=WINDOW_SECONDS)
    is_missing = form.ask_to_compare()
    if repeating.is_under_way_besides(order, data.identifier, data.answers):
        is_missing |= form.ask_whether_again(words_for(order.service_kind, [data.identifier]))
    if is_missing:
        return _page(request, order, now, form=form, status=422)
    actor = actors.customer(order.purchase.email, client_ip(request))
    try:
        way = correcting.submit(order.pk, data, shown=form.cleaned_data["shown"], actor=actor)
    except Refused as refused:
        return _refused(request, order, form, refused)
    address = f"{order.get_absolute_url()}?corrected=1" if way == Way.AT_ONCE else request.path
    return HttpResponseRedirect(address, status=303)


def _refused(request: HttpRequest, order: Order, form: CorrectionForm, refused: Refused) -> HttpResponse:
    order.refresh_from_db(fields=["state", "ended_at", "identifier", "identifier_kind", "answers"])
    now = correcting.standing(order)
    if now.way is None:
        return _page(request, order, now, was_refused=True, status=409)
    if refused.code == "under_way":  # another order for the device was paid at this very moment
        form.ask_whether_again(words_for(order.service_kind, [form.right_data.identifier]))
        return _page(request, order, now, form=form, status=422)
    form.refuse(refused)
    return _page(request, order, now, form=form, status=409 if refused.code in {"moved_on", "left"} else 422)


def _page(
    request: HttpRequest,
    order: Order,
    now: CorrectionStanding,
    *,
    form: CorrectionForm | None = None,
    was_refused: bool = False,
    status: int = 200,
) -> HttpResponse:
    if now.way is not None and form is None:
        form = CorrectionForm(order, initial=CorrectionForm.initial_of(order))
    wanted = replacing.latest(order)
    context = {
        "order": order,
        "now": now,
        "form": form if now.way is not None else None,
        "wanted": wanted,
        "wanted_text": request_text(wanted) if wanted else "",
        "can_order_again": wanted is not None and _came_to_nothing(wanted),
        "was_refused": was_refused,
    }
    return render(request, "storefront/correct.html", context, status=status)


def _came_to_nothing(wanted: CorrectionRequest) -> bool:
    return wanted.state not in {CorrectionState.ASKED, CorrectionState.REPLACED}
