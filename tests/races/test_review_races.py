"""Two second persons, two buyers of a second code, many uploads at once: one wins, and no room is promised twice."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orders.models import Order
from payments.models import Refund
from refunds import confirming, deciding, second_codes
from refunds.models import Claim, ClaimVideo, SecondApproval, SecondCode
from refunds.states import ClaimState, ClaimType, Seconding
from refunds.videos import receiving, store
from tests.factories import CUSTOMER
from tests.helpers.race import at_once
from tests.helpers.videos import make_claim
from tests.refunds.claims import KIM, SAM, claimed, fresh, paid_order
from unlockshop.kernel import actors

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
LOU = actors.staff(3, "lou@example.com")


def test_of_two_second_persons_one_confirms_and_one_refund_goes_out(settings):
    settings.REFUND_SECOND_PERSON_ABOVE = {"EUR": Decimal(10)}
    claim = claimed(paid_order(), ClaimType.OTHER)
    deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)

    results = at_once(4, lambda n: confirming.confirm(claim.pk, reason="yes", actor=(KIM, LOU)[n % 2]))

    assert sum(isinstance(each, Claim) for each in results) == 1
    assert (Refund.objects.count(), fresh(claim).state) == (1, ClaimState.APPROVED)
    row = SecondApproval.objects.get()
    assert row.state == Seconding.CONFIRMED
    assert fresh(claim).decided_by == f"sam@example.com, {row.second_by}"


def test_confirmed_and_turned_down_at_once_is_one_of_both(settings):
    settings.REFUND_SECOND_PERSON_ABOVE = {"EUR": Decimal(10)}
    claim = claimed(paid_order(), ClaimType.OTHER)
    deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)

    results = at_once(
        2,
        lambda n: (confirming.confirm, confirming.turn_down)[n](claim.pk, reason="so", actor=(KIM, LOU)[n]),
    )

    assert sum(isinstance(each, Claim) for each in results) == 1
    is_confirmed = SecondApproval.objects.get().state == Seconding.CONFIRMED
    assert Refund.objects.count() == is_confirmed


def test_many_buy_one_second_code():
    claim = claimed(paid_order())

    results = at_once(4, lambda n: second_codes.buy(claim.pk, reason="once", actor=(SAM, KIM)[n % 2]))

    assert sum(isinstance(each, SecondCode) for each in results) == 1
    assert (SecondCode.objects.count(), Order.objects.count()) == (1, 2)


def test_money_or_a_second_code_never_both():
    for _ in range(3):
        claim = claimed(paid_order())

        def run(n: int, claim: Claim = claim) -> object:
            if n % 2:
                return second_codes.buy(claim.pk, reason="code", actor=KIM)
            return deciding.approve(claim.pk, amount=None, reason="money", actor=SAM)

        at_once(4, run)

        has_code = SecondCode.objects.filter(claim=claim).exists()
        assert Refund.objects.filter(order=claim.order).count() == (not has_code)


def test_uploads_that_begin_at_once_share_no_room(settings, tmp_path, monkeypatch):
    settings.EVIDENCE_ROOT = str(tmp_path / "evidence")
    monkeypatch.setattr(store, "free", lambda: 2500)
    claims = [make_claim() for _ in range(6)]

    results = at_once(6, lambda n: receiving.begin(claims[n].pk, size=1000, actor=CUSTOMER))

    assert sum(isinstance(each, ClaimVideo) for each in results) == 2
