"""What may be relied on at a supplier is measured on real orders, and lost at the first counter-example."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from orders import comparing, measuring
from orders.models import BulkProbe, ListingProbe, Order, SupplierAttempt
from orders.models.probe import ProbeVerdict
from orders.states import AttemptOutcome, OrderState
from services import proving
from services.models import Capability, CapabilityProof, Supplier
from services.models.health import NoticeKind, StaffNotice
from services.proving import Figures
from services.suppliers.base import Feature, JobState, JobStatus
from tests import factories
from tests.helpers.suppliers import PENDING, ScriptedClient, asked
from unlockshop.kernel import clock
from unlockshop.kernel.actors import staff
from unlockshop.kernel.errors import Refused, Retryable

pytestmark = pytest.mark.django_db
FINDS, ABSENT, MANY = Capability.FINDS_BY_REFERENCE, Capability.ABSENT_IS_PROOF, Capability.ASKS_MANY
SAM = staff(1, "sam@example.com")


@pytest.fixture(autouse=True)
def _scripted(settings, monday):
    settings.SUPPLIER_ADAPTERS = {"scripted": "tests.helpers.suppliers.ScriptedClient"}
    settings.SUPPLIER_SETTLE_AT_LEAST = 600
    ScriptedClient.reset()


@pytest.fixture
def at(monday):
    """Put the clock to so many seconds after Monday noon."""
    with ExitStack() as stack:
        yield lambda seconds: stack.enter_context(clock.frozen(monday + timedelta(seconds=seconds)))


def accepted(**supplier) -> SupplierAttempt:
    supplier = factories.make_supplier(**{"adapter": "scripted", "settle_seconds": 600, **supplier})
    return accepted_at(supplier)


def accepted_at(supplier: Supplier, serial: int = 1) -> SupplierAttempt:
    service = factories.make_service(supplier=supplier)
    attempt = factories.make_attempt(factories.make_order(service=service, imeis=(factories.imei(serial),)))
    moment = clock.now()
    factories.set_outcome(attempt, AttemptOutcome.ACCEPTED, supplier_order_id=f"S-{attempt.pk}", settled_at=moment)
    return attempt


def found_after(attempt: SupplierAttempt, lag: int, since: datetime, *, n: int, at_least: int = 0) -> None:
    """``n`` follow-ups that found their orders after ``lag`` seconds; their attempts are copies of one."""
    copies = [
        SupplierAttempt(
            order=attempt.order, n=100 + m, supplier=attempt.supplier, supplier_service_id="1", cost=1,
            cost_currency="EUR", reference=f"R-{since.timestamp()}-{m}", outcome=AttemptOutcome.REJECTED,
            supplier_order_id=f"C-{since.timestamp()}-{m}", send_before=since, lease_until=since,
        )
        for m in range(ListingProbe.objects.count(), ListingProbe.objects.count() + n)
    ]  # fmt: skip
    SupplierAttempt.objects.bulk_create(copies)
    ListingProbe.objects.bulk_create(
        ListingProbe(
            attempt=copy, supplier=attempt.supplier, since=since, verdict=ProbeVerdict.FOUND, lag_at_most=lag,
            lag_at_least=at_least, work_state="done", next_action_at=None,
        )
        for copy in copies
    )  # fmt: skip


def flags(attempt: SupplierAttempt) -> tuple[bool, bool, int]:
    supplier = Supplier.objects.get(pk=attempt.supplier_id)
    return supplier.finds_by_reference, supplier.absent_is_proof, supplier.settle_seconds


def look() -> ListingProbe:
    probe = ListingProbe.objects.latest("pk")
    measuring.look(probe.pk)
    probe.refresh_from_db()
    return probe


def test_an_accepted_order_is_followed_up_until_it_is_listed(at):
    attempt = accepted()
    assert measuring.begin_probes() == 1
    assert measuring.begin_probes() == 0, "once only"
    look()
    assert asked("find") == 0, "not before five seconds"
    for seconds, found in ((5, []), (10, []), (20, []), (40, [attempt.supplier_order_id])):
        at(seconds - 1)
        look()
        at(seconds)
        ScriptedClient.reset(find=[found])
        probe = look()
        assert asked("find") == 1

    assert (probe.verdict, probe.lag_at_least, probe.lag_at_most) == (ProbeVerdict.FOUND, 20, 40)
    assert probe.next_action_at is None


def test_what_is_followed_up_is_bounded():
    first = accepted()
    for serial in range(2, 12):
        accepted_at(first.supplier, serial)
    assert measuring.begin_probes() == measuring.OPEN_AT_ONCE
    assert measuring.begin_probes() == 0
    ListingProbe.objects.update(verdict=ProbeVerdict.UNCLEAR)
    found_after(first, 10, clock.now(), n=measuring.A_DAY - measuring.OPEN_AT_ONCE)
    assert measuring.begin_probes() == 0


@pytest.mark.parametrize("change", [{"is_measured": False}, {"is_active": False}, {"adapter": "gone"}])
def test_nothing_is_measured_where_it_is_off(change):
    accepted(**change)
    assert measuring.begin_probes() == 0


def test_a_protocol_that_finds_nothing_is_not_measured():
    ScriptedClient.reset(Feature.STATUS_MANY)
    accepted()
    assert measuring.begin_probes() == 0


def test_the_suppliers_limit_leaves_room_for_orders(at):
    accepted(calls_per_minute=1)
    measuring.begin_probes()
    at(5)
    look()
    measuring.look(ListingProbe.objects.latest("pk").pk)
    at(35)
    look()
    assert asked("find") == 1


def test_finding_is_earned_by_thirty_of_thirty_and_sets_the_settle_time(monday):
    attempt = accepted()
    found_after(attempt, 100, monday, n=29)
    measuring.judge(attempt.supplier_id)
    assert flags(attempt) == (False, False, 600)
    found_after(attempt, 200, monday, n=1)
    measuring.judge(attempt.supplier_id)
    assert flags(attempt) == (True, False, 1000)
    proof = CapabilityProof.objects.get()
    assert (proof.capability, proof.origin, proof.observations) == (FINDS, "measured", 30)
    assert (proof.lag_median, proof.lag_p99, proof.lag_p999, proof.settle_seconds) == (100, 200, 200, 1000)


def test_the_settle_time_is_never_below_its_floor(monday):
    attempt = accepted(settle_seconds=20)
    found_after(attempt, 3, monday, n=30)
    measuring.judge(attempt.supplier_id)
    assert flags(attempt) == (True, False, 600)


def test_a_miss_among_them_starts_the_count_anew(monday):
    attempt = accepted()
    found_after(attempt, 10, monday - timedelta(minutes=3), n=29)
    ListingProbe.objects.create(
        attempt=attempt, supplier=attempt.supplier, since=monday - timedelta(minutes=2), verdict=ProbeVerdict.MISSING
    )
    found_after(attempt, 10, monday - timedelta(minutes=1), n=29)
    measuring.judge(attempt.supplier_id)
    assert not flags(attempt)[0]
    found_after(attempt, 10, monday, n=1)
    measuring.judge(attempt.supplier_id)
    assert flags(attempt)[0]


def test_absence_takes_two_hundred_and_a_week_later_it_is_over(monday, at):
    attempt = accepted()
    found_after(attempt, 60, monday, n=199)
    measuring.judge(attempt.supplier_id)
    assert flags(attempt) == (True, False, 600)
    found_after(attempt, 60, monday, n=1)
    measuring.judge(attempt.supplier_id)
    assert flags(attempt) == (True, True, 600)

    at(7 * 86400 - 1)
    assert proving.expire() == 0
    at(7 * 86400)
    assert proving.expire() == 1
    assert flags(attempt)[:2] == (True, False)
    assert not CapabilityProof.objects.filter(is_counter_example=True).exists()


def test_absence_is_measured_anew_within_its_week(monday, at):
    attempt = accepted()
    found_after(attempt, 60, monday, n=200)
    measuring.judge(attempt.supplier_id)
    at(2 * 86400)
    found_after(attempt, 60, clock.now(), n=1)
    measuring.judge(attempt.supplier_id)
    at(8 * 86400)
    assert proving.expire() == 0
    assert flags(attempt)[1]


def test_an_accepted_order_that_is_not_listed_after_the_settle_time_takes_both(at):
    attempt = accepted(finds_by_reference=True, absent_is_proof=True)
    measuring.begin_probes()
    at(600)
    look()
    assert flags(attempt)[:2] == (True, True)
    at(1300)
    look()
    assert flags(attempt)[:2] == (False, False)
    lost = CapabilityProof.objects.filter(is_counter_example=True)
    assert {proof.capability for proof in lost} == {FINDS, ABSENT}
    assert attempt.reference in lost.first().ended_because
    told = StaffNotice.objects.get(kind=NoticeKind.CAPABILITY_LOST, supplier=attempt.supplier)
    assert told.text == f"{Capability(FINDS).label}: {lost.get(capability=FINDS).ended_because}"


def test_an_order_listed_late_takes_the_proof_of_absence_only(at):
    attempt = accepted(finds_by_reference=True, absent_is_proof=True)
    measuring.begin_probes()
    at(301)
    look()
    at(602)
    ScriptedClient.reset(find=[[attempt.supplier_order_id]])
    look()
    assert flags(attempt)[:2] == (True, False)


def test_another_order_under_our_reference_takes_both(at):
    attempt = accepted(finds_by_reference=True, absent_is_proof=True)
    measuring.begin_probes()
    at(5)
    ScriptedClient.reset(find=[[attempt.supplier_order_id, "S-other"]])
    assert look().verdict == ProbeVerdict.CONTRADICTED
    assert flags(attempt)[:2] == (False, False)


def test_an_error_says_nothing(at):
    attempt = accepted(finds_by_reference=True, absent_is_proof=True)
    measuring.begin_probes()
    at(5000)
    ScriptedClient.reset(find=[Retryable("down")])
    assert look().verdict == ProbeVerdict.UNCLEAR
    assert flags(attempt)[:2] == (True, True)


def test_an_order_found_long_after_the_last_look_is_no_figure(at):
    attempt = accepted()
    measuring.begin_probes()
    at(500)
    ScriptedClient.reset(find=[[attempt.supplier_order_id]])
    assert look().verdict == ProbeVerdict.UNCLEAR


def test_what_was_given_up_is_watched_for_a_day(at):
    attempt = accepted(finds_by_reference=True, absent_is_proof=True)
    factories.set_outcome(attempt, AttemptOutcome.ABANDONED_ABSENT, supplier_order_id=None)
    assert measuring.begin_probes() == 1
    at(600)
    assert look().verdict == ""
    at(1300)
    ScriptedClient.reset(find=[["S-77"]])
    look()
    attempt.refresh_from_db()
    assert (attempt.is_late_surprise, attempt.supplier_order_id) == (True, "S-77")
    assert flags(attempt)[:2] == (True, False)


def test_staff_switch_on_only_with_a_reason_and_off_at_will():
    supplier = factories.make_supplier()
    with pytest.raises(Refused, match="reason"):
        proving.override(supplier.pk, ABSENT, reason=" ", actor=SAM)
    proving.override(supplier.pk, ABSENT, reason="their support says so", actor=SAM)
    proof = CapabilityProof.objects.get()
    assert (proof.origin, proof.reason, proof.actor_label) == ("override", "their support says so", SAM.label)
    assert Supplier.objects.get().absent_is_proof
    with pytest.raises(Refused):
        proving.override(supplier.pk, ABSENT, reason="again", actor=SAM)
    proving.switch_off(supplier.pk, ABSENT, reason="not sure", actor=SAM)
    assert not Supplier.objects.get().absent_is_proof
    proof.refresh_from_db()
    assert SAM.label in proof.ended_because
    with pytest.raises(Refused):
        proving.switch_off(supplier.pk, ABSENT, reason="again", actor=SAM)


def test_a_capability_is_not_earned_where_measuring_is_off():
    supplier = factories.make_supplier(is_measured=False)
    assert not proving.earn(supplier.pk, FINDS, Figures(30, [1] * 30))
    assert not CapabilityProof.objects.exists()


def compared(told: dict[str, JobStatus], together: dict[str, JobStatus], *, days: range) -> BulkProbe:
    comparing.begin_comparing()
    probe = BulkProbe.objects.get()
    for day in days:
        ScriptedClient.reset(status=told, status_many=[together, together])
        with clock.frozen(clock.now() + timedelta(days=day)):
            Order.objects.filter(state=OrderState.COMPLETED).update(ended_at=clock.now())
            comparing.compare(probe.pk)
    probe.refresh_from_db()
    return probe


def two_orders() -> dict[str, JobStatus]:
    """One in process, one completed, as the supplier tells of them."""
    supplier = factories.make_supplier(adapter="scripted")
    orders = [
        factories.make_order(state, service=factories.make_service(supplier=supplier), imeis=(factories.imei(n),))
        for n, state in enumerate((OrderState.IN_PROCESS, OrderState.COMPLETED))
    ]
    ids = [order.supplier_attempts.get().supplier_order_id for order in orders]
    return {ids[0]: PENDING, ids[1]: JobStatus(JobState.DONE, "CODE: 1")}


def test_answers_about_many_are_believed_after_thirty_that_agree():
    told = two_orders()
    probe = compared(told, told, days=range(1, 15))
    assert not Supplier.objects.get().asks_many
    assert (probe.equal, probe.equal_ended) == (28, 14)
    compared(told, told, days=range(15, 16))
    assert Supplier.objects.get().asks_many
    assert CapabilityProof.objects.get().observations == 30


@pytest.mark.parametrize("wrong", ["missing", "other state", "other text"])
def test_one_difference_takes_it(wrong):
    told = two_orders()
    Supplier.objects.update(asks_many=True)
    done = next(order_id for order_id, status in told.items() if status.state == JobState.DONE)
    others = {
        "missing": {order_id: status for order_id, status in told.items() if order_id != done},
        "other state": {**told, done: PENDING},
        "other text": {**told, done: JobStatus(JobState.DONE, "CODE: 2")},
    }
    probe = compared(told, others[wrong], days=range(1, 2))
    assert not Supplier.objects.get().asks_many
    assert probe.equal == 0
    assert done in CapabilityProof.objects.get(capability=MANY).ended_because


def test_an_order_that_moves_on_between_two_answers_is_no_difference():
    told = two_orders()
    Supplier.objects.update(asks_many=True)
    earlier = dict.fromkeys(told, PENDING)
    comparing.begin_comparing()
    ScriptedClient.reset(status=told, status_many=[earlier, told])
    comparing.compare(BulkProbe.objects.get().pk)
    assert Supplier.objects.get().asks_many
