"""A correction and the dispatch of the same order start together: the lock decides, and what left is what is kept."""

from __future__ import annotations

import pytest

from orders import cancelling, correcting, dispatching, forwarding, lifecycle
from orders.models import CorrectionRequest, Order, SupplierAttempt
from orders.right_data import RightData
from orders.states import AttemptOutcome, CancelState, CorrectionState, OrderState
from refunds import calling_off
from tests import factories
from tests.admin.conftest import make_payment
from tests.helpers.race import at_once, in_rounds
from tests.helpers.suppliers import ScriptedClient
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused, TransitionRefused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
PAIRS = 200
S = OrderState


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


def right(serial: int) -> RightData:
    return RightData(factories.imei(serial), "imei", {})


def sent() -> dict[str, list[str]]:
    """By order number, the devices that were sent to the supplier."""
    found: dict[str, list[str]] = {}
    for verb, job in ScriptedClient.calls:
        if verb == "place":
            found.setdefault(job.reference.rpartition("-")[0], []).append(job.identifier)
    return found


def test_a_correction_meets_dispatch():
    service = factories.make_service()
    orders = [factories.make_order(S.PAID, service=service, imeis=(factories.imei(n),)) for n in range(PAIRS)]

    def run(n: int, number: int) -> object:
        order = orders[number]
        if n:
            return correcting.correct(order.pk, right(1000 + number), rule="x", actor=factories.CUSTOMER)
        return forwarding.forward(order.pk)

    results = in_rounds(2, PAIRS, run)
    for order in orders:
        forwarding.forward(order.pk)

    left = sent()
    for number, order in enumerate(orders):
        order.refresh_from_db()
        corrected = isinstance(results[number][1], Order)
        assert corrected or (isinstance(results[number][1], Refused) and results[number][1].code == "left")
        assert order.identifier == factories.imei(1000 + number if corrected else number)
        assert left[order.number] == [order.identifier]
        assert order.events.filter(kind="order.corrected").count() == corrected
        assert order.state == S.IN_PROCESS
    assert SupplierAttempt.objects.filter(outcome=AttemptOutcome.ACCEPTED).count() == PAIRS


def test_a_correction_meets_a_batch():
    service = factories.make_service()
    for serial in range(40):
        order = factories.make_order(S.PAID, service=service, imeis=(factories.imei(serial),))

        def run(n: int, order: Order = order, serial: int = serial) -> object:
            if n:
                return correcting.correct(order.pk, right(1000 + serial), rule="x", actor=factories.CUSTOMER)
            return dispatching.dispatch()

        results = at_once(2, run)
        forwarding.forward(order.pk)

        order.refresh_from_db()
        assert isinstance(results[1], Order) or results[1].code == "left"
        assert order.identifier == factories.imei(1000 + serial if isinstance(results[1], Order) else serial)
        assert (sent()[order.number], order.state) == ([order.identifier], S.IN_PROCESS)


def test_a_correction_meets_a_cancellation():
    for serial in range(20):
        order = factories.make_order(S.PAID, imeis=(factories.imei(serial),))
        make_payment(order)

        def run(n: int, order: Order = order, serial: int = serial) -> object:
            if n:
                return correcting.correct(order.pk, right(1000 + serial), rule="x", actor=factories.CUSTOMER)
            return calling_off.call_off(order.pk, actor=factories.CUSTOMER)

        results = at_once(2, run)
        order.refresh_from_db()
        assert order.state == S.CANCELLED
        assert isinstance(results[1], Order | Refused)
        assert order.refunds.count() == 1


def test_two_corrections_of_one_order_are_two_lines_or_a_refusal():
    order = factories.make_order(S.PAID, imeis=(factories.imei(1),))

    results = at_once(6, lambda n: correcting.correct(order.pk, right(10 + n), rule="x", actor=SYSTEM))

    order.refresh_from_db()
    assert all(isinstance(result, Order) for result in results)
    last = order.events.filter(kind="order.corrected").order_by("seq").last()
    assert (order.events.filter(kind="order.corrected").count(), last.data["new device"]) == (6, order.identifier)


def test_agreement_and_result_at_once_make_one_end_and_at_most_one_replacement():
    ends = set()
    for serial in range(12):
        order = factories.make_order(S.IN_PROCESS, imeis=(factories.imei(serial),))
        row = correcting.ask(order.pk, right(1000 + serial), rule="x", refusal="", actor=factories.CUSTOMER)

        def run(n: int, row: CorrectionRequest = row) -> object:
            if n % 2:
                return lifecycle.complete(row.order_id, result="CODE: 1", supplier_name="x", actor=SYSTEM)
            return cancelling.settle(row.cancel_request_id, CancelState.AGREED, message="", actor=SYSTEM)

        results = at_once(4, run)
        row.refresh_from_db()
        order.refresh_from_db()
        ends.add(order.state)
        assert {type(each) for each in results} <= {Order, CancelState, TransitionRefused}
        assert (order.state, row.state, order.purchase.orders.count()) in {
            (S.COMPLETED, CorrectionState.TOO_LATE, 1),
            (S.CANCELLED, CorrectionState.REPLACED, 2),
        }
    assert ends <= {S.COMPLETED, S.CANCELLED}


def test_two_orders_of_one_purchase_are_replaced_at_once():
    purchase = factories.make_purchase(imeis=tuple(factories.imei(n) for n in range(4)), paid=True)
    rows = []
    for n, order in enumerate(purchase.orders.all()):
        factories.bring_to(order, S.IN_PROCESS)
        rows.append(correcting.ask(order.pk, right(1000 + n), rule="x", refusal="", actor=factories.CUSTOMER))

    def run(n: int) -> object:
        return cancelling.settle(rows[n].cancel_request_id, CancelState.AGREED, message="", actor=SYSTEM)

    assert at_once(4, run) == [CancelState.AGREED] * 4
    assert sorted(purchase.orders.values_list("position", flat=True)) == list(range(1, 9))
    assert CorrectionRequest.objects.filter(state=CorrectionState.REPLACED).count() == 4
