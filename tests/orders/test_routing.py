"""Where a paid order goes: which supplier, not yet, or to staff."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from orders import advancing, dispatching, forwarding, lifecycle, paying, routing
from orders.models import Order
from orders.routing import Hold
from orders.states import HoldReason, OrderState
from services.models import CostRate, Offer, Supplier, SupplierService
from services.pricing.costs import costs_of
from services.suppliers.base import RefusalCode
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


def paid_order(**changes) -> Order:
    service = factories.make_service(supplier=factories.make_supplier(adapter="scripted"), **changes)
    return factories.make_order(service=service)


def second_supplier(order: Order, *, priority: int = 200) -> Supplier:
    supplier = factories.make_supplier(adapter="scripted")
    Offer.objects.create(
        service=order.service, supplier=supplier, supplier_service_id="77", priority=priority,
        cost=Decimal(11), cost_currency="EUR",
    )  # fmt: skip
    return supplier


def twins() -> list[Order]:
    """Two paid orders for the same device and service, placed before either was paid."""
    service = factories.make_service(supplier=factories.make_supplier(adapter="scripted"))
    placed = [factories.make_purchase(service) for _ in range(2)]
    for purchase in placed:
        paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=clock.now())
    return [purchase.orders.get() for purchase in placed]


def suppliers_of(order: Order) -> list[int]:
    return list(order.supplier_attempts.order_by("n").values_list("supplier_id", flat=True))


NOTHING_BOUGHT = [RefusalCode.FUNDS, RefusalCode.AUTH, RefusalCode.IP, RefusalCode.RATE, RefusalCode.MAINTENANCE]


def test_the_lowest_priority_number_is_asked_first():
    order = paid_order()
    first = second_supplier(order, priority=1)

    advancing.advance(order.pk)

    assert suppliers_of(order) == [first.pk]


@pytest.mark.parametrize("code", [*NOTHING_BOUGHT, RefusalCode.SERVICE_GONE])
def test_where_provably_nothing_was_bought_the_next_supplier_is_asked(code):
    order = paid_order()
    fallback = second_supplier(order)
    ScriptedClient.reset(place=[Refused("no", code=code)])

    advancing.advance(order.pk)
    with clock.frozen(clock.now() + timedelta(minutes=3)):
        Supplier.objects.exclude(pk=fallback.pk).update(paused_until=clock.now() + timedelta(minutes=5))
        advancing.advance(order.pk)

    order.refresh_from_db()
    assert order.state == S.IN_PROCESS
    assert suppliers_of(order)[-1] == fallback.pk


@pytest.mark.parametrize("answer", [OutcomeUnknown("HTML"), Refused("exists", code=RefusalCode.DUPLICATE)])
def test_where_something_may_have_been_bought_nobody_else_is_asked(answer):
    order = paid_order()
    second_supplier(order)
    ScriptedClient.reset(place=[answer])

    for minutes in (0, 1, 30, 120):
        with clock.frozen(clock.now() + timedelta(minutes=minutes)):
            advancing.advance(order.pk)

    assert asked("place") == 1
    order.refresh_from_db()
    assert order.state == S.ON_HOLD


@pytest.mark.parametrize("where", ["service", "supplier"])
def test_what_needs_approval_is_sent_when_staff_let_it_go(where):
    order = paid_order()
    owner = order.service if where == "service" else order.service.offers.get().supplier
    type(owner).objects.filter(pk=owner.pk).update(needs_approval=True)

    dispatching.dispatch()
    order.refresh_from_db()
    assert (order.state, order.hold_reason, asked("place")) == (S.ON_HOLD, HoldReason.NEEDS_APPROVAL, 0)

    lifecycle.resume(order.pk, reason="looked at it", actor=SAM)
    ScriptedClient.reset(place=[NOT_SENT])
    advancing.advance(order.pk)
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        advancing.advance(order.pk)

    order.refresh_from_db()
    assert order.state == S.IN_PROCESS, "approved once is approved for a later try as well"


def test_the_same_device_and_service_twice_goes_to_staff():
    first, second = twins()
    advancing.advance(first.pk)

    advancing.advance(second.pk)

    second.refresh_from_db()
    assert (second.state, second.hold_reason) == (S.ON_HOLD, HoldReason.SAME_DEVICE)
    assert first.number in second.events.get(kind="order.held").data["message"]
    assert asked("place") == 1


def test_in_one_batch_the_later_of_two_equal_orders_waits_for_staff():
    first, second = twins()

    dispatching.dispatch()

    states = {order.pk: order.state for order in Order.objects.all()}
    assert states == {first.pk: S.IN_PROCESS, second.pk: S.ON_HOLD}


def test_the_database_refuses_a_second_live_attempt_for_a_device():
    first, second = twins()
    attempt = forwarding.begin(first.pk)

    copy = forwarding.new_attempt(second, first.service.offers.get(), n=1, moment=clock.now())
    assert copy.work_key == attempt.work_key

    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save()


@pytest.mark.parametrize("why", ["re-check", "let go by staff", "first has ended", "other answers", "other service"])
def test_a_second_order_for_a_device_is_sent_where_it_is_meant(why):
    first, second = twins()
    advancing.advance(first.pk)
    if why == "re-check":
        second = factories.make_order(service=first.service, again=True)
    elif why == "other service":
        second = paid_order()
    elif why == "first has ended":
        attempt = first.supplier_attempts.get()
        lifecycle.complete(first.pk, result="Code: 1", supplier_name=attempt.supplier.name, actor=SAM)
    elif why == "other answers":
        Order.objects.filter(pk=second.pk).update(answers={"network": "Orange"})
    elif why == "let go by staff":
        lifecycle.hold(second.pk, reason=HoldReason.STAFF, actor=SAM)
        lifecycle.resume(second.pk, reason="wanted twice", actor=SAM)

    advancing.advance(second.pk)

    second.refresh_from_db()
    assert second.state == S.IN_PROCESS


def test_staff_see_what_would_happen_next():
    order = paid_order()
    assert isinstance(routing.next_step(order), Offer)
    Supplier.objects.update(needs_approval=True)
    assert routing.next_step(Order.objects.get(pk=order.pk)) == Hold(HoldReason.NEEDS_APPROVAL)


def dear(order: Order, cost: str = "18.91", currency: str = "EUR") -> None:
    """The supplier's catalogue tells this cost now; the offer is as it was."""
    offer = order.service.offers.order_by("priority", "pk")[0]
    key = {"supplier": offer.supplier, "service_id": offer.supplier_service_id}
    SupplierService.objects.update_or_create(**key, defaults={"cost": Decimal(cost), "cost_currency": currency})


def held(order: Order) -> str:
    dispatching.dispatch()
    order.refresh_from_db()
    return str(order.hold_reason)


def test_a_cost_above_the_price_waits_for_staff():
    order = paid_order()
    dear(order)

    assert (held(order), asked("place")) == (HoldReason.COST_ABOVE_PRICE, 0)
    assert "18.91 EUR, 18.90 EUR" in order.events.get(kind="order.held").data["message"]
    lifecycle.resume(order.pk, reason="a good customer", actor=SAM)
    advancing.advance(order.pk)

    order.refresh_from_db()
    assert order.state == S.IN_PROCESS


def test_one_order_by_itself_is_held_like_many():
    order = paid_order()
    order.service.offers.update(cost=Decimal("18.91"))
    forwarding.forward(order.pk)

    order.refresh_from_db()
    assert order.hold_reason == HoldReason.COST_ABOVE_PRICE


def test_the_suppliers_word_goes_before_what_the_offer_says():
    order = paid_order()
    order.service.offers.update(cost=Decimal(99))
    dear(order, "18.90")

    assert held(order) == ""
    assert asked("place") == 1


def test_a_cost_that_nobody_can_compare_does_not_hold():
    order = paid_order()
    dear(order, "1000", "USD")
    assert held(order) == ""


def test_with_a_rate_costs_are_compared_across_currencies():
    order = paid_order()
    CostRate.objects.create(currency="USD", rate=Decimal("0.9"))
    dear(order, "21.01", "USD")
    assert held(order) == HoldReason.COST_ABOVE_PRICE

    fine = paid_order()
    dear(fine, "21.00", "USD")
    assert held(fine) == ""


def test_a_later_offer_that_is_not_above_the_price_goes_first():
    order = paid_order()
    dear(order)
    cheap = second_supplier(order)

    assert held(order) == ""
    assert suppliers_of(order) == [cheap.pk]


def test_a_cheap_offer_that_is_paused_is_waited_for():
    order = paid_order()
    dear(order)
    cheap = second_supplier(order)
    Supplier.objects.filter(pk=cheap.pk).update(paused_until=clock.now() + timedelta(hours=1))

    assert held(order) == ""
    assert (order.state, asked("place")) == (S.PAID, 0)


def test_a_gone_service_tells_no_cost():
    order = paid_order()
    dear(order)
    SupplierService.objects.update(gone_since=clock.now())
    assert held(order) == ""


def test_costs_take_two_queries_for_a_batch_of_any_size(django_assert_num_queries):
    orders = [paid_order() for _n in range(12)]
    offers = routing.offers_of({order.service_id for order in orders})
    for order in orders:
        dear(order)

    with django_assert_num_queries(2):
        costs = costs_of(offer for some in offers.values() for offer in some)

    assert all(costs.exceeds(some[0], orders[0].money) for some in offers.values())
