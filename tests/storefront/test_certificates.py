"""Certificates: what they show to anybody with the code, who may make and withdraw them, and what never opens."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orders import certifying
from orders.models import CheckCertificate, Order
from orders.states import OrderState
from tests import factories
from tests.helpers.checks import REPORT, finished_check
from unlockshop.kernel import clock, codes
from unlockshop.kernel.errors import Refused
from unlockshop.storefront import certificate_views, unchanged_pages

pytestmark = pytest.mark.django_db

NONE = "There is no certificate with this code"


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def issued(order: Order) -> CheckCertificate:
    return certifying.issue(order.pk, actor=factories.CUSTOMER)


def press(client: Client, order: Order, name: str = "certificate-issue") -> int:
    return client.post(reverse(name, args=[order.secret])).status_code


def test_a_press_makes_it_and_the_order_page_links_it(client: Client) -> None:
    order = finished_check()
    assert "Make a certificate" in client.post(reverse("order-result", args=[order.secret])).content.decode()

    assert press(client, order) == 303

    row = CheckCertificate.objects.get(order=order)
    page = client.get(order.get_absolute_url()).content.decode()
    assert row.get_absolute_url() in page
    assert "Vodafone" not in page
    assert order.events.filter(kind="certificate.issued").count() == 1


def test_it_shows_report_device_and_dates_and_nothing_of_the_customer(client: Client, monday: datetime) -> None:
    order = finished_check()
    with clock.frozen(monday + timedelta(days=2)):
        row = issued(order)

    response = client.get(row.get_absolute_url())

    page = response.content.decode()
    text = text_of(page)
    for words in (
        "Genuine.", "35-417803-685978-9", "Original operator Vodafone Spain", "Risk of a block Medium",
        "Data as of 23 Nov 2026, 12:00 UTC", "25 Nov 2026", "can change at any time", order.service_name,
    ):  # fmt: skip
        assert words in text, words
    purchase = order.purchase
    for secret in (order.number, order.secret, purchase.number, purchase.secret, factories.ADA, "18.90", "192.0.2.7"):
        assert secret not in page
    assert "Next tether policy" not in page
    assert response["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert "no-store" in response["Cache-Control"]


def test_the_address_on_it_is_the_shops_own_whatever_host_was_asked(client: Client, settings: Any) -> None:
    settings.BASE_URL, settings.ALLOWED_HOSTS = "https://shop.example", ["*"]
    row = issued(finished_check())

    page = client.get(row.get_absolute_url(), headers={"host": "other.example"}).content.decode()

    assert f"https://shop.example{row.get_absolute_url()}" in page
    assert "other.example" not in page


def test_the_paper_says_the_same_and_is_the_same_each_time(client: Client) -> None:
    row = issued(finished_check(REPORT.replace("Vodafone Spain", "沃达丰")))
    address = reverse("certificate-pdf", args=[row.code])

    response = client.get(address)

    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")
    assert response.content == client.get(address).content
    assert response["X-Robots-Tag"].startswith("noindex")


@pytest.mark.parametrize("state", [state for state in OrderState if state != OrderState.COMPLETED])
def test_an_unfinished_check_has_none(client: Client, state: OrderState) -> None:
    order = factories.make_order(state, service=factories.make_service(kind="check", result_kind="report"))

    assert press(client, order) == 409
    assert not CheckCertificate.objects.exists()


@pytest.mark.parametrize(
    ("report", "code"),
    [("nothing to read", "no_report"), (f"IMEI: {factories.imei(9)}\nBlacklist: Clean", "other_device")],
)
def test_a_report_that_proves_nothing_has_none(report: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        issued(finished_check(report))
    assert refused.value.code == code


def test_an_unlock_has_none() -> None:
    with pytest.raises(Refused):
        issued(factories.make_order(OrderState.COMPLETED))


def test_pressing_twice_makes_one() -> None:
    order = finished_check()

    assert issued(order).code == issued(order).code
    assert order.events.filter(kind="certificate.issued").count() == 1


def test_withdrawn_and_unknown_get_the_same_answer(client: Client) -> None:
    order = finished_check()
    row = issued(order)
    assert press(client, order, "certificate-withdraw") == 303

    answers = []
    for code in (row.code, codes.new_certificate_code(), "nonsense"):
        for name in ("certificate", "certificate-pdf"):
            response = client.get(reverse(name, args=[code]))
            assert response.status_code == 404
            answers.append(text_of(response.content.decode()))
    assert len(set(answers)) == 1
    assert NONE in answers[0]
    assert row.code not in client.get(order.get_absolute_url()).content.decode()


def test_a_new_one_after_a_withdrawal_has_another_code(client: Client) -> None:
    order = finished_check()
    former = issued(order).code
    assert certifying.withdraw(order.pk, actor=factories.CUSTOMER)
    assert not certifying.withdraw(order.pk, actor=factories.CUSTOMER)

    again = issued(order)

    assert again.code != former
    assert client.get(again.get_absolute_url()).status_code == 200
    assert client.get(reverse("certificate", args=[former])).status_code == 404


def test_the_database_keeps_one_for_an_order_with_a_whole_code() -> None:
    row = issued(finished_check())
    for changes in ({"order": row.order}, {"order": finished_check(), "code": "C-1"}, {"order": finished_check(),
                    "withdrawn_at": row.issued_at - timedelta(days=1)}):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            CheckCertificate.objects.create(**changes)


@pytest.mark.parametrize("typed", ["{code}", " {lower} ", "{bare}"])
def test_the_form_finds_a_code_however_it_is_typed(client: Client, typed: str) -> None:
    row = issued(finished_check())
    code = typed.format(code=row.code, lower=row.code.lower(), bare=row.code.replace("-", ""))

    assert client.get(reverse("certificates"), {"code": code})["Location"] == row.get_absolute_url()


@pytest.mark.parametrize(("typed", "status"), [("", 422), ("C-AAAA-AAAA-AAAA", 404), ("\x00" * 500, 404)])
def test_the_form_says_what_is_wrong(client: Client, typed: str, status: int) -> None:
    assert client.get(reverse("certificates"), {"code": typed}).status_code == status


@pytest.mark.usefixtures("monday")
def test_codes_cannot_be_tried_for_long(client: Client) -> None:
    answers = [
        client.get(reverse("certificate", args=[codes.new_certificate_code()])).status_code
        for _ in range(certificate_views.LIMIT + 1)
    ]
    assert answers == [404] * certificate_views.LIMIT + [429]


def test_reading_the_address_of_a_button_changes_nothing(client: Client) -> None:
    order = finished_check()
    row = issued(order)
    for name in ("certificate-issue", "certificate-withdraw"):
        assert client.get(reverse(name, args=[order.secret])).status_code in {302, 303}
    row.refresh_from_db()
    assert row.withdrawn_at is None


def test_the_order_page_asks_no_more_for_a_certificate(client: Client) -> None:
    order = finished_check()
    counts = []
    for _round in range(2):
        unchanged_pages.clear()
        with CaptureQueriesContext(connection) as queries:
            client.get(order.get_absolute_url())
        counts.append(len(queries))
        issued(order)

    assert counts[0] == counts[1]
