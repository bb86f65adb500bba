"""The visitor's choice of a currency: what prices are shown in, until an order freezes it. Nothing is converted."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from unlockshop.kernel.money import name_of
from unlockshop.storefront import errors

COOKIE: Final = "currency"
ONE_YEAR: Final = 365 * 24 * 3600
MAX_PATH: Final = 2000


def chosen_currency(request: HttpRequest) -> str:
    """The offered currency that the visitor chose, or else the shop's default."""
    asked = request.COOKIES.get(COOKIE, "")
    return asked if asked in settings.CURRENCIES else settings.DEFAULT_CURRENCY


def currency_choices() -> list[tuple[str, str]]:
    """The offered currencies with their names; none where there is nothing to choose."""
    if len(settings.CURRENCIES) < 2:
        return []
    return [(code, name_of(code, get_language() or "en")) for code in settings.CURRENCIES]


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the choice in a cookie and lead back. Read instead of pressed, it leads to the first page."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("home"))
    currency = request.POST.get("currency", "")
    if currency not in settings.CURRENCIES:
        return errors.bad_request(request)
    response = HttpResponseRedirect(_way_back(request), status=303)
    response.set_cookie(COOKIE, currency, max_age=ONE_YEAR, secure=settings.IS_HTTPS, httponly=True, samesite="Lax")
    return response


def _way_back(request: HttpRequest) -> str:
    """The page that was left, if it is one of ours."""
    path = request.POST.get("next", "")
    is_ours = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_ours and path.isprintable() and len(path) <= MAX_PATH else reverse("home")
