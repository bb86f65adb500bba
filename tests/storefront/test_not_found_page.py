"""After “not found”: an investigation, one more try where staff found a wrong rejection, and other services."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from orders import investigating, lifecycle, mailing
from orders.models import Investigation, Order, OutgoingMail
from orders.states import Finding, InvestigationState, OrderState
from payments import refunding
from payments.models import Payment
from payments.refunding import Grounds
from refunds import not_found
from tests import factories
from tests.refunds.test_calling_off import paid_order
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused, TransitionRefused

pytestmark = pytest.mark.django_db
S = OrderState
INVESTIGATING = ["default 2026-11", "imei_org 2026-11"]
AT_ONCE = ["doctorsim 2026-11", "imeishop 2026-11", "imei_server 2026-11"]


def order_in(state: OrderState = S.NOT_FOUND, profile: str = "default 2026-11") -> Order:
    order = paid_order(profile=profile)
    factories.bring_to(order, state)
    return Order.objects.get(pk=order.pk)


def answered(order: Order, finding: Finding = Finding.WRONGLY_REJECTED) -> Investigation:
    row = not_found.ask(order.pk, note="", actor=factories.CUSTOMER)
    return investigating.answer(row.pk, finding=finding, text="We asked.", evidence="panel", actor=SYSTEM)


def press(client: Client, order: Order, name: str, **data: str) -> Any:
    return client.post(reverse(name, args=[order.secret]), data)


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def page_of(client: Client, order: Order) -> str:
    return text_of(client.get(order.get_absolute_url()))


def state_of(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


@pytest.mark.parametrize("profile", INVESTIGATING)
def test_an_investigation_is_asked_for_once(client, profile):
    order = order_in(profile=profile)
    page = page_of(client, order)
    assert "Ask for an investigation" in page
    assert "Our staff find out why before anything is decided" in page
    assert "Send it in again" not in page

    answer = press(client, order, "order-investigate", note="Bought new <b>in May</b>")

    assert (answer.status_code, answer["Location"]) == (303, order.get_absolute_url())
    row = Investigation.objects.get()
    assert (row.state, row.owner, row.note) == (InvestigationState.OPEN, "staff", "Bought new <b>in May</b>")
    assert row.due_at - row.created_at < timedelta(days=3, minutes=1)
    assert "Our staff are looking into it" in page_of(client, order)
    assert press(client, order, "order-investigate").status_code == 409
    assert Investigation.objects.count() == 1


@pytest.mark.parametrize("profile", AT_ONCE)
def test_terms_that_give_the_money_back_at_once_show_their_clause_and_no_investigation(client, profile):
    order = order_in(profile=profile)

    page = page_of(client, order)

    assert "By the terms of this order" in page
    assert "Ask for an investigation" not in page
    for name in ("order-investigate", "order-resubmit"):
        assert press(client, order, name).status_code == 409
    assert (Investigation.objects.count(), state_of(order)) == (0, S.NOT_FOUND)


@pytest.mark.parametrize("state", sorted(set(S) - {S.NOT_FOUND, S.AWAITING_PAYMENT, S.EXPIRED}))
def test_in_no_other_state_is_anything_pressed(client, state):
    order = order_in(state)

    for name in ("order-investigate", "order-resubmit"):
        assert press(client, order, name).status_code == 409
    assert (Investigation.objects.count(), state_of(order)) == (0, state)
    assert "Why it was not found" not in page_of(client, order)


def test_staff_answer_in_the_admin_and_the_customer_reads_it(client, admin_client):
    order = order_in()
    press(client, order, "order-investigate")
    row = Investigation.objects.get()
    assert order.number in admin_client.get(reverse("admin:orders_investigation_changelist")).content.decode()
    action = reverse("admin:orders_investigation_do", args=[row.pk, "answer"])
    version = re.search(r'name="version" value="([^"]*)"', admin_client.get(action).content.decode()).group(1)

    admin_client.post(
        action,
        {"version": version, "finding": "wrong_rejection_eligible", "answer": "It was <wrong>.", "evidence": "chat"},
    )

    row.refresh_from_db()
    assert (row.state, row.finding) == (InvestigationState.ANSWERED, Finding.WRONGLY_REJECTED)
    page = client.get(order.get_absolute_url()).content.decode()
    assert "It was &lt;wrong&gt;." in page
    assert "Send it in again" in page
    mail = mailing.render(OutgoingMail.objects.get(kind="investigation"))
    assert "> It was <wrong>." in mail.text
    assert "sent in again" in mail.text
    assert "&lt;wrong&gt;" in mail.html
    with pytest.raises(TransitionRefused):
        investigating.answer(row.pk, finding=Finding.CUSTOMER_ERROR, text="x", evidence="y", actor=SYSTEM)


def test_wrongly_rejected_it_is_sent_in_again_by_the_rule(client):
    order = order_in()
    answered(order)

    answer = press(client, order, "order-resubmit")

    assert (answer.status_code, state_of(order)) == (303, S.PAID)
    told = order.events.get(kind="order.resubmitted")
    assert "H_RESUBMIT IMEIORG-7.1" in told.data["reason"]
    assert told.actor_kind == "customer"
    assert press(client, order, "order-resubmit").status_code == 409
    assert order.events.filter(kind="order.not_found").count() == 1


@pytest.mark.parametrize("finding", [None, Finding.CUSTOMER_ERROR, Finding.NO_CUSTOMER_ERROR])
def test_without_that_finding_it_is_not(client, finding):
    order = order_in()
    if finding:
        answered(order, finding)

    assert "Send it in again" not in page_of(client, order)
    assert press(client, order, "order-resubmit").status_code == 409
    assert state_of(order) == S.NOT_FOUND


def test_a_cleared_device_reads_the_clause_that_gives_the_money_back(client):
    order = order_in()
    answered(order, Finding.NO_CUSTOMER_ERROR)

    assert "you get back the full price" in page_of(client, order)


def test_it_is_sent_in_again_so_often_and_no_more(client):
    order = order_in()
    for n in range(not_found.RESUBMISSIONS):
        answered(Order.objects.get(pk=order.pk))
        assert press(client, order, "order-resubmit").status_code == 303, n
        factories.bring_to(order, S.NOT_FOUND)
    answered(Order.objects.get(pk=order.pk))

    assert press(client, order, "order-resubmit").status_code == 409
    assert "as often as it can be" in page_of(client, order)
    assert Investigation.objects.count() == not_found.RESUBMISSIONS + 1


@pytest.mark.parametrize(("seconds", "status"), [(0, 303), (1, 409)])
def test_both_sides_of_the_last_moment(client, monday, seconds, status):
    order = order_in()
    answered(order)

    with clock.frozen(monday + timedelta(days=180, seconds=seconds)):
        assert press(client, order, "order-resubmit").status_code == status


def test_money_that_goes_back_is_not_worked_for(client):
    order = order_in()
    answered(order)
    payment = Payment.objects.get()
    refunding.request_refund(
        payment.pk, money=order.money, grounds=Grounds("rule", "not found"), actor=SYSTEM, order_id=order.pk
    )

    assert press(client, order, "order-resubmit").status_code == 409
    assert state_of(order) == S.NOT_FOUND


def test_the_finding_of_a_former_end_counts_no_more(monday):
    order = order_in()
    answered(order)
    not_found.resubmit(order.pk, actor=factories.CUSTOMER)
    with clock.frozen(monday + timedelta(hours=1)):
        factories.bring_to(order, S.NOT_FOUND)
        order.refresh_from_db()

        now = not_found.standing(order)
        assert (now.may_ask, now.may_resubmit, now.investigation) == (True, False, None)
        with pytest.raises(Refused):
            not_found.resubmit(order.pk, actor=factories.CUSTOMER)


@pytest.mark.parametrize("note", ["x" * 501, "a\x00b"])
def test_a_hostile_note_is_refused_and_nothing_is_sent(client, note):
    order = order_in()

    assert press(client, order, "order-investigate", note=note).status_code == 409
    assert not Investigation.objects.exists()


def test_only_posts_with_a_token_from_the_secret_link(client):
    order, strict = order_in(), Client(enforce_csrf_checks=True)

    for name in ("order-investigate", "order-resubmit"):
        assert client.get(reverse(name, args=[order.secret])).status_code == 405
        assert strict.post(reverse(name, args=[order.secret])).status_code == 403
        assert client.post(reverse(name, args=["x" * 43])).status_code == 404


@pytest.mark.parametrize("state", [S.NOT_FOUND, S.UNAVAILABLE])
def test_flagged_services_for_the_network_are_suggested_with_price_and_time(client, state):
    order = order_in(state)
    make = factories.make_service
    fitting = make(name="Premium for barred phones", price="49.90", covers_not_found=True)
    others = [
        make(name="Unflagged"),
        make(name="Other network", networks=["EE"], covers_not_found=True),
        make(name="Other brand", brand="Samsung", covers_not_found=True),
        make(name="Not open", is_open=False, covers_not_found=True),
        make(name="Not published", is_published=False, covers_not_found=True),
        make(name="A check", kind="check", result_kind="report", covers_not_found=True),
    ]

    html = client.get(order.get_absolute_url()).content.decode()

    assert f'href="{fitting.get_absolute_url()}"' in html
    assert "€49.90" in html
    assert "at most 3 business days, guaranteed" in html
    tracked = client.get(reverse("tracker"), {"q": order.number}).content.decode()
    assert fitting.name in tracked
    assert "49.90" not in tracked
    for other in others:
        assert other.name not in html
        assert other.name not in tracked


def test_the_mail_suggests_them_too():
    order = order_in()
    fitting = factories.make_service(name="Premium for barred phones", covers_not_found=True)

    mail = mailing.render(OutgoingMail.objects.get(kind="not_found"))

    assert order.number in mail.text
    for body in (mail.text, mail.html):
        assert "Premium for barred phones" in body
        assert fitting.get_absolute_url() in body


def test_open_orders_suggest_nothing(client):
    order = order_in(S.IN_PROCESS)
    factories.make_service(name="Premium", covers_not_found=True)

    assert "Other services for such devices" not in page_of(client, order)


def test_staff_may_still_send_it_again_without_an_investigation():
    order = order_in()

    assert lifecycle.resubmit(order.pk, reason="they asked us to", actor=SYSTEM).state == S.PAID


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "answered"},
        {"finding": "customer_error"},
        {"owner": ""},
        {"state": "answered", "finding": "made up", "answer": "x", "answered_at": "2026-11-23T12:00:00Z"},
    ],
)
def test_the_database_knows_the_rules_too(columns):
    row = not_found.ask(order_in().pk, note="", actor=SYSTEM)

    with pytest.raises(IntegrityError), transaction.atomic():
        Investigation.objects.filter(pk=row.pk).update(**columns)
