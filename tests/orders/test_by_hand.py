"""Staff end an order on hold by hand: with a result they typed, or with the word that none will come."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orders import events, lifecycle, mailing
from orders.models import OrderEvent, OutgoingMail
from orders.states import AttemptOutcome, HoldReason, OrderState
from tests import factories
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused, TransitionRefused
from unlockshop.storefront.order_presenting import Progress, present

pytestmark = pytest.mark.django_db

S = OrderState
SAM = actors.staff(7, "sam@example.com", "192.0.2.9")
ENDS = [S.UNAVAILABLE, S.NOT_FOUND]


def held(reason=HoldReason.RESULT_CONFLICT, *, state=S.IN_PROCESS, **kwargs):
    """An order on hold that came from ``state``."""
    order = factories.make_order(state, **kwargs)
    lifecycle.hold(order.pk, reason=reason, message="it answered for another device", actor=SYSTEM)
    return order


def deliver(order, result="CODE: 4711", evidence="its panel, 3 May"):
    return lifecycle.deliver_by_hand(order.pk, result=result, evidence=evidence, actor=SAM)


def end(order, target=S.UNAVAILABLE, note="not eligible", evidence="its panel, 3 May"):
    return lifecycle.end_by_hand(order.pk, target, note=note, evidence=evidence, actor=SAM)


def untouched(order):
    order.refresh_from_db()
    kinds = order.events.values_list("kind", flat=True)
    return order.state == S.ON_HOLD and not order.mails.exists() and not any("by_hand" in kind for kind in kinds)


@pytest.mark.parametrize("reason", [HoldReason.RESULT_CONFLICT, HoldReason.EMPTY_RESULT])
def test_typed_result_completes_the_order_and_is_mailed(reason):
    order = held(reason)

    deliver(order)

    order.refresh_from_db()
    assert (order.state, order.result, order.hold_reason, order.owner) == (S.COMPLETED, "CODE: 4711", "", "")
    assert order.ended_at is not None
    assert order.supplier_attempts.get().outcome == AttemptOutcome.ACCEPTED
    mail = order.mails.get()
    assert (mail.kind, mail.key) == ("completed", f"{order.number}:completed:1")
    message = mailing.render(mail)
    assert "CODE: 4711" in message.text
    assert "CODE: 4711" in message.html


def test_story_says_who_delivered_and_why_but_not_what():
    order = held()

    deliver(order)

    event = order.events.order_by("-seq").first()
    assert (event.kind, event.from_state, event.to_state) == ("order.delivered_by_hand", S.ON_HOLD, S.COMPLETED)
    assert (event.actor_kind, event.actor_label, event.ip) == ("staff", "sam@example.com", "192.0.2.9")
    assert events.staff_sentence(event) == "Staff entered the result: its panel, 3 May"
    assert events.customer_sentence(event) == "Completed. Your result is ready."
    assert "4711" not in str(event.data)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("  A\r\nB\tC\x00\x07\u202eD ", "A\nB CD"),
        ("PIN <1234> & <abc>", "PIN <1234> & <abc>"),
        ("A<br>B<script>x()</script>", "A\nB"),
        ("4" * 8000, "4" * 8000),
        ("&" * 8000, "&" * 8000),
    ],
)
def test_typed_text_is_cleaned_and_stays_text(raw, kept):
    order = held()

    assert deliver(order, raw).result == kept


@pytest.mark.parametrize(
    ("result", "code"), [("", "empty_result"), (" \n\u200b\x00", "empty_result"), ("4" * 8001, "result_too_long")]
)
def test_result_is_needed_and_bounded(result, code):
    order = held()

    with pytest.raises(Refused) as refusal:
        deliver(order, result)

    assert refusal.value.code == code
    assert untouched(order)


@pytest.mark.parametrize("target", ENDS)
def test_end_by_hand_tells_the_customer_and_frees_the_attempt(target):
    order = held()

    end(order, target, note="no\x07 record <b>here</b>")

    order.refresh_from_db()
    assert (order.state, order.supplier_note, order.hold_reason) == (target, "no record here", "")
    assert order.supplier_attempts.get().outcome == AttemptOutcome.REJECTED
    mail = order.mails.get()
    assert (mail.kind, mail.key) == (target, f"{order.number}:{target}:1")
    assert "no record here" in mailing.render(mail).text
    event = order.events.order_by("-seq").first()
    assert event.kind == f"order.ended_by_hand_{target}"
    assert "its panel, 3 May" in events.staff_sentence(event)
    assert "its panel" not in events.customer_sentence(event)
    assert events.customer_sentence(event)


@pytest.mark.parametrize("target", ENDS)
def test_an_order_that_was_refused_is_ended_too(target):
    order = held(HoldReason.INPUT_REFUSED, state=S.PAID)
    attempt = factories.make_attempt(order, outcome=AttemptOutcome.REFUSED)

    end(order, target, note="")

    order.refresh_from_db()
    attempt.refresh_from_db()
    assert (order.state, order.supplier_note, attempt.outcome) == (target, "", AttemptOutcome.REFUSED)
    assert "Our supplier said" not in mailing.render(order.mails.get()).text


def test_ended_by_hand_it_may_be_sent_once_more():
    order = held()
    end(order)

    assert lifecycle.resubmit(order.pk, reason="another supplier", actor=SAM).state == S.PAID
    assert lifecycle.live_attempt(order) is None


@pytest.mark.parametrize("outcome", [AttemptOutcome.UNKNOWN, AttemptOutcome.IN_FLIGHT])
@pytest.mark.parametrize("move", [deliver, end], ids=["deliver", "end"])
def test_refused_until_somebody_says_whether_it_was_bought(move, outcome):
    order = held(HoldReason.UNCERTAIN_PURCHASE, state=S.UNCERTAIN)
    order.supplier_attempts.update(outcome=outcome)

    with pytest.raises(TransitionRefused, match=r"say first whether .* was bought"):
        move(order)

    assert untouched(order)
    assert order.supplier_attempts.get().outcome == outcome


@pytest.mark.parametrize("move", [deliver, end], ids=["deliver", "end"])
def test_evidence_is_required(move):
    order = held()

    with pytest.raises(Refused, match="evidence"):
        move(order, evidence=" \n")

    assert untouched(order)


@pytest.mark.parametrize("target", [state for state in S if state not in ENDS])
def test_no_other_end_is_made_by_hand(target):
    order = held()

    with pytest.raises(TransitionRefused, match="cannot end"):
        end(order, target)

    assert untouched(order)


@pytest.mark.parametrize("state", [state for state in S if state != S.ON_HOLD])
@pytest.mark.parametrize("move", [deliver, end], ids=["deliver", "end"])
def test_only_what_is_on_hold(move, state):
    order = factories.make_order(state)
    before = OrderEvent.objects.count(), OutgoingMail.objects.count()

    with pytest.raises(TransitionRefused, match="not on hold"):
        move(order)

    order.refresh_from_db()
    assert order.state == state
    assert (OrderEvent.objects.count(), OutgoingMail.objects.count()) == before


def test_a_second_result_is_refused_not_swallowed():
    order = held()
    deliver(order, "first")

    with pytest.raises(TransitionRefused):
        deliver(order, "second")

    order.refresh_from_db()
    assert order.result == "first"


def test_order_page_shows_it_like_any_completed_order(client):
    order = held()
    deliver(order)
    order.refresh_from_db()

    view = present(order, list(order.events.all()), now=clock.now())
    page = client.get(order.get_absolute_url()).content.decode()
    shown = client.post(reverse("order-result", args=[order.secret])).content.decode()

    assert (view.word, view.has_result, view.is_over, view.owed_back) == ("Completed", True, True, "")
    last = view.milestones[-1]
    assert (last.title, last.progress) == ("Completed", Progress.CURRENT)
    assert [moment.sentence for moment in last.moments] == ["Completed. Your result is ready."]
    assert "CODE: 4711" not in page
    assert "its panel" not in page
    assert "CODE: 4711" in shown


@pytest.mark.parametrize("target", ENDS)
def test_order_page_shows_an_end_by_hand_with_its_reason(client, target):
    order = held()
    end(order, target)

    page = client.get(order.get_absolute_url()).content.decode()

    told = {OrderState.UNAVAILABLE: "owed back", OrderState.NOT_FOUND: "our staff find out first"}
    assert "not eligible" in page
    assert told[target] in page
    assert "its panel" not in page
