"""Paying and refunding twice at the same moment, at full size: one order, one refund."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from orders import advancing
from orders.models import Order, OutgoingMail
from orders.states import OrderState
from payments import collecting, ledger, paying_by_hand, refunding
from payments.collecting import begin_payment
from payments.models import LedgerTransaction, Payment, Refund
from payments.paying_by_hand import ByHand
from payments.providers.registry import provider_named
from payments.states import Attention, HandWay, PaymentState, RefundState
from tests import factories
from tests.helpers.race import in_rounds
from tests.helpers.suppliers import ScriptedClient, asked
from tests.payments import test_paypal as paypal_page
from tests.payments.test_collecting import press
from tests.races.test_money_races import PRICE, balances, many_begun
from unlockshop.kernel.actors import staff
from unlockshop.kernel.errors import Refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture(autouse=True)
def _scripted(settings: Any) -> None:
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


def test_a_hundred_purchases_paid_twice_in_two_tabs(bank: str) -> None:
    """M7: by card in one tab, with PayPal in the other, both at the same moment."""
    service = factories.make_service()
    pairs = []
    for n in range(100):
        purchase = factories.make_purchase(service, imeis=(factories.imei(n),))
        pairs.append([begin_payment(purchase, provider_name=name) for name in ("stripe", "paypal")])
    for card, paypal in pairs:
        press(card, "pay")
        paypal_page.press(bank, str(paypal.provider_ref), "approve")

    def settle(n: int, number: int) -> str:
        return collecting.settle(pairs[number][n].pk).state

    assert in_rounds(2, 100, settle) == [["captured", "captured"]] * 100

    assert Payment.objects.filter(attention=Attention.OVERPAYMENT).count() == 100
    assert LedgerTransaction.objects.filter(kind="capture").count() == 200
    assert OutgoingMail.objects.filter(kind="confirmation").count() == 100
    sums = balances()
    assert sums.pop("unattached") == sums.pop("customer_prepayments") == -100 * PRICE
    assert sum(sums.values()) == 200 * PRICE
    assert list(ledger.check()) == []

    orders = list(Order.objects.values_list("pk", flat=True))
    in_rounds(2, 100, lambda _n, number: advancing.advance(orders[number]))
    assert asked("place") == 100
    assert Counter(Order.objects.values_list("state", flat=True)) == {OrderState.IN_PROCESS: 100}


def test_twenty_refund_clicks_by_two_people_on_fifty_orders(bank: str) -> None:
    """M12: through the staff page; whoever is late is told so, and some clicks wake a worker too."""
    payments = many_begun(50)
    for payment in payments:
        press(payment, "pay")
        collecting.settle(payment.pk)
        factories.bring_to(payment.purchase.orders.get(), OrderState.UNAVAILABLE)
    orders = {payment.pk: payment.purchase.orders.get() for payment in payments}
    charges = dict(Payment.objects.values_list("pk", "charge_ref"))
    staff = [factories.make_staff(email) for email in ("sam@example.com", "kim@example.com")]
    browsers = [Client() for _n in range(20)]
    for n, browser in enumerate(browsers):
        browser.force_login(staff[n % 2])

    def click(n: int, number: int) -> int:
        payment = payments[number]
        seen = f"{PaymentState.CAPTURED} {payment.money}"
        form = {
            "version": seen, "order": orders[payment.pk].pk, "amount": "18.90", "rule": "unavailable",
            "reason": "The supplier cannot deliver.", "override": "",
        }  # fmt: skip
        status = browsers[n].post(reverse("admin:payments_payment_do", args=[payment.pk, "refund"]), form).status_code
        for refund_id in Refund.objects.filter(payment=payment).values_list("pk", flat=True) if n % 5 == 0 else ():
            refunding.execute(refund_id)
        return status

    answers = in_rounds(20, 50, click)

    # 302: done, or the page had become stale; 422: told beside the field that nothing is left.
    assert {status for each in answers for status in each} <= {302, 422}
    assert LogEntry.objects.filter(change_message__startswith="Refund: ").count() == 50
    assert Counter(Refund.objects.values_list("state", "attempts")) == {(RefundState.SUCCEEDED, 1): 50}
    assert set(Refund.objects.values_list("order", flat=True)) == {order.pk for order in orders.values()}
    assert set(Refund.objects.values_list("actor_label", flat=True)) <= {user.email for user in staff}
    stripe = provider_named("stripe")
    there = {pk: [(fact.key, fact.money.amount) for fact in stripe.refunds_of(ref)] for pk, ref in charges.items()}
    assert there == {refund.payment_id: [(str(refund.pk), PRICE)] for refund in Refund.objects.all()}
    assert LedgerTransaction.objects.filter(kind="refund").count() == 50
    assert balances() == {}
    assert list(ledger.check()) == []


def test_money_sent_by_hand_and_by_the_provider_is_recorded_once(bank: str) -> None:
    """Two record the same transfer, two a transfer of their own, two ask the provider: the money goes back once."""
    begun = many_begun(20)
    for payment in begun:
        press(payment, "pay")
    payments = [collecting.settle(payment.pk) for payment in begun]
    for payment in payments:
        factories.bring_to(payment.purchase.orders.get(), OrderState.UNAVAILABLE)
    grounds = refunding.Grounds("unavailable", "The supplier could not deliver.")
    sam = staff(1, "sam@example.com")

    def give_back(n: int, number: int) -> Refund:
        payment = payments[number]
        if n < 2:
            return refunding.request_refund(payment.pk, money=payment.money, grounds=grounds, actor=sam)
        sent = ByHand(HandWay.BANK_TRANSFER, f"4711-{number}" if n < 4 else f"{n}-{number}")
        return paying_by_hand.record(payment.pk, sent, money=payment.money, grounds=grounds, actor=sam)

    for found in in_rounds(6, len(payments), give_back):
        assert [isinstance(each, Refund) for each in found].count(True) == 1, found
        assert {each.code for each in found if isinstance(each, Refused)} <= {"too_much", "recorded"}
        assert not [each for each in found if not isinstance(each, Refund | Refused)]

    assert Refund.objects.count() == 20
    by_hand = Refund.objects.exclude(by_hand="").count()
    assert balances().get("paid_by_hand", 0) == -by_hand * PRICE
    assert list(ledger.check()) == []
