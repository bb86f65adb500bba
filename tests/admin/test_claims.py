"""Staff decide claims on their pages: the queue, the whole picture, the buttons, and two people at once."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from orders.models import OutgoingMail
from orders.states import OrderState
from payments.models import Refund
from payments.states import RefundState
from refunds import deciding, establishing
from refunds.models import Claim, Fact
from refunds.states import ClaimState, ClaimType, FactName, FactStanding
from refunds.tasks import follow_claims
from tests import factories
from tests.refunds.claims import KIM, SAM, claimed, fresh, paid_order

pytestmark = pytest.mark.django_db
T = ClaimType


def page(claim: Claim) -> str:
    return reverse("admin:refunds_claim_change", args=[claim.pk])


def do(client: Client, claim: Claim, button: str, **data):
    """Open the button's page and send its form, as a browser does."""
    url = reverse("admin:refunds_claim_do", args=[claim.pk, button])
    opened = client.get(url)
    assert opened.status_code == 200, button
    version = opened.context["form"]["version"].value()
    return client.post(url, {"version": version, **data}, follow=True)


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def establish(claim: Claim) -> Fact:
    return establishing.record(
        claim.order, FactName.ALREADY_UNLOCKED, FactStanding.ESTABLISHED, evidence="carrier check", actor=SAM
    )


def test_the_queue_shows_the_first_due_first(admin: Client, monday):
    later = claimed(paid_order(), T.OTHER)
    sooner = claimed(paid_order(), T.OTHER)
    Claim.objects.filter(pk=sooner.pk).update(due_at=monday)
    waiting = claimed(paid_order())

    body = text_of(admin.get(reverse("admin:refunds_claim_changelist") + "?waits=staff"))

    assert body.index(sooner.order.number) < body.index(later.order.number)
    assert waiting.order.number not in body


def test_the_landing_page_counts_claims_by_kind(admin: Client, monday):
    claimed(paid_order(), T.OTHER)
    claimed(paid_order(), T.OTHER)
    claimed(paid_order(), T.CHANGE_OF_MIND)
    approved = claimed(paid_order(), T.OTHER)
    deciding.approve(approved.pk, amount=None, reason="fair", actor=SAM)

    body = text_of(admin.get(reverse("admin:index")))

    assert "Claims: Something else" in body
    assert "Claims: I do not want it any more" in body
    assert "Approved claims, money due" in body


def test_the_page_shows_what_a_decision_rests_on(admin: Client):
    claim = claimed(paid_order(), text="<script>alert(1)</script>")
    establish(claim)
    other = claimed(paid_order(), T.OTHER)

    body = text_of(admin.get(page(claim)))

    for part in (
        claim.order.number, "default 2026-11", "not_eligible: D_ALREADY_UNLOCKED", "IMEIORG-8.4", "carrier check",
        "Clauses tried", "Deadlines", other.order.number, "Trail", factories.ADA,
    ):  # fmt: skip
        assert part in body, part
    assert "<script>alert(1)" not in body


def test_staff_approve_and_the_refund_is_asked_for(admin: Client):
    claim = claimed(paid_order())

    response = do(admin, claim, "approve", reason="The video shows it.")

    assert "go back, and the customer is told" in text_of(response)
    refund = Refund.objects.get()
    assert (refund.actor_label, refund.money) == ("sam@example.com", claim.order.money)
    assert fresh(claim).refund == refund
    Refund.objects.update(state=RefundState.FAILED, failure="closed")
    follow_claims()
    assert "refund_failed: closed" in text_of(admin.get(page(claim)))
    do(admin, claim, "pay-again", reason="asked the bank")
    assert Refund.objects.exclude(state=RefundState.FAILED).count() == 1


def test_too_much_is_not_approved(admin: Client):
    claim = claimed(paid_order())

    response = do(admin, claim, "approve", reason="fair", amount="18.91")

    assert "can still be refunded" in text_of(response)
    assert (fresh(claim).state, Refund.objects.count()) == (ClaimState.WAITING_CUSTOMER, 0)


def test_a_denial_without_a_fact_is_refused_and_with_one_is_told(admin: Client):
    claim = claimed(paid_order(), T.OTHER)

    refused = do(admin, claim, "deny", reason="I do not believe it")
    assert "Record the established fact that the denial rests on first." in text_of(refused)
    assert fresh(claim).state == ClaimState.WAITING_STAFF

    empty = do(admin, claim, "fact", name="already_unlocked", standing="established", evidence="")
    assert empty.status_code == 422
    assert "An established fact names its evidence." in text_of(empty)
    do(admin, claim, "fact", name="already_unlocked", standing="established", evidence="carrier check of today")
    do(admin, claim, "deny", reason="It was unlocked before.")

    assert (fresh(claim).state, fresh(claim).code) == (ClaimState.DENIED, "D_ALREADY_UNLOCKED")
    mail = OutgoingMail.objects.filter(kind="claim").first()
    assert (mail.facts["title"], mail.facts["reason"]) == ("Your claim is not approved", "It was unlocked before.")


def test_of_two_people_at_once_one_wins(admin: Client, sign_in):
    claim = claimed(paid_order(), T.OTHER)
    establish(claim)
    kim = sign_in(factories.make_staff("kim@example.com"))
    url = reverse("admin:refunds_claim_do", args=[claim.pk, "deny"])
    seen = kim.get(url).context["form"]["version"].value()

    do(admin, claim, "approve", reason="fair")
    late = kim.post(url, {"version": seen, "reason": "no"}, follow=True)

    assert "was not done" in text_of(late)
    assert (fresh(claim).state, fresh(claim).decided_by) == (ClaimState.APPROVED, "sam@example.com")


def test_a_stale_picture_does_not_decide(admin: Client):
    """A fact came in between opening the form and sending it."""
    claim = claimed(paid_order(), T.OTHER)
    url = reverse("admin:refunds_claim_do", args=[claim.pk, "approve"])
    seen = admin.get(url).context["form"]["version"].value()
    establish(claim)

    late = admin.post(url, {"version": seen, "reason": "fair"}, follow=True)

    assert "has changed meanwhile" in text_of(late)
    assert fresh(claim).state == ClaimState.WAITING_STAFF


def test_the_other_buttons(admin: Client, monday):
    claim = claimed(paid_order(OrderState.IN_PROCESS), T.STUCK)
    do(admin, claim, "supplier", reason="by mail", answer="rejected")
    assert (fresh(claim).state, fresh(claim).code) == (ClaimState.DENIED, "D_SUPPLIER_REJECTED")
    do(admin, claim, "reopen", reason="it wrote again")
    assert fresh(claim).state == ClaimState.WAITING_STAFF
    do(admin, claim, "ask", reason="A photo, please.")
    assert fresh(claim).state == ClaimState.WAITING_CUSTOMER
    do(admin, claim, "fact", name="blacklisted", standing="alleged", evidence="")
    fact = Fact.objects.get()
    do(admin, claim, "take-back", reason="another phone", fact=str(fact.pk))
    fact.refresh_from_db()
    assert fact.withdrawn_by == "sam@example.com"


def test_an_exchange_is_settled_by_hand(admin: Client):
    claim = claimed(paid_order(), T.WRONG_SERVICE)

    do(admin, claim, "approve", reason="We send the right one.", amount="0")
    assert (fresh(claim).state, Refund.objects.count()) == (ClaimState.APPROVED, 0)
    assert "We put it right without a refund" in OutgoingMail.objects.filter(kind="claim").first().facts["text"]
    do(admin, claim, "settle", reason="sent as order 4711")
    assert fresh(claim).state == ClaimState.SETTLED


def test_who_may_only_look_gets_no_buttons(sign_in):
    claim = claimed(paid_order(), T.OTHER)
    user = factories.make_staff("lou@example.com", superuser=False)
    user.user_permissions.add(Permission.objects.get(codename="view_claim"))
    lou = sign_in(user)

    assert "Approve" not in text_of(lou.get(page(claim)))
    url = reverse("admin:refunds_claim_do", args=[claim.pk, "approve"])
    assert lou.post(url, {"reason": "me"}).status_code == 403
    assert fresh(claim).state == ClaimState.WAITING_STAFF


def test_the_facts_page(admin: Client):
    fact = establish(claimed(paid_order(), T.OTHER))
    establishing.withdraw(fact.order, fact.pk, reason="another phone", actor=KIM)

    assert "Unlocked already" in text_of(admin.get(reverse("admin:refunds_fact_changelist")))
    body = text_of(admin.get(reverse("admin:refunds_fact_change", args=[fact.pk])))
    assert "carrier check" in body
    assert "kim@example.com: another phone" in body


def test_the_list_costs_no_query_per_claim(admin: Client, django_assert_max_num_queries):
    for _ in range(2):
        claimed(paid_order(), T.OTHER)
    admin.get(reverse("admin:refunds_claim_changelist"))
    with django_assert_max_num_queries(24) as few:
        admin.get(reverse("admin:refunds_claim_changelist"))
    for _ in range(6):
        claimed(paid_order(), T.OTHER)
    with django_assert_max_num_queries(len(few)):
        admin.get(reverse("admin:refunds_claim_changelist"))
