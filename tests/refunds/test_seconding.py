"""Above the limit two people grant a refund, never one twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from orders.states import OrderState
from payments import refunding
from payments.models import Refund
from refunds import claiming, confirming, deciding, establishing, seconding
from refunds.models import SecondApproval
from refunds.states import ClaimState, ClaimType, FactName, FactStanding, Seconding
from refunds.tasks import follow_claims
from tests.factories import CUSTOMER
from tests.refunds.claims import KIM, SAM, claimed, fresh, paid_order
from unlockshop.kernel import actors
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db
S = ClaimState


@pytest.fixture(autouse=True)
def _limit(settings):
    settings.REFUND_SECOND_PERSON_ABOVE = {"EUR": Decimal(10)}


def approved(amount: Decimal | None = None, claim=None):
    claim = claim or claimed(paid_order(), ClaimType.OTHER)
    deciding.approve(claim.pk, amount=amount, reason="fair", actor=SAM)
    return claim


def refusal(function, claim, actor, reason: str = "I agree.") -> str:
    with pytest.raises(Refused) as refused:
        function(claim.pk, reason=reason, actor=actor)
    return refused.value.code


def test_above_the_limit_nothing_moves_until_a_second_person_confirms():
    claim = approved()

    row = SecondApproval.objects.get()
    assert (row.state, row.first_by, row.money) == ("waiting", "sam@example.com", claim.order.money)
    assert (fresh(claim).state, Refund.objects.count()) == (S.WAITING_STAFF, 0)
    confirming.confirm(claim.pk, reason="I agree.", actor=KIM)

    row.refresh_from_db()
    assert (row.state, row.second_by, row.second_reason) == ("confirmed", "kim@example.com", "I agree.")
    found = fresh(claim)
    assert (found.state, found.refund.money, found.decision_reason) == (S.APPROVED, claim.order.money, "fair")
    assert found.decided_by == "sam@example.com, kim@example.com"
    assert [event.kind for event in found.events.order_by("seq")][-5:-1] == [
        "second_asked", "second_confirmed", "approved", "refund_asked"
    ]  # fmt: skip


@pytest.mark.parametrize(("amount", "waits"), [("10", False), ("10.01", True), ("0", False)])
def test_the_limit_itself_is_for_one_person(amount, waits):
    claim = approved(Decimal(amount))

    assert (seconding.waiting(claim) is not None) == waits
    assert fresh(claim).state == (S.WAITING_STAFF if waits else S.APPROVED)


def test_a_currency_without_a_limit_has_none(settings):
    settings.REFUND_SECOND_PERSON_ABOVE = {"USD": Decimal(1)}

    assert fresh(approved()).state == S.APPROVED


def test_the_limit_is_not_passed_in_parts():
    order = paid_order()
    approved(Decimal(8), claimed(order, ClaimType.OTHER))
    second = approved(Decimal(3), claimed(order, ClaimType.RELOCKED))

    assert seconding.waiting(second).amount == 3
    assert Refund.objects.count() == 1


def test_what_staff_gave_back_on_the_payments_page_counts_too():
    order = paid_order(OrderState.COMPLETED)
    claim = claimed(order, ClaimType.OTHER)
    refunding.request_refund(
        order.purchase.payments.get().pk,
        money=Money(Decimal(8), "EUR"),
        grounds=refunding.Grounds(rule="goodwill", reason="A kind word."),
        actor=SAM,
        order_id=order.pk,
    )

    approved(Decimal(3), claim)

    assert seconding.waiting(claim).amount == 3
    assert seconding.waiting(claim).limit == 2


def test_the_same_person_does_not_confirm_whatever_their_address():
    claim = approved()
    renamed = actors.staff(1, "sam@other.example.com")

    for actor in (SAM, renamed, SYSTEM):
        assert refusal(confirming.confirm, claim, actor) == "same_person"
        assert refusal(confirming.turn_down, claim, actor) == "same_person"
    assert (fresh(claim).state, Refund.objects.count()) == (S.WAITING_STAFF, 0)


def test_turned_down_it_waits_for_staff_and_can_be_approved_anew():
    claim = approved()
    assert refusal(confirming.turn_down, claim, KIM, " ") == "reason_required"
    confirming.turn_down(claim.pk, reason="Ask for a video first.", actor=KIM)

    assert (fresh(claim).state, Refund.objects.count()) == (S.WAITING_STAFF, 0)
    assert refusal(confirming.confirm, claim, KIM) == "second_settled"
    deciding.approve(claim.pk, amount=None, reason="There is one.", actor=KIM)
    confirming.confirm(claim.pk, reason="yes", actor=SAM)
    assert fresh(claim).state == S.APPROVED


def test_one_waits_at_a_time():
    claim = approved()

    with pytest.raises(Refused) as refused:
        deciding.approve(claim.pk, amount=None, reason="me too", actor=KIM)

    assert (refused.value.code, SecondApproval.objects.count()) == ("second_waiting", 1)


def test_a_denial_meanwhile_ends_it():
    claim = approved()
    establishing.record(claim.order, FactName.BLACKLISTED, FactStanding.ESTABLISHED, evidence="a report", actor=KIM)
    deciding.deny(claim.pk, reason="It is on record.", actor=KIM)

    assert SecondApproval.objects.get().state == Seconding.OVERTAKEN
    assert refusal(confirming.confirm, claim, KIM) == "second_settled"


def test_a_claim_that_is_taken_back_leaves_nothing_waiting():
    claim = approved()
    claiming.withdraw(claim.pk, actor=CUSTOMER)

    follow_claims()

    assert (SecondApproval.objects.get().state, seconding.all_waiting().count()) == (Seconding.OVERTAKEN, 0)


def test_what_the_rules_grant_by_themselves_needs_nobody():
    paid_order(OrderState.UNAVAILABLE)

    follow_claims()

    assert (Refund.objects.count(), SecondApproval.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    "columns",
    [
        {"second_ident": "1"}, {"second_by": "sam@example.com"}, {"state": "other"}, {"state": "confirmed"},
        {"first_ident": ""}, {"reason": ""}, {"amount": Decimal(1)},
    ],
)  # fmt: skip
def test_the_database_holds_the_rules(columns):
    approved()

    with pytest.raises(IntegrityError), transaction.atomic():
        SecondApproval.objects.update(**columns)
