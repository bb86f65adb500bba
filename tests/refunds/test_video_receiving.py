"""Videos come in piece by piece, bounded, by content, and only where a claim waits for one."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from refunds import claim_moving
from refunds.models import ClaimVideo
from refunds.states import ClaimEventKind, ClaimState, VideoStage
from refunds.videos import receiving, store
from tests.factories import CUSTOMER
from tests.helpers.videos import HEAD, make_claim, send
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]
BODY = HEAD + bytes(range(256)) * 40


@pytest.fixture
def evidence(settings, tmp_path):
    settings.EVIDENCE_ROOT = str(tmp_path / "evidence")
    return tmp_path / "evidence"


def refusal(call, *args, **kwargs) -> str:
    with pytest.raises(Refused) as refused:
        call(*args, **kwargs)
    return refused.value.code


def test_a_whole_video_is_kept_under_a_random_name_and_waits_to_be_looked_at(evidence):
    claim = make_claim()

    video = send(claim, BODY, piece=1000)

    video.refresh_from_db()
    assert (video.stage, video.arrived, video.size, video.kind) == ("received", len(BODY), len(BODY), "mp4")
    assert video.sha256 == hashlib.sha256(BODY).hexdigest()
    assert (video.work_state, video.received_at is not None, video.next_action_at is not None) == (
        "queued",
        True,
        True,
    )
    (path,) = [path for path in evidence.rglob("*") if path.is_file()]
    assert path == store.path_of(video.store_key)
    assert path.read_bytes() == BODY
    assert path.stat().st_mode & 0o077 == 0
    assert len(video.store_key) == 32
    assert video.store_key not in video.token


def test_the_claim_hears_of_it_and_waits_for_staff():
    claim = make_claim()

    video = send(claim)

    claim.refresh_from_db()
    assert claim.state == ClaimState.WAITING_STAFF
    event = claim.events.last()
    assert (event.kind, event.actor_kind) == (ClaimEventKind.EVIDENCE_RECEIVED, "customer")
    assert event.data["what"] == f"video {video.pk}, SHA-256 {video.sha256}"


@pytest.mark.parametrize("state", [ClaimState.WAITING_STAFF, ClaimState.WAITING_SUPPLIER])
def test_a_claim_that_waits_for_others_is_looked_at_by_staff(state):
    claim = make_claim(state)

    send(claim)

    claim.refresh_from_db()
    assert claim.state == ClaimState.WAITING_STAFF
    assert claim.events.last().kind == ClaimEventKind.EVIDENCE_RECEIVED


def test_a_lapsed_claim_is_taken_up_again():
    claim = make_claim(ClaimState.LAPSED)

    send(claim)

    claim.refresh_from_db()
    assert (claim.state, claim.events.last().kind) == (ClaimState.WAITING_STAFF, ClaimEventKind.EVIDENCE_RECEIVED)


def test_a_lapsed_claim_that_was_made_anew_takes_none():
    claim = make_claim(ClaimState.LAPSED)
    make_claim(order=claim.order)

    assert refusal(receiving.begin, claim.pk, size=1000, actor=CUSTOMER) == "closed"


@pytest.mark.parametrize("state", [ClaimState.APPROVED, ClaimState.SETTLED, ClaimState.DENIED, ClaimState.WITHDRAWN])
def test_a_decided_or_closed_claim_takes_none(state, evidence):
    claim = make_claim(state)

    assert refusal(receiving.begin, claim.pk, size=1000, actor=CUSTOMER) == "closed"
    assert not ClaimVideo.objects.exists()


def test_a_claim_that_is_decided_while_a_video_is_on_its_way():
    claim = make_claim()
    video = receiving.begin(claim.pk, size=len(BODY), actor=CUSTOMER)
    receiving.take(video.pk, offset=0, piece=BODY[:1000])
    with transaction.atomic():
        claim_moving.move(claim_moving.lock(claim.pk), ClaimState.WITHDRAWN, ClaimEventKind.WITHDRAWN, actor=CUSTOMER)

    assert refusal(receiving.take, video.pk, offset=1000, piece=BODY[1000:2000]) == "closed"
    receiving.sweep()

    video.refresh_from_db()
    assert (video.stage, store.keys()) == (VideoStage.ABANDONED, set())


def test_an_upload_goes_on_where_it_broke_off_and_the_tail_of_a_lost_process_is_overwritten():
    video = receiving.begin(make_claim().pk, size=len(BODY), actor=CUSTOMER)
    receiving.take(video.pk, offset=0, piece=BODY[:3000])
    with store.path_of(video.store_key).open("ab") as torn:
        torn.write(b"torn" * 5000)

    assert refusal(receiving.take, video.pk, offset=2000, piece=BODY[2000:]) == "offset"
    assert refusal(receiving.take, video.pk, offset=3001, piece=BODY[3001:]) == "offset"
    assert refusal(receiving.finish, video.pk, actor=CUSTOMER) == "offset"
    receiving.take(video.pk, offset=3000, piece=BODY[3000:])
    video = receiving.finish(video.pk, actor=CUSTOMER)

    assert video.sha256 == hashlib.sha256(BODY).hexdigest()


def test_finishing_twice_is_finishing_once():
    claim = make_claim()
    video = send(claim)

    receiving.finish(video.pk, actor=CUSTOMER)

    assert claim.events.filter(kind=ClaimEventKind.EVIDENCE_RECEIVED).count() == 1


def test_more_than_was_announced_is_refused():
    video = receiving.begin(make_claim().pk, size=2000, actor=CUSTOMER)
    receiving.take(video.pk, offset=0, piece=BODY[:2000])

    assert refusal(receiving.take, video.pk, offset=2000, piece=b"1") == "too_large"


@pytest.mark.parametrize(("size", "code"), [(200, None), (201, "too_large"), (63, "empty"), (64, None)])
def test_size_is_bounded_on_both_sides(settings, size, code):
    settings.VIDEO_MAX_BYTES = 200
    claim = make_claim()

    if code:
        assert refusal(receiving.begin, claim.pk, size=size, actor=CUSTOMER) == code
    else:
        assert receiving.begin(claim.pk, size=size, actor=CUSTOMER).size == size


@pytest.mark.parametrize(
    "content",
    [
        b"<!doctype html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<?php system($_GET[0]);",
        b"PK\x03\x04" + b"\x00" * 26 + b"a.mp4",
        b"MZ\x90\x00\x03",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
        b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00",
        b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x82\x84evil",
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR",
    ],
)
def test_what_is_no_video_by_its_content_is_refused_and_nothing_of_it_kept(content, evidence):
    claim = make_claim()

    assert refusal(send, claim, content.ljust(200, b" ")) == "not_a_video"

    assert ClaimVideo.objects.get().stage == VideoStage.ABANDONED
    assert [path for path in evidence.rglob("*") if path.is_file()] == []
    claim.refresh_from_db()
    assert claim.state == ClaimState.WAITING_CUSTOMER


def test_quota_of_a_claim_and_of_a_day(settings, monday):
    settings.VIDEOS_PER_CLAIM, settings.VIDEOS_PER_DAY = 2, 3
    claim = make_claim()
    first = receiving.begin(claim.pk, size=100, actor=CUSTOMER)
    receiving.begin(claim.pk, size=100, actor=CUSTOMER)
    assert refusal(receiving.begin, claim.pk, size=100, actor=CUSTOMER) == "too_many"
    receiving.give_up(first.pk)
    third = receiving.begin(claim.pk, size=100, actor=CUSTOMER)
    receiving.give_up(third.pk)

    assert refusal(receiving.begin, claim.pk, size=100, actor=CUSTOMER) == "too_many_today"
    with clock.frozen(monday + timedelta(days=1)):
        assert receiving.begin(claim.pk, size=100, actor=CUSTOMER).pk


def test_a_full_disk_refuses_politely(monkeypatch):
    monkeypatch.setattr(store, "FULL_AT", 0.0)

    assert refusal(receiving.begin, make_claim().pk, size=100, actor=CUSTOMER) == "disk_full"


def test_an_upload_that_stands_still_is_given_up_after_a_day(monday):
    video = receiving.begin(make_claim().pk, size=len(BODY), actor=CUSTOMER)
    receiving.take(video.pk, offset=0, piece=BODY[:1000])
    with clock.frozen(monday + timedelta(hours=24)):
        receiving.sweep()
    video.refresh_from_db()
    assert (video.stage, len(store.keys())) == (VideoStage.RECEIVING, 1)

    with clock.frozen(monday + timedelta(hours=24, seconds=1)):
        receiving.sweep()

    video.refresh_from_db()
    assert (video.stage, store.keys()) == (VideoStage.ABANDONED, set())
    assert refusal(receiving.take, video.pk, offset=1000, piece=b"x") == "gone"
    assert refusal(receiving.finish, video.pk, actor=CUSTOMER) == "gone"


def test_room_is_not_kept_for_an_upload_that_sends_nothing_or_never_ends(monday):
    silent = receiving.begin(make_claim().pk, size=len(BODY), actor=CUSTOMER)
    slow = receiving.begin(make_claim().pk, size=len(BODY), actor=CUSTOMER)
    receiving.take(slow.pk, offset=0, piece=BODY[:1000])
    for hours, stages in (
        (0.25, [VideoStage.RECEIVING, VideoStage.RECEIVING]),
        (0.26, [VideoStage.ABANDONED, VideoStage.RECEIVING]),
        (23, [VideoStage.ABANDONED, VideoStage.RECEIVING]),
        (46, [VideoStage.ABANDONED, VideoStage.RECEIVING]),
        (48.1, [VideoStage.ABANDONED, VideoStage.ABANDONED]),
    ):
        with clock.frozen(monday + timedelta(hours=hours)):
            receiving.sweep()
            silent.refresh_from_db()
            slow.refresh_from_db()
            assert [silent.stage, slow.stage] == stages
            if slow.stage == VideoStage.RECEIVING:
                receiving.take(slow.pk, offset=slow.arrived, piece=BODY[slow.arrived : slow.arrived + 1])


@pytest.mark.parametrize(
    "columns",
    [
        {"stage": "other"}, {"size": 0}, {"arrived": 10**9}, {"sha256": ""}, {"kind": ""}, {"arrived": 1},
        {"stage": VideoStage.DELETED}, {"deleted_at": clock.now()}, {"stage": VideoStage.RECEIVING},
    ],
)  # fmt: skip
def test_the_database_holds_the_rules(columns):
    video = send(make_claim())

    with pytest.raises(IntegrityError), transaction.atomic():
        ClaimVideo.objects.filter(pk=video.pk).update(**columns)


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "x" * 32, "a" * 31, "a/" * 16])
def test_the_store_opens_nothing_but_its_own_keys(key):
    with pytest.raises(ValueError, match="not a key"):
        store.path_of(key)
