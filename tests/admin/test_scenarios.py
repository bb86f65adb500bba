"""Staff load scenarios from a file, keep a claim as one, set one aside and take them out again."""

from __future__ import annotations

import re

import pytest
import yaml
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile

from refunds import deciding
from refunds.models import Claim, StoredScenario
from refunds.scenarios import files
from tests import factories
from tests.refunds.claims import SAM, claimed, paid_order
from unlockshop.kernel.staff_parts import change_url, list_url

pytestmark = pytest.mark.django_db
LOAD = "/admin/refunds/storedscenario/load/"
EXPORT = "/admin/refunds/storedscenario/export/"
RAW = files.load(files.WORKED / "scenarios_default.yaml")[0][:2]


def upload(client, content: bytes | str):
    content = content if isinstance(content, bytes) else content.encode()
    return client.post(LOAD, {"file": SimpleUploadedFile("<b>ours.yaml", content)})


def hidden(page) -> dict[str, str]:
    return dict(page.context["form"].initial)


def load(client, entries, reason="Ours."):
    shown = upload(client, yaml.safe_dump({"scenarios": entries}))
    return client.post(LOAD, {**hidden(shown), "reason": reason})


def test_look_then_keep_then_export(admin):
    shown = upload(admin, yaml.safe_dump({"scenarios": RAW}))
    page = shown.content.decode()
    assert "2 new, 0 changed, 0 unchanged. Nothing is kept yet." in page
    assert RAW[0]["id"] in page
    assert not StoredScenario.objects.exists()

    done = admin.post(LOAD, {**hidden(shown), "reason": "Ours."})

    assert (done.status_code, done.url) == (302, list_url(StoredScenario))
    row = StoredScenario.objects.first()
    assert (row.came_from, row.reason) == ("<b>ours.yaml", "Ours.")
    page = admin.get(change_url(row)).content.decode()
    assert "&lt;b&gt;ours.yaml" in page
    assert "D_ALREADY_REFUNDED" in page
    file = admin.get(EXPORT)
    assert "attachment" in file["Content-Disposition"]
    assert [each["id"] for each in yaml.safe_load(file.content)["scenarios"]] == [each["id"] for each in RAW]
    again = upload(admin, file.content).content.decode()
    assert "0 new, 0 changed, 2 unchanged" in again


def test_what_is_wrong_is_said_at_the_file(admin):
    for content, words in (
        ("scenarios: [", "is not valid YAML"),
        (yaml.safe_dump({"scenarios": [{**RAW[0], "profile": "<i>"}]}), "DF-G-01: profile: must be one of"),
        (b"#" * (901 * 1024), "larger than 900 KB"),
        (b"\xff\x00", "is not UTF-8"),
    ):
        answer = upload(admin, content)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert "<i>" not in answer.content.decode()
    assert admin.post(LOAD, {}).status_code == 422


def test_what_changed_meanwhile_is_shown_again(admin):
    shown = upload(admin, yaml.safe_dump({"scenarios": RAW}))
    load(admin, [{**RAW[0], "title": "Somebody else's"}])

    late = admin.post(LOAD, {**hidden(shown), "reason": "Ours."})

    assert late.status_code == 422
    assert "1 new, 1 changed" in late.content.decode()
    assert StoredScenario.objects.get().title == "Somebody else's"
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', late.content.decode())[1]
    done = admin.post(LOAD, {**hidden(shown), "digest": digest, "reason": "Ours."})
    assert done.status_code == 302
    assert StoredScenario.objects.count() == 2


@pytest.mark.parametrize("content", ["", "scenarios: [", "\x00", "\ud800"])
def test_a_second_step_that_somebody_made_up(admin, content):
    answer = admin.post(
        LOAD, {"content": content.encode("utf-8", "replace").decode(), "digest": "x", "reason": "Ours."}
    )
    assert answer.status_code == 422
    assert not StoredScenario.objects.exists()
    assert admin.post(LOAD, {"digest": "x"}).status_code == 422


def test_set_aside_and_taken_up(admin):
    load(admin, RAW)
    row = StoredScenario.objects.first()
    for button, is_active in (("set-aside", False), ("take-up", True)):
        address = f"{change_url(row).removesuffix('change/')}do/{button}/"
        seen = re.search(r'name="version"[^>]* value="([^"]+)"', admin.get(address).content.decode())[1]
        admin.post(address, {"reason": "Not ours.", "version": seen})
        row.refresh_from_db()
        assert row.is_active is is_active


def test_a_claim_is_kept_from_its_page(admin):
    claim = claimed(paid_order())
    address = f"{change_url(claim).removesuffix('change/')}do/keep-scenario/"
    assert address not in admin.get(change_url(claim)).content.decode()
    deciding.approve(claim.pk, amount=None, reason="Right.", actor=SAM)
    assert address in admin.get(change_url(claim)).content.decode()
    form = admin.get(address).content.decode()
    seen = re.search(r'name="version"[^>]* value="([^"]+)"', form)[1]
    assert f'value="CLAIM-{claim.pk}"' in form
    sent = {"name": "OURS-1", "title": "", "expected": "rules", "reason": "It mattered.", "version": seen}

    done = admin.post(address, sent, follow=True).content.decode()

    assert "Kept as OURS-1. The rules in force decide as it expects." in done
    assert StoredScenario.objects.get().claim == claim
    assert address not in done
    assert change_url(claim) in admin.get(change_url(StoredScenario.objects.get())).content.decode()


def clerk(sign_in, *rights: str):
    user = factories.make_staff(f"{len(rights)}@example.com", superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights, content_type__app_label="refunds"))
    return sign_in(user)


def test_who_only_reads_loads_and_sets_aside_nothing(admin, sign_in):
    load(admin, RAW)
    row = StoredScenario.objects.first()
    reader = clerk(sign_in, "view_storedscenario")

    assert reader.get(list_url(StoredScenario)).status_code == 200
    page = reader.get(change_url(row)).content.decode()
    assert "/do/" not in page
    assert reader.get(EXPORT).status_code == 200
    assert reader.get(LOAD).status_code == 403
    assert reader.post(LOAD, {"digest": "x"}).status_code == 403
    aside = f"{change_url(row).removesuffix('change/')}do/set-aside/"
    assert reader.post(aside, {"reason": "x y z", "version": "x"}).status_code == 403
    row.refresh_from_db()
    assert row.is_active
    stranger = clerk(sign_in, "view_claim", "change_claim")
    assert stranger.get(EXPORT).status_code == 403
    assert stranger.get(list_url(StoredScenario)).status_code == 403


def test_who_may_decide_claims_keeps_none_without_the_right(sign_in):
    claim = claimed(paid_order())
    deciding.approve(claim.pk, amount=None, reason="Right.", actor=SAM)
    person = clerk(sign_in, "view_claim", "change_claim")
    address = f"{change_url(claim).removesuffix('change/')}do/keep-scenario/"

    assert address not in person.get(change_url(claim)).content.decode()
    refused = person.post(address, {"name": "x", "expected": "rules", "reason": "x y z", "version": "x"}, follow=True)

    assert "it takes a further right" in refused.content.decode()
    assert not Claim.objects.get().scenarios.exists()
