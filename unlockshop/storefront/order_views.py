"""The page of one order, behind its secret link."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from orders.models import Order
from orders.results import open_result
from orders.states import OrderState
from orders.wording import guaranteed_by
from payments.states import PaymentState
from services.instructions import instructions_for
from unlockshop.kernel import actors, clock
from unlockshop.kernel.errors import Refused
from unlockshop.storefront.addresses import client_ip
from unlockshop.storefront.order_presenting import OrderView, identifier_label, present
from unlockshop.storefront.private_pages import poll_delay, private_page, small_number


@private_page
@require_safe
def order(request: HttpRequest, secret: str) -> HttpResponse:
    """The order: where it stands, what happens next, and what was ordered."""
    return _page(request, _order(secret))


@private_page
@require_safe
def status(request: HttpRequest, secret: str) -> HttpResponse:
    """News for the page, asked for by htmx. ``seen`` is the last event shown, ``n`` counts rounds without news."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("order", secret)
    found = _order(secret)
    view = _view(found)
    is_news = view.seen != small_number(request, "seen")
    context = {
        "order": found,
        "view": view,
        "is_news": is_news,
        **_polling(view, 0 if is_news else small_number(request, "n") + 1),
    }
    return render(request, "storefront/order_news.html", context)


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def result(request: HttpRequest, secret: str) -> HttpResponse:
    """The order with its result in sight. Opening it is recorded."""
    if request.method != "POST":
        return redirect("order", secret)
    found = _order(secret)
    actor = actors.customer(ip=client_ip(request))
    try:
        text = open_result(found.pk, actor=actor)
    except Refused as refused:
        return _page(request, found, notice=str(refused), status=409)
    return _page(request, found, result=text, guide=instructions_for(found.result_kind))


def _order(secret: str) -> Order:
    """The order behind the link. Its result stays closed in the database."""
    return get_object_or_404(Order.objects.select_related("purchase").defer("result"), secret=secret)


def _view(order: Order) -> OrderView:
    is_confirming = (
        order.state == OrderState.AWAITING_PAYMENT
        and order.purchase.payments.filter(state=PaymentState.PENDING).exists()
    )
    return present(order, list(order.events.all()), now=clock.now(), bank_is_confirming=is_confirming)


def _page(request: HttpRequest, order: Order, *, notice: str = "", status: int = 200, **extra: Any) -> HttpResponse:
    view = _view(order)
    labels = dict(order.service.fields.values_list("name", "label")) if order.answers else {}
    just_paid = "paid" in request.GET and order.purchase.paid_at is not None
    context = {
        "order": order,
        "view": view,
        "notice": notice,
        "just_paid": just_paid,
        "identifier_label": identifier_label(order.identifier_kind),
        "answers": [(labels.get(name, name), value) for name, value in order.answers.items() if value],
        "guaranteed_by": guaranteed_by(order),
        **_polling(view, 0),
        **extra,
    }
    return render(request, "storefront/order.html", context, status=status)


def _polling(view: OrderView, round_: int) -> dict[str, Any]:
    return {"poll_round": round_, "poll_delay": poll_delay(round_), "announcement": _("Status: %s") % view.word}
