"""Has a received video looked at, and keeps the report. What goes wrong there never reaches the claim."""

from __future__ import annotations

import importlib.util
import logging
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from refunds.judging import profile_of
from refunds.models import Claim, ClaimVideo, VideoPicture
from refunds.policy.numbers import EvidenceTerms
from refunds.states import VideoStage
from refunds.triage import running
from refunds.triage.report import Report
from refunds.triage.running import Asked, Failed
from refunds.videos import store
from services.identifiers import IdentifierKind
from unlockshop.kernel import clock, work

logger = logging.getLogger(__name__)

# Longer than the process may live: whoever comes after it finds it dead.
LEASE: Final = timedelta(seconds=300)
# A video that ends the process twice will do so again.
CAP: Final = 2


def look(video_id: int) -> None:
    """Look at one video, if it is due; its report, or why there is none, goes into its row."""
    video = work.claim(ClaimVideo, video_id, lease=LEASE)
    if video is None:
        return
    with work.guarded(video, cap=CAP):
        if video.attempts > CAP:
            # Its worker died with it, more than once.
            _keep(video, None, trouble="crashed")
            return
        try:
            report = running.look(store.path_of(video.store_key), asked_of(video))
        except Failed as error:
            logger.warning("triage of video %s failed: %s", video.pk, error)
            _fail(video, error.code)
        except FileNotFoundError:
            _keep(video, None, trouble="missing")
        else:
            _keep(video, report, trouble=report.facts.get("refused", ""))


def asked_of(video: ClaimVideo) -> Asked:
    """What to look for: the order's IMEI, and the size that the terms of its claim ask for."""
    order = video.claim.order
    return Asked(
        short_side=terms_of(video.claim).min_short_side or 0,
        wanted=order.identifier if order.identifier_kind == IdentifierKind.IMEI else "",
        with_ocr=can_read(),
        video_seconds=settings.VIDEO_MAX_SECONDS,
    )


def terms_of(claim: Claim) -> EvidenceTerms:
    """What the terms of the claim say about videos."""
    return profile_of(claim).numbers.evidence


def can_read() -> bool:
    """Whether the ``ocr`` extra is installed."""
    return importlib.util.find_spec("rapidocr") is not None


def _fail(video: ClaimVideo, code: str) -> None:
    """Once more for what may have been the machine's fault; then staff look without a report."""
    if video.attempts < CAP:
        work.retry_or_give_up(video, code, cap=CAP)
    else:
        _keep(video, None, trouble=code)


def _keep(video: ClaimVideo, report: Report | None, *, trouble: str) -> None:
    """Write the outcome, unless the lease was lost or the video deleted meanwhile."""
    with transaction.atomic():
        locked = ClaimVideo.objects.select_for_update(of=("self",)).get(pk=video.pk)
        if locked.stage != VideoStage.RECEIVED:
            return
        if not work.finish(
            video,
            stage=VideoStage.LOOKED_AT,
            looked_at=clock.now(),
            report=report.facts if report else {},
            trouble=trouble,
        ):
            return
        if report:
            VideoPicture.objects.filter(video=video).delete()
            VideoPicture.objects.bulk_create(
                VideoPicture(video=video, position=place, at=at, jpeg=jpeg)
                for place, (at, jpeg) in enumerate(report.pictures)
            )
