"""Money comes in through the real Stripe library, from the demo bank over HTTP, and is booked exactly once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
import requests

from orders import paying
from orders.models import OutgoingMail
from orders.states import OrderState
from payments import collecting, expiring
from payments.collecting import NothingToPay, begin_payment
from payments.models import LedgerEntry, LedgerTransaction, Payment
from payments.providers.base import FactState, PaymentFact
from payments.providers.registry import provider_named
from payments.states import Attention, PaymentState
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused, ShopError
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db


def begun(**kwargs) -> Payment:
    return begin_payment(factories.make_purchase(**kwargs), provider_name="stripe")


def press(payment: Payment, button: str) -> requests.Response:
    """What the customer presses on the payment page."""
    return requests.post(f"{payment.url}/{button}", allow_redirects=False, timeout=5)


def booked() -> dict[str, Decimal]:
    return dict(LedgerEntry.objects.values_list("account", "amount"))


def test_a_paid_session_pays_every_order_and_is_booked_once(bank):
    payment = begun(imeis=(factories.imei(1), factories.imei(2)))
    press(payment, "pay")

    for _ in range(3):
        collecting.settle(payment.pk)

    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURED
    assert payment.charge_ref.startswith("pi_")
    assert set(payment.purchase.orders.values_list("state", flat=True)) == {OrderState.PAID}
    assert booked() == {"stripe_clearing": Decimal("37.800"), "customer_prepayments": Decimal("-37.800")}
    assert OutgoingMail.objects.filter(purchase=payment.purchase).count() == 1


def test_visiting_the_success_page_without_paying_pays_nothing(bank):
    payment = begun()

    collecting.settle(payment.pk)

    payment.refresh_from_db()
    assert payment.state == PaymentState.OPEN
    assert payment.purchase.paid_at is None


def test_a_declined_card_leaves_the_page_open(bank):
    payment = begun()
    press(payment, "decline")
    collecting.settle(payment.pk)
    press(payment, "pay")

    assert collecting.settle(payment.pk).state == PaymentState.CAPTURED


@pytest.mark.parametrize(
    ("button", "end"), [("delayed-success", PaymentState.CAPTURED), ("delayed-failure", PaymentState.FAILED)]
)
def test_a_delayed_payment_is_pending_until_the_bank_knows(bank, button, end):
    payment = begun()
    press(payment, button)
    assert collecting.settle(payment.pk).state in {PaymentState.PENDING, end}

    deadline = clock.now() + timedelta(seconds=10)
    while (state := collecting.settle(payment.pk).state) == PaymentState.PENDING and clock.now() < deadline:
        pass

    assert state == end
    assert (payment.purchase.orders.get().state == OrderState.PAID) == (end == PaymentState.CAPTURED)


def test_a_failed_delayed_payment_is_told_and_can_be_tried_again(bank):
    payment = begun()
    collecting.fold(payment.pk, fact_for(payment, state=FactState.FAILED))

    second = begin_payment(payment.purchase, provider_name="stripe")

    assert second.pk != payment.pk
    assert OutgoingMail.objects.get().kind == "payment_failed"


def test_two_tabs_meet_at_one_payment_page(bank):
    purchase = factories.make_purchase()

    first, second = (begin_payment(purchase, provider_name="stripe") for _ in range(2))

    assert first == second
    assert first.url == second.url


def test_beginning_again_after_a_crash_finds_the_same_session(bank):
    payment = begun()
    ref = payment.provider_ref
    Payment.objects.filter(pk=payment.pk).update(state="created", provider_ref=None, url="")

    again = begin_payment(payment.purchase, provider_name="stripe")

    assert (again.pk, again.provider_ref) == (payment.pk, ref)


@pytest.mark.parametrize("case", ["paid", "expired", "pending", "in_check"])
def test_there_may_be_nothing_to_pay(bank, case):
    payment = begun()
    if case == "paid":
        paying.mark_purchase_paid(payment.purchase_id, actor=SYSTEM, at=clock.now())
    elif case == "pending":
        collecting.fold(payment.pk, fact_for(payment, state=FactState.PENDING))
    elif case == "in_check":
        collecting.fold(payment.pk, fact_for(payment, money=Money(Decimal("18.89"), "EUR")))
    moment = clock.now() + (timedelta(hours=23) if case == "expired" else timedelta())

    with clock.frozen(moment), pytest.raises(NothingToPay) as refused:
        begin_payment(payment.purchase, provider_name="stripe")

    assert refused.value.code == case


def test_a_dead_provider_changes_nothing(settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    purchase = factories.make_purchase()

    with pytest.raises(ShopError):
        begin_payment(purchase, provider_name="stripe")

    assert purchase.payments.get().state == PaymentState.CREATED
    assert purchase.orders.get().state == OrderState.AWAITING_PAYMENT


def fact_for(payment: Payment, **changes) -> PaymentFact:
    fact = PaymentFact(
        provider_ref=payment.provider_ref or "",
        charge_ref="pi_1",
        state=FactState.CAPTURED,
        money=payment.money,
        reference=payment.purchase.number,
        is_live=False,
    )
    return replace(fact, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"money": Money(Decimal("18.89"), "EUR")},
        {"money": Money(Decimal("18.90"), "USD")},
        {"reference": "P-AAAA-AAAA-A"},
        {"is_live": True},
        {"provider_ref": "cs_other"},
    ],
)
def test_a_mismatch_is_parked_and_nothing_is_called_paid(bank, changes):
    payment = begun()

    for _ in range(3):
        collecting.fold(payment.pk, fact_for(payment, **changes))
    collecting.fold(payment.pk, fact_for(payment))

    payment.refresh_from_db()
    assert (payment.state, payment.attention) == (PaymentState.PARKED, Attention.MISMATCH)
    assert payment.note
    assert payment.purchase.orders.get().state == OrderState.AWAITING_PAYMENT
    stray = changes.get("money", payment.money)
    assert booked() == {"stripe_clearing": stray.amount, "unattached": -stray.amount}, "money in is always booked"


@pytest.mark.parametrize("later", [FactState.OPEN, FactState.PENDING, FactState.FAILED, FactState.EXPIRED])
def test_captured_is_never_downgraded(bank, later):
    payment = begun()
    collecting.fold(payment.pk, fact_for(payment))

    collecting.fold(payment.pk, fact_for(payment, state=later))

    assert Payment.objects.get(pk=payment.pk).state == PaymentState.CAPTURED
    assert LedgerTransaction.objects.count() == 1


def test_money_after_a_failure_still_counts(bank):
    payment = begun()
    collecting.fold(payment.pk, fact_for(payment, state=FactState.FAILED))

    collecting.fold(payment.pk, fact_for(payment))

    assert payment.purchase.orders.get().state == OrderState.PAID


def test_paying_twice_is_booked_as_overpayment(bank):
    first = begun()
    second = Payment.objects.create(
        purchase=first.purchase, provider="stripe", provider_ref="cs_2", amount=first.amount, currency="EUR",
        state="open", next_action_at=clock.now(),
    )  # fmt: skip
    collecting.fold(first.pk, fact_for(first))
    collecting.fold(second.pk, fact_for(second))

    second.refresh_from_db()
    assert second.attention == Attention.OVERPAYMENT
    assert LedgerEntry.objects.filter(account="unattached").get().amount == -second.amount
    assert first.purchase.orders.get().events.filter(kind="order.paid").count() == 1


def test_money_for_an_expired_purchase_is_booked_and_flagged(bank):
    payment = begun()
    paying.expire_purchase(payment.purchase_id, actor=SYSTEM)

    collecting.fold(payment.pk, fact_for(payment))

    payment.refresh_from_db()
    assert (payment.state, payment.attention) == (PaymentState.CAPTURED, Attention.LATE)
    assert payment.purchase.orders.get().state == OrderState.EXPIRED
    assert LedgerEntry.objects.filter(account="unattached").exists()


def test_unpaid_purchases_expire_but_never_with_a_live_payment(bank):
    waiting = begun()
    idle = factories.make_purchase()
    with clock.frozen(clock.now() + timedelta(hours=24)):
        assert expiring.expire_unpaid() == 1
        assert idle.orders.get().state == OrderState.EXPIRED
        assert waiting.purchase.orders.get().state == OrderState.AWAITING_PAYMENT

        collecting.fold(waiting.pk, fact_for(waiting, state=FactState.EXPIRED))
        assert expiring.expire_unpaid() == 1
    assert waiting.purchase.orders.get().state == OrderState.EXPIRED


def test_the_sweep_finds_a_payment_whose_webhook_never_came(bank):
    payment = begun()
    press(payment, "pay")

    with clock.frozen(clock.now() + timedelta(minutes=1)):
        collecting.check(payment.pk)

    assert payment.purchase.orders.get().state == OrderState.PAID


def test_the_sweep_asks_less_and_less_often(bank):
    payment = begun()
    moments = []
    for _ in range(4):
        payment.refresh_from_db()
        moments.append(payment.next_action_at)
        with clock.frozen(payment.next_action_at):
            collecting.check(payment.pk)

    gaps = [b - a for a, b in pairwise(moments)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > gaps[0]


def test_a_second_page_is_closed_once_the_purchase_is_paid(bank):
    first = begun()
    second = Payment.objects.create(
        purchase=first.purchase, provider="stripe", amount=first.amount, currency="EUR", next_action_at=clock.now()
    )
    begun_second = provider_named("stripe").begin(
        replace(collecting._request(first.purchase, list(first.purchase.orders.all()), second), key=second.key)
    )
    Payment.objects.filter(pk=second.pk).update(
        state="open", provider_ref=begun_second.provider_ref, url=begun_second.url,
        next_action_at=clock.now() + timedelta(hours=1),
    )  # fmt: skip
    press(first, "pay")
    collecting.settle(first.pk)

    assert collecting.due_payments() == [second.pk]
    collecting.check(second.pk)

    second.refresh_from_db()
    assert second.state == PaymentState.EXPIRED
    assert press(second, "pay").status_code == 410
    assert second.purchase.payments.filter(state="captured").count() == 1


def test_closing_a_session_stops_late_payments(bank):
    payment = begun()
    provider = provider_named("stripe")

    provider.close(payment.provider_ref)
    provider.close(payment.provider_ref)

    assert provider.fetch(payment.provider_ref).state == FactState.EXPIRED


def test_an_unknown_session_is_refused(bank):
    with pytest.raises(Refused):
        provider_named("stripe").fetch("cs_test_nothing")
