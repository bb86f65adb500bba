"""Statements that buying takes: a guest's whole checkout, placing and settling, a provider's event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders.models import Draft, OrderEvent
from orders.states import OrderState
from payments import collecting
from payments.models import Payment, WebhookDelivery
from payments.providers.base import FactState, PaymentFact
from payments.states import PaymentState
from refunds.models import LegalNotice
from services import content_versions
from tests import factories
from tests.helpers.checkout import details_of, send_device, shown_on
from tests.payments.test_webhook import deliver, event, sign
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def at_most(number: int) -> Iterator[None]:
    """BEGIN and COMMIT count too."""
    with CaptureQueriesContext(connection) as captured:
        yield
    sent: Sequence[str] = [query["sql"][:120] for query in captured.captured_queries]
    assert len(sent) <= number, "\n".join(sent)


def walk(client: Client, *, imei: str) -> Draft:
    service = factories.Service.objects.get()
    assert client.get(service.get_absolute_url()).status_code == 200
    assert send_device(client, service, imei, currency="EUR").status_code == 303
    draft = Draft.objects.latest("pk")
    details, check = (f"/checkout/{draft.token}/{step}/" for step in ("details", "check"))
    assert client.get(details).status_code == 200
    assert client.post(details, details_of(service)).status_code == 303
    shown = shown_on(client.get(check))
    assert client.post(check, {"shown": shown, "provider": "stripe"}).status_code == 303
    return draft


def test_a_whole_checkout_takes_thirty(client: Client, bank: str) -> None:
    """Thirty of the shop's own; two more find the draft and the service for this test."""
    factories.make_service()
    walk(Client(), imei=factories.imei(1))
    content_versions.forget()  # the service page of the second guest is looked for anew

    with at_most(32):
        walk(client, imei=factories.imei(2))

    assert Payment.objects.filter(state=PaymentState.OPEN).count() == 2


def test_rules_changed_between_two_steps_are_those_that_count(client: Client) -> None:
    """Kept rows are those of the version that the draft was read with."""
    service = factories.make_service()
    send_device(client, service)
    address = f"/checkout/{Draft.objects.get().token}/details/"
    assert "Country where you live" not in client.get(address).text

    notice = LegalNotice.objects.create(country="BR", language="en", heading="Brazil", text="Your own phone only.")
    assert "Country where you live" in client.get(address).text
    assert client.post(address, details_of(service, country="BR")).status_code == 422

    LegalNotice.objects.filter(pk=notice.pk).delete()
    assert "Country where you live" not in client.get(address).text
    assert client.post(address, details_of(service)).status_code == 303


@pytest.mark.parametrize("devices", [1, 30])
def test_placing_takes_eight_and_settling_fourteen(devices: int) -> None:
    service = factories.make_service()
    draft = factories.make_draft(service, imeis=tuple(factories.imei(n) for n in range(devices)))
    # SQLite takes so many values a statement that thirty orders are two.
    with at_most(9 if connection.vendor == "sqlite" and devices > 1 else 8):
        purchase = factories.place_purchase(
            draft, email=factories.ADA, language="en", consent=factories.consent(), is_demo=True,
            actor=factories.CUSTOMER,
        )  # fmt: skip
    payment = Payment.objects.create(
        purchase=purchase, provider="stripe", amount=purchase.total, currency=purchase.currency, is_live=False,
        state=PaymentState.OPEN, provider_ref="cs_1", next_action_at=clock.now(),
    )  # fmt: skip
    fact = PaymentFact("cs_1", "pi_1", FactState.CAPTURED, payment.money, purchase.number, is_live=False)

    with at_most(14):
        collecting.fold(payment.pk, fact)

    assert {order.state for order in purchase.orders.all()} == {OrderState.PAID}
    told = OrderEvent.objects.filter(order__purchase=purchase).values_list("order__position", "seq", "kind")
    assert sorted(told) == [
        line for n in range(1, devices + 1) for line in ((n, 1, "order.placed"), (n, 2, "order.paid"))
    ]


def test_an_event_takes_one_statement(client: Client) -> None:
    body = event()

    with at_most(1):
        assert deliver(client, body, sign(body)).status_code == 200

    assert deliver(client, body, sign(body)).status_code == 200
    assert WebhookDelivery.objects.get().deliveries == 2


def test_a_repeated_event_leaves_the_callers_transaction_whole(client: Client) -> None:
    body = event()
    with transaction.atomic():
        for _ in range(2):
            assert deliver(client, body, sign(body)).status_code == 200
        assert WebhookDelivery.objects.get().deliveries == 2
