"""The order's page: what it says in each state, its result, and its polling."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from orders import events, lifecycle
from orders.models import Order
from orders.states import ENDED, UNPAID, HoldReason, OrderState
from payments.models import Payment
from payments.states import PaymentState
from services.models import ResultKind
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.storefront.order_presenting import Party, Progress, next_step, present, timeline

pytestmark = pytest.mark.django_db

S = OrderState
WORDS = {
    S.AWAITING_PAYMENT: "Awaiting payment",
    S.PAID: "Paid",
    S.SUBMITTING: "Submitted / In process",
    S.UNCERTAIN: "Submitted / In process",
    S.IN_PROCESS: "Submitted / In process",
    S.ON_HOLD: "On hold, with our staff",
    S.COMPLETED: "Completed",
    S.UNAVAILABLE: "Unavailable",
    S.NOT_FOUND: "Not found",
    S.CANCELLED: "Cancelled",
    S.EXPIRED: "Expired",
}
ACTORS = {
    S.AWAITING_PAYMENT: Party.YOU,
    S.PAID: Party.US,
    S.SUBMITTING: Party.US,
    S.UNCERTAIN: Party.US,
    S.IN_PROCESS: Party.SUPPLIER,
    S.ON_HOLD: Party.US,
    S.COMPLETED: Party.YOU,
    S.UNAVAILABLE: Party.US,
    S.NOT_FOUND: Party.US,
    S.CANCELLED: Party.US,
    S.EXPIRED: Party.YOU,
}


def page_of(client: Client, order: Order, **query: str) -> str:
    response = client.get(order.get_absolute_url(), query)
    assert response.status_code == 200
    return response.content.decode()


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def packed(html: str) -> str:
    """The HTML without the blanks and line ends that only lay it out."""
    return re.sub(r"\s*(<[^>]+>)\s*", r"\1", html)


def milestones(order: Order) -> list[tuple[str, Progress]]:
    return [(step.title, step.progress) for step in timeline(S(order.state), list(order.events.all()))]


# --- Every state


@pytest.mark.parametrize("state", OrderState)
def test_each_state_has_its_word_actor_and_current_step(client: Client, state: OrderState) -> None:
    order = factories.make_order(state)
    html = page_of(client, order)

    assert f'<h2 id="status-title" class="status__word">{WORDS[state]}</h2>' in packed(html)
    assert f"<dd>{ACTORS[state].label}</dd>" in packed(html)
    assert html.count('aria-current="step"') == 1
    assert (reverse("order-result", args=[order.secret]) in html) == (state == S.COMPLETED)
    assert ("At the latest by" in html) == (state not in ENDED and state not in UNPAID)
    assert ("owed back" in html) == (state in {S.UNAVAILABLE, S.CANCELLED})
    assert ("our staff find out first" in html) == (state == S.NOT_FOUND)
    assert f"mailto:help@unlockshop.example?subject={order.number}" in html
    assert order.purchase.get_absolute_url() in html
    assert "35-417803-685978-9" in html


@pytest.mark.parametrize("state", OrderState)
def test_page_polls_while_the_order_is_open_and_only_then(client: Client, state: OrderState) -> None:
    order = factories.make_order(state)
    html = page_of(client, order)

    assert ("hx-get=" in html) == (state not in ENDED)
    assert ("load delay:5s" in html) == (state not in ENDED)


def test_uncertain_promises_that_nothing_is_lost_or_bought_twice(client: Client) -> None:
    html = page_of(client, factories.make_order(S.UNCERTAIN))

    assert "neither lost nor bought twice" in html
    assert "uncertain" not in html.lower()


def test_promise_names_guaranteed_and_average_time(client: Client, monday: datetime) -> None:
    text = text_of(page_of(client, factories.make_order(S.IN_PROCESS)))

    assert "At the latest by Thursday 26 November, 12:00 UTC , guaranteed." in text
    assert "About 30 hours by the supplier&#x27;s estimate, not guaranteed." in text


def test_delay_is_announced_before_and_after_the_guaranteed_time(client: Client, monday: datetime) -> None:
    order = factories.make_order(S.IN_PROCESS)
    with clock.frozen(monday + timedelta(hours=31)):
        assert "It takes longer than the average now" in page_of(client, order)
    with clock.frozen(monday + timedelta(hours=73)):
        late = text_of(page_of(client, order))
    assert "The guaranteed time ended Thursday 26 November, 12:00 UTC . We are late." in late


def test_hold_says_by_when_a_person_acts_and_admits_being_late(monday: datetime) -> None:
    order = factories.make_order(S.ON_HOLD)

    assert next_step(order, now=monday).by == monday + timedelta(hours=24)
    late = next_step(order, now=monday + timedelta(hours=25))
    assert late.by is None
    assert "longer than planned" in late.text


def test_hold_reason_and_message_stay_inside(client: Client) -> None:
    order = factories.make_order(S.IN_PROCESS)
    lifecycle.hold(order.pk, reason=HoldReason.DOUBLE_PURCHASE, message="LOSS-CANARY", actor=SYSTEM)
    html = page_of(client, order)

    assert "LOSS-CANARY" not in html
    assert "bought twice" not in html
    assert order.service.offers.get().supplier.name not in html


def test_nobody_is_thanked_for_an_order_that_came_to_nothing(client: Client) -> None:
    for state, is_thanked in ((S.PAID, True), (S.CANCELLED, False)):
        html = client.get(factories.make_order(state).get_absolute_url(), {"paid": "1"}).content.decode()
        assert ("Thank you. Your order is paid." in html) == is_thanked


def test_a_disputed_order_says_whom_it_waits_for(client: Client) -> None:
    order = factories.make_order(S.PAID)
    lifecycle.hold(order.pk, reason=HoldReason.DISPUTE, message="dp_1", actor=SYSTEM)
    html = page_of(client, order)

    assert "the order waits until the bank has decided" in html
    assert "dp_1" not in html


def test_awaiting_the_bank_tells_nobody_to_pay_again(client: Client) -> None:
    order = factories.make_order(S.AWAITING_PAYMENT)
    Payment.objects.create(
        purchase=order.purchase, provider="stripe", amount=order.price, currency="EUR",
        state=PaymentState.PENDING, next_action_at=clock.now(),
    )  # fmt: skip
    html = page_of(client, order)

    assert "<dd>Your bank</dd>" in packed(html)
    assert "Pay for the purchase" not in html


def test_free_order_owes_nothing_back(client: Client) -> None:
    order = factories.make_order(S.CANCELLED, service=factories.make_service(price="0.00", kind="check"))

    html = page_of(client, order)
    assert "owed back" not in html
    assert "nothing to pay back" in html


# --- Timeline


def test_timeline_shows_four_steps_with_times(client: Client, monday: datetime) -> None:
    order = factories.make_order(S.IN_PROCESS)

    assert milestones(order) == [
        ("Ordered", Progress.DONE),
        ("Paid", Progress.DONE),
        ("Submitted / In process", Progress.CURRENT),
        ("Result", Progress.AHEAD),
    ]
    assert '<time datetime="2026-11-23T12:00:00Z" data-zone="UTC">23 Nov 2026, 12:00 UTC</time>' in page_of(
        client, order
    )


def test_timeline_of_an_ended_order_shows_no_step_it_never_reached() -> None:
    assert [title for title, _ in milestones(factories.make_order(S.EXPIRED))] == ["Ordered", "Expired"]
    assert [title for title, _ in milestones(factories.make_order(S.CANCELLED))] == ["Ordered", "Paid", "Cancelled"]


def test_resubmitted_order_reads_forward_in_time(monday: datetime) -> None:
    order = factories.make_order(S.UNAVAILABLE)
    lifecycle.resubmit(order.pk, reason="other source", actor=SYSTEM)
    order.refresh_from_db()
    steps = timeline(S(order.state), list(order.events.all()))

    assert [(step.title, step.progress) for step in steps] == [
        ("Ordered", Progress.DONE),
        ("Paid", Progress.CURRENT),
        ("Submitted / In process", Progress.AHEAD),
        ("Result", Progress.AHEAD),
    ]
    assert [item.sentence for item in steps[1].moments] == [
        "Payment received.",
        "Being submitted to our supplier.",
        "Submitted. The work is in process.",
        "Our supplier cannot deliver this order.",
        "Your order is being submitted once more.",
    ]


def test_events_without_a_customer_sentence_are_not_shown(client: Client) -> None:
    order = factories.make_order(S.IN_PROCESS)
    events.record(order, "attempt.late_surprise", actor=SYSTEM, supplier="X", reference="CONFLICT-CANARY")

    assert "CONFLICT-CANARY" not in page_of(client, order)


# --- Result


def test_result_is_shown_on_request_only(client: Client) -> None:
    order = factories.make_order(S.COMPLETED)
    assert "12345678" not in page_of(client, order)

    html = client.post(reverse("order-result", args=[order.secret])).content.decode()

    assert '<span id="result-text" class="result__text">CODE: 12345678</span>' in html
    assert 'data-copy="result-text"' in html
    assert "After 3 wrong tries stop and write to us" in html


def test_opening_the_result_is_recorded_once_per_sitting(client: Client, monday: datetime) -> None:
    order = factories.make_order(S.COMPLETED)
    url = reverse("order-result", args=[order.secret])
    client.post(url, REMOTE_ADDR="192.0.2.9")
    client.post(url, REMOTE_ADDR="192.0.2.9")
    client.post(url, REMOTE_ADDR="192.0.2.10")
    with clock.frozen(monday + timedelta(minutes=11)):
        client.post(url, REMOTE_ADDR="192.0.2.9")

    seen = order.events.filter(kind="result.viewed")
    assert [event.ip for event in seen] == ["192.0.2.9", "192.0.2.10", "192.0.2.9"]
    assert {event.actor_kind for event in seen} == {"customer"}


@pytest.mark.parametrize("state", [state for state in OrderState if state != S.COMPLETED])
def test_no_result_before_completion(client: Client, state: OrderState) -> None:
    order = factories.make_order(state)
    response = client.post(reverse("order-result", args=[order.secret]))

    assert response.status_code == 409
    assert b"This order has no result yet." in response.content
    assert not order.events.filter(kind="result.viewed").exists()


def test_result_needs_the_form_of_the_page() -> None:
    order = factories.make_order(S.COMPLETED)
    strict = Client(enforce_csrf_checks=True)
    url = reverse("order-result", args=[order.secret])

    assert strict.post(url).status_code == 403
    page = strict.get(order.get_absolute_url()).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    assert strict.post(url, {"csrfmiddlewaretoken": token[1]}).status_code == 200


def test_reading_the_result_address_leads_to_the_order(client: Client) -> None:
    order = factories.make_order(S.COMPLETED)
    response = client.get(reverse("order-result", args=[order.secret]))

    assert (response.status_code, response["Location"]) == (302, order.get_absolute_url())


@pytest.mark.parametrize("kind", ResultKind)
def test_each_result_kind_has_instructions(client: Client, kind: ResultKind) -> None:
    order = factories.make_order(S.COMPLETED, service=factories.make_service(result_kind=kind))
    html = client.post(reverse("order-result", args=[order.secret])).content.decode()

    assert html.count("<h3>How to") == 1
    assert "Important:" in html


def test_foreign_text_is_text(client: Client) -> None:
    evil = "<script>alert(1)</script>\x00\u202eevil\nline two"
    done, failed = factories.make_order(S.IN_PROCESS), factories.make_order(S.IN_PROCESS)
    lifecycle.complete(done.pk, result=evil, supplier_name="S", actor=SYSTEM)
    lifecycle.mark_unavailable(failed.pk, note=evil, supplier_name="S", actor=SYSTEM)

    shown = client.post(reverse("order-result", args=[done.secret])).content.decode()
    noted = page_of(client, failed)
    for html in (shown, noted):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;evil\nline two" in html
        assert "<script>alert" not in html
        assert "\x00" not in html
        assert "\u202e" not in html


# --- Polling


def poll(client: Client, order: Order, **query: int) -> str:
    response = client.get(reverse("order-status", args=[order.secret]), query, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return response.content.decode()


def shown(order: Order) -> int:
    return present(order, list(order.events.all()), now=clock.now()).seen


def test_poll_without_news_backs_off_and_says_nothing(client: Client) -> None:
    order = factories.make_order(S.IN_PROCESS)
    delays = []
    for n in range(6):
        html = poll(client, order, n=n, seen=shown(order))
        assert "order-live" not in html
        assert f"?n={n + 1}&amp;seen={shown(order)}" in html
        delays.append(int(re.search(r"delay:(\d+)s", html)[1]))  # type: ignore[index]

    assert delays == [10, 20, 40, 60, 60, 60]


def test_poll_with_news_brings_them_with_a_sentence_to_read_out(client: Client) -> None:
    order = factories.make_order(S.SUBMITTING)
    seen = shown(order)
    attempt = order.supplier_attempts.get()
    factories.set_outcome(attempt, "accepted", supplier_order_id="S77")
    lifecycle.submitted(order.pk, attempt=attempt, next_poll_at=clock.now(), actor=SYSTEM)
    html = poll(client, order, n=4, seen=seen)

    assert 'id="order-live"' in html
    assert '<p id="order-announcement" hx-swap-oob="innerHTML">Status: Submitted / In process</p>' in html
    assert "load delay:5s" in html


def test_poll_stops_at_the_end(client: Client) -> None:
    html = poll(client, factories.make_order(S.COMPLETED), n=1, seen=1)

    assert "hx-get" not in html
    assert "Show result" in html
    assert "12345678" not in html


def test_poll_takes_any_query(client: Client) -> None:
    order = factories.make_order(S.IN_PROCESS)
    for value in ("-1", "x", "٣", "9" * 400, ""):
        url = reverse("order-status", args=[order.secret])
        response = client.get(url, {"n": value, "seen": value}, headers={"HX-Request": "true"})
        assert response.status_code == 200


def test_status_address_opened_by_hand_leads_to_the_page(client: Client) -> None:
    order = factories.make_order(S.IN_PROCESS)
    response = client.get(reverse("order-status", args=[order.secret]))

    assert (response.status_code, response["Location"]) == (302, order.get_absolute_url())


# --- Who may see it, and how much it costs


@pytest.mark.parametrize("name", ["order", "order-status", "order-result"])
def test_unknown_secret_is_a_404_page(client: Client, name: str) -> None:
    order = factories.make_order(S.COMPLETED)
    for secret in ("x" * 43, order.number.lower(), order.purchase.secret, order.secret[:-1]):
        response = (
            client.post(reverse(name, args=[secret]))
            if name == "order-result"
            else client.get(reverse(name, args=[secret]), headers={"HX-Request": "true"})
        )
        assert response.status_code == 404


@pytest.mark.parametrize("name", ["order", "order-status", "order-result"])
def test_pages_are_kept_from_caches_robots_and_referrers(client: Client, name: str) -> None:
    order = factories.make_order(S.COMPLETED)
    url = reverse(name, args=[order.secret])
    response = client.post(url) if name == "order-result" else client.get(url, headers={"HX-Request": "true"})

    assert "no-store" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Referrer-Policy"] == "same-origin"


def test_page_has_nothing_inline(client: Client) -> None:
    for state in (S.IN_PROCESS, S.COMPLETED, S.UNAVAILABLE):
        html = page_of(client, factories.make_order(state))
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", html)


@pytest.mark.parametrize("count", [1, 30])
def test_page_costs_six_queries_at_most(client: Client, django_assert_max_num_queries, count: int) -> None:  # type: ignore[no-untyped-def]
    order = factories.make_order(S.IN_PROCESS)
    Order.objects.filter(pk=order.pk).update(answers={"imei": order.identifier, "network": "AT&T"})
    for _ in range(count):
        events.record(order, "mail.sent", actor=SYSTEM)
    with django_assert_max_num_queries(6):
        page_of(client, order)
    with django_assert_max_num_queries(4):
        poll(client, order, n=1, seen=0)


def test_closed_result_is_not_even_read(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    order = factories.make_order(S.COMPLETED)
    monkeypatch.setattr("unlockshop.kernel.crypto.decrypt", lambda _: pytest.fail("the result was opened"))

    page_of(client, order)


def test_just_paid_says_thank_you_only_when_it_is_paid(client: Client) -> None:
    assert "Your order is paid" in page_of(client, factories.make_order(S.PAID), paid="1")
    assert "Your order is paid" not in page_of(client, factories.make_order(S.AWAITING_PAYMENT), paid="1")
