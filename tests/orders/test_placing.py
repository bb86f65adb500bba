"""A basket becomes a purchase once, at today's catalogue price, with its promises and consent frozen."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from orders.models import Draft, Order, OrderEvent, Purchase
from orders.placing import PriceChanged, forget_old_drafts, new_order, place_purchase
from orders.states import OrderState
from services.models import Service, ServicePrice
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db


def place(draft, **changes) -> Purchase:
    values = {"email": factories.ADA, "language": "en", "consent": factories.consent(), "is_demo": True}
    return place_purchase(draft, **{**values, **changes}, actor=factories.CUSTOMER)


def test_one_order_for_each_device():
    purchase = place(factories.make_draft(imeis=(factories.imei(1), factories.imei(2))))

    orders = purchase.orders.order_by("position")
    assert [order.identifier for order in orders] == [factories.imei(1), factories.imei(2)]
    assert {order.state for order in orders} == {OrderState.AWAITING_PAYMENT}
    assert purchase.total == Decimal("37.80")
    assert OrderEvent.objects.filter(kind="order.placed", ip="192.0.2.7").count() == 2


def test_the_same_draft_again_is_the_same_purchase():
    draft = factories.make_draft()

    assert place(draft) == place(draft)
    assert Order.objects.count() == 1


def test_promises_are_frozen():
    service = factories.make_service()
    purchase = place(factories.make_draft(service))

    Service.objects.update(name="Other", guaranteed_minutes=9999)
    ServicePrice.objects.update(amount=99)

    order = purchase.orders.get()
    assert (order.service_name, order.price, order.guaranteed_minutes) == (service.name, Decimal("18.90"), 72 * 60)


def test_consent_is_evidence():
    purchase = place(factories.make_draft())

    assert purchase.terms_version == "2026-11"
    assert purchase.terms_accepted_at <= clock.now()
    assert purchase.start_now_acknowledged_at is not None
    assert (purchase.ip, purchase.user_agent, purchase.checklist) == ("192.0.2.7", "tests", ["It is my device."])


def test_a_changed_price_is_said_and_nothing_is_bought():
    draft = factories.make_draft()
    ServicePrice.objects.update(amount=Decimal("19.90"))

    with pytest.raises(PriceChanged) as changed:
        place(draft)

    assert changed.value.now.amount == Decimal("19.90")
    assert not Purchase.objects.exists()


@pytest.mark.parametrize("column", ["is_published", "is_open"])
def test_a_closed_service_takes_no_orders(column):
    draft = factories.make_draft()
    Service.objects.update(**{column: False})

    with pytest.raises(Refused) as refused:
        place(draft)

    assert refused.value.code == "service_closed"
    assert not Purchase.objects.exists()


def test_an_empty_basket_is_refused():
    with pytest.raises(Refused, match="device"):
        place(factories.make_draft(imeis=()))


def test_a_free_purchase_is_paid_at_once():
    purchase = place(factories.make_draft(factories.make_service(price="0", kind="check")))

    assert purchase.paid_at is not None
    assert purchase.orders.get().state == OrderState.PAID


def test_an_answer_with_a_price_of_its_own_decides():
    service = factories.make_service()
    ServicePrice.objects.create(service=service, currency="EUR", option="amount=20", amount=Decimal("21.20"))

    assert factories.make_draft(service, amount="20").quoted_total == Decimal("21.20")
    assert factories.make_draft(service, amount="5").quoted_total == Decimal("18.90")


def test_unfinished_checkouts_are_forgotten_after_a_week():
    old, young = factories.make_draft(), factories.make_draft()
    Draft.objects.filter(pk=old.pk).update(created_at=clock.now() - timedelta(days=8))

    assert forget_old_drafts() == 1
    assert list(Draft.objects.all()) == [young]


def test_a_purchase_is_in_one_currency():
    service = factories.make_service()
    purchase = factories.make_purchase(service)
    device = {"value": factories.imei(2), "kind": "imei"}
    yen = Money(Decimal(3180), "JPY")

    with pytest.raises(Refused, match=r"This purchase is in EUR\. Order what is priced in JPY separately"):
        new_order(purchase, service, position=2, device=device, answers={}, price=yen)

    assert purchase.orders.count() == 1


def test_the_database_keeps_a_purchase_in_one_currency():
    order = factories.make_purchase().orders.get()

    with pytest.raises(IntegrityError, match="currency of its"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(currency="USD")
    order.pk, order.number, order.secret, order.position, order.currency = None, "U-X", "x", 2, "USD"
    with pytest.raises(IntegrityError, match="currency of its"), transaction.atomic():
        order.save(force_insert=True)

    assert Order.objects.get().currency == "EUR"
