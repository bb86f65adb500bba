"""How staff see the two clocks: the column, the filter, the order's page and the queues."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orders.models import Order
from orders.states import OrderState
from tests.orders.test_clocks import DAY, FRIDAY_EVENING, HOUR, MONDAY_NOON, order_at
from unlockshop.kernel import clock
from unlockshop.kernel.staff_parts import change_url, list_url

pytestmark = pytest.mark.django_db
S = OrderState
LATE = datetime(2026, 11, 30, 10, 30, 1, tzinfo=UTC)


def listed(admin, time: str) -> list[Order]:
    return list(admin.get(list_url(Order, f"time={time}")).context["cl"].result_list)


def queue(admin, title: str):
    groups = admin.get("/admin/").context["queue_groups"]
    return next(each for group in groups for each in group.queues if each.title.startswith(title))


def test_the_filters_show_late_orders_and_those_that_will_be(admin):
    soon = order_at(FRIDAY_EVENING, 2 * HOUR, state=S.IN_PROCESS)
    slow = order_at(MONDAY_NOON, 10 * DAY, state=S.IN_PROCESS)

    with clock.frozen(FRIDAY_EVENING):
        assert (listed(admin, "late"), listed(admin, "soon")) == ([], [soon])
        assert (queue(admin, "Late by the end").count, queue(admin, "Late by the end").is_late) == (1, False)
    with clock.frozen(LATE):
        assert (listed(admin, "late"), listed(admin, "soon")) == ([soon], [])
        assert (queue(admin, "Late: past").count, queue(admin, "Late: past").is_late) == (1, True)
        page = admin.get(list_url(Order)).content.decode()
        assert "late by" in page
    with clock.frozen(datetime(2027, 1, 8, 12, tzinfo=UTC)):
        assert set(listed(admin, "late")) == {soon, slow}
        assert set(listed(admin, "cap")) == {soon, slow}
        assert set(listed(admin, "nonsense")) == {soon, slow}


def test_the_filter_shows_what_should_be_with_a_supplier(admin):
    order = order_at(MONDAY_NOON, 3 * DAY)
    with clock.frozen(order.submission_due_at):
        assert listed(admin, "submission") == []
    with clock.frozen(LATE):
        assert listed(admin, "submission") == [order]
        assert queue(admin, "Late to be").count == 1


def test_the_order_page_tells_both_clocks_by_the_frozen_calendar(admin):
    order = order_at(MONDAY_NOON, 3 * DAY)
    with clock.frozen(MONDAY_NOON):
        page = " ".join(admin.get(change_url(order)).content.decode().split())

    for words in (
        "Monday 23 November, 14:00 Madrid time", "Thursday 26 November, 22:00 Madrid time",
        "Friday 11 December, 22:00 Madrid time", "At most 3 business days, guaranteed".lower(),
    ):  # fmt: skip
        assert words in page


def test_the_queues_cost_one_query(django_assert_num_queries):
    from unlockshop.admin_queues import _late  # noqa: PLC0415

    with django_assert_num_queries(1):
        _late()
