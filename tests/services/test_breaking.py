"""A supplier's breaker: what opens it, who is tried, what closes it; and what its questions do on their own."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from orders import advancing, dispatching, forwarding, polling
from orders.models import Order
from orders.states import OrderState
from services import breaking, tallying
from services.models import Offer, Supplier
from services.models.health import BreakerState, SupplierHealth, SupplierHour
from services.suppliers.base import SUPPLIER_SIDE, JobAccepted, JobState, JobStatus, RefusalCode
from tests import factories
from tests.helpers.race import at_once
from tests.helpers.suppliers import NOT_SENT, ScriptedClient, asked
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

pytestmark = pytest.mark.django_db

S = OrderState
B = BreakerState
DOWN = Retryable("connection refused")
ALIVE = sorted(set(RefusalCode) - SUPPLIER_SIDE)


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"scripted": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


@pytest.fixture(params=["one by one", "batch"])
def send(request):
    """Take the next step of paid orders that are due, on either path."""

    def one_by_one() -> None:
        for order_id in list(
            Order.objects.filter(state=S.PAID).order_by("next_action_at").values_list("pk", flat=True)
        ):
            forwarding.forward(order_id)

    return one_by_one if request.param == "one by one" else dispatching.dispatch


def paid_orders(count: int, **supplier) -> list[Order]:
    made = factories.make_supplier(**{"adapter": "scripted", "calls_at_once": 8, **supplier})
    service = factories.make_service(supplier=made)
    imeis = tuple(factories.imei(serial) for serial in range(count))
    return list(factories.make_purchase(service, imeis=imeis, paid=True).orders.order_by("pk"))


def health() -> SupplierHealth:
    return SupplierHealth.objects.get()


def states() -> list[str]:
    return list(Order.objects.order_by("pk").values_list("state", flat=True))


def opened(moment: datetime, *, code: str = "maintenance", count: int = 4) -> list[Order]:
    """Paid orders at a supplier whose breaker opened just now."""
    orders = paid_orders(count)
    breaking.refused(orders[0].service.offers.get().supplier_id, "X-1", code=code, message="no")
    return orders


@pytest.mark.parametrize("code", sorted(SUPPLIER_SIDE))
def test_a_refusal_that_all_orders_would_get_opens_it_at_once(monday, send, code):
    paid_orders(1)
    ScriptedClient.reset(place=[Refused("<b>no</b>\x00" + "x" * 300, code=code)])

    send()

    row = health()
    assert (row.breaker, row.trouble, row.since) == (B.OPEN, code, monday)
    assert row.trial_at == monday + timedelta(seconds=120)
    assert row.reason.startswith("<b>no</b>xxx")
    assert len(row.reason) <= 200
    assert Supplier.objects.get().paused_until is None, "staff's pause is another thing"
    send()
    assert (asked("place"), states()) == (1, [S.PAID])


@pytest.mark.parametrize("code", [*ALIVE, "address"])
def test_a_refusal_of_one_order_proves_that_the_supplier_works(monday, send, code):
    paid_orders(1)
    ScriptedClient.reset(place=[Refused("no", code=code)])

    send()

    assert (health().breaker, health().last_success_at) == (B.CLOSED, monday)


@pytest.mark.parametrize(("error", "trouble"), [(DOWN, "unreachable"), (OutcomeUnknown("HTTP 500"), "unclear")])
def test_failures_in_a_row_open_it(monday, error, trouble):
    paid_orders(9)
    ScriptedClient.reset(place=[error] * 9)

    for order_id in Order.objects.order_by("pk").values_list("pk", flat=True):
        forwarding.forward(order_id)

    assert asked("place") == breaking.FAILURES
    assert (health().breaker, health().trouble) == (B.OPEN, trouble)


def test_a_success_between_or_a_long_time_between_is_no_row(monday):
    supplier = factories.make_supplier().pk
    for n in range(20):
        breaking.failed(supplier, f"R-{n}", trouble="unclear", message="HTML")
        if n % 4 == 3:
            breaking.succeeded({supplier: ["R"]})
    assert health().breaker == B.CLOSED
    for minutes in (11, 22, 33, 44, 55, 66):
        with clock.frozen(monday + timedelta(minutes=minutes)):
            breaking.failed(supplier, "R", trouble="unclear", message="HTML")
    assert health().breaker == B.CLOSED


def test_half_open_lets_one_order_through_and_its_success_all(monday, send):
    opened(monday)
    send()
    assert asked("place") == 0
    seen: list[str] = []

    def accept() -> JobAccepted:
        seen.append("asked")
        return JobAccepted(f"S-{len(seen)}")

    with clock.frozen(monday + timedelta(seconds=121)):
        ScriptedClient.reset(place=[accept] * 9)
        job = forwarding.begin(Order.objects.earliest("pk").pk)
        assert (health().breaker, health().trial_reference) == (B.HALF_OPEN, job.reference)
        send()
        assert asked("place") == 0, "the trial is under way: nobody else goes"
        forwarding.send(job)
        assert (seen, health().breaker) == (["asked"], B.CLOSED)
        advancing.wake_orders()
        send()
    assert states() == [S.IN_PROCESS] * 4


def test_each_trial_in_vain_doubles_the_wait_up_to_a_ceiling(monday, send):
    opened(monday, count=1)
    moment, waits = monday, []
    for _trial in range(8):
        row = health()
        waits.append(int((row.trial_at - moment).total_seconds()))
        moment = row.trial_at
        with clock.frozen(moment):
            ScriptedClient.reset(place=[Refused("still down", code="maintenance")])
            Order.objects.update(next_action_at=moment)
            send()
            assert asked("place") == 1

    assert waits == [120, 240, 480, 960, 1920, 1920, 1920, 1920]
    assert health().since == monday, "the trouble is as old as it is"


def test_a_supplier_that_is_down_for_days_puts_no_order_on_hold(monday):
    opened(monday, count=1, code="funds")
    for _trial in range(40):
        with clock.frozen(health().trial_at):
            ScriptedClient.reset(place=[Refused("no credit", code="funds")])
            Order.objects.update(next_action_at=clock.now())
            dispatching.dispatch()
    with clock.frozen(health().trial_at):
        Order.objects.update(next_action_at=clock.now())
        dispatching.dispatch()

    assert states() == [S.IN_PROCESS]


def test_what_was_under_way_before_it_opened_changes_nothing(monday):
    supplier = factories.make_supplier().pk
    breaking.refused(supplier, "A-1", code="auth", message="wrong key")
    before = health().trial_at
    breaking.refused(supplier, "B-1", code="auth", message="wrong key")
    breaking.failed(supplier, "C-1", trouble="unclear", message="HTML")
    breaking.succeeded({supplier: ["D-1"]})

    assert (health().breaker, health().trial_at) == (B.OPEN, before)


def test_a_lost_trial_is_void(monday):
    opened(monday, count=2)
    with clock.frozen(monday + timedelta(seconds=121)):
        lost = forwarding.begin(Order.objects.earliest("pk").pk)
    with clock.frozen(lost.lease_until + timedelta(seconds=1)):
        assert forwarding.begin(Order.objects.latest("pk").pk) is not None, "nobody has to report the lost one"
        forwarding.record_lost(lost.order_id)
        assert health().breaker == B.HALF_OPEN, "the new trial goes on"


def test_the_next_supplier_is_asked_at_once(monday, send):
    orders = paid_orders(3)
    fallback = factories.make_supplier(adapter="scripted")
    Offer.objects.create(
        service=orders[0].service,
        supplier=fallback,
        supplier_service_id="7",
        cost=11,
        cost_currency="EUR",
        priority=200,
    )
    ScriptedClient.reset(place=[Refused("no", code="maintenance")])
    forwarding.forward(orders[0].pk)
    send()

    assert states() == [S.IN_PROCESS] * 3
    assert set(Order.objects.values_list("supplier_attempts__supplier", flat=True)) >= {fallback.pk}


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["single", "batch"])
def test_of_many_workers_one_sends_the_trial(path):
    orders = paid_orders(8)
    with clock.frozen(clock.now() - timedelta(minutes=5)):
        breaking.refused(orders[0].service.offers.get().supplier_id, "X-1", code="rate", message="slow down")
    single = [lambda order=order: forwarding.begin(order.pk) for order in orders]
    batch = [lambda: dispatching.Dispatch().take(dispatching.Room())] * 8
    work = single if path == "single" else batch

    made = at_once(8, lambda n: work[n]())

    assert not [each for each in made if isinstance(each, Exception)]
    assert sum(len(each) if isinstance(each, list) else each is not None for each in made) == 1
    assert states().count(S.SUBMITTING) == 1
    assert health().breaker == B.HALF_OPEN


def at_supplier(count: int, **supplier) -> list[Order]:
    orders = paid_orders(count, **supplier)
    dispatching.dispatch()
    assert set(states()) == {S.IN_PROCESS}
    return orders


def test_a_supplier_that_stops_to_answer_is_asked_one_question_at_a_time(monday):
    at_supplier(30)
    calls = []
    for minutes in range(1, 60):
        ScriptedClient.reset(status=[OutcomeUnknown("no answer in 45 s")] * 50)
        with clock.frozen(monday + timedelta(minutes=minutes)):
            polling.poll_due()
            calls.append(asked("status"))

    assert calls[0] <= 30
    assert max(calls[1:]) <= 1
    assert 4 <= sum(calls[1:]) <= 8, "after a minute, 2, 4, 8, 15"
    assert health().breaker == B.CLOSED, "it may take new orders for all that"


def test_one_answer_and_all_are_asked_again(monday):
    at_supplier(6)
    ScriptedClient.reset(status=[DOWN] * 6)
    with clock.frozen(monday + timedelta(minutes=1)):
        polling.poll_due()
    with clock.frozen(monday + timedelta(minutes=3)):
        ScriptedClient.reset()
        polling.poll_due()
        assert health().poll_failures == 0
        polling.poll_due()
    assert asked("status") == 6


def test_an_order_that_is_never_answered_does_not_bar_the_others(monday):
    poison, *others = at_supplier(4)
    bad = {f"S-{poison.number}-1": OutcomeUnknown("HTML")}
    ScriptedClient.reset(status=[DOWN] * 4)
    with clock.frozen(monday + timedelta(minutes=1)):
        polling.poll_due()
    ScriptedClient.reset(status=bad)
    for minutes in (3, 6, 12, 24):
        with clock.frozen(monday + timedelta(minutes=minutes)):
            polling.poll_due()
    answered = {subject for verb, subject in ScriptedClient.calls if verb == "status"}
    assert answered == {f"S-{order.number}-1" for order in (poison, *others)}


def test_one_order_alone_asks_no_sooner(monday):
    order = at_supplier(1)[0]
    for minutes in range(1, 4):
        with clock.frozen(monday + timedelta(minutes=minutes)):
            ScriptedClient.reset(status=[DOWN])
            Order.objects.update(next_action_at=clock.now())
            advancing.advance(order.pk)
    assert health().poll_failures == 3
    ScriptedClient.reset()
    with clock.frozen(monday + timedelta(minutes=3, seconds=30)):
        Order.objects.update(next_action_at=clock.now())
        advancing.advance(order.pk)
        assert asked("status") == 0
    with clock.frozen(monday + timedelta(minutes=6)):
        advancing.advance(order.pk)
    assert (asked("status"), health().poll_failures) == (1, 0)


def test_calls_are_counted_by_what_they_came_to(monday):
    orders = paid_orders(5)
    answers = [JobAccepted("S-0"), NOT_SENT, Refused("bad", code="input"), Refused("?", code="x"), OutcomeUnknown("?")]
    ScriptedClient.reset(place={f"{o.number}-1": a for o, a in zip(orders, answers, strict=True)})
    dispatching.dispatch()
    with clock.frozen(monday + timedelta(minutes=5)):
        ScriptedClient.reset(status=[JobStatus(JobState.PENDING)])
        polling.poll_due()

    supplier = Supplier.objects.get().pk
    with clock.frozen(monday + timedelta(minutes=30)):
        found = {name: rate.calls for name, rate in tallying.rates([supplier], hours=1)[supplier].items()}
    assert found == {
        "accepted": 1, "not_sent": 1, "refused_input": 1, "refused_other": 1, "unknown": 1, "poll_ok": 1
    }  # fmt: skip
    accepted = SupplierHour.objects.get(outcome="accepted")
    assert (accepted.cost, accepted.currency, accepted.milliseconds) == (10, "EUR", 1)


def test_counts_add_up_over_hours_and_go_after_35_days(monday):
    supplier = factories.make_supplier().pk
    for hours in (0, 1, 25, 36 * 24):
        with clock.frozen(monday - timedelta(hours=hours)):
            tallying.add([tallying.Tally(supplier, "accepted", 100)] * 3)
            tallying.add([tallying.Tally(supplier, "accepted", 300)])

    assert tallying.rates([supplier], hours=1)[supplier]["accepted"] == tallying.Rate(4, 150)
    assert tallying.rates([supplier], hours=24)[supplier]["accepted"].calls == 8
    tallying.forget_old()
    assert SupplierHour.objects.count() == 3


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_no_count_is_lost_among_many_workers():
    supplier = factories.make_supplier().pk
    outcomes = ["accepted", "unknown", "poll_ok"]

    failed = [e for e in at_once(8, lambda n: [tallying.add(
        tallying.Tally(supplier, outcome, 1) for outcome in (outcomes if n % 2 else outcomes[::-1])
    ) for _ in range(10)]) if isinstance(e, Exception)]  # fmt: skip

    assert failed == []
    assert {name: rate.calls for name, rate in tallying.rates([supplier], hours=1)[supplier].items()} == dict.fromkeys(
        outcomes, 80
    )


def test_health_costs_two_queries_for_each_batch(monday, django_assert_num_queries):
    """However many orders the batch has."""
    for count in (1, 20):
        line = dispatching.Dispatch()
        paid_orders(count)
        room = dispatching.Room()
        outcomes = [(job, line.call(job)) for job in line.take(room)]
        line.record(outcomes)
        supplier = outcomes[0][0].supplier_id
        with django_assert_num_queries(2):
            tallying.add([tallying.Tally(supplier, "accepted")] * count)
            breaking.succeeded({supplier: [job.reference for job, _call in outcomes]})
