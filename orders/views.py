"""The addresses that the mail provider posts to: its events, and mails that came in."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import Error as DatabaseTrouble
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from orders import inbound, mail_events, sendgrid_inbound
from orders.sendgrid_events import NotAuthentic
from unlockshop.kernel.request_body import BodyRefused, read_body

# SendGrid gathers at most 768 KB.
MAX_BODY_BYTES: Final = 1024 * 1024


@csrf_exempt
@require_POST
def sendgrid_events(request: HttpRequest) -> HttpResponse:
    """200 only after the events are committed; 400 not authentic, 413 too large, 415 no JSON, 503 try again."""
    if request.content_type != "application/json":
        return HttpResponse("JSON only", status=415)
    try:
        body = read_body(request, most=MAX_BODY_BYTES)
    except BodyRefused as refused:
        return HttpResponse(str(refused), status=refused.status)
    try:
        mail_events.receive(body, request.headers)
    except NotAuthentic:
        return HttpResponse("not authentic", status=400)
    except DatabaseTrouble:
        return HttpResponse("try again", status=503)
    return HttpResponse("stored")


@csrf_exempt
@require_POST
def sendgrid_inbound_mail(request: HttpRequest, secret: str) -> HttpResponse:
    """200 only after the mail is committed; 404 not the secret address, 400 unreadable, 415, 503 try again."""
    known = [constant_time_compare(secret, each) for each in settings.SENDGRID_INBOUND_SECRETS if each]
    if not any(known):
        raise Http404
    if request.content_type != "multipart/form-data":
        return HttpResponse("multipart only", status=415)
    try:
        inbound.receive(sendgrid_inbound.read(request))
    except (MultiPartParserError, SuspiciousOperation):
        return HttpResponse("cannot be read", status=400)
    except DatabaseTrouble:
        return HttpResponse("try again", status=503)
    return HttpResponse("stored")


def _most_mailed() -> int:
    """Bytes that a mail may have, attachments and all."""
    most: int = settings.MAX_INBOUND_MAIL_BYTES
    return most


sendgrid_inbound_mail.max_body_bytes = _most_mailed  # type: ignore[attr-defined]
