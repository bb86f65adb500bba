"""Finding a service, and its page with the order form: the first step of the checkout."""

from __future__ import annotations

import unicodedata
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from orders.models import Draft
from payments.limits import fewest, smallest_payment
from services import browsing
from services.models import Service
from services.order_form import network_choices
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import checkout_drafts, errors
from unlockshop.storefront.checkout_forms import DeviceForm
from unlockshop.storefront.private_pages import keep_private
from unlockshop.storefront.ratelimit import HOUR, too_many

DRAFTS_PER_HOUR: Final = 300
DRAFT_COOKIE: Final = "draft"
FILTERS: Final = ("category", "kind", "brand", "country")


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """The services, narrowed by words and filters from the query."""
    wanted = browsing.Wanted(words=_from_query(request, "q"), **{name: _from_query(request, name) for name in FILTERS})
    found = browsing.find(wanted, currency=settings.DEFAULT_CURRENCY, page=_page_number(request))
    query = {"q": wanted.words, **{name: getattr(wanted, name) for name in FILTERS}}
    context = {
        "wanted": wanted,
        "found": found,
        "query": urlencode({name: value for name, value in query.items() if value}),
        "filters": _filters(wanted, found),
    }
    return render(request, "storefront/catalogue.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def service(request: HttpRequest, slug: str) -> HttpResponse:
    """One service. Sending its order form starts a draft, or changes the one that ``?draft=`` names."""
    found = service_with_form(slug)
    if found is None:
        raise Http404
    draft = checkout_drafts.draft_of(request.GET.get("draft", ""), service=found)
    if draft is not None and (bought := checkout_drafts.purchase_of(draft)):
        return redirect(bought)
    if not checkout_drafts.takes_orders(found):
        if request.method == "POST":
            return checkout_closed(request, found)
        return render(request, "storefront/service.html", _about(found))
    if request.method != "POST":
        typed = draft or _left_draft(request, found)
        form = DeviceForm(found, initial=DeviceForm.initial_from(typed) if typed else None)
        return _service_page(request, found, form, draft)
    if too_many(request, "draft", DRAFTS_PER_HOUR, HOUR):
        return errors.too_many_requests(request, retry_after=HOUR)
    form = DeviceForm(found, request.POST)
    if not form.is_valid():
        return _service_page(request, found, form, draft, status=422)
    try:
        draft = checkout_drafts.save_devices(draft, service=found, devices=form.devices, answers=form.answers)
    except checkout_drafts.TooSmall as refused:
        form.refuse_too_small(refused)
        return _service_page(request, found, form, draft, status=422)
    except Refused:
        return checkout_closed(request, found)
    response = HttpResponseRedirect(checkout_drafts.next_step(draft), status=303)
    _remember_for_back(response, draft)
    return response


def service_with_form(slug: str) -> Service | None:
    """A published service with its questions and prices loaded."""
    published = Service.objects.filter(is_published=True, slug=slug).prefetch_related("fields")
    return browsing.with_prices(published, currency=settings.DEFAULT_CURRENCY).first()


def checkout_closed(request: HttpRequest, service: Service) -> HttpResponse:
    """409: the service does not take orders any more."""
    similar = urlencode({"category": service.category.slug})
    return errors.conflict(
        request,
        title=_("This service does not take orders at the moment"),
        text=_("%(service)s has been closed. Nothing was ordered or charged.") % {"service": service.name},
        way_out=errors.WayOut(f"{reverse('catalogue')}?{similar}", _("See similar services")),
    )


def _service_page(
    request: HttpRequest, service: Service, form: DeviceForm, draft: Draft | None, *, status: int = 200
) -> HttpResponse:
    context = {**_about(service), "form": form, "draft": draft}
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


def _about(service: Service) -> dict[str, Any]:
    tag = browsing.price_tag(service)
    return {
        "service": service,
        "networks": network_choices(service),
        "form": None,
        "fewest": fewest(tag.money) if tag else 1,
        "least": smallest_payment(settings.DEFAULT_CURRENCY),
    }


def _from_query(request: HttpRequest, name: str) -> str:
    """A word from the query, cut to a sensible length. Control characters are no words: 400."""
    text = request.GET.get(name, "")[: browsing.MAX_QUERY].strip()
    if any(unicodedata.category(char) == "Cc" for char in text):
        raise BadRequest(name)
    return text


def _page_number(request: HttpRequest) -> int:
    try:
        return int(request.GET.get("page", "")[:6])
    except ValueError:
        return 1


def _filters(wanted: browsing.Wanted, found: browsing.Found) -> list[dict[str, Any]]:
    """The selects above the list: name, label, what is chosen, what can be chosen."""
    parts = (
        ("category", _("Category"), found.categories),
        ("kind", _("Kind of work"), found.kinds),
        ("brand", _("Brand"), found.brands),
        ("country", _("Country"), found.countries),
    )
    return [
        {"name": name, "label": label, "chosen": getattr(wanted, name), "options": options}
        for name, label, options in parts
    ]
