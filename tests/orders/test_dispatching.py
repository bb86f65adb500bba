"""Many orders at once: the same rules and the same rows as one by one."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from orders import advancing, dispatching, forwarding, lifecycle, polling, turnaround
from orders.models import Order, OrderEvent, ServiceTurnaround, SupplierAttempt
from orders.pumping import Room, pump
from orders.states import AttemptOutcome, HoldReason, OrderState
from services.models import Supplier
from services.suppliers.base import JobAccepted, JobState, JobStatus, RefusalCode
from tests import factories
from tests.helpers.suppliers import NOT_SENT, ScriptedClient, asked
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, staff
from unlockshop.kernel.errors import OutcomeUnknown, Refused

pytestmark = pytest.mark.django_db

S = OrderState
SAM = staff(1, "sam@example.com")


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"scripted": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


def paid_orders(count: int, **supplier) -> list[Order]:
    """Orders of one purchase, at one supplier."""
    supplier = factories.make_supplier(**{"adapter": "scripted", "calls_at_once": 8, **supplier})
    service = factories.make_service(supplier=supplier)
    imeis = tuple(factories.imei(serial) for serial in range(count))
    return list(factories.make_purchase(service, imeis=imeis, paid=True).orders.order_by("pk"))


def states(orders: list[Order]) -> list[str]:
    rows = Order.objects.in_bulk([order.pk for order in orders])
    return [rows[order.pk].state for order in orders]


def test_a_batch_is_bought_once_each_and_told_as_if_one_by_one():
    orders = paid_orders(20)
    alone = paid_orders(1)[0]

    assert dispatching.dispatch() == 21

    assert states(orders) == [S.IN_PROCESS] * 20
    assert asked("place") == 21
    assert {
        (a.order_id, a.outcome, a.supplier_order_id) for a in SupplierAttempt.objects.filter(order__in=orders)
    } == {(order.pk, AttemptOutcome.ACCEPTED, f"S-{order.number}-1") for order in orders}
    single = factories.make_order(service=alone.service)
    forwarding.forward(single.pk)
    told = [
        list(
            OrderEvent.objects.filter(order=order).order_by("seq").values_list("seq", "kind", "from_state", "to_state")
        )
        for order in (*orders, single)
    ]
    assert all(story == told[-1] for story in told)
    assert dispatching.dispatch() == 0


def test_every_outcome_in_one_batch_is_recorded_for_its_own_order():
    orders = paid_orders(6)
    answers = {
        0: JobAccepted("S-0"),
        1: NOT_SENT,
        2: Refused("bad IMEI", code=RefusalCode.INPUT),
        3: OutcomeUnknown("no complete answer in time"),
        4: ValueError("an adapter's bug"),
        5: JobAccepted("S-5"),
    }
    by_reference = {f"{order.number}-1": answers[n] for n, order in enumerate(orders)}
    ScriptedClient.reset(place=by_reference)

    dispatching.dispatch()

    assert states(orders) == [S.IN_PROCESS, S.PAID, S.ON_HOLD, S.UNCERTAIN, S.UNCERTAIN, S.IN_PROCESS]
    assert Order.objects.get(pk=orders[2].pk).hold_reason == HoldReason.INPUT_REFUSED


def test_one_id_for_two_orders_is_a_conflict_for_staff_and_spoils_no_other():
    orders = paid_orders(3)
    ids = dict(zip(orders, ("S-1", "S-1", "S-2"), strict=True))
    ScriptedClient.reset(place={f"{order.number}-1": JobAccepted(found) for order, found in ids.items()})

    dispatching.dispatch()

    assert sorted(states(orders)) == sorted([S.IN_PROCESS, S.IN_PROCESS, S.ON_HOLD])
    held = Order.objects.get(state=S.ON_HOLD)
    assert held.hold_reason == HoldReason.RESULT_CONFLICT


def test_an_attempt_settled_meanwhile_is_not_settled_again():
    orders = paid_orders(3)
    line = dispatching.Dispatch()
    jobs = line.take(Room())
    made = [(job, line.call(job)) for job in jobs]
    forwarding.record_accepted(jobs[0], "S-first", actor=SYSTEM)

    line.record(made)

    assert states(orders) == [S.IN_PROCESS] * 3
    attempt = SupplierAttempt.objects.get(pk=jobs[0].pk)
    assert attempt.supplier_order_id == "S-first"
    assert OrderEvent.objects.filter(order=orders[0], kind="order.submitted").count() == 1


@pytest.mark.parametrize("why", ["hold window", "dispute", "pause", "no offer"])
def test_what_must_wait_is_not_sent_with_the_rest(why):
    first, *rest = paid_orders(3)
    other = paid_orders(1)[0]
    moment = clock.now()
    if why == "hold window":
        Order.objects.filter(pk=other.pk).update(forward_after=moment + timedelta(minutes=5))
    elif why == "dispute":
        type(other.purchase).objects.filter(pk=other.purchase_id).update(frozen_for=HoldReason.DISPUTE)
    elif why == "pause":
        Supplier.objects.filter(offers__service=other.service_id).update(paused_until=moment + timedelta(minutes=1))
    else:
        other.service.offers.update(is_active=False)

    assert dispatching.dispatch() == 3

    assert states([first, *rest]) == [S.IN_PROCESS] * 3
    other.refresh_from_db()
    assert other.state == (S.PAID if why in {"hold window", "pause"} else S.ON_HOLD)
    assert other.state == S.ON_HOLD or other.next_action_at > moment
    assert not other.supplier_attempts.exists()


def test_no_more_calls_are_under_way_than_a_supplier_takes(settings):
    settings.SUPPLIER_CALLS_AT_ONCE = 16
    orders = paid_orders(12, calls_at_once=3)
    others = paid_orders(4, calls_at_once=8)
    lock, now_flying, most = threading.Lock(), [], []

    def slow() -> JobAccepted:
        with lock:
            now_flying.append(1)
            most.append(len(now_flying))
            serial = len(most)
        time.sleep(0.03)
        with lock:
            now_flying.pop()
        return JobAccepted(f"S-{serial}")

    ScriptedClient.reset(place={f"{order.number}-1": slow for order in orders})

    assert dispatching.dispatch() == 16
    assert max(most) == 3
    assert states([*orders, *others]) == [S.IN_PROCESS] * 16


def test_a_supplier_without_room_does_not_keep_others_waiting(settings):
    """Whose orders have waited longest is at its limit; the other supplier's go out in the same look."""
    settings.SUPPLIER_CALLS_AT_ONCE = 8
    paid_orders(10, calls_at_once=1)
    quick = paid_orders(4)

    jobs = dispatching.Dispatch().take(Room())

    assert {job.order_id for job in jobs} >= {order.pk for order in quick}
    assert len(jobs) == 5


def test_the_last_calls_are_recorded_when_the_database_fails_to_give_more():
    orders = paid_orders(3, calls_at_once=2)

    class Failing(dispatching.Dispatch):
        takes = 0

        def take(self, room):
            self.takes += 1
            if self.takes > 1:
                raise ConnectionError("the database is gone")
            return super().take(room)

    with pytest.raises(ConnectionError):
        pump(Failing(), Room())

    assert sorted(states(orders)) == sorted([S.IN_PROCESS, S.IN_PROCESS, S.PAID])


def test_polls_of_many_orders_end_some_and_postpone_the_rest():
    orders = paid_orders(6)
    dispatching.dispatch()
    said = {
        f"S-{orders[0].number}-1": JobStatus(JobState.DONE, "Code: 1234"),
        f"S-{orders[1].number}-1": JobStatus(JobState.NOT_FOUND, "not found"),
        f"S-{orders[2].number}-1": JobStatus(JobState.DONE, "Code: 9", factories.imei(99)),
        f"S-{orders[3].number}-1": OutcomeUnknown("HTML"),
        f"S-{orders[4].number}-1": KeyError("an adapter's bug"),
    }
    ScriptedClient.reset(status=said)

    with clock.frozen(clock.now() + timedelta(seconds=6)):
        assert polling.poll_due() == 6
        assert polling.poll_due() == 0

    assert states(orders) == [S.COMPLETED, S.NOT_FOUND, S.ON_HOLD, S.IN_PROCESS, S.IN_PROCESS, S.IN_PROCESS]
    assert set(Order.objects.filter(state=S.IN_PROCESS).values_list("polls", flat=True)) == {1}


@pytest.mark.parametrize(
    ("completed", "age", "wait"),
    [
        (0, 0.25, 0.025),  # nothing known: a tenth of its age
        (19, 0.25, 0.025),  # too few to go by
        (20, 0.25, 0.25),  # hardly any was ever done so soon: a quarter of the time
        (20, 0.9, 0.1),  # what is left of it; its age says about as much
        (20, 0.98, 0.098),
        (20, 1.5, 0.15),
    ],
)
def test_orders_are_asked_about_by_what_such_orders_took(completed, age, wait):
    order = paid_orders(1, poll_seconds=5)[0]
    dispatching.dispatch()
    ServiceTurnaround.objects.create(
        service=order.service,
        supplier=order.supplier_attempts.get().supplier,
        day=clock.now().date(),
        completed=completed,
        histogram={str(turnaround._class_of(60)): completed},
    )
    usual = timedelta(minutes=turnaround._minutes_of(turnaround._class_of(60)))
    assert turnaround.hardly_before([order.service_id]) == ({order.service_id: usual} if completed == 20 else {})
    ScriptedClient.reset(status={f"S-{order.number}-1": JobStatus(JobState.PENDING)})

    moment = clock.now() + age * usual
    with clock.frozen(moment):
        assert polling.poll_due() == 1

    order.refresh_from_db()
    assert order.next_action_at - moment == pytest.approx(wait * usual, abs=timedelta(seconds=6))


def test_an_order_that_left_meanwhile_is_not_touched_by_a_late_poll():
    order = paid_orders(1)[0]
    dispatching.dispatch()
    with clock.frozen(clock.now() + timedelta(seconds=6)):
        line = polling.Polling()
        jobs = line.take(Room())
        lifecycle.hold(order.pk, reason=HoldReason.STAFF, actor=SAM)
        ScriptedClient.reset(status={f"S-{order.number}-1": JobStatus(JobState.DONE, "Code: 1")})
        line.record([(job, line.call(job)) for job in jobs])

    assert states([order]) == [S.ON_HOLD]


def test_orders_at_a_supplier_that_answers_for_many_are_asked_about_together(settings):
    orders = paid_orders(120, asks_many=True)
    single = paid_orders(2)
    dispatching.dispatch()
    done = {f"S-{orders[7].number}-1": JobStatus(JobState.DONE, "Code: 7")}

    with clock.frozen(clock.now() + timedelta(seconds=6)):
        ScriptedClient.reset(status_many=[done, {}, {"S-stranger": JobStatus(JobState.DONE, "Code: 0")}])
        polling.poll_due()

    assert (asked("status_many"), asked("status")) == (3, 2)
    assert sorted(len(subject) for verb, subject in ScriptedClient.calls if verb == "status_many") == [20, 50, 50]
    assert states([*orders, *single]).count(S.COMPLETED) == 1
    assert states([orders[7]]) == [S.COMPLETED]


def test_a_supplier_gets_no_more_calls_a_minute_than_it_takes():
    orders = paid_orders(10, calls_per_minute=4)
    unlimited = paid_orders(3, calls_per_minute=0)
    start = clock.now()

    with clock.frozen(start):
        dispatching.dispatch()
        dispatching.dispatch()
        assert states(orders).count(S.IN_PROCESS) == 4
        assert states(unlimited) == [S.IN_PROCESS] * 3
    with clock.frozen(start + timedelta(seconds=59)):
        assert dispatching.dispatch() + polling.poll_due() == 3, "only those of the supplier without a limit"
    with clock.frozen(start + timedelta(seconds=61)):
        dispatching.dispatch()
    assert states(orders).count(S.IN_PROCESS) == 8


@pytest.mark.parametrize(("age", "wait"), [("1 minute", 6), ("10 minutes", 60), ("10 hours", 1800), ("40 days", 1800)])
def test_older_orders_are_asked_about_less_often(age, wait):
    order = paid_orders(1)[0]
    dispatching.dispatch()
    number, unit = age.split()
    delta = timedelta(**{unit.rstrip("s") + "s": int(number)})
    with clock.frozen(clock.now() + delta):
        assert polling.poll_due() == 1
        order.refresh_from_db()
        assert abs((order.next_action_at - clock.now()).total_seconds() - wait) <= 5


def test_one_ring_is_answered_for_all_that_waits():
    orders = paid_orders(5)

    advancing.ring_for(orders[0].pk)

    assert states(orders) == [S.IN_PROCESS] * 5
