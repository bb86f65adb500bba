"""Sending a video in pieces, as tus 1.0 does it (core, creation, termination), so that it goes on where it broke off.

    POST   .../videos/          Upload-Length            201, Location
    HEAD   .../videos/TOKEN/                             200, Upload-Offset, Upload-Length
    PATCH  .../videos/TOKEN/    Upload-Offset, a piece   204, Upload-Offset; with the last one the video is received
    DELETE .../videos/TOKEN/                             204

A refusal is a sentence in plain text, for the script to show. The CSRF token comes in its header.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from refunds.models import Claim, ClaimVideo
from refunds.states import VideoStage
from refunds.videos import receiving, store
from unlockshop.kernel import actors
from unlockshop.kernel.errors import Refused
from unlockshop.storefront.addresses import client_ip
from unlockshop.storefront.private_pages import private_page

VERSION: Final = "1.0.0"
PIECE_TYPE: Final = "application/offset+octet-stream"
STATUS: Final = {
    "closed": HTTPStatus.FORBIDDEN,
    "empty": HTTPStatus.UNPROCESSABLE_ENTITY,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many": HTTPStatus.CONFLICT,
    "too_many_today": HTTPStatus.TOO_MANY_REQUESTS,
    "disk_full": HTTPStatus.SERVICE_UNAVAILABLE,
    "offset": HTTPStatus.CONFLICT,
    "gone": HTTPStatus.GONE,
    "not_a_video": HTTPStatus.UNPROCESSABLE_ENTITY,
}


def status_of(refused: Refused) -> HTTPStatus:
    """How HTTP says it."""
    return STATUS.get(refused.code, HTTPStatus.CONFLICT)


def begin(request: HttpRequest, claim: Claim, secret: str) -> HttpResponse:
    """Make a place for a video of the announced length."""
    size = whole_number(request.headers.get("Upload-Length", ""))
    if size is None:
        return said(_("The length of the video is missing."), HTTPStatus.BAD_REQUEST)
    try:
        video = receiving.begin(claim.pk, size=size, actor=actors.customer(ip=client_ip(request)))
    except Refused as refused:
        return said(str(refused), status_of(refused))
    response = _with_offset(HttpResponse(status=HTTPStatus.CREATED), video)
    response["Location"] = reverse("claim-video", args=[secret, claim.pk, video.token])
    return response


@private_page
@require_http_methods(["HEAD", "PATCH", "DELETE"])
def upload(request: HttpRequest, secret: str, claim_id: int, token: str) -> HttpResponse:
    """One upload: how far it is, its next piece, or its end."""
    video = get_object_or_404(ClaimVideo, token=token, claim=claim_id, claim__order__secret=secret)
    if request.method == "HEAD":
        if video.stage not in {VideoStage.RECEIVING, VideoStage.RECEIVED, VideoStage.LOOKED_AT}:
            return said("", HTTPStatus.GONE)
        return _with_offset(HttpResponse(), video)
    if request.method == "DELETE":
        receiving.give_up(video.pk)
        return _with_offset(HttpResponse(status=HTTPStatus.NO_CONTENT), video)
    try:
        return _take(request, video)
    except Refused as refused:
        return said(str(refused), status_of(refused))


def _take(request: HttpRequest, video: ClaimVideo) -> HttpResponse:
    offset = whole_number(request.headers.get("Upload-Offset", ""))
    length = whole_number(request.headers.get("Content-Length", ""))
    if request.content_type != PIECE_TYPE or offset is None or length is None:
        return said(_("This is not a part of a video."), HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    if length > store.PIECE:
        return said(_("This part is too large."), HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    piece = request.read(length)
    if len(piece) != length:
        # The connection broke: what has come is kept, the rest is asked for again.
        length = len(piece)
    if piece:
        video = receiving.take(video.pk, offset=offset, piece=piece)
    if video.arrived == video.size:
        video = receiving.finish(video.pk, actor=actors.customer(ip=client_ip(request)))
    return _with_offset(HttpResponse(status=HTTPStatus.NO_CONTENT), video)


def _with_offset(response: HttpResponse, video: ClaimVideo) -> HttpResponse:
    response["Tus-Resumable"] = VERSION
    response["Upload-Offset"] = str(video.arrived)
    response["Upload-Length"] = str(video.size)
    return response


def said(text: str, status: HTTPStatus) -> HttpResponse:
    """A refusal in one sentence."""
    response = HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    response["Tus-Resumable"] = VERSION
    return response


def whole_number(text: str) -> int | None:
    """A count of bytes in a header; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
