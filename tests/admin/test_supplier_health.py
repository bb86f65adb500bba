"""The supplier's page says in plain words how it is doing, and has the buttons for it."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from orders import dispatching, turnaround
from orders.states import OrderState
from services import balances, breaking, tallying
from services.models.health import BreakerState, SupplierBalance, SupplierHealth
from tests import factories
from tests.admin.test_actions import buttons, press
from tests.admin.test_queues import queues, shown
from unlockshop.kernel import clock
from unlockshop.kernel.staff_parts import change_url, list_url

pytestmark = pytest.mark.django_db


def read(page) -> str:
    """The words of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


@pytest.fixture
def acme(monday):
    """A supplier without credit for two hours, with a past and with an order that waits."""
    supplier = factories.make_supplier(name="Acme")
    service = factories.make_service(supplier=supplier)
    factories.make_order(OrderState.COMPLETED, service=service)
    factories.make_order(OrderState.PAID, service=service, imeis=(factories.imei(2),))
    turnaround.fold()
    with clock.frozen(monday - timedelta(hours=2)):
        tallying.add([tallying.Tally(supplier.pk, "accepted", 1500, Decimal("39.00"), "EUR")] * 3)
        tallying.add([tallying.Tally(supplier.pk, "refused_funds", 500)])
        breaking.succeeded({supplier.pk: ["A-1"]})
        breaking.refused(supplier.pk, "A-1", code="funds", message="<script>no credit</script>")
        balances.ran_short(supplier.pk, Decimal(10), "EUR")
    SupplierHealth.objects.update(trial_at=monday + timedelta(minutes=16))
    SupplierBalance.objects.update(credit=Decimal("3.25"), currency="EUR", told_at=monday - timedelta(minutes=4))
    return supplier


def test_the_page_tells_all_in_plain_words(admin, acme):
    page = admin.get(change_url(acme))
    said = read(page)

    for words in (
        "nothing is sent: our credit there is used up",
        "<script>no credit</script>",
        "23 Nov 2026 10:00 UTC, for 2 h",
        "one order at 23 Nov 2026 12:16 UTC, in 16 min",
        "Paid orders that may go there 1",
        "Last successful exchange 23 Nov 2026 10:00 UTC, 2 h ago",
        "Balance 3.25 EUR Told 4 min ago",
        "empty in 10 min at this rate, 19.50 EUR an hour",
        "an order at 10.00 EUR",
        "7 days 1 100% under 1 min",
        "accepted 0 — 3 75% 1.5 s",
        "refused: funds 0 — 1 25% 0.5 s",
    ):
        assert words in said, words
    assert b"<script>no credit" not in page.content


def test_list_and_landing_page_name_who_is_in_trouble(admin, acme):
    factories.make_supplier(name="Fine")
    trouble = queues()["Suppliers in trouble"]
    assert (trouble.count, shown(admin, trouble), trouble.oldest) == (1, 1, "2 h")
    assert trouble.due == "Acme: nothing is sent: our credit there is used up"
    notice = queues()["Out of credit: Acme"]
    assert notice.href == change_url(acme)
    listed = read(admin.get(list_url(type(acme))))
    assert "nothing is sent: our credit there is used up 3.25 EUR" in listed
    assert "orders go out never told" in listed


def test_the_waiting_order_says_why(admin, acme):
    order = acme.offers.get().service.orders.get(state=OrderState.PAID)
    dispatching.dispatch()
    assert "Goes to nobody now: Acme: nothing is sent: our credit there is used up" in read(
        admin.get(change_url(order))
    )


def test_staff_close_the_breaker_and_ask_for_the_balance(admin, support, acme):
    assert {"close-breaker", "ask-balance"} <= buttons(admin, acme)
    assert buttons(support, acme) == set()
    press(admin, acme, "ask-balance")
    assert SupplierBalance.objects.get().next_action_at == clock.now()
    press(admin, acme, "close-breaker", reason="topped up")
    row = SupplierHealth.objects.get()
    assert (row.breaker, row.wakes_orders) == (BreakerState.CLOSED, True)
    assert "close-breaker" not in buttons(admin, acme)


def test_a_silent_supplier_and_one_that_is_tried_say_so(admin, monday):
    supplier = factories.make_supplier()
    assert "Balance not asked for yet" in read(admin.get(change_url(supplier)))
    breaking.polled(set(), {supplier.pk: 3})
    breaking.refused(supplier.pk, "A-1", code="ip", message="")
    health = SupplierHealth.objects.get()
    supplier.refresh_from_db()
    late = health.trial_at
    breaking.admits(supplier, "A-2", moment=late, lease_until=late + timedelta(seconds=90))
    said = read(admin.get(change_url(supplier)))
    assert "trying one order: it refuses our address" in said
    assert "no answer about orders for 0 min; one question is tried again at 23 Nov 2026 12:01 UTC" in said
