"""Events of one payment in every order: the end is the same, because the provider is asked what is true."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
import stripe
from django.test import Client

from orders.models import OutgoingMail
from payments import collecting, inbox, ledger
from payments.collecting import begin_payment
from payments.models import LedgerEntry, Payment, WebhookDelivery
from payments.providers.paypal_api import call
from tests import factories
from tests.payments import test_paypal as paypal_page
from tests.payments.test_collecting import press
from tests.payments.test_paypal_webhook import signed
from tests.payments.test_webhook import deliver, sign
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
SOON = timedelta(minutes=2)


class Card:
    """A payment at Stripe: declined, paid with a delay, confirmed by the bank, given back on Stripe's own pages."""

    provider = "stripe"
    events = (
        "payment_intent.payment_failed", "checkout.session.completed", "checkout.session.async_payment_succeeded",
        "refund.created",
    )  # fmt: skip

    def __init__(self, bank: str, payment: Payment) -> None:
        self.bank, self.payment = bank, payment
        self.client = stripe.StripeClient("sk_test_tests", base_addresses={"api": bank})
        self.steps: list[Callable[[], Any]] = [
            lambda: press(payment, "decline"),
            lambda: press(payment, "delayed-success"),
            self._wait_for_the_bank,
            self._give_back,
        ]

    def _session(self) -> Any:
        return self.client.v1.checkout.sessions.retrieve(
            str(self.payment.provider_ref), {"expand": ["payment_intent"]}
        )

    def _wait_for_the_bank(self) -> None:
        paypal_page.eventually(lambda: self._session().payment_status, lambda status: status == "paid")

    def _give_back(self) -> None:
        self.refund = self.client.v1.refunds.create({"payment_intent": self._session().payment_intent.id})

    def tell(self, kind: str) -> int:
        """The event as Stripe sends it: of its session, intent or refund as it is now."""
        if kind == "refund.created":
            thing = self.refund.to_dict()
        else:
            session = self._session().to_dict()
            thing = session["payment_intent"] if kind.startswith("payment_intent") else session
        body = json.dumps(
            {"id": f"evt_{self.payment.pk}_{kind}", "object": "event", "type": kind, "livemode": False,
             "data": {"object": thing}}
        )  # fmt: skip
        return deliver(Client(), body, sign(body)).status_code


class Wallet:
    """A payment at PayPal: approved, held when the shop takes it, let go by the bank, given back on PayPal's pages."""

    provider = "paypal"
    events = (
        "CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.REFUNDED",
    )  # fmt: skip

    def __init__(self, bank: str, payment: Payment) -> None:
        self.payment = payment
        self.ref = str(payment.provider_ref)
        self.steps: list[Callable[[], Any]] = [
            lambda: paypal_page.press(bank, self.ref, "hold"),
            lambda: collecting.settle(payment.pk),
            lambda: paypal_page.eventually(self._capture, lambda capture: capture["status"] == "COMPLETED"),
            self._give_back,
        ]

    def _capture(self) -> Any:
        order = call("GET", f"v2/checkout/orders/{self.ref}")
        return order["purchase_units"][0]["payments"]["captures"][0]

    def _give_back(self) -> None:
        path = f"v2/payments/captures/{self._capture()['id']}/refund"
        self.refund = call("POST", path, {}, key=f"elsewhere-{self.payment.pk}")

    def tell(self, kind: str) -> int:
        """The event as PayPal sends it: of its order, capture or refund as it is now."""
        if kind.startswith("CHECKOUT"):
            thing = call("GET", f"v2/checkout/orders/{self.ref}")
        else:
            thing = self.refund if kind.endswith("REFUNDED") else self._capture()
        body = json.dumps({"id": f"WH-{self.payment.pk}-{kind}", "event_type": kind, "resource": thing}).encode()
        return (
            Client().post("/webhooks/paypal/", body, content_type="application/json", headers=signed(body)).status_code
        )


def the_end_of(payment: Payment) -> tuple[Any, ...]:
    """Everything that the events of a payment may move."""
    payment.refresh_from_db()
    order = payment.purchase.orders.get()
    return (
        payment.state,
        payment.attention,
        order.state,
        sorted(order.events.values_list("kind", flat=True)),
        [(refund.state, refund.is_external, refund.money) for refund in payment.refunds.all()],
        sorted(
            LedgerEntry.objects.filter(transaction__payment=payment).values_list(
                "transaction__kind", "account", "amount"
            )
        ),
        sorted(OutgoingMail.objects.filter(purchase=payment.purchase).values_list("kind", flat=True)),
    )


def settle_all() -> None:
    """The workers and sweeps, until nothing waits: an event that was too early is due again a little later."""
    moment = clock.now()
    for _round in range(6):
        with clock.frozen(moment):
            for pk in WebhookDelivery.objects.filter(work_state=WorkState.QUEUED).values_list("pk", flat=True):
                inbox.process(pk)
        moment += SOON


@pytest.fixture
def ends() -> Iterator[list[tuple[Any, ...]]]:
    found: list[tuple[Any, ...]] = []
    yield found
    assert len(found) == 24
    assert all(end == found[0] for end in found), found


@pytest.mark.parametrize("story", [Card, Wallet])
def test_all_24_orders_of_four_payment_events_end_in_one_state(
    bank: str, ends: list[tuple[Any, ...]], story: type[Card | Wallet]
) -> None:
    """M5. An event is delivered when it has happened, so at the bank the payment is by then as far as its latest."""
    service = factories.make_service()
    for number, order in enumerate(permutations(range(4))):
        purchase = factories.make_purchase(service, imeis=(factories.imei(number),))
        payment = begin_payment(purchase, provider_name=story.provider)
        paying, happened = story(bank, payment), 0
        for step in order:
            while happened <= step:
                paying.steps[happened]()
                happened += 1
            assert paying.tell(story.events[step]) == 200
            for delivery in WebhookDelivery.objects.filter(work_state=WorkState.QUEUED):
                inbox.process(delivery.pk)
        settle_all()
        assert paying.tell(story.events[order[0]]) == 200, "and once more"
        ends.append(the_end_of(payment))

    assert set(WebhookDelivery.objects.values_list("work_state", flat=True)) == {WorkState.DONE}
    assert WebhookDelivery.objects.count() == 96
    state, attention, *_rest = ends[0]
    assert (state, attention) == ("captured", "")
    assert sum(LedgerEntry.objects.values_list("amount", flat=True)) == 0
    assert {total for _account, _currency, total in ledger.balances()} == {0}
    assert list(ledger.check()) == []
