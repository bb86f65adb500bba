"""What a person saw in a video decides whether a claim can be approved on it; what the machine saw never does."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from payments.models import Refund
from refunds import deciding, establishing, reviewing
from refunds.models import ClaimVideo, VideoReview
from refunds.states import ClaimState, ClaimType, FactName, FactStanding, Finding, VideoStage
from refunds.videos import keeping
from tests.helpers.videos import send
from tests.refunds.claims import KIM, SAM, claimed, fresh, paid_order
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]
S = ClaimState
PROFILES = ["default", "doctorsim", "imei_org", "imei_server"]


@pytest.fixture
def evidence(settings, tmp_path):
    settings.EVIDENCE_ROOT = str(tmp_path / "evidence")


def filmed(profile: str = "default", kind: ClaimType = ClaimType.NOT_WORKING):
    """A claim with a video."""
    claim = claimed(paid_order(profile=f"{profile} 2026-11"), kind)
    return fresh(claim), send(claim)


def look(video: ClaimVideo, **changes) -> VideoReview:
    claim = video.claim
    values = {
        "shown": reviewing.points(claim), "imei_seen": claim.order.identifier, "finding": Finding.FAILURE_CONFIRMED,
        "reason": "It says code error.", "actor": SAM, **changes,
    }  # fmt: skip
    return reviewing.record(video.pk, **values)


def refusal(claim) -> str:
    with pytest.raises(Refused) as refused:
        deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)
    assert (fresh(claim).state, Refund.objects.count()) == (S.WAITING_STAFF, 0)
    return refused.value.code


@pytest.mark.parametrize("profile", PROFILES)
def test_a_complete_review_with_the_orders_imei_lets_it_be_approved_by_the_rules(profile):
    claim, video = filmed(profile)
    assert refusal(claim) == "video_unreviewed"

    review = look(video)
    deciding.approve(claim.pk, amount=None, reason="The video shows it.", actor=SAM)

    assert (review.holds, review.missing) == (True, "")
    assert (fresh(claim).state, fresh(claim).is_overrule) == (S.APPROVED, False)
    if profile == "default":
        assert fresh(claim).code == "G_CODE_INCORRECT"


@pytest.mark.parametrize("profile", PROFILES)
def test_every_point_that_the_terms_ask_for_is_needed(profile):
    claim, video = filmed(profile)
    asked = reviewing.points(claim)
    assert {"imei", "device_always", "screen_text", "continuous"} <= set(asked)

    for missing in asked:
        review = look(video, shown=[point for point in asked if point != missing])
        assert (review.holds, review.missing) == (False, missing)
        assert refusal(claim) == "video_incomplete"


def test_another_imei_blocks_the_approval_and_names_both():
    claim, video = filmed()
    review = look(video, imei_seen="49 015420 323751 8")
    assert (review.imei_seen, review.holds) == ("490154203237518", False)

    with pytest.raises(Refused) as refused:
        deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)

    assert refused.value.code == "imei_mismatch"
    assert "490154203237518" in str(refused.value)
    assert claim.order.identifier in str(refused.value)
    assert refusal(claim) == "imei_mismatch"


@pytest.mark.parametrize(
    "typed", ["{0}", " {0} ", "IMEI: {0}", "{1}-{2}-{3}-{4}", "{1} {2} {3} {4}", "{1}/{2}/{3}/{4}"]
)
def test_the_imei_is_compared_however_it_is_written(typed):
    claim, video = filmed()
    imei = claim.order.identifier

    assert look(video, imei_seen=typed.format(imei, imei[:2], imei[2:8], imei[8:14], imei[14:])).holds


@pytest.mark.parametrize("typed", ["", " ", "356938", "no idea", "\x00"])
def test_what_is_no_imei_matches_nothing(typed):
    _claim, video = filmed()

    assert not look(video, imei_seen=typed).holds


def test_denying_by_a_fact_stays_possible():
    claim, video = filmed()
    look(video, imei_seen="490154203237518")
    establishing.record(
        claim.order, FactName.WRONG_IDENTIFIER, FactStanding.ESTABLISHED, evidence="the video", actor=SAM
    )

    deciding.deny(claim.pk, reason="Another phone.", actor=SAM)

    assert fresh(claim).state == S.DENIED


def test_the_suppliers_word_needs_no_video():
    claim, video = filmed()
    look(video, imei_seen="")
    establishing.record(claim.order, FactName.CODE_WRONG, FactStanding.ESTABLISHED, evidence="its mail", actor=SAM)

    deciding.approve(claim.pk, amount=None, reason="The supplier admits it.", actor=SAM)

    assert fresh(claim).code == "G_CODE_INCORRECT"


def test_a_claim_without_a_video_and_one_about_something_else_need_no_review():
    without = claimed(paid_order())
    deciding.approve(without.pk, amount=None, reason="a good customer", actor=SAM)
    other, _video = filmed(kind=ClaimType.OTHER)
    deciding.approve(other.pk, amount=None, reason="fair", actor=SAM)

    assert (fresh(without).state, fresh(other).state) == (S.APPROVED, S.APPROVED)


def test_a_deleted_video_still_asks_for_its_review():
    claim, video = filmed()
    keeping.delete(video.pk, actor=SAM, reason="shows a child")

    assert refusal(claim) == "video_unreviewed"


def test_a_better_video_is_enough_and_the_newest_look_at_a_video_counts():
    claim, bad = filmed()
    look(bad, imei_seen="")
    good = send(claim)
    look(good)
    assert reviewing.best(claim).video == good
    look(good, shown=[])

    assert refusal(claim) == "video_incomplete"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"actor": SYSTEM}, "staff_only"), ({"reason": " "}, "reason_required"), ({"finding": "x"}, "finding")],
)
def test_who_reviews_says_what_and_why(changes, code):
    _claim, video = filmed()

    with pytest.raises(Refused) as refused:
        look(video, **changes)

    assert (refused.value.code, VideoReview.objects.count()) == (code, 0)


def test_a_decided_claim_and_a_deleted_video_are_reviewed_no_more():
    claim, video = filmed()
    look(video)
    deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)
    with pytest.raises(Refused) as decided:
        look(video, actor=KIM)
    other, gone = filmed()
    keeping.delete(gone.pk, actor=SAM, reason="shows a child")
    with pytest.raises(Refused) as deleted:
        look(gone)

    assert (decided.value.code, deleted.value.code, fresh(other).state) == ("decided", "gone", S.WAITING_STAFF)


@pytest.mark.parametrize("columns", [{"imei_seen": "490154203237518"}, {"missing": "imei"}, {"imei_seen": ""}])
def test_the_database_lets_no_other_review_hold(columns):
    claim, video = filmed()
    imei = claim.order.identifier
    values = {
        "imei_seen": imei,
        "imei_wanted": imei,
        "finding": "pending",
        "reason": "r",
        "by_label": "sam",
        **columns,
    }

    with pytest.raises(IntegrityError), transaction.atomic():
        VideoReview.objects.create(video=video, holds=True, **values)
    assert VideoReview.objects.create(video=video, holds=False, **values).pk


def test_a_review_is_never_changed():
    _claim, video = filmed()
    review = look(video, shown=[])

    with pytest.raises(DatabaseError), transaction.atomic():
        VideoReview.objects.filter(pk=review.pk).update(reason="other")


def test_what_the_machine_noticed_is_advice_and_moves_nothing():
    claim, video = filmed()
    report = {"findings": [{"code": "cut", "begins": 6, "ends": 6}], "width": 1280, "height": 720, "seconds": 40.0,
              "reading": "done", "imeis": {"490154203237518": [1.0]}}  # fmt: skip
    ClaimVideo.objects.filter(pk=video.pk).update(report=report, stage=VideoStage.LOOKED_AT)
    video = ClaimVideo.objects.get(pk=video.pk)

    said = reviewing.advice(video)

    assert said.answer.code == "H_EVIDENCE_INSUFFICIENT"
    assert {"continuous", "imei_matches"} <= set(said.answer.reasons[0].details)
    assert (fresh(claim).state, fresh(claim).engine_code) == (S.WAITING_STAFF, claim.engine_code)
    assert look(video).holds
    deciding.approve(claim.pk, amount=None, reason="One piece: the light went on.", actor=SAM)


def test_a_video_nobody_has_seen_is_for_staff_when_the_supplier_answers():
    claim, _video = filmed()

    deciding.record_supplier_answer(claim.pk, answer="rejected", reason="it insists", actor=SAM)

    assert (fresh(claim).state, fresh(claim).engine_code) == (S.WAITING_STAFF, "H_VIDEO_REVIEW")
