"""The provider does not answer, before it did what was asked or after: nothing is done twice, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import stripe

from orders.states import OrderState
from payments import collecting, ledger, refunding
from payments.collecting import begin_payment
from payments.models import Payment, Refund
from payments.providers import paypal_api
from payments.providers import stripe as stripe_adapter
from payments.providers.registry import provider_named
from payments.refunding import Grounds
from payments.states import PaymentState, RefundState
from tests import factories
from tests.helpers.between import Wire, wire_to
from tests.payments import test_paypal as paypal_page
from tests.payments.test_collecting import press
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import OutcomeUnknown, Retryable, ShopError

pytestmark = pytest.mark.django_db
LOSSES = ["request", "answer", "answer late"]
BEGIN = {"stripe": "/v1/checkout/sessions", "paypal": "/v2/checkout/orders"}
GROUNDS = Grounds(rule="unavailable", reason="The supplier cannot deliver.")


@pytest.fixture
def wire(bank: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """The shop speaks to the bank through a wire; it waits half a second for an answer instead of many."""
    monkeypatch.setattr(stripe_adapter, "TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(stripe_adapter, "NETWORK_RETRIES", 1)
    monkeypatch.setattr(paypal_api, "TIMEOUT", (0.5, 0.5))
    with wire_to(bank) as between:
        settings.STRIPE_API_BASE = settings.PAYPAL_API_BASE = between.url
        yield between


def pay_at(bank: str, payment: Payment) -> None:
    """The customer pays on the provider's page."""
    if payment.provider == "stripe":
        press(payment, "pay")
    else:
        paypal_page.press(bank, str(payment.provider_ref), "approve")


def captured_by(bank: str, provider: str) -> Payment:
    payment = begin_payment(factories.make_purchase(), provider_name=provider)
    pay_at(bank, payment)
    payment = collecting.settle(payment.pk)
    assert payment.state == PaymentState.CAPTURED
    return payment


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("provider", BEGIN)
def test_a_silent_begin_leads_to_one_page(bank: str, wire: Wire, provider: str, loss: Any) -> None:
    purchase = factories.make_purchase()
    wire.lose(loss, path=BEGIN[provider])
    for _press in range(2):
        with pytest.raises(ShopError) as raised:
            begin_payment(purchase, provider_name=provider)
        assert isinstance(raised.value, Retryable | OutcomeUnknown)
    assert wire.lost

    wire.lose("", path="")
    payment = begin_payment(purchase, provider_name=provider)
    pay_at(bank, payment)
    collecting.settle(payment.pk)

    assert purchase.payments.get().state == PaymentState.CAPTURED
    assert purchase.orders.get().state == OrderState.PAID
    if provider == "stripe":
        listed = stripe.StripeClient("sk_test_tests", base_addresses={"api": bank}).v1.checkout.sessions.list(
            {"limit": 100, "created": {"gte": int(purchase.created_at.timestamp()) - 1}}
        )
        assert [s.id for s in listed.data if s.client_reference_id == purchase.number] == [payment.provider_ref]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_silent_capture_takes_the_money_once(bank: str, wire: Wire, loss: Any) -> None:
    """PayPal takes the money when the shop asks for it, so asking is what may be lost."""
    payment = begin_payment(factories.make_purchase(), provider_name="paypal")
    pay_at(bank, payment)
    wire.lose(loss, path="/capture")
    with pytest.raises(ShopError):
        collecting.settle(payment.pk)
    assert Payment.objects.get().state == PaymentState.OPEN
    assert not payment.postings.exists()

    wire.lose("", path="")
    for _visit in range(2):
        settled = collecting.settle(payment.pk)

    assert (settled.state, payment.postings.count()) == (PaymentState.CAPTURED, 1)
    assert list(ledger.check()) == []


@pytest.mark.parametrize("provider", BEGIN)
def test_a_silent_look_at_a_payment_changes_nothing(bank: str, wire: Wire, provider: str) -> None:
    payment = begin_payment(factories.make_purchase(), provider_name=provider)
    pay_at(bank, payment)
    wire.loss = lambda _asked: "request"
    with pytest.raises(ShopError):
        collecting.settle(payment.pk)
    assert Payment.objects.get().state == PaymentState.OPEN

    wire.lose("", path="")
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        collecting.check(payment.pk)

    assert Payment.objects.get().state == PaymentState.CAPTURED


@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(hours=30)])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("provider", BEGIN)
def test_a_silent_refund_goes_out_once(bank: str, wire: Wire, provider: str, loss: Any, later: timedelta) -> None:
    """M13: asked again a minute later with the same key, or thirty hours later when the key may be forgotten."""
    payment = captured_by(bank, provider)
    factories.bring_to(payment.purchase.orders.get(), OrderState.UNAVAILABLE)
    refund = refunding.request_refund(payment.pk, money=payment.money, grounds=GROUNDS, actor=SYSTEM)
    wire.lose(loss, path="/refund")
    refunding.execute(refund.pk)
    unclear = Refund.objects.get()
    assert unclear.state in {RefundState.SENDING, RefundState.UNCERTAIN}
    assert refunding.refundable(payment).amount == 0, "what may have gone out is not refunded again"
    assert not payment.postings.filter(kind="refund").exists()

    wire.lose("", path="")
    for again in range(3):
        with clock.frozen(clock.now() + later + timedelta(minutes=again)):
            refunding.execute(refund.pk)

    assert Refund.objects.get().state == RefundState.SUCCEEDED
    there = provider_named(provider).refunds_of(str(payment.charge_ref))
    assert [(fact.key, fact.money) for fact in there] == [(str(refund.pk), payment.money)]
    assert payment.postings.filter(kind="refund").count() == 1
    assert sum(entry.amount for entry in _clearing(payment)) == Decimal(0)
    assert list(ledger.check()) == []


def _clearing(payment: Payment) -> list[Any]:
    account = f"{payment.provider}_clearing"
    return [entry for posting in payment.postings.all() for entry in posting.entries.filter(account=account)]
