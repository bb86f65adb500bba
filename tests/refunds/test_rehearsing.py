"""Decisions under a version that is not published: what would differ is found and named, and nothing is written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders.models import Order
from refunds import calling_off, policy_versions
from refunds.models import Claim, ClaimEvent
from refunds.rehearsing import Source, rehearse
from refunds.scenarios import files, reading
from tests.refunds.claims import claimed, paid_order
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db


def shorter(days: int):
    """The rules in force, with fewer days to ask."""
    return policy_versions.draft(calling_off.in_force(), {"claims.request_days": days})


def found(rehearsal, source: Source):
    return [each for each in rehearsal.differing if each.source == source]


def test_the_same_numbers_decide_the_same():
    claimed(paid_order())
    paid_order()
    agreed = calling_off.in_force()

    rehearsal = rehearse(agreed, agreed)

    worked = sum(
        reading.scenario(raw).profile == agreed.name for path in files.worked() for raw in files.load(path)[0]
    )
    assert rehearsal.taken == {Source.WORKED: worked, Source.CLAIM: 1, Source.ORDER: 1}
    assert worked > 100
    assert rehearsal.differing == ()


def test_a_claim_an_order_and_worked_decisions_that_would_be_denied():
    with clock.frozen(clock.now() - timedelta(days=100)):
        late, unasked = paid_order(), paid_order()
    claim, fresh = claimed(late), claimed(paid_order())
    before = list(Claim.objects.order_by("pk").values()), ClaimEvent.objects.count(), list(Order.objects.values())

    rehearsal = rehearse(calling_off.in_force(), shorter(60))

    differing, dated = found(rehearsal, Source.CLAIM)
    assert (differing.row, differing.is_another) == (claim, True)
    assert (dated.row, dated.is_another) == (fresh, False)
    assert {change.part for change in differing.changes} >= {"Decision", "Reason"}
    assert next(each for each in differing.changes if each.part == "Reason").new == "D_REQUEST_WINDOW_EXPIRED"
    assert [each.row for each in found(rehearsal, Source.ORDER)] == [unasked]
    assert found(rehearsal, Source.WORKED)
    assert before == (
        list(Claim.objects.order_by("pk").values()), ClaimEvent.objects.count(), list(Order.objects.values())
    )  # fmt: skip


def test_only_the_newest_are_decided_and_the_rest_is_counted():
    for _each in range(3):
        claimed(paid_order())
        paid_order()

    rehearsal = rehearse(calling_off.in_force(), shorter(60), newest=2)

    assert (rehearsal.taken[Source.CLAIM], rehearsal.there_are[Source.CLAIM]) == (2, 3)
    assert (rehearsal.taken[Source.ORDER], rehearsal.there_are[Source.ORDER]) == (2, 3)


def test_decisions_by_other_profiles_are_left_alone():
    claimed(paid_order(profile="doctorsim 2026-11"))
    paid_order(profile="doctorsim 2026-11")

    rehearsal = rehearse(calling_off.in_force(), shorter(60))

    assert rehearsal.there_are[Source.CLAIM] == rehearsal.there_are[Source.ORDER] == 0
