"""The address that providers post their events to."""

from __future__ import annotations

from typing import Final

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import inbox
from payments.providers.base import NotAuthentic
from payments.providers.registry import UnknownProvider
from unlockshop.kernel.errors import ShopError

MAX_BODY_BYTES: Final = 256 * 1024


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """200 only after the event is committed; 400 not authentic, 404 unknown provider, 413 too large, 503 try again."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        return HttpResponse("bad length", status=400)
    if length > MAX_BODY_BYTES:
        return HttpResponse("too large", status=413)
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        return HttpResponse("too large", status=413)
    try:
        inbox.receive(provider, body, request.headers)
    except UnknownProvider:
        return HttpResponse("unknown provider", status=404)
    except NotAuthentic:
        return HttpResponse("not authentic", status=400)
    except (DatabaseError, ShopError):
        return HttpResponse("try again", status=503)
    return HttpResponse("stored")
