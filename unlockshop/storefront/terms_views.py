"""The terms as published, today's and earlier ones."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from refunds import terms as published


@require_safe
def terms(request: HttpRequest, version: str = "") -> HttpResponse:
    """One version of the terms; without ``version`` the one in force."""
    shown = published.by_version(version) if version else published.current()
    if shown is None:
        raise Http404
    context = {"terms": shown, "is_current": shown == published.current(), "versions": published.all_versions()}
    return render(request, "storefront/terms.html", context)
