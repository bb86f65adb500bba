"""Many at once, one effect: on real connections of whichever database the suite runs on."""

from __future__ import annotations

import random
import threading
import time

import pytest
import requests
from django.test import Client

from orders import advancing, dispatching, forwarding, lifecycle, mailing, paying
from orders.models import Order, OrderEvent, OutgoingMail, Purchase
from orders.placing import place_purchase
from orders.states import OrderState
from payments import booking, collecting, inbox
from payments.models import LedgerEntry, LedgerTransaction, Payment, Refund, WebhookDelivery
from payments.states import PaymentState
from refunds import calling_off
from tests import factories
from tests.helpers.race import at_once
from tests.helpers.suppliers import ScriptedClient, asked
from tests.payments.test_collecting import begun, press
from tests.payments.test_webhook import event, sign
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused, TransitionRefused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


def test_the_same_event_fifty_times_is_one_posting_one_transition_one_mail(bank):
    payment = begun()
    press(payment, "pay")
    body = event(ref=payment.provider_ref)
    signature = sign(body)

    def deliver(_n: int) -> int:
        headers = {"Stripe-Signature": signature}
        response = Client().post("/webhooks/stripe/", body, content_type="application/json", headers=headers)
        inbox.process(WebhookDelivery.objects.get().pk)
        return response.status_code

    answers = at_once(50, deliver)

    assert answers == [200] * 50
    assert WebhookDelivery.objects.get().deliveries == 50
    assert LedgerTransaction.objects.count() == 1
    assert OrderEvent.objects.filter(kind="order.paid").count() == 1
    assert OutgoingMail.objects.filter(kind="confirmation").count() == 1


def test_return_page_and_webhook_meet(bank):
    for _ in range(5):
        payment = begun()
        press(payment, "pay")

        results = at_once(8, lambda _n, pk=payment.pk: collecting.settle(pk).state)

        assert results == ["captured"] * 8
        assert payment.postings.count() == 1
        assert payment.purchase.orders.get().events.filter(kind="order.paid").count() == 1
    assert sum(LedgerEntry.objects.values_list("amount", flat=True)) == 0


def test_an_order_rung_twenty_times_is_bought_once():
    order = factories.make_order()

    at_once(20, lambda _n: advancing.advance(order.pk))

    assert asked("place") == 1
    assert order.supplier_attempts.count() == 1
    assert Order.objects.get(pk=order.pk).state == OrderState.IN_PROCESS


def test_a_mail_rung_twenty_times_is_sent_once(bank):
    mail = OutgoingMail.objects.get(purchase=factories.make_purchase(paid=True, email="race@example.com"))

    at_once(20, lambda _n: mailing.deliver(mail.pk))

    sent = requests.get(f"{bank}/mailbox.json", params={"to": "race@example.com"}, timeout=5).json()
    assert [each["custom_args"]["mail_id"] for each in sent].count(mail.key) == 1


def test_cancelling_and_forwarding_never_both_win():
    for _ in range(20):
        order = factories.make_order()

        def move(n: int, pk: int = order.pk) -> object:
            if n % 2:
                return advancing.advance(pk)
            return lifecycle.cancel(pk, reason="asked", actor=SYSTEM)

        results = at_once(4, move)

        order.refresh_from_db()
        bought = order.supplier_attempts.exists()
        assert (order.state == OrderState.CANCELLED) != bought
        assert all(result is None or isinstance(result, Order | TransitionRefused) for result in results)


def test_the_same_checkout_sent_twenty_times_is_one_purchase():
    draft = factories.make_draft()

    results = at_once(
        20,
        lambda _n: place_purchase(
            draft, email=factories.ADA, language="en", consent=factories.consent(), is_demo=True,
            actor=factories.CUSTOMER,
        ).pk,
    )  # fmt: skip

    assert len(set(results)) == 1
    assert Purchase.objects.count() == Order.objects.count() == 1


def test_paying_and_expiring_never_both_win():
    for _ in range(10):
        purchase = factories.make_purchase()

        def move(n: int, pk: int = purchase.pk) -> bool:
            if n % 2:
                return paying.expire_purchase(pk, actor=SYSTEM)
            return paying.mark_purchase_paid(pk, actor=SYSTEM, at=clock.now())

        results = at_once(6, move)

        purchase.refresh_from_db()
        assert results.count(True) == 1
        assert (purchase.paid_at is not None) == (purchase.orders.get().state == OrderState.PAID)


def test_two_sweeps_book_a_delivered_order_once(bank):
    orders = []
    for serial in range(6):
        payment = begun(imeis=(factories.imei(serial),))
        press(payment, "pay")
        collecting.settle(payment.pk)
        orders.append(payment.purchase.orders.get())
        factories.bring_to(orders[-1], OrderState.COMPLETED)

    booked = at_once(8, lambda _n: booking.book_deliveries())

    assert sum(booked) == len(orders)
    assert LedgerTransaction.objects.filter(kind="sale").count() == len(orders)


def test_a_thousand_customers_cancel_in_the_second_in_which_their_order_leaves():
    """One of the two wins each time: cancelled, refunded and never bought, or bought and neither of both."""
    orders = held_orders(1_000)
    barrier = threading.Barrier(2)
    chance = random.Random(7)
    waits = [(chance.uniform(0, 0.004), chance.uniform(0, 0.004)) for _ in orders]

    def race(n: int) -> list[object]:
        results: list[object] = []
        for order, pair in zip(orders, waits, strict=True):
            if n == 0:
                now = clock.now()
                Order.objects.filter(pk=order.pk).update(next_action_at=now, forward_after=now)
            barrier.wait(timeout=60)
            time.sleep(pair[n])
            try:
                results.append(leave(order) if n == 0 else calling_off.call_off(order.pk, actor=factories.CUSTOMER))
            except Refused as refused:
                results.append(refused.code)
            barrier.wait(timeout=60)
        return results

    def leave(order: Order) -> object:
        return dispatching.dispatch() if order.pk % 10 == 0 else forwarding.forward(order.pk)

    _left, called_off = at_once(2, race)

    cancelled = Order.objects.filter(state=OrderState.CANCELLED)
    bought = Order.objects.filter(state=OrderState.IN_PROCESS)
    assert cancelled.count() + bought.count() == len(orders)
    assert cancelled.count() > 50
    assert bought.count() > 50
    assert not cancelled.filter(supplier_attempts__isnull=False).exists()
    assert asked("place") == bought.count()
    assert set(Refund.objects.values_list("order_id", flat=True)) == set(cancelled.values_list("pk", flat=True))
    assert Refund.objects.count() == cancelled.count()
    assert called_off.count("left") == bought.count()


def held_orders(count: int) -> list[Order]:
    """Paid orders of one purchase, each for another device, held back for ten minutes."""
    service = factories.make_service()
    draft = factories.make_draft(service, imeis=tuple(map(factories.imei, range(count))))
    purchase = place_purchase(
        draft, email=factories.ADA, language="en", consent=factories.consent(hold_seconds=600), is_demo=True,
        actor=factories.CUSTOMER,
    )  # fmt: skip
    Payment.objects.create(
        purchase=purchase, provider="stripe", provider_ref="cs_race", charge_ref="pi_race", amount=purchase.total,
        currency=purchase.currency, state=PaymentState.CAPTURED, captured_at=clock.now(),
    )  # fmt: skip
    paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=clock.now())
    return list(purchase.orders.order_by("position"))
