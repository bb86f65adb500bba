"""Celery tasks for videos: doorbells that carry an id, and the sweeps that ring them again."""

from __future__ import annotations

from celery import shared_task

from refunds.models import ClaimVideo
from refunds.videos import keeping, receiving, triaging
from unlockshop.kernel import work


@shared_task(name="refunds.look_at_video")
def look_at_video(video_id: int) -> None:
    """Look at one video by machine; on the queue ``media``."""
    triaging.look(video_id)


@shared_task(name="refunds.sweep_videos")
def sweep_videos() -> None:
    """Ring for videos that wait to be looked at, and end uploads that stand still; beat runs it every few seconds."""
    work.ring_again(look_at_video, work.due(ClaimVideo))
    receiving.sweep()


@shared_task(name="refunds.keep_videos")
def keep_videos() -> None:
    """Delete videos whose time is over; beat runs it every hour."""
    keeping.sweep()
