"""Correcting an order from its page, by the terms of its checkout: at once, by a request, or not at all."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from orders import cancelling, freezing, lifecycle
from orders.models import CorrectionRequest, Draft, Order
from orders.states import CancelState, CorrectionState, HoldReason, OrderState
from payments.states import RefundState
from refunds import calling_off
from services.models import ServicePrice
from tests import factories
from tests.refunds.test_calling_off import paid_order
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM

pytestmark = pytest.mark.django_db
S = OrderState
RIGHT = factories.imei(2)
ALLOWED = ("default 2026-11", "imei_org 2026-11")


def address(order: Order) -> str:
    return reverse("order-correct", args=[order.secret])


def send(client: Client, order: Order, identifier: str = RIGHT, *, shown: str = "at_once", **answers: str) -> Any:
    return client.post(address(order), {"identifier": identifier, "shown": shown, **answers})


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


@pytest.mark.parametrize("profile", ALLOWED)
def test_reading_asks_and_sending_corrects(client, profile):
    order = paid_order(profile=profile)

    for method in (client.get, client.head):
        assert method(address(order)).status_code == 200
    assert fresh(order).identifier == factories.IMEI
    page = client.get(address(order)).content.decode()
    assert f'value="{factories.IMEI}"' in page
    assert "replace it with the right data at no charge" in page

    answer = send(client, order, " ".join(re.findall("...", RIGHT)))

    assert (answer.status_code, answer["Location"]) == (303, f"{order.get_absolute_url()}?corrected=1")
    assert fresh(order).identifier == RIGHT
    shown = text_of(client.get(answer["Location"]))
    assert "The order is corrected." in shown
    told = order.events.get(kind="order.corrected")
    assert (told.data["old device"], told.data["new device"], told.ip) == (factories.IMEI, RIGHT, "127.0.0.1")
    assert "H_ORDER_CORRECTION IMEIORG-11.2a" in told.data["rule"]


@pytest.mark.parametrize("profile", ["doctorsim 2026-11", "imei_server 2026-11", "imeishop 2026-11"])
@pytest.mark.parametrize("state", [S.PAID, S.IN_PROCESS])
def test_terms_without_corrections_offer_none(client, profile, state):
    order = paid_order(profile=profile)
    factories.bring_to(order, state)

    assert address(order) not in client.get(order.get_absolute_url()).content.decode()
    assert "do not provide for corrections" in text_of(client.get(address(order)))
    for shown in ("at_once", "ask"):
        assert send(client, order, shown=shown).status_code == 409
    assert (fresh(order).identifier, CorrectionRequest.objects.count()) == (factories.IMEI, 0)


@pytest.mark.parametrize("state", sorted(set(S) - {S.PAID, S.ON_HOLD, S.IN_PROCESS}))
def test_in_other_states_there_is_no_form(client, state):
    order = paid_order() if state not in {S.AWAITING_PAYMENT, S.EXPIRED} else factories.make_order(state)
    factories.bring_to(order, state)

    page = client.get(address(order))
    assert page.status_code == 200
    assert 'name="identifier"' not in page.content.decode()
    for shown in ("at_once", "ask"):
        assert send(client, order, shown=shown).status_code == 409
    assert fresh(order).identifier == factories.IMEI
    assert not CorrectionRequest.objects.exists()


def test_a_completed_order_is_locked_and_says_the_clause(client):
    order = paid_order()
    factories.bring_to(order, S.COMPLETED)

    assert address(order) not in client.get(order.get_absolute_url()).content.decode()
    assert "neither changed nor refunded" in text_of(client.get(address(order)))


def test_a_disputed_purchase_is_for_staff(client):
    order = paid_order()
    freezing.freeze(order.purchase_id, reason=HoldReason.FRAUD_WARNING, actor=SYSTEM)

    assert send(client, order).status_code == 409
    assert "staff must look" in text_of(client.get(address(order)))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter"),
        ("356938035643800", "check"),
        ("354178036859", ""),
        ("<script>alert(1)</script>", ""),
        ("3" * 5000, ""),
        ("35\x0041780", ""),
    ],
)
def test_wrong_numbers_are_refused_beside_the_field(client, typed, words):
    order = paid_order()

    answer = send(client, order, typed)

    assert answer.status_code == 422
    html = answer.content.decode()
    assert "error-summary" in html
    assert "field--invalid" in html
    assert "<script>alert" not in html
    assert words.lower() in html.lower()
    assert fresh(order).identifier == factories.IMEI


def test_a_number_that_we_completed_is_looked_at_twice(client):
    order = paid_order()
    fourteen = RIGHT[:14]

    first = send(client, order, fourteen)
    assert first.status_code == 422
    assert 'name="compared"' in first.content.decode()
    assert fresh(order).identifier == factories.IMEI

    assert send(client, order, fourteen, compared="on").status_code == 303
    assert fresh(order).identifier == RIGHT


def test_work_that_is_under_way_needs_a_tick(client):
    order = paid_order()
    factories.make_purchase(order.service, imeis=(RIGHT,), paid=True)

    first = send(client, order)
    assert first.status_code == 422
    assert "already under way" in text_of(first)
    assert fresh(order).identifier == factories.IMEI

    assert send(client, order, again="on").status_code == 303
    assert fresh(order).is_recheck


@pytest.mark.usefixtures("monday")
def test_whether_work_is_under_way_is_rationed(client):
    order = paid_order()
    codes = [send(client, order, factories.imei(n)).status_code for n in range(100, 140)]

    assert 429 in codes
    assert codes.index(429) >= 10


def test_an_answer_with_another_price_needs_an_order_of_its_own(client):
    order = paid_order()
    order.service.fields.create(name="amount", label="Amount", kind="choice", choices=["5", "20"], is_required=False)
    ServicePrice.objects.create(service=order.service, currency="EUR", option="amount=20", amount=20)

    answer = send(client, order, factories.IMEI, answer_amount="20")

    assert answer.status_code == 422
    assert "another price" in text_of(answer)
    assert fresh(order).answers == {}


def test_the_same_data_are_no_correction(client):
    order = paid_order()

    assert "has already" in text_of(send(client, order, factories.IMEI))
    assert not order.events.filter(kind="order.corrected").exists()


def test_an_order_that_left_while_the_page_was_open_is_asked_about_anew(client):
    order = paid_order()
    factories.bring_to(order, S.IN_PROCESS)

    answer = send(client, order, shown="at_once")

    assert answer.status_code == 409
    assert "has moved on" in text_of(answer)
    assert 'value="ask"' in answer.content.decode()
    assert (fresh(order).identifier, CorrectionRequest.objects.count()) == (factories.IMEI, 0)


def test_what_has_left_is_asked_for_and_the_page_says_how_it_stands(client):
    order = paid_order()
    factories.bring_to(order, S.IN_PROCESS)

    answer = send(client, order, shown="ask")

    assert (answer.status_code, answer["Location"]) == (303, address(order))
    row = CorrectionRequest.objects.get()
    assert (row.identifier, row.order, fresh(order).identifier) == (RIGHT, order, factories.IMEI)
    assert "IMEIORG-11.2c" in row.refusal
    page = client.get(address(order))
    assert "We are asking our supplier" in text_of(page)
    assert 'name="identifier"' not in page.content.decode()
    assert send(client, order, shown="ask").status_code == 409
    assert CorrectionRequest.objects.count() == 1


def test_replaced_both_orders_name_each_other(client):
    order = paid_order()
    factories.bring_to(order, S.IN_PROCESS)
    send(client, order, shown="ask")
    row = CorrectionRequest.objects.get()

    cancelling.settle(row.cancel_request_id, CancelState.AGREED, message="", actor=SYSTEM)

    row.refresh_from_db()
    old, new = client.get(order.get_absolute_url()), client.get(row.replacement.get_absolute_url())
    assert row.replacement.get_absolute_url() in old.content.decode()
    assert order.get_absolute_url() in new.content.decode()
    assert "Follow the order that replaces this one" in text_of(old)
    assert "owed back" not in text_of(old)
    assert "given back" not in text_of(old)
    assert client.get(order.purchase.get_absolute_url()).status_code == 200


def test_refused_it_names_the_clause_and_offers_a_new_order_filled_in(client):
    order = paid_order()
    factories.bring_to(order, S.IN_PROCESS)
    again = reverse("order-again", args=[order.secret])
    assert client.post(again).status_code == 404
    send(client, order, shown="ask")
    assert client.post(again).status_code == 404
    row = CorrectionRequest.objects.get()
    cancelling.settle(row.cancel_request_id, CancelState.REFUSED, message="", actor=SYSTEM)

    assert "IMEIORG-11.2c" in text_of(client.get(address(order)))
    answer = client.post(again)

    draft = Draft.objects.order_by("pk").last()
    assert (answer.status_code, draft.token in answer["Location"]) == (303, True)
    assert draft.devices[0]["value"] == RIGHT
    assert CorrectionRequest.objects.get().state == CorrectionState.REFUSED
    assert client.get(again).status_code == 405


def test_strangers_wrong_methods_and_missing_tokens(client):
    order, strict = paid_order(), Client(enforce_csrf_checks=True)

    assert client.get(reverse("order-correct", args=["x" * 43])).status_code == 404
    assert strict.post(address(order), {"identifier": RIGHT, "shown": "at_once"}).status_code == 403
    assert client.put(address(order)).status_code == 405
    page = client.get(address(order))
    assert "no-store" in page["Cache-Control"]
    assert "noindex" in page["X-Robots-Tag"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", page.content.decode())


def test_the_tracker_tells_neither_number(client):
    order = paid_order()
    send(client, order)
    factories.bring_to(order, S.IN_PROCESS)
    send(client, order, factories.imei(3), shown="ask")

    page = client.get(reverse("tracker"), {"q": order.number}).content.decode()

    assert "data were corrected" in page
    for number in (factories.IMEI, RIGHT, factories.imei(3)):
        assert number not in page.replace("-", "")


def test_staff_who_looked_at_the_wrong_device_are_stopped(client, admin_client):
    order = paid_order()
    lifecycle.hold(order.pk, reason=HoldReason.NEEDS_APPROVAL, actor=SYSTEM)
    action = reverse("admin:orders_order_do", args=[order.pk, "resume"])
    page = admin_client.get(action).content.decode()
    version = re.search(r'name="version" value="([^"]+)"', page).group(1)
    send(client, order)

    admin_client.post(action, {"version": version, "reason": "the device is fine"})

    assert fresh(order).state == S.ON_HOLD
    story = admin_client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert f"{factories.IMEI} → {RIGHT}" in story


def test_staff_find_the_request_and_answer_it_where_the_supplier_is(client, admin_client):
    order = paid_order()
    factories.bring_to(order, S.IN_PROCESS)
    send(client, order, shown="ask")
    row = CorrectionRequest.objects.get()

    listed = admin_client.get(reverse("admin:orders_correctionrequest_changelist")).content.decode()
    assert order.number in listed
    shown = admin_client.get(reverse("admin:orders_correctionrequest_change", args=[row.pk])).content.decode()
    there = reverse("admin:orders_cancelrequest_change", args=[row.cancel_request_id])
    assert there in shown
    assert f"{factories.IMEI} → {RIGHT}" in shown
    action = reverse("admin:orders_cancelrequest_do", args=[row.cancel_request_id, "answered"])
    page = admin_client.get(action).content.decode()
    version = re.search(r'name="version" value="([^"]*)"', page).group(1)

    sent = {"version": version, "answer": "agreed", "evidence": "their mail of today"}
    done = admin_client.post(action, sent, follow=True).content.decode()
    assert "is replaced by an order with the right data" in done
    former = admin_client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert "for which its money counts" in former

    row.refresh_from_db()
    assert row.replacement.identifier == RIGHT
    for each in (order, row.replacement):
        story = admin_client.get(reverse("admin:orders_order_change", args=[each.pk])).content.decode()
        assert row.replacement.number in story
        assert order.number in story


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RefundState.REQUESTED, "is on its way back"),
        (RefundState.PENDING, "is on its way back"),
        (RefundState.UNCERTAIN, "is on its way back"),
        (RefundState.SUCCEEDED, "was given back"),
        (RefundState.FAILED, "owed back"),
    ],
)
def test_money_is_given_back_only_once_it_has_gone_out(client, state, words):
    order = paid_order()
    calling_off.call_off(order.pk, actor=factories.CUSTOMER)
    proof = {"succeeded_at": clock.now(), "provider_ref": "re_1"} if state == RefundState.SUCCEEDED else {}
    order.refunds.update(state=state, **proof)

    page = text_of(client.get(order.get_absolute_url()))

    said = [each for each in ("is on its way back", "was given back", "owed back") if each in page]
    assert said == [words]
