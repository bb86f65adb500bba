"""The claim page: tick-list beside the player, second person, second code, and the way through the queue."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from payments.models import Refund
from refunds import deciding, reviewing
from refunds.models import Claim, SecondApproval, SecondCode, VideoReview
from refunds.states import ClaimState, ClaimType
from tests import factories
from tests.admin.test_claims import do, page, text_of
from tests.helpers.videos import send
from tests.refunds.claims import KIM, claimed, fresh, paid_order
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db
T = ClaimType


@pytest.fixture(autouse=True)
def _evidence(settings, tmp_path):
    settings.EVIDENCE_ROOT = str(tmp_path / "evidence")


def ticks(claim: Claim, **changes) -> dict[str, str]:
    shown = {f"shows_{point}": "on" for point in reviewing.points(claim)}
    return {
        **shown,
        "imei_seen": claim.order.identifier,
        "finding": "failure_confirmed",
        "reason": "as filmed",
        **changes,
    }


def test_the_tick_list_stands_beside_the_player_and_lets_it_be_approved(admin: Client):
    claim = claimed(paid_order())
    video = send(claim)
    form = text_of(admin.get(reverse("admin:refunds_claim_do", args=[claim.pk, "review"])))
    assert "<video controls" in form
    assert "The phone with *#06# dialled and its IMEI readable." in form

    blocked = do(admin, claim, "approve", reason="The video shows it.")
    assert "Review the video first" in text_of(blocked)
    wrong = do(admin, claim, "review", **ticks(claim, video=str(video.pk), imei_seen="49-015420-323751-8"))
    assert "The IMEI is not that of the order" in text_of(wrong)
    mismatch = do(admin, claim, "approve", reason="The video shows it.")
    assert "490154203237518" in text_of(mismatch)
    assert not Refund.objects.exists()
    right = do(admin, claim, "review", **ticks(claim, video=str(video.pk)))

    assert "with the IMEI of the order" in text_of(right)
    assert "eligible: G_CODE_INCORRECT" in text_of(right)
    assert [each.holds for each in VideoReview.objects.order_by("pk")] == [False, True]
    do(admin, claim, "approve", reason="The video shows it.")
    assert fresh(claim).code == "G_CODE_INCORRECT"


def test_another_claims_video_is_not_reviewed_here(admin: Client):
    claim, other = claimed(paid_order()), claimed(paid_order())
    send(claim)
    foreign = send(other)

    response = do(admin, claim, "review", **ticks(claim, video=str(foreign.pk)))

    assert (response.status_code, VideoReview.objects.count()) == (422, 0)


def test_above_the_limit_a_colleague_confirms(admin: Client, sign_in, settings):
    settings.REFUND_SECOND_PERSON_ABOVE = {"EUR": Decimal(10)}
    claim = claimed(paid_order(), T.OTHER)

    first = do(admin, claim, "approve", reason="fair")
    assert "it waits until a colleague confirms it" in text_of(first)
    assert f"do/{'approve'}/" not in first.content.decode()
    own = do(admin, claim, "confirm", reason="me too")
    assert "Somebody else must look at it" in text_of(own)
    listed = text_of(admin.get(reverse("admin:refunds_claim_changelist") + "?waits=second"))
    assert claim.order.number in listed

    done = do(sign_in(factories.make_staff("kim@example.com")), claim, "confirm", reason="I agree")

    assert "Confirmed:" in text_of(done)
    assert (fresh(claim).state, Refund.objects.count()) == (ClaimState.APPROVED, 1)
    assert SecondApproval.objects.get().second_by == "kim@example.com"


def test_turning_it_down_brings_the_buttons_back(admin: Client, settings):
    settings.REFUND_SECOND_PERSON_ABOVE = {"EUR": Decimal(10)}
    claim = claimed(paid_order(), T.OTHER)
    deciding.approve(claim.pk, amount=None, reason="fair", actor=KIM)

    response = do(admin, claim, "turn-down", reason="A video first.")

    assert "do/approve/" in response.content.decode()


def test_a_second_code_and_a_question_to_the_supplier(admin: Client):
    claim = claimed(paid_order())
    do(admin, claim, "ask-supplier", reason="Is the code right?")
    assert (fresh(claim).state, fresh(claim).due_at > clock.now()) == (ClaimState.WAITING_SUPPLIER, True)

    response = do(admin, claim, "second-code", reason="It sends another.")

    number = SecondCode.objects.get().order.number
    assert f"Order {number} gets the second code" in text_of(response)
    assert "second-code/" not in response.content.decode()


def test_a_wrong_service_is_exchanged(admin: Client):
    claim = claimed(paid_order(), T.WRONG_SERVICE)
    right = factories.make_service(name="The right one")
    hidden = factories.make_service(name="A hidden one", is_published=False)
    assert "A hidden one" not in text_of(admin.get(page(claim) + "do/exchange/"))
    do(admin, claim, "exchange", service=str(hidden.pk), reason="Ours was the mistake.")
    assert not SecondCode.objects.exists()

    response = do(admin, claim, "exchange", service=str(right.pk), reason="Ours was the mistake.")

    number = SecondCode.objects.get().order.number
    assert f"Order {number} brings The right one" in text_of(response)
    assert "Exchanged for" in text_of(response)


def test_an_overrule_keeps_what_the_rules_said_beside_it(admin: Client):
    claim = claimed(paid_order(), T.CHANGE_OF_MIND)
    do(admin, claim, "approve", reason="a good customer")

    body = text_of(admin.get(page(claim)))

    assert "not_eligible D_CHANGE_OF_MIND" in body
    assert fresh(claim).engine_clauses in body
    assert fresh(claim).clauses in body


def links(response) -> tuple[str, str, int, int]:
    told = response.context["reading_on"]
    return told.previous, told.next, told.place, told.count


def test_the_way_leads_through_the_queue_the_first_due_first(admin: Client, monday):
    claims = [claimed(paid_order(), T.OTHER) for _ in range(3)]
    for place, claim in enumerate(claims):
        Claim.objects.filter(pk=claim.pk).update(due_at=monday + timedelta(hours=9 - place))
    third, second, first = claims

    assert links(admin.get(page(first))) == ("", page(second), 1, 3)
    assert links(admin.get(page(second))) == (page(first), page(third), 2, 3)
    assert links(admin.get(page(third))) == (page(second), "", 3, 3)
    body = text_of(admin.get(page(second)))
    assert 'rel="prev" accesskey="p"' in body
    assert 'rel="next" accesskey="n"' in body
    do(admin, second, "approve", reason="fair")
    assert links(admin.get(page(second))) == ("", page(first), 0, 2)


def test_it_keeps_the_queues_filter(admin: Client):
    money = claimed(paid_order(), T.OTHER)
    others = [claimed(paid_order(), T.OTHER), claimed(paid_order(), T.CHANGE_OF_MIND)]
    for each in (money, *others[:1]):
        deciding.approve(each.pk, amount=None, reason="fair", actor=KIM)
    kept = "?_changelist_filters=waits%3Dmoney%26type__exact%3Dother"

    told = admin.get(page(money) + kept)

    previous, following, _place, count = links(told)
    assert count == 2
    assert (previous or following) == page(others[0]) + kept
    assert links(admin.get(page(money) + "?_changelist_filters=waits%3Dnonsense"))[3] == 3


def test_the_queue_counts_by_kind_and_age(admin: Client, monday):
    for days in (0, 1, 5, 20):
        claim = claimed(paid_order(), T.OTHER)
        Claim.objects.filter(pk=claim.pk).update(
            state_changed_at=monday - timedelta(days=days), due_at=monday - timedelta(days=days - 1)
        )
    claimed(paid_order(), T.CHANGE_OF_MIND)

    response = admin.get(reverse("admin:refunds_claim_changelist"))

    ages = [(each.type, each.counts, each.total, each.late) for each in response.context["claim_ages"]]
    assert ages == [("other", (1, 1, 1, 1), 4, 2), ("change_of_mind", (1, 0, 0, 0), 1, 0)]
    assert "Waiting for us, by kind and age" in text_of(response)
