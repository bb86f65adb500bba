"""Videos go some weeks after their claim was closed, or when staff delete them; a trace stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from refunds import claim_moving
from refunds.models import ClaimVideo, VideoPicture
from refunds.states import ClaimEventKind, ClaimState, VideoStage
from refunds.videos import keeping, receiving, store
from tests.factories import CUSTOMER
from tests.helpers.videos import make_claim, send
from unlockshop.kernel import actors, clock
from unlockshop.kernel.errors import Refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("evidence")]
SAM = actors.staff(1, "sam@example.com", "192.0.2.9")


@pytest.fixture
def evidence(settings, tmp_path):
    settings.EVIDENCE_ROOT = str(tmp_path / "evidence")


def close(claim, state=ClaimState.WITHDRAWN):
    with transaction.atomic():
        claim_moving.move(claim_moving.lock(claim.pk), state, ClaimEventKind.WITHDRAWN, actor=CUSTOMER)


def at(moment):
    with clock.frozen(moment):
        keeping.sweep()


def test_deleted_thirty_days_after_the_claim_was_closed(monday):
    claim = make_claim()
    video = send(claim)
    VideoPicture.objects.create(video=video, position=0, at=0, jpeg=b"\xff\xd8\xff")
    close(claim)
    at(monday)
    video.refresh_from_db()
    assert video.keep_until == monday + timedelta(days=30)

    at(monday + timedelta(days=30) - timedelta(seconds=1))
    assert len(store.keys()) == 1
    at(monday + timedelta(days=30))

    video.refresh_from_db()
    assert (video.stage, video.deleted_by, video.deletion_reason) == (VideoStage.DELETED, "shop", "retention")
    assert store.keys() == set()
    assert not VideoPicture.objects.exists()
    assert (video.sha256 != "", video.size > 0) == (True, True)
    assert claim.events.last().data == {"video_deleted": str(video.pk), "reason": "retention"}


def test_an_open_claim_keeps_its_video(monday):
    video = send(make_claim())

    at(monday + timedelta(days=400))

    video.refresh_from_db()
    assert (video.stage, video.keep_until) == (VideoStage.RECEIVED, None)


def test_a_claim_that_is_taken_up_again_keeps_it_again(monday):
    claim = make_claim()
    video = send(claim)
    close(claim, ClaimState.LAPSED)
    at(monday)
    with transaction.atomic():
        claim_moving.move(
            claim_moving.lock(claim.pk), ClaimState.WAITING_STAFF, ClaimEventKind.REOPENED, actor=SAM,
            due_at=clock.now(),
        )  # fmt: skip

    at(monday + timedelta(days=31))

    video.refresh_from_db()
    assert (video.stage, video.keep_until) == (VideoStage.RECEIVED, None)


def test_staff_delete_one_and_leave_a_trace():
    claim = make_claim()
    video = send(claim)

    keeping.delete(video.pk, actor=SAM, reason="shows a child")

    video.refresh_from_db()
    assert (video.stage, video.deleted_by, video.deletion_reason) == ("deleted", "sam@example.com", "shows a child")
    event = claim.events.last()
    assert (event.actor_label, event.ip, event.data["reason"]) == ("sam@example.com", "192.0.2.9", "shows a child")
    assert store.keys() == set()
    with pytest.raises(Refused, match="no such video"):
        keeping.delete(video.pk, actor=SAM, reason="again")


def test_nobody_else_does():
    video = send(make_claim())

    with pytest.raises(Refused, match="Only staff"):
        keeping.delete(video.pk, actor=CUSTOMER, reason="mine")

    assert len(store.keys()) == 1


def test_a_file_that_no_row_knows_is_removed_and_the_others_are_not():
    video = send(make_claim())
    half = receiving.begin(make_claim().pk, size=5000, actor=CUSTOMER)
    receiving.take(half.pk, offset=0, piece=store.path_of(video.store_key).read_bytes())
    store.write("0123456789abcdef" * 2, 0, b"left behind by a deletion that was cut short")

    keeping.sweep()

    assert store.keys() == {video.store_key, half.store_key}
    assert ClaimVideo.objects.count() == 2
