"""Statements that an order's page and the tracker send, with one order and with thirty."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from orders.states import OrderState
from tests.factories import bring_to, imei, make_purchase

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("rows", [1, 30])
def test_an_order_in_process_takes_two_and_its_tracker_one(
    client: Client, django_assert_num_queries: Any, rows: int
) -> None:
    purchase = make_purchase(imeis=tuple(imei(n) for n in range(rows)), paid=True)
    orders = list(purchase.orders.all())
    for order in orders:
        bring_to(order, OrderState.IN_PROCESS)

    with django_assert_num_queries(2):
        assert client.get(orders[0].get_absolute_url()).status_code == 200
    with django_assert_num_queries(1):
        assert client.get(f"/order-status-tracker/?q={orders[0].number}").context["order"] is not None


def test_the_staff_pages_policy_is_theirs_alone(client: Client) -> None:
    policies = {
        path: {client.get(path)["Content-Security-Policy"] for _ in range(2)}
        for path in ("/admin/login/", "/terms/", "/admin/login/", "/")
    }

    assert policies["/terms/"] == policies["/"]
    assert len(policies["/"]) == len(policies["/admin/login/"]) == 1
    assert "unsafe" not in policies["/"].pop()
    assert "unsafe-eval" in policies["/admin/login/"].pop()
