"""Staff watch a claim's video by a link that is theirs, for some minutes; nothing of it runs in the shop's origin."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from refunds.models import ClaimVideo, VideoPicture
from refunds.states import VideoStage
from refunds.videos import keeping, showing, store
from tests import factories
from tests.helpers.videos import HEAD, make_claim, send
from unlockshop.kernel import actors
from unlockshop.kernel.staff_parts import change_url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]
# A film to one program, a page to another.
POLYGLOT = HEAD + b"<html><script>alert(document.cookie)</script>" + bytes(range(256)) * 20


@pytest.fixture
def evidence(settings, tmp_path):
    settings.EVIDENCE_ROOT = str(tmp_path / "evidence")


@pytest.fixture
def video():
    video = send(make_claim(), POLYGLOT)
    findings = [{"code": "dark", "begins": 14.0, "ends": 18.0}]
    report = {
        "findings": findings, "width": 1280, "height": 720, "codec": "h264", "seconds": 75.0, "reading": "done",
        "imeis": {factories.IMEI: [3.0], "356938035643809": [5.0]},
    }  # fmt: skip
    ClaimVideo.objects.filter(pk=video.pk).update(
        stage=VideoStage.LOOKED_AT, report=report, work_state="done", next_action_at=None
    )
    VideoPicture.objects.create(video=video, position=0, at=14.0, jpeg=b"\xff\xd8\xff\xe0")
    video.refresh_from_db()
    return video


def link_on(page: str) -> str:
    return unescape(re.search(r'<video [^>]*src="([^"]+)"', page)[1])


def test_the_page_has_player_flags_and_filmstrip(admin, video):
    text = admin.get(change_url(video)).content.decode()

    assert "0:14 – 0:18" in text
    assert "data:image/jpeg;base64,/9j/4A==" in text
    assert "that of the order" in text
    assert "another one" in text
    assert video.store_key not in text
    assert video.claim.order.secret not in text
    assert video.token not in text


def test_the_page_of_the_claim_has_it_too(admin, sign_in, video):
    text = admin.get(change_url(video.claim)).content.decode()
    assert "0:14 – 0:18" in text
    assert admin.get(link_on(text)).status_code == 200

    reader = factories.make_staff(email="reader@example.com", superuser=False)
    reader.user_permissions.add(Permission.objects.get(codename="view_claim"))
    page = sign_in(reader).get(change_url(video.claim))
    assert (page.status_code, "<video" in page.content.decode()) == (200, False)


def test_the_list_shows_what_was_noticed(admin, video, django_assert_max_num_queries):
    text = admin.get(reverse("admin:refunds_claimvideo_changelist")).content.decode()

    assert "Dark 0:14" in text
    assert "1:15" in text


def test_the_link_on_the_page_gives_the_file_as_a_sandboxed_download(admin, video):
    link = link_on(admin.get(change_url(video)).content.decode())

    response = admin.get(link)

    assert b"".join(response.streaming_content) == POLYGLOT
    assert response["Content-Type"] == "video/mp4"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == f'attachment; filename="claim-video-{video.pk}.mp4"'
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("asked", "status", "content_range", "body"),
    [
        ("bytes=0-9", 206, "bytes 0-9/{size}", POLYGLOT[:10]),
        ("bytes=100-", 206, "bytes 100-{last}/{size}", POLYGLOT[100:]),
        ("bytes=-10", 206, "bytes {tail}-{last}/{size}", POLYGLOT[-10:]),
        ("bytes=5-999999999", 206, "bytes 5-{last}/{size}", POLYGLOT[5:]),
        ("bytes=999999999-", 416, "bytes */{size}", b""),
        ("bytes=9-5", 416, "bytes */{size}", b""),
        ("bytes=0-1,4-5", 200, None, POLYGLOT),
        ("lines=0-1", 200, None, POLYGLOT),
        ("bytes=x-y", 200, None, POLYGLOT),
        ("bytes=-", 200, None, POLYGLOT),
    ],
)
def test_parts_of_it_for_players_that_jump(admin, video, *, asked, status, content_range, body):
    link = link_on(admin.get(change_url(video)).content.decode())

    response = admin.get(link, headers={"Range": asked})

    size = len(POLYGLOT)
    expected = content_range and content_range.format(size=size, last=size - 1, tail=size - 10)
    assert (response.status_code, response.get("Content-Range")) == (status, expected)
    assert (b"".join(response.streaming_content) if response.streaming else response.content) == body


def test_an_old_altered_or_foreign_link_opens_nothing(sign_in, video, client):
    sam, kim = factories.make_staff(), factories.make_staff(email="kim@example.com")
    link = showing.link(video.pk, sam.pk)

    assert sign_in(sam).get(link).status_code == 200
    assert sign_in(kim).get(link).status_code == 403
    assert client.get(link).status_code == 403
    assert sign_in(sam).get(link.replace(link[-8:-2], "AAAAAA")).status_code == 403
    assert sign_in(sam).get(reverse("staff-video", args=["x"])).status_code == 403
    with time_machine.travel(timezone.now() + timedelta(seconds=showing.LINK_SECONDS - 5)):
        assert sign_in(sam).get(link).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=showing.LINK_SECONDS + 2)):
        assert sign_in(sam).get(link).status_code == 403


def test_rights_are_asked_at_the_file_as_well(sign_in, video):
    helper = factories.make_staff(email="helper@example.com", superuser=False)
    link = showing.link(video.pk, helper.pk)
    assert sign_in(helper).get(link).status_code == 403

    helper.user_permissions.add(Permission.objects.get(codename="view_claimvideo"))

    assert sign_in(helper).get(link).status_code == 200
    client = sign_in(helper)
    helper.is_active = False
    helper.save()
    assert client.get(link).status_code == 403


def test_with_a_host_for_files_only_that_host_hands_them_out(sign_in, video, settings, client):
    settings.EVIDENCE_URL = "https://files.shop.example"
    settings.ALLOWED_HOSTS = ["testserver", "files.shop.example"]
    sam = factories.make_staff()

    link = showing.link(video.pk, sam.pk)

    assert link.startswith("https://files.shop.example/staff-files/videos/")
    path = link.removeprefix("https://files.shop.example")
    assert client.get(path, headers={"Host": "files.shop.example"}).status_code == 200
    assert sign_in(sam).get(path).status_code == 403


def test_staff_pages_may_play_and_the_shop_may_not(admin, video, client):
    assert "media-src 'self'" in admin.get(change_url(video))["Content-Security-Policy"]
    assert "media-src" not in client.get("/")["Content-Security-Policy"]


def test_deleting_asks_why_and_leaves_the_row(admin, video):
    address = reverse("admin:refunds_claimvideo_do", args=[video.pk, "delete-video"])
    version = f"{video.pk} {video.stage}"

    assert admin.post(address, {"version": version, "reason": ""}).status_code == 422
    assert admin.post(address, {"version": version, "reason": "shows a child"}, follow=True).status_code == 200

    video.refresh_from_db()
    assert (video.stage, video.deletion_reason) == (VideoStage.DELETED, "shows a child")
    assert store.keys() == set()
    page = admin.get(change_url(video)).content.decode()
    assert "shows a child" in page
    assert "<video" not in page


def test_a_deleted_video_is_not_handed_out(sign_in, video):
    sam = factories.make_staff()
    link = showing.link(video.pk, sam.pk)
    keeping.delete(video.pk, actor=actors.staff(sam.pk, sam.email), reason="private")

    assert sign_in(sam).get(link).status_code == 404


def test_the_list_does_not_grow_in_queries(admin, video, django_assert_max_num_queries):
    address = reverse("admin:refunds_claimvideo_changelist")
    with django_assert_max_num_queries(30) as one:
        admin.get(address)
    for _n in range(3):
        send(make_claim())

    with django_assert_max_num_queries(len(one)):
        admin.get(address)
