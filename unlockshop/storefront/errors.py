"""Pages for what goes wrong. Each says what happened in plain words and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.html import escape
from django.utils.http import escape_leading_slashes
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from unlockshop.storefront import context


@dataclass(frozen=True, slots=True)
class WayOut:
    """A link that an error page offers."""

    url: str
    label: str


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: a request that no page of ours sends."""
    return problem(
        request,
        status=400,
        title=_("We could not read that request"),
        text=_("Something in the address or the form was not what this page expects. Nothing was changed."),
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: not for this visitor."""
    return problem(
        request,
        status=403,
        title=_("You cannot open this page"),
        text=_("If you followed a link from one of our e-mails, please open it again from the e-mail."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without its security token. Usually cookies are switched off or the page was open very long."""
    return problem(
        request,
        status=403,
        title=_("Please send the form again"),
        text=_(
            "Your browser did not send the security cookie of this form, so we did nothing. "
            "Allow cookies for this shop, go back, reload the page and try once more."
        ),
        way_out=WayOut(_same_site_path(request), _("Back to the form")),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: nothing at this address."""
    return problem(
        request,
        status=404,
        title=_("There is nothing at this address"),
        text=_("The address may be mistyped, or the page has been removed. Check it, or start from our services."),
    )


def conflict(request: HttpRequest, *, title: str, text: str, way_out: WayOut | None = None) -> HttpResponse:
    """409: the page that was sent no longer fits what we hold."""
    return problem(request, status=409, title=title, text=text, way_out=way_out)


def too_large(request: HttpRequest) -> HttpResponse:
    """413: larger than any form of ours."""
    return problem(
        request,
        status=413,
        title=_("That is too large"),
        text=_("What was sent is larger than any form of this shop. Nothing was changed."),
    )


def too_many_requests(request: HttpRequest, *, retry_after: int, way_out: WayOut | None = None) -> HttpResponse:
    """429, with the seconds after which it is worth trying again."""
    minutes = -(-retry_after // 60)
    response = problem(
        request,
        status=429,
        title=_("Too many attempts"),
        text=ngettext(
            "Somebody on your network has sent this form very often. Nothing was done this time. "
            "Try again in %(minutes)d minute at the latest.",
            "Somebody on your network has sent this form very often. Nothing was done this time. "
            "Try again in %(minutes)d minutes at the latest.",
            minutes,
        )
        % {"minutes": minutes},
        way_out=way_out,
    )
    response["Retry-After"] = str(retry_after)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault. Rendered without database, session or user; in the worst case without templates."""
    title = _("Something went wrong on our side")
    text = _("It has been recorded. If you were paying, look at your e-mail or the order page before you try again.")
    try:
        page: str = render_to_string("storefront/error.html", {**_page(500, title, text, None), **context.shop()})
    except Exception:
        page = f"<!doctype html><title>{escape(title)}</title><h1>{escape(title)}</h1><p>{escape(text)}</p>"
        page += f"<p>{escape(settings.SUPPORT_EMAIL)}</p>"
    response = HttpResponse(page, status=500)
    add_never_cache_headers(response)
    return response


def problem(
    request: HttpRequest, *, status: int, title: str, text: str, way_out: WayOut | None = None
) -> HttpResponse:
    """A page with one problem on it; ``way_out`` is the best next step, the services by default."""
    page = render_to_string("storefront/error.html", _page(status, title, text, way_out), request=request)
    response = HttpResponse(page, status=status)
    add_never_cache_headers(response)
    return response


def _page(status: int, title: str, text: str, way_out: WayOut | None) -> dict[str, Any]:
    way_out = way_out or WayOut(reverse("catalogue"), _("See our services"))
    return {"status": status, "title": title, "text": text, "way_out": way_out}


def _same_site_path(request: HttpRequest) -> str:
    """The page's own address, never another host's; every form of ours posts to the address that shows it."""
    return escape_leading_slashes(request.get_full_path())
