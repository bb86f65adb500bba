"""The PayPal adapter and the real paypalrestsdk, against the demo bank over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import requests

from payments.providers.base import FactState, PaymentRequest, RefundFactState, RefundOrder
from payments.providers.paypal import PayPalProvider
from payments.providers.paypal_api import call
from payments.providers.registry import provider_named
from payments.states import DisputeState
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused
from unlockshop.kernel.money import Money

PAYPAL = PayPalProvider()


def euros(text: str) -> Money:
    return Money(Decimal(text), "EUR")


def request(**changes: Any) -> PaymentRequest:
    key = uuid4().hex
    asked = PaymentRequest(
        key=key,
        reference=f"P-{key[:10]}",
        money=euros("18.90"),
        description="Unlock <b>13</b>, 2 devices",
        email="buyer@example.test",
        language="en",
        success_url="http://testserver/pay/back/?a=1",
        cancel_url="http://testserver/purchase/x?payment=cancelled",
        expires_at=clock.now() + timedelta(hours=1),
        statement_descriptor="UNLOCKSHOP & FRIENDS OF IT",
    )
    return replace(asked, **changes)


def press(bank: str, order_id: str, button: str) -> requests.Response:
    """What the buyer presses on PayPal's page."""
    return requests.post(f"{bank}/paypal/checkoutnow/{order_id}/{button}", allow_redirects=False, timeout=5)


def paid(bank: str, **changes: Any) -> tuple[PaymentRequest, str, str]:
    """A captured payment: what was asked, the order's id, the capture's id."""
    asked = request(**changes)
    ref = PAYPAL.begin(asked).provider_ref
    press(bank, ref, "approve")
    charge_ref = PAYPAL.fetch(ref).charge_ref
    assert charge_ref is not None
    return asked, ref, charge_ref


def eventually(ask: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    deadline = clock.now() + timedelta(seconds=10)
    while not wanted(found := ask()):
        assert clock.now() < deadline, found
    return found


# Collecting


def test_the_registry_offers_it():
    assert isinstance(provider_named("paypal"), PayPalProvider)


def test_an_order_waits_for_its_buyer(bank):
    asked = request()

    begun = PAYPAL.begin(asked)
    fact = PAYPAL.fetch(begun.provider_ref)

    assert begun.url == f"{bank}/paypal/checkoutnow?token={begun.provider_ref}"
    assert (fact.state, fact.money, fact.reference) == (FactState.OPEN, euros("18.90"), asked.reference)
    assert (fact.provider_ref, fact.charge_ref, fact.is_live) == (begun.provider_ref, None, False)


def test_what_is_asked_of_paypal(bank, settings):
    ref = PAYPAL.begin(request()).provider_ref
    token = requests.post(
        f"{bank}/v1/oauth2/token",
        data="grant_type=client_credentials",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        auth=(settings.PAYPAL_CLIENT_ID, settings.PAYPAL_SECRET),
        timeout=5,
    ).json()["access_token"]

    order = requests.get(
        f"{bank}/v2/checkout/orders/{ref}", headers={"Authorization": f"Bearer {token}"}, timeout=5
    ).json()

    unit = order["purchase_units"][0]
    assert order["intent"] == "CAPTURE"
    assert unit["custom_id"] == unit["invoice_id"]
    assert unit["soft_descriptor"] == "UNLOCKSHOP  FRIENDS OF"
    assert unit["items"][0]["category"] == "DIGITAL_GOODS"
    assert unit["amount"]["value"] == "18.90"


def test_the_same_request_gives_the_same_order(bank):
    asked = request()

    assert PAYPAL.begin(asked) == PAYPAL.begin(asked)


def test_the_same_key_with_another_amount_is_refused(bank):
    asked = request()
    PAYPAL.begin(asked)

    with pytest.raises(Refused) as caught:
        PAYPAL.begin(replace(asked, money=euros("1.00")))

    assert caught.value.code == "paypal_request_id_previously_used"


def test_an_approved_order_is_captured_once(bank):
    asked = request()
    ref = PAYPAL.begin(asked).provider_ref
    back = press(bank, ref, "approve")

    first, second = PAYPAL.fetch(ref), PAYPAL.fetch(ref)

    assert re.match(rf"http://testserver/pay/back/\?a=1&token={ref}&PayerID=", back.headers["Location"])
    assert first == second
    assert (first.state, first.money, first.reference) == (FactState.CAPTURED, euros("18.90"), asked.reference)
    assert first.charge_ref not in {None, ref}


def test_an_order_captured_by_somebody_else_meanwhile_is_read_again(bank, monkeypatch):
    _, ref, charge_ref = paid(bank)
    monkeypatch.setattr("payments.providers.paypal.PayPalProvider._order", _approved_at_first(PAYPAL._order(ref)))
    monkeypatch.setattr("payments.providers.paypal.call", _with_another_key())

    fact = PayPalProvider().fetch(ref)

    assert (fact.state, fact.charge_ref) == (FactState.CAPTURED, charge_ref)


def _approved_at_first(order):
    """An order as it was read before somebody else captured it."""
    answers = [{**order, "status": "APPROVED"}, order]
    return lambda _self, _ref: answers.pop(0)


def _with_another_key():
    return lambda method, path, body=None, *, key="", **kw: call(method, path, body, key=key and "other-" + key, **kw)


def test_a_cancelled_approval_leaves_the_order_open(bank):
    ref = PAYPAL.begin(request()).provider_ref

    back = press(bank, ref, "cancel")

    assert back.headers["Location"] == f"http://testserver/purchase/x?payment=cancelled&token={ref}"
    assert PAYPAL.fetch(ref).state == FactState.OPEN


def test_after_a_decline_the_buyer_may_approve_again(bank):
    ref = PAYPAL.begin(request()).provider_ref
    press(bank, ref, "decline")
    assert PAYPAL.fetch(ref).state == FactState.OPEN
    press(bank, ref, "approve")

    assert PAYPAL.fetch(ref).state == FactState.CAPTURED


@pytest.mark.parametrize(("button", "end"), [("hold", FactState.CAPTURED), ("hold-failure", FactState.FAILED)])
def test_held_money_is_pending_until_the_bank_knows(bank, button, end):
    ref = PAYPAL.begin(request()).provider_ref
    press(bank, ref, button)

    first = PAYPAL.fetch(ref)
    last = eventually(lambda: PAYPAL.fetch(ref), lambda fact: fact.state != FactState.PENDING)

    assert first.state in {FactState.PENDING, end}
    assert (last.state, last.charge_ref, last.money) == (end, first.charge_ref, euros("18.90"))


def test_an_invoice_is_paid_once_in_two_tabs(bank):
    asked, _, _ = paid(bank)
    second = PAYPAL.begin(replace(asked, key=uuid4().hex)).provider_ref
    press(bank, second, "approve")

    fact = PAYPAL.fetch(second)

    assert (fact.state, fact.charge_ref) == (FactState.EXPIRED, None)


def test_an_unknown_order_is_refused_and_not_called_expired(bank):
    with pytest.raises(Refused) as caught:
        PAYPAL.fetch("5O190127TN364715T")

    assert caught.value.code == "resource_not_found"


def test_an_order_nobody_can_approve_any_more_has_expired(bank):
    ref = PAYPAL.begin(request()).provider_ref

    with clock.frozen(clock.now() + timedelta(hours=7)):
        assert PAYPAL.fetch(ref).state == FactState.EXPIRED


def test_closing_does_nothing(bank):
    ref = PAYPAL.begin(request()).provider_ref
    PAYPAL.close(ref)

    assert PAYPAL.fetch(ref).state == FactState.OPEN


@pytest.mark.parametrize("ref", ["", "../../v1/x", "a/b", "x?y", "x" * 300, "5O19\n"])
def test_a_strange_reference_never_becomes_an_address(bank, ref):
    for ask in (PAYPAL.fetch, PAYPAL.fee, PAYPAL.fetch_refund, PAYPAL.refunds_of, PAYPAL.fetch_dispute):
        with pytest.raises(Refused) as caught:
            ask(ref)
        assert caught.value.code == "bad_reference"


# Money


@pytest.mark.parametrize(
    ("amount", "currency"), [("1200", "JPY"), ("4990", "HUF"), ("310", "TWD"), ("0.50", "USD"), ("1234567.89", "CZK")]
)
def test_amounts_are_exact_in_every_currency(bank, amount, currency):
    money = Money(Decimal(amount), currency)

    _, ref, charge_ref = paid(bank, money=money)
    fee = PAYPAL.fee(charge_ref)

    assert PAYPAL.fetch(ref).money == money
    assert fee is not None
    assert fee.currency == currency


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [("1.500", "KWD", "currency"), ("10", "INR", "currency"), ("4990.50", "HUF", "amount"), ("0", "EUR", "amount")],
)
def test_what_paypal_cannot_move_is_refused_before_it_is_asked(settings, amount, currency, code):
    settings.PAYPAL_API_BASE = "http://127.0.0.1:9"

    with pytest.raises(Refused) as caught:
        PAYPAL.begin(request(money=Money(Decimal(amount), currency)))

    assert caught.value.code == code


def test_the_fee_is_there_once_the_money_is(bank):
    _, _, charge_ref = paid(bank)
    assert PAYPAL.fee(charge_ref) == euros("0.82")
    held = PAYPAL.begin(request()).provider_ref
    press(bank, held, "hold-failure")
    fact = eventually(lambda: PAYPAL.fetch(held), lambda found: found.state == FactState.FAILED)

    assert PAYPAL.fee(str(fact.charge_ref)) is None


# Refunds


def order_of(charge_ref: str, amount: str = "5.00", **changes: Any) -> RefundOrder:
    order = RefundOrder(str(uuid4()), charge_ref, euros(amount), "Not found\nat the maker")
    return replace(order, **changes)


def test_a_refund_is_kept_under_our_key_and_found_again(bank):
    _, ref, charge_ref = paid(bank)
    first, second = order_of(charge_ref), order_of(charge_ref, "13.90")

    made = PAYPAL.refund(first)
    assert PAYPAL.refund(first) == made
    PAYPAL.refund(second)

    assert (made.state, made.key, made.money) == (RefundFactState.SUCCEEDED, first.key, euros("5.00"))
    assert (made.charge_ref, made.failure) == (charge_ref, "")
    assert PAYPAL.fetch_refund(made.provider_ref) == made
    assert [fact.key for fact in PAYPAL.refunds_of(charge_ref)] == [first.key, second.key]
    assert PAYPAL.fetch(ref).state == FactState.CAPTURED


def test_refunds_never_exceed_the_capture(bank):
    _, _, charge_ref = paid(bank)
    with pytest.raises(Refused) as too_much:
        PAYPAL.refund(order_of(charge_ref, "18.91"))
    PAYPAL.refund(order_of(charge_ref, "18.90"))
    with pytest.raises(Refused) as again:
        PAYPAL.refund(order_of(charge_ref, "0.01"))

    assert (too_much.value.code, again.value.code) == ("refund_amount_exceeded", "capture_fully_refunded")


def test_one_key_refunds_one_amount(bank):
    _, _, charge_ref = paid(bank)
    order = order_of(charge_ref)
    PAYPAL.refund(order)

    with pytest.raises(Refused) as caught:
        PAYPAL.refund(replace(order, money=euros("6.00")))

    assert caught.value.code == "paypal_request_id_previously_used"


def test_a_refund_may_fail_later(bank):
    _, _, charge_ref = paid(bank)
    made = PAYPAL.refund(order_of(charge_ref, "18.90"))
    requests.post(f"{bank}/paypal/refunds/{made.provider_ref}/fail", timeout=5)

    fact = PAYPAL.fetch_refund(made.provider_ref)

    assert (fact.state, fact.failure, fact.key) == (RefundFactState.FAILED, "failed", made.key)
    assert PAYPAL.refund(order_of(charge_ref, "18.90")).state == RefundFactState.SUCCEEDED


# Disputes


def disputed(bank: str) -> tuple[str, str]:
    """A dispute's id, and the capture's."""
    _, _, charge_ref = paid(bank)
    requests.post(f"{bank}/paypal/captures/{charge_ref}/dispute", timeout=5)
    page = requests.get(f"{bank}/paypal/", timeout=5).text
    return re.findall(rf"(PP-D-\d+)<br><small>{charge_ref}", page)[0], charge_ref


def test_a_dispute_waits_for_our_answer(bank):
    ref, charge_ref = disputed(bank)

    fact = PAYPAL.fetch_dispute(ref)

    assert (fact.state, fact.charge_ref, fact.money) == (DisputeState.NEEDS_RESPONSE, charge_ref, euros("18.90"))
    assert (fact.reason, fact.status) == ("merchandise_or_service_not_received", "waiting_for_seller_response")
    assert fact.respond_by is not None
    assert timedelta(days=9) < fact.respond_by - clock.now() < timedelta(days=11)
    assert not fact.funds_withdrawn


@pytest.mark.parametrize(
    ("button", "end", "withdrawn"),
    [
        ("shop", DisputeState.WON, False),
        ("buyer", DisputeState.LOST, True),
        ("withdraw", DisputeState.WITHDRAWN, False),
    ],
)
def test_evidence_is_sent_once_and_the_dispute_ends(bank, button, end, withdrawn):
    ref, _ = disputed(bank)
    fields = {"proof_of_fulfillment": "Code shown \x00 twice.", "access_activity_log": "line\n" * 1000, "empty": "  "}

    sent = PAYPAL.submit_evidence(ref, fields)
    with pytest.raises(Refused) as again:
        PAYPAL.submit_evidence(ref, fields)
    requests.post(f"{bank}/paypal/disputes/{ref}/{button}", timeout=5)

    fact = PAYPAL.fetch_dispute(ref)
    assert (sent.state, sent.respond_by) == (DisputeState.UNDER_REVIEW, None)
    assert again.value.code == "action_not_allowed_in_current_dispute_state"
    assert (fact.state, fact.funds_withdrawn) == (end, withdrawn)


def test_empty_evidence_is_not_sent(settings):
    settings.PAYPAL_API_BASE = "http://127.0.0.1:9"

    with pytest.raises(Refused) as caught:
        PAYPAL.submit_evidence("PP-D-1", {"a": " ", "b": "\x07"})

    assert caught.value.code == "no_evidence"


# Reconciliation


def test_reported_payments_are_read_as_they_stand(bank):
    start = clock.now() - timedelta(seconds=2)
    asked, ref, charge_ref = paid(bank)
    PAYPAL.refund(order_of(charge_ref))
    PAYPAL.begin(request())

    # The report is asked for up to a whole second.
    found = eventually(
        lambda: {fact.provider_ref: fact for fact in PAYPAL.payments_since(start)}, lambda facts: ref in facts
    )

    assert (found[ref].state, found[ref].charge_ref) == (FactState.CAPTURED, charge_ref)
    assert (found[ref].money, found[ref].reference) == (asked.money, asked.reference)
    assert all(fact.charge_ref is not None for fact in found.values())


def test_a_long_time_is_asked_for_in_pieces(bank):
    _, ref, _ = paid(bank)

    found = eventually(
        lambda: [fact.provider_ref for fact in PAYPAL.payments_since(clock.now() - timedelta(days=70))],
        lambda refs: ref in refs,
    )

    assert len(found) == len(set(found))


def test_a_wrong_secret_is_refused(bank, settings):
    settings.PAYPAL_SECRET = "another"

    with pytest.raises(Refused) as caught:
        PAYPAL.begin(request())

    assert caught.value.code == "invalid_client"


def test_an_unreadable_dispute_tells_nothing(bank, monkeypatch):
    monkeypatch.setattr("payments.providers.paypal.call", lambda *_, **__: {"status": "RESOLVED"})

    with pytest.raises(OutcomeUnknown):
        PAYPAL.fetch_dispute("PP-D-1")
