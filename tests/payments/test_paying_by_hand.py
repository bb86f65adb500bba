"""Money that staff sent past the provider: booked once, counted everywhere, told to the customer."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from orders.mailing import render
from orders.models import OutgoingMail
from orders.models.mail import MailKind
from orders.states import OrderState
from payments import ledger, paying_by_hand, receipts, reconciling, refunding, reopening
from payments.models import Account, Break, LedgerEntry, Payment, Refund
from payments.paying_by_hand import ByHand
from payments.providers.base import RefundFactState
from payments.refunding import Grounds
from payments.states import BreakKind, HandWay, RefundState
from tests import factories
from tests.admin.test_actions import press
from tests.payments.test_refunding import SAM, ask, eur, fact, paid_at_bank
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused

pytestmark = pytest.mark.django_db
SENT = ByHand(HandWay.BANK_TRANSFER, "NOTPROVIDED 4711")
FAIR = Grounds("unavailable", "The supplier could not deliver.")


def by_hand(payment: Payment, amount: str = "18.90", *, sent: ByHand = SENT, **changes: Any) -> Refund:
    told = {"money": eur(amount), "grounds": FAIR, "actor": SAM, **changes}
    return paying_by_hand.record(payment.pk, sent, **told)


def balance(account: Account) -> Decimal:
    return sum(LedgerEntry.objects.filter(account=account).values_list("amount", flat=True), Decimal(0))


def failed(payment: Payment) -> Refund:
    """A refund that the provider turned down for good."""
    Payment.objects.filter(pk=payment.pk).update(charge_ref="pi_unknown")
    refund = ask(payment, "18.90")
    refunding.execute(refund.pk)
    refund.refresh_from_db()
    assert refund.state == RefundState.FAILED
    return refund


def test_it_is_booked_against_our_own_money_and_told(bank: str) -> None:
    payment = paid_at_bank()
    held = balance(Account.STRIPE_CLEARING)

    refund = by_hand(payment)

    assert (refund.state, refund.provider_ref, refund.work_state) == (
        "succeeded", "bank_transfer:NOTPROVIDED 4711", "done",
    )  # fmt: skip
    assert balance(Account.PAID_BY_HAND) == Decimal("-18.90")
    assert balance(Account.STRIPE_CLEARING) == held
    assert balance(Account.CUSTOMER_PREPAYMENTS) == 0
    assert list(ledger.check()) == []
    assert refunding.refundable(payment).amount == 0
    message = render(OutgoingMail.objects.get(kind=MailKind.REFUNDED))
    assert "to the bank account that you named" in message.text
    assert "4711" not in message.text + message.html
    order = payment.purchase.orders.get()
    assert order.events.filter(kind="money.refunded").count() == 1
    assert receipts.receipt_of(payment.purchase).kept == eur("0")


def test_what_was_paid_by_hand_is_no_difference_to_the_provider(bank: str) -> None:
    payment = paid_at_bank()
    by_hand(payment)

    run = reconciling.reconcile("stripe")

    assert not run.error
    assert not Break.objects.filter(provider_ref__contains="4711").exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "18.91"}, "too_much"),
        ({"amount": "0"}, "amount"),
        ({"sent": ByHand(HandWay.OTHER, " \x00 ")}, "reference_required"),
        ({"grounds": Grounds("", "why")}, "rule_required"),
        ({"actor": SYSTEM}, "staff_only"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(bank: str, changes: dict[str, Any], code: str) -> None:
    payment = paid_at_bank()

    with pytest.raises(Refused) as refused:
        by_hand(payment, **changes)

    assert refused.value.code == code
    assert not Refund.objects.exists()
    assert balance(Account.PAID_BY_HAND) == 0


def test_one_transfer_is_recorded_once(bank: str) -> None:
    payment = paid_at_bank()
    by_hand(payment, "5.00")

    with pytest.raises(Refused) as refused:
        by_hand(payment, "5.00")

    assert refused.value.code == "recorded"
    assert refunding.refundable(payment) == eur("13.90")


def test_an_unsent_order_is_not_bought_after_its_money_went_back_by_hand(bank: str) -> None:
    payment = paid_at_bank(OrderState.PAID)
    order = payment.purchase.orders.get()
    with pytest.raises(Refused) as refused:
        by_hand(payment, order_id=order.pk)
    assert refused.value.code == "alive_at_supplier"

    by_hand(payment, order_id=order.pk, grounds=replace(FAIR, override="The customer cannot wait."))

    order.refresh_from_db()
    assert order.state == OrderState.CANCELLED
    assert not order.supplier_attempts.exists()


def test_a_failed_refund_is_settled_by_hand_once(bank: str) -> None:
    refund = failed(paid_at_bank())

    made = reopening.paid_by_hand(refund, SENT, actor=SAM)

    assert (made.rule, made.reason, made.money) == (refund.rule, refund.reason, refund.money)
    refund.refresh_from_db()
    assert not reopening.waits(refund)
    with pytest.raises(Refused):
        reopening.paid_by_hand(refund, ByHand(HandWay.PAYPAL, "other"), actor=SAM)
    assert Refund.objects.filter(state=RefundState.SUCCEEDED).count() == 1


def test_a_refund_that_arrives_after_all_is_a_difference_for_staff(bank: str) -> None:
    payment = paid_at_bank()
    refund = failed(payment)
    reopening.paid_by_hand(refund, SENT, actor=SAM)
    payment.refresh_from_db()

    told = fact(refund, RefundFactState.SUCCEEDED, provider_ref="re_late", charge_ref=payment.charge_ref)
    for _ in range(2):
        refunding.fold_refund(Refund.objects.get(pk=refund.pk), told)

    found = Break.objects.get()
    assert (found.kind, found.provider_ref, found.closed_at) == (BreakKind.TWICE, "re_late", None)
    assert [each.rule for each in ledger.check()] == ["refunds"]


def test_the_database_knows_no_unfinished_payout_by_hand(bank: str) -> None:
    refund = ask(paid_at_bank(), "5.00")

    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.filter(pk=refund.pk).update(by_hand=HandWay.OTHER)


def test_staff_record_it_on_the_refunds_page(bank: str, client: Client) -> None:
    refund = failed(paid_at_bank())
    client.force_login(factories.make_staff())

    press(client, refund, "paid-by-hand", way="bank_transfer", reference="")
    assert not Refund.objects.exclude(by_hand="").exists()
    press(client, refund, "paid-by-hand", way="bank_transfer", reference="4711")

    made = Refund.objects.exclude(by_hand="").get()
    assert made.provider_ref == "bank_transfer:4711"
    shown = client.get(reverse("admin:payments_refund_change", args=[made.pk])).content.decode()
    assert "Bank transfer" in shown
