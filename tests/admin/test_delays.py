"""Staff tell of delays: one order, those ticked, and all of a service or at a supplier."""

from __future__ import annotations

import re
from datetime import timedelta

from orders.models import DelayNotice, Order
from orders.models.delay_notice import DelaySource
from orders.states import OrderState as S
from refunds import telling_delays
from tests import factories
from tests.admin.test_actions import press, url_of
from unlockshop.kernel import clock
from unlockshop.kernel.staff_parts import list_url

FORM = "/admin/orders/delaynotice/tell/"
WHY = "The supplier is closed for a holiday."


def ahead(days: int = 5) -> str:
    return (clock.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def orders(count: int, state: S = S.IN_PROCESS, **kwargs) -> list[Order]:
    service = kwargs.pop("service", None) or factories.make_service(**kwargs)
    first = 700_000 + 100 * Order.objects.count()
    return [factories.make_order(state, service=service, imeis=(factories.imei(first + n),)) for n in range(count)]


def test_one_order_with_a_date(admin, monday):
    (order,) = orders(1)

    answer = press(admin, order, "delay", new_date="2026-12-03T22:00", reason=WHY, supplier_message="Closed till Thu")

    assert answer.status_code == 302
    notice = DelayNotice.objects.get()
    assert (notice.new_date.isoformat(), notice.reason) == ("2026-12-03T22:00:00+00:00", WHY)
    assert (notice.source, notice.supplier_message) == (DelaySource.SUPPLIER, "Closed till Thu")
    page = admin.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
    assert "Notices of delay" in page
    assert "not running: delivery not confirmed" in page


def test_the_suppliers_last_message_is_offered(admin):
    (order,) = orders(1)
    order.supplier_attempts.update(message="in queue until <Thursday>")

    assert "in queue until &lt;Thursday&gt;" in admin.get(url_of(order, "delay")).content.decode()


def test_a_date_or_the_tick_and_not_both(admin, monday):
    (order,) = orders(1)
    for wrong in ({}, {"new_date": ahead(), "no_date": "on"}, {"new_date": ahead(-1)}, {"new_date": "soon"}):
        assert press(admin, order, "delay", reason=WHY, **wrong).status_code == 422
    assert press(admin, order, "delay", new_date=ahead(), reason="").status_code == 422
    assert not DelayNotice.objects.exists()

    press(admin, order, "delay", no_date="on", reason=WHY)
    assert DelayNotice.objects.get().new_date is None


def test_those_ticked_in_the_list(admin):
    rows = orders(3)
    action = {"action": "delay_many", "_selected_action": [rows[0].pk, rows[2].pk], "select_across": "0"}
    page = admin.post(list_url(Order), action)
    assert page.status_code == 200
    seen = re.findall(r'name="seen" value="([^"]*)"', page.content.decode())
    assert len(seen) == 2
    sent = {**action, "confirmed": "yes", "seen": seen, "no_date": "on", "reason": WHY}

    for _twice in range(2):
        assert admin.post(list_url(Order), sent).status_code == 302

    assert set(DelayNotice.objects.values_list("order", flat=True)) == {rows[0].pk, rows[2].pk}


def fill(client, **data):
    page = client.get(FORM).content.decode()
    batch = re.search(r'name="batch" value="([^"]+)"', page)
    assert batch
    return {"batch": batch[1], "new_date": ahead(), "reason": WHY, **data}


def test_all_open_orders_of_a_service(admin):
    service = factories.make_service()
    mine = orders(2, service=service) + orders(1, S.PAID, service=service)
    orders(1, S.COMPLETED, service=service)
    orders(1)
    form = fill(admin, service=service.pk)

    counted = admin.post(FORM, form)
    assert "This tells 3 customers." in counted.content.decode()
    assert not DelayNotice.objects.exists()
    for _twice in range(2):
        assert admin.post(FORM, {**form, "confirmed": "yes"}).status_code == 302

    assert sorted(DelayNotice.objects.values_list("order", flat=True)) == [order.pk for order in mine]


def test_all_orders_that_a_supplier_has(admin):
    supplier = factories.make_supplier()
    mine = orders(2, supplier=supplier)
    orders(1, S.PAID, supplier=supplier)
    orders(1)

    admin.post(FORM, {**fill(admin, supplier=supplier.pk), "confirmed": "yes"})

    assert sorted(DelayNotice.objects.values_list("order", flat=True)) == [order.pk for order in mine]


def test_never_all_orders_of_the_shop(admin):
    orders(1)

    assert admin.post(FORM, {**fill(admin), "confirmed": "yes"}).status_code == 422
    assert not DelayNotice.objects.exists()


def test_what_one_press_does_not_reach_the_next_does(admin, monkeypatch):
    monkeypatch.setattr(telling_delays, "AT_ONCE", 2)
    service = factories.make_service()
    orders(3, service=service)
    form = {**fill(admin, service=service.pk), "confirmed": "yes"}

    assert "This tells 1 customer." in admin.post(FORM, form).content.decode()
    assert DelayNotice.objects.count() == 2
    assert admin.post(FORM, form).status_code == 302
    assert DelayNotice.objects.count() == 3


def test_who_may_only_look_tells_nobody(support):
    (order,) = orders(1)

    assert support.get(FORM).status_code == 403
    assert support.post(FORM, {}).status_code == 403
    assert support.get(url_of(order, "delay")).status_code == 403
    assert support.get(list_url(DelayNotice)).status_code == 200
