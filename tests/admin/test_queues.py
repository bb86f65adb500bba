"""The landing page counts what waits, says since when, and links to exactly those rows."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import RequestFactory

from orders.models import Order, OutgoingMail
from orders.states import OrderState
from payments.models import Payment
from payments.states import Attention
from services.models import Supplier
from tests import factories
from tests.admin.conftest import held_uncertain, make_payment, make_shop
from unlockshop import admin_queues
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
S = OrderState


def queues():
    request = RequestFactory().get("/admin/")
    request.user = factories.User.objects.filter(is_superuser=True).first() or factories.make_staff()
    context = admin_queues.dashboard(request, {})
    return {queue.title: queue for group in context["queue_groups"] for queue in group.queues}


def shown(client, queue):
    """Rows on the list that the queue links to."""
    page = client.get(queue.href)
    assert page.status_code == 200
    return page.context["cl"].result_count


@pytest.fixture
def busy():
    for state in OrderState:
        factories.make_order(state)
    held_uncertain()
    make_payment(factories.make_order(S.COMPLETED), attention=Attention.OVERPAYMENT)
    make_shop()
    mails = list(OutgoingMail.objects.order_by("pk")[:2])
    OutgoingMail.objects.filter(pk=mails[0].pk).update(work_state=WorkState.UNCERTAIN, next_action_at=None)
    OutgoingMail.objects.filter(pk=mails[1].pk).update(work_state=WorkState.NEEDS_STAFF, next_action_at=None)


def test_counts_agree_with_the_lists_they_link_to(admin, busy):
    found = {title: (queue.count, shown(admin, queue)) for title, queue in queues().items() if "Supplier" not in title}
    assert found == {
        "On hold: Held by staff": (1, 1),
        "On hold: Bought at the supplier or not? Check the supplier's panel": (1, 1),
        "Paid, not delivered: money owed back": (3, 3),
        "Payments to look at": (1, 1),
        "Claims to decide": (0, 0),
        "Approved claims, money due": (0, 0),
        "Approved claims whose refund needs you": (0, 0),
        "Refunds that failed or are stuck": (0, 0),
        "Disputes to answer": (0, 0),
        "Mails: sent or not?": (1, 1),
        "Mails that could not be sent": (1, 1),
        "Requests to cancel at suppliers": (0, 0),
        "Why a device was not found": (1, 1),
        "Customers to reach: mail came back": (1, 1),
        "Mails from customers to read": (1, 1),
        "Notices of delay: not known to have arrived": (0, 0),
        "Webhook deliveries parked": (1, 1),
        "Paid, waiting to be sent": (1, 1),
        "At the supplier": (2, 2),
        "Uncertain: bought or not?": (1, 1),
        "Stuck: no worker has acted": (0, 0),
        "Late: past the promised time": (0, 0),
        "Late by the end of the next business day": (0, 0),
        "Late to be with a supplier": (0, 0),
        "Past the hard cap and not ended": (0, 0),
    }


def test_overdue_holds_are_flagged(admin):
    order = factories.make_order(S.ON_HOLD)
    assert not queues()["On hold: Held by staff"].is_late
    Order.objects.filter(pk=order.pk).update(owner_due_at=clock.now() - timedelta(hours=5))
    queue = queues()["On hold: Held by staff"]
    assert queue.is_late
    assert "1 overdue, the oldest by 5 h" in queue.due
    assert "overdue by 5 h" in admin.get("/admin/orders/order/").content.decode()


def test_stuck_orders_are_flagged(admin):
    order = factories.make_order(S.PAID)
    Order.objects.filter(pk=order.pk).update(next_action_at=clock.now() - timedelta(minutes=30))
    queue = queues()["Stuck: no worker has acted"]
    assert (queue.count, queue.is_late, shown(admin, queue)) == (1, True, 1)


def test_free_orders_are_owed_nothing():
    order = factories.make_order(S.UNAVAILABLE)
    Order.objects.filter(pk=order.pk).update(price=0)
    assert queues()["Paid, not delivered: money owed back"].count == 0


def test_paused_suppliers_are_named():
    supplier = factories.make_supplier(name="Acme", paused_until=clock.now() + timedelta(hours=1))
    queue = queues()["Suppliers paused"]
    assert queue.count == 1
    assert "Acme until" in queue.due
    Supplier.objects.filter(pk=supplier.pk).update(paused_until=clock.now() - timedelta(hours=1))
    assert queues()["Suppliers paused"].count == 0


def test_an_empty_shop_has_an_empty_landing_page(admin):
    assert admin.get("/admin/").status_code == 200
    assert all(queue.count == 0 for queue in queues().values())


def test_every_link_of_the_landing_page_and_sidebar_opens(admin, busy):
    page = admin.get("/admin/").content.decode()
    links = {link.replace("&amp;", "&") for link in re.findall(r'href="(/admin/[^"]*)"', page)} - {"/admin/logout/"}
    assert len(links) > 15
    for link in links:
        assert admin.get(link).status_code == 200, link


def test_landing_page_asks_a_bounded_number_of_queries(admin, busy, django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        admin.get("/admin/")


def test_flagged_payments_open(admin):
    make_payment(factories.make_order(S.PAID), attention=Attention.LATE)
    payment = Payment.objects.get()
    assert "expired" in admin.get(f"/admin/payments/payment/{payment.pk}/change/").content.decode()
