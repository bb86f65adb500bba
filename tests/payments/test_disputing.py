"""Disputes fold to one end whatever the order of events; they stop what is not forwarded, and move the books."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import permutations, product

import pytest

from orders import forwarding, lifecycle
from orders.models import Order, SupplierAttempt
from orders.states import AttemptOutcome, HoldReason, OrderState
from payments import disputing, inbox, ledger, refunding
from payments.models import Dispute, LedgerTransaction, Payment, WebhookDelivery
from payments.providers.base import WarningFact
from payments.refunding import Grounds
from payments.states import Attention, DisputeState, PaymentState, Subject
from tests import factories
from tests.helpers.disputes import PROVIDERS, REF, Bank, balances, captured, disputed, fact
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import OutcomeUnknown, Refused
from unlockshop.kernel.money import Money
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
D = DisputeState
SAM = actors.staff(1, "sam@example.com")
PRICE = Decimal("18.90")
FEE = Decimal("20.00")
CAPTURED = {"stripe_clearing": PRICE, "customer_prepayments": -PRICE}


@pytest.fixture(autouse=True)
def _bank(settings):
    settings.PAYMENT_PROVIDERS = PROVIDERS
    Bank.reset()


def settle() -> Dispute:
    return disputing.settle_dispute("stripe", REF)


def says(payment, *args, **changes) -> None:
    Bank.facts[REF] = fact(payment, *args, **changes)


def delivery(subject: Subject, ref: str, event_id: str = "evt_1") -> WebhookDelivery:
    return WebhookDelivery.objects.create(
        provider="stripe", event_id=event_id, event_type="x", subject=subject, subject_ref=ref, payload={}
    )


def test_an_opened_dispute_has_an_owner_and_the_banks_deadline_and_its_money_is_withheld(monday):
    _order, dispute = disputed()

    assert (dispute.state, dispute.owner, dispute.respond_by) == (
        D.NEEDS_RESPONSE,
        "staff",
        monday + timedelta(days=7),
    )
    assert balances() == {
        "stripe_clearing": -FEE, "customer_prepayments": -PRICE, "disputed": PRICE, "provider_fees": FEE,
    }  # fmt: skip
    assert list(ledger.check()) == []


# What the bank says after each event, by how the dispute ends.
STAGES = {
    "won": [
        {"state": D.NEEDS_RESPONSE, "funds_withdrawn": False, "fee": None},
        {"state": D.NEEDS_RESPONSE},
        {"state": D.UNDER_REVIEW, "respond_by": None},
        {"state": D.WON, "funds_withdrawn": True},
        {"state": D.WON, "funds_withdrawn": False},
    ],
    "lost": [
        {"state": D.NEEDS_RESPONSE, "funds_withdrawn": False, "fee": None},
        {"state": D.NEEDS_RESPONSE},
        {"state": D.UNDER_REVIEW, "respond_by": None},
        {"state": D.LOST},
    ],
    "inquiry": [
        {"state": D.NEEDS_RESPONSE, "funds_withdrawn": False, "fee": None},
        {"state": D.WITHDRAWN, "funds_withdrawn": False, "fee": None},
    ],
}
ENDS = {
    "won": (D.WON, OrderState.PAID, CAPTURED | {"stripe_clearing": PRICE - FEE, "provider_fees": FEE}),
    "lost": (
        D.LOST,
        OrderState.ON_HOLD,
        {"stripe_clearing": -FEE, "provider_fees": FEE, "dispute_losses": PRICE, "customer_prepayments": -PRICE},
    ),
    "inquiry": (D.WITHDRAWN, OrderState.PAID, CAPTURED),
}


@pytest.mark.parametrize("story", STAGES)
def test_every_way_to_see_only_some_of_the_stages_ends_the_same(story):
    """Events come in any order and late; what is fetched is then a rising choice of stages, the last one included."""
    stages = STAGES[story]
    state, order_state, end = ENDS[story]
    for seen in product([False, True], repeat=len(stages) - 1):
        order = factories.make_order(OrderState.PAID)
        payment = captured(order)
        before = balances()
        for stage, is_seen in zip(stages, (*seen, True), strict=True):
            ref = f"dp_{order.pk}"
            Bank.facts[ref] = replace(fact(payment, provider_ref=ref), **stage)
            for _repeated in range(2 if is_seen else 0):
                disputing.settle_dispute("stripe", ref)
        dispute = Dispute.objects.get(provider_ref=ref)
        order.refresh_from_db()
        assert (dispute.state, order.state) == (state, order_state), seen
        after = balances()
        moved = {name: after.get(name, 0) - before.get(name, 0) for name in after.keys() | before.keys()}
        others = {name: end.get(name, 0) - CAPTURED.get(name, 0) for name in end.keys() | CAPTURED.keys()}
        assert {n: m for n, m in moved.items() if m} == {n: m for n, m in others.items() if m}, seen
    assert list(ledger.check()) == []


@pytest.mark.parametrize("order_of_events", list(permutations(range(4))))
def test_all_orders_of_the_four_events_end_the_same(order_of_events):
    """created, funds_withdrawn, funds_reinstated, closed: the event names the dispute, the bank says the rest."""
    payment = captured(factories.make_order(OrderState.PAID))
    happened = [
        {"funds_withdrawn": False, "fee": None}, {}, {"state": D.UNDER_REVIEW, "funds_withdrawn": False},
        {"state": D.WON, "funds_withdrawn": False},
    ]  # fmt: skip
    latest = 0
    for number, event in enumerate(order_of_events):
        latest = max(latest, event)
        says(payment)
        Bank.facts[REF] = replace(Bank.facts[REF], **happened[latest])
        row = delivery(Subject.DISPUTE, REF, f"evt_{number}")
        inbox.process(row.pk)
        row.refresh_from_db()
        assert row.work_state == WorkState.DONE

    assert Dispute.objects.get().state == D.WON
    assert balances().get("disputed") is None
    assert sum(balances().values()) == 0
    assert list(ledger.check()) == []


def test_an_answer_older_than_the_row_is_asked_for_again():
    payment = captured(factories.make_order())
    old, new = fact(payment), fact(payment, D.LOST)

    def while_somebody_else_books_the_newer():
        Bank.facts[REF] = new
        settle()
        return old

    Bank.facts[REF] = while_somebody_else_books_the_newer

    assert settle().state == D.LOST
    with pytest.raises(disputing.Outdated):
        disputing.fold_dispute("stripe", old, seen=None)
    assert Dispute.objects.get().state == D.LOST


def test_a_fee_in_the_currency_of_our_account_balances_on_its_own():
    payment = captured(factories.make_order())
    fee = Money(Decimal("21.50"), "USD")
    says(payment, fee=fee)
    settle()
    settle()
    assert disputing.taken_back(payment) == PRICE
    assert [(account, total) for account, currency, total in ledger.balances() if currency == "USD"] == [
        ("provider_fees", fee.amount),
        ("stripe_clearing", -fee.amount),
    ]

    says(payment, D.WON, funds_withdrawn=False, fee=Money(Decimal(0), "USD"))
    settle()

    assert {total for _account, currency, total in ledger.balances() if currency == "USD"} == {0}
    assert LedgerTransaction.objects.filter(kind="dispute-fee-returned").count() == 1
    assert list(ledger.check()) == []


def test_a_lost_dispute_that_the_bank_reopens_and_reverses_is_booked_back():
    order = factories.make_order()
    payment = captured(order)
    for state, withdrawn in [(D.LOST, True), (D.UNDER_REVIEW, True), (D.WON, False), (D.NEEDS_RESPONSE, True)]:
        says(payment, state, funds_withdrawn=withdrawn)
        dispute = settle()

    assert (dispute.state, dispute.closed_at) == (D.NEEDS_RESPONSE, None)
    assert balances()["disputed"] == PRICE
    assert "dispute_losses" not in balances()
    keys = set(LedgerTransaction.objects.filter(key__startswith="dispute:").values_list("key", flat=True))
    steps = {"withdrawn:1", "fee:1", "lost:1", "loss-undone:1", "reinstated:1", "withdrawn:2"}
    assert keys == {f"dispute:{dispute.pk}:{step}" for step in steps}
    order.refresh_from_db()
    assert order.state == OrderState.ON_HOLD


def test_a_partial_dispute_takes_its_amount_only():
    payment = captured(factories.make_order())
    says(payment, money=Money(Decimal("5.00"), "EUR"))
    settle()
    says(payment, money=Money(Decimal("7.50"), "EUR"))
    settle()

    assert balances()["disputed"] == Decimal("7.50")
    assert refunding.refundable(payment).amount == PRICE - Decimal("7.50")


def test_a_dispute_faster_than_its_payment_waits_in_the_inbox_and_stops_the_order_later():
    order = factories.make_order()
    payment = captured(order)
    Payment.objects.filter(pk=payment.pk).update(state=PaymentState.OPEN, captured_at=None, next_action_at=clock.now())
    says(payment)
    row = delivery(Subject.DISPUTE, REF)
    inbox.process(row.pk)
    row.refresh_from_db()
    assert (row.work_state, row.verdict) == (WorkState.QUEUED, "unknown_reference")
    assert not Dispute.objects.exists()

    Payment.objects.filter(pk=payment.pk).update(state=PaymentState.CAPTURED, captured_at=clock.now())
    WebhookDelivery.objects.update(next_action_at=clock.now())
    inbox.process(row.pk)

    row.refresh_from_db()
    order.refresh_from_db()
    assert (row.work_state, row.payment) == (WorkState.DONE, payment)
    assert (order.state, order.hold_reason) == (OrderState.ON_HOLD, HoldReason.DISPUTE)


def test_a_bank_that_does_not_answer_changes_nothing():
    payment = captured(factories.make_order())
    Bank.facts[REF] = OutcomeUnknown("timeout")
    row = delivery(Subject.DISPUTE, REF)

    inbox.process(row.pk)

    row.refresh_from_db()
    assert row.work_state == WorkState.QUEUED
    assert not Dispute.objects.exists()
    assert balances() == CAPTURED
    assert not payment.disputes.exists()


# Freezing


def test_a_dispute_holds_what_is_not_forwarded_and_leaves_the_rest():
    purchase = factories.make_purchase(imeis=tuple(factories.imei(n) for n in range(1, 4)), paid=True)
    paid, sent, done = purchase.orders.order_by("position")
    factories.bring_to(sent, OrderState.IN_PROCESS)
    factories.bring_to(done, OrderState.COMPLETED)
    says(captured(paid))

    settle()

    assert disputing.is_frozen(purchase)
    assert list(purchase.orders.order_by("position").values_list("state", flat=True)) == [
        OrderState.ON_HOLD, OrderState.IN_PROCESS, OrderState.COMPLETED,
    ]  # fmt: skip
    assert forwarding.begin(paid.pk) is None


@pytest.mark.parametrize("state", [D.WON, D.WITHDRAWN])
def test_a_dispute_that_ends_well_lets_the_orders_go_on(state):
    order, _dispute = disputed(OrderState.PAID)
    says(Payment.objects.get(), state, funds_withdrawn=False)

    settle()

    order.refresh_from_db()
    assert (order.state, order.purchase.frozen_for) == (OrderState.PAID, "")
    assert not disputing.is_frozen(order.purchase)
    assert forwarding.begin(order.pk) is not None


def test_a_lost_dispute_keeps_the_orders_with_staff():
    order, _dispute = disputed(OrderState.PAID)
    says(Payment.objects.get(), D.LOST)

    settle()

    order.refresh_from_db()
    assert (order.state, order.owner) == (OrderState.ON_HOLD, "staff")


@pytest.mark.parametrize("state", [OrderState.SUBMITTING, OrderState.UNCERTAIN])
def test_an_order_that_comes_back_from_the_supplier_meanwhile_is_held_before_it_is_sent_again(state):
    order, _dispute = disputed(state)
    assert order.state == state
    SupplierAttempt.objects.update(outcome=AttemptOutcome.NOT_SENT)
    lifecycle.back_to_paid(order.pk, "order.not_sent", retry_at=clock.now(), actor=SYSTEM)

    assert forwarding.begin(order.pk) is None

    order.refresh_from_db()
    assert (order.state, order.hold_reason) == (OrderState.ON_HOLD, HoldReason.DISPUTE)


def test_staff_who_let_the_orders_go_on_are_not_overruled_by_the_next_event():
    order, dispute = disputed(OrderState.PAID)

    with pytest.raises(Refused, match="reason"):
        disputing.release(dispute.pk, reason=" ", actor=SAM)
    assert disputing.release(dispute.pk, reason="the customer took it back", actor=SAM) == 1
    says(Payment.objects.get(), D.UNDER_REVIEW)
    settle()

    order.refresh_from_db()
    assert order.state == OrderState.PAID
    assert forwarding.begin(order.pk) is not None


def test_orders_that_staff_held_stay_held():
    order = factories.make_order(OrderState.ON_HOLD)
    payment = captured(order)
    says(payment)
    settle()
    says(payment, D.WON, funds_withdrawn=False)
    settle()

    order.refresh_from_db()
    assert (order.state, order.hold_reason) == (OrderState.ON_HOLD, HoldReason.STAFF)


def test_two_disputes_about_one_purchase_must_both_end():
    order, _dispute = disputed(OrderState.PAID)
    payment = Payment.objects.get()
    Bank.facts["dp_2"] = fact(payment, provider_ref="dp_2", funds_withdrawn=False, fee=None)
    disputing.settle_dispute("stripe", "dp_2")
    says(payment, D.WON, funds_withdrawn=False)
    settle()
    order.refresh_from_db()
    assert order.state == OrderState.ON_HOLD

    Bank.facts["dp_2"] = replace(Bank.facts["dp_2"], state=D.WITHDRAWN)
    disputing.settle_dispute("stripe", "dp_2")

    order.refresh_from_db()
    assert order.state == OrderState.PAID


# Refunds


def test_what_the_bank_took_back_cannot_be_refunded_as_well():
    disputed()
    payment = Payment.objects.get()

    assert refunding.refundable(payment).amount == 0
    with pytest.raises(Refused) as refused:
        refunding.request_refund(
            payment.pk, money=payment.money, grounds=Grounds("goodwill", "asked", "anyway"), actor=SAM
        )
    assert refused.value.code == "too_much"


def test_nothing_is_refunded_by_itself_while_a_bank_inquires():
    payment = captured(factories.make_order(OrderState.COMPLETED))
    says(payment, funds_withdrawn=False, fee=None)
    settle()

    with pytest.raises(Refused) as refused:
        refunding.request_refund(payment.pk, money=payment.money, grounds=Grounds("rule", "asked"), actor=SYSTEM)
    assert refused.value.code == "disputed"


# Deadlines


def test_the_most_urgent_comes_first_and_under_48_hours_is_an_alarm(monday):
    payments = [captured(factories.make_order()) for _ in range(4)]
    hours = {"dp_a": 100, "dp_b": 47, "dp_c": None, "dp_d": 10}
    for (ref, left), payment in zip(hours.items(), payments, strict=True):
        due = monday + timedelta(hours=left) if left else None
        state = D.UNDER_REVIEW if ref == "dp_d" else D.NEEDS_RESPONSE
        Bank.facts[ref] = fact(payment, state, provider_ref=ref, respond_by=due)
        disputing.settle_dispute("stripe", ref)

    assert [dispute.provider_ref for dispute in disputing.due_disputes()] == ["dp_b", "dp_a", "dp_c"]
    assert [dispute.provider_ref for dispute in disputing.urgent_disputes()] == ["dp_b"]


# Early fraud warnings


def test_a_fraud_warning_flags_the_payment_and_holds_the_order():
    order = factories.make_order()
    payment = captured(order)
    Bank.warnings = [WarningFact("issfr_1", "made_with_lost_card")]
    row = delivery(Subject.WARNING, payment.charge_ref)

    inbox.process(row.pk)

    payment.refresh_from_db()
    order.refresh_from_db()
    assert payment.attention == Attention.FRAUD
    assert [(each.provider_ref, each.reason) for each in payment.warnings.all()] == [
        ("issfr_1", "made_with_lost_card")
    ]
    assert (order.state, order.hold_reason) == (OrderState.ON_HOLD, HoldReason.FRAUD_WARNING)


def test_a_cleared_warning_stays_cleared_and_the_order_goes_on():
    order = factories.make_order()
    payment = captured(order)
    Bank.warnings = [WarningFact("issfr_1", "misc")]
    disputing.settle_warning("stripe", payment.charge_ref)

    disputing.clear_warning(payment.pk, reason="called the customer", actor=SAM)
    disputing.settle_warning("stripe", payment.charge_ref)

    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.attention, order.state) == ("", OrderState.PAID)
    with pytest.raises(Refused):
        disputing.clear_warning(payment.pk, reason="again", actor=SAM)


def test_every_warning_counts_once_however_many_there_are():
    payment = captured(factories.make_order())
    Bank.warnings = [WarningFact(f"issfr_{n}" + "x" * 200, "made_with_a_very_long_reason" * 3) for n in range(10)]
    disputing.settle_warning("stripe", payment.charge_ref)
    disputing.clear_warning(payment.pk, reason="called the customer", actor=SAM)

    for _again in range(3):
        disputing.settle_warning("stripe", payment.charge_ref)
    assert Payment.objects.get().attention == Attention.NONE

    Bank.warnings.append(WarningFact("issfr", "part of another's id"))
    disputing.settle_warning("stripe", payment.charge_ref)
    assert (Payment.objects.get().attention, payment.warnings.count()) == (Attention.FRAUD, 11)


def test_a_warning_that_becomes_a_dispute_is_held_as_disputed():
    order = factories.make_order()
    payment = captured(order)
    Bank.warnings = [WarningFact("issfr_1", "misc")]
    disputing.settle_warning("stripe", payment.charge_ref)
    says(payment)
    settle()
    disputing.clear_warning(payment.pk, reason="now it is a dispute", actor=SAM)
    order.refresh_from_db()
    assert (order.state, order.purchase.frozen_for) == (OrderState.ON_HOLD, HoldReason.DISPUTE)

    says(payment, D.WON, funds_withdrawn=False)
    settle()

    order.refresh_from_db()
    assert order.state == OrderState.PAID


def test_money_under_a_fraud_warning_is_still_that_of_its_order():
    order = factories.make_order()
    payment = captured(order)
    Bank.warnings = [WarningFact("issfr_1", "misc")]
    disputing.settle_warning("stripe", payment.charge_ref)

    with pytest.raises(Refused) as refused:
        refunding.request_refund(payment.pk, money=payment.money, grounds=Grounds("rule", "asked"), actor=SAM)
    assert refused.value.code == "alive_at_supplier"


def test_the_story_of_a_frozen_order_tells_staff_why_and_the_customer_only_that_we_look():
    order, _dispute = disputed(OrderState.PAID)
    event = Order.objects.get(pk=order.pk).events.get(kind="order.held")

    assert json.dumps(event.data) == json.dumps({"reason": "The payment is disputed", "message": REF})
    assert event.actor_kind == "provider"
