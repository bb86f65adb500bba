"""A customer cancels at the very moment in which the order goes out, or goes on: never both.

``CANCEL_RACE_PAIRS`` sets how many orders race (default 24); 1,000 are reported in docs/delays.md.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from orders import delaying, forwarding
from orders.models import CancelRequest, DelayNotice, Order, OrderEvent, OutgoingMail
from orders.models.mail import MailKind
from orders.states import LIVE_OUTCOMES, OrderState
from payments.models import Refund
from refunds import calling_off, telling_delays
from refunds.telling_delays import Message
from services.suppliers.base import Feature
from tests import factories
from tests.admin.conftest import make_payment
from tests.helpers.race import in_rounds
from tests.helpers.suppliers import ScriptedClient, asked
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused, ShopError

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
PAIRS = int(os.environ.get("CANCEL_RACE_PAIRS", "24"))


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset(Feature.CANCEL)


def raced(orders: list[Order], first: Callable[[Order], Any], second: Callable[[Order], Any]) -> None:
    """Both, at a barrier, for each order in turn."""

    def run(n: int, number: int) -> Any:
        return (first, second)[n](orders[number])

    for results in in_rounds(2, len(orders), run):
        unforeseen = [each for each in results if isinstance(each, Exception) and not isinstance(each, ShopError)]
        assert unforeseen == []


def paid(count: int, state: OrderState = OrderState.PAID) -> list[Order]:
    service = factories.make_service()
    orders = []
    for n in range(count):
        order = factories.make_order(state, service=service, imeis=(factories.imei(600_000 + n),))
        make_payment(order)
        orders.append(order)
    return orders


def call_off(order: Order) -> Any:
    try:
        return calling_off.call_off(order.pk, actor=factories.CUSTOMER)
    except Refused as refused:
        return refused


def test_cancelled_and_never_bought_or_bought_and_not_cancelled() -> None:
    orders = paid(PAIRS)

    raced(orders, call_off, lambda order: forwarding.forward(order.pk))

    ends: Counter[str] = Counter()
    for order in Order.objects.filter(pk__in=[each.pk for each in orders]):
        bought = order.supplier_attempts.filter(outcome__in=sorted(LIVE_OUTCOMES)).count()
        refunds = Refund.objects.filter(order=order).count()
        ends[order.state] += 1
        assert (order.state, order.supplier_attempts.count(), bought, refunds) in {
            (OrderState.CANCELLED, 0, 0, 1),
            (OrderState.IN_PROCESS, 1, 1, 0),
        }
    assert ends[OrderState.IN_PROCESS] == asked("place")
    assert ends.total() == PAIRS
    print(f"{connection.vendor}: {dict(ends)}")


def test_the_last_second_and_the_silence_never_both_win() -> None:
    orders = paid(min(PAIRS, 60), OrderState.IN_PROCESS)
    moment = clock.now()
    with clock.frozen(moment - timedelta(hours=25)):
        for order in orders:
            telling_delays.tell(
                order.pk, Message("closed", moment + timedelta(days=3)), batch="b", actor=factories.CUSTOMER
            )
    DelayNotice.objects.update(answer_by=moment - timedelta(seconds=1))
    OutgoingMail.objects.filter(kind=MailKind.DELAYED).update(delivered_at=moment - timedelta(hours=24, seconds=1))

    raced(orders, call_off, lambda order: delaying.go_on(order.delay_notices.get().pk))

    for order in Order.objects.filter(pk__in=[each.pk for each in orders]):
        outcome = order.delay_notices.get().outcome
        told = set(order.events.filter(kind__in=["order.went_on", "order.cancelled_on_delay"]).values_list("kind"))
        refunds = Refund.objects.filter(order=order).count()
        assert (order.state, outcome, refunds, len(told)) in {
            (OrderState.CANCELLED, "cancelled", 1, 1),
            (OrderState.IN_PROCESS, "went_on", 0, 1),
        }


def test_pressed_by_many_it_is_cancelled_once() -> None:
    (order,) = paid(1, OrderState.IN_PROCESS)
    telling_delays.tell(order.pk, Message("closed", None), batch="b", actor=factories.CUSTOMER)

    in_rounds(8, 1, lambda _n, _round: call_off(order))

    assert Refund.objects.count() == 1
    assert CancelRequest.objects.count() == 1
    assert OrderEvent.objects.filter(kind="order.cancelled_on_delay").count() == 1


def test_one_press_of_the_button_by_many_tells_once() -> None:
    (order,) = paid(1, OrderState.IN_PROCESS)
    message = Message("closed", None)

    in_rounds(6, 1, lambda _n, _r: telling_delays.tell(order.pk, message, batch="b", actor=factories.CUSTOMER))

    assert DelayNotice.objects.count() == 1
    assert OutgoingMail.objects.filter(kind=MailKind.DELAYED).count() == 1
