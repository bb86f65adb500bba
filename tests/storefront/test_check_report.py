"""A finished check shows its report in fields, the risk of a block with its reasons, and of when the data are."""

from __future__ import annotations

import html
import re
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from orders.mailing import render
from orders.models import Order, OutgoingMail
from orders.models.mail import MailKind
from orders.states import OrderState
from tests import factories
from tests.helpers.checks import REPORT, finished_check

pytestmark = pytest.mark.django_db

DISCLAIMER = "The status of a device can change at any time. This report holds for the moment it was made."
EVIL = 'SIM-Lock: <b>Locked</b>\nModel: "><img src=x onerror=alert(1)>\nEvil<script>: <script>alert(2)</script>'


def opened(client: Client, order: Order) -> str:
    response = client.post(reverse("order-result", args=[order.secret]))
    assert response.status_code == 200
    return response.content.decode()


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_fields_risk_date_and_disclaimer_are_shown(client: Client, monday: datetime) -> None:
    text = text_of(opened(client, finished_check()))

    assert "Original operator Vodafone Spain" in text
    assert "SIM lock Locked to a network (as written: Locked)" in text
    assert "Blacklist No entry found (as written: Clean)" in text
    assert "Next tether policy Lock" in text
    assert "Risk of a block Medium Something in this report may keep a new owner from using the device." in text
    assert "Find My (owner's account lock): On – makes the risk at least medium." in text
    assert "Blacklist: No entry found – speaks against a risk." in text
    assert "SIM lock: Locked to a network – no effect on the risk." in text
    assert "Data as of 23 Nov 2026, 12:00 UTC" in text
    assert DISCLAIMER in text
    assert "The text as we received it" in text


def test_the_report_stays_closed_until_it_is_opened(client: Client) -> None:
    order = finished_check()

    page = client.get(order.get_absolute_url()).content.decode()

    assert "Vodafone" not in page
    assert "Risk of a block" not in page


def test_a_text_that_cannot_be_read_is_shown_as_it_is(client: Client) -> None:
    text = text_of(opened(client, finished_check("We found nothing special.")))

    assert "We found nothing special." in text
    assert "Risk of a block" not in text


def test_an_unlock_has_no_report(client: Client) -> None:
    order = factories.make_order(OrderState.COMPLETED)

    assert "Risk of a block" not in opened(client, order)


def test_foreign_text_stays_text(client: Client) -> None:
    page = opened(client, finished_check(EVIL))

    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "<b>Locked</b>" not in page


def test_the_mail_tells_the_risk_in_words(monday: datetime) -> None:
    order = finished_check()
    message = render(OutgoingMail.objects.get(order=order, kind=MailKind.COMPLETED))

    for part in (message.text, text_of(message.html)):
        assert "Risk of a block Medium" in part.replace("block:", "block")
        assert "Find My (owner's account lock): On – makes the risk at least medium." in part
        assert "Data as of 23 Nov 2026, 12:00 UTC." in part
        assert DISCLAIMER in part
    assert REPORT.splitlines()[-1] in message.text
    assert "\n\n\n" not in message.text


def test_the_mail_of_an_unreadable_report_says_nothing_of_risk() -> None:
    order = finished_check("We found nothing special.")
    message = render(OutgoingMail.objects.get(order=order, kind=MailKind.COMPLETED))

    assert "Risk of a block" not in message.text + message.html
