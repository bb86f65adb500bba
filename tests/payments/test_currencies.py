"""Money in currencies with no and with three decimals: exact from the basket to the books and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import stripe
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from orders.models import Order, Purchase
from orders.states import OrderState
from payments import booking, collecting, ledger, reconciling, refunding
from payments.accepting import NotTaken, obstacle, takers
from payments.collecting import begin_payment
from payments.limits import SMALLEST, fewest, smallest_payment
from payments.models import Account, Break, LedgerEntry, Payment, Refund
from payments.providers import paypal_money, stripe_money
from payments.refunding import Grounds
from payments.states import PaymentState, RefundState
from services.models import Service, ServicePrice
from tests import factories
from tests.payments.test_collecting import press
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.append_only import AppendOnly
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import EXPONENTS, Money, MoneyError, step_of

pytestmark = pytest.mark.django_db
GROUNDS = Grounds(rule="unavailable", reason="The supplier cannot deliver.")


def money(text: str) -> Money:
    amount, currency = text.split()
    return Money(Decimal(amount), currency)


def service_at(price: Money) -> Service:
    service = factories.make_service()
    ServicePrice.objects.create(service=service, currency=price.currency, amount=price.amount)
    return service


def paid(price: Money, *, devices: int = 2, button: str = "pay") -> Payment:
    """A purchase of ``devices`` at ``price``, paid by card at the demo bank."""
    numbers = tuple(factories.imei(n) for n in range(devices))
    purchase = factories.make_purchase(service_at(price), imeis=numbers, currency=price.currency)
    payment = begin_payment(purchase, provider_name="stripe")
    press(payment, button)
    return collecting.settle(payment.pk)


# --- End to end


@pytest.mark.parametrize(
    ("each", "back", "minor", "fee"),
    [
        ("3180 JPY", "1 JPY", 6360, "120 JPY"),
        ("6.750 KWD", "0.010 KWD", 13500, "0.228 KWD"),
        ("21.90 USD", "0.01 USD", 4380, "0.91 USD"),
    ],
)
def test_a_purchase_is_exact_from_basket_to_refund(bank, each, back, minor, fee):
    price, part, kept = money(each), money(back), money(fee)
    total, currency = price.times(2), price.currency

    payment = paid(price)

    assert (payment.state, payment.money) == (PaymentState.CAPTURED, total)
    client = stripe.StripeClient("sk_test_tests", base_addresses={"api": bank})
    charged = client.v1.payment_intents.retrieve(payment.charge_ref)
    assert (charged["amount"], charged["currency"]) == (minor, currency.lower())
    with clock.frozen(clock.now() + collecting.FIRST_CHECK * 2):
        collecting.check(payment.pk)
    payment.refresh_from_db()
    assert payment.fee_money == kept

    lost, delivered = payment.purchase.orders.order_by("position")
    factories.bring_to(lost, OrderState.UNAVAILABLE)
    factories.bring_to(delivered, OrderState.COMPLETED)
    assert booking.book_deliveries() == 1
    for amount in (part, price - part):
        refund = refunding.request_refund(payment.pk, money=amount, grounds=GROUNDS, actor=SYSTEM, order_id=lost.pk)
        refunding.execute(refund.pk)

    assert set(Refund.objects.values_list("state", flat=True)) == {RefundState.SUCCEEDED}
    given = client.v1.refunds.list({"payment_intent": payment.charge_ref}).data
    assert sorted(row["amount"] for row in given) == sorted([part.minor, minor // 2 - part.minor])
    assert refunding.refundable(payment) == price
    balances = {account: Money(total, code) for account, code, total in ledger.balances()}
    assert balances.pop("stripe_clearing") == price - kept
    assert balances.pop("sales") == -price
    assert balances.pop("customer_prepayments").amount == 0
    assert balances == {"provider_fees": kept}
    assert list(ledger.check()) == []
    reconciling.reconcile("stripe")
    assert not Break.objects.filter(payment=payment).exists()


@pytest.fixture(autouse=True)
def _offered(settings: Any) -> None:
    settings.CURRENCIES = ["EUR", "USD", "JPY", "KWD", "ISK", "HUF"]


def test_what_the_bank_has_in_another_currency_is_not_called_paid(bank, settings):
    payment = paid(money("3180 JPY"), button="decline")
    Payment.objects.filter(pk=payment.pk).update(currency="KRW")
    press(payment, "pay")

    payment = collecting.settle(payment.pk)

    assert (payment.state, payment.attention) == (PaymentState.PARKED, "mismatch")
    assert payment.purchase.paid_at is None
    assert set(LedgerEntry.objects.values_list("account", "currency")) == {
        ("stripe_clearing", "JPY"), ("unattached", "JPY"),
    }  # fmt: skip


def test_a_fee_in_the_accounts_own_currency_is_booked_in_it(bank, monkeypatch):
    """Where the provider converts, its fee is not in the payment's currency."""
    payment = paid(money("3180 JPY"))
    monkeypatch.setattr("payments.providers.stripe.StripeProvider.fee", lambda *_: money("0.37 EUR"))

    with clock.frozen(clock.now() + collecting.FIRST_CHECK * 2):
        collecting.check(payment.pk)

    payment.refresh_from_db()
    assert (payment.fee_money, payment.next_action_at) == (money("0.37 EUR"), None)
    assert ("provider_fees", "EUR", Decimal("0.37")) in ledger.balances()
    assert list(ledger.check()) == []


def test_a_refund_in_smaller_steps_than_the_provider_moves_is_refused(bank):
    payment = paid(money("6.750 KWD"), devices=1)
    factories.bring_to(payment.purchase.orders.get(), OrderState.UNAVAILABLE)

    with pytest.raises(Refused, match=r"steps of 0\.010 only") as refused:
        refunding.request_refund(payment.pk, money=money("1.005 KWD"), grounds=GROUNDS, actor=SYSTEM)

    assert refused.value.code == "amount"
    assert not Refund.objects.exists()


# --- What providers take


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("18.90 EUR", ["stripe", "paypal"]), ("3180 JPY", ["stripe", "paypal"]), ("6.750 KWD", ["stripe"]),
        ("6.755 KWD", []), ("1000 ISK", ["stripe"]), ("100 HUF", ["stripe", "paypal"]), ("100.50 HUF", ["stripe"]),
    ],
)  # fmt: skip
def test_who_takes_what(text, by):
    assert takers(money(text)) == by


def test_each_order_must_be_refundable_by_itself():
    assert obstacle("paypal", money("201 HUF")) is None
    assert obstacle("paypal", money("201 HUF"), money("100.50 HUF")).step == 1


def test_a_provider_is_not_asked_for_what_it_does_not_take():
    purchase = factories.make_purchase(service_at(money("6.750 KWD")), currency="KWD")

    with pytest.raises(NotTaken) as refused:
        begin_payment(purchase, provider_name="paypal")

    assert refused.value.obstacle.currency == "KWD"
    assert not Payment.objects.exists()


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_stripe_reads_what_it_was_told(currency):
    step = stripe_money.step(currency)
    asked = Money(step * 123, currency)
    assert stripe_money.read(stripe_money.minor(asked), currency.lower()) == asked


def test_stripes_own_counting():
    assert stripe_money.minor(money("500 ISK")) == 50000
    assert stripe_money.minor(money("1.230 KWD")) == 1230
    with pytest.raises(Refused, match=r"steps of 0\.010"):
        stripe_money.minor(money("1.234 KWD"))
    for broken in (50050, True, 1.5, "100"):
        with pytest.raises(MoneyError):
            stripe_money.read(broken, "isk")  # type: ignore[arg-type]


def test_paypals_steps_are_what_its_amounts_allow():
    for currency in EXPONENTS:
        step = paypal_money.step(currency)
        if step is None:
            with pytest.raises(Refused):
                paypal_money.amount(Money(step_of(currency), currency))
        else:
            assert Decimal(paypal_money.amount(Money(step, currency))["value"]) == step


def test_every_currency_has_a_smallest_payment_that_can_be_moved():
    assert set(SMALLEST) == set(EXPONENTS)
    for currency in EXPONENTS:
        least = smallest_payment(currency)
        assert least.amount > 0
        assert obstacle("stripe", least) is None
    assert (fewest(money("4 JPY")), fewest(money("0.010 KWD")), fewest(money("3180 JPY"))) == (13, 25, 1)


# --- What the database refuses


INEXACT = [("1.5", "JPY"), ("1.005", "EUR"), ("0.001", "ISK")]


@pytest.mark.parametrize(("amount", "currency"), INEXACT)
def test_amounts_with_more_digits_than_their_currency_are_refused(amount, currency):
    purchase, service = factories.make_purchase(), factories.make_service()
    rows = [
        lambda: ServicePrice.objects.create(service=service, currency=currency, option="x", amount=amount),
        lambda: Purchase.objects.filter(pk=purchase.pk).update(total=amount, currency=currency),
        lambda: Payment.objects.create(
            purchase=purchase, provider="stripe", amount=amount, currency=currency, next_action_at=clock.now()
        ),
    ]
    for write in rows:
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


def test_the_price_of_an_order_is_exact_too():
    order = factories.make_purchase().orders.get()
    with pytest.raises(IntegrityError):
        Order.objects.filter(pk=order.pk).update(price="1.005")


def test_sums_of_fractions_are_exact():
    """SQLite adds binary fractions: 0.1 + 0.2 - 0.3 is not 0 there."""
    payment = Payment.objects.create(
        purchase=factories.make_purchase(), provider="stripe", amount="0.3", currency="EUR", next_action_at=clock.now()
    )
    lines = [("sales", "0.1"), ("refunds", "0.2"), ("unattached", "-0.3")]
    ledger.post("1", "x", payment=payment, lines=[(Account(name), money(f"{each} EUR")) for name, each in lines])
    for key, amount in (("2", "0.1"), ("3", "0.2"), ("4", "-0.3")):
        one = money(f"{amount} EUR")
        ledger.post(key, "x", payment=payment, lines=[(Account.DISPUTED, one), (Account.PROVIDER_FEES, -one)])

    assert list(ledger.check()) == []
    balances = {account: total for account, _currency, total in ledger.balances()}
    assert (balances["disputed"], balances["provider_fees"]) == (0, 0)


@pytest.mark.parametrize("text", ["99999999999 JPY", "99999999.99 EUR", "0.01 USD", "9999999.999 KWD", "0.001 KWD"])
def test_exact_amounts_are_kept_exactly(text):
    exact = money(text)
    purchase = factories.make_purchase()
    Purchase.objects.filter(pk=purchase.pk).update(total=exact.amount, currency=exact.currency)
    purchase.refresh_from_db()
    assert purchase.money == exact


def test_no_migration_has_lost_the_triggers_of_append_only_tables():
    migrations = MigrationLoader(connection).disk_migrations.values()
    tables = {each.table for found in migrations for each in found.operations if isinstance(each, AppendOnly)}
    query = {
        "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT event_object_table, trigger_name FROM information_schema.triggers",
    }
    with connection.cursor() as cursor:
        cursor.execute(query[connection.vendor])
        found = sorted(table for table, name in cursor.fetchall() if "_refuses_" in name)
    assert found == sorted([*tables, *tables])


# --- The demo bank keeps Stripe's rule


@pytest.mark.parametrize(
    ("amount", "currency", "is_fine"),
    [(1230, "kwd", True), (1234, "kwd", False), (500_00, "isk", True), (500_50, "isk", False), (51, "jpy", True)],
)
def test_the_bank_refuses_amounts_that_stripe_refuses(bank, amount, currency, is_fine):
    client = stripe.StripeClient("sk_test_tests", base_addresses={"api": bank})
    line = {"currency": currency, "unit_amount": amount, "product_data": {"name": "x"}}
    params: Any = {
        "mode": "payment", "success_url": "http://testserver/", "line_items": [{"quantity": 1, "price_data": line}]
    }  # fmt: skip

    if is_fine:
        assert client.v1.checkout.sessions.create(params)["amount_total"] == amount
        return
    with pytest.raises(stripe.InvalidRequestError, match="must be divisible by"):
        client.v1.checkout.sessions.create(params)


def test_the_bank_refunds_in_steps_too(bank):
    payment = paid(money("6.750 KWD"), devices=1)
    client = stripe.StripeClient("sk_test_tests", base_addresses={"api": bank})
    with pytest.raises(stripe.InvalidRequestError, match="divisible by 10"):
        client.v1.refunds.create({"payment_intent": payment.charge_ref, "amount": 1005})
