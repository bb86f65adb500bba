"""An order is found by whatever a customer, a bank or a supplier quotes."""

from __future__ import annotations

import pytest

from orders.admin.search import find_orders, find_purchases
from orders.models import Order, Purchase
from tests import factories
from tests.admin.conftest import make_shop
from unlockshop.kernel.staff_parts import list_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def two():
    wanted = make_shop(imeis=(factories.imei(1),), email="wanted@example.com")
    make_shop(imeis=(factories.imei(2),), email="other@example.com")
    return wanted


@pytest.mark.parametrize(
    "typed",
    [
        lambda s: s.order.number,
        lambda s: s.order.number.lower().replace("-", " "),
        lambda s: s.order.purchase.number,
        lambda s: s.order.identifier,
        lambda s: (
            f"{s.order.identifier[:2]}-{s.order.identifier[2:8]}-{s.order.identifier[8:14]}-{s.order.identifier[14]}"
        ),
        lambda s: f" {s.order.identifier[:6]} {s.order.identifier[6:]} ",
        lambda s: f"IMEI: {s.order.identifier}",
        lambda s: s.order.identifier[-7:],
        lambda s: "WANTED@example.com",
        lambda s: "wanted",
        lambda s: s.payment.provider_ref,
        lambda s: s.payment.charge_ref,
        lambda s: s.order.supplier_attempts.get().supplier_order_id,
        lambda s: s.order.supplier_attempts.get().reference.lower(),
    ],
)
def test_finds_exactly_the_order(two, typed):
    assert list(find_orders(Order.objects.all(), typed(two))) == [two.order]
    assert list(find_purchases(Purchase.objects.all(), typed(two))) == [two.order.purchase]


@pytest.mark.parametrize(
    "typed",
    ["nothing-like-it", "999999999999999", "U-AAAA-AAAA-A", "%", "_", "'; DROP TABLE", "\u202e\u200b", "é" * 200],
)
def test_finds_nothing(two, typed):
    assert not find_orders(Order.objects.all(), typed).exists()


@pytest.mark.parametrize("model", [Order, Purchase])
@pytest.mark.parametrize("lookup", ["secret", "secret__startswith", "secret__regex", "number__regex", "id__in"])
def test_a_query_cannot_feel_its_way_through_columns(admin, two, model, lookup):
    assert admin.get(list_url(model), {lookup: "a"}).status_code == 400


@pytest.mark.parametrize("query", ["state__in=paid,uncertain", "state__exact=paid", "need=owed", "supplier=1"])
def test_the_filters_of_the_list_work(admin, two, query):
    assert admin.get(list_url(Order, query)).status_code == 200


@pytest.mark.parametrize("typed", ["\x00", "%00", "(((", "\\", "a" * 5000])
def test_odd_text_in_the_search_box_is_no_error(admin, two, typed):
    assert admin.get(list_url(Order), {"q": typed}).status_code == 200


def test_list_searches(admin, two):
    page = admin.get(list_url(Order), {"q": two.order.identifier}).content.decode()
    assert two.order.number in page
    assert "other@example.com" not in page


@pytest.mark.parametrize(
    "query", ["supplier=x", "supplier=99999999999999999999", "need=nonsense", "state__exact=nonsense"]
)
def test_odd_filters_are_no_error(admin, two, query):
    assert admin.get(list_url(Order, query)).status_code in {200, 302}
