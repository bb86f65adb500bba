"""The public tracker: what it tells, what it never tells, and how often."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from orders import events, lifecycle
from orders.models import Order
from orders.states import UNPAID, HoldReason, OrderState
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.storefront.tracker_presenting import TrackedDevice, TrackedOrder
from unlockshop.storefront.tracker_views import read_question

pytestmark = pytest.mark.django_db

S = OrderState
EMAIL = "secret.person@private.example"


def ask(client: Client, q: str, **extra: str) -> HttpResponse:
    return client.get(reverse("tracker"), {"q": q}, **extra)  # type: ignore[return-value]


def html_of(client: Client, q: str) -> str:
    response = ask(client, q)
    assert response.status_code == 200
    return response.content.decode()


def answer_of(html: str) -> str:
    """The words of the answer alone, below the form."""
    answer = html.split("</form>", 1)[1].split('<section class="order-help', 1)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", answer).split())


def secrets_of(order: Order) -> list[str]:
    """What must appear in no answer of the tracker, in any spelling a page would use."""
    purchase = order.purchase
    return [
        purchase.email, purchase.secret, purchase.number, order.secret, order.number, order.identifier,
        "35-417803-685978-9", order.identifier[-6:], "18.90", "18.9", "€", "12345678", "NOTE-CANARY",
        "192.0.2.7", "Supplier-Canary", "HOLD-CANARY",
    ]  # fmt: skip


def order_with_canaries(state: OrderState) -> Order:
    supplier = factories.make_supplier(name="Supplier-Canary")
    service = factories.make_service(supplier=supplier, name="Unlock AT&T iPhone")
    order = factories.make_order(S.IN_PROCESS, service=service, email=EMAIL)
    name = supplier.name
    if state == S.COMPLETED:
        lifecycle.complete(order.pk, result="CODE: 12345678", supplier_name=name, actor=SYSTEM)
    elif state == S.UNAVAILABLE:
        lifecycle.mark_unavailable(order.pk, note="NOTE-CANARY", supplier_name=name, actor=SYSTEM)
    elif state == S.ON_HOLD:
        lifecycle.hold(order.pk, reason=HoldReason.STAFF, message="HOLD-CANARY", actor=SYSTEM)
    events.record(order, "mail.sent", actor=SYSTEM, mail="Result", to=EMAIL)
    order.refresh_from_db()
    return order


@pytest.fixture(autouse=True)
def _uncounted() -> None:
    """Questions of one test do not count against the next."""
    cache.clear()


# --- By order number


@pytest.mark.parametrize("state", OrderState)
def test_number_shows_state_service_and_timeline(client: Client, state: OrderState) -> None:
    order = factories.make_order(state)
    html = html_of(client, order.number)

    assert order.service_name in html
    assert html.count('aria-current="step"') == 1
    assert "Order placed." in html


def test_number_answer_is_exactly_the_allowed_list(client: Client, monday: datetime) -> None:
    order = order_with_canaries(S.COMPLETED)

    assert answer_of(html_of(client, order.number)) == (
        f"Order {order.number} Completed The work is done and the result is ready. Unlock AT&amp;T iPhone Timeline "
        "Ordered Order placed. 23 Nov 2026, 12:00 UTC "
        "Paid Payment received. 23 Nov 2026, 12:00 UTC "
        "Submitted / In process Being submitted to our supplier. 23 Nov 2026, 12:00 UTC "
        "Submitted. The work is in process. 23 Nov 2026, 12:00 UTC "
        "Completed (the order is here) Completed. Your result is ready. 23 Nov 2026, 12:00 UTC "
        "We sent you a mail. 23 Nov 2026, 12:00 UTC "
        "The full order, with its result, opens with the link in our mail."
    )


@pytest.mark.parametrize("spelling", ["{0}", " {0} ", "{1}", "{2}", "{3}"])
def test_number_is_read_as_people_type_it(client: Client, spelling: str) -> None:
    order = factories.make_order(S.IN_PROCESS)
    number = order.number
    q = spelling.format(number, number.lower(), number.replace("-", ""), number.replace("-", " "))

    answer = answer_of(html_of(client, q))
    assert answer.startswith(f"Order {number} Submitted / In process")


def test_public_records_have_exactly_these_fields() -> None:
    assert [each.name for each in fields(TrackedOrder)] == [
        "number", "word", "meaning", "tone", "service_name", "milestones", "calendar", "alternatives",
    ]  # fmt: skip
    assert [each.name for each in fields(TrackedDevice)] == ["word", "tone", "family", "ordered_on", "calendar"]


# --- By device


def test_device_answer_is_exactly_the_allowed_list(client: Client, monday: datetime) -> None:
    order = order_with_canaries(S.COMPLETED)

    assert answer_of(html_of(client, order.identifier)) == (
        "One order for this device Completed Unlock, Network unlock Ordered on 23 Nov 2026 "
        "The order number, which is in our mail, shows more."
    )


@pytest.mark.parametrize(
    "spelling", ["354178036859789", "35-417803-685978-9", "IMEI: 354178 03 685978 9", "35417803685978"]
)
def test_device_is_read_as_people_type_it(client: Client, spelling: str) -> None:
    factories.make_order(S.IN_PROCESS)

    assert "Submitted / In process" in html_of(client, spelling)


def test_serial_and_phone_numbers_are_found(client: Client) -> None:
    for identifier, typed in (("F2LXK0ABCDE1", "f2lxk0abcde1"), ("+33612345678", "+33 6 12 34 56 78")):
        order = factories.make_order(S.IN_PROCESS)
        Order.objects.filter(pk=order.pk).update(identifier=identifier)
        assert read_question(typed).identifier == identifier
        assert "One order for this device" in html_of(client, typed)


@pytest.mark.parametrize("state", sorted(UNPAID))
def test_unpaid_orders_are_not_listed_by_device(client: Client, state: OrderState) -> None:
    order = factories.make_order(state)

    assert html_of(client, order.identifier) == html_of(client, factories.imei(7))


def test_ten_newest_are_listed(client: Client, monday: datetime) -> None:
    service = factories.make_service()
    for day in range(12):
        with clock.frozen(monday + timedelta(days=day)):
            factories.make_order(S.PAID, service=service, again=True)
    answer = answer_of(html_of(client, factories.IMEI))

    assert answer.startswith("10 orders for this device")
    assert "At most the ten newest are shown. The order number" in answer
    assert [int(day) for day in re.findall(r"Ordered on (\d+)", answer)] == [4, 3, 2, 1, 30, 29, 28, 27, 26, 25]


# --- What nobody gets


@pytest.mark.parametrize("state", [S.IN_PROCESS, S.ON_HOLD, S.COMPLETED, S.UNAVAILABLE])
@pytest.mark.parametrize("by", ["number", "identifier"])
def test_no_secret_is_in_any_part_of_the_answer(client: Client, state: OrderState, by: str) -> None:
    order = order_with_canaries(state)
    response = ask(client, getattr(order, by))
    everything = response.content.decode() + str(dict(response.headers)) + str(response.cookies)

    assert response.status_code == 200
    assert "We have no order" not in everything
    found = [secret for secret in secrets_of(order) if secret in everything]
    assert found == ([order.number] if by == "number" else []), "only what the visitor typed"


def test_device_answer_has_no_service_name(client: Client) -> None:
    order = order_with_canaries(S.COMPLETED)

    assert "iPhone" not in html_of(client, order.identifier)


def test_purchase_numbers_and_secrets_open_nothing(client: Client) -> None:
    order = factories.make_order(S.COMPLETED)
    unknown = html_of(client, "U-3333-3333-3")

    for q in (order.purchase.number, order.secret, order.purchase.secret, order.purchase.email, "12345678"):
        assert html_of(client, q) == unknown


def test_unknown_and_wrong_get_one_answer(client: Client) -> None:
    order = factories.make_order(S.COMPLETED)
    neighbour = order.number[:-1] + ("4" if order.number[-1] == "3" else "3")
    misses = [
        neighbour, "U-3333-3333-3", "U-3333", "P-3333-3333-3", "354178036859780", factories.imei(5), "354178",
        "354178036859789, 356938035643809", "nobody@example.com", "' OR 1=1 --", "<script>alert(1)</script>", "%00",
        "ＵＵＵ", "x" * 200,
    ]  # fmt: skip

    answers = {ask(client, q, REMOTE_ADDR=f"192.0.2.{n}").content for n, q in enumerate(misses)}
    assert len(answers) == 1
    assert b"We have no order to show for that number" in answers.pop()


# --- Bad input and limits


def test_page_without_a_question_is_the_form(client: Client) -> None:
    html = client.get(reverse("tracker")).content.decode()

    assert '<label for="q">Order number or IMEI</label>' in html
    assert "We have no order" not in html


def test_two_questions_are_refused(client: Client) -> None:
    assert client.get(reverse("tracker") + "?q=a&q=b").status_code == 400


@pytest.mark.parametrize(
    ("q", "words"),
    [
        ("", "Enter your order number"),
        ("   ", "Enter your order number"),
        ("1" * 201, "too long for one number"),
        ("3541\x00", "hidden control characters"),
        ("\u202e354178036859789", "hidden control characters"),
    ],
)
def test_unreadable_question_says_what_to_do(client: Client, q: str, words: str) -> None:
    response = ask(client, q)
    html = response.content.decode()

    assert response.status_code == 422
    assert html.count(words) == 2
    assert 'aria-invalid="true"' in html
    assert "<title>Error:" in html
    assert "\x00" not in html


def test_thirty_questions_in_ten_minutes_per_address(client: Client, monday: datetime) -> None:
    factories.make_order(S.PAID)
    for n in range(30):
        assert ask(client, factories.imei(n)).status_code == 200
    refused = ask(client, factories.imei(31))

    assert refused.status_code == 429
    assert refused["Retry-After"] == "600"
    assert ask(client, factories.IMEI).status_code == 429
    assert ask(client, factories.IMEI, REMOTE_ADDR="192.0.2.99").status_code == 200
    assert client.get(reverse("tracker")).status_code == 200
    with clock.frozen(monday + timedelta(minutes=10)):
        assert ask(client, factories.IMEI).status_code == 200


def test_thirty_questions_in_ten_minutes_per_device_from_everywhere(client: Client, monday: datetime) -> None:
    spellings = ("354178036859789", "35-417803-685978-9")
    for n in range(30):
        assert ask(client, spellings[n % 2], REMOTE_ADDR=f"192.0.2.{n}").status_code == 200

    assert ask(client, factories.IMEI, REMOTE_ADDR="192.0.2.77").status_code == 429
    assert ask(client, factories.imei(1), REMOTE_ADDR="192.0.2.77").status_code == 200


def test_a_forged_forwarding_header_changes_nothing(client: Client, monday: datetime) -> None:
    for n in range(30):
        ask(client, factories.imei(n), HTTP_X_FORWARDED_FOR=f"198.51.100.{n}")

    assert ask(client, factories.imei(30), HTTP_X_FORWARDED_FOR="198.51.100.99").status_code == 429


def test_pages_are_kept_from_caches_robots_and_referrers(client: Client) -> None:
    for response in (client.get(reverse("tracker")), ask(client, factories.IMEI), ask(client, "")):
        assert "no-store" in response["Cache-Control"]
        assert "noindex" in response["X-Robots-Tag"]
        assert response["Referrer-Policy"] == "same-origin"


def test_posting_is_not_a_question(client: Client) -> None:
    assert client.post(reverse("tracker"), {"q": factories.IMEI}).status_code == 405


# --- Cost


@pytest.mark.parametrize("count", [1, 30])
def test_an_answer_costs_two_queries_at_most(client: Client, django_assert_max_num_queries, count: int) -> None:  # type: ignore[no-untyped-def]
    service = factories.make_service()
    orders = [factories.make_order(S.IN_PROCESS, service=service, again=True) for _ in range(min(count, 12))]
    for _ in range(count):
        events.record(orders[0], "mail.sent", actor=SYSTEM)
    for q in (orders[0].number, factories.IMEI, "U-3333-3333-3", factories.imei(9), "junk"):
        with django_assert_max_num_queries(2):
            html_of(client, q)


def test_a_device_costs_the_same_known_or_not(client: Client, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    factories.make_order(S.IN_PROCESS)
    for q in (factories.IMEI, factories.imei(9), "junk"):
        with django_assert_num_queries(1):
            html_of(client, q)
