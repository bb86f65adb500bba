"""Every staff page opens, shows to whom it may, and nobody edits facts on it."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from orders import events
from orders.models import (
    CancelRequest,
    CorrectionRequest,
    DayOff,
    Investigation,
    ListingProbe,
    Order,
    OrderEvent,
    OutgoingMail,
    Purchase,
    SupplierAttempt,
)
from orders.states import OrderState
from payments.models import LedgerTransaction, Payment, WebhookDelivery
from refunds import calling_off, rehearsing
from refunds.models import LegalNotice, StoredScenario
from refunds.scenarios import files
from services.models import DeviceModel
from tests import factories
from tests.admin.conftest import make_shop
from unlockshop.kernel.actors import SYSTEM, staff
from unlockshop.kernel.staff_parts import change_url, list_url

pytestmark = pytest.mark.django_db
FACTS = [Purchase, Order, OrderEvent, SupplierAttempt, OutgoingMail, Payment, WebhookDelivery, LedgerTransaction]
FACTS += [CancelRequest, CorrectionRequest, Investigation, ListingProbe]


def registered():
    return [pytest.param(model, id=model._meta.label) for model in django_admin.site._registry]


@pytest.mark.parametrize("model", registered())
def test_list_and_page_open(admin, shop, model):
    Group.objects.create(name="Support")
    DeviceModel.objects.create(tac="35990101", brand="Apple", model="iPhone 14", source="staff")
    LegalNotice.objects.create(country="BR", language="en", heading="Local law", text="Read this.")
    DayOff.objects.create(calendar="madrid", day=date(2027, 1, 4), reason="Stocktaking")
    raw = files.load(files.worked()[0])[0][0]
    StoredScenario.objects.create(name=raw["id"], profile="default", raw=raw, origin="file", kept_by="sam@example.com")
    rehearsing.ask(
        calling_off.in_force(), {"claims.request_days": 60}, version="2026-12-a", reason="<b>", actor=SYSTEM
    )
    row = model._default_manager.first()
    assert admin.get(list_url(model)).status_code == 200
    assert admin.get(list_url(model, "q=ada")).status_code == 200
    assert admin.get(change_url(row)).status_code == 200
    assert (
        admin.get(
            reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_history", args=[row.pk])
        ).status_code
        == 200
    )


@pytest.mark.parametrize("state", list(OrderState))
def test_order_page_opens_in_every_state(admin, state):
    order = factories.make_order(state)
    page = admin.get(change_url(order))
    assert page.status_code == 200
    assert order.number in page.content.decode()


@pytest.mark.parametrize("model", FACTS)
def test_facts_are_not_added_edited_or_deleted(admin, shop, model):
    row = model._default_manager.first()
    assert admin.get(list_url(model) + "add/").status_code == 403
    assert admin.post(change_url(row), {"state": "completed"}).status_code == 403
    delete = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_delete", args=[row.pk])
    assert admin.post(delete, {"post": "yes"}).status_code == 403
    assert "delete_selected" not in admin.get(list_url(model)).content.decode()
    assert model._default_manager.filter(pk=row.pk).exists()


def test_landing_page_opens_and_hints_at_the_demo(admin, shop):
    page = admin.get(reverse("admin:index")).content.decode()
    assert "This is the demo" in page
    assert "Waits for you" in page


def test_strangers_and_customers_are_sent_to_sign_in(client, sign_in, shop):
    customer = sign_in(User.objects.create_user("ben@example.com", "correct horse battery"))
    for visitor in (client, customer):
        for url in (
            reverse("admin:index"),
            list_url(Order),
            change_url(shop.order),
            change_url(shop.order) + "do/hold/",
        ):
            answer = visitor.get(url) if "do/" not in url else visitor.post(url, {"reason": "because"})
            assert answer.status_code == 302
            assert "/login/" in answer["Location"]


def test_sign_in_by_email_in_any_case(client):
    factories.make_staff("sam@example.com")
    form = {"username": "Sam@Example.COM", "password": "correct horse battery", "next": "/admin/"}
    assert client.post("/admin/login/", form).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_support_sees_but_has_no_buttons(support, shop):
    for model in FACTS:
        row = model._default_manager.first()
        page = support.get(change_url(row))
        assert page.status_code == 200
        assert "/do/" not in page.content.decode()
    assert support.get(reverse("admin:index")).status_code == 200
    assert support.get(list_url(User)).status_code == 403


def test_who_sees_orders_only_sees_no_payments_mails_or_attempts(sign_in, shop):
    user = factories.make_staff("narrow@example.com", superuser=False)
    user.user_permissions.add(Permission.objects.get(codename="view_order"))
    narrow = sign_in(user)
    page = narrow.get(change_url(shop.order)).content.decode()
    assert shop.payment.charge_ref not in page
    assert "Supplier attempts" not in page
    index = narrow.get(reverse("admin:index")).content.decode()
    assert "Payments to look at" not in index
    assert narrow.get(list_url(Payment)).status_code == 403


def test_secrets_are_not_on_staff_pages(admin, shop):
    supplier = shop.order.supplier_attempts.get().supplier
    secrets = [shop.order.secret, shop.order.purchase.secret, shop.order.purchase.draft_token, shop.payment.key]
    secrets += ["KEY-CANARY", "secret-canary"]
    rows = [shop.order, shop.order.purchase, shop.payment, shop.delivery, supplier, *shop.order.purchase.mails.all()]
    for row in rows:
        page = admin.get(change_url(row)).content.decode()
        assert not [secret for secret in secrets if secret in page], row


def test_result_is_closed_until_opened(admin, shop):
    page = admin.get(change_url(shop.order)).content.decode()
    before = page[: page.index("CODE: 12345678")]
    assert (
        before.rindex("<details>") > before.rindex("</details>") if "</details>" in before else "<details>" in before
    )


def test_pages_need_no_more_of_the_browser_than_their_policy_allows(admin, shop):
    urls = [reverse("admin:index"), change_url(shop.delivery).replace("change/", "do/process-again/")]
    for model in django_admin.site._registry:
        urls += [list_url(model)] + [change_url(row) for row in model._default_manager.all()[:1]]
    for url in urls:
        page = admin.get(url)
        assert page.status_code == 200, url
        policy = page["Content-Security-Policy"]
        assert "'unsafe-eval'" in policy
        assert not re.search(r"script-src[^;]*unsafe-inline", policy)
        text = page.content.decode()
        inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", text)
        assert all("application/json" in script for script in inline), (url, inline)
        assert not re.search(r"\son(click|load|error|submit|change)=", text), url
        assert not re.search(r"""(src|href)=["']https?://""", text.split('id="page"')[0]), url


EVIL = "<script>alert(1)</script>"


def test_text_from_outside_is_escaped(admin):
    service = factories.make_service(name=f"Unlock {EVIL}"[:120])
    shop = make_shop(service=service, email="a<b>c@example.com")
    Order.objects.filter(pk=shop.order.pk).update(
        result=f"CODE {EVIL}", supplier_note=f"note {EVIL}", answers={EVIL: EVIL}
    )
    attempt = shop.order.supplier_attempts.get()
    SupplierAttempt.objects.filter(pk=attempt.pk).update(message=EVIL, supplier_order_id=EVIL)
    attempt.exchanges.update(request=EVIL, response=EVIL, error=EVIL)
    attempt.supplier.pause_reason = EVIL
    attempt.supplier.name = EVIL
    attempt.supplier.save()
    Purchase.objects.update(user_agent=EVIL, checklist=[EVIL])
    OutgoingMail.objects.update(last_error=EVIL, subject=EVIL, text=EVIL)
    Payment.objects.update(note=EVIL, charge_ref=EVIL)
    WebhookDelivery.objects.update(payload={"data": EVIL, EVIL: 1}, last_error=EVIL, event_type=EVIL)
    events_of_orders(shop.order)
    for model in [*FACTS, type(attempt.supplier), type(service)]:
        for url in (list_url(model), change_url(model._default_manager.first())):
            page = admin.get(url).content.decode()
            assert "<script>alert(1)" not in page, url
            assert "a<b>c@" not in page, url
    assert "&lt;script&gt;alert(1)" in admin.get(change_url(shop.order)).content.decode()


def events_of_orders(order):
    events.record(order, "order.cancelled", actor=staff(1, EVIL), reason=EVIL)


def test_order_list_asks_as_much_for_twenty_rows_as_for_one(admin):
    counts = []
    for more in (1, 19):
        for _n in range(more):
            make_shop()
        with CaptureQueriesContext(connection) as asked:
            assert admin.get(list_url(Order)).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1], counts
    assert counts[0] <= 16


@pytest.mark.parametrize("model", [*FACTS])
def test_lists_have_no_query_per_row(admin, model):
    counts = []
    for more in (2, 6):
        for _n in range(more):
            make_shop()
        with CaptureQueriesContext(connection) as asked:
            admin.get(list_url(model))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_unreadable_result_does_not_take_the_page_down(admin, shop):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_order SET result = 'enc1:garbage'")
    assert "cannot be opened" in admin.get(change_url(shop.order)).content.decode()
    assert admin.get(list_url(Order)).status_code == 200


def test_unknown_event_kind_shows_its_name(admin, shop):
    OrderEvent.objects.create(order=shop.order, seq=99, kind="order.forgotten", actor_kind="system")
    assert "order.forgotten" in admin.get(change_url(shop.order)).content.decode()


def test_a_second_entry_of_ours_for_a_device_is_refused_beside_its_field(admin):
    entry = {"tac": "35990102", "brand": "Apple", "model": "iPhone 14", "origin": ""}
    address = reverse("admin:services_devicemodel_add")
    assert admin.post(address, entry).status_code == 302

    again = admin.post(address, entry)

    assert "Staff have an entry for this TAC already" in again.content.decode()
    assert DeviceModel.objects.filter(tac="35990102").count() == 1
