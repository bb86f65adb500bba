"""Room for videos: how many and how much an order may send, and that all uploads together fit on the disk.

An upload that has begun keeps room for the bytes that are still to come, by its own row, until it is whole or given
up. Whoever begins another waits for the one row that stands for the store, so that two never get the same room.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from refunds.models import Claim, ClaimVideo, VideoStore
from refunds.states import KEPT_VIDEOS, VideoStage
from refunds.videos import store
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused

THE_STORE = 1


def lock() -> None:
    """Let nobody else begin an upload until the transaction ends. Taken after the claim's lock."""
    VideoStore.objects.get_or_create(pk=THE_STORE)
    VideoStore.objects.select_for_update().get(pk=THE_STORE)


def check_order(claim: Claim, size: int) -> None:
    """Raise ``Refused``: ``too_many``, ``too_many_today``, ``too_much``. A new claim begins no new count."""
    of_order = ClaimVideo.objects.filter(claim__order=claim.order_id)
    kept = of_order.filter(stage__in=sorted(KEPT_VIDEOS))
    if kept.filter(claim=claim).count() >= settings.VIDEOS_PER_CLAIM:
        raise Refused(_("This claim has as many videos as it can have. Our staff look at them."), code="too_many")
    if kept.count() >= settings.VIDEOS_PER_ORDER:
        raise Refused(_("This order has as many videos as it can have. Our staff look at them."), code="too_many")
    if of_order.filter(begun_at__gt=clock.now() - timedelta(days=1)).count() >= settings.VIDEOS_PER_DAY:
        raise Refused(_("That was the last video for today. Try again tomorrow."), code="too_many_today")
    if (kept.aggregate(total=Sum("size"))["total"] or 0) + size > settings.VIDEO_BYTES_PER_ORDER:
        raise Refused(
            _("The videos of this order are too large together. Film a shorter one, or write to us."), code="too_much"
        )


def check_store(size: int) -> None:
    """Raise ``Refused`` (``disk_full``) where the disk has no room beside what other uploads were promised."""
    if store.free() - promised() <= size:
        raise Refused(_("We cannot take videos at the moment. Try again in some hours."), code="disk_full")


def promised() -> int:
    """Bytes that uploads which have begun are still to send."""
    sending = ClaimVideo.objects.filter(stage=VideoStage.RECEIVING)
    return int(sending.aggregate(left=Sum(F("size") - F("arrived")))["left"] or 0)
