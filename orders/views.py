"""The addresses that the mail provider posts to: its events, and mails that came in."""

from __future__ import annotations

import sys
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
    """200 only after the mail is committed; 404 not the secret address, 400 unreadable, 415, 503 try again.

    413 for a post that is larger than any mail which the provider takes: it drops the mail then and tells nobody, so
    staff get a task that says so.
    """
    known = [constant_time_compare(secret, each) for each in settings.SENDGRID_INBOUND_SECRETS if each]
    if not any(known):
        raise Http404
    if request.content_type != "multipart/form-data":
        return HttpResponse("multipart only", status=415)
    told = request.META.get("CONTENT_LENGTH") or "0"
    length = int(told) if told.isascii() and told.isdecimal() else 0
    try:
        if length > settings.MAX_INBOUND_MAIL_BYTES:
            inbound.note_too_large(length)
            return HttpResponse("too large: not read, and noted for staff", status=413)
        inbound.receive(sendgrid_inbound.read(request))
    except (MultiPartParserError, SuspiciousOperation):
        return HttpResponse("cannot be read", status=400)
    except DatabaseTrouble:
        return HttpResponse("try again", status=503)
    return HttpResponse("stored")


# The view weighs the post itself, so that one which is too large is told of.
sendgrid_inbound_mail.max_body_bytes = lambda: sys.maxsize  # type: ignore[attr-defined]
