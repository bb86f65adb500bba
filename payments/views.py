"""The address that providers post their events to."""

from __future__ import annotations

from typing import Final

from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import inbox
from payments.providers.base import NotAuthentic
from payments.providers.registry import UnknownProvider
from unlockshop.kernel.errors import ShopError
from unlockshop.kernel.request_body import BodyRefused, read_body

MAX_BODY_BYTES: Final = 256 * 1024


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """200 only after the event is committed; 400 not authentic, 404 unknown provider, 413 too large, 503 try again."""
    try:
        body = read_body(request, most=MAX_BODY_BYTES)
    except BodyRefused as refused:
        return HttpResponse(str(refused), status=refused.status)
    try:
        inbox.receive(provider, body, request.headers)
    except UnknownProvider:
        return HttpResponse("unknown provider", status=404)
    except NotAuthentic:
        return HttpResponse("not authentic", status=400)
    except (DatabaseTrouble, ShopError):
        return HttpResponse("try again", status=503)
    return HttpResponse("stored")
