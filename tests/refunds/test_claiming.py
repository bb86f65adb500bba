"""Claims by customers: judged at once by the order's own terms, merged when asked twice, refused where impossible."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from orders.models import OutgoingMail
from orders.states import OrderState
from payments import refunding
from payments.refunding import Grounds
from payments.states import RefundState
from refunds import awaiting, calling_off, claiming, deciding, judging
from refunds.models import Claim, ClaimEvent
from refunds.policy.published import profiles
from refunds.policy.sentences import SENTENCES
from refunds.states import ClaimState, ClaimType, FactName
from tests import factories
from tests.refunds.claims import SAM, claimed, fresh, paid_order, payment_of
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused, TransitionRefused

pytestmark = pytest.mark.django_db
S = ClaimState
T = ClaimType


def mails(order) -> list[str]:
    return [mail.facts["title"] for mail in OutgoingMail.objects.filter(purchase=order.purchase, kind="claim")]


# --- Opening


def test_a_failed_code_asks_for_a_video_and_names_the_day(monday):
    claim = claimed(paid_order())

    assert (claim.state, claim.engine_code) == (S.WAITING_CUSTOMER, "H_EVIDENCE_REQUIRED")
    assert claim.evidence_requested_at == monday
    assert claim.due_at == claim.evidence_due_at
    assert monday + timedelta(days=14) < claim.due_at < monday + timedelta(days=15)
    assert mails(claim.order) == ["Please send us evidence"]
    assert [event.kind for event in claim.events.order_by("seq")] == ["opened", "assessed"]


@pytest.mark.parametrize(
    "case",
    [
        (OrderState.COMPLETED, "unlock", T.CHANGE_OF_MIND, "default", S.WAITING_STAFF, "D_CHANGE_OF_MIND"),
        (OrderState.COMPLETED, "unlock", T.RELOCKED, "default", S.WAITING_STAFF, "D_RELOCKED"),
        (OrderState.COMPLETED, "check", T.RESULT_DIFFERS, "default", S.WAITING_STAFF, "H_RESULT_DISPUTED"),
        (OrderState.COMPLETED, "unlock", T.LATE, "default", S.DENIED, "D_GUARANTEE_NOT_EXCEEDED"),
        (OrderState.IN_PROCESS, "unlock", T.LATE, "default", S.DENIED, "D_GUARANTEE_NOT_EXCEEDED"),
        (OrderState.IN_PROCESS, "unlock", T.LATE, "imei_org", S.DENIED, "D_LATE_NOT_GROUND"),
        (OrderState.IN_PROCESS, "unlock", T.STUCK, "default", S.WAITING_SUPPLIER, "H_VERIFICATION_WAIT"),
        (OrderState.IN_PROCESS, "check", T.CHANGE_OF_MIND, "default", S.WAITING_SUPPLIER,
         "H_SUPPLIER_DECISION_PENDING"),
        (OrderState.IN_PROCESS, "unlock", T.CHANGE_OF_MIND, "default", S.WAITING_STAFF, "G_CANCEL_WINDOW"),
        (OrderState.IN_PROCESS, "unlock", T.CHANGE_OF_MIND, "imeishop", S.DENIED, "D_IN_PROCESS_NO_CANCEL"),
        (OrderState.IN_PROCESS, "unlock", T.WRONG_DATA, "default", S.WAITING_SUPPLIER, "H_ORDER_CORRECTION"),
        (OrderState.NOT_FOUND, "unlock", T.NO_RESULT, "default", S.WAITING_STAFF, "H_NOT_FOUND_INVESTIGATION"),
        (OrderState.UNAVAILABLE, "unlock", T.NO_RESULT, "default", S.APPROVED, "G_UNAVAILABLE"),
        (OrderState.UNAVAILABLE, "check", T.NO_RESULT, "doctorsim", S.APPROVED, "G_CHECK_RESULT_UNAVAILABLE"),
        (OrderState.COMPLETED, "unlock", T.OTHER, "default", S.WAITING_STAFF, "H_STAFF_JUDGEMENT"),
    ],
)  # fmt: skip
def test_the_terms_of_the_order_say_where_a_claim_goes(monday, case):
    state, kind, reason, profile, expected, code = case
    claim = claimed(paid_order(state, kind=kind, profile=f"{profile} 2026-11"), reason)

    assert (claim.state, claim.engine_code) == (expected, code)
    assert claim.profile == f"{profile} 2026-11"
    assert claim.due_at is not None or claim.state in {S.DENIED, S.APPROVED}
    if claim.state == S.DENIED:
        assert (claim.code, claim.decided_by) == (code, "shop")
        assert claim.clauses
        mail = OutgoingMail.objects.get(kind="claim")
        assert all(f"({clause})" in mail.facts["clauses"] for clause in claim.clauses.split())


def test_asking_to_stop_work_asks_the_supplier(monday):
    claim = claimed(paid_order(OrderState.IN_PROCESS, kind="check"), T.CHANGE_OF_MIND)

    assert claim.order.cancel_requests.get().reason == "I do not want it any more"


def test_a_stuck_order_is_verified_within_the_suppliers_days(monday):
    claim = claimed(paid_order(OrderState.IN_PROCESS), T.STUCK)

    assert claim.supplier_asked_at == monday
    assert claim.events.get(kind="supplier_asked").data == {"service": "742#"}
    # Seven working days after Monday 23 November, closing at 22:00 in Madrid.
    assert claim.due_at.isoformat() == "2026-12-02T22:00:00+01:00"


def test_a_silent_supplier_gives_the_money_back_after_its_days(monday):
    claim = claimed(paid_order(OrderState.IN_PROCESS), T.STUCK)

    with clock.frozen(claim.due_at):
        awaiting.move_on()
        assert fresh(claim).state == S.WAITING_SUPPLIER
    with clock.frozen(claim.due_at + timedelta(seconds=1)):
        awaiting.move_on()
    found = fresh(claim)
    # Under these terms the guarantee has run out by then too, and it decides.
    assert (found.state, found.engine_decision) == (S.WAITING_STAFF, "eligible")


def test_asking_twice_is_one_claim_with_its_first_day(monday):
    order = paid_order()
    first = claimed(order)
    with clock.frozen(monday + timedelta(days=2)):
        second = claimed(order, text="Still: code error!")

    assert second.pk == first.pk
    assert (fresh(first).repeats, fresh(first).opened_at) == (1, monday)
    assert "Still: code error!" in fresh(first).text
    assert len(mails(order)) == 1


def test_what_is_written_is_bounded():
    claim = claimed(paid_order(), text="x\x00" * 5000)

    assert claim.text == "x" * 2000


def test_the_database_keeps_one_open_claim_of_a_kind():
    claim = claimed(paid_order())

    with pytest.raises(IntegrityError), transaction.atomic():
        Claim.objects.create(
            order=claim.order, type=claim.type, state=S.WAITING_STAFF, due_at=clock.now(), profile=claim.profile,
            by_kind="customer", by_label="x", currency="EUR",
        )  # fmt: skip


def test_the_database_wants_a_denial_to_name_code_and_clauses():
    claim = claimed(paid_order())

    with pytest.raises(IntegrityError), transaction.atomic():
        Claim.objects.filter(pk=claim.pk).update(state=S.DENIED, decided_at=clock.now(), decided_by="x", code="D_X")


def test_the_trail_cannot_be_changed():
    event = claimed(paid_order()).events.first()

    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        ClaimEvent.objects.filter(pk=event.pk).update(kind="note")
    with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM refunds_claimevent")


# --- Refusing


def test_an_unpaid_order_has_nothing_to_claim():
    order = factories.make_order(OrderState.AWAITING_PAYMENT)

    with pytest.raises(Refused) as refused:
        claimed(order)

    assert (refused.value.code, str(refused.value)) == ("unpaid", str(SENTENCES["HOUSE-UNPAID"]))
    assert not Claim.objects.exists()


def test_a_refunded_order_is_refused_with_its_clause():
    order = paid_order()
    payment = payment_of(order)
    refunding.request_refund(
        payment.pk, money=order.money, grounds=Grounds("goodwill", "asked"), actor=SYSTEM, order_id=order.pk
    )

    with pytest.raises(Refused) as refused:
        claimed(order)

    assert refused.value.code == "D_ALREADY_REFUNDED"
    assert str(refused.value) == str(SENTENCES["HOUSE-REFUNDED-ONCE"])
    assert not Claim.objects.exists()


def test_an_order_called_off_and_paid_back_is_refused(monday):
    order = paid_order(OrderState.PAID)
    calling_off.call_off(order.pk, actor=factories.CUSTOMER)

    with pytest.raises(Refused) as refused:
        claimed(order, T.NO_RESULT)

    assert refused.value.code == "D_ALREADY_REFUNDED"


def test_a_reason_that_does_not_fit_is_refused():
    with pytest.raises(Refused) as refused:
        claimed(paid_order(OrderState.IN_PROCESS), T.NOT_WORKING)

    assert refused.value.code == "not_offered"


def test_the_verification_waits_until_the_order_is_stuck(monday):
    """imeishop: an order is stuck once three times its estimate have passed."""
    order = paid_order(OrderState.IN_PROCESS, profile="imeishop 2026-11")
    ruling = judging.foresee(order, T.LATE)
    since = judging.periods.stuck_after(ruling.facts, ruling.profile.numbers)
    assert since is not None

    with clock.frozen(since), pytest.raises(Refused) as refused:
        claimed(order, T.STUCK)
    assert refused.value.code == "not_stuck"
    with clock.frozen(since + timedelta(seconds=1)):
        assert claimed(order, T.STUCK).state == S.WAITING_SUPPLIER


# --- Windows, both sides


def test_the_last_day_for_reporting_counts_to_midnight(monday):
    """imei_server: three days after the result, to the end of the day in the profile's zone (UTC)."""
    end = monday.replace(hour=0) + timedelta(days=4)
    early, late = (paid_order(profile="imei_server 2026-11") for _ in range(2))

    with clock.frozen(end - timedelta(seconds=1)):
        assert claimed(early).state == S.WAITING_CUSTOMER
    with clock.frozen(end):
        denied = claimed(late)
    assert (denied.state, denied.code, denied.clauses.split()[0]) == (
        S.DENIED, "D_NOTIFY_WINDOW_EXPIRED", "IMEISERVER-4.1"
    )  # fmt: skip


def test_a_guarantee_is_exceeded_only_after_it(monday):
    early, late = (paid_order(OrderState.IN_PROCESS) for _ in range(2))
    ruling = judging.foresee(early, T.LATE)
    end = ruling.answer.deadline("guarantee_end")
    assert [each.after for each in judging.what_would_change(ruling)] == [None, end]

    with clock.frozen(end):
        assert claimed(early, T.LATE).state == S.DENIED
    with clock.frozen(end + timedelta(days=1)):
        found = claimed(late, T.LATE)
    assert (found.state, found.engine_code) == (S.WAITING_STAFF, "G_GUARANTEED_TIME_EXCEEDED")


def test_published_profiles_do_not_touch_open_claims(monday, settings):
    claim = claimed(paid_order(profile="imei_server 2026-11"))
    settings.REFUND_PROFILE = "imeishop"

    ruling = judging.judge(fresh(claim))

    assert (ruling.profile.name, ruling.answer.code) == ("imei_server", "H_EVIDENCE_REQUIRED")


# --- Waiting


def test_the_customer_is_reminded_twice_and_then_it_lapses(monday):
    """Default: reminders after 7 and 12 days, 14 days in all."""
    claim = claimed(paid_order())
    titles = []
    for day in (7, 8, 8, 12, 13, 14, 15):
        with clock.frozen(monday + timedelta(days=day)):
            awaiting.move_on()
        titles.append((day, len(mails(claim.order)), fresh(claim).state))

    assert [count for _day, count, _state in titles] == [1, 2, 2, 2, 3, 3, 4]
    assert "Your claim is closed for now" in mails(claim.order)
    assert [state for *_rest, state in titles][-2:] == [S.WAITING_CUSTOMER, S.LAPSED]
    assert fresh(claim).code == "D_NO_EVIDENCE"


def test_evidence_after_the_lapse_reopens_the_claim(monday):
    claim = claimed(paid_order())
    with clock.frozen(claim.evidence_due_at + timedelta(seconds=1)):
        awaiting.move_on()
        assert fresh(claim).state == S.LAPSED
        deciding.evidence_received(claim.pk, actor=factories.CUSTOMER, what="video")
    assert fresh(claim).state == S.WAITING_STAFF


def test_a_claim_is_taken_back_until_it_is_decided(monday):
    claim = claimed(paid_order(), T.OTHER)
    other = claimed(paid_order(), T.OTHER)
    deciding.approve(other.pk, amount=None, reason="fair", actor=SAM)

    assert claiming.withdraw(claim.pk, actor=factories.CUSTOMER).state == S.WITHDRAWN
    with pytest.raises(TransitionRefused):
        claiming.withdraw(other.pk, actor=factories.CUSTOMER)


def test_every_fact_of_every_profile_can_be_recorded():
    names = {bar.bar.fact for each in profiles().values() for bars in each.bars.values() for bar in bars}

    assert names - set(FactName.values) == set()


def test_a_failed_refund_can_be_claimed_again(monday):
    order = paid_order()
    payment = payment_of(order)
    refund = refunding.request_refund(
        payment.pk, money=order.money, grounds=Grounds("goodwill", "asked"), actor=SYSTEM, order_id=order.pk
    )
    type(refund).objects.filter(pk=refund.pk).update(state=RefundState.FAILED)

    assert claimed(order).state == S.WAITING_CUSTOMER
