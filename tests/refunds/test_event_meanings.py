"""Every kind of event that an order's story can hold means something to the refund rules, or nothing on purpose."""

from __future__ import annotations

import pytest

from orders import events
from orders.states import OrderState
from refunds import calling_off, order_facts
from refunds.order_facts import Asked, collect
from refunds.states import ClaimType
from tests import factories
from tests.refunds.claims import paid_order
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM

pytestmark = pytest.mark.django_db


def test_every_kind_of_event_is_known_or_meaningless_on_purpose():
    known = order_facts.MEANINGFUL | order_facts.MEANINGLESS

    assert set(events.EVENTS) == known
    assert not order_facts.MEANINGFUL & order_facts.MEANINGLESS


@pytest.mark.parametrize(("kind", "outcome"), sorted(order_facts.ENDED_BY_RIGHT.items()))
def test_an_end_by_right_is_an_end_to_the_rules(kind, outcome):
    order = paid_order(OrderState.IN_PROCESS)
    events.record(order, kind, actor=SYSTEM, from_state="in_process", to_state="cancelled")
    agreed = calling_off.agreed_with(order.purchase)

    facts = collect(order, Asked(ClaimType.NO_RESULT, clock.now()), agreed)

    assert facts.outcome == outcome


def test_an_order_called_off_is_over_to_the_rules():
    order = paid_order(OrderState.PAID)
    calling_off.call_off(order.pk, actor=factories.CUSTOMER)
    agreed = calling_off.agreed_with(order.purchase)

    facts = collect(type(order).objects.get(pk=order.pk), Asked(ClaimType.NO_RESULT, clock.now()), agreed)

    assert (facts.outcome, facts.is_refunded) == ("refused", True)
