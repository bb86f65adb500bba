"""A received video is looked at once, and what goes wrong there leaves its claim as it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from refunds.models import ClaimVideo, VideoPicture
from refunds.states import ClaimState, VideoStage
from refunds.triage import running
from refunds.videos import keeping, receiving, store, triaging, wording
from tests import factories
from tests.factories import CUSTOMER
from tests.helpers import clips
from tests.helpers.videos import HEAD, make_claim, send
from unlockshop.kernel import actors, clock, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("evidence")]


@pytest.fixture
def evidence(settings, tmp_path):
    settings.EVIDENCE_ROOT = str(tmp_path / "evidence")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Portrait, too small for terms that ask for 720 pixels, and dark from the fourth second on."""
    drawn = clips.between(4, 11, clips.darker, base=lambda at: clips.scene(at, width=480, height=854))
    return clips.write(tmp_path_factory.mktemp("clips") / "small.mp4", drawn, seconds=11, rate=6)


def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    package = tmp_path / "other" / "refunds" / "triage"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(code)
    monkeypatch.setattr(running, "ROOT", tmp_path / "other")


def looked_at(video: ClaimVideo) -> ClaimVideo:
    triaging.look(video.pk)
    video.refresh_from_db()
    return video


def test_the_report_becomes_advice_flags_and_a_filmstrip(small):
    claim = make_claim(profile="imei_server 2026-11")

    video = looked_at(send(claim, small))

    assert (video.stage, video.work_state, video.trouble) == (VideoStage.LOOKED_AT, "done", "")
    codes = [each["code"] for each in video.report["findings"]]
    assert {"low_resolution", "dark"} <= set(codes)
    told = wording.advice(video)
    assert told.tone == "warning"
    assert "It is too dark at 0:04. Please film again with more light." in told.points
    assert any("480 by 854" in point for point in told.points)
    assert ("Dark", "0:04 – 0:11") in [(flag.word, flag.when) for flag in wording.flags(video)]
    assert video.pictures.count() >= 4
    assert all(bytes(picture.jpeg).startswith(b"\xff\xd8\xff") for picture in video.pictures.all())


def test_terms_that_ask_for_no_size_do_not_complain_of_it(small):
    video = looked_at(send(make_claim(profile="imei_org 2026-11"), small))

    assert "low_resolution" not in [each["code"] for each in video.report["findings"]]


def test_the_order_tells_which_imei_is_looked_for():
    claim = make_claim(profile="imei_server 2026-11")

    asked = triaging.asked_of(send(claim))

    assert (asked.wanted, asked.short_side) == (factories.IMEI, 720)


def test_looking_decides_nothing(small):
    claim = make_claim(ClaimState.WAITING_STAFF)
    video = send(claim, small)
    before = list(claim.events.values_list("kind", flat=True))

    looked_at(video)

    claim.refresh_from_db()
    assert claim.state == ClaimState.WAITING_STAFF
    assert list(claim.events.values_list("kind", flat=True)) == before


def test_it_is_looked_at_once_however_often_it_is_rung_for(small):
    video = looked_at(send(make_claim(), small))
    first = video.looked_at

    assert looked_at(video).looked_at == first
    assert work.due(ClaimVideo) == []


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed"),
        ("import time; time.sleep(30)", "timed_out"),
        ("print('nonsense')", "garbled"),
    ],
)
def test_a_video_that_harms_the_decoder_is_tried_twice_and_the_claim_is_unharmed(
    small, tmp_path, monkeypatch, *, code, trouble, monday
):
    child(tmp_path, monkeypatch, code)
    patience = triaging.asked_of
    monkeypatch.setattr(
        triaging, "asked_of", lambda video: running.Asked(wanted=patience(video).wanted, wall_seconds=1)
    )
    claim = make_claim()
    video = send(claim, small)

    video = looked_at(video)
    assert (video.stage, video.work_state, video.last_error) == (VideoStage.RECEIVED, "queued", trouble)
    with clock.frozen(monday + timedelta(hours=1)):
        video = looked_at(video)

    claim.refresh_from_db()
    assert (video.stage, video.trouble, video.report) == (VideoStage.LOOKED_AT, trouble, {})
    assert claim.state == ClaimState.WAITING_STAFF
    assert wording.advice(video).title == "We could not look at it by machine."
    assert store.path_of(video.store_key).exists()


def test_a_worker_that_dies_with_the_video_every_time_is_not_followed_for_ever(monday):
    video = send(make_claim())
    for turn in range(triaging.CAP):
        with clock.frozen(monday + turn * (triaging.LEASE + timedelta(seconds=1))):
            assert work.claim(ClaimVideo, video.pk, lease=triaging.LEASE)

    with clock.frozen(monday + timedelta(hours=1)):
        video = looked_at(video)

    assert (video.stage, video.trouble) == (VideoStage.LOOKED_AT, "crashed")


def test_a_head_without_a_video_is_unreadable():
    video = looked_at(send(make_claim(), HEAD + b"\x00" * 5000))

    assert (video.trouble, video.report["refused"]) == ("unreadable", "unreadable")
    assert wording.advice(video).points == ["The file cannot be played. Please send it again, or film again."]


def test_a_file_that_is_gone_is_said_to_be():
    video = send(make_claim())
    store.delete(video.store_key)

    assert looked_at(video).trouble == "missing"


def test_one_that_is_deleted_before_its_turn_is_left_alone():
    video = send(make_claim())
    keeping.delete(video.pk, actor=actors.staff(1, "sam@example.com"), reason="shows a child")

    video = looked_at(video)

    assert (video.stage, video.report) == (VideoStage.DELETED, {})
    assert not VideoPicture.objects.exists()


def test_an_upload_whose_last_step_was_lost_is_finished_by_the_sweep(monday):
    video = receiving.begin(make_claim().pk, size=len(HEAD), actor=CUSTOMER)
    receiving.take(video.pk, offset=0, piece=HEAD)
    receiving.sweep()
    video.refresh_from_db()
    assert video.stage == VideoStage.RECEIVING

    with clock.frozen(monday + timedelta(minutes=3)):
        receiving.sweep()

    video.refresh_from_db()
    assert video.stage == VideoStage.RECEIVED


def test_all_codes_have_words():
    assert set(wording.ADVICE) == set(wording.FLAGS) == set(wording.FINDINGS)
    values = {"begins": "0:01", "ends": "0:02", "width": 1, "height": 2, "longest": 5}
    assert all(str(text) % values for text in wording.ADVICE.values())
    assert wording.clock_time(74.9) == "1:14"
