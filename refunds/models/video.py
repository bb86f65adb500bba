"""A customer's video for a claim: what arrived, what the machine saw in it, how long it is kept."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from refunds.states import WHOLE_VIDEOS, VideoStage
from unlockshop.kernel import clock, codes
from unlockshop.kernel.work import WorkItem


def new_store_key() -> str:
    """A name for a file that nobody can guess and that says nothing: 128 random bits."""
    return secrets.token_hex(16)


class ClaimVideo(WorkItem):
    """One video of one claim. Its row stays when the file is deleted: that it was there, and who deleted it.

    ``token`` is the customer's handle while sending, ``store_key`` the file's name in the private store; the name the
    file had is never kept. ``arrived`` counts bytes. As a work item it is due once it is received and not looked at.
    ``report`` is the triage's, which sorts and advises only; ``trouble`` says why there is none.
    """

    claim = models.ForeignKey("refunds.Claim", on_delete=models.PROTECT, related_name="videos")
    stage = models.CharField(max_length=12, choices=VideoStage.choices, default=VideoStage.RECEIVING)
    token = models.CharField(max_length=64, unique=True, default=codes.new_secret, editable=False)
    store_key = models.CharField(max_length=32, unique=True, default=new_store_key, editable=False)
    kind = models.CharField(max_length=8, blank=True, default="", help_text=_("By its content, never by its name."))
    size = models.PositiveBigIntegerField(help_text=_("Bytes, as announced."))
    arrived = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    by_ip = models.GenericIPAddressField(null=True, blank=True)
    begun_at = models.DateTimeField(default=clock.now)
    changed_at = models.DateTimeField(default=clock.now, help_text=_("When its last bytes came."))
    received_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    report = models.JSONField(default=dict, blank=True)
    trouble = models.CharField(max_length=40, blank=True, default="")
    keep_until = models.DateTimeField(null=True, blank=True, help_text=_("Set while its claim is closed."))
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.CharField(max_length=254, blank=True, default="")
    deletion_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(
                fields=["next_action_at"],
                name="refunds_claimvideo_due",
                condition=Q(next_action_at__isnull=False),
            ),
            models.Index(fields=["stage", "changed_at"], name="refunds_claimvideo_stage"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(stage__in=VideoStage.values), name="refunds_claimvideo_stage_known"),
            models.CheckConstraint(condition=Q(size__gt=0), name="refunds_claimvideo_has_size"),
            models.CheckConstraint(condition=Q(arrived__lte=F("size")), name="refunds_claimvideo_not_more_than_size"),
            models.CheckConstraint(
                condition=~Q(stage__in=sorted(WHOLE_VIDEOS))
                | Q(arrived=F("size"), received_at__isnull=False) & ~Q(sha256="") & ~Q(kind=""),
                name="refunds_claimvideo_received_whole",
            ),
            models.CheckConstraint(
                condition=Q(stage__in=sorted(WHOLE_VIDEOS)) | Q(next_action_at__isnull=True),
                name="refunds_claimvideo_only_whole_is_due",
            ),
            models.CheckConstraint(
                condition=Q(stage=VideoStage.DELETED, deleted_at__isnull=False) & ~Q(deleted_by="")
                | ~Q(stage=VideoStage.DELETED) & Q(deleted_at__isnull=True),
                name="refunds_claimvideo_deletion_has_author",
            ),
        ]

    def __str__(self) -> str:
        return f"video {self.pk} (claim {self.claim_id})"

    @property
    def is_whole(self) -> bool:
        """Whether there is something to watch."""
        return self.stage in WHOLE_VIDEOS


class VideoStore(models.Model):
    """The store of videos as one row, locked by whoever begins an upload, so that no room is promised twice."""

    def __str__(self) -> str:
        return "the store of videos"


class VideoPicture(models.Model):
    """A small picture for the filmstrip: ``at`` seconds from the beginning, as JPEG. Goes with its video's file."""

    video = models.ForeignKey(ClaimVideo, on_delete=models.CASCADE, related_name="pictures")
    position = models.PositiveSmallIntegerField()
    at = models.FloatField()
    jpeg = models.BinaryField()

    class Meta:
        ordering = ["video_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["video", "position"], name="refunds_videopicture_position_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.video_id} at {self.at:.1f} s"
