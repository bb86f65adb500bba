"""Why a device was not found decides what is owed: the finding reaches the claims that wait for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders import investigating
from orders.models import Order
from orders.states import Finding, OrderState
from payments.models import Refund
from refunds import deciding, establishing, judging, resubmitting
from refunds.models import Claim
from refunds.states import ClaimState, ClaimType, FactName, FactStanding
from refunds.tasks import follow_claims
from tests import factories
from tests.refunds.claims import SAM, claimed, fresh, paid_order
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db
S = ClaimState
CLEARED = "G_UNAVAILABLE"


def looked_at(profile: str = "default 2026-11") -> Claim:
    """The claim that waits because a device was not found."""
    paid_order(OrderState.NOT_FOUND, profile=profile)
    follow_claims()
    return Claim.objects.get()


def found(order: Order, finding: Finding) -> None:
    row = investigating.ask(order.pk, note="", actor=factories.CUSTOMER)
    investigating.answer(row.pk, finding=finding, text="We asked.", evidence="panel", actor=SAM)


@pytest.mark.parametrize("profile", ["default 2026-11", "imei_org 2026-11"])
def test_no_mistake_of_the_customer_entitles_to_the_money(monday, profile):
    claim = looked_at(profile)
    assert (claim.state, claim.engine_code) == (S.WAITING_STAFF, "H_NOT_FOUND_INVESTIGATION")

    with clock.frozen(monday + timedelta(hours=1)):
        found(claim.order, Finding.NO_CUSTOMER_ERROR)
    for minutes in (61, 62, 63):
        with clock.frozen(monday + timedelta(minutes=minutes)):
            follow_claims()

    claim = fresh(claim)
    assert (claim.state, claim.engine_decision, claim.engine_code) == (S.WAITING_STAFF, "eligible", CLEARED)
    assert claim.events.filter(kind="assessed").count() == 2
    approved = deciding.approve(claim.pk, amount=None, reason="as found", actor=SAM)
    assert (approved.code, approved.is_overrule) == (CLEARED, False)
    assert Refund.objects.get().money == claim.order.money


@pytest.mark.parametrize(
    ("finding", "code"),
    [(Finding.CUSTOMER_ERROR, "H_NOT_FOUND_INVESTIGATION"), (Finding.WRONGLY_REJECTED, "H_RESUBMIT")],
)
def test_what_the_rules_leave_to_a_person_shows_the_finding_and_is_judged_once(monday, finding, code):
    claim = looked_at()

    with clock.frozen(monday + timedelta(hours=1)):
        found(claim.order, finding)
    for minutes in (61, 62, 63):
        with clock.frozen(monday + timedelta(minutes=minutes)):
            follow_claims()

    claim = fresh(claim)
    assert (claim.state, claim.engine_code) == (S.WAITING_STAFF, code)
    assert claim.events.filter(kind="assessed").count() == 2
    assert not Refund.objects.exists()


def test_a_finding_from_before_the_claim_is_seen_at_once(monday):
    order = paid_order(OrderState.NOT_FOUND)
    found(order, Finding.NO_CUSTOMER_ERROR)

    follow_claims()

    assert Claim.objects.get().engine_code == CLEARED


def test_the_customers_own_claim_follows_too(monday):
    claim = looked_at()
    asked = claimed(claim.order, ClaimType.NO_RESULT)

    with clock.frozen(monday + timedelta(hours=1)):
        found(claim.order, Finding.NO_CUSTOMER_ERROR)
        follow_claims()

    assert {fresh(claim).engine_code, fresh(asked).engine_code} == {CLEARED}


def test_the_finding_of_a_former_end_decides_nothing(monday):
    claim = looked_at()
    with clock.frozen(monday + timedelta(hours=1)):
        found(claim.order, Finding.NO_CUSTOMER_ERROR)
        resubmitting.resubmit(claim.order_id, reason="another source", actor=SAM)
    with clock.frozen(monday + timedelta(hours=2)):
        factories.bring_to(Order.objects.get(), OrderState.NOT_FOUND)
        follow_claims()
        follow_claims()

    assert CLEARED not in set(Claim.objects.values_list("engine_code", flat=True))


@pytest.mark.parametrize("is_fact_later", [True, False])
def test_of_a_fact_and_a_finding_the_last_word_counts(monday, is_fact_later):
    claim = looked_at()
    with clock.frozen(monday + timedelta(hours=1 if is_fact_later else 3)):
        found(claim.order, Finding.CUSTOMER_ERROR)
    with clock.frozen(monday + timedelta(hours=2)):
        establishing.record(
            claim.order, FactName.NO_CUSTOMER_ERROR, FactStanding.ESTABLISHED, evidence="panel", actor=SAM
        )
    with clock.frozen(monday + timedelta(hours=4)):
        follow_claims()

        assert (judging.judge(fresh(claim)).answer.code == CLEARED) == is_fact_later
