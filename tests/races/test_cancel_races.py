"""A result and the answer to a request to cancel arrive at once: exactly one of them ends the order."""

from __future__ import annotations

import pytest

from orders import cancelling, lifecycle
from orders.models import CancelRequest, Order, OrderEvent
from orders.states import AttemptOutcome, CancelState, OrderState
from payments import booking, ledger
from payments.models import LedgerTransaction
from services.suppliers.base import Feature
from tests import factories
from tests.helpers.race import at_once
from tests.helpers.suppliers import ScriptedClient, asked
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import TransitionRefused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset(Feature.CANCEL)


def requested(serial: int) -> CancelRequest:
    order = factories.make_order(OrderState.IN_PROCESS, imeis=(factories.imei(serial),))
    return cancelling.request(order.pk, reason="changed her mind", actor=SYSTEM)


def test_result_and_agreement_at_once():
    ends = set()
    for serial in range(12):
        row = requested(serial)

        def run(n: int, row: CancelRequest = row) -> object:
            if n % 2:
                return lifecycle.complete(row.order_id, result="CODE: 1", supplier_name="x", actor=SYSTEM)
            return cancelling.ask(row.pk)

        results = at_once(4, run)
        cancelling.close_ended()

        row.refresh_from_db()
        order = Order.objects.get(pk=row.order_id)
        ends.add(order.state)
        assert {type(result) for result in results} <= {type(None), Order, TransitionRefused}
        assert (order.state, row.state, order.supplier_attempts.get().outcome) in {
            (OrderState.COMPLETED, CancelState.TOO_LATE, AttemptOutcome.ACCEPTED),
            (OrderState.CANCELLED, CancelState.AGREED, AttemptOutcome.REJECTED),
        }
        assert OrderEvent.objects.filter(order=order, to_state__in=["completed", "cancelled"]).count() == 1
        assert order.purchase.mails.filter(kind__in=["completed", "cancelled"]).count() == 1
    assert ends <= {OrderState.COMPLETED, OrderState.CANCELLED}


def test_asked_for_by_many_it_is_one_request_and_one_question():
    order = factories.make_order(OrderState.IN_PROCESS)
    at_once(8, lambda _n: cancelling.request(order.pk, reason="please", actor=SYSTEM))
    row = CancelRequest.objects.get()
    at_once(8, lambda _n: cancelling.ask(row.pk))
    assert asked("cancel") == 1
    assert OrderEvent.objects.filter(kind="supplier.cancel_requested").count() == 1


def test_a_loss_is_booked_once_however_many_sweeps_run():
    order = factories.make_order(OrderState.COMPLETED)
    factories.set_outcome(order.supplier_attempts.get(), AttemptOutcome.REFUSED, is_late_surprise=True)
    at_once(6, lambda _n: booking.book_supplier_losses())
    assert LedgerTransaction.objects.filter(kind="supplier_loss").count() == 1
    assert [finding for finding in ledger.check() if finding.rule == "supplier losses"] == []
