"""A paid order is bought once, whatever the supplier, the network or our own workers do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders import advancing, forwarding, lifecycle, resolving, routing
from orders.models import Order, SupplierAttempt
from orders.states import HoldReason, OrderState
from services.models import Offer, Supplier
from services.suppliers.base import JobAccepted, JobState, JobStatus, RefusalCode
from tests import factories
from tests.helpers.suppliers import NOT_SENT, ScriptedClient, asked
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, staff
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, TransitionRefused

pytestmark = pytest.mark.django_db

S = OrderState
SAM = staff(1, "sam@example.com")


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"scripted": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


def paid_order(**supplier) -> Order:
    supplier = factories.make_supplier(**{"adapter": "scripted", **supplier})
    return factories.make_order(service=factories.make_service(supplier=supplier))


def later(**delta) -> None:
    """A clock that stands ``delta`` after now."""
    return clock.frozen(clock.now() + timedelta(**delta))


def state(order: Order) -> str:
    order.refresh_from_db()
    return order.state


def outcomes(order: Order) -> list[str]:
    return list(order.supplier_attempts.values_list("outcome", flat=True))


def test_accepted_order_is_in_process_with_the_suppliers_id():
    order = paid_order()

    advancing.advance(order.pk)

    attempt = order.supplier_attempts.get()
    assert state(order) == S.IN_PROCESS
    assert (attempt.outcome, attempt.supplier_order_id) == ("accepted", f"S-{attempt.reference}")
    assert [exchange.purpose for exchange in attempt.exchanges.all()] == ["place"]


def test_the_supplier_learns_only_what_the_work_needs():
    order = paid_order()

    advancing.advance(order.pk)

    job = ScriptedClient.calls[0][1]
    assert job.identifier == factories.IMEI
    assert factories.ADA not in repr(job)
    assert order.purchase.number not in repr(job)


def test_advancing_fifty_times_buys_once():
    order = paid_order()

    for _ in range(50):
        advancing.advance(order.pk)

    assert asked("place") == 1


def test_nothing_is_sent_before_its_hold_is_over():
    order = paid_order()
    Order.objects.filter(pk=order.pk).update(forward_after=clock.now() + timedelta(minutes=10))

    advancing.advance(order.pk)
    assert asked("place") == 0
    with later(minutes=9):
        advancing.advance(order.pk)
    assert asked("place") == 0
    with later(minutes=11):
        advancing.advance(order.pk)
    assert asked("place") == 1


def test_an_attempt_is_committed_before_the_call(settings):
    order = paid_order()
    seen = []
    ScriptedClient.reset(place=[lambda: seen.append(outcomes(order)) or JobAccepted("S1")])

    advancing.advance(order.pk)

    assert seen == [["in_flight"]]


def test_not_sent_goes_back_and_is_tried_again_later():
    order = paid_order()
    ScriptedClient.reset(place=[NOT_SENT])

    advancing.advance(order.pk)
    assert state(order) == S.PAID
    advancing.advance(order.pk)
    assert asked("place") == 1, "not before the back-off"
    with later(seconds=10):
        advancing.advance(order.pk)

    assert outcomes(order) == ["not_sent", "accepted"]
    assert state(order) == S.IN_PROCESS


def test_a_supplier_without_an_adapter_was_sent_nothing():
    order = paid_order(adapter="gone")

    advancing.advance(order.pk)

    assert outcomes(order) == ["not_sent"]
    assert state(order) == S.PAID
    assert "gone" in order.supplier_attempts.get().message


def test_attempts_end_with_a_person():
    order = paid_order()
    ScriptedClient.reset(place=[NOT_SENT] * 100)

    for day in range(routing.ATTEMPTS_CAP + 5):
        with later(days=day + 1):
            advancing.advance(order.pk)

    assert state(order) == S.ON_HOLD
    assert order.hold_reason == HoldReason.TOO_MANY_ATTEMPTS
    assert asked("place") == routing.ATTEMPTS_CAP


@pytest.mark.parametrize("code", [RefusalCode.FUNDS, RefusalCode.AUTH, RefusalCode.IP, RefusalCode.MAINTENANCE])
def test_a_supplier_without_service_pauses_and_resumes_by_itself(code):
    order = paid_order()
    other = factories.make_order(service=order.service, imeis=(factories.imei(2),))
    ScriptedClient.reset(place=[Refused("no", code=code)])

    advancing.advance(order.pk)
    advancing.advance(other.pk)

    assert asked("place") == 1, "one order finds out for all"
    assert (state(order), state(other)) == (S.PAID, S.PAID)
    with later(minutes=10):
        advancing.advance(order.pk)
        advancing.advance(other.pk)
    assert (state(order), state(other)) == (S.IN_PROCESS, S.IN_PROCESS)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (RefusalCode.INPUT, HoldReason.INPUT_REFUSED),
        (RefusalCode.DUPLICATE, HoldReason.SUPPLIER_REFUSED),
        ("address", HoldReason.SUPPLIER_REFUSED),
    ],
)
def test_a_refusal_about_the_order_goes_to_staff(code, reason):
    order = paid_order()
    ScriptedClient.reset(place=[Refused("no", code=code)])

    advancing.advance(order.pk)

    assert state(order) == S.ON_HOLD
    assert order.hold_reason == reason
    assert order.owner
    assert order.owner_due_at


def test_a_gone_service_falls_back_to_the_next_offer_and_then_to_staff():
    order = paid_order()
    second = factories.make_supplier(adapter="scripted")
    Offer.objects.create(
        service=order.service,
        supplier=second,
        supplier_service_id="9",
        cost=1,
        cost_currency="EUR",
        priority=200,
    )
    ScriptedClient.reset(place=[Refused("gone", code=RefusalCode.SERVICE_GONE)] * 2)

    advancing.advance(order.pk)
    advancing.advance(order.pk)
    assert list(order.supplier_attempts.values_list("supplier__slug", flat=True))[1:] == [second.slug]
    advancing.advance(order.pk)

    assert state(order) == S.ON_HOLD
    assert order.hold_reason == HoldReason.NO_SUPPLIER


@pytest.mark.parametrize("end", ["unknown answer", "lost worker"])
def test_an_unclear_outcome_is_never_repeated_blindly(end):
    order = paid_order()
    if end == "lost worker":
        attempt = forwarding.begin(order.pk)
        with later(seconds=95):
            advancing.advance(order.pk)
        assert attempt is not None
    else:
        ScriptedClient.reset(place=[OutcomeUnknown("timed out")])
        advancing.advance(order.pk)

    assert state(order) == S.UNCERTAIN
    assert outcomes(order) == ["unknown"]
    with later(days=1):
        for _ in range(5):
            advancing.advance(order.pk)

    assert asked("place") <= 1
    assert state(order) == S.ON_HOLD
    assert order.hold_reason == HoldReason.UNCERTAIN_PURCHASE


def test_a_live_lease_is_not_taken_for_lost():
    order = paid_order()
    forwarding.begin(order.pk)

    with later(seconds=80):
        advancing.advance(order.pk)

    assert state(order) == S.SUBMITTING


def uncertain(**supplier) -> Order:
    order = paid_order(**supplier)
    ScriptedClient.reset(place=[OutcomeUnknown("timed out")])
    advancing.advance(order.pk)
    return order


def resolve(order: Order, times: int = 1) -> None:
    for n in range(times):
        with later(hours=n + 1):
            advancing.advance(order.pk)


def test_the_one_match_by_our_reference_is_adopted():
    order = uncertain(finds_by_reference=True)
    ScriptedClient.reset(find=[["S-77"]])

    resolve(order)

    assert ScriptedClient.calls == [("find", order.supplier_attempts.get().reference)]
    assert state(order) == S.IN_PROCESS
    assert outcomes(order) == ["adopted"]


def test_no_look_up_before_the_books_have_settled():
    order = uncertain(finds_by_reference=True, settle_seconds=600)

    with later(seconds=590):
        advancing.advance(order.pk)
    assert asked("find") == 0


def test_several_matches_are_a_possible_double_for_staff():
    order = uncertain(finds_by_reference=True)
    ScriptedClient.reset(find=[["S-1", "S-2"]])

    resolve(order)

    assert state(order) == S.ON_HOLD
    assert order.hold_reason == HoldReason.DOUBLE_PURCHASE


def test_absent_twice_is_proof_only_where_earned():
    order = uncertain(finds_by_reference=True, absent_is_proof=True)

    resolve(order)
    assert state(order) == S.UNCERTAIN
    assert asked("place") == 1
    resolve(order, times=3)

    assert outcomes(order) == ["abandoned_absent", "accepted"]
    assert state(order) == S.IN_PROCESS


def test_absent_is_no_proof_elsewhere():
    order = uncertain(finds_by_reference=True)

    resolve(order, times=3)

    assert state(order) == S.ON_HOLD
    assert outcomes(order) == ["unknown"]


@pytest.mark.parametrize("error", [Retryable("down"), OutcomeUnknown("html"), Refused("auth", code="auth")])
def test_a_failed_look_up_proves_nothing(error):
    order = uncertain(finds_by_reference=True, absent_is_proof=True)
    ScriptedClient.reset(find=[error, error, error])

    resolve(order, times=3)

    assert state(order) == S.UNCERTAIN
    assert order.supplier_attempts.get().lookups_absent == 0


def test_a_supplier_that_cannot_be_asked_for_a_day_leaves_it_to_staff():
    order = uncertain(finds_by_reference=True, absent_is_proof=True)
    ScriptedClient.reset(find=[Retryable("down")])

    with later(hours=25):
        advancing.advance(order.pk)

    assert state(order) == S.ON_HOLD
    assert outcomes(order) == ["unknown"]


def test_a_late_acceptance_of_an_uncertain_order_counts():
    order = uncertain()
    attempt = order.supplier_attempts.get()

    forwarding.record_accepted(attempt, "S-late", actor=SYSTEM)

    assert state(order) == S.IN_PROCESS


def test_a_late_acceptance_of_a_given_up_attempt_is_a_loss_on_record():
    order = uncertain(finds_by_reference=True, absent_is_proof=True)
    resolve(order, times=3)
    first = order.supplier_attempts.get(n=1)

    forwarding.record_accepted(first, "S-ghost", actor=SYSTEM)

    assert order.events.filter(kind="attempt.late_surprise").count() == 1
    assert SupplierAttempt.objects.get(pk=first.pk).is_late_surprise
    assert not Supplier.objects.get(pk=first.supplier_id).absent_is_proof, "the licence is lost"
    assert state(order) == S.IN_PROCESS


def test_an_id_of_another_order_is_a_conflict_for_staff():
    first, order = paid_order(), None
    order = factories.make_order(service=first.service, imeis=(factories.imei(2),))
    ScriptedClient.reset(place=[JobAccepted("S-1"), JobAccepted("S-1")])

    advancing.advance(first.pk)
    advancing.advance(order.pk)

    assert state(first) == S.IN_PROCESS
    assert state(order) == S.ON_HOLD
    assert outcomes(order) == ["unknown"]


def parked() -> Order:
    order = uncertain()
    resolve(order)
    assert state(order) == S.ON_HOLD
    return order


def test_staff_say_bought():
    order = parked()

    resolving.say_bought(order.pk, supplier_order_id=" S-9 ", evidence="seen in the panel", actor=SAM)

    assert state(order) == S.IN_PROCESS
    assert order.supplier_attempts.get().supplier_order_id == "S-9"
    event = order.events.get(kind="order.said_bought")
    assert (event.actor_label, event.data["evidence"]) == ("sam@example.com", "seen in the panel")


def test_staff_say_not_bought_and_it_is_sent_again():
    order = parked()

    resolving.say_not_bought(order.pk, evidence="not in the panel", actor=SAM)
    advancing.advance(order.pk)

    assert outcomes(order) == ["not_bought", "accepted"]
    assert state(order) == S.IN_PROCESS


def test_staff_cannot_claim_another_orders_id():
    order = parked()
    other = factories.make_order(service=order.service, imeis=(factories.imei(2),))
    ScriptedClient.reset(place=[JobAccepted("S-9")])
    advancing.advance(other.pk)

    with pytest.raises(Refused) as refused:
        resolving.say_bought(order.pk, supplier_order_id="S-9", evidence="seen", actor=SAM)

    assert refused.value.code == "id_taken"
    assert state(order) == S.ON_HOLD
    assert not order.events.filter(kind="order.said_bought").exists()


def test_a_pause_that_staff_end_early_is_not_slept_through():
    order = paid_order(paused_until=clock.now() + timedelta(days=1))

    advancing.advance(order.pk)

    order.refresh_from_db()
    assert order.next_action_at - clock.now() < timedelta(minutes=6)


@pytest.mark.parametrize(("supplier_order_id", "evidence"), [("", "seen"), ("S-1", " ")])
def test_staff_need_evidence(supplier_order_id, evidence):
    order = parked()

    with pytest.raises(Refused, match="required"):
        resolving.say_bought(order.pk, supplier_order_id=supplier_order_id, evidence=evidence, actor=SAM)


def test_nothing_uncertain_nothing_to_say():
    order = factories.make_order(S.ON_HOLD)

    with pytest.raises(TransitionRefused):
        resolving.say_not_bought(order.pk, evidence="x", actor=SAM)


def in_process() -> Order:
    order = paid_order()
    advancing.advance(order.pk)
    return order


def poll(order: Order, *statuses) -> None:
    ScriptedClient.reset(status=list(statuses))
    for n in range(len(statuses)):
        with later(minutes=n + 1):
            advancing.advance(order.pk)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (JobStatus(JobState.DONE, "CODE 1234"), S.COMPLETED),
        (JobStatus(JobState.UNAVAILABLE, "not eligible"), S.UNAVAILABLE),
        (JobStatus(JobState.NOT_FOUND, "no record"), S.NOT_FOUND),
        (JobStatus(JobState.DONE, "  "), S.ON_HOLD),
        (JobStatus(JobState.DONE, "CODE 1234", identifier="490154203237518"), S.ON_HOLD),
        (JobStatus(JobState.DONE, "CODE 1234", identifier="35-417803-685978-9"), S.COMPLETED),
    ],
)
def test_an_answer_ends_the_order_as_it_says(answer, expected):
    order = in_process()

    poll(order, JobStatus(JobState.PENDING), answer)

    assert state(order) == expected
    assert bool(order.result) == (expected == S.COMPLETED)


@pytest.mark.parametrize("end", [JobState.UNAVAILABLE, JobState.NOT_FOUND])
def test_a_rejected_order_can_be_sent_once_more(end):
    order = in_process()
    poll(order, JobStatus(end, "no"))

    lifecycle.resubmit(order.pk, reason="wrong rejection", actor=SAM)
    advancing.advance(order.pk)

    assert outcomes(order) == ["rejected", "accepted"]
    assert state(order) == S.IN_PROCESS


def test_an_error_says_nothing_about_the_order():
    order = in_process()

    poll(order, Retryable("down"), OutcomeUnknown("html"), Refused("no", code="auth"))

    assert state(order) == S.IN_PROCESS
    assert asked("status") == 3


def test_the_end_is_final():
    order = in_process()

    poll(
        order,
        JobStatus(JobState.DONE, "CODE 1"),
        JobStatus(JobState.PENDING),
        JobStatus(JobState.DONE, "CODE 2"),
    )

    assert asked("status") == 1
    assert order.mails.count() == 1


def test_due_orders_are_found_longest_waiting_first():
    first, second, held = paid_order(), paid_order(), paid_order()
    lifecycle.hold(held.pk, reason=HoldReason.STAFF, actor=SYSTEM)
    lifecycle.postpone(first.pk, S.PAID, until=clock.now() - timedelta(minutes=5))
    factories.make_order(S.COMPLETED)
    factories.make_order(S.AWAITING_PAYMENT)

    assert advancing.due_orders(limit=10) == [first.pk, second.pk]
