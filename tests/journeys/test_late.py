"""A late order in a browser, with the shop's clock in the test's hand: wait, then take the money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from orders.models import Order
from orders.states import OrderState
from payments.models import Refund
from tests.refunds.test_overdue import LATE, MONDAY_NOON, late_order
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db(transaction=True)


def test_order_wait_and_take_the_money(live_server: Any, page: Page, screenshot: Callable[[str], None]) -> None:
    order = late_order()
    address = live_server.url + order.get_absolute_url()

    with clock.frozen(MONDAY_NOON):
        page.goto(address)
        expect(
            page.get_by_text("At the latest by Thursday 26 November, 22:00 Madrid time (26 Nov 2026, 21:00 GMT)")
        ).to_be_visible()
        screenshot("in-time")
    with clock.frozen(LATE):
        page.goto(address)
        expect(page.get_by_text("We are late.", exact=False).first).to_be_visible()
        expect(page.get_by_text("If there is no result by Friday 11 December, 22:00 Madrid time")).to_be_visible()
        screenshot("late")
        page.get_by_role("button", name="Give me my money back").click()
        expect(page.get_by_role("heading", name="Cancelled").first).to_be_visible()
        expect(page.get_by_text("On its way").first).to_be_visible()
        screenshot("given-back")

    assert Order.objects.get(pk=order.pk).state == OrderState.CANCELLED
    assert Refund.objects.get().money == order.money
