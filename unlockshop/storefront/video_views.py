"""The page where a customer sends videos for a claim and reads what the machine thinks of them."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from refunds.models import Claim
from refunds.triage.running import SHORTEST_SECONDS
from refunds.videos import receiving, store
from refunds.videos.triaging import terms_of
from refunds.videos.wording import must_show
from unlockshop.kernel import actors
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import errors
from unlockshop.storefront.addresses import client_ip
from unlockshop.storefront.private_pages import private_page, small_number
from unlockshop.storefront.ratelimit import HOUR, too_many
from unlockshop.storefront.upload_views import begin, status_of
from unlockshop.storefront.video_form import VideoForm
from unlockshop.storefront.video_presenting import listed

UPLOADS_PER_HOUR = 40
# Beside the file a form has its token and the marks between its parts.
FORM_BYTES = 16 * 1024


def _most_taken() -> int:
    return int(settings.VIDEO_MAX_BYTES) + FORM_BYTES


# The token is checked inside, after what can be refused without reading a long body.
@csrf_exempt
@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def videos(request: HttpRequest, secret: str, claim_id: int) -> HttpResponse:
    """What the video must show, the form for it, and the videos that were sent. POST sends one, or begins to."""
    claim = _claim(secret, claim_id)
    if request.method != "POST":
        return _page(request, claim)
    if too_many(request, "video", UPLOADS_PER_HOUR, HOUR):
        return errors.too_many_requests(request, retry_after=HOUR)
    if "Upload-Length" in request.headers:
        return _begin(request, claim, secret)
    try:
        receiving.check_room(claim, max(receiving.FIRST_PIECE_LEAST, _least_size(request)))
    except Refused as refused:
        return _page(request, claim, form=VideoForm.refused(str(refused)), status=status_of(refused))
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
    return _send(request, claim)


videos.max_body_bytes = _most_taken  # type: ignore[attr-defined]


@private_page
@require_safe
def news(request: HttpRequest, secret: str, claim_id: int) -> HttpResponse:
    """The list of videos, asked for by htmx while the machine looks; ``n`` counts the rounds."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("claim-videos", secret, claim_id)
    claim = _claim(secret, claim_id)
    context = {**listed(claim, small_number(request, "n") + 1), "is_news": True}
    return render(request, "storefront/partials/claim_videos.html", context)


@csrf_protect
def _begin(request: HttpRequest, claim: Claim, secret: str) -> HttpResponse:
    return begin(request, claim, secret)


@csrf_protect
def _send(request: HttpRequest, claim: Claim) -> HttpResponse:
    """The form without a script: the whole file at once."""
    form = VideoForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, claim, form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    file: UploadedFile = form.cleaned_data["video"]
    actor = actors.customer(ip=client_ip(request))
    try:
        receiving.take_whole(claim.pk, pieces=file.chunks(store.PIECE), size=file.size or 0, actor=actor)
    except Refused as refused:
        return _page(request, claim, form=VideoForm.refused(str(refused)), status=status_of(refused))
    return redirect("claim-videos", claim.order.secret, claim.pk)


def _least_size(request: HttpRequest) -> int:
    """What the file has at least, by the length of the whole form."""
    return int(request.META.get("CONTENT_LENGTH") or 0) - FORM_BYTES


def _claim(secret: str, claim_id: int) -> Claim:
    """The claim, if it is one of the order behind the link."""
    return get_object_or_404(Claim.objects.select_related("order"), pk=claim_id, order__secret=secret)


def _page(
    request: HttpRequest, claim: Claim, *, form: VideoForm | None = None, status: int = HTTPStatus.OK
) -> HttpResponse:
    evidence = terms_of(claim)
    context = {
        **listed(claim, 0),
        "form": form or VideoForm(),
        "points": must_show(evidence),
        "short_side": evidence.min_short_side,
        "most_megabytes": settings.VIDEO_MAX_BYTES // 1024**2,
        "most_minutes": settings.VIDEO_MAX_SECONDS // 60,
        "least_seconds": int(SHORTEST_SECONDS),
        "keep_days": settings.VIDEO_KEEP_DAYS,
        "piece": store.PIECE,
        "title": _("Video for order %(number)s") % {"number": claim.order.number},
    }
    return render(request, "storefront/claim_videos.html", context, status=status)
