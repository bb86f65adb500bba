"""Every legal move works and tells its story; every other one is refused and changes nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from orders import lifecycle
from orders.models import Order, OrderEvent, OutgoingMail
from orders.states import OPEN, TRANSITIONS, UNPAID, HoldReason, OrderState, is_legal
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused, TransitionRefused

pytestmark = pytest.mark.django_db

S = OrderState
# Every public way to move an order, called with what it needs.
MOVES = {
    S.PAID: [
        lambda o: lifecycle.mark_paid(o.pk, actor=SYSTEM, at=clock.now()),
        lambda o: lifecycle.back_to_paid(o.pk, "order.not_sent", retry_at=clock.now(), actor=SYSTEM),
        lambda o: lifecycle.resubmit(o.pk, reason="once more", actor=SYSTEM),
    ],
    S.EXPIRED: [lambda o: lifecycle.expire(o.pk, actor=SYSTEM)],
    S.SUBMITTING: [lambda o: lifecycle.start_submitting(o.pk, attempt=_attempt(o), actor=SYSTEM)],
    S.UNCERTAIN: [
        lambda o: lifecycle.mark_uncertain(o.pk, attempt=_attempt(o), look_at=clock.now(), message="", actor=SYSTEM)
    ],
    S.IN_PROCESS: [lambda o: lifecycle.submitted(o.pk, attempt=_attempt(o), next_poll_at=clock.now(), actor=SYSTEM)],
    S.ON_HOLD: [lambda o: lifecycle.hold(o.pk, reason=HoldReason.STAFF, actor=SYSTEM)],
    S.COMPLETED: [
        lambda o: lifecycle.complete(o.pk, result="42", supplier_name="x", actor=SYSTEM),
        lambda o: lifecycle.deliver_by_hand(o.pk, result="42", evidence="its panel", actor=SYSTEM),
    ],
    S.UNAVAILABLE: [
        lambda o: lifecycle.mark_unavailable(o.pk, note="no", supplier_name="x", actor=SYSTEM),
        lambda o: lifecycle.end_by_hand(o.pk, S.UNAVAILABLE, note="no", evidence="its panel", actor=SYSTEM),
    ],
    S.NOT_FOUND: [
        lambda o: lifecycle.mark_not_found(o.pk, note="no", supplier_name="x", actor=SYSTEM),
        lambda o: lifecycle.end_by_hand(o.pk, S.NOT_FOUND, note="no", evidence="its panel", actor=SYSTEM),
    ],
    S.CANCELLED: [lambda o: lifecycle.cancel(o.pk, reason="asked", actor=SYSTEM)],
}
ILLEGAL = [(old, new) for old in S for new in MOVES if old != new and not is_legal(old, new)]
LEGAL = [(old, new) for old in S for new in sorted(TRANSITIONS[old])]


def _attempt(order: Order):
    return order.supplier_attempts.last() or factories.make_attempt(order, outcome="refused")


def _snapshot(order: Order) -> tuple:
    return (
        Order.objects.filter(pk=order.pk).values().get(),
        OrderEvent.objects.filter(order=order).count(),
        OutgoingMail.objects.filter(order=order).count(),
    )


def test_table_names_every_state_and_ends_stay_ended():
    assert set(TRANSITIONS) == set(S)
    assert {state for state, targets in TRANSITIONS.items() if not targets} == {
        S.COMPLETED,
        S.CANCELLED,
        S.EXPIRED,
    }


@pytest.mark.parametrize(("old", "new"), ILLEGAL, ids=lambda state: state.value)
def test_illegal_transition_is_refused_and_changes_nothing(old, new):
    order = factories.make_order(old)
    factories.make_attempt(order, outcome="refused")

    for move in MOVES[new]:
        before = _snapshot(order)
        with pytest.raises(TransitionRefused):
            move(order)
        assert _snapshot(order) == before


@pytest.mark.parametrize(("old", "new"), LEGAL, ids=lambda state: state.value)
def test_legal_transition_has_a_way_and_writes_one_event(old, new):
    order = factories.make_order(old)
    if (old, new) == (S.SUBMITTING, S.ON_HOLD):
        order.supplier_attempts.update(outcome="refused")
    if (old, new) == (S.ON_HOLD, S.IN_PROCESS):
        factories.make_attempt(order, outcome="accepted", supplier_order_id="S1")
    events = order.events.count()

    moved = False
    for move in MOVES[new]:
        try:
            move(order)
        except TransitionRefused:
            continue
        moved = True
        break

    order.refresh_from_db()
    if (old, new) == (S.IN_PROCESS, S.CANCELLED):
        assert not moved, "a supplier's consent is what opens this move; nothing gives it yet"
        return
    assert moved
    assert order.state == new
    assert order.events.count() == events + 1
    last = order.events.last()
    assert (last.from_state, last.to_state) == (old, new)


@pytest.mark.parametrize("target", [S.COMPLETED, S.UNAVAILABLE, S.NOT_FOUND])
def test_a_suppliers_answer_ends_only_what_is_in_process(target):
    order = factories.make_order(S.IN_PROCESS)
    lifecycle.hold(order.pk, reason=HoldReason.STAFF, actor=SYSTEM)
    before = _snapshot(order)

    with pytest.raises(TransitionRefused):
        MOVES[target][0](order)

    assert _snapshot(order) == before


@pytest.mark.parametrize("state", list(S))
def test_moving_to_the_present_state_changes_nothing(state):
    order = factories.make_order(state)
    before = _snapshot(order)

    for move in MOVES.get(state, [])[:1]:
        move(order)

    assert _snapshot(order) == before


@pytest.mark.parametrize("state", list(S))
def test_columns_fit_the_state(state):
    order = factories.make_order(state)

    assert (order.paid_at is None) == (state in UNPAID)
    assert (order.ended_at is None) == (state in OPEN)
    if state in OPEN:
        assert order.next_action_at or (order.owner and order.owner_due_at)
    else:
        assert order.next_action_at is None


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (S.COMPLETED, "completed"),
        (S.UNAVAILABLE, "unavailable"),
        (S.NOT_FOUND, "not_found"),
        (S.CANCELLED, "cancelled"),
    ],
)
def test_an_end_owes_the_customer_one_mail(state, kind):
    order = factories.make_order(state)

    assert list(order.mails.values_list("kind", "to")) == [(kind, factories.ADA)]


def test_resubmitted_order_owes_a_second_result_mail():
    order = factories.make_order(S.NOT_FOUND)

    lifecycle.resubmit(order.pk, reason="wrong rejection", actor=SYSTEM)
    factories.bring_to(order, S.NOT_FOUND)

    assert [mail.key for mail in order.mails.order_by("pk")] == [
        f"{order.number}:not_found:1",
        f"{order.number}:not_found:2",
    ]


@pytest.mark.parametrize("function", [lifecycle.cancel, lifecycle.resume, lifecycle.resubmit])
def test_a_reason_is_required(function):
    order = factories.make_order(S.ON_HOLD)

    with pytest.raises(Refused, match="reason"):
        function(order.pk, reason="  ", actor=SYSTEM)


def test_cancel_is_refused_while_an_attempt_may_be_alive():
    order = factories.make_order(S.UNCERTAIN)
    lifecycle.hold(order.pk, reason=HoldReason.UNCERTAIN_PURCHASE, actor=SYSTEM)

    with pytest.raises(TransitionRefused, match="alive"):
        lifecycle.cancel(order.pk, reason="asked", actor=SYSTEM)


def test_resume_is_refused_while_the_purchase_is_uncertain():
    order = factories.make_order(S.UNCERTAIN)
    lifecycle.hold(order.pk, reason=HoldReason.UNCERTAIN_PURCHASE, actor=SYSTEM)

    with pytest.raises(TransitionRefused, match="bought"):
        lifecycle.resume(order.pk, reason="go on", actor=SYSTEM)


def test_nothing_is_held_while_it_is_being_sent():
    order = factories.make_order(S.SUBMITTING)

    with pytest.raises(TransitionRefused, match="being sent"):
        lifecycle.hold(order.pk, reason=HoldReason.STAFF, actor=SYSTEM)


def test_resume_goes_back_to_where_the_order_is():
    bought = factories.make_order(S.IN_PROCESS)
    lifecycle.hold(bought.pk, reason=HoldReason.EMPTY_RESULT, actor=SYSTEM)
    unsent = factories.make_order(S.ON_HOLD)

    assert lifecycle.resume(bought.pk, reason="ask again", actor=SYSTEM).state == S.IN_PROCESS
    assert lifecycle.resume(unsent.pk, reason="go on", actor=SYSTEM).state == S.PAID


def test_a_completed_order_needs_a_result():
    order = factories.make_order(S.IN_PROCESS)

    with pytest.raises(Refused, match="result"):
        lifecycle.complete(order.pk, result=" ", supplier_name="x", actor=SYSTEM)


def test_story_has_no_gaps_and_every_step_is_legal():
    order = factories.make_order(S.COMPLETED)

    story = list(order.events.order_by("seq"))

    assert [event.seq for event in story] == list(range(1, len(story) + 1))
    moves = [event for event in story if event.to_state]
    assert all(a.to_state == b.from_state and is_legal(b.from_state, b.to_state) for a, b in pairwise(moves))


@pytest.mark.parametrize("verb", ["UPDATE orders_orderevent SET kind = 'x'", "DELETE FROM orders_orderevent"])
def test_the_database_refuses_changes_to_the_story(verb):
    factories.make_order()

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(verb)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "flying"},
        {"paid_at": None},
        {"next_action_at": None},
        {"state": "completed", "next_action_at": None},
        {"state": "on_hold"},
        {"hold_reason": "staff"},
        {"price": -1},
    ],
)
def test_the_database_repeats_the_rules(changes):
    order = factories.make_order()

    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**changes)


def test_a_second_live_attempt_is_a_database_error():
    order = factories.make_order()
    factories.make_attempt(order)

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.make_attempt(order)


def test_a_suppliers_order_id_belongs_to_one_attempt():
    first, second = factories.make_order(), factories.make_order()
    one = factories.make_attempt(first, outcome="accepted", supplier_order_id="S-7")

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.make_attempt(second, supplier=one.supplier, outcome="accepted", supplier_order_id="S-7")


def test_take_turn_lets_one_in_and_comes_back_by_itself():
    order = factories.make_order(S.IN_PROCESS)

    assert lifecycle.take_turn(order.pk, S.IN_PROCESS, seconds=60)
    assert not lifecycle.take_turn(order.pk, S.IN_PROCESS, seconds=60)

    order.refresh_from_db()
    with clock.frozen(order.next_action_at):
        assert lifecycle.take_turn(order.pk, S.IN_PROCESS, seconds=60)
