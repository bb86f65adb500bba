"""A supplier is asked to drop an order once, its last answer counts, and never against a result."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from orders import cancelling, events, lifecycle
from orders.models import CancelRequest, Order
from orders.states import AttemptOutcome, CancelState, HoldReason, OrderState
from services.suppliers.base import CancelAnswer, Feature
from tests import factories
from tests.helpers.suppliers import ScriptedClient, asked
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, staff
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, TransitionRefused
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
S, C = OrderState, CancelState
SAM = staff(1, "sam@example.com")


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset(Feature.CANCEL)


def requested(state: OrderState = S.IN_PROCESS) -> CancelRequest:
    order = factories.make_order(S.IN_PROCESS)
    if state == S.ON_HOLD:
        lifecycle.hold(order.pk, reason=HoldReason.STAFF, actor=SAM)
    return cancelling.request(order.pk, reason="the customer changed her mind", actor=SAM)


def answered(*answers) -> CancelRequest:
    row = requested()
    ScriptedClient.reset(Feature.CANCEL, cancel=list(answers))
    cancelling.ask(row.pk)
    row.refresh_from_db()
    return row


def order_of(row: CancelRequest) -> Order:
    return Order.objects.get(pk=row.order_id)


@pytest.mark.parametrize("state", [S.IN_PROCESS, S.ON_HOLD])
def test_an_agreement_cancels_the_order_with_its_mail_and_once(state):
    row = requested(state)
    for _ in range(5):
        cancelling.ask(row.pk)

    row.refresh_from_db()
    order = order_of(row)
    assert (row.state, row.work_state, row.by_label) == (C.AGREED, WorkState.DONE, SAM.label)
    assert order.state == S.CANCELLED
    assert order.supplier_attempts.get().outcome == AttemptOutcome.REJECTED
    assert asked("cancel") == 1
    assert order.purchase.mails.filter(kind="cancelled").count() == 1
    assert [exchange.purpose for exchange in order.supplier_attempts.get().exchanges.all()] == ["cancel"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (CancelAnswer.TOO_LATE, C.TOO_LATE),
        (CancelAnswer.ASKED, C.ASKED),
        (OutcomeUnknown("a page"), C.UNCLEAR),
        (Refused("bad key", code="auth"), C.BY_HAND),
        (RuntimeError("a bug"), C.TO_ASK),
    ],
)
def test_any_other_answer_leaves_the_order_as_it_is(answer, state):
    row = answered(answer)

    assert row.state == state
    assert order_of(row).state == S.IN_PROCESS
    with clock.frozen(clock.now() + timedelta(hours=3)):
        cancelling.ask(row.pk)
    assert asked("cancel") == 1, "what may have been heard is not asked again"


def test_what_was_provably_not_asked_is_asked_again_and_then_left_to_staff():
    row = answered(*[Retryable("down")] * 20)
    assert row.state == C.TO_ASK
    for hour in range(20):
        with clock.frozen(clock.now() + timedelta(hours=2 * hour + 2)):
            cancelling.ask(row.pk)
    row.refresh_from_db()
    assert (row.state, asked("cancel")) == (C.BY_HAND, cancelling.TRIES)


def test_a_worker_lost_in_the_call_leaves_it_unclear():
    row = requested()
    CancelRequest.objects.filter(pk=row.pk).update(asked_at=clock.now(), work_state="claimed", lease_token="gone")

    cancelling.ask(row.pk)

    row.refresh_from_db()
    assert (row.state, asked("cancel")) == (C.UNCLEAR, 0)


def test_the_customer_reads_what_became_of_it():
    row = answered(CancelAnswer.TOO_LATE)
    told = [events.customer_sentence(event) for event in order_of(row).events.order_by("seq")]
    assert told[-2:] == [
        "We are asking our supplier to cancel this order.",
        "It was too late to cancel at our supplier.",
    ]


def test_a_protocol_that_cannot_cancel_leaves_a_trail_for_staff():
    ScriptedClient.reset(Feature.FIND)
    row = requested()
    assert (row.state, row.next_action_at) == (C.BY_HAND, None)
    assert list(cancelling.for_staff()) == [row]

    cancelling.write_down(row.pk, note="ticket 4711, 10:15", actor=SAM)
    row.refresh_from_db()
    assert (row.written_note, row.written_at is None) == ("ticket 4711, 10:15", False)
    assert cancelling.settle(row.pk, C.AGREED, message="ticket 4711 closed", actor=SAM) == C.AGREED

    assert order_of(row).state == S.CANCELLED
    assert not cancelling.for_staff().exists()
    assert list(order_of(row).events.filter(kind__startswith="supplier.").values_list("kind", flat=True)) == [
        "supplier.cancel_requested",
        "supplier.cancel_written",
        "supplier.cancel_agreed",
    ]


def test_the_last_answer_counts():
    row = answered(CancelAnswer.ASKED)
    cancelling.settle(row.pk, C.REFUSED, message="no", actor=SAM)
    assert order_of(row).state == S.IN_PROCESS
    cancelling.settle(row.pk, C.AGREED, message="after all", actor=SAM)
    assert order_of(row).state == S.CANCELLED


def test_an_agreement_after_the_result_is_too_late():
    row = answered(CancelAnswer.ASKED)
    lifecycle.complete(row.order_id, result="CODE: 1", supplier_name="x", actor=SYSTEM)

    assert cancelling.settle(row.pk, C.AGREED, message="", actor=SAM) == C.TOO_LATE
    assert order_of(row).state == S.COMPLETED
    with pytest.raises(TransitionRefused):
        cancelling.settle(row.pk, C.AGREED, message="", actor=SAM)


@pytest.mark.parametrize(("end", "state"), [("complete", C.TOO_LATE), ("unavailable", C.ENDED)])
def test_an_order_that_ends_by_itself_closes_its_request(end, state):
    row = answered(CancelAnswer.ASKED)
    if end == "complete":
        lifecycle.complete(row.order_id, result="CODE: 1", supplier_name="x", actor=SYSTEM)
    else:
        lifecycle.mark_unavailable(row.order_id, note="", supplier_name="x", actor=SYSTEM)

    assert cancelling.close_ended() == 1
    assert cancelling.close_ended() == 0
    row.refresh_from_db()
    assert row.state == state


def test_a_result_before_the_question_leaves_it_unasked():
    row = requested()
    lifecycle.complete(row.order_id, result="CODE: 1", supplier_name="x", actor=SYSTEM)
    cancelling.ask(row.pk)
    row.refresh_from_db()
    assert (row.state, asked("cancel")) == (C.TOO_LATE, 0)


@pytest.mark.parametrize("state", [s for s in S if s != S.IN_PROCESS])
def test_only_an_order_that_a_supplier_has_can_be_asked_for(state):
    order = factories.make_order(state)
    with pytest.raises(TransitionRefused):
        cancelling.request(order.pk, reason="please", actor=SAM)


def test_one_request_is_open_at_a_time_and_needs_a_reason():
    row = requested()
    with pytest.raises(Refused, match="already"):
        cancelling.request(row.order_id, reason="again", actor=SAM)
    with pytest.raises(Refused, match="reason"):
        cancelling.request(row.order_id, reason=" ", actor=SAM)
    with pytest.raises(IntegrityError), transaction.atomic():
        CancelRequest.objects.create(
            order=row.order, attempt=row.attempt, state=C.BY_HAND, reason="x", by_kind="staff", by_label="x"
        )


@pytest.mark.parametrize("answer", [C.TO_ASK, C.ASKED, C.ENDED])
def test_what_is_no_answer_is_refused(answer):
    with pytest.raises(TransitionRefused):
        cancelling.settle(requested().pk, answer, message="", actor=SAM)
