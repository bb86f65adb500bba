"""What a person saw in a claim's video, and whether the claim may be approved on it.

The machine's report only advises. Points and IMEI are a person's; an approval that rests on a video needs one review
in which every point that the terms ask for was seen and the IMEI is the order's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from refunds import claim_moving
from refunds.judging import Ruling, judge, profile_of
from refunds.models import Claim, ClaimVideo, VideoReview
from refunds.policy import facts as policy
from refunds.policy.profile import Profile
from refunds.states import WAITING, WHOLE_VIDEOS, ClaimEventKind, ClaimType, Finding
from refunds.videos import wording
from refunds.videos.triaging import terms_of
from refunds.videos.wording import SHOWS
from services.identifiers import IdentifierInvalid, IdentifierKind, parse_imei
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor, ActorKind
from unlockshop.kernel.errors import Refused


def points(claim: Claim) -> list[str]:
    """What is ticked for a video of the claim: the points of every video, then those of its terms."""
    return wording.points(terms_of(claim))


def normalised(text: str) -> str:
    """A device's number as orders keep it: as typed from a screen, with spaces, slashes, or IMEI written before it."""
    try:
        return parse_imei(text).value
    except IdentifierInvalid:
        return re.sub(r"[^0-9A-Z]", "", text.upper())[:40]


def record(
    video_id: int, *, shown: Collection[str], imei_seen: str, finding: str, reason: str, actor: Actor
) -> VideoReview:
    """Keep what a person saw: ``shown`` are points of ``points``, ``imei_seen`` is as typed.

    Raises ``Refused``: ``staff_only``, ``reason_required``, ``finding``, ``gone``, ``decided``.
    """
    if actor.kind != ActorKind.STAFF:
        raise Refused(_("Only staff review videos."), code="staff_only")
    if not reason.strip():
        raise Refused(_("A reason is required."), code="reason_required")
    if finding not in Finding.values:
        raise Refused(_("Say what the video shows."), code="finding")
    with transaction.atomic():
        claim = claim_moving.lock(ClaimVideo.objects.values_list("claim_id", flat=True).get(pk=video_id))
        video = ClaimVideo.objects.select_for_update(of=("self",)).get(pk=video_id)
        if video.stage not in WHOLE_VIDEOS:
            raise Refused(_("There is no such video any more."), code="gone")
        if claim.state not in WAITING:
            raise Refused(_("The claim is decided; its videos are reviewed no more."), code="decided")
        asked = points(claim)
        missing = [point for point in asked if point not in shown]
        seen, wanted = normalised(imei_seen), normalised(claim.order.identifier)
        review: VideoReview = VideoReview.objects.create(
            video=video,
            asked=asked,
            shown=[point for point in asked if point in shown],
            missing=" ".join(missing),
            imei_seen=seen,
            imei_wanted=wanted,
            finding=finding,
            holds=not missing and seen == wanted,
            reason=reason.strip()[:500],
            by_label=actor.label[:254],
            at=clock.now(),
        )
        data = {
            "video": video.pk, "finding": finding, "missing": review.missing,
            "device": _("the order's") if seen == wanted else _("another one: %(seen)s") % {"seen": seen or "—"},
            "reason": reason,
        }  # fmt: skip
        claim_moving.note(claim, ClaimEventKind.VIDEO_REVIEWED, actor=actor, data=data)
    return review


def current(claim: Claim) -> list[VideoReview]:
    """The newest review of each video of the claim, the newest first. A deleted video's counts on."""
    rows = VideoReview.objects.filter(video__claim=claim).select_related("video").order_by("-pk")
    newest: dict[int, VideoReview] = {}
    for review in rows:
        newest.setdefault(review.video_id, review)
    return list(newest.values())


def best(claim: Claim) -> VideoReview | None:
    """The review that speaks for the claim: one that holds, else the newest."""
    return _best(current(claim))


def _best(found: Sequence[VideoReview]) -> VideoReview | None:
    return next((review for review in found if review.holds), found[0] if found else None)


def judged(claim: Claim) -> Ruling:
    """What the rules say, with what a person saw in the claim's video, or with one that waits to be seen."""
    reviews = current(claim)
    videos = [] if reviews else list(claim.videos.filter(stage__in=sorted(WHOLE_VIDEOS))[:1])
    return judge(claim, video=chosen(reviews, videos, profile_of(claim)))


def rests_on_video(claim: Claim) -> bool:
    """Whether an approval would be founded on a video: one was received, and nothing else grants the claim."""
    has_video = claim.videos.filter(received_at__isnull=False).exists()
    is_about_proof = claim.type == ClaimType.NOT_WORKING or claim.evidence_requested_at is not None
    return has_video and is_about_proof and not judge(claim).answer.decision.is_grant


def check_approvable(claim: Claim) -> None:
    """Raise ``Refused`` where the video that an approval would rest on was not seen to prove it.

    Codes: ``video_unreviewed``, ``imei_mismatch``, ``video_incomplete``. Denying stays possible, and so does approving
    on an established fact or the supplier's word.
    """
    if not rests_on_video(claim):
        return
    review = best(claim)
    if review is None:
        raise Refused(_("Review the video first: tick what it shows and type in its IMEI."), code="video_unreviewed")
    if review.holds:
        return
    if review.imei_seen != review.imei_wanted:
        words = {"seen": review.imei_seen or _("none"), "wanted": review.imei_wanted}
        text = _(
            "The IMEI in the video (%(seen)s) is not that of the order (%(wanted)s), so the claim cannot be approved "
            "on it. Ask for another video, or deny by an established fact."
        )
        raise Refused(text % words, code="imei_mismatch")
    text = _(
        "The video does not show all that it must: %(missing)s Ask for another video, or deny by an established fact."
    )
    raise Refused(text % {"missing": " ".join(sentences(review.missing))}, code="video_incomplete")


def sentences(missing: str) -> list[str]:
    """Points of a review as people read them."""
    return [str(SHOWS[point]) for point in missing.split() if point in SHOWS]


def as_fact(review: VideoReview) -> policy.Video:
    """What a person saw, as the rules take it."""
    return _seen(review, _least(profile_of(review.video.claim)))


def chosen(reviews: Sequence[VideoReview], videos: Sequence[ClaimVideo], agreed: Profile) -> policy.Video | None:
    """What ``judged`` takes of a claim's reviews, the newest of each video first, and of its whole videos."""
    review = _best(reviews)
    if review is not None:
        return _seen(review, _least(agreed))
    return _unseen(videos[0], _least(agreed)) if videos else None


def advised(video: ClaimVideo) -> policy.Video | None:
    """What the machine noticed, as if a person had ticked the rest: for advice only. None without a report."""
    report = video.report
    if "findings" not in report:
        return None
    found = {each["code"] for each in report["findings"]}
    faults = {"continuous": {"cut", "gap"}, "in_focus": {"blurred"}, "good_light": {"dark", "glaring"}}
    shown = set(SHOWS) - {point for point, codes in faults.items() if codes & found}
    order = video.claim.order
    has_read = report.get("reading") == "done" and order.identifier_kind == IdentifierKind.IMEI
    matches = not has_read or order.identifier in report["imeis"]
    if has_read and not report["imeis"]:
        shown.discard("imei")
    least = _least(profile_of(video.claim))
    return _fact(video, shown, least, matches=matches, said=Finding.PENDING)


def advice(video: ClaimVideo) -> Ruling | None:
    """What the rules would say if the video shows no more and no less than the machine noticed. It decides nothing."""
    seen = advised(video)
    return judge(video.claim, video=seen) if seen else None


def _least(agreed: Profile) -> int:
    return agreed.numbers.evidence.min_short_side or 0


def _seen(review: VideoReview, least: int) -> policy.Video:
    matches = review.imei_seen == review.imei_wanted
    return _fact(review.video, set(review.shown), least, matches=matches, said=review.finding)


def _unseen(video: ClaimVideo, least: int) -> policy.Video:
    return _fact(video, set(SHOWS), least, matches=True, said=Finding.PENDING)


def _fact(video: ClaimVideo, shown: set[str], least: int, *, matches: bool, said: str) -> policy.Video:
    report = video.report
    # Without a report the size is what the reviewer could read, which is what the terms want it for.
    width, height = int(report.get("width", least)), int(report.get("height", least))
    ticks = {point: point in shown for point in SHOWS}
    return policy.Video(
        width=width,
        height=height,
        duration_s=Decimal(str(report.get("seconds", 0))),
        imei_matches=matches,
        review=said,  # type: ignore[arg-type]
        **ticks,
    )
