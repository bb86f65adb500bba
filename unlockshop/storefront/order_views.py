"""The page of one order, behind its secret link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from orders import delaying
from orders.certifying import certificate_of
from orders.checking import report_of
from orders.models import Order, OrderEvent
from orders.resending import resend_result
from orders.results import open_result
from orders.states import UNDELIVERED, OrderState
from payments.owing import is_on_its_way, owed_back, refunds_of, with_refunds
from payments.states import PaymentState
from refunds import correcting, not_found, overdue
from refunds.calling_off import standing
from services.instructions import instructions_for
from unlockshop.kernel import actors, clock
from unlockshop.kernel.errors import Refused, TransitionRefused
from unlockshop.storefront.addresses import client_ip
from unlockshop.storefront.cancel_presenting import present as present_cancelling
from unlockshop.storefront.correction_presenting import has_event, replaced_by, replaces
from unlockshop.storefront.late_presenting import present as present_late
from unlockshop.storefront.not_found_presenting import alternatives_to
from unlockshop.storefront.order_presenting import MoneyFacts, OrderView, identifier_label, present
from unlockshop.storefront.private_pages import poll_delay, private_page, small_number
from unlockshop.storefront.purchase_presenting import trouble
from unlockshop.storefront.recheck_presenting import difference_for, offer_for
from unlockshop.storefront.refund_presenting import present_refunds
from unlockshop.storefront.unchanged_pages import kept_while_unchanged


@kept_while_unchanged
@private_page
@require_safe
def order(request: HttpRequest, secret: str) -> HttpResponse:
    """The order: where it stands, what happens next, and what was ordered."""
    return _page(request, _order(secret))


@kept_while_unchanged
@private_page
@require_safe
def status(request: HttpRequest, secret: str) -> HttpResponse:
    """News for the page, asked for by htmx. ``seen`` is the last event shown, ``n`` counts rounds without news."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("order", secret)
    found = _order(secret)
    view = _view(found, list(found.events.all()))
    is_news = view.seen != small_number(request, "seen")
    context = {
        "order": found,
        "view": view,
        "is_news": is_news,
        "cancelling": present_cancelling(found, standing(found)),
        "late": present_late(found, overdue.standing(found) if view.is_late else None),
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
        found.result = open_result(found.pk, actor=actor)
    except Refused as refused:
        return _page(request, found, notice=str(refused), status=409)
    guide = instructions_for(found.result_kind)
    return _page(
        request,
        found,
        result=found.result,
        report=report_of(found),
        guide=guide,
        difference=difference_for(found),
        recheck=offer_for(found),
    )


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def result_mail(request: HttpRequest, secret: str) -> HttpResponse:
    """The customer has the result mailed once more, to the purchase's address."""
    found = _order(secret)
    if request.method != "POST":
        return redirect(found)
    try:
        resend_result(found.pk, actor=actors.customer(found.purchase.email, client_ip(request)))
    except Refused as refused:
        return _page(request, found, notice=str(refused), status=409)
    return HttpResponseRedirect(f"{found.get_absolute_url()}?resent", status=303)


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def money_back(request: HttpRequest, secret: str) -> HttpResponse:
    """The customer of a late order takes the money instead of waiting."""
    found = _order(secret)
    if request.method != "POST":
        return redirect(found)
    actor = actors.customer(found.purchase.email, client_ip(request))
    try:
        overdue.give_back(found.pk, actor=actor, is_asked=True)
    except Refused as refused:
        has_moved = isinstance(refused, TransitionRefused)
        notice = _("The order has moved on since you pressed; this is how it stands.") if has_moved else str(refused)
        return _page(request, _order(secret), notice=notice, status=409)
    return HttpResponseRedirect(found.get_absolute_url(), status=303)


def _order(secret: str) -> Order:
    """The order behind the link. Its result stays closed in the database."""
    orders = delaying.with_delays(Order.objects.select_related("purchase", "certificate").defer("result"))
    return get_object_or_404(with_refunds(orders).prefetch_related("events"), secret=secret)


def _view(order: Order, story: Sequence[OrderEvent]) -> OrderView:
    return present(order, story, now=clock.now(), money=_money(order, story), is_guaranteed=order.is_guaranteed)


def _money(order: Order, story: Sequence[OrderEvent]) -> MoneyFacts:
    if order.state != OrderState.AWAITING_PAYMENT:
        owed = owed_back(order)
        return MoneyFacts(
            owed=owed,
            is_on_its_way=order.state in UNDELIVERED and owed.amount == 0 and is_on_its_way(order),
            is_replaced=has_event(story, "order.replaced"),
        )
    tries = list(order.purchase.payments.order_by("pk"))
    return MoneyFacts(
        bank_is_confirming=any(payment.state == PaymentState.PENDING for payment in tries),
        payment_failed=trouble(tries) != "",
    )


def _page(request: HttpRequest, order: Order, *, notice: str = "", status: int = 200, **extra: Any) -> HttpResponse:
    story = list(order.events.all())
    view = _view(order, story)
    labels = dict(order.service.fields.values_list("name", "label")) if order.answers else {}
    is_paid = order.purchase.paid_at is not None and order.state not in UNDELIVERED
    just_paid = "paid" in request.GET and is_paid
    has_refunds = getattr(order, "has_refunds", True)
    refunds = refunds_of(order.purchase).filter(Q(order=order) | Q(order=None)) if has_refunds else ()
    context = {
        "refunds": present_refunds(refunds),
        "order": order,
        "view": view,
        "notice": notice,
        "cancelling": present_cancelling(order, standing(order)),
        "late": present_late(order, overdue.standing(order) if view.is_late else None),
        "just_paid": just_paid,
        "just_corrected": "corrected" in request.GET and has_event(story, "order.corrected"),
        "just_resent": "resent" in request.GET and has_event(story, "order.result_sent_again"),
        "may_correct": correcting.offers_it(order),
        "replaced_by": replaced_by(order, story),
        "replaces": replaces(order, story),
        "not_found": not_found.standing(order),
        "alternatives": alternatives_to(order),
        "certificate": certificate_of(order),
        "order_anew": _service_address(order),
        "identifier_label": identifier_label(order.identifier_kind),
        "answers": [(labels.get(name, name), value) for name, value in order.answers.items() if value],
        **_polling(view, 0),
        **extra,
    }
    return render(request, "storefront/order.html", context, status=status)


def _service_address(order: Order) -> str:
    """Where an order that was not paid in time can be placed anew; empty for others, and once it is not sold."""
    is_sold = order.state == OrderState.EXPIRED and order.service.is_published
    return str(order.service.get_absolute_url()) if is_sold else ""


def _polling(view: OrderView, round_: int) -> dict[str, Any]:
    return {"poll_round": round_, "poll_delay": poll_delay(round_), "announcement": _("Status: %s") % view.word}
