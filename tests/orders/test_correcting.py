"""Correcting an order: changed at once while it is here, replaced once the supplier that has it drops it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from orders import cancelling, clocks, correcting, forwarding, lifecycle, mailing, replacing, routing
from orders.models import CancelRequest, CorrectionRequest, Order, OutgoingMail
from orders.right_data import RightData
from orders.states import CancelState, CorrectionState, HoldReason, OrderState
from payments import booking, ledger, owing, refunding
from payments.models import LedgerTransaction, Payment
from payments.refunding import Grounds
from refunds import outcomes
from services.models import ServicePrice
from services.suppliers.base import CancelAnswer, Feature
from tests import factories
from tests.admin.conftest import make_payment
from tests.helpers.suppliers import ScriptedClient, asked
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused, TransitionRefused
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db
S = OrderState
WRONG, RIGHT = factories.imei(1), factories.imei(2)
REFUSAL = "If the old order cannot be called off, the right data needs a new order. (IMEIORG-11.2c)"


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


def right(identifier: str = RIGHT, *, again: bool = False, **answers: str) -> RightData:
    return RightData(identifier, "imei", answers, again)


def order_in(state: OrderState, **kwargs) -> Order:
    return factories.make_order(state, imeis=(WRONG,), **kwargs)


def correct(order: Order, data: RightData | None = None) -> Order:
    return correcting.correct(order.pk, data or right(), rule="default 2026-11", actor=factories.CUSTOMER)


def ask(order: Order, data: RightData | None = None) -> CorrectionRequest:
    return correcting.ask(order.pk, data or right(), rule="default 2026-11", refusal=REFUSAL, actor=factories.CUSTOMER)


def answer(row: CorrectionRequest, state: CancelState) -> CancelState:
    return cancelling.settle(row.cancel_request_id, state, message="by mail", actor=SYSTEM)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


# --- At once


@pytest.mark.parametrize("state", [S.PAID, S.ON_HOLD])
def test_what_is_here_is_changed_with_both_values_kept(state):
    order = order_in(state)

    correct(order)

    now = fresh(order)
    assert (now.identifier, now.state, now.paid_at, now.price) == (RIGHT, state, order.paid_at, order.price)
    told = order.events.get(kind="order.corrected")
    assert (told.data["old device"], told.data["new device"]) == (WRONG, RIGHT)
    assert (told.actor_kind, told.ip, told.data["rule"]) == ("customer", "192.0.2.7", "default 2026-11")
    mail = OutgoingMail.objects.get(kind="correction")
    assert RIGHT[:6] in mailing.render(mail).text.replace("-", "")


@pytest.mark.parametrize(
    "state", [s for s in S if s not in {S.PAID, S.ON_HOLD}]
)  # fmt: skip
def test_in_no_other_state_is_it_changed(state):
    order = order_in(state)

    with pytest.raises(Refused) as refused:
        correct(order)

    assert refused.value.code == "left"
    assert fresh(order).identifier == WRONG
    assert not order.events.filter(kind="order.corrected").exists()


def test_on_hold_with_an_unclear_attempt_is_neither_here_nor_there():
    order = order_in(S.UNCERTAIN)
    lifecycle.hold(order.pk, reason=HoldReason.UNCERTAIN_PURCHASE, actor=SYSTEM)

    with pytest.raises(Refused, match="left"):
        correct(order)
    with pytest.raises(Refused) as refused:
        ask(order)
    assert refused.value.code == "not_there"


def test_the_right_data_leave(monday):
    order = order_in(S.PAID)
    correct(order)

    forwarding.forward(order.pk)

    assert [job.identifier for verb, job in ScriptedClient.calls if verb == "place"] == [RIGHT]
    assert order.supplier_attempts.get().work_key == routing.work_key(fresh(order))


def test_the_times_count_from_the_correction():
    """IMEIORG-11.2b: from the change, not from the sale."""
    paid_at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    with clock.frozen(paid_at):
        order = order_in(S.ON_HOLD)
    before = fresh(order)
    with clock.frozen(paid_at + timedelta(hours=5)):
        correct(order)
        after = fresh(order)
        message = mailing.render(OutgoingMail.objects.get(kind="correction"))

    assert after.promised_until == before.promised_until + timedelta(hours=5)
    assert after.result_due_at == after.promised_until
    assert after.submission_due_at == before.submission_due_at + timedelta(hours=5)
    assert order.events.get(kind="order.clocks_restarted").data["due"] in message.text
    assert "count from the correction" in message.text
    assert after.paid_at == before.paid_at


def test_a_correction_takes_no_later_date_and_no_hold_away():
    """What the customer was told stays the latest, and an order held for its free minutes leaves after them."""
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    later, until = now + timedelta(days=90), now + timedelta(minutes=10)
    with clock.frozen(now):
        order = order_in(S.PAID)
        Order.objects.filter(pk=order.pk).update(result_due_at=later, forward_after=until)
        correct(order)

    after = fresh(order)
    assert (after.result_due_at, after.forward_after) == (later, until)
    assert after.submission_due_at == until + timedelta(minutes=60)


def test_what_is_late_stays_late_when_it_is_corrected():
    """A right that the customer has by then is not taken back."""
    with clock.frozen(datetime(2026, 11, 23, 12, tzinfo=UTC)):
        order = order_in(S.ON_HOLD)
    before = fresh(order)
    with clock.frozen(before.result_due_at + timedelta(seconds=1)):
        correct(order)
        assert clocks.is_late(fresh(order), clock.now())
        message = mailing.render(OutgoingMail.objects.get(kind="correction"))

    assert fresh(order).promised_until == before.promised_until
    assert "count from the correction" not in message.text


def test_what_staff_approved_was_another_device():
    order = order_in(S.ON_HOLD)
    lifecycle.resume(order.pk, reason="looked at", actor=SYSTEM)
    assert fresh(order).approved_at is not None

    correct(order)

    assert fresh(order).approved_at is None


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (HoldReason.INPUT_REFUSED, S.PAID),
        (HoldReason.SAME_DEVICE, S.PAID),
        (HoldReason.NEEDS_APPROVAL, S.ON_HOLD),
        (HoldReason.STAFF, S.ON_HOLD),
    ],
)
def test_a_hold_that_was_about_the_data_ends_with_them(reason, state):
    order = order_in(S.PAID)
    lifecycle.hold(order.pk, reason=reason, actor=SYSTEM)

    correct(order)

    assert fresh(order).state == state


def test_data_that_change_nothing_or_the_price_are_refused():
    service = factories.make_service(fields=(("imei", "imei"), ("amount", "text")))
    ServicePrice.objects.create(service=service, currency="EUR", option="amount=20", amount=20)
    order = order_in(S.PAID, service=service)

    for data, code in ((right(WRONG), "unchanged"), (right(WRONG, amount="20"), "price")):
        with pytest.raises(Refused) as refused:
            correct(order, data)
        assert refused.value.code == code
    assert correct(order, right(WRONG, amount="5")).answers == {"amount": "5"}


def test_work_that_is_under_way_needs_a_second_yes():
    service = factories.make_service()
    factories.make_purchase(service, imeis=(RIGHT,), paid=True)
    order = order_in(S.PAID, service=service)

    with pytest.raises(Refused) as refused:
        correct(order)
    assert refused.value.code == "under_way"
    assert correct(order, right(again=True)).is_recheck is True
    assert correct(order, right(factories.imei(3), again=True)).is_recheck is False


def test_a_script_does_not_correct_for_ever():
    order = order_in(S.PAID)
    for serial in range(10, 10 + correcting.MOST):
        correct(order, right(factories.imei(serial)))

    with pytest.raises(Refused) as refused:
        correct(order)
    assert refused.value.code == "too_often"


# --- By the supplier


def paid_in_process() -> Order:
    order = order_in(S.IN_PROCESS)
    make_payment(order)
    return order


def test_the_supplier_is_asked_once():
    order = order_in(S.IN_PROCESS)

    row = ask(order)

    assert (row.state, row.owner, row.due_at - row.created_at < timedelta(hours=25)) == ("asked", "staff", True)
    assert row.cancel_request.state == CancelState.BY_HAND
    assert fresh(order).identifier == WRONG
    with pytest.raises(Refused) as refused:
        ask(order)
    assert refused.value.code == "asked_already"
    assert CancelRequest.objects.count() == 1


@pytest.mark.parametrize("state", [s for s in S if s not in {S.IN_PROCESS}])
def test_only_what_a_supplier_has_is_asked_for(state):
    order = order_in(state)

    with pytest.raises(Refused) as refused:
        ask(order)

    assert refused.value.code == "not_there"
    assert not CorrectionRequest.objects.exists()


def test_agreed_it_is_replaced_in_one_act_with_clocks_of_its_own(monday):
    order = paid_in_process()
    row = ask(order)
    before = (LedgerTransaction.objects.count(), list(ledger.check()))

    with clock.frozen(monday + timedelta(hours=5)):
        assert answer(row, CancelState.AGREED) == CancelState.AGREED

    old, new, row = fresh(order), order.purchase.orders.get(identifier=RIGHT), fresh(row)
    assert (old.state, old.identifier, new.state, row.state) == (S.CANCELLED, WRONG, S.PAID, CorrectionState.REPLACED)
    assert (row.replacement, new.replaces.order) == (new, old)
    assert (new.money, new.position, new.purchase) == (old.money, 2, old.purchase)
    assert new.paid_at == new.created_at == monday + timedelta(hours=5)
    assert new.promised_until - old.promised_until == timedelta(hours=5)
    assert (LedgerTransaction.objects.count(), list(ledger.check())) == before
    assert owing.owed_back(old) == Money(Decimal(0), "EUR")
    assert not outcomes.due_orders().exists()
    assert [mail.kind for mail in OutgoingMail.objects.order_by("pk")][-1] == "correction"
    assert not OutgoingMail.objects.filter(kind="cancelled").exists()
    text = mailing.render(new.mails.get(kind="correction")).text
    assert old.number in text
    assert "nothing to pay" in text


def test_the_worker_asks_where_the_protocol_can():
    ScriptedClient.reset(Feature.CANCEL)
    row = ask(order_in(S.IN_PROCESS))
    assert row.cancel_request.state == CancelState.TO_ASK

    cancelling.ask(row.cancel_request_id)

    assert asked("cancel") == 1
    assert fresh(row).state == CorrectionState.REPLACED


def test_the_replacement_is_delivered_and_its_price_becomes_one_sale():
    order = paid_in_process()
    row = ask(order)
    answer(row, CancelState.AGREED)
    new = fresh(row).replacement

    forwarding.forward(new.pk)
    lifecycle.complete(new.pk, result="CODE: 1", supplier_name="x", actor=SYSTEM)
    booking.book_deliveries()

    jobs = [job.identifier for verb, job in ScriptedClient.calls if verb == "place"]
    assert jobs == [RIGHT]
    sale = LedgerTransaction.objects.get(kind="sale")
    assert sale.order == new
    assert list(ledger.check()) == []


def test_the_price_can_be_given_back_once_and_only_for_the_replacement():
    order = paid_in_process()
    row = ask(order)
    answer(row, CancelState.AGREED)
    new, payment = fresh(row).replacement, Payment.objects.get()
    lifecycle.cancel(new.pk, reason="asked for", actor=SYSTEM)
    grounds = Grounds("default 2026-11", "called off")

    with pytest.raises(Refused) as refused:
        refunding.request_refund(payment.pk, money=order.money, grounds=grounds, actor=SYSTEM, order_id=order.pk)
    assert refused.value.code == "too_much"
    assert owing.owed_back(fresh(new)) == new.money
    refunding.request_refund(payment.pk, money=order.money, grounds=grounds, actor=SYSTEM, order_id=new.pk)
    assert owing.owed_back(fresh(new)).amount == 0


def test_what_was_given_back_of_the_former_is_missing_from_the_replacement():
    order = paid_in_process()
    payment = Payment.objects.get()
    refunding.request_refund(
        payment.pk, money=Money(Decimal("8.90"), "EUR"), grounds=Grounds("goodwill", "slow", override="asked by lead"),
        actor=actors.staff(1, "sam@example.com"), order_id=order.pk,
    )  # fmt: skip
    row = ask(order)
    answer(row, CancelState.AGREED)
    new = fresh(row).replacement
    lifecycle.cancel(new.pk, reason="asked for", actor=SYSTEM)

    assert owing.owed_back(fresh(new)) == Money(Decimal("10.00"), "EUR")


@pytest.mark.parametrize(
    ("said", "state", "word"),
    [
        (CancelState.REFUSED, CorrectionState.REFUSED, "did not agree"),
        (CancelState.TOO_LATE, CorrectionState.TOO_LATE, "before our supplier could drop"),
    ],
)
def test_refused_the_order_goes_on_and_the_customer_reads_the_clause(said, state, word):
    order = order_in(S.IN_PROCESS)
    row = ask(order)

    answer(row, said)

    assert (fresh(order).state, fresh(row).state) == (S.IN_PROCESS, state)
    assert order.purchase.orders.count() == 1
    mail = mailing.render(OutgoingMail.objects.filter(kind="correction").order_by("pk").last())
    assert "IMEIORG-11.2c" in mail.text
    assert word in " ".join(mail.text.split())
    assert word in " ".join(mail.html.split())


def test_a_result_that_came_first_stays(monday):
    order = order_in(S.IN_PROCESS)
    row = ask(order)
    lifecycle.complete(order.pk, result="CODE: 1", supplier_name="x", actor=SYSTEM)

    assert answer(row, CancelState.AGREED) == CancelState.TOO_LATE

    assert (fresh(order).state, fresh(row).state) == (S.COMPLETED, CorrectionState.TOO_LATE)
    assert Order.objects.count() == 1


def test_an_end_without_a_result_closes_it():
    order = order_in(S.IN_PROCESS)
    row = ask(order)
    lifecycle.mark_not_found(order.pk, note="", supplier_name="x", actor=SYSTEM)

    cancelling.close_ended()

    assert fresh(row).state == CorrectionState.ENDED
    assert Order.objects.count() == 1


def test_agreed_after_a_refusal_is_a_cancellation_and_no_second_order():
    order = order_in(S.IN_PROCESS)
    row = ask(order)
    answer(row, CancelState.REFUSED)

    answer(row, CancelState.AGREED)

    assert (fresh(order).state, fresh(row).state, Order.objects.count()) == (S.CANCELLED, CorrectionState.REFUSED, 1)
    assert OutgoingMail.objects.filter(kind="cancelled").exists()


def test_a_replacement_can_be_corrected_and_replaced_again():
    order = paid_in_process()
    first = ask(order)
    answer(first, CancelState.AGREED)
    second = fresh(first).replacement
    correct(second, right(factories.imei(3)))
    forwarding.forward(second.pk)
    row = ask(second, right(factories.imei(4)))
    answer(row, CancelState.AGREED)

    third = fresh(row).replacement
    assert replacing.with_former(third) == [third.pk, second.pk, order.pk]
    assert sorted(order.purchase.orders.values_list("position", "state")) == [
        (1, S.CANCELLED), (2, S.CANCELLED), (3, S.PAID),
    ]  # fmt: skip


@pytest.mark.parametrize("state", [s for s in S if s != S.CANCELLED])
def test_what_is_not_over_is_not_replaced(state):
    row = ask(order_in(S.IN_PROCESS))
    other = factories.make_order(state, imeis=(factories.imei(7),))
    CorrectionRequest.objects.filter(pk=row.pk).update(order=other)

    with pytest.raises(TransitionRefused):
        replacing.replace(CorrectionRequest.objects.get(), actor=SYSTEM)

    assert Order.objects.count() == 2


def test_a_supplier_that_delivers_what_it_dropped_changes_nothing():
    ScriptedClient.reset(Feature.CANCEL, cancel=[CancelAnswer.CANCELLED])
    row = ask(order_in(S.IN_PROCESS))
    cancelling.ask(row.cancel_request_id)

    with pytest.raises(TransitionRefused):
        lifecycle.complete(row.order_id, result="CODE: 9", supplier_name="x", actor=SYSTEM)
    assert Order.objects.get(pk=row.order_id).state == S.CANCELLED


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "replaced"},
        {"state": "refused"},
        {"state": "nonsense"},
        {"owner": ""},
        {"answered_at": "2026-11-23T12:00:00Z"},
    ],
)
def test_the_database_knows_the_rules_too(columns):
    row = ask(order_in(S.IN_PROCESS))

    with pytest.raises(IntegrityError), transaction.atomic():
        CorrectionRequest.objects.filter(pk=row.pk).update(**columns)
