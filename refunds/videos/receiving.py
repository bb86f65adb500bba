"""Taking in a video, piece by piece, so that an upload goes on where it broke off.

Sizes are bytes. Every piece is bounded and written under the video's lock together with the count of what has
arrived; what a stopped process wrote beyond the count is overwritten. The first piece says what the file is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from refunds import claim_moving, deciding, sweeping
from refunds.models import Claim, ClaimVideo
from refunds.states import OPEN_CLAIMS, TAKES_VIDEO, ClaimState, ClaimType, VideoStage
from refunds.triage.kinds import kind_of
from refunds.videos import room, store
from unlockshop.kernel import clock, work
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.work import WorkState

# Kinds are told by the first piece, which therefore has as much as that needs.
FIRST_PIECE_LEAST: Final = 64
# An upload that stands still so long is given up.
GIVEN_UP_AFTER: Final = timedelta(hours=24)
# Room is kept for an upload from its beginning: not long for one that sends nothing, nor for ever for a slow one.
NOTHING_CAME_AFTER: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(hours=48)
# By then whoever wrote the last piece has also finished, or died before it could.
LOST_AFTER: Final = timedelta(minutes=2)


def check_open(claim: Claim) -> None:
    """Raise ``Refused`` (``closed``) where the claim takes no video."""
    others = Claim.objects.filter(order=claim.order_id, type=claim.type, state__in=sorted(OPEN_CLAIMS))
    is_replaced = claim.state == ClaimState.LAPSED and others.exists()
    if claim.state not in TAKES_VIDEO or is_replaced or claim.type == ClaimType.OUTCOME:
        raise Refused(_("This claim is closed; no video can be added to it."), code="closed")


def check_room(claim: Claim, size: int) -> None:
    """Raise ``Refused`` where a video of ``size`` cannot be taken.

    Codes: ``closed``, ``empty``, ``too_large``, ``too_many``, ``too_many_today``, ``too_much``, ``disk_full``.
    """
    check_open(claim)
    if size < FIRST_PIECE_LEAST:
        raise Refused(_("The file is empty. Choose another one."), code="empty")
    if size > settings.VIDEO_MAX_BYTES:
        most = settings.VIDEO_MAX_BYTES // 1024**2
        raise Refused(
            _("The video is larger than %(most)d MB. Film a shorter one.") % {"most": most}, code="too_large"
        )
    room.check_order(claim, size)
    room.check_store(size)


def begin(claim_id: int, *, size: int, actor: Actor) -> ClaimVideo:
    """A place for a video of ``size`` bytes, which nobody else gets until it ends. Raises as ``check_room`` does."""
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        room.lock()
        check_room(claim, size)
        video: ClaimVideo = ClaimVideo.objects.create(
            claim=claim, size=size, by_ip=actor.ip, next_action_at=None, work_state=WorkState.DONE
        )
        return video


def take(video_id: int, *, offset: int, piece: bytes) -> ClaimVideo:
    """Add a piece that begins at ``offset``. The last one makes the video received.

    Raises ``Refused``: ``gone`` (not being sent any more), ``closed``, ``offset`` (another piece is due),
    ``too_large`` (more than was announced), or ``not_a_video``, which ends the upload and removes what was there.
    """
    with transaction.atomic():
        video = _lock(video_id)
        if offset != video.arrived:
            raise Refused(_("This is not the next part of the video."), code="offset")
        if offset + len(piece) > video.size:
            raise Refused(_("The file is larger than announced."), code="too_large")
        kind = video.kind or kind_of(piece)
        if not kind:
            _give_up(video)
        else:
            store.write(video.store_key, offset, piece)
            _change(video, kind=kind, arrived=offset + len(piece), changed_at=clock.now())
    if not kind:
        text = _("This file is not a video we can play. Send an MP4, MOV or WebM file as your phone records it.")
        raise Refused(text, code="not_a_video")
    return video


def take_whole(claim_id: int, *, pieces: Iterable[bytes], size: int, actor: Actor) -> ClaimVideo:
    """A video that came in one form: ``pieces`` are its bytes in order. Raises as ``begin`` and ``take`` do."""
    video = begin(claim_id, size=size, actor=actor)
    try:
        for piece in pieces:
            video = take(video.pk, offset=video.arrived, piece=piece)
    except Refused:
        give_up(video.pk)
        raise
    return finish(video.pk, actor=actor)


def finish(video_id: int, *, actor: Actor) -> ClaimVideo:
    """All bytes are there: the claim hears of it, and the machine is rung for. Finished already: nothing happens.

    Raises ``Refused`` (``gone``, ``closed``, or ``offset`` while bytes are missing).
    """
    video: ClaimVideo = ClaimVideo.objects.get(pk=video_id)
    if video.is_whole:
        return video
    if video.stage != VideoStage.RECEIVING:
        raise _gone()
    if video.arrived != video.size:
        raise Refused(_("Parts of the video are missing."), code="offset")
    try:
        digest = store.sha256(video.store_key)
    except FileNotFoundError as error:
        give_up(video_id)
        raise _gone() from error
    with transaction.atomic():
        claim = claim_moving.lock(video.claim_id)
        video = ClaimVideo.objects.select_for_update(of=("self",)).get(pk=video_id)
        if video.is_whole:
            return video
        if video.stage != VideoStage.RECEIVING:
            raise _gone()
        check_open(claim)
        _change(
            video,
            stage=VideoStage.RECEIVED,
            sha256=digest,
            received_at=clock.now(),
            work_state=WorkState.QUEUED,
            next_action_at=clock.now(),
        )
        deciding.evidence_received(claim.pk, actor=actor, what=f"video {video.pk}, SHA-256 {digest}")
        work.ring("refunds.look_at_video", video.pk)
        return video


def give_up(video_id: int) -> None:
    """End an upload that will not be whole; its bytes go. One that is received or over stays as it is."""
    with transaction.atomic():
        video = ClaimVideo.objects.select_for_update(of=("self",)).get(pk=video_id)
        if video.stage == VideoStage.RECEIVING:
            _give_up(video)


def sweep() -> None:
    """Finish uploads whose last step was lost; give up those that stand still, last too long or have no claim."""
    sending = ClaimVideo.objects.filter(stage=VideoStage.RECEIVING)
    whole = sending.filter(arrived=F("size"), claim__state__in=sorted(TAKES_VIDEO))
    lost = whole.filter(changed_at__lt=clock.now() - LOST_AFTER).values_list("pk", flat=True)
    sweeping.each(list(lost.order_by("changed_at")[: work.SWEEP_LIMIT]), partial(finish, actor=SYSTEM))
    now = clock.now()
    stale = sending.filter(
        Q(changed_at__lt=now - GIVEN_UP_AFTER)
        | Q(begun_at__lt=now - LONGEST)
        | Q(begun_at__lt=now - NOTHING_CAME_AFTER, arrived=0)
    )
    late = sending.exclude(claim__state__in=sorted(TAKES_VIDEO))
    over = (stale | late).values_list("pk", flat=True)
    sweeping.each(list(over.order_by("changed_at")[: work.SWEEP_LIMIT]), give_up)


def _lock(video_id: int) -> ClaimVideo:
    rows = ClaimVideo.objects.select_for_update(of=("self",)).select_related("claim")
    video: ClaimVideo = rows.get(pk=video_id)
    if video.stage != VideoStage.RECEIVING:
        raise _gone()
    check_open(video.claim)
    return video


def _gone() -> Refused:
    return Refused(_("This upload is over. Choose the file again."), code="gone")


def _give_up(video: ClaimVideo) -> None:
    _change(video, stage=VideoStage.ABANDONED, changed_at=clock.now())
    store.delete(video.store_key)


def _change(video: ClaimVideo, **columns: object) -> None:
    ClaimVideo.objects.filter(pk=video.pk).update(**columns)
    for name, value in columns.items():
        setattr(video, name, value)
