"""Money under parallel hands, at full size: one booking, one order, and nothing without a place."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from orders import advancing, paying
from orders.models import Order, OrderEvent, OutgoingMail
from orders.states import OrderState
from payments import inbox, ledger, refunding
from payments.models import LedgerTransaction, Payment, Refund, WebhookDelivery
from payments.refunding import Grounds
from payments.states import Attention, RefundState
from tests import factories
from tests.helpers.race import in_rounds
from tests.helpers.suppliers import ScriptedClient, asked
from tests.payments.test_collecting import begun, press
from tests.payments.test_webhook import event, sign
from unlockshop.kernel.actors import SYSTEM

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
PRICE = Decimal("18.90")


@pytest.fixture(autouse=True)
def _scripted(settings: Any) -> None:
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


def many_begun(count: int) -> list[Payment]:
    service = factories.make_service()
    return [begun(service=service, imeis=(factories.imei(n),)) for n in range(count)]


def tell(payment: Payment, event_id: str) -> int:
    """The provider's event at the real address, and the worker that hears of it at once."""
    body = event(ref=str(payment.provider_ref), event_id=event_id)
    headers = {"Stripe-Signature": sign(body)}
    status = Client().post("/webhooks/stripe/", body, "application/json", headers=headers).status_code
    inbox.process(WebhookDelivery.objects.get(event_id=event_id).pk)
    return status


def come_back(payment: Payment) -> str:
    address = reverse("payment-return", args=[payment.purchase.secret])
    return Client().get(address).headers.get("Location", "confirming")


def balances() -> dict[str, Decimal]:
    return {account: total for account, _currency, total in ledger.balances() if total}


def test_return_page_and_webhook_meet_two_hundred_times(bank: str) -> None:
    """M2."""
    payments = many_begun(200)
    for payment in payments:
        press(payment, "pay")

    def meet(n: int, number: int) -> object:
        payment = payments[number]
        return tell(payment, f"evt_{number}") if n else come_back(payment)

    answers = in_rounds(2, 200, meet)

    assert [webhook for _page, webhook in answers] == [200] * 200
    assert all(str(page).endswith("?paid=1") for page, _webhook in answers)
    assert LedgerTransaction.objects.filter(kind="capture").count() == 200
    assert LedgerTransaction.objects.count() == 200
    assert Counter(Order.objects.values_list("state", flat=True)) == {OrderState.PAID: 200}
    assert OrderEvent.objects.filter(kind="order.paid").count() == 200
    assert OutgoingMail.objects.filter(kind="confirmation").count() == 200
    assert set(WebhookDelivery.objects.values_list("verdict", flat=True)) == {"applied"}
    assert not Payment.objects.exclude(attention="").exists()
    assert list(ledger.check()) == []


def test_fifty_captures_of_expired_purchases(bank: str) -> None:
    """M8: each is booked, flagged and forwards nothing; given back, it leaves nothing without a place."""
    payments = many_begun(50)
    for payment in payments:
        assert paying.expire_purchase(payment.purchase_id, actor=SYSTEM)
        press(payment, "pay")

    def capture(n: int, number: int) -> object:
        return tell(payments[number], f"evt_{number}") if n else come_back(payments[number])

    in_rounds(2, 50, capture)

    assert Counter(Payment.objects.values_list("state", "attention")) == {("captured", Attention.LATE): 50}
    assert Counter(Order.objects.values_list("state", flat=True)) == {OrderState.EXPIRED: 50}
    assert balances() == {"stripe_clearing": 50 * PRICE, "unattached": -50 * PRICE}
    for order in Order.objects.all():
        advancing.advance(order.pk)
    assert asked("place") == 0

    def give_back(_n: int, number: int) -> object:
        grounds = Grounds(rule="late_payment", reason="The purchase had expired.")
        refund = refunding.request_refund(
            payments[number].pk, money=payments[number].money, grounds=grounds, actor=SYSTEM
        )
        return refunding.execute(refund.pk)

    in_rounds(2, 50, give_back)

    assert Counter(Refund.objects.values_list("state", flat=True)) == {RefundState.SUCCEEDED: 50}
    assert balances() == {}
    assert list(ledger.check()) == []
