"""Cancelling an order: from its page, and from the link in the mail. Reading never cancels, only pressing does."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from orders.cancel_links import order_number
from orders.models import Order
from orders.states import OrderState
from refunds.calling_off import call_off, standing
from unlockshop.kernel import actors
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import errors
from unlockshop.storefront.addresses import client_ip
from unlockshop.storefront.cancel_presenting import present
from unlockshop.storefront.private_pages import private_page

ROWS = Order.objects.select_related("purchase").defer("result")


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, secret: str) -> HttpResponse:
    """The page behind the order's secret link that asks once more, and the press on its button."""
    return _answer(request, get_object_or_404(ROWS, secret=secret), is_owner=True)


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """The same from the mail: the link cancels and shows nothing else of the order."""
    try:
        number = order_number(token)
    except Refused as refused:
        if refused.code != "expired":
            raise Http404 from None
        text = _("It was good for 30 days. The order's own page says how the order stands.")
        return errors.problem(request, status=410, title=str(refused), text=text)
    return _answer(request, get_object_or_404(ROWS, number=number), is_owner=False)


def _answer(request: HttpRequest, order: Order, *, is_owner: bool) -> HttpResponse:
    if request.method != "POST":
        return _page(request, order, is_owner=is_owner)
    email = order.purchase.email
    try:
        call_off(order.pk, actor=actors.customer(email, client_ip(request)))
    except Refused:
        order.refresh_from_db()
        return _page(request, order, is_owner=is_owner, status=409)
    return HttpResponseRedirect(request.path, status=303)


def _page(request: HttpRequest, order: Order, *, is_owner: bool, status: int = 200) -> HttpResponse:
    is_cancelled = order.state == OrderState.CANCELLED
    now = standing(order)
    context = {
        "order": order,
        "is_owner": is_owner,
        "is_cancelled": is_cancelled,
        "refund": order.refunds.order_by("created_at").last() if is_cancelled else None,
        "cancelling": present(order, now),
        "was_refused": status == 409,
        "tracker": f"{reverse('tracker')}?q={order.number}",
    }
    return render(request, "storefront/cancel.html", context, status=status)
