"""Staff act through buttons: only what the lifecycle allows, with a reason, and never on a stale page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from orders import forwarding, lifecycle
from orders.models import Order, OutgoingMail
from orders.states import AttemptOutcome, HoldReason, OrderState
from payments.models import WebhookDelivery
from services.models import Offer, Supplier
from services.suppliers.base import RefusalCode
from tests import factories
from tests.admin.conftest import held_uncertain
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import TransitionRefused
from unlockshop.kernel.staff_parts import change_url
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
S = OrderState
REASON = {"reason": "the customer asked for it"}
EVIDENCE = {"evidence": "order list of 23 November, page 1"}
BY_HAND = {"enter-result", "end-unavailable", "end-not-found"}


def url_of(row, name):
    return f"{change_url(row).removesuffix('change/')}do/{name}/"


def buttons(client, row):
    page = client.get(change_url(row)).content.decode()
    return set(re.findall(r"/do/([a-z-]+)/", page))


def version(page):
    return re.search(r'name="version" value="([^"]*)"', page.content.decode()).group(1)


def press(client, row, name, **data):
    """Open the form, fill it in, send it."""
    page = client.get(url_of(row, name))
    assert page.status_code == 200
    return client.post(url_of(row, name), {"version": version(page), **data})


def said(answer):
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (S.AWAITING_PAYMENT, set()),
        (S.PAID, {"hold", "cancel", "delay"}),
        (S.SUBMITTING, {"delay"}),
        (S.UNCERTAIN, {"hold", "delay"}),
        (S.IN_PROCESS, {"hold", "ask-to-cancel", "delay"}),
        (S.ON_HOLD, {"resume", "cancel", "delay", *BY_HAND}),
        (S.COMPLETED, set()),
        (S.UNAVAILABLE, {"resubmit"}),
        (S.NOT_FOUND, {"resubmit"}),
        (S.CANCELLED, set()),
        (S.EXPIRED, set()),
    ],
)
def test_buttons_of_each_state(admin, state, expected):
    assert buttons(admin, factories.make_order(state)) == expected


def test_held_uncertain_order_offers_bought_and_not_bought_only(admin):
    assert buttons(admin, held_uncertain()) == {"bought", "not-bought", "delay"}


def test_held_in_process_order_may_resume_but_not_be_cancelled(admin):
    order = factories.make_order(S.IN_PROCESS)
    press(admin, order, "hold", **REASON)
    assert buttons(admin, order) == {"resume", "ask-to-cancel", "delay", *BY_HAND}
    press(admin, order, "resume", **REASON)
    order.refresh_from_db()
    assert order.state == S.IN_PROCESS


@pytest.mark.parametrize(
    ("state", "name", "target"),
    [
        (S.PAID, "hold", S.ON_HOLD),
        (S.IN_PROCESS, "hold", S.ON_HOLD),
        (S.ON_HOLD, "resume", S.PAID),
        (S.PAID, "cancel", S.CANCELLED),
        (S.ON_HOLD, "cancel", S.CANCELLED),
        (S.UNAVAILABLE, "resubmit", S.PAID),
    ],
)
def test_pressing_moves_the_order_and_names_who_and_why(admin, state, name, target):
    order = factories.make_order(state)
    answer = press(admin, order, name, **REASON)
    assert answer.status_code == 302
    order.refresh_from_db()
    assert order.state == target
    event = order.events.order_by("-seq").first()
    assert (event.actor_kind, event.actor_label, event.ip) == ("staff", "sam@example.com", "127.0.0.1")
    page = admin.get(change_url(order)).content.decode()
    assert "the customer asked for it" in page


def in_conflict(reason=HoldReason.RESULT_CONFLICT, message="Bravo answered for 490154203237518"):
    """An order that its supplier has, and answered with something that does not fit."""
    order = factories.make_order(S.IN_PROCESS)
    lifecycle.hold(order.pk, reason=reason, message=message, actor=SYSTEM)
    order.refresh_from_db()
    return order


def test_result_is_entered_by_hand(admin):
    order = in_conflict(HoldReason.EMPTY_RESULT, "")
    press(admin, order, "enter-result", result="CODE: 1234\r\nDEFREEZE: <9>\u202e\x07", **EVIDENCE)
    order.refresh_from_db()
    assert (order.state, order.result) == (S.COMPLETED, "CODE: 1234\nDEFREEZE: <9>")
    page = admin.get(change_url(order)).content.decode()
    assert "Staff entered the result: order list of 23 November" in page
    assert buttons(admin, order) == set()


@pytest.mark.parametrize(("name", "target"), [("end-unavailable", S.UNAVAILABLE), ("end-not-found", S.NOT_FOUND)])
def test_order_is_ended_by_hand(admin, name, target):
    order = in_conflict()
    answer = press(admin, order, name, note="no such device", **EVIDENCE)
    assert "money is owed back" in said(answer)
    order.refresh_from_db()
    assert (order.state, order.supplier_note) == (target, "no such device")
    event = order.events.order_by("-seq").first()
    assert (event.actor_kind, event.actor_label) == ("staff", "sam@example.com")
    assert buttons(admin, order) == {"resubmit"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("enter-result", {"result": "42"}),
        ("enter-result", EVIDENCE),
        ("enter-result", {"result": "\u202e\u200b", **EVIDENCE}),
        ("enter-result", {"result": "4" * 8001, **EVIDENCE}),
        ("end-unavailable", {"note": "no"}),
        ("end-not-found", {"note": "n" * 501, **EVIDENCE}),
    ],
)
def test_ending_by_hand_needs_evidence_and_bounds(admin, name, data):
    order = in_conflict()
    assert press(admin, order, name, **data).status_code == 422
    order.refresh_from_db()
    assert order.state == S.ON_HOLD


def test_line_ends_of_a_browser_do_not_count_twice(admin):
    order = in_conflict()
    press(admin, order, "enter-result", result="1\r\n" * 3999 + "1", **EVIDENCE)
    order.refresh_from_db()
    assert order.result == "1\n" * 3999 + "1"


@pytest.mark.parametrize("name", ["resume", *sorted(BY_HAND)])
def test_forms_show_what_the_supplier_said_last(admin, name):
    order = in_conflict()
    order.supplier_attempts.update(message="timeout at first")
    page = admin.get(url_of(order, name)).content.decode()
    assert "Bravo answered for 490154203237518" in page
    assert "timeout at first" not in page


def test_forms_show_why_the_supplier_refused(admin):
    order = factories.make_order(S.PAID)
    lifecycle.hold(order.pk, reason=HoldReason.INPUT_REFUSED, message="bad IMEI", actor=SYSTEM)
    assert "bad IMEI" in admin.get(url_of(order, "end-not-found")).content.decode()


def test_resubmit_shows_who_would_be_paid_and_how_much(admin):
    order = factories.make_order(S.UNAVAILABLE)
    first = order.service.offers.get()
    second = Offer.objects.create(
        service=order.service, supplier=factories.make_supplier(), supplier_service_id="7", cost="12.5",
        cost_currency="USD", priority=200,
    )  # fmt: skip
    assert offered(admin, order) == f"{first.supplier.name}, at a cost of 10.000 EUR"
    Supplier.objects.filter(pk=first.supplier_id).update(paused_until=clock.now() + timedelta(hours=1))
    assert offered(admin, order) == f"{second.supplier.name}, at a cost of 12.500 USD"
    order.supplier_attempts.update(
        supplier=second.supplier, supplier_service_id="7", reason_code=RefusalCode.SERVICE_GONE
    )
    assert offered(admin, order).startswith("nobody now")


def test_resubmit_shows_the_offer_that_is_taken(admin):
    order = factories.make_order(S.NOT_FOUND)
    shown = offered(admin, order)
    press(admin, order, "resubmit", **REASON)
    attempt = forwarding.begin(order.pk)
    assert shown.startswith(f"{attempt.supplier.name}, ")


def offered(client, order):
    page = client.get(url_of(order, "resubmit")).content.decode()
    return re.search(r"<dt>Would be bought from</dt>\s*<dd>\s*<span[^>]*>([^<]*)</span>", page).group(1)


def test_bought_goes_on_under_the_id(admin):
    order = held_uncertain()
    press(admin, order, "bought", supplier_order_id=" 4711 ", **EVIDENCE)
    order.refresh_from_db()
    attempt = order.supplier_attempts.get()
    assert (order.state, attempt.outcome, attempt.supplier_order_id) == (S.IN_PROCESS, AttemptOutcome.ADOPTED, "4711")


def test_not_bought_is_sent_again(admin):
    order = held_uncertain()
    press(admin, order, "not-bought", **EVIDENCE)
    order.refresh_from_db()
    assert (order.state, order.supplier_attempts.get().outcome) == (S.PAID, AttemptOutcome.NOT_BOUGHT)


def test_bought_under_an_id_of_another_order_is_refused(admin):
    order = held_uncertain()
    attempt = order.supplier_attempts.get()
    other = factories.make_order(S.IN_PROCESS, service=order.service, imeis=(factories.imei(5),))
    taken = other.supplier_attempts.get().supplier_order_id
    assert attempt.supplier_id == other.supplier_attempts.get().supplier_id
    answer = press(admin, order, "bought", supplier_order_id=taken, **EVIDENCE)
    assert answer.status_code == 422
    assert other.number in answer.content.decode()
    order.refresh_from_db()
    assert order.state == S.ON_HOLD
    assert not order.events.filter(kind="order.said_bought").exists()


@pytest.mark.parametrize("reason", ["", "  ", "ab", "\u202e\u200b\u200b\u200b", "\x00ab", "x" * 501])
def test_a_real_reason_is_required(admin, reason):
    order = factories.make_order(S.PAID)
    answer = press(admin, order, "cancel", reason=reason)
    assert answer.status_code == 422
    order.refresh_from_db()
    assert order.state == S.PAID


@pytest.mark.parametrize(
    "data", [{}, {"supplier_order_id": "4711"}, EVIDENCE, {"supplier_order_id": "a\u202eb", **EVIDENCE}]
)
def test_bought_needs_id_and_evidence(admin, data):
    order = held_uncertain()
    assert press(admin, order, "bought", **data).status_code == 422
    order.refresh_from_db()
    assert order.state == S.ON_HOLD


def test_opening_a_form_does_nothing(admin):
    order = factories.make_order(S.PAID)
    assert admin.get(url_of(order, "cancel")).status_code == 200
    order.refresh_from_db()
    assert order.state == S.PAID


def test_stale_page_says_so_and_does_nothing(admin):
    order = factories.make_order(S.PAID)
    old = version(admin.get(url_of(order, "hold")))
    lifecycle.cancel(order.pk, reason="meanwhile", actor=SYSTEM)
    for answer in (admin.post(url_of(order, "hold"), {"version": old, **REASON}), admin.get(url_of(order, "hold"))):
        assert answer.status_code == 302
        assert "has changed meanwhile" in said(answer)
    order.refresh_from_db()
    assert order.state == S.CANCELLED


def test_page_of_an_earlier_hold_is_stale_for_the_next(admin):
    order = factories.make_order(S.ON_HOLD)
    old = version(admin.get(url_of(order, "cancel")))
    lifecycle.resume(order.pk, reason="first", actor=SYSTEM)
    press(admin, order, "hold", **REASON)
    answer = admin.post(url_of(order, "cancel"), {"version": old, **REASON})
    assert "has changed meanwhile" in said(answer)
    order.refresh_from_db()
    assert order.state == S.ON_HOLD


def test_refusal_of_the_lifecycle_is_a_message(admin, monkeypatch):
    order = factories.make_order(S.PAID)
    page = admin.get(url_of(order, "cancel"))

    def refuse(*_args, **_kwargs):
        raise TransitionRefused("it may be alive at a supplier")

    monkeypatch.setattr(lifecycle, "cancel", refuse)
    answer = admin.post(url_of(order, "cancel"), {"version": version(page), **REASON})
    assert answer.status_code == 302
    assert "Not done: it may be alive at a supplier" in said(answer)


def test_pressing_twice_acts_once(admin):
    order = factories.make_order(S.PAID)
    data = {"version": version(admin.get(url_of(order, "cancel"))), **REASON}
    admin.post(url_of(order, "cancel"), data)
    assert "has changed meanwhile" in said(admin.post(url_of(order, "cancel"), data))
    assert order.events.filter(kind="order.cancelled").count() == 1


def test_support_may_not_act(support):
    order = factories.make_order(S.PAID)
    mail = order.purchase.mails.first()
    for row, name in [(order, "hold"), (order, "cancel"), (mail, "send-again")]:
        assert support.get(url_of(row, name)).status_code == 403
        assert support.post(url_of(row, name), REASON).status_code == 403
    order.refresh_from_db()
    assert order.state == S.PAID


def test_form_needs_the_csrf_token():
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(factories.make_staff())
    order = factories.make_order(S.PAID)
    assert strict.post(url_of(order, "cancel"), REASON).status_code == 403
    order.refresh_from_db()
    assert order.state == S.PAID


@pytest.mark.parametrize("name", ["explode", "mark-paid", "complete"])
def test_unknown_actions_and_rows_are_not_found(admin, name):
    order = factories.make_order(S.PAID)
    assert admin.get(url_of(order, name)).status_code == 404
    assert admin.get(url_of(order, "hold").replace(f"/{order.pk}/", "/999999/")).status_code == 404
    assert admin.get(url_of(order, "hold").replace(f"/{order.pk}/", "/x/")).status_code == 404


def test_mail_is_sent_again_only_when_it_waits_for_staff(admin):
    mail = factories.make_order(S.PAID).purchase.mails.first()
    assert buttons(admin, mail) == set()
    OutgoingMail.objects.filter(pk=mail.pk).update(work_state=WorkState.UNCERTAIN, next_action_at=None, attempts=3)
    assert buttons(admin, mail) == {"send-again"}
    press(admin, mail, "send-again", **REASON)
    mail.refresh_from_db()
    assert (mail.work_state, mail.attempts) == (WorkState.QUEUED, 0)
    assert mail.next_action_at is not None


def test_parked_delivery_is_processed_again(admin, shop):
    assert buttons(admin, shop.delivery) == {"process-again"}
    press(admin, shop.delivery, "process-again", **REASON)
    shop.delivery.refresh_from_db()
    assert (shop.delivery.work_state, shop.delivery.attempts) == (WorkState.QUEUED, 0)
    assert "has changed meanwhile" in said(admin.get(url_of(shop.delivery, "process-again")))
    assert WebhookDelivery.objects.count() == 1


def test_supplier_is_paused_and_resumed(admin):
    supplier = factories.make_supplier()
    press(admin, supplier, "pause", hours="3", reason="no credit left")
    supplier = Supplier.objects.get(pk=supplier.pk)
    assert supplier.pause_reason == "no credit left"
    assert "no credit left" in admin.get(change_url(supplier)).content.decode()
    assert buttons(admin, supplier) == {"ask-balance", "end-pause", "fetch-catalogue", "switch-on"}
    press(admin, supplier, "end-pause", reason="topped up")
    assert Supplier.objects.get(pk=supplier.pk).paused_until is None


@pytest.mark.parametrize("hours", ["0", "-1", "169", "x", ""])
def test_pause_has_a_length(admin, hours):
    supplier = factories.make_supplier()
    assert press(admin, supplier, "pause", hours=hours, reason="no credit").status_code == 422
    assert Supplier.objects.get(pk=supplier.pk).paused_until is None


def test_state_is_never_written_by_a_form(admin):
    order = factories.make_order(S.PAID)
    assert admin.post(change_url(order), {"state": "completed", "_save": "1"}).status_code == 403
    assert Order.objects.get(pk=order.pk).state == S.PAID
