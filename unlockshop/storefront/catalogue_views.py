"""Finding a service, and its page with the order form: the first step of the checkout."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from orders import averages
from orders.models import Draft
from payments.limits import fewest, smallest_payment
from services import browsing
from services.models import Service
from services.order_form import network_choices
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import (
    catalogue_query,
    checkout_drafts,
    device_memory,
    errors,
    fit_presenting,
    terms_presenting,
)
from unlockshop.storefront.checkout_forms import DeviceForm
from unlockshop.storefront.currencies import chosen_currency
from unlockshop.storefront.page_head import catalogue_head, service_head
from unlockshop.storefront.private_pages import keep_private
from unlockshop.storefront.ratelimit import HOUR, too_many
from unlockshop.storefront.shared_pages import shared_page

DRAFTS_PER_HOUR: Final = 300
DRAFT_COOKIE: Final = "draft"


@require_safe
@shared_page()
def catalogue(request: HttpRequest) -> HttpResponse:
    """The services, narrowed and ordered as the address says; to htmx the list alone."""
    asked = catalogue_query.read(request.GET, chosen_currency(request))
    found = browsing.find(asked.wanted, page=asked.page, popularity=averages.orders_of)
    averages.attach(found.services)
    context = {
        "asked": asked,
        "wanted": asked.wanted,
        "found": found,
        "query": asked.query,
        "filters": catalogue_query.selects(asked, found),
        "chips": catalogue_query.chips(asked, found),
        "sorts": browsing.Sort.choices,
        "seo": catalogue_head(asked, found),
    }
    is_part = catalogue_query.wants_results(request)
    name = "partials/catalogue_results.html" if is_part else "catalogue.html"
    response = render(request, f"storefront/{name}", {**context, "is_part": is_part})
    # The part has no form, whose token would name the cookie; its prices go by the chosen currency all the same.
    patch_vary_headers(response, ["Cookie", "HX-Request", "HX-Target", "HX-History-Restore-Request"])
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@shared_page(cookies=(DRAFT_COOKIE, device_memory.DEVICE_COOKIE), query=("draft",))
def service(request: HttpRequest, slug: str) -> HttpResponse:
    """One service. Sending its order form starts a draft, or changes the one that ``?draft=`` names."""
    found = service_with_form(slug)
    if found is None:
        raise Http404
    draft = checkout_drafts.draft_of(request.GET.get("draft", ""), service=found)
    if draft is not None and (bought := checkout_drafts.purchase_of(draft)):
        return redirect(bought)
    currency = _page_currency(request, found, draft)
    if not checkout_drafts.takes_orders(found):
        return checkout_closed(request, found) if request.method == "POST" else _without_form(request, found, currency)
    if currency not in browsing.currencies_of(found):
        is_sent = request.method == "POST"
        return not_sold_in(request, found, currency) if is_sent else _unsold(request, found, currency)
    if request.method == "POST":
        return _take_devices(request, found, draft, currency)
    typed = draft or _left_draft(request, found)
    initial = DeviceForm.initial_from(typed) if typed else device_memory.initial_for(request, found)
    form = DeviceForm(found, currency, initial=initial)
    fit = fit_presenting.fit_of(request, found, fit_presenting.typed_in(initial))
    return _service_page(request, found, form, draft, fit=fit)


def _take_devices(request: HttpRequest, found: Service, draft: Draft | None, currency: str) -> HttpResponse:
    if too_many(request, "draft", DRAFTS_PER_HOUR, HOUR):
        return errors.too_many_requests(request, retry_after=HOUR)
    form = DeviceForm(found, currency, request.POST)
    if not form.is_valid():
        return _service_page(request, found, form, draft, status=422)
    fit = fit_presenting.fit_of(request, found, [device.value for device in form.devices.devices])
    if fit is not None and fit.is_refused:
        form.refuse_misfit(fit.sentence)
        return _service_page(request, found, form, draft, status=422, fit=fit)
    try:
        draft = checkout_drafts.save_devices(
            draft, service=found, devices=form.devices, answers=form.answers, currency=currency
        )
    except checkout_drafts.TooSmall as refused:
        form.refuse_too_small(refused)
        return _service_page(request, found, form, draft, status=422)
    except Refused as refused:
        if refused.code != "one_free":
            return not_sold_in(request, found, currency)
        form.refuse_several_free()
        return _service_page(request, found, form, draft, status=422)
    response = HttpResponseRedirect(checkout_drafts.next_step(draft), status=303)
    _remember_for_back(response, draft)
    return response


def service_with_form(slug: str) -> Service | None:
    """A published service with its questions and prices loaded."""
    published = Service.objects.filter(is_published=True, slug=slug).prefetch_related("fields")
    return browsing.with_prices(published).first()


def checkout_closed(request: HttpRequest, service: Service) -> HttpResponse:
    """409: the service does not take orders any more."""
    similar = urlencode({"category": service.category.slug})
    return errors.conflict(
        request,
        title=_("This service does not take orders at the moment"),
        text=_("%(service)s has been closed. Nothing was ordered or charged.") % {"service": service.name},
        way_out=errors.WayOut(f"{reverse('catalogue')}?{similar}", _("See similar services")),
    )


def not_sold_in(request: HttpRequest, service: Service, currency: str) -> HttpResponse:
    """409: the service cannot be ordered in this currency, or not any more."""
    words = {"service": service.name, "currency": currency}
    return errors.conflict(
        request,
        title=_("This service cannot be ordered in %(currency)s") % words,
        text=_("%(service)s has no price in %(currency)s that can be paid. Nothing was ordered or charged.") % words,
        way_out=errors.WayOut(service.get_absolute_url(), _("Choose another currency")),
    )


def _page_currency(request: HttpRequest, service: Service, draft: Draft | None) -> str:
    """What the service's page is in: the currency that a sent form was shown in, else the visitor's choice.

    An order begun in a currency that the service is sold in keeps it where the service is not sold in the new choice.
    """
    shown = request.POST.get("currency", "")
    if shown in settings.CURRENCIES:
        return shown
    chosen, sold = chosen_currency(request), browsing.currencies_of(service)
    return draft.currency if draft is not None and chosen not in sold and draft.currency in sold else chosen


def _without_form(request: HttpRequest, service: Service, currency: str, **more: Any) -> HttpResponse:
    return render(request, "storefront/service.html", {**_about(service, currency), **more})


def _unsold(request: HttpRequest, service: Service, currency: str) -> HttpResponse:
    """Without a price in ``currency``: say so, and offer the currencies that there are prices in."""
    tags = [(code, browsing.price_tag(service, code)) for code in browsing.currencies_of(service)]
    others = [(code, tag.money) for code, tag in tags if tag]
    return _without_form(request, service, currency, other_currencies=others)


def _service_page(
    request: HttpRequest,
    service: Service,
    form: DeviceForm,
    draft: Draft | None,
    *,
    status: int = 200,
    fit: fit_presenting.Fit | None = None,
) -> HttpResponse:
    context = {**_about(service, form.currency), "form": form, "draft": draft, "fit": fit}
    if draft is not None or form.is_bound:
        context["seo"] = None
    response = render(request, "storefront/service.html", context, status=status)
    keep_private(response)
    return response


def _remember_for_back(response: HttpResponse, draft: Draft) -> None:
    """The browser's Back button asks for the service's address without the draft; a cookie of that page names it."""
    response.set_cookie(
        DRAFT_COOKIE,
        draft.token,
        max_age=HOUR,
        path=draft.service.get_absolute_url(),
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _left_draft(request: HttpRequest, service: Service) -> Draft | None:
    """What this browser typed here lately and has not ordered yet; it fills the form and is not changed."""
    draft = checkout_drafts.draft_of(request.COOKIES.get(DRAFT_COOKIE, ""), service=service)
    return draft if draft is not None and checkout_drafts.purchase_of(draft) is None else None


def _about(service: Service, currency: str) -> dict[str, Any]:
    tag = browsing.price_tag(service, currency)
    averages.attach_all(service)
    return {
        "page_currency": currency,
        "service": service,
        "networks": network_choices(service),
        "form": None,
        "fewest": fewest(tag.money) if tag else 1,
        "least": smallest_payment(currency),
        "money_back": terms_presenting.panel(service.kind),
        "seo": service_head(service, currency, takes_orders=checkout_drafts.takes_orders(service)),
    }
