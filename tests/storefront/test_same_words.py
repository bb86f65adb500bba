"""One clause, one text: rules page, panels, claim, mail and staff page, by the version of the order."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse

from orders.models import Draft, OutgoingMail, Purchase
from orders.models.mail import MailKind
from refunds import calling_off, policy_versions
from refunds.policy.rendering import clause_text
from refunds.policy.rulebook import before_buying, ids_of
from refunds.states import ClaimType
from tests.factories import make_service
from tests.helpers.checkout import draft_at_check, send_check, send_details
from tests.refunds.claims import SAM, claimed, paid_order
from unlockshop.kernel.staff_parts import change_url

pytestmark = pytest.mark.django_db
# The days for reporting that a code does not work; the clause that says them also asks for the video.
CLAUSE, FORMER, LATER = "IMEISERVER-4.1", "within 30 days", "within 45 days"


def publish(version: str = "2026-12-a") -> None:
    policy_versions.publish_version(
        "default", {"claims.notify_days": 45}, version=version, base="2026-11", reason="Kinder.", actor=SAM
    )


def words_of(response) -> str:
    text = re.sub(r"<[^>]+>", " ", response if isinstance(response, str) else response.content.decode())
    return " ".join(html.unescape(text).split())


def places(client: Client, staff: Client, profile: str) -> dict[str, str]:
    """Every place where the clause stands for an order under ``profile``, in words."""
    order = paid_order(profile=profile)
    claim = claimed(order)
    mail = OutgoingMail.objects.filter(order=order, kind=MailKind.CLAIM).latest("pk")
    name, version = profile.split()
    return {
        "rules": words_of(client.get(reverse("refund-rules-version", args=[name, version]))),
        "claim form": words_of(client.get(reverse("claim-new", args=[order.secret, ClaimType.NOT_WORKING]))),
        "claim": words_of(client.get(reverse("claim", args=[order.secret, claim.pk]))),
        "mail": words_of(mail.facts["clauses"]),
        "staff": words_of(staff.get(change_url(claim))),
    }


def panels(client: Client) -> dict[str, str]:
    """The two panels before buying, as they are today."""
    draft = draft_at_check(client, make_service())
    return {
        "service": words_of(client.get(draft.service.get_absolute_url())),
        "checkout": words_of(client.get(f"/checkout/{draft.token}/check/")),
        "current rules": words_of(client.get(reverse("refund-rules"))),
    }


def test_a_changed_number_changes_every_place_and_no_earlier_order(client: Client, admin_client: Client):
    text = clause_text(CLAUSE, calling_off.in_force().numbers)
    assert FORMER in text
    for place, words in {**places(client, admin_client, "default 2026-11"), **panels(client)}.items():
        assert text in words, place

    draft = policy_versions.draft(calling_off.in_force(), {"claims.notify_days": 45})
    assert LATER in draft.clauses[CLAUSE].sentence
    publish()

    later = clause_text(CLAUSE, calling_off.in_force().numbers)
    assert later == text.replace(FORMER, LATER)
    for place, words in {**places(client, admin_client, "default 2026-12-a"), **panels(client)}.items():
        assert later in words, place
        # The rules say what has changed, too.
        assert "rules" in place or text not in words, place
    for place, words in places(client, admin_client, "default 2026-11").items():
        assert text in words, place
        assert later not in words, place


@pytest.mark.parametrize("name", ["default", "imei_org", "imei_server", "doctorsim", "imeishop"])
def test_the_rules_page_has_every_clause_under_its_name(client: Client, name: str):
    agreed = policy_versions.profile(name)
    page = client.get(reverse("refund-rules-version", args=[name, "2026-11"])).content.decode()

    assert [page.count(f'id="{each}"') for each in ids_of(agreed)] == [1] * len(ids_of(agreed))
    words = words_of(page)
    assert [each for each in ids_of(agreed) if clause_text(each, agreed.numbers) not in words] == []
    for anchor in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{anchor}"' in page
    assert ("New orders are not made under these rules." in page) == (name != "default")


@pytest.mark.parametrize("kind", ["unlock", "check", "topup"])
def test_the_panel_leads_to_each_clause(client: Client, kind: str):
    service = make_service(kind=kind)
    page = client.get(service.get_absolute_url()).content.decode()
    rules = client.get(reverse("refund-rules-version", args=["default", "2026-11"])).content.decode()

    assert "When do I get my money back?" in page
    for line in before_buying(calling_off.in_force(), kind):
        assert f'/terms/refunds/default/2026-11/#{line.id}"' in page
        assert f'id="{line.id}"' in rules


def test_an_earlier_version_stays_and_says_so(client: Client):
    publish()
    old = words_of(client.get("/terms/refunds/default/2026-11/"))
    new = words_of(client.get("/terms/refunds/"))

    assert "This is an earlier version." in old
    assert FORMER in old
    assert "What has changed since 2026-11" in new
    assert "Until now: 30 days From now on: 45 days" in new
    assert "earlier version" not in new


@pytest.mark.parametrize("address", ["default/2026-12-a", "nobody/2026-11", "default/x", "default"])
def test_unknown_rules(client: Client, address: str):
    assert client.get(f"/terms/refunds/{address}/").status_code == 404


def test_new_rules_are_accepted_with_the_next_order(client: Client):
    draft = draft_at_check(client, make_service())
    publish()

    sent_back = client.post(f"/checkout/{draft.token}/check/")
    assert (sent_back.status_code, sent_back.url) == (303, f"/checkout/{draft.token}/details/")
    page = words_of(client.get(sent_back.url))
    assert "The terms have changed since you accepted them." in page
    assert "Until now: 30 days From now on: 45 days" in page
    assert not Purchase.objects.exists()

    send_details(client, draft)
    send_check(client, Draft.objects.get(pk=draft.pk))
    purchase = Purchase.objects.get()
    assert purchase.refund_profile == "default 2026-12-a"
    assert purchase.terms_version == "2026-11-22"
    assert purchase.terms_accepted_at is not None
    assert purchase.ip


def test_everybody_is_told_what_is_new_and_nobody_who_bought(client: Client):
    draft = draft_at_check(client, make_service())

    page = words_of(client.get(f"/checkout/{draft.token}/details/"))

    assert "Bought here before? This is new in the terms" in page
    assert "You cancel with a button, a link or an answer to our mail" in page
