"""What the triage found, in sentences: for the customer advice, for staff flags. It decides nothing, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from refunds.models import ClaimVideo
from refunds.policy.numbers import EvidenceTerms
from refunds.states import VideoStage
from refunds.triage.report import FINDINGS

Text = str | Promise

# What the customer is told; where something can be done about it, what.
ADVICE: dict[str, Text] = {
    "too_short": gettext_lazy("The video is very short. Please film all steps without a break."),
    "too_long": gettext_lazy("The video is longer than %(longest)s minutes; only that much was looked at."),
    "low_resolution": gettext_lazy(
        "The picture has %(width)s by %(height)s pixels; the shorter side must have more. "
        "Please film again in HD (720p) or better."
    ),
    "dark": gettext_lazy("It is too dark at %(begins)s. Please film again with more light."),
    "glaring": gettext_lazy("It is too bright at %(begins)s: nothing can be read. Please film again without glare."),
    "blurred": gettext_lazy("The picture is out of focus at %(begins)s. Please film again and hold the camera still."),
    "cut": gettext_lazy("The picture changes at once at %(begins)s. A video must be filmed in one piece, uncut."),
    "gap": gettext_lazy("Pictures are missing between %(begins)s and %(ends)s. A video must be in one piece."),
    "frozen": gettext_lazy("The picture stands still from %(begins)s to %(ends)s."),
    "damaged": gettext_lazy("Parts of the file are damaged. If you can, send it again."),
}
FLAGS: dict[str, Text] = {
    "too_short": gettext_lazy("Short"),
    "too_long": gettext_lazy("Long"),
    "low_resolution": gettext_lazy("Small picture"),
    "dark": gettext_lazy("Dark"),
    "glaring": gettext_lazy("Glare"),
    "blurred": gettext_lazy("Out of focus"),
    "cut": gettext_lazy("Perhaps cut"),
    "gap": gettext_lazy("Pictures missing"),
    "frozen": gettext_lazy("Stands still"),
    "damaged": gettext_lazy("Damaged"),
}
# What a video must show, by the points of the terms.
SHOWS: dict[str, Text] = {
    "imei": gettext_lazy("The phone with *#06# dialled and its IMEI readable."),
    "code_entry": gettext_lazy("How the code is typed in, with the keys in sight."),
    "keys_visible": gettext_lazy("The keys or the keyboard, so that every press can be seen."),
    "screen_text": gettext_lazy("What the screen answers, long enough to read it."),
    "device_always": gettext_lazy("The phone in view all the time."),
    "continuous": gettext_lazy("Everything in one piece: uncut, without a break."),
    "in_focus": gettext_lazy("A sharp picture."),
    "good_light": gettext_lazy("Enough light."),
    "follows_instructions": gettext_lazy("Each step of the instructions that came with the result."),
    "restore_activate": gettext_lazy("How the phone is restored and activated as the instructions say."),
}
# What every video must show, whatever else the terms of its order ask for.
ALWAYS = frozenset({"imei", "device_always", "screen_text", "continuous"})
TROUBLES: dict[str, Text] = {
    "unreadable": gettext_lazy("The file cannot be played. Please send it again, or film again."),
    "no_picture": gettext_lazy("The file has no picture. Please film again."),
    "unknown_codec": gettext_lazy("We cannot play this kind of video. Please send it as your phone records it."),
    "too_many_pixels": gettext_lazy("The picture is larger than we can look at. Please film in Full HD (1080p)."),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What the customer reads about one video. ``is_final`` while there is nothing more to wait for."""

    title: str
    tone: str
    is_final: bool
    points: Sequence[str] = field(default_factory=list)
    closing: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """One finding as staff see it beside the player."""

    word: str
    when: str
    begins: float


def must_show(evidence: EvidenceTerms) -> list[str]:
    """The points that a video for these terms must show, as sentences."""
    return [str(SHOWS[point]) for point in points(evidence)]


def points(evidence: EvidenceTerms) -> list[str]:
    """What staff tick: the points of every video, and those that these terms ask for."""
    return [point for point in SHOWS if point in ALWAYS or point in evidence.shows]


def advice(video: ClaimVideo) -> Advice:
    """The state of a video in the customer's words."""
    if video.stage == VideoStage.RECEIVING:
        return Advice(_("Not sent whole yet. Choose the same file again to go on."), "warning", is_final=True)
    if video.stage in {VideoStage.ABANDONED, VideoStage.DELETED}:
        return Advice(_("No longer with us."), "", is_final=True)
    if video.stage == VideoStage.RECEIVED:
        return Advice(_("Received. We look at light, focus and length now; that takes a minute."), "", is_final=False)
    if video.trouble:
        text = TROUBLES.get(video.trouble)
        points = [str(text)] if text else []
        title = _("We could not look at it by machine.")
        return Advice(title, "warning", is_final=True, points=points, closing=_("Our staff look at it in any case."))
    points = _points(video)
    if not points:
        return Advice(
            _("Length, light and focus are fine."), "success", is_final=True, closing=_("Our staff look at it next.")
        )
    closing = _("Our staff look at it in any case. A better video makes a quick answer more likely.")
    return Advice(_("Something in the video can be better:"), "warning", is_final=True, points=points, closing=closing)


def flags(video: ClaimVideo) -> list[Flag]:
    """All findings for staff, in the order of the video."""
    found = sorted(video.report.get("findings", []), key=lambda each: each["begins"])
    told = [
        Flag(str(FLAGS[each["code"]]), _span(each["begins"], each["ends"]), each["begins"])
        for each in found
        if each["code"] in FLAGS
    ]
    if video.report.get("is_whole") is False:
        until = video.report.get("seconds", 0)
        told.append(Flag(_("The machine looked no further"), clock_time(until), until))
    return told


def clock_time(seconds: float) -> str:
    """A place in a video as players show it: 0:14."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _points(video: ClaimVideo) -> list[str]:
    """One sentence for each kind of finding, about its first place."""
    report = video.report
    first: dict[str, dict[str, float]] = {}
    for each in report.get("findings", []):
        first.setdefault(each["code"], each)
    return [
        str(ADVICE[code])
        % {
            "begins": clock_time(first[code]["begins"]),
            "ends": clock_time(first[code]["ends"]),
            "width": report.get("width"),
            "height": report.get("height"),
            "longest": settings.VIDEO_MAX_SECONDS // 60,
        }
        for code in FINDINGS
        if code in first
    ]


def _span(begins: float, ends: float) -> str:
    return clock_time(begins) if int(ends) <= int(begins) else f"{clock_time(begins)} – {clock_time(ends)}"
