"""Sending a video from the claim's page: in pieces with a script, whole without one, and what is refused."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from refunds.models import ClaimVideo
from refunds.states import ClaimState, VideoStage
from refunds.videos import store
from tests.helpers.videos import HEAD, make_claim, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]
BODY = HEAD + bytes(range(256)) * 40
PIECE_TYPE = "application/offset+octet-stream"


@pytest.fixture
def evidence(settings, tmp_path):
    settings.EVIDENCE_ROOT = str(tmp_path / "evidence")


def page_of(claim, name="claim-videos") -> str:
    return reverse(name, args=[claim.order.secret, claim.pk])


def begin(client, claim, size: object = None):
    return client.post(page_of(claim), headers={"Upload-Length": str(len(BODY) if size is None else size)})


def patch(client, address, offset, piece, content_type=PIECE_TYPE):
    return client.patch(address, piece, content_type, headers={"Upload-Offset": str(offset)})


def form(content=BODY, name="proof.mp4"):
    return {"video": SimpleUploadedFile(name, content, "video/mp4")}


def test_the_page_says_before_choosing_what_is_taken_and_what_to_film(client, settings):
    settings.VIDEO_MAX_BYTES = 123 * 1024**2
    claim = make_claim(profile="default 2026-11")

    response = client.get(page_of(claim))

    text = response.content.decode()
    assert "At most 123 MB and 5 minutes" in text
    assert text.index("123 MB") < text.index('type="file"')
    assert "*#06#" in text
    assert "30 days after the claim is closed" in text
    assert response["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert "noindex" in response["X-Robots-Tag"]


def test_terms_that_ask_for_a_size_say_so(client):
    assert "720 pixels" in client.get(page_of(make_claim(profile="imei_server 2026-11"))).content.decode()
    assert "720 pixels" not in client.get(page_of(make_claim(profile="imei_org 2026-11"))).content.decode()


def test_in_pieces_with_a_break_between_them(client):
    claim = make_claim()
    begun = begin(client, claim)
    address = begun["Location"]
    assert (begun.status_code, begun["Upload-Offset"], begun["Tus-Resumable"]) == (201, "0", "1.0.0")

    first = patch(client, address, 0, BODY[:4000])
    asked = client.head(address)
    last = patch(client, address, 4000, BODY[4000:])

    assert (first.status_code, first["Upload-Offset"]) == (204, "4000")
    assert (asked.status_code, asked["Upload-Offset"], asked["Upload-Length"]) == (200, "4000", str(len(BODY)))
    assert "no-store" in asked["Cache-Control"]
    assert (last.status_code, last["Upload-Offset"]) == (204, str(len(BODY)))
    video = ClaimVideo.objects.get()
    assert video.stage == VideoStage.RECEIVED
    assert store.path_of(video.store_key).read_bytes() == BODY
    assert video.by_ip == "127.0.0.1"


def test_a_piece_in_the_wrong_place_changes_nothing(client):
    address = begin(client, make_claim())["Location"]
    patch(client, address, 0, BODY[:4000])

    assert patch(client, address, 3999, BODY[3999:]).status_code == 409
    assert patch(client, address, 4001, BODY[4001:]).status_code == 409
    assert client.head(address)["Upload-Offset"] == "4000"


@pytest.mark.parametrize("offset", ["", "-1", "x", "1e3", "9" * 40])
def test_an_offset_that_is_no_number(client, offset):
    address = begin(client, make_claim())["Location"]

    assert patch(client, address, offset, BODY).status_code == 415


@pytest.mark.parametrize("length", ["", "-5", "x", "9" * 40])
def test_a_length_that_is_no_number(client, length):
    assert begin(client, make_claim(), length).status_code == 400


def test_a_piece_of_another_type_or_size(client):
    address = begin(client, make_claim(), 3 * store.PIECE)["Location"]

    assert patch(client, address, 0, BODY, "text/plain").status_code == 415
    assert patch(client, address, 0, HEAD.ljust(store.PIECE + 1, b"x")).status_code == 413
    assert patch(client, address, 0, HEAD.ljust(store.PIECE, b"x")).status_code == 204


def test_an_upload_can_be_ended(client):
    address = begin(client, make_claim())["Location"]
    patch(client, address, 0, BODY[:4000])

    assert client.delete(address).status_code == 204

    assert store.keys() == set()
    assert client.head(address).status_code == 410
    assert patch(client, address, 4000, BODY[4000:]).status_code == 410


def test_ending_a_received_video_does_nothing(client):
    claim = make_claim()
    video = send(claim)

    client.delete(reverse("claim-video", args=[claim.order.secret, claim.pk, video.token]))

    video.refresh_from_db()
    assert (video.stage, len(store.keys())) == (VideoStage.RECEIVED, 1)


def test_without_a_script_the_form_sends_it_whole(client):
    claim = make_claim()

    response = client.post(page_of(claim), form())

    assert (response.status_code, response["Location"]) == (302, page_of(claim))
    assert ClaimVideo.objects.get().stage == VideoStage.RECEIVED
    assert "Received." in client.get(page_of(claim)).content.decode()


@pytest.mark.parametrize(
    "name",
    ["proof.php", "proof.html", "proof.svg", "proof.mp4.exe", "proof", "proof.mp4.html", "\u202e4pm.exe", ".htaccess"],
)
def test_a_name_that_is_not_a_videos_is_refused_beside_the_field(client, name):
    response = client.post(page_of(make_claim()), form(name=name))

    text = response.content.decode()
    assert response.status_code == 422
    assert 'class="error-summary"' in text
    assert text.count("This file is not a video we can play") == 2
    assert not ClaimVideo.objects.exists()
    assert store.keys() == set()


@pytest.mark.parametrize("name", ["../../etc/x.mp4", "x" * 240 + ".mp4", "\u202egnp.mp4", "PROOF.MOV", "a\tb.webm"])
def test_whatever_its_name_it_is_kept_under_a_random_one(client, name):
    client.post(page_of(make_claim()), form(name=name))

    (key,) = store.keys()
    assert key == ClaimVideo.objects.get().store_key


@pytest.mark.parametrize("content", [b"<html>" * 99, b"PK\x03\x04" * 99, b"#EXTM3U\n" * 99, b"MZ" * 99])
def test_another_content_called_mp4_is_refused(client, content):
    claim = make_claim()

    whole = client.post(page_of(claim), form(content))
    piece = patch(client, begin(client, claim, len(content))["Location"], 0, content)

    assert (whole.status_code, piece.status_code) == (422, 422)
    assert "not a video" in piece.content.decode()
    assert store.keys() == set()
    assert not ClaimVideo.objects.exclude(stage=VideoStage.ABANDONED).exists()


def test_too_large_is_refused_before_a_byte_is_kept(client, settings):
    settings.VIDEO_MAX_BYTES = 5000
    claim = make_claim()

    assert begin(client, claim, 5001).status_code == 413
    assert begin(client, claim, 5000).status_code == 201
    assert client.post(page_of(claim), form(BODY.ljust(60_000, b"x"))).status_code == 413
    assert store.keys() == set()


def test_only_this_form_takes_more_than_other_forms(client, settings):
    settings.MAX_BODY_BYTES = 1000
    settings.VIDEO_MAX_BYTES = 50_000
    claim = make_claim()

    assert client.post(page_of(claim), form()).status_code == 302
    assert client.post(reverse("choose-currency"), {"currency": "x" * 2000}).status_code == 413
    assert client.post(page_of(claim, "claim-videos-news"), {"x": "x" * 2000}).status_code == 413
    assert client.post("/nowhere/", {"x": "x" * 2000}).status_code == 413


def test_a_missing_file_is_said_beside_the_field(client):
    response = client.post(page_of(make_claim()), {})

    assert response.status_code == 422
    assert "Choose a video file." in response.content.decode()


@pytest.mark.usefixtures("monday")
def test_quota_of_the_day(client, settings):
    settings.VIDEOS_PER_DAY = 1
    claim = make_claim()
    client.delete(begin(client, claim)["Location"])

    assert begin(client, claim).status_code == 429
    response = client.post(page_of(claim), form())

    assert response.status_code == 429
    assert "last video for today" in response.content.decode()


def test_a_full_disk(client, monkeypatch):
    monkeypatch.setattr(store, "FULL_AT", 0.0)
    claim = make_claim()

    assert begin(client, claim).status_code == 503
    assert client.post(page_of(claim), form()).status_code == 503
    assert client.get(reverse("home")).status_code == 200


@pytest.mark.parametrize("state", [ClaimState.DENIED, ClaimState.SETTLED, ClaimState.WITHDRAWN])
def test_a_closed_claim_takes_none(client, state):
    claim = make_claim(state)

    assert begin(client, claim).status_code == 403
    assert client.post(page_of(claim), form()).status_code == 403
    assert 'type="file"' not in client.get(page_of(claim)).content.decode()
    assert not ClaimVideo.objects.exists()


def test_the_claim_of_another_order_is_not_there(client):
    claim, other = make_claim(), make_claim()
    address = begin(client, claim)["Location"]
    token = address.split("/")[-2]

    for name in ("claim-videos", "claim-videos-news"):
        stranger = reverse(name, args=[other.order.secret, claim.pk])
        assert client.get(stranger, headers={"HX-Request": "true"}).status_code == 404
    assert client.post(reverse("claim-videos", args=[other.order.secret, claim.pk]), form()).status_code == 404
    for secret, pk in ((other.order.secret, other.pk), (other.order.secret, claim.pk), (claim.order.secret, other.pk)):
        stranger = reverse("claim-video", args=[secret, pk, token])
        assert client.head(stranger).status_code == 404
        assert patch(client, stranger, 0, BODY).status_code == 404


def test_every_way_in_wants_the_token_against_forged_forms():
    client = Client(enforce_csrf_checks=True)
    claim = make_claim()
    token = client.get(page_of(claim)).context["csrf_token"]

    assert begin(client, claim).status_code == 403
    assert client.post(page_of(claim), form()).status_code == 403
    begun = client.post(page_of(claim), headers={"Upload-Length": str(len(BODY)), "X-CSRFToken": str(token)})
    assert begun.status_code == 201
    assert patch(client, begun["Location"], 0, BODY).status_code == 403
    sent = client.patch(begun["Location"], BODY, PIECE_TYPE, headers={"Upload-Offset": "0", "X-CSRFToken": str(token)})
    assert sent.status_code == 204


def looked_at(video, **report):
    columns = {"stage": VideoStage.LOOKED_AT, "report": report, "next_action_at": None, "work_state": "done"}
    ClaimVideo.objects.filter(pk=video.pk).update(**columns, trouble=report.pop("trouble", ""))


def test_the_customer_reads_what_to_do_better(client):
    claim = make_claim()
    finding = {"code": "dark", "begins": 14.2, "ends": 18.0}
    small = {"code": "low_resolution", "begins": 0.0, "ends": 0.0}
    looked_at(send(claim), findings=[finding, small], width=854, height=480)

    text = client.get(page_of(claim)).content.decode()

    assert "It is too dark at 0:14. Please film again with more light." in text
    assert "854 by 480 pixels" in text
    assert "Our staff look at it in any case." in text


def test_a_good_video_and_one_that_no_machine_could_read(client):
    claim = make_claim()
    looked_at(send(claim), findings=[])
    looked_at(send(claim), trouble="timed_out")
    looked_at(send(claim), trouble="unreadable")

    text = client.get(page_of(claim)).content.decode()

    assert "Length, light and focus are fine." in text
    assert text.count("We could not look at it by machine.") == 2
    assert "cannot be played" in text


def test_the_page_asks_for_news_until_there_are_some(client):
    claim = make_claim()
    video = send(claim)
    news = page_of(claim, "claim-videos-news")

    waiting = client.get(f"{news}?n=3", headers={"HX-Request": "true"})
    looked_at(video, findings=[])
    told = client.get(news, headers={"HX-Request": "true"})

    assert 'hx-get="' in waiting.content.decode()
    assert "n=4" in waiting.content.decode()
    assert "hx-get" not in told.content.decode()
    assert "are fine" in told.content.decode()
    assert client.get(news)["Location"] == page_of(claim)


def test_query_count_does_not_grow_with_videos(client, django_assert_max_num_queries):
    claim = make_claim()
    for _n in range(4):
        looked_at(send(claim), findings=[])

    with django_assert_max_num_queries(4):
        client.get(page_of(claim))
