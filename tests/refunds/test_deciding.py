"""Staff decide claims, the money goes through the one door once, and what the rules refund goes by itself."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from orders import cancelling, lifecycle
from orders.models import OutgoingMail
from orders.states import CancelState, OrderState
from payments import refunding
from payments.models import Dispute, Refund
from payments.paying_by_hand import ByHand
from payments.states import DisputeState, HandWay, RefundState
from refunds import awaiting, claim_moving, deciding, establishing, outcomes, paying_out
from refunds.models import Claim, Fact
from refunds.states import ClaimState, ClaimType, FactName, FactStanding
from refunds.tasks import follow_claims
from tests.refunds.claims import KIM, SAM, claimed, fresh, paid_order, payment_of
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused, TransitionRefused

pytestmark = pytest.mark.django_db
S = ClaimState
T = ClaimType


def establish(order, name=FactName.ALREADY_UNLOCKED, **changes) -> Fact:
    values = {"evidence": "carrier check of 23 November", "actor": SAM, **changes}
    return establishing.record(order, name, FactStanding.ESTABLISHED, **values)


def succeeded(refund: Refund) -> None:
    """The provider confirms the refund."""
    Refund.objects.filter(pk=refund.pk).update(
        state=RefundState.SUCCEEDED, succeeded_at=clock.now(), provider_ref=f"re_{refund.pk}"
    )


# --- Approving


def test_an_approval_asks_the_door_once_and_names_its_rule(monday):
    claim = claimed(paid_order())

    deciding.approve(claim.pk, amount=None, reason="The video shows it.", actor=SAM)

    found = fresh(claim)
    refund = Refund.objects.get()
    assert (found.state, found.refund, found.money) == (S.APPROVED, refund, claim.order.money)
    assert (refund.money, refund.order, refund.actor_label) == (claim.order.money, claim.order, "sam@example.com")
    assert refund.rule.startswith("default 2026-11 STAFF ")
    # Three business days from Monday, or seven calendar days: whichever is first.
    assert found.pay_by.isoformat() == "2026-11-26T21:00:00+00:00"
    assert OutgoingMail.objects.filter(kind="claim").first().facts["title"] == "Your claim is approved"
    follow_claims()
    assert Refund.objects.count() == 1


def test_a_settled_refund_settles_the_claim(monday):
    claim = claimed(paid_order())
    deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)

    follow_claims()
    assert fresh(claim).state == S.APPROVED
    succeeded(fresh(claim).refund)
    follow_claims()
    assert fresh(claim).state == S.SETTLED


def test_part_of_the_price_can_be_given_back_and_no_more_than_is_left():
    claim = claimed(paid_order(), T.OTHER)

    with pytest.raises(Refused) as refused:
        deciding.approve(claim.pk, amount=Decimal("18.91"), reason="fair", actor=SAM)
    assert refused.value.code == "too_much"
    assert fresh(claim).state == S.WAITING_STAFF
    deciding.approve(claim.pk, amount=Decimal("18.90"), reason="fair", actor=SAM)
    assert fresh(claim).refund.amount == Decimal("18.90")


def test_an_approval_beside_a_denial_of_the_rules_is_kept_as_an_overrule():
    claim = claimed(paid_order(), T.CHANGE_OF_MIND)

    deciding.approve(claim.pk, amount=None, reason="A good customer.", actor=SAM)

    found = fresh(claim)
    assert (found.is_overrule, found.engine_code, found.code) == (True, "D_CHANGE_OF_MIND", "STAFF")


def test_of_two_people_one_wins():
    claim = claimed(paid_order(), T.OTHER)
    establish(claim.order)

    deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)
    with pytest.raises(TransitionRefused):
        deciding.deny(claim.pk, reason="no", actor=KIM)
    with pytest.raises(TransitionRefused):
        deciding.approve(claim.pk, amount=None, reason="fair", actor=KIM)

    assert (fresh(claim).decided_by, Refund.objects.count()) == ("sam@example.com", 1)


def test_approving_a_claim_stops_what_has_not_left(monday):
    order = paid_order(OrderState.PAID)
    claim = claimed(order, T.OTHER)

    deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)

    order.refresh_from_db()
    assert (order.state, Refund.objects.get().state) == (OrderState.CANCELLED, RefundState.REQUESTED)


def test_a_refund_that_fails_becomes_a_task_and_is_paid_again(monday):
    claim = claimed(paid_order())
    deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)
    Refund.objects.update(state=RefundState.FAILED, failure="account closed")

    follow_claims()
    follow_claims()
    found = fresh(claim)
    assert (found.state, found.trouble) == (S.APPROVED, "refund_failed: account closed")
    assert Refund.objects.count() == 1

    paying_out.pay_again(claim.pk, reason="new card", actor=KIM)
    found = fresh(claim)
    assert (found.trouble, found.refund.state, Refund.objects.count()) == ("", RefundState.REQUESTED, 2)
    with pytest.raises(Refused):
        paying_out.pay_again(claim.pk, reason="again", actor=KIM)


def test_a_refund_that_comes_back_reopens_the_payment(monday):
    claim = claimed(paid_order())
    deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)
    succeeded(fresh(claim).refund)
    follow_claims()
    Refund.objects.update(state=RefundState.FAILED, failure="account closed")

    follow_claims()

    assert (fresh(claim).state, fresh(claim).trouble) == (S.APPROVED, "refund_failed: account closed")
    paying_out.pay_by_hand(claim.pk, ByHand(HandWay.BANK_TRANSFER, "4711"), actor=SAM)
    assert fresh(claim).state == S.SETTLED


# --- Denying


def test_a_denial_needs_what_the_rules_deny_or_an_established_fact():
    claim = claimed(paid_order(), T.OTHER)

    with pytest.raises(Refused) as refused:
        deciding.deny(claim.pk, reason="I do not believe it", actor=SAM)
    assert refused.value.code == "fact_required"
    establishing.record(claim.order, FactName.ALREADY_UNLOCKED, FactStanding.ALLEGED, evidence="a rumour", actor=SAM)
    with pytest.raises(Refused):
        deciding.deny(claim.pk, reason="I do not believe it", actor=SAM)
    establish(claim.order)
    deciding.deny(claim.pk, reason="It was unlocked.", actor=SAM)

    found = fresh(claim)
    assert (found.state, found.code, found.clauses) == (
        S.DENIED, "D_ALREADY_UNLOCKED", "IMEIORG-8.4 DSIM-UNLOCK-ii-c"
    )  # fmt: skip
    event = found.events.get(kind="denied")
    assert event.data["evidence"] == "Unlocked already: carrier check of 23 November"
    mail = OutgoingMail.objects.filter(kind="claim").first()
    assert mail.facts["code"] == "D_ALREADY_UNLOCKED"
    assert "(IMEIORG-8.4)" in mail.facts["clauses"]
    assert mail.facts["reason"] == "It was unlocked."
    assert not Refund.objects.exists()


def test_what_the_rules_deny_by_a_fact_waits_for_a_person():
    order = paid_order()
    establish(order)
    claim = claimed(order)
    assert (claim.state, claim.engine_decision, claim.engine_code) == (
        S.WAITING_STAFF, "not_eligible", "D_ALREADY_UNLOCKED"
    )  # fmt: skip

    deciding.deny(claim.pk, reason="as recorded", actor=SAM)

    assert (fresh(claim).state, fresh(claim).is_overrule) == (S.DENIED, False)


def test_an_alleged_fact_goes_to_staff_and_bars_nothing():
    order = paid_order()
    establishing.record(order, FactName.ALREADY_UNLOCKED, FactStanding.ALLEGED, evidence="", actor=SYSTEM)

    claim = claimed(order)

    assert (claim.state, claim.engine_code) == (S.WAITING_STAFF, "H_FACT_UNVERIFIED")


def test_facts_name_evidence_and_who_and_are_taken_back():
    order = paid_order()
    for changes, code in (({"evidence": " "}, "evidence_required"), ({"actor": SYSTEM}, "staff_only")):
        with pytest.raises(Refused) as refused:
            establish(order, **changes)
        assert refused.value.code == code
    fact = establish(order)
    with pytest.raises(Refused) as refused:
        establish(order)
    assert refused.value.code == "recorded_already"

    establishing.withdraw(order, fact.pk, reason="another phone", actor=KIM)

    assert claimed(order).state == S.WAITING_CUSTOMER
    fact.refresh_from_db()
    assert (fact.withdrawn_by, fact.withdrawn_reason) == ("kim@example.com", "another phone")


def test_a_fact_about_a_device_counts_in_its_other_orders():
    order = paid_order()
    establish(order, about_device=True)

    other = paid_order()

    assert other.identifier == order.identifier
    assert claimed(other).engine_code == "D_ALREADY_UNLOCKED"


@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [("approved", S.WAITING_STAFF, "G_SUPPLIER_APPROVED_CANCEL"), ("rejected", S.DENIED, "D_SUPPLIER_REJECTED")],
)
def test_the_suppliers_answer_is_judged(monday, answer, state, code):
    claim = claimed(paid_order(OrderState.IN_PROCESS), T.STUCK)

    with clock.frozen(monday + timedelta(hours=1)):
        deciding.record_supplier_answer(claim.pk, answer=answer, reason="by mail", actor=SAM)

    assert (fresh(claim).state, fresh(claim).engine_code) == (state, code)


def test_staff_ask_for_more_and_take_up_again(monday):
    claim = claimed(paid_order(), T.OTHER)

    deciding.ask_for_evidence(claim.pk, reason="A photo of the screen, please.", actor=SAM)
    assert fresh(claim).state == S.WAITING_CUSTOMER
    assert OutgoingMail.objects.filter(kind="claim").first().facts["reason"] == "A photo of the screen, please."
    with clock.frozen(monday + timedelta(days=15)):
        awaiting.move_on()
        assert fresh(claim).state == S.LAPSED
        deciding.reopen(claim.pk, reason="came by mail", actor=SAM)
    assert fresh(claim).state == S.WAITING_STAFF


# --- By itself


@pytest.mark.parametrize(
    ("state", "kind", "profile", "code"),
    [
        (OrderState.UNAVAILABLE, "unlock", "default", "G_UNAVAILABLE"),
        (OrderState.UNAVAILABLE, "check", "default", "G_CHECK_RESULT_UNAVAILABLE"),
        (OrderState.UNAVAILABLE, "topup", "default", "G_TOPUP_FAILED"),
        (OrderState.UNAVAILABLE, "unlock", "imei_org", "G_UNAVAILABLE"),
        (OrderState.CANCELLED, "unlock", "default", "G_REFUSED_BY_SHOP"),
    ],
)
def test_what_brought_nothing_is_refunded_once_by_itself(monday, state, kind, profile, code):
    order = paid_order(state, kind=kind, profile=f"{profile} 2026-11")

    for _ in range(3):
        follow_claims()

    claim = Claim.objects.get()
    assert (claim.type, claim.state, claim.code, claim.decided_by) == (T.OUTCOME, S.APPROVED, code, "shop")
    refund = Refund.objects.get()
    assert (refund.money, refund.actor_kind) == (order.money, "system")
    assert refund.rule.startswith(f"{profile} 2026-11 {code} ")
    mail = OutgoingMail.objects.get(kind="claim")
    assert (mail.facts["title"], mail.facts["code"]) == ("You get your money back", code)
    assert f"({claim.clauses.split()[0]})" in mail.facts["clauses"]
    succeeded(refund)
    follow_claims()
    assert (Claim.objects.get().state, Refund.objects.count()) == (S.SETTLED, 1)


def test_a_cancellation_that_the_supplier_agreed_to_is_refunded_by_itself(monday):
    order = paid_order(OrderState.IN_PROCESS)
    row = cancelling.request(order.pk, reason="asked", actor=SAM)
    cancelling.settle(row.pk, CancelState.AGREED, message="ok", actor=SAM)

    follow_claims()

    assert (Claim.objects.get().code, Refund.objects.get().money) == ("G_SUPPLIER_APPROVED_CANCEL", order.money)


def test_a_device_that_was_not_found_waits_for_a_person(monday):
    order = paid_order(OrderState.NOT_FOUND)
    follow_claims()
    follow_claims()
    claim = Claim.objects.get()
    assert (claim.state, claim.engine_code) == (S.WAITING_STAFF, "H_NOT_FOUND_INVESTIGATION")
    assert not Refund.objects.exists()

    lifecycle.resubmit(order.pk, reason="try again", actor=SAM)
    follow_claims()
    assert fresh(claim).state == S.WITHDRAWN


def test_a_dispute_freezes_what_goes_by_itself(monday):
    order = paid_order(OrderState.UNAVAILABLE)
    payment = payment_of(order)
    outcomes.look_at_ended()
    dispute = Dispute.objects.create(
        payment=payment, provider_ref="dp_1", amount=payment.amount, currency=payment.currency,
        state=DisputeState.NEEDS_RESPONSE, provider_status="needs_response",
    )  # fmt: skip

    follow_claims()
    claim = Claim.objects.get()
    assert (claim.state, claim.refund, claim.trouble.partition(":")[0]) == (S.APPROVED, None, "disputed")
    Dispute.objects.filter(pk=dispute.pk).update(state=DisputeState.WON, closed_at=clock.now())
    follow_claims()
    assert fresh(claim).refund.state == RefundState.REQUESTED


def test_a_disputed_order_is_not_looked_at(monday):
    payment = payment_of(paid_order(OrderState.UNAVAILABLE))
    Dispute.objects.create(
        payment=payment, provider_ref="dp_1", amount=payment.amount, currency=payment.currency,
        state=DisputeState.UNDER_REVIEW, provider_status="under_review",
    )  # fmt: skip

    follow_claims()

    assert not Claim.objects.exists()


def test_what_staff_refunded_is_left_alone(monday):
    order = paid_order(OrderState.UNAVAILABLE)
    refunding.request_refund(
        payment_of(order).pk, money=order.money, grounds=refunding.Grounds("unavailable", "by hand"), actor=SAM,
        order_id=order.pk,
    )  # fmt: skip

    follow_claims()

    assert (Claim.objects.count(), Refund.objects.count()) == (0, 1)


def test_the_money_answers_what_the_customer_asked_meanwhile(monday):
    order = paid_order(OrderState.IN_PROCESS)
    asked = claimed(order, T.STUCK)
    name = order.supplier_attempts.get().supplier.name
    lifecycle.mark_unavailable(order.pk, note="no", supplier_name=name, actor=SYSTEM)

    follow_claims()

    assert fresh(asked).state == S.WITHDRAWN
    assert Refund.objects.count() == 1


def test_forbidden_moves_are_refused():
    claim = claimed(paid_order(), T.OTHER)
    with pytest.raises(TransitionRefused):
        claim_moving.move(claim, S.SETTLED, "settled", actor=SYSTEM)
    assert fresh(claim).state == S.WAITING_STAFF


def test_an_order_taken_up_again_is_not_refunded_by_itself(monday):
    order = paid_order(OrderState.UNAVAILABLE)
    outcomes.look_at_ended()
    lifecycle.resubmit(order.pk, reason="another supplier", actor=SAM)

    follow_claims()

    claim = Claim.objects.get()
    assert (claim.state, claim.trouble.partition(":")[0]) == (S.APPROVED, "order_goes_on")
    assert not Refund.objects.exists()


def test_money_in_full_answers_the_orders_other_claims():
    order = paid_order()
    first, second = claimed(order, T.OTHER), claimed(order, T.RELOCKED)

    deciding.approve(first.pk, amount=None, reason="fair", actor=SAM)

    assert fresh(second).state == S.WITHDRAWN


@pytest.mark.parametrize(
    ("after", "code"),
    [(timedelta(hours=24), "H_RESULT_DISPUTED"), (timedelta(hours=24, seconds=1), "D_STATUS_CHANGED_AFTER_24H")],
)
def test_a_changed_status_speaks_against_a_report_only_after_its_day(monday, after, code):
    order = paid_order(kind="check", profile="doctorsim 2026-11")
    establish(order, FactName.STATUS_CHANGED, happened_at=monday + after)

    with clock.frozen(monday + timedelta(days=2)):
        claim = claimed(order, T.RESULT_DIFFERS)

    assert (claim.state, claim.engine_code) == (S.WAITING_STAFF, code)
