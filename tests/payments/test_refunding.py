"""Money goes back through one door, once, never more than came in, and every decision names its rule."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import stripe

from orders import forwarding, lifecycle, resolving
from orders.models import Order, OutgoingMail
from orders.states import AttemptOutcome, HoldReason, OrderState
from payments import booking, collecting, inbox, ledger, refunding
from payments.models import LedgerEntry, Payment, Refund, WebhookDelivery
from payments.providers.base import RefundFact, RefundFactState, RefundOrder
from payments.providers.registry import provider_named
from payments.refunding import Grounds
from payments.states import RefundState
from services.suppliers.base import RefusalCode
from tests import factories
from tests.payments.test_collecting import begun, fact_for, press
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
SAM = actors.staff(1, "sam@example.com")
GROUNDS = Grounds(rule="unavailable", reason="The supplier cannot deliver.")


def eur(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def paid_at_bank(end: OrderState = OrderState.UNAVAILABLE, *, devices: int = 1) -> Payment:
    """A payment captured by the demo bank, its orders brought to ``end``."""
    payment = begun(imeis=tuple(factories.imei(n) for n in range(devices)))
    press(payment, "pay")
    payment = collecting.settle(payment.pk)
    for order in payment.purchase.orders.all():
        factories.bring_to(order, end)
    return Payment.objects.get(pk=payment.pk)


def ask(payment: Payment, amount: str, *, actor=SYSTEM, grounds=GROUNDS, order: Order | None = None) -> Refund:
    return refunding.request_refund(
        payment.pk, money=eur(amount), grounds=grounds, actor=actor, order_id=order.pk if order else None
    )


def fresh(refund: Refund) -> Refund:
    return Refund.objects.get(pk=refund.pk)


def at_bank(payment: Payment) -> list:
    client = stripe.StripeClient("sk_test_tests", base_addresses={"api": _base(payment)})
    return client.v1.refunds.list({"payment_intent": payment.charge_ref}).data


def _base(payment: Payment) -> str:
    return payment.url.split("/pay/")[0]


def test_a_refund_goes_out_once_and_is_booked(bank):
    payment = paid_at_bank()
    refund = ask(payment, "18.90", order=payment.purchase.orders.get())

    for _ in range(3):
        refunding.execute(refund.pk)

    refund = fresh(refund)
    assert (refund.state, refund.work_state) == (RefundState.SUCCEEDED, WorkState.DONE)
    assert [row["amount"] for row in at_bank(payment)] == [1890]
    assert at_bank(payment)[0]["metadata"]["refund_id"] == str(refund.pk)
    assert dict(LedgerEntry.objects.filter(transaction__kind="refund").values_list("account", "amount")) == {
        "customer_prepayments": Decimal("18.900"),
        "stripe_clearing": Decimal("-18.900"),
    }
    assert list(ledger.check()) == []


def test_a_delivered_orders_refund_counts_against_its_sale(bank):
    payment = paid_at_bank(OrderState.COMPLETED)
    assert booking.book_deliveries() == 1
    assert booking.book_deliveries() == 0
    refund = ask(payment, "18.90", order=payment.purchase.orders.get())

    refunding.execute(refund.pk)

    totals = {account: total for account, _currency, total in ledger.balances()}
    assert totals["customer_prepayments"] == 0
    assert (totals["sales"], totals["refunds"]) == (Decimal("-18.9"), Decimal("18.9"))


def test_partial_refunds_never_exceed_what_came_in(bank):
    payment = paid_at_bank(devices=2)
    first, second = payment.purchase.orders.order_by("position")

    ask(payment, "10.00", order=first)
    with pytest.raises(Refused) as refused:
        ask(payment, "8.91", order=first)
    ask(payment, "8.90", order=first)
    ask(payment, "18.90", order=second)

    assert refused.value.code == "too_much"
    assert refunding.refundable(payment) == eur("0.00")
    with pytest.raises(Refused):
        ask(payment, "0.01")


def test_a_failed_refund_frees_its_amount(bank):
    payment = paid_at_bank()
    refund = ask(payment, "18.90")
    Refund.objects.filter(pk=refund.pk).update(state=RefundState.FAILED)

    assert refunding.refundable(payment) == eur("18.90")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"grounds": Grounds("", "because")}, "rule_required"),
        ({"grounds": Grounds("rule", " ")}, "rule_required"),
        ({"money": Money(Decimal(5), "USD")}, "amount"),
        ({"money": Money(Decimal(0), "EUR")}, "amount"),
        ({"money": Money(Decimal(-5), "EUR")}, "amount"),
        ({"money": Money(Decimal("18.91"), "EUR")}, "too_much"),
    ],
)
def test_a_refund_that_cannot_be_is_refused_and_nothing_is_written(bank, change, code):
    payment = paid_at_bank()
    values = {"money": eur("5"), "grounds": GROUNDS, "actor": SYSTEM, **change}

    with pytest.raises(Refused) as refused:
        refunding.request_refund(payment.pk, **values)

    assert refused.value.code == code
    assert not Refund.objects.exists()


def test_an_uncaptured_payment_and_a_foreign_order_are_refused(bank):
    unpaid, paid = begun(), paid_at_bank()

    with pytest.raises(Refused) as first:
        ask(unpaid, "1.00")
    with pytest.raises(Refused) as second:
        ask(paid, "1.00", order=unpaid.purchase.orders.get())

    assert (first.value.code, second.value.code) == ("not_captured", "foreign_order")


@pytest.mark.parametrize(
    "state", [OrderState.PAID, OrderState.SUBMITTING, OrderState.UNCERTAIN, OrderState.IN_PROCESS, OrderState.ON_HOLD]
)
def test_an_open_order_is_refunded_only_by_staff_who_say_why(bank, state):
    payment = paid_at_bank(state)
    order = payment.purchase.orders.get()

    with pytest.raises(Refused) as refused:
        ask(payment, "18.90", order=order)
    with pytest.raises(Refused):
        ask(payment, "18.90", order=order, actor=SAM)
    refund = ask(payment, "18.90", order=order, actor=SAM, grounds=replace(GROUNDS, override="agreed by phone"))

    assert refused.value.code == "alive_at_supplier"
    assert (refund.override_reason, refund.actor_label) == ("agreed by phone", "sam@example.com")


@pytest.mark.parametrize(
    ("state", "amount", "left_in"),
    [
        (OrderState.PAID, "18.90", OrderState.CANCELLED),
        (OrderState.ON_HOLD, "18.90", OrderState.CANCELLED),
        (OrderState.PAID, "18.89", OrderState.PAID),
        (OrderState.IN_PROCESS, "18.90", OrderState.IN_PROCESS),
        (OrderState.UNCERTAIN, "18.90", OrderState.UNCERTAIN),
    ],
)
@pytest.mark.parametrize("is_named", [True, False])
def test_what_is_given_back_whole_and_has_not_left_is_never_bought(bank, state, amount, left_in, is_named):
    payment = paid_at_bank(state)
    order = payment.purchase.orders.get()

    refund = ask(
        payment, amount, order=order if is_named else None, actor=SAM,
        grounds=replace(GROUNDS, override="agreed by phone"),
    )  # fmt: skip

    order.refresh_from_db()
    assert (order.state, refund.state) == (left_in, RefundState.REQUESTED)
    assert (forwarding.begin(order.pk) is not None) == (left_in == OrderState.PAID)


OVERRIDDEN = replace(GROUNDS, override="agreed by phone")


@pytest.mark.parametrize("state", [OrderState.SUBMITTING, OrderState.UNCERTAIN])
@pytest.mark.parametrize("proof", ["not sent", "refused", "no credit", "staff"])
def test_what_is_given_back_while_a_supplier_is_asked_ends_once_nothing_was_bought(bank, state, proof):
    payment = paid_at_bank(state)
    order = payment.purchase.orders.get()
    attempt = order.supplier_attempts.get()
    ask(payment, "18.90", order=order, actor=SAM, grounds=OVERRIDDEN)

    if proof == "staff":
        factories.set_outcome(attempt, AttemptOutcome.UNKNOWN)
        lifecycle.hold(order.pk, reason=HoldReason.UNCERTAIN_PURCHASE, actor=SYSTEM)
        order.refresh_from_db()
        assert order.state == OrderState.ON_HOLD
        resolving.say_not_bought(order.pk, evidence="their panel", actor=SAM)
    elif proof == "not sent":
        forwarding.record_not_sent(attempt, message="no route", actor=SYSTEM)
    else:
        code = RefusalCode.FUNDS if proof == "no credit" else RefusalCode.INPUT
        forwarding.record_refused(attempt, code=code, message="no", actor=SYSTEM)

    order.refresh_from_db()
    assert order.state == OrderState.CANCELLED
    assert forwarding.begin(order.pk) is None
    assert order.events.filter(kind="order.given_back").count() == 1
    assert OutgoingMail.objects.filter(order=order, kind="cancelled").count() == 1


def test_what_is_given_back_and_was_bought_all_the_same_goes_on(bank):
    payment = paid_at_bank(OrderState.UNCERTAIN)
    order = payment.purchase.orders.get()
    ask(payment, "18.90", order=order, actor=SAM, grounds=OVERRIDDEN)

    forwarding.record_accepted(order.supplier_attempts.get(), "S1", actor=SYSTEM, outcome=AttemptOutcome.ADOPTED)

    order.refresh_from_db()
    assert order.state == OrderState.IN_PROCESS


def test_a_part_given_back_while_a_supplier_is_asked_stops_nothing(bank):
    payment = paid_at_bank(OrderState.SUBMITTING)
    order = payment.purchase.orders.get()
    ask(payment, "18.89", order=order, actor=SAM, grounds=OVERRIDDEN)

    forwarding.record_not_sent(order.supplier_attempts.get(), message="no route", actor=SYSTEM)

    order.refresh_from_db()
    assert order.state == OrderState.PAID


def test_resuming_what_is_given_back_ends_it(bank):
    """A worker that was slow reports that nothing was sent, while the order is on hold already."""
    payment = paid_at_bank(OrderState.UNCERTAIN)
    order = payment.purchase.orders.get()
    lifecycle.hold(order.pk, reason=HoldReason.UNCERTAIN_PURCHASE, actor=SYSTEM)
    ask(payment, "18.90", order=order, actor=SAM, grounds=OVERRIDDEN)
    forwarding.record_not_sent(order.supplier_attempts.get(), message="no route", actor=SYSTEM)

    lifecycle.resume(order.pk, reason="looked", actor=SAM)

    order.refresh_from_db()
    assert order.state == OrderState.CANCELLED
    assert forwarding.begin(order.pk) is None


def test_a_refund_that_fails_lets_the_order_go_on(bank):
    payment = paid_at_bank(OrderState.SUBMITTING)
    order = payment.purchase.orders.get()
    refund = ask(payment, "18.90", order=order, actor=SAM, grounds=OVERRIDDEN)

    refunding.fold_refund(refund, fact(refund, RefundFactState.FAILED))
    forwarding.record_not_sent(order.supplier_attempts.get(), message="no route", actor=SYSTEM)

    order.refresh_from_db()
    assert order.state == OrderState.PAID
    assert order.events.filter(kind="order.not_given_back").count() == 1


@pytest.mark.parametrize("is_external", [True, False])
def test_a_payment_emptied_by_two_refunds_stops_all_its_orders(bank, is_external):
    payment = paid_at_bank(OrderState.PAID, devices=2)
    first, second = payment.purchase.orders.order_by("pk")
    if is_external:
        client = stripe.StripeClient("sk_test_tests", base_addresses={"api": bank})
        made = client.v1.refunds.create({"payment_intent": payment.charge_ref, "amount": 1890})
        refunding.settle_refund("stripe", made["id"])
    else:
        ask(payment, "18.90", actor=SAM, grounds=OVERRIDDEN)
    assert [order.state for order in payment.purchase.orders.all()] == [OrderState.PAID] * 2

    ask(payment, "18.90", order=second, actor=SAM, grounds=OVERRIDDEN)

    for order in (first, second):
        order.refresh_from_db()
        assert order.state == OrderState.CANCELLED


def test_a_pending_refund_from_the_providers_pages_stops_what_has_not_left(bank):
    payment = paid_at_bank(OrderState.PAID)

    refunding.fold_found(
        payment, RefundFact("re_1", str(payment.charge_ref), "", RefundFactState.PENDING, payment.money)
    )

    assert payment.purchase.orders.get().state == OrderState.CANCELLED


@pytest.mark.parametrize(("amount", "left_in"), [(1890, OrderState.CANCELLED), (1889, OrderState.PAID)])
def test_a_whole_refund_from_the_providers_pages_stops_what_has_not_left(bank, amount, left_in):
    payment = paid_at_bank(OrderState.PAID)
    client = stripe.StripeClient("sk_test_tests", base_addresses={"api": bank})
    made = client.v1.refunds.create({"payment_intent": payment.charge_ref, "amount": amount})

    refunding.settle_refund("stripe", made["id"])

    order = payment.purchase.orders.get()
    assert order.state == left_in
    assert (forwarding.begin(order.pk) is not None) == (left_in == OrderState.PAID)


def test_other_orders_of_the_purchase_go_on(bank):
    payment = paid_at_bank(OrderState.PAID, devices=2)
    first, second = payment.purchase.orders.order_by("pk")

    ask(payment, "18.90", order=first, actor=SAM, grounds=replace(GROUNDS, override="agreed by phone"))

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (OrderState.CANCELLED, OrderState.PAID)


def test_money_that_fits_no_order_can_go_back_at_once(bank):
    first = paid_at_bank(OrderState.PAID)
    second = Payment.objects.create(
        purchase=first.purchase, provider="stripe", provider_ref="cs_2", amount=first.amount, currency="EUR",
        state="open", next_action_at=clock.now(),
    )  # fmt: skip
    collecting.fold(second.pk, replace(fact_for(second), provider_ref="cs_2"))

    assert ask(second, "18.90").state == RefundState.REQUESTED


def test_a_dead_provider_is_asked_again_with_the_same_key(bank, settings):
    payment = paid_at_bank()
    refund = ask(payment, "18.90")
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    refunding.execute(refund.pk)
    assert fresh(refund).state in {RefundState.SENDING, RefundState.UNCERTAIN}

    settings.STRIPE_API_BASE = bank
    for minutes in (5, 90):
        with clock.frozen(clock.now() + timedelta(minutes=minutes)):
            refunding.execute(refund.pk)

    assert fresh(refund).state == RefundState.SUCCEEDED
    assert len(at_bank(payment)) == 1


@pytest.mark.parametrize("hours", [1, 30])
@pytest.mark.parametrize("reached", [True, False])
def test_a_worker_lost_in_mid_call_never_refunds_twice(bank, hours, reached):
    payment = paid_at_bank()
    refund = ask(payment, "18.90")
    if reached:
        order = RefundOrder(str(refund.pk), str(payment.charge_ref), refund.money, refund.reason)
        provider_named("stripe").refund(order)
    Refund.objects.filter(pk=refund.pk).update(state="sending", send_started_at=clock.now())

    with clock.frozen(clock.now() + timedelta(hours=hours)):
        refunding.execute(refund.pk)

    assert len(at_bank(payment)) == 1
    assert fresh(refund).state == RefundState.SUCCEEDED
    assert payment.postings.filter(kind="refund").count() == 1


def test_a_refusal_of_the_provider_is_a_failure_for_staff(bank):
    payment = paid_at_bank()
    refund = ask(payment, "18.90")
    Payment.objects.filter(pk=payment.pk).update(charge_ref="pi_unknown")

    refunding.execute(refund.pk)

    refund = fresh(refund)
    assert (refund.state, refund.work_state) == (RefundState.FAILED, WorkState.NEEDS_STAFF)
    assert refund.failure


def fact(refund: Refund, state: RefundFactState, **changes) -> RefundFact:
    known = RefundFact(
        provider_ref="re_1",
        charge_ref=str(refund.payment.charge_ref),
        key=str(refund.pk),
        state=state,
        money=refund.money,
        failure="account closed" if state == RefundFactState.FAILED else "",
    )
    return replace(known, **changes)


def test_a_refund_that_comes_back_later_is_reopened(bank):
    payment = paid_at_bank()
    refund = ask(payment, "18.90")
    refunding.fold_refund(refund, fact(refund, RefundFactState.SUCCEEDED))

    refunding.fold_refund(refund, fact(refund, RefundFactState.FAILED))
    refunding.fold_refund(refund, fact(refund, RefundFactState.FAILED))

    assert fresh(refund).state == RefundState.FAILED
    assert refunding.refundable(payment) == eur("18.90")
    assert sum(LedgerEntry.objects.filter(account="stripe_clearing").values_list("amount", flat=True)) == Decimal(
        "18.9"
    )
    assert list(ledger.check()) == []


@pytest.mark.parametrize("late", [RefundFactState.PENDING, RefundFactState.SUCCEEDED])
def test_late_news_changes_nothing(bank, late):
    payment = paid_at_bank()
    refund = ask(payment, "18.90")
    refunding.fold_refund(refund, fact(refund, RefundFactState.SUCCEEDED))

    refunding.fold_refund(refund, fact(refund, late))

    assert fresh(refund).state == RefundState.SUCCEEDED
    assert payment.postings.filter(kind="refund").count() == 1


def test_a_mismatch_is_for_staff(bank):
    refund = ask(paid_at_bank(), "18.90")

    refunding.fold_refund(refund, fact(refund, RefundFactState.SUCCEEDED, money=eur("1.00")))

    assert fresh(refund).work_state == WorkState.NEEDS_STAFF
    assert fresh(refund).state == RefundState.REQUESTED


def test_a_refund_made_in_the_providers_pages_is_booked(bank):
    payment = paid_at_bank()
    client = stripe.StripeClient("sk_test_tests", base_addresses={"api": bank})
    made = client.v1.refunds.create({"payment_intent": payment.charge_ref, "amount": 500})
    delivery = WebhookDelivery.objects.create(
        provider="stripe", event_id=str(uuid.uuid4()), event_type="refund.created", subject="refund",
        subject_ref=made["id"], payload={},
    )  # fmt: skip

    for _ in range(2):
        inbox.process(delivery.pk)

    refund = Refund.objects.get()
    assert (refund.is_external, refund.rule, refund.money) == (True, "external", eur("5.00"))
    assert refund.state == RefundState.SUCCEEDED
    assert refunding.refundable(payment) == eur("13.90")


def test_the_providers_fee_is_learnt_and_booked_once(bank):
    payment = paid_at_bank()

    for minutes in (1, 10):
        with clock.frozen(clock.now() + timedelta(minutes=minutes)):
            collecting.check(payment.pk)

    payment.refresh_from_db()
    assert payment.fee == Decimal("0.530")
    assert payment.next_action_at is None
    assert payment.postings.filter(kind="fee").count() == 1


def test_an_unforeseen_error_reaches_staff_in_the_end(bank, monkeypatch):
    refund = ask(paid_at_bank(), "1.00")
    monkeypatch.setattr("stripe.RequestsClient.request", lambda *_args, **_kwargs: {}["surprise"])
    moment = clock.now()

    for _ in range(refunding.ATTEMPTS_CAP + 1):
        moment += timedelta(hours=2)
        with clock.frozen(moment):
            refunding.execute(refund.pk)

    assert fresh(refund).work_state == WorkState.NEEDS_STAFF
    assert fresh(refund).attempts == refunding.ATTEMPTS_CAP
