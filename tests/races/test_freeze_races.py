"""A freeze and a replacement at the same moment: neither waits for the other for ever, and nothing slips through."""

from __future__ import annotations

import pytest

from orders import cancelling, correcting, forwarding, freezing
from orders.models import Order, Purchase, SupplierAttempt
from orders.right_data import RightData
from orders.states import CancelState, HoldReason, OrderState
from tests import factories
from tests.helpers.race import in_rounds
from unlockshop.kernel.actors import SYSTEM

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ROUNDS = 15
DEVICES = 3


def test_a_freeze_meets_replacements():
    rows, purchases = [], []
    for number in range(ROUNDS):
        imeis = tuple(factories.imei(number * 10 + n) for n in range(DEVICES))
        purchase = factories.make_purchase(imeis=imeis, paid=True)
        for n, order in enumerate(purchase.orders.order_by("position")):
            factories.bring_to(order, OrderState.IN_PROCESS)
            data = RightData(factories.imei(5000 + number * 10 + n), "imei", {})
            rows.append(correcting.ask(order.pk, data, rule="x", refusal="", actor=factories.CUSTOMER))
        purchases.append(purchase)

    def run(n: int, number: int) -> object:
        if n == DEVICES:
            return freezing.freeze(purchases[number].pk, reason=HoldReason.DISPUTE, actor=SYSTEM)
        row = rows[number * DEVICES + n]
        return cancelling.settle(row.cancel_request_id, CancelState.AGREED, message="", actor=SYSTEM)

    results = in_rounds(DEVICES + 1, ROUNDS, run)

    assert [each for found in results for each in found if isinstance(each, Exception)] == []
    assert set(Purchase.objects.values_list("frozen_for", flat=True)) == {HoldReason.DISPUTE}
    bought = SupplierAttempt.objects.count()
    for order in Order.objects.exclude(state=OrderState.CANCELLED):
        forwarding.begin(order.pk)
    assert SupplierAttempt.objects.count() == bought
    assert Order.objects.filter(state=OrderState.CANCELLED).count() == ROUNDS * DEVICES
