"""Checking a device again: the re-check price, who has it and for how long, and what changed since."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from orders import correcting, lifecycle, paying
from orders.models import CheckRepeat, Draft, Order, Purchase
from orders.right_data import RightData
from orders.states import OrderState
from services.models import Service, ServicePrice
from services.reports.comparing import compare
from services.reports.reading import read_report
from tests import factories
from tests.helpers.checkout import send_check, send_details, send_device
from tests.helpers.checks import REPORT, check_service, finished_check
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused

pytestmark = pytest.mark.django_db

NOW = REPORT.replace("Find My: ON", "Find My: OFF").replace("SIM-Lock: Locked\n", "") + "\nWarranty: Expired"


def priced_service() -> Service:
    service = check_service(price="5.00")
    ServicePrice.objects.filter(service=service).update(recheck_amount=Decimal("2.00"))
    return service


def opened(client: Client, order: Order) -> str:
    page = client.post(reverse("order-result", args=[order.secret])).content.decode()
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split()).replace(" .", ".")


def begin(client: Client, former: Order) -> Draft:
    response = client.post(reverse("check-again", args=[former.secret]))
    assert response.status_code == 303, response.status_code
    draft = Draft.objects.latest("pk")
    assert response["Location"] == f"/checkout/{draft.token}/details/"
    return draft


def repeat(client: Client, former: Order) -> Order:
    draft = begin(client, former)
    send_details(client, draft)
    send_check(client, draft)
    return Purchase.objects.get(draft_token=draft.token).orders.get()


def test_the_offer_names_both_prices_and_the_end(client: Client, monday: datetime) -> None:
    text = opened(client, finished_check(service=priced_service()))

    assert "The same check once more costs €2.00 instead of €5.00 until Wednesday 23 December, 12:00 UTC" in text


def test_a_repeat_costs_the_recheck_price_and_knows_its_former(client: Client, bank: str) -> None:
    former = finished_check(service=priced_service())

    order = repeat(client, former)

    assert (order.price, order.purchase.total) == (Decimal("2.00"), Decimal("2.00"))
    assert (order.identifier, order.service_id) == (former.identifier, former.service_id)
    assert CheckRepeat.objects.get(order=order).former == former


def test_after_the_days_the_ordinary_price_counts(client: Client, bank: str, monday: datetime) -> None:
    former = finished_check(service=priced_service())
    with clock.frozen(monday + timedelta(days=30)):
        assert "The same check once more costs €5.00." in opened(client, former)
        order = repeat(client, former)

    assert order.price == Decimal("5.00")
    assert CheckRepeat.objects.filter(order=order).exists()


def test_a_repeat_at_the_recheck_price_begins_no_new_days(client: Client, bank: str, monday: datetime) -> None:
    service = priced_service()
    former, prices = finished_check(service=service), []
    for day in (25, 29, 31, 59, 62):
        with clock.frozen(monday + timedelta(days=day)):
            order = repeat(client, former)
            paying.mark_purchase_paid(order.purchase_id, actor=SYSTEM, at=clock.now())
            factories.bring_to(order, OrderState.COMPLETED)
            Order.objects.filter(pk=order.pk).update(result=REPORT)
            former = Order.objects.get(pk=order.pk)
            prices.append(int(former.price))

    # The one of day 31 was paid in full, so its report begins new days.
    assert prices == [2, 2, 5, 2, 5]


def test_the_offer_on_a_repeats_page_ends_with_the_first_reports_days(client: Client, monday: datetime) -> None:
    former = finished_check(service=priced_service())
    with clock.frozen(monday + timedelta(days=25)):
        order = repeat(client, former)
        paying.mark_purchase_paid(order.purchase_id, actor=SYSTEM, at=clock.now())
        factories.bring_to(order, OrderState.COMPLETED)
        Order.objects.filter(pk=order.pk).update(result=REPORT)

        assert "instead of €5.00 until Wednesday 23 December" in opened(client, order)


def test_a_repeat_without_a_price_of_its_own_begins_days(client: Client, monday: datetime) -> None:
    service = check_service(price="5.00")
    former = finished_check(service=service)
    with clock.frozen(monday + timedelta(days=10)):
        order = repeat(client, former)

    assert CheckRepeat.objects.get(order=order).counts_from is None


def test_a_price_that_ends_on_the_way_is_shown_before_it_is_taken(client: Client, monday: datetime) -> None:
    former = finished_check(service=priced_service())
    draft = begin(client, former)
    send_details(client, draft)

    with clock.frozen(monday + timedelta(days=31)):
        page = client.get(f"/checkout/{draft.token}/check/").content.decode()

    assert "The price has changed" in page
    draft.refresh_from_db()
    assert draft.quoted_total == Decimal("5.00")


def test_another_device_costs_the_ordinary_price(client: Client) -> None:
    former = finished_check(service=priced_service())
    draft = begin(client, former)

    send_device(client, draft.service, factories.imei(7), query=f"?draft={draft.token}", currency="EUR")

    draft.refresh_from_db()
    assert (draft.quoted_total, draft.recheck_of) == (Decimal("5.00"), None)


def test_a_second_device_beside_it_costs_the_ordinary_price(client: Client) -> None:
    former = finished_check(service=priced_service())
    draft = begin(client, former)

    both = f"{former.identifier}\n{factories.imei(7)}"
    send_device(client, draft.service, "", several=both, query=f"?draft={draft.token}", currency="EUR")

    draft.refresh_from_db()
    assert draft.quoted_total == Decimal("10.00")


def test_a_repeat_stays_with_its_device(client: Client, bank: str) -> None:
    order = repeat(client, finished_check(service=priced_service()))
    paying.mark_purchase_paid(order.purchase_id, actor=SYSTEM, at=clock.now())

    for data in (RightData(factories.imei(7), "imei", {}), RightData(order.identifier, "imei", {"colour": "red"})):
        with pytest.raises(Refused) as refused:
            correcting.correct(order.pk, data, rule="r", actor=factories.CUSTOMER)
        assert refused.value.code == "repeat"


@pytest.mark.parametrize("state", [state for state in OrderState if state != OrderState.COMPLETED])
def test_only_a_finished_check_is_repeated(client: Client, state: OrderState) -> None:
    order = factories.make_order(state, service=priced_service())

    assert client.post(reverse("check-again", args=[order.secret])).status_code == 409
    assert Draft.objects.filter(recheck_of=order).count() == 0


def test_an_unlock_and_a_closed_check_are_not_repeated(client: Client) -> None:
    unlock, check = factories.make_order(OrderState.COMPLETED), finished_check(imeis=(factories.IMEI,))
    Service.objects.filter(pk=check.service_id).update(is_open=False)

    for order in (unlock, check):
        assert client.post(reverse("check-again", args=[order.secret])).status_code == 409
        assert "Check this device again" not in opened(client, order)


def test_reading_the_address_of_the_button_begins_nothing(client: Client) -> None:
    order = finished_check(service=priced_service())
    before = Draft.objects.count()

    assert client.get(reverse("check-again", args=[order.secret]))["Location"] == order.get_absolute_url()
    assert Draft.objects.count() == before


def test_the_new_order_says_what_changed(client: Client, bank: str, monday: datetime) -> None:
    former = finished_check(service=priced_service())
    with clock.frozen(monday + timedelta(days=3)):
        order = repeat(client, former)
        paying.mark_purchase_paid(order.purchase_id, actor=SYSTEM, at=clock.now())
        order.refresh_from_db()
        factories.bring_to(order, OrderState.IN_PROCESS)
        lifecycle.complete(order.pk, result=NOW, supplier_name="Supplier", actor=SYSTEM)

        text = opened(client, order)

    assert "Compared with the report of 23 Nov 2026" in text
    assert "Find My (owner's account lock) Before: On. Now: Off." in text
    assert "SIM lock Before: Locked to a network. Now: Not in the report" in text
    assert "Warranty Before: Not in the report. Now: Over" in text
    assert "Blacklist Before" not in text
    assert "What changed" not in opened(client, former)


def test_no_difference_is_said_too(client: Client, bank: str) -> None:
    former = finished_check(service=priced_service())
    order = repeat(client, former)
    paying.mark_purchase_paid(order.purchase_id, actor=SYSTEM, at=clock.now())
    order.refresh_from_db()
    factories.bring_to(order, OrderState.IN_PROCESS)
    lifecycle.complete(order.pk, result=REPORT.upper(), supplier_name="Supplier", actor=SYSTEM)

    assert "Nothing changed in what we can read." in opened(client, order)


def test_reports_that_cannot_be_read_are_not_compared(client: Client, bank: str) -> None:
    former = finished_check(service=priced_service())
    order = repeat(client, former)
    paying.mark_purchase_paid(order.purchase_id, actor=SYSTEM, at=clock.now())
    order.refresh_from_db()
    factories.bring_to(order, OrderState.IN_PROCESS)
    lifecycle.complete(order.pk, result="Thank you.", supplier_name="Supplier", actor=SYSTEM)

    text = opened(client, order)

    assert "so nothing was compared" in text
    assert "Nothing changed" not in text
    assert "Compared with the report" not in text


def test_unknown_and_missing_are_two_things() -> None:
    changes = compare(read_report("SIM-Lock: Locked"), read_report("SIM-Lock: ?\nBlacklist: Clean"))

    assert [(each.field.value, each.before, each.now) for each in changes] == [
        ("sim_lock", "locked", ""), ("blacklist", None, "clean"),
    ]  # fmt: skip


@pytest.mark.parametrize("amount", ["0", "5.01", "-1", "2.005"])
def test_the_database_refuses_a_recheck_price_that_makes_no_sense(amount: str) -> None:
    service = check_service(price="5.00")
    with pytest.raises(IntegrityError), transaction.atomic():
        ServicePrice.objects.filter(service=service).update(recheck_amount=Decimal(amount))


def test_no_order_repeats_itself() -> None:
    order = finished_check()
    with pytest.raises(IntegrityError), transaction.atomic():
        CheckRepeat.objects.create(order=order, former=order)
