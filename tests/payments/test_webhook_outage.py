"""The database goes away while a provider tells us something: 503, and nothing acknowledged without its commit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests
from django.db import connection

from payments import inbox
from payments.models import LedgerTransaction, WebhookDelivery
from tests.helpers import outage
from tests.payments.test_collecting import begun, press
from tests.payments.test_webhook import event, sign

pytestmark = pytest.mark.django_db(transaction=True)
OUTAGES: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "away": outage.away,
    "locked": lambda: outage.locked("payments_webhookdelivery"),
}


def tell(server: Any, body: str) -> int:
    """A delivery over HTTP to a real server, whose threads have connections of their own."""
    headers = {"Stripe-Signature": sign(body), "Content-Type": "application/json"}
    return requests.post(f"{server.url}/webhooks/stripe/", data=body, headers=headers, timeout=30).status_code


@pytest.mark.parametrize("kind", OUTAGES)
def test_an_outage_is_503_and_the_next_delivery_is_stored(live_server: Any, kind: str) -> None:
    body = event()
    with OUTAGES[kind]():
        assert [tell(live_server, body) for _try in range(3)] == [503, 503, 503]
    assert not WebhookDelivery.objects.exists()

    assert tell(live_server, body) == 200
    assert WebhookDelivery.objects.get().deliveries == 1


@pytest.mark.parametrize("kind", OUTAGES)
def test_a_forged_delivery_is_refused_without_asking_the_database(live_server: Any, kind: str) -> None:
    with OUTAGES[kind]():
        answer = requests.post(f"{live_server.url}/webhooks/stripe/", data=event(), timeout=30)
    assert answer.status_code == 400


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no wire that could break at the commit")
@pytest.mark.parametrize(("cut", "stored"), [("before", 0), ("after", 1)])
def test_a_commit_without_an_answer_is_never_acknowledged(
    live_server: Any, bank: str, cut: outage.Cut, stored: int
) -> None:
    """Whether the commit arrived cannot be known, so the provider is to tell it again; that changes nothing then."""
    payment = begun()
    press(payment, "pay")
    body = event(ref=str(payment.provider_ref))
    with outage.cable(b'INSERT INTO "payments_webhookdelivery"') as cable:
        assert tell(live_server, event(event_id="evt_before")) == 200, "the cable carries"
        cable.cut = cut
        assert tell(live_server, body) == 503
        assert cable.broken.wait(5)
        assert WebhookDelivery.objects.filter(event_id="evt_1").count() == stored
        assert tell(live_server, body) == 200

    delivery = WebhookDelivery.objects.get(event_id="evt_1")
    assert delivery.deliveries == 1 + stored
    inbox.process(delivery.pk)
    assert LedgerTransaction.objects.count() == 1
