"""Room for videos: counted for the order, promised to one upload only, and no bad row stops the clean-up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders.states import OrderState
from refunds import claim_moving
from refunds.models import ClaimVideo
from refunds.states import ClaimEventKind, ClaimState, VideoStage
from refunds.videos import receiving, room, store
from tests import factories
from tests.factories import CUSTOMER
from tests.helpers.videos import HEAD, make_claim, send
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]


@pytest.fixture
def evidence(settings, tmp_path):
    settings.EVIDENCE_ROOT = str(tmp_path / "evidence")


def refusal(claim, size: int = 100) -> str:
    with pytest.raises(Refused) as refused:
        receiving.begin(claim.pk, size=size, actor=CUSTOMER)
    return refused.value.code


def claimed_again(claim):
    """The customer takes the claim back and makes it anew."""
    claim.refresh_from_db()
    claim_moving.move(claim, ClaimState.WITHDRAWN, ClaimEventKind.WITHDRAWN, actor=CUSTOMER, due_at=None)
    return make_claim(order=claim.order)


def test_a_new_claim_on_the_order_begins_no_new_count(settings, monday):
    settings.VIDEOS_PER_CLAIM, settings.VIDEOS_PER_ORDER, settings.VIDEOS_PER_DAY = 2, 3, 50
    claim = make_claim()
    send(claim)
    send(claim)
    again = claimed_again(claim)
    send(again)

    assert refusal(again) == "too_many"
    assert send(make_claim(order=factories.make_order(OrderState.COMPLETED))).pk


def test_the_days_videos_are_counted_for_the_order(settings, monday):
    settings.VIDEOS_PER_DAY = 2
    claim = make_claim()
    for _ in range(2):
        receiving.give_up(receiving.begin(claim.pk, size=100, actor=CUSTOMER).pk)

    assert refusal(claimed_again(claim)) == "too_many_today"


def test_the_bytes_of_an_order_are_bounded_together(settings):
    settings.VIDEO_BYTES_PER_ORDER = 3 * len(HEAD)
    claim = make_claim()
    send(claim)
    again = claimed_again(claim)
    send(again)

    assert refusal(again, size=len(HEAD) + 1) == "too_much"
    assert send(again).size == len(HEAD)


def test_an_upload_that_has_begun_keeps_its_room(monkeypatch):
    monkeypatch.setattr(store, "free", lambda: 1000)
    first = receiving.begin(make_claim().pk, size=600, actor=CUSTOMER)
    other = make_claim()
    assert (room.promised(), refusal(other, size=400)) == (600, "disk_full")

    receiving.take(first.pk, offset=0, piece=HEAD)
    assert room.promised() == 600 - len(HEAD)
    receiving.give_up(first.pk)

    assert room.promised() == 0
    assert receiving.begin(other.pk, size=400, actor=CUSTOMER).pk


def test_an_upload_that_is_never_finished_gives_its_room_back(monkeypatch, monday):
    monkeypatch.setattr(store, "free", lambda: 1000)
    receiving.begin(make_claim().pk, size=600, actor=CUSTOMER)

    with clock.frozen(monday + timedelta(hours=25)):
        receiving.sweep()
        assert receiving.begin(make_claim().pk, size=600, actor=CUSTOMER).pk


def test_one_upload_that_cannot_be_finished_stands_in_nobodys_way(monday, monkeypatch):
    bad, good = (receiving.begin(make_claim().pk, size=len(HEAD), actor=CUSTOMER) for _ in range(2))
    for video in (bad, good):
        receiving.take(video.pk, offset=0, piece=HEAD)
    stale = receiving.begin(make_claim().pk, size=5000, actor=CUSTOMER)
    ClaimVideo.objects.filter(pk=stale.pk).update(changed_at=monday - timedelta(days=2))
    read = store.sha256

    def broken(key: str) -> str:
        if key == bad.store_key:
            raise OSError("the disk does not answer")
        return read(key)

    monkeypatch.setattr(store, "sha256", broken)
    with clock.frozen(monday + timedelta(minutes=3)):
        receiving.sweep()

    stages = {video.pk: video.stage for video in ClaimVideo.objects.all()}
    assert stages == {bad.pk: VideoStage.RECEIVING, good.pk: VideoStage.RECEIVED, stale.pk: VideoStage.ABANDONED}


def test_an_upload_whose_file_is_lost_is_over(monday):
    video = receiving.begin(make_claim().pk, size=len(HEAD), actor=CUSTOMER)
    receiving.take(video.pk, offset=0, piece=HEAD)
    store.delete(video.store_key)

    with pytest.raises(Refused) as refused:
        receiving.finish(video.pk, actor=CUSTOMER)

    video.refresh_from_db()
    assert (refused.value.code, video.stage) == ("gone", VideoStage.ABANDONED)
