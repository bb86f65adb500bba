"""The books are exact on every database, and refuse what does not balance."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from payments import booking, ledger, refunding
from payments.models import Account, LedgerTransaction, Payment, Refund
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.exact_sum import ExactSum
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db


def captured(amount: str = "100000.000", currency: str = "KWD") -> Payment:
    payment = Payment.objects.create(
        purchase=factories.make_purchase(), provider="stripe", charge_ref="pi_1", amount=Decimal(amount),
        currency=currency, state="captured", captured_at=clock.now(),
    )  # fmt: skip
    booking.book_capture(payment)
    return payment


def give_back(payment: Payment, amount: str, count: int) -> None:
    refunds = Refund.objects.bulk_create(
        Refund(
            payment=payment, amount=Decimal(amount), currency=payment.currency, rule="x", reason="x", actor_kind="x",
            state="succeeded", succeeded_at=clock.now(), provider_ref=f"re_{n}", work_state="done",
        )
        for n in range(count)
    )  # fmt: skip
    for refund in refunds:
        booking.book_refund(refund)


@pytest.mark.parametrize("amount", ["18.9", "0.1", "0.125", "33.33", "0.001"])
@pytest.mark.parametrize("count", [3, 50, 300])
def test_sums_of_the_books_are_exact(amount: str, count: int) -> None:
    """SQLite alone would say that fifty times 18.90 are 944.999999999999."""
    payment = captured(str(Decimal(amount) * count))
    give_back(payment, amount, count)

    assert {total for _account, _currency, total in ledger.balances()} == {Decimal(0)}
    assert refunding.refundable(payment) == Money(Decimal(0), "KWD")
    assert list(ledger.check()) == []
    signed = Refund.objects.annotate(signed=-F("amount"))
    assert signed.aggregate(total=ExactSum("signed"))["total"] == -Decimal(amount) * count
    assert Refund.objects.none().aggregate(total=ExactSum("amount")) == {"total": None}


def test_one_thousandth_too_much_is_found() -> None:
    payment = captured("30.000")
    give_back(payment, "0.1", 300)
    assert list(ledger.check()) == []

    Payment.objects.update(amount=Decimal("29.999"))

    assert {finding.rule for finding in ledger.check()} == {"captures", "refunds"}


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [("sales", "1.00", "EUR")],
        [("sales", "1.00", "EUR"), ("refunds", "-1.01", "EUR")],
        [("sales", "1.00", "EUR"), ("refunds", "-1.00", "USD")],
        [("sales", "5", "JPY"), ("refunds", "-5", "JPY"), ("provider_fees", "0.01", "EUR")],
    ],
)
def test_what_does_not_balance_in_every_currency_is_not_booked(lines: list[tuple[str, str, str]]) -> None:
    payment = captured()
    with pytest.raises(ledger.Unbalanced):
        ledger.post(
            "x", "test", payment=payment,
            lines=[(Account(account), Money(Decimal(amount), currency)) for account, amount, currency in lines],
        )  # fmt: skip
    assert LedgerTransaction.objects.count() == 1


def test_a_fact_is_booked_once() -> None:
    payment = captured()
    with pytest.raises(IntegrityError), transaction.atomic():
        booking.book_capture(payment)
    assert LedgerTransaction.objects.count() == 1
