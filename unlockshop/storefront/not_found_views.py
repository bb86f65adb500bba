"""What a customer presses on the page of an order that was not found: have it looked into, have it sent again."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from orders.models import Order
from refunds import not_found
from unlockshop.kernel import actors
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import errors
from unlockshop.storefront.addresses import client_ip
from unlockshop.storefront.private_pages import private_page

ROWS = Order.objects.select_related("purchase").defer("result")
MAX_NOTE = 500


class NoteForm(forms.Form):
    """What the customer adds to the question; may be empty."""

    note = forms.CharField(max_length=MAX_NOTE, required=False)


@private_page
@require_POST
def investigate(request: HttpRequest, secret: str) -> HttpResponse:
    """Put the question why the device was not found to staff."""
    order = get_object_or_404(ROWS, secret=secret)
    form = NoteForm(request.POST)
    if not form.is_valid():
        text = _("Your note is too long, or holds characters that cannot be shown. Nothing was sent.")
        return _not_done(request, order, text)
    try:
        not_found.ask(order.pk, note=form.cleaned_data["note"], actor=_customer(request, order))
    except Refused as refused:
        return _not_done(request, order, str(refused))
    return HttpResponseRedirect(order.get_absolute_url(), status=303)


@private_page
@require_POST
def resubmit(request: HttpRequest, secret: str) -> HttpResponse:
    """Send the order to a supplier once more, as the finding allows."""
    order = get_object_or_404(ROWS, secret=secret)
    try:
        not_found.resubmit(order.pk, actor=_customer(request, order))
    except Refused as refused:
        return _not_done(request, order, str(refused))
    return HttpResponseRedirect(order.get_absolute_url(), status=303)


def _customer(request: HttpRequest, order: Order) -> Actor:
    return actors.customer(order.purchase.email, client_ip(request))


def _not_done(request: HttpRequest, order: Order, text: str) -> HttpResponse:
    way_out = errors.WayOut(order.get_absolute_url(), _("Back to the order"))
    return errors.conflict(request, title=_("This was not done"), text=text, way_out=way_out)
