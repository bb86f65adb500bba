"""A claim's video for staff: player, what the machine noticed, a filmstrip, and the button that deletes it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from refunds import reviewing
from refunds.models import Claim, ClaimVideo
from refunds.states import WHOLE_VIDEOS, VideoStage
from refunds.triage.kinds import CONTENT_TYPES
from refunds.videos import keeping, showing
from refunds.videos.wording import SHOWS, TROUBLES, clock_time, flags
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import RecordAdmin, StaffAction, StaffActionForm, reason_field
from unlockshop.kernel.staff_parts import Cell, Fact, Facts, Section, breaking, moment, moment_column

STAGE_TONES: Final[dict[str, str]] = {
    VideoStage.RECEIVING: "neutral",
    VideoStage.RECEIVED: "info",
    VideoStage.LOOKED_AT: "success",
    VideoStage.ABANDONED: "neutral",
    VideoStage.DELETED: "warning",
}
READINGS: Final = {
    "off": gettext_lazy("Not read: the reading of digits is not installed."),
    "stopped": gettext_lazy("Not all of the video was read; the time was up."),
    "done": gettext_lazy("No IMEI was found."),
}


class DeleteVideoForm(StaffActionForm):
    """Why a video is deleted before its time."""

    reason = reason_field(gettext_lazy("Reason"), gettext_lazy("Stays in the claim's trail."))


def _delete(video: ClaimVideo, data: Mapping[str, Any], actor: Actor) -> str:
    keeping.delete(video.pk, actor=actor, reason=data["reason"])
    return _("The video is deleted; that it was there, and who deleted it, stays.")


DELETE: Final = StaffAction(
    name="delete-video",
    label=gettext_lazy("Delete the video"),
    explanation=gettext_lazy("Its file and pictures are removed for good, for example because it shows other people."),
    form=DeleteVideoForm,
    applies=lambda video: video.is_whole,
    do=_delete,
    is_danger=True,
)


def section_of(video: ClaimVideo, user_id: int) -> Section:
    """Player, flags and filmstrip of one video, for this page and for that of its claim."""
    report = video.report
    wanted = video.claim.order.identifier
    pictures = [
        (clock_time(picture.at), "data:image/jpeg;base64," + base64.b64encode(picture.jpeg).decode())
        for picture in video.pictures.all()
    ]
    seen = [
        (number, number == wanted, ", ".join(clock_time(at) for at in times))
        for number, times in report.get("imeis", {}).items()
    ]
    data = {
        "url": showing.link(video.pk, user_id) if video.is_whole else "",
        "type": CONTENT_TYPES.get(video.kind, ""),
        "flags": flags(video),
        "is_looked_at": video.stage == VideoStage.LOOKED_AT and not video.trouble,
        "trouble": TROUBLES.get(video.trouble, video.trouble),
        "seen": seen,
        "reading": READINGS.get(report.get("reading", "")),
        "wanted": wanted,
        "points": [str(SHOWS[point]) for point in reviewing.points(video.claim)],
        "advice": _advice(video),
        "pictures": pictures,
    }
    note = _("The machine sorts and advises; whether the video proves anything is for you to say.")
    title = _("Video #%(number)s of %(when)s") % {"number": video.pk, "when": moment(video.begun_at)}
    return Section(title, "admin/parts/claim_video.html", data, note=note)


def sections_of_videos(request: HttpRequest, claim: Claim) -> list[Section]:
    """The videos of a claim that can be watched, the newest first, for whoever may watch them."""
    if not request.user.has_perm("refunds.view_claimvideo") or request.user.pk is None:
        return []
    videos = claim.videos.filter(stage__in=sorted(WHOLE_VIDEOS)).select_related("claim__order")
    return [section_of(video, request.user.pk) for video in videos.prefetch_related("pictures").order_by("-pk")]


def _advice(video: ClaimVideo) -> str:
    """What the rules would say if the machine were right; a person is."""
    said = reviewing.advice(video)
    if said is None:
        return ""
    words = {"decision": said.answer.decision, "code": said.answer.code}
    return (
        _("If it shows no more and no less than the machine noticed, the rules say: %(decision)s (%(code)s).") % words
    )


@admin.register(ClaimVideo)
class ClaimVideoAdmin(RecordAdmin):
    """Videos that customers sent. Nothing here is edited."""

    list_display = (
        "claim",
        "stage_shown",
        "flags_shown",
        "length_shown",
        moment_column("begun_at", gettext_lazy("Sent")),
    )
    list_filter = ("stage", "trouble")
    list_select_related = ("claim__order",)
    ordering = ("-pk",)
    search_fields = ("claim__order__number", "claim__order__identifier", "sha256")
    search_help_text = gettext_lazy("Order number, IMEI, or SHA-256 of the file")
    staff_actions = (DELETE,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ClaimVideo]:
        """With claim and order, without the secret of either."""
        rows: QuerySet[ClaimVideo] = super().get_queryset(request).select_related("claim__order__purchase")
        return rows

    @display(description=gettext_lazy("Stage"), ordering="stage", label=STAGE_TONES)
    def stage_shown(self, video: ClaimVideo) -> tuple[str, str]:
        """The stage as a coloured label."""
        return video.stage, video.get_stage_display()

    @display(description=gettext_lazy("Noticed"))
    def flags_shown(self, video: ClaimVideo) -> str:
        """What the machine noticed, in short."""
        return ", ".join(f"{flag.word} {flag.when}" for flag in flags(video)[:3]) or video.trouble or "—"

    @display(description=gettext_lazy("Length"))
    def length_shown(self, video: ClaimVideo) -> str:
        """Minutes and seconds."""
        return clock_time(video.report["seconds"]) if "seconds" in video.report else "—"

    def version_of(self, video: ClaimVideo) -> str:
        """Its stage: a deleted one is deleted once."""
        return f"{video.pk} {video.stage}"

    def headline(self, video: ClaimVideo) -> Cell:
        """Where it is."""
        return Cell(video.get_stage_display(), tone=STAGE_TONES[video.stage])

    def facts(self, request: HttpRequest, video: ClaimVideo) -> Sequence[Facts]:
        """What it belongs to, what the file is, how long it is kept."""
        order, report = video.claim.order, video.report
        of = [Fact(_("Order"), Cell(order.number)), Fact(_("Claim"), Cell(video.claim.get_type_display()))]
        of += [Fact(_("IMEI or number"), Cell(order.identifier)), Fact(_("Sent"), Cell(moment(video.begun_at)))]
        file = [Fact(_("Size"), Cell(filesizeformat(video.size))), Fact(_("Kind"), Cell(video.kind or "—"))]
        if "width" in report:
            size = f"{report['width']} x {report['height']}, {report['codec']}"
            file += [Fact(_("Picture"), Cell(size)), Fact(_("Length"), Cell(clock_time(report["seconds"])))]
        file.append(Fact("SHA-256", Cell(breaking(video.sha256 or "—"))))
        return [Facts(_("What it is for"), of), Facts(_("File"), file), Facts(_("Kept"), self._kept(video))]

    def sections(self, request: HttpRequest, video: ClaimVideo) -> Sequence[Section]:
        """The video itself, while it is there."""
        if video.stage not in WHOLE_VIDEOS:
            return ()
        assert request.user.pk is not None
        return [section_of(video, request.user.pk)]

    def _kept(self, video: ClaimVideo) -> list[Fact]:
        if video.deleted_at:
            return [
                Fact(_("Deleted"), Cell(moment(video.deleted_at))),
                Fact(_("By"), Cell(video.deleted_by)),
                Fact(_("Reason"), Cell(video.deletion_reason)),
            ]
        until = moment(video.keep_until) if video.keep_until else _("while its claim is open")
        return [Fact(_("Until"), Cell(until))]
