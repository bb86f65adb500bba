"""An uncertain purchase is settled by the strongest evidence that there is, and by a person where there is none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders import advancing, forwarding, resolving
from orders.models import Order, SupplierAttempt
from orders.states import AttemptOutcome, HoldReason, OrderState
from services.models import Capability, CapabilityProof, Supplier
from services.suppliers.base import AlreadyThere, Feature, JobAccepted, RefusalCode
from tests import factories
from tests.helpers.suppliers import NOT_SENT, ScriptedClient, asked
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

pytestmark = pytest.mark.django_db
S = OrderState


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"scripted": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


def uncertain(*features: Feature, **supplier) -> Order:
    """An order whose placing was lost, at a supplier with these features; what it answers next is scripted after."""
    supplier = factories.make_supplier(adapter="scripted", **supplier)
    order = factories.make_order(service=factories.make_service(supplier=supplier))
    ScriptedClient.reset(*features, place=[OutcomeUnknown("timed out")])
    advancing.advance(order.pk)
    order.refresh_from_db()
    assert order.state == S.UNCERTAIN
    return order


def resolve(order: Order, times: int = 1) -> Order:
    for n in range(times):
        with clock.frozen(clock.now() + timedelta(hours=n + 1)):
            advancing.advance(order.pk)
    order.refresh_from_db()
    return order


def outcomes(order: Order) -> list[str]:
    return list(order.supplier_attempts.values_list("outcome", flat=True))


@pytest.mark.parametrize("capabilities", [{}, {"finds_by_reference": True, "absent_is_proof": True}])
def test_a_supplier_that_cannot_be_asked_parks_at_once(capabilities):
    order = uncertain(Feature.PLACE_MANY, **capabilities)
    resolve(order)

    assert (order.state, order.hold_reason) == (S.ON_HOLD, HoldReason.UNCERTAIN_PURCHASE)
    assert asked("find") == asked("recent") == 0


def test_a_supplier_whose_adapter_is_gone_is_asked_later_and_left_to_staff_after_a_day(settings):
    order = uncertain(finds_by_reference=True)
    settings.SUPPLIER_ADAPTERS = {}
    assert resolve(order).state == S.UNCERTAIN
    assert resolve(order, times=25).state == S.ON_HOLD


def test_the_one_unbound_order_for_the_device_is_adopted():
    order = uncertain(Feature.RECENT)
    attempt = order.supplier_attempts.get()
    other = factories.make_order(service=order.service, imeis=(factories.imei(7),))
    bound = factories.make_attempt(other)
    factories.set_outcome(bound, AttemptOutcome.REJECTED, supplier_order_id="S-1")
    ScriptedClient.reset(Feature.RECENT, recent=[["S-1", "S-2"]])

    resolve(order)

    assert order.state == S.IN_PROCESS
    assert [row.supplier_order_id for row in order.supplier_attempts.all()] == ["S-2"]
    identifier, service_id, since, until = ScriptedClient.calls[0][1]
    assert (identifier, service_id) == (order.identifier, attempt.supplier_service_id)
    assert since == attempt.created_at - timedelta(minutes=2)
    assert until > attempt.send_before + timedelta(seconds=attempt.supplier.settle_seconds)


def test_our_reference_is_stronger_than_device_and_time():
    order = uncertain(Feature.FIND, Feature.RECENT, finds_by_reference=True)
    ScriptedClient.reset(Feature.FIND, Feature.RECENT, find=[["S-9"]], recent=[["S-1", "S-2"]])

    assert resolve(order).supplier_attempts.get().supplier_order_id == "S-9"
    assert asked("recent") == 0


def test_not_found_by_reference_it_is_looked_for_by_device():
    order = uncertain(Feature.FIND, Feature.RECENT, finds_by_reference=True, absent_is_proof=True)
    ScriptedClient.reset(Feature.FIND, Feature.RECENT, recent=[["S-2"]])

    assert resolve(order).supplier_attempts.get().supplier_order_id == "S-2"


def test_several_unbound_orders_are_a_possible_double():
    order = uncertain(Feature.RECENT)
    ScriptedClient.reset(Feature.RECENT, recent=[["S-1", "S-2"]])

    assert resolve(order).hold_reason == HoldReason.DOUBLE_PURCHASE
    assert outcomes(order) == ["unknown"]


def test_one_listed_order_for_two_uncertain_attempts_is_nobodys():
    order = uncertain(Feature.RECENT)
    twin = factories.make_order(service=order.service, again=True)
    Order.objects.filter(pk=twin.pk).update(is_recheck=True)
    rival = factories.make_attempt(twin)
    factories.set_outcome(rival, AttemptOutcome.UNKNOWN)
    ScriptedClient.reset(Feature.RECENT, recent=[["S-1"]])

    assert resolve(order).hold_reason == HoldReason.DOUBLE_PURCHASE


def test_a_device_that_is_not_listed_proves_nothing_without_the_reference():
    """Absence was measured by reference; it says nothing of a list by device."""
    order = uncertain(Feature.RECENT, absent_is_proof=True)

    resolve(order, times=3)

    assert (order.state, order.hold_reason) == (S.ON_HOLD, HoldReason.UNCERTAIN_PURCHASE)
    assert outcomes(order) == ["unknown"]
    assert asked("place") == 1


def test_sending_again_is_never_done_where_duplicates_are_not_known_to_be_refused():
    order = uncertain(Feature.FIND, finds_by_reference=True)
    resolve(order, times=5)
    assert (order.state, asked("place")) == (S.ON_HOLD, 1)


@pytest.mark.parametrize(
    ("answer", "state", "told"),
    [
        (JobAccepted("S-5"), S.IN_PROCESS, "S-5"),
        (AlreadyThere("already exists", supplier_order_id="S-6"), S.IN_PROCESS, "S-6"),
        (Refused("already exists", code=RefusalCode.DUPLICATE), S.ON_HOLD, None),
        (Refused("no such service", code=RefusalCode.SERVICE_GONE), S.ON_HOLD, None),
        (OutcomeUnknown("timed out"), S.ON_HOLD, None),
        (NOT_SENT, S.UNCERTAIN, None),
        (Refused("no credit", code=RefusalCode.FUNDS), S.UNCERTAIN, None),
    ],
)
def test_a_supplier_that_refuses_duplicates_is_sent_the_same_reference_once(answer, state, told):
    order = uncertain(Feature.PLACE_MANY, refuses_duplicates=True)
    reference = order.supplier_attempts.get().reference
    ScriptedClient.reset(Feature.PLACE_MANY, place=[answer])

    resolve(order)

    assert [job.reference for _verb, job in ScriptedClient.calls] == [reference]
    assert (order.state, order.supplier_attempts.get().supplier_order_id) == (state, told)
    assert order.events.filter(kind="attempt.placed_again").count() == 1


def test_sending_again_comes_after_looking_twice():
    order = uncertain(Feature.FIND, finds_by_reference=True, refuses_duplicates=True)
    ScriptedClient.reset(Feature.FIND)
    resolve(order)
    assert asked("place") == 0
    resolve(order, times=2)
    assert (asked("find"), asked("place"), order.state) == (2, 1, S.IN_PROCESS)


def test_an_answer_lost_twice_is_for_staff():
    """A worker that dies in the second call leaves the mark of having made it."""
    order = uncertain(Feature.PLACE_MANY, refuses_duplicates=True)
    SupplierAttempt.objects.filter(order=order).update(placed_again_at=clock.now())
    ScriptedClient.reset(Feature.PLACE_MANY)

    assert resolve(order).state == S.ON_HOLD
    assert asked("place") == 0


def test_an_id_of_another_order_is_not_adopted_from_a_duplicate():
    order = uncertain(Feature.PLACE_MANY, refuses_duplicates=True)
    other = factories.make_attempt(factories.make_order(service=order.service, imeis=(factories.imei(8),)))
    factories.set_outcome(other, AttemptOutcome.ACCEPTED, supplier_order_id="S-6")
    ScriptedClient.reset(Feature.PLACE_MANY, place=[AlreadyThere("there", supplier_order_id="S-6")])

    assert resolve(order).hold_reason == HoldReason.RESULT_CONFLICT


@pytest.mark.parametrize("again", [0, 1])
def test_a_late_surprise_takes_what_the_giving_up_rested_on(again):
    order = uncertain(Feature.FIND, finds_by_reference=True, absent_is_proof=True)
    attempt = order.supplier_attempts.get()
    resolving_until_absent(order)
    for _ in range(again + 1):
        forwarding.record_accepted(attempt, "S-late", actor=SYSTEM)

    attempt.refresh_from_db()
    supplier = Supplier.objects.get(pk=attempt.supplier_id)
    assert (attempt.is_late_surprise, attempt.supplier_order_id) == (True, "S-late")
    assert (supplier.finds_by_reference, supplier.absent_is_proof) == (True, False)
    lost = CapabilityProof.objects.get(capability=Capability.ABSENT_IS_PROOF)
    assert lost.is_counter_example
    assert attempt.reference in lost.ended_because
    assert order.events.filter(kind="attempt.late_surprise").count() == 1


def resolving_until_absent(order: Order) -> None:
    ScriptedClient.reset()
    resolve(order, times=2)
    assert "abandoned_absent" in outcomes(order)


def test_a_failed_list_by_device_proves_nothing():
    order = uncertain(Feature.RECENT)
    ScriptedClient.reset(Feature.RECENT, recent=[Retryable("down")])
    assert resolve(order).state == S.UNCERTAIN


def test_staff_can_tell_after_everything_else():
    order = uncertain(Feature.RECENT)
    ScriptedClient.reset(Feature.RECENT, recent=[["S-1", "S-2"]])
    resolve(order)
    resolving.say_bought(order.pk, supplier_order_id="S-2", evidence="panel", actor=SYSTEM)
    order.refresh_from_db()
    assert order.state == S.IN_PROCESS
