"""The page of a purchase behind its secret link: paying for it, and coming back from the payment page."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from orders.models import Order, Purchase
from orders.states import ENDED
from payments.accepting import NotTaken
from payments.collecting import NothingToPay, settle
from payments.models import Payment
from payments.owing import refunds_of
from payments.states import PaymentState
from unlockshop.kernel import clock
from unlockshop.kernel.errors import ShopError
from unlockshop.storefront import errors
from unlockshop.storefront.paying import chosen_way, payment_page
from unlockshop.storefront.private_pages import poll_delay, private_page, small_number
from unlockshop.storefront.purchase_presenting import UNDER_WAY, PurchaseView, Standing, present_purchase
from unlockshop.storefront.ratelimit import HOUR, MINUTE, too_many

SETTLES_PER_MINUTE: Final = 30
UNREACHABLE: Final = gettext_lazy(
    "The payment page is not reachable at the moment. Nothing was charged. Please try again."
)
NOTICES: Final = {
    "unavailable": UNREACHABLE,
    "not_taken": gettext_lazy("This way to pay does not take this amount. Nothing was charged. Choose another way."),
    "cancelled": gettext_lazy("You left the payment page. Nothing was charged, and your order is saved."),
    "failed": gettext_lazy(
        "Your last payment did not go through. Nothing was charged for it, and your order is saved. "
        "Pay again, with another card or in another way."
    ),
    "declined": gettext_lazy(
        "The means of payment that you chose there was declined. Nothing was charged, and your order is saved. "
        "Choose another one there, or pay in another way."
    ),
}


@private_page
@require_safe
def purchase(request: HttpRequest, secret: str) -> HttpResponse:
    """What was bought, what is paid or owed, and the way to each order."""
    return _page(request, _purchase(secret), told=request.GET.get("payment", ""))


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, secret: str) -> HttpResponse:
    """On to the provider's payment page. Read instead of pressed, it leads to the button."""
    if request.method != "POST":
        return redirect("purchase", secret)
    if too_many(request, "pay", settings.PURCHASES_PER_HOUR, HOUR):
        way_out = errors.WayOut(reverse("purchase", args=[secret]), _("Back to the purchase"))
        return errors.too_many_requests(request, retry_after=HOUR, way_out=way_out)
    found = _purchase(secret)
    try:
        return HttpResponseRedirect(payment_page(found, provider_name=chosen_way(request, found.money)), status=303)
    except NothingToPay as refused:
        if refused.code == "paid":
            return HttpResponseRedirect(found.get_absolute_url(), status=303)
        return _page(request, found, notice=str(refused), status=409)
    except NotTaken:
        return _page(request, found, notice=str(NOTICES["not_taken"]), status=409)
    except ShopError:
        return _page(request, found, notice=str(UNREACHABLE), status=503)


@private_page
@require_safe
def payment_return(request: HttpRequest, secret: str) -> HttpResponse:
    """Back from the payment page: ask the provider, and say "paid" only when the money is booked."""
    found = _purchase(secret)
    is_told = False
    if found.paid_at is None and not too_many(request, "settle", SETTLES_PER_MINUTE, MINUTE, extra_key=found.number):
        is_told = _settle_all(found)
        found.refresh_from_db()
    orders = _orders(found)
    view = _view(found, orders)
    if view.standing == Standing.PAID:
        address = orders[0].get_absolute_url() if len(orders) == 1 else found.get_absolute_url()
        return _lead_to(request, f"{address}?paid=1")
    if is_told and view.trouble == "declined":
        return _lead_to(request, found.get_absolute_url() + "?payment=declined")
    if not view.is_under_way:
        is_failed = view.standing == Standing.TO_PAY
        return _lead_to(request, found.get_absolute_url() + ("?payment=failed" if is_failed else ""))
    return _confirming(request, found, view)


def _confirming(request: HttpRequest, purchase: Purchase, view: PurchaseView) -> HttpResponse:
    is_htmx = bool(request.htmx)  # type: ignore[attr-defined]
    is_news = is_htmx and request.GET.get("seen") != view.standing
    round_ = small_number(request, "n") + 1 if is_htmx and not is_news else 0
    context = {
        "purchase": purchase,
        "view": view,
        "is_news": is_news,
        "is_at_bank": view.standing == Standing.AT_BANK,
        "poll_round": round_,
        "poll_delay": poll_delay(round_, first=3),
    }
    return render(request, f"storefront/confirming{'_news' if is_htmx else ''}.html", context)


def _settle_all(purchase: Purchase) -> bool:
    """Ask about every payment under way; whether each provider answered."""
    is_told = True
    for payment in Payment.objects.filter(purchase=purchase, state__in=UNDER_WAY):
        try:
            settle(payment.pk)
        except ShopError:
            is_told = False  # the page says "confirming", the sweep asks again
    return is_told


def _purchase(secret: str) -> Purchase:
    return get_object_or_404(Purchase, secret=secret)


def _orders(purchase: Purchase) -> list[Order]:
    return list(purchase.orders.defer("result").order_by("position"))


def _view(purchase: Purchase, orders: list[Order]) -> PurchaseView:
    payments = [] if purchase.paid_at else list(purchase.payments.order_by("pk"))
    has_money = purchase.paid_at or any(payment.state == PaymentState.CAPTURED for payment in payments)
    refunds = list(refunds_of(purchase)) if has_money else []
    return present_purchase(purchase, orders, payments, refunds, now=clock.now())


def _page(
    request: HttpRequest, purchase: Purchase, *, notice: str = "", told: str = "", status: int = 200
) -> HttpResponse:
    """``told`` names the notice that the address asks for; without one, the last try to pay speaks for itself."""
    orders = _orders(purchase)
    view = _view(purchase, orders)
    if not notice and view.can_pay:
        notice = str(NOTICES.get(told) or NOTICES.get(view.trouble) or "")
    context = {
        "purchase": purchase,
        "orders": orders,
        "view": view,
        "refunds": view.refunds,
        "is_working": any(order.state not in ENDED for order in orders),
        "notice": notice if view.standing != Standing.PAID else "",
        "just_paid": "paid" in request.GET and view.standing == Standing.PAID,
        "title": _("Purchase %s") % purchase.number,
    }
    return render(request, "storefront/purchase.html", context, status=status)


def _lead_to(request: HttpRequest, address: str) -> HttpResponse:
    """A redirect that also htmx follows with the whole page."""
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)
