"""Times by the shop's clock and, where it shows another one, by the customer's: on pages, in mails, not in public."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import translation

from orders import mailing, moments
from orders.models import Order, OutgoingMail, Purchase
from orders.models.mail import MailKind
from orders.states import OrderState
from tests import factories
from tests.helpers.checkout import draft_at_check, send_check
from unlockshop.kernel import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]
DUE = datetime(2026, 12, 3, 21, tzinfo=UTC)


def order_of(zone: str, state: OrderState = OrderState.IN_PROCESS) -> Order:
    """One that counts by Madrid's clock, of a customer in ``zone``."""
    order = factories.make_order(state)
    Order.objects.update(calendar="madrid")
    Purchase.objects.update(time_zone=zone)
    return Order.objects.select_related("purchase").get(pk=order.pk)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("", "Thursday 3 December, 22:00 Madrid time"),
        ("Europe/Paris", "Thursday 3 December, 22:00 Madrid time"),
        ("America/New_York", "Thursday 3 December, 22:00 Madrid time (16:00 your time)"),
        ("Asia/Tokyo", "Thursday 3 December, 22:00 Madrid time (Friday 4 December, 06:00 your time)"),
        ("Nowhere/Else", "Thursday 3 December, 22:00 Madrid time"),
    ],
)
def test_the_customers_time_stands_behind_the_shops_where_it_is_another(zone: str, words: str) -> None:
    assert moments.due_words(order_of(zone), DUE) == words


def test_the_offset_of_that_moment_counts() -> None:
    order = order_of("Europe/London")
    assert moments.due_words(order, DUE).endswith("22:00 Madrid time (21:00 your time)")
    order = order_of("Africa/Algiers")  # an hour from UTC all the year: Madrid's winter time
    assert "your time" not in moments.due_words(order, DUE)
    assert "(22:00 your time)" in moments.due_words(order, datetime(2026, 7, 3, 21, tzinfo=UTC))


def test_in_spanish() -> None:
    with translation.override("es"):
        words = moments.due_words(order_of("America/New_York"), DUE)
    assert words == "jue, 3 de diciembre, 22:00 hora de Madrid (16:00 en su hora)"


def test_page_timeline_and_mail_say_both(client: Client) -> None:
    order = order_of("America/New_York")

    page = client.get(order.get_absolute_url()).content.decode()

    told = '<time datetime="2026-11-23T12:00:00Z" data-zone="Europe/Madrid" data-own>'
    assert f"{told}23 Nov 2026, 13:00 Madrid time (07:00 your time)</time>" in page
    mail = mailing.render(OutgoingMail.objects.get(kind=MailKind.CONFIRMATION))
    for part in (mail.text, mail.html):
        assert "your time)" in part


def test_a_failed_payment_is_told_by_the_same_clock(monday: datetime) -> None:
    order = order_of("America/New_York", OrderState.AWAITING_PAYMENT)
    Purchase.objects.update(expires_at=monday + timedelta(hours=2))
    with transaction.atomic():
        mail = mailing.queue_for_purchase(Purchase.objects.get(pk=order.purchase_id), MailKind.PAYMENT_FAILED)

    with clock.frozen(monday):
        message = mailing.render(OutgoingMail.objects.get(pk=mail.pk))

    for part in (message.text, message.html):
        assert "Monday 23 November, 15:00 Madrid time (09:00 your time)" in " ".join(part.split())
        assert "UTC" not in part


def test_the_public_tracker_does_not_tell_where_the_customer_is(client: Client) -> None:
    order = order_of("America/New_York")

    page = client.get(f"/order-status-tracker/?q={order.number}").content.decode()

    assert "13:00 Madrid time" in page
    assert "your time" not in page


def test_the_tracker_gives_the_day_by_the_shops_clock(client: Client) -> None:
    order = order_of("America/New_York")
    Order.objects.update(created_at=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))

    page = client.get(f"/order-status-tracker/?q={order.identifier}").content.decode()

    assert '<time datetime="2026-11-23">23 Nov 2026</time>' in page


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("America/New_York", "America/New_York"),
        ("Asia/Calcutta", "Asia/Calcutta"),
        ("", ""),
        ("Etc/Unknown", ""),
        ("../../etc/passwd", ""),
        ("Europe/Madrid\x00", ""),
        ("x" * 5000, ""),
    ],
)
def test_the_checkout_keeps_the_zone_that_the_browser_tells_if_it_is_one(
    client: Client, bank: str, sent: str, kept: str
) -> None:
    draft = draft_at_check(client, factories.make_service())
    page = client.get(f"/checkout/{draft.token}/check/").content.decode()
    assert '<input type="hidden" name="time_zone" value="" data-time-zone>' in page

    send_check(client, draft, time_zone=sent)

    assert Purchase.objects.get().time_zone == kept


def test_the_database_keeps_only_names() -> None:
    order = factories.make_order()
    with pytest.raises(IntegrityError), transaction.atomic():
        Purchase.objects.filter(pk=order.purchase_id).update(time_zone="<script>")
