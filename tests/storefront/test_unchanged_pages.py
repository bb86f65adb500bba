"""Pages about one order that are sent again: only while every row behind them is the same, and to nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from orders import events, wording
from orders.models import Order
from orders.states import OrderState
from payments.models import Payment
from payments.states import PaymentState
from tests.factories import bring_to, make_order
from tests.storefront.test_purchase_page import add_payment
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.storefront import tracker_views, unchanged_pages

pytestmark = pytest.mark.django_db
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')


@pytest.fixture
def order(monday: Any) -> Order:
    return make_order(OrderState.IN_PROCESS)


def tracker_of(order: Order) -> str:
    return f"/order-status-tracker/?q={order.number}"


def page_of(order: Order) -> str:
    return order.get_absolute_url()


def is_made_anew(client: Client, path: str, **headers: str) -> bool:
    """Whether the page is rendered, and not sent as it was: only then a test's answer has templates."""
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    return bool(response.templates)


@pytest.fixture
def unproved(settings: Any) -> None:
    """As in production, a page that is sent again is not made as well."""
    settings.PROVE_KEPT_PAGES = False


@pytest.mark.usefixtures("unproved")
@pytest.mark.parametrize("path_of", [page_of, tracker_of])
def test_the_third_look_is_not_made_anew(client: Client, order: Order, path_of: Callable[[Order], str]) -> None:
    path = path_of(order)

    assert [is_made_anew(client, path) for _ in range(4)] == [True, True, False, False]


@pytest.mark.usefixtures("unproved")
@pytest.mark.parametrize("path_of", [page_of, tracker_of])
def test_it_is_sent_with_the_same_headers(client: Client, order: Order, path_of: Callable[[Order], str]) -> None:
    first, second, again = (dict(client.get(path_of(order)).items()) for _ in range(3))

    assert again == second == first
    assert first["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert "no-store" in first["Cache-Control"]


@pytest.mark.usefixtures("unproved")
def test_the_trackers_limits_count_what_is_kept(client: Client, order: Order) -> None:
    answers = [client.get(tracker_of(order)).status_code for _ in range(tracker_views.LIMIT + 1)]

    assert answers == [200] * tracker_views.LIMIT + [429]


@pytest.mark.usefixtures("unproved")
def test_it_asks_for_the_same_rows(client: Client, order: Order) -> None:
    asked = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            client.get(page_of(order))
        asked.append([each["sql"] for each in queries])

    assert asked[2] == asked[1] == asked[0]
    assert asked[0]


@pytest.mark.usefixtures("unproved")
def test_a_change_is_on_the_next_page(client: Client, monday: Any) -> None:
    order = make_order(OrderState.PAID)
    before = [client.get(path).content for path in 3 * (page_of(order), tracker_of(order))]

    bring_to(order, OrderState.IN_PROCESS)

    meaning = escape(wording.meaning(OrderState.IN_PROCESS)).encode()
    for path in (page_of(order), tracker_of(order)):
        assert is_made_anew(client, path)
        assert meaning in client.get(path).content
    assert not any(meaning in page for page in before)


@pytest.mark.usefixtures("unproved")
def test_a_payment_at_the_bank_is_on_the_next_page(client: Client, monday: Any) -> None:
    order = make_order(OrderState.AWAITING_PAYMENT)
    payment = add_payment(order.purchase, PaymentState.OPEN)
    for _ in range(3):
        before = client.get(page_of(order)).content.decode()

    Payment.objects.filter(pk=payment.pk).update(state="pending")

    after = client.get(page_of(order)).content.decode()
    assert "still confirming" in after
    assert "still confirming" not in before


@pytest.mark.usefixtures("unproved")
def test_it_is_as_old_as_a_minute_at_most(client: Client, order: Order) -> None:
    for _ in range(3):
        client.get(page_of(order))

    with clock.frozen(clock.now() + unchanged_pages.MOST_AGE - timedelta(seconds=1)):
        assert not is_made_anew(client, page_of(order))
    with clock.frozen(clock.now() + unchanged_pages.MOST_AGE):
        assert is_made_anew(client, page_of(order))


@pytest.mark.usefixtures("unproved")
def test_another_language_host_or_question_is_another_page(client: Client, order: Order) -> None:
    for _ in range(2):
        client.get(page_of(order))

    for other in (f"/es{page_of(order)}", f"{page_of(order)}?paid", f"{page_of(order)}?paid=1"):
        assert is_made_anew(client, other)
    other_order = make_order(OrderState.IN_PROCESS)
    assert is_made_anew(client, page_of(other_order))
    assert not is_made_anew(client, page_of(order))


@pytest.mark.usefixtures("unproved")
def test_each_visitor_has_a_form_token_that_works(monday: Any) -> None:
    order = make_order(OrderState.COMPLETED)
    tokens = []
    for _ in range(4):
        client = Client(enforce_csrf_checks=True)
        body = client.get(page_of(order)).content
        assert unchanged_pages.TOKEN_PLACE.encode() not in body
        token = TOKEN.search(body)
        assert token is not None
        tokens.append(token[1])
        answer = client.post(reverse("order-result", args=[order.secret]), {"csrfmiddlewaretoken": token[1].decode()})
        assert answer.status_code == 200

    assert len(set(tokens)) == 4


@pytest.mark.usefixtures("unproved")
def test_news_for_the_page_are_kept_too(client: Client, order: Order) -> None:
    path, by_htmx = f"{page_of(order)}status/?seen=1&n=1", {"HX-Request": "true"}

    assert [is_made_anew(client, path, **by_htmx) for _ in range(4)] == [True, True, False, False]
    assert client.get(path).status_code == 302
    events.record(order, "supplier.cancel_requested", actor=SYSTEM, supplier="A", reason="")
    assert is_made_anew(client, path, **by_htmx)


@pytest.mark.usefixtures("unproved")
def test_a_page_that_is_not_found_is_never_kept(client: Client, order: Order) -> None:
    path = page_of(order)
    for _ in range(3):
        client.get(path)
    Order.objects.filter(pk=order.pk).update(secret="another")

    assert client.get(path).status_code == 404


@pytest.mark.usefixtures("unproved")
def test_memory_is_bounded(client: Client, order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(client.get(page_of(order)).content)
    monkeypatch.setattr(unchanged_pages, "MOST_BYTES", size // 2)
    unchanged_pages.clear()

    assert [is_made_anew(client, page_of(order)) for _ in range(3)] == [True, True, True]


def test_the_proof_bites(client: Client, order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        client.get(page_of(order))

    with clock.frozen(order.result_due_at + timedelta(seconds=1)):
        monkeypatch.setattr(unchanged_pages, "MOST_AGE", timedelta(days=100))
        with pytest.raises(AssertionError, match="not the one of now"):
            client.get(page_of(order))
