"""The one address that hands out a video: to the person its signed link was made for, for some minutes."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from refunds.models import ClaimVideo
from refunds.states import WHOLE_VIDEOS
from refunds.triage.kinds import CONTENT_TYPES
from refunds.videos import showing, store

PIECE: Final = 256 * 1024
MAY_WATCH: Final = "refunds.view_claimvideo"
# Whatever the file is besides a video, it runs nothing, loads nothing and belongs to no origin.
SANDBOX: Final = "default-src 'none'; sandbox"


@require_safe
def video(request: HttpRequest, token: str) -> HttpResponseBase:
    """The file, as a download that players can also play; with ``Range`` a part of it.

    403 for a link that is altered, old, or somebody else's; 404 for a video that is gone.
    """
    opened = showing.opened(token)
    if opened is None:
        raise PermissionDenied
    video_id, user_id = opened
    _check_person(request, user_id)
    found = ClaimVideo.objects.filter(pk=video_id, stage__in=sorted(WHOLE_VIDEOS)).first()
    path = store.path_of(found.store_key) if found else None
    if found is None or path is None or not path.is_file():
        raise Http404
    return _answer(request, found, path)


def _check_person(request: HttpRequest, user_id: int) -> None:
    """On the shop's own host the session must be theirs; the host for files knows no sessions, and nothing else."""
    person = get_user_model().objects.filter(pk=user_id, is_active=True, is_staff=True).first()
    if person is None or not person.has_perm(MAY_WATCH):
        raise PermissionDenied
    if settings.EVIDENCE_URL:
        if request.get_host() != urlsplit(settings.EVIDENCE_URL).netloc:
            raise PermissionDenied
    elif request.user.pk != user_id:
        raise PermissionDenied


def _answer(request: HttpRequest, found: ClaimVideo, path: Path) -> HttpResponseBase:
    size = path.stat().st_size
    response: HttpResponseBase
    try:
        part = showing.asked_range(request.headers.get("Range", ""), size)
    except ValueError:
        response = HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        response["Content-Range"] = f"bytes */{size}"
        return response
    first, last = part or (0, size - 1)
    response = StreamingHttpResponse(
        _read(path, first, last - first + 1), status=HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK
    )
    if part:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Content-Length"] = str(last - first + 1)
    response["Accept-Ranges"] = "bytes"
    response["Content-Type"] = CONTENT_TYPES[found.kind]
    response["Content-Disposition"] = f'attachment; filename="claim-video-{found.pk}.{found.kind}"'
    response["Content-Security-Policy"] = SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-site"
    response["Referrer-Policy"] = "no-referrer"
    add_never_cache_headers(response)
    return response


def _read(path: Path, offset: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as source:
        source.seek(offset)
        while length > 0 and (piece := source.read(min(PIECE, length))):
            length -= len(piece)
            yield piece
