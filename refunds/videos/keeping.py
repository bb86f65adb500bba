"""How long videos are kept: until some weeks after their claim was closed, or until staff delete one, with a trace."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from refunds import claim_moving, sweeping
from refunds.models import ClaimVideo, VideoPicture
from refunds.states import KEPT_VIDEOS, OPEN_CLAIMS, WHOLE_VIDEOS, ClaimEventKind, VideoStage
from refunds.videos import store
from unlockshop.kernel import clock, work
from unlockshop.kernel.actors import SYSTEM, Actor, ActorKind
from unlockshop.kernel.errors import Refused

# Why the shop itself deletes a video.
RETENTION: Final = "retention"


def sweep() -> None:
    """Set the day of deletion where a claim was closed, lift it where one was reopened, delete what is due."""
    kept = ClaimVideo.objects.filter(stage__in=sorted(WHOLE_VIDEOS))
    kept.filter(claim__state__in=sorted(OPEN_CLAIMS)).exclude(keep_until=None).update(keep_until=None)
    closed = kept.exclude(claim__state__in=sorted(OPEN_CLAIMS)).filter(keep_until=None)
    for pk, closed_at in closed.values_list("pk", "claim__state_changed_at")[: work.SWEEP_LIMIT]:
        until = closed_at + timedelta(days=settings.VIDEO_KEEP_DAYS)
        ClaimVideo.objects.filter(pk=pk, keep_until=None).update(keep_until=until)
    due = kept.filter(keep_until__lte=clock.now()).order_by("keep_until")
    ids = list(due.values_list("pk", flat=True)[: work.SWEEP_LIMIT])
    sweeping.each(ids, partial(_delete, actor=SYSTEM, reason=RETENTION))
    # Deletions that were cut short. A file never comes before its row, so none of these is on its way in.
    on_disk = store.keys()
    known = ClaimVideo.objects.filter(stage__in=sorted(KEPT_VIDEOS)).values_list("store_key", flat=True)
    for key in on_disk - set(known):
        store.delete(key)


def delete(video_id: int, *, actor: Actor, reason: str) -> None:
    """Staff delete a video: file and pictures go, the row says who and why. Raises ``Refused``."""
    if actor.kind != ActorKind.STAFF:
        raise Refused(_("Only staff delete videos."), code="staff_only")
    if not _delete(video_id, actor=actor, reason=reason):
        raise Refused(_("There is no such video any more."), code="gone")


def _delete(video_id: int, *, actor: Actor, reason: str) -> bool:
    with transaction.atomic():
        video = ClaimVideo.objects.get(pk=video_id)
        claim = claim_moving.lock(video.claim_id)
        deleted = ClaimVideo.objects.filter(pk=video_id, stage__in=sorted(WHOLE_VIDEOS))
        if reason == RETENTION:
            deleted = deleted.filter(keep_until__lte=clock.now()).exclude(claim__state__in=sorted(OPEN_CLAIMS))
        count = deleted.update(
            stage=VideoStage.DELETED,
            work_state=work.WorkState.DONE,
            next_action_at=None,
            deleted_at=clock.now(),
            deleted_by=actor.label[:254],
            deletion_reason=reason[:500],
        )
        if not count:
            return False
        VideoPicture.objects.filter(video=video_id).delete()
        data = {"video_deleted": video_id, "reason": reason}
        claim_moving.note(claim, ClaimEventKind.NOTE, actor=actor, data=data)
    # After the commit: a file without a row is removed by the next look, a row without its file would lie.
    store.delete(video.store_key)
    return True
