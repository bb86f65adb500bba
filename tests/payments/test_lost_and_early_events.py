"""Events that never come, come before our commit, or lead to answers that make no sense."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from orders.models import Order, OutgoingMail
from orders.states import OrderState
from payments import collecting, inbox, ledger, reconciling
from payments.collecting import begin_payment
from payments.models import Break, LedgerTransaction, Payment, WebhookDelivery
from payments.states import PaymentState
from tests import factories
from tests.helpers.hostile import Asked, Hostile, Said, hostile_server
from tests.helpers.processes import running_bank
from tests.payments.test_collecting import begun, press
from tests.payments.test_webhook import deliver, event, sign
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_bank(tmp_path: Any, settings: Any) -> Iterator[str]:
    """A bank of its own: a pass looks at everything it has."""
    with running_bank(tmp_path) as url:
        settings.STRIPE_API_BASE = url
        yield url


def tell(ref: str, event_id: str) -> WebhookDelivery:
    body = event(ref=ref, event_id=event_id)
    assert deliver(Client(), body, sign(body)).status_code == 200
    return WebhookDelivery.objects.get(event_id=event_id)


def test_three_hundred_lost_events_are_made_good_in_one_pass(own_bank: str) -> None:
    """M3."""
    service = factories.make_service()
    for n in range(300):
        press(begun(service=service, imeis=(factories.imei(n),)), "pay")

    runs = [reconciling.reconcile("stripe") for _pass in range(2)]

    assert [(run.payments_seen, run.repaired, run.error) for run in runs] == [(300, 300, ""), (300, 0, "")]
    assert Counter(Order.objects.values_list("state", flat=True)) == {OrderState.PAID: 300}
    assert LedgerTransaction.objects.filter(kind="capture").count() == 300
    assert OutgoingMail.objects.filter(kind="confirmation").count() == 300
    assert not Break.objects.exists()
    assert list(ledger.check()) == []


def test_a_hundred_events_before_our_commit_all_pay(bank: str) -> None:
    """M4: the provider knows the payment already, our row does not name it yet."""
    service = factories.make_service()
    deliveries = []
    payments = [begun(service=service, imeis=(factories.imei(n),)) for n in range(100)]
    for payment in payments:
        press(payment, "pay")
        Payment.objects.filter(pk=payment.pk).update(state=PaymentState.CREATED, provider_ref=None, url="")
        deliveries.append(tell(str(payment.provider_ref), f"evt_{payment.pk}"))
        inbox.process(deliveries[-1].pk)
    assert set(WebhookDelivery.objects.values_list("work_state", "verdict")) == {("queued", "unknown_reference")}

    for payment in payments:
        begin_payment(payment.purchase, provider_name="stripe")
    with clock.frozen(clock.now() + timedelta(seconds=5)):
        for delivery in deliveries:
            inbox.process(delivery.pk)

    assert Counter(Order.objects.values_list("state", flat=True)) == {OrderState.PAID: 100}
    assert set(WebhookDelivery.objects.values_list("work_state", "verdict")) == {("done", "applied")}
    assert LedgerTransaction.objects.count() == 100


@pytest.fixture
def liar(settings: Any) -> Iterator[Hostile]:
    with hostile_server() as made:
        settings.STRIPE_API_BASE = made.url
        yield made


AMOUNTS = [
    '"1890"', "-1890", "0", "1e309", "-1e309", "NaN", "true", "null", "18.9", "1890.0", "[1890]", "9" * 400, "1889",
]  # fmt: skip


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_that_makes_no_sense_pays_nothing_and_reaches_staff(liar: Hostile, amount: str) -> None:
    """S11: what the event says of amounts is not looked at; this is what the provider's own answer may say."""
    purchase = factories.make_purchase()
    payment = Payment.objects.create(
        purchase=purchase, provider="stripe", provider_ref="cs_1", amount=purchase.total, currency="EUR",
        state=PaymentState.OPEN, next_action_at=clock.now(),
    )  # fmt: skip
    session = (
        '{"id": "cs_1", "object": "checkout.session", "payment_status": "paid", "status": "complete", '
        '"livemode": false, "currency": "eur", "payment_intent": null, '
        f'"metadata": {{"reference": "{purchase.number}"}}, "amount_total": {amount}}}'
    )

    def answer(_asked: Asked) -> Said:
        return Said(200, session)

    liar.answer = answer
    delivery = tell("cs_1", "evt_1")
    inbox.process(delivery.pk)
    WebhookDelivery.objects.update(attempts=inbox.ATTEMPTS_CAP - 1)
    with clock.frozen(clock.now() + timedelta(hours=2)):
        inbox.process(delivery.pk)
        collecting.check(payment.pk)

    payment.refresh_from_db()
    delivery.refresh_from_db()
    assert delivery.work_state == WorkState.NEEDS_STAFF or payment.state == PaymentState.PARKED
    assert payment.state in {PaymentState.OPEN, PaymentState.PARKED}
    assert purchase.orders.get().state == OrderState.AWAITING_PAYMENT
    booked = list(LedgerTransaction.objects.values_list("kind", flat=True))
    assert booked == (["stray_capture"] if amount == "1889" else [])
    assert list(ledger.check()) == []
