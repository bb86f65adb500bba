"""Two people, two tabs, many sweeps: one decision, one claim, one refund."""

from __future__ import annotations

import pytest

from orders.states import OrderState
from payments.models import Refund
from refunds import deciding, establishing, outcomes, paying_out
from refunds.models import Claim, ClaimEvent
from refunds.states import ClaimState, ClaimType, FactName, FactStanding
from refunds.tasks import follow_claims
from tests.helpers.race import at_once
from tests.refunds.claims import KIM, SAM, claimed, fresh, paid_order
from unlockshop.kernel.errors import TransitionRefused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_approved_and_denied_at_once_is_decided_once():
    for _ in range(6):
        claim = claimed(paid_order(), ClaimType.OTHER)
        establishing.record(
            claim.order, FactName.BLACKLISTED, FactStanding.ESTABLISHED, evidence="a report", actor=SAM
        )

        def run(n: int, claim: Claim = claim) -> object:
            if n % 2:
                return deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)
            return deciding.deny(claim.pk, reason="no", actor=KIM)

        results = at_once(4, run)

        found = fresh(claim)
        assert sum(isinstance(each, Claim) for each in results) == 1
        assert {type(each) for each in results} == {Claim, TransitionRefused}
        assert found.decided_by == ("sam@example.com" if found.state == ClaimState.APPROVED else "kim@example.com")
        assert Refund.objects.filter(order=claim.order).count() == (found.state == ClaimState.APPROVED)
        assert ClaimEvent.objects.filter(claim=claim, kind__in=["approved", "denied"]).count() == 1
        assert claim.order.purchase.mails.filter(kind="claim").count() == 2


def test_claimed_by_many_it_is_one_claim():
    order = paid_order()

    at_once(8, lambda _n: claimed(order))

    claim = Claim.objects.get()
    assert claim.repeats == 7
    assert [event.seq for event in claim.events.order_by("seq")] == list(range(1, 10))


def test_many_sweeps_refund_once():
    paid_order(OrderState.UNAVAILABLE)
    at_once(6, lambda _n: outcomes.look_at_ended())
    assert Claim.objects.count() == 1
    at_once(6, lambda _n: paying_out.pay_due())
    at_once(3, lambda _n: follow_claims())
    assert Refund.objects.count() == 1
