"""Notices of delay: told once, cancelled in time counted from the mail's delivery, and silence goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from orders import cancelling, delaying, forwarding, lifecycle, mail_events, mailing, reaching, tasks
from orders.cancel_links import lasting_token_of
from orders.models import CancelRequest, ContactTask, DelayNotice, MailEvent, Order, OutgoingMail
from orders.models.delay_notice import DelayOutcome, DelaySource
from orders.models.mail import MailKind
from orders.states import AttemptOutcome, CancelState, OrderState
from payments import booking, refunding
from payments.models import LedgerTransaction, Refund
from payments.refunding import Grounds
from payments.states import DisputeState
from refunds import calling_off, telling_delays
from refunds.telling_delays import Message
from services.suppliers.base import Feature
from tests import factories
from tests.helpers.mail_events import BOUNCE, SEED, event, post
from tests.helpers.suppliers import ScriptedClient, asked
from tests.refunds.test_calling_off import paid_order, state_of
from unlockshop.demo import mail_events as demo
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, staff
from unlockshop.kernel.errors import Refused, TransitionRefused
from unlockshop.kernel.money import Money
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
S = OrderState
DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)
CLERK = factories.Actor(factories.ActorKind.STAFF, ident="1", label="sam@example.com")


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    settings.SENDGRID_WEBHOOK_KEYS = [demo.public_key(SEED)]
    ScriptedClient.reset(Feature.CANCEL)


def at_supplier(**kwargs) -> Order:
    """Paid an hour ago, so that the free minutes after the payment are over."""
    with clock.frozen(clock.now() - timedelta(hours=1)):
        order = paid_order(**kwargs)
        factories.bring_to(order, S.IN_PROCESS)
    order.refresh_from_db()
    return order


def delay(order: Order, *, days: int | None = 5, batch: str = "", **changes) -> DelayNotice:
    date = clock.now() + timedelta(days=days) if days else None
    message = Message("The supplier is closed for a holiday.", date, **changes)
    notice = telling_delays.tell(order.pk, message, batch=batch or f"press {clock.now()}", actor=CLERK)
    assert notice is not None
    return notice


def fresh(notice: DelayNotice) -> DelayNotice:
    return DelayNotice.objects.select_related("mail").get(pk=notice.pk)


def tell(client, mail: OutgoingMail, **changes) -> None:
    """The mail provider's event about a mail, posted and applied."""
    assert post(client, [event(mail, **changes)]).status_code == 200
    mail_events.process_due(MailEvent.objects.latest("pk").pk)


def sent(mail: OutgoingMail) -> OutgoingMail:
    OutgoingMail.objects.filter(pk=mail.pk).update(
        work_state=WorkState.DONE, sent_at=clock.now(), next_action_at=None, text="as sent"
    )
    return OutgoingMail.objects.get(pk=mail.pk)


def told_and_delivered(client, order: Order, **kwargs) -> DelayNotice:
    notice = delay(order, **kwargs)
    tell(client, sent(notice.mail))
    return fresh(notice)


def link_of(order: Order) -> str:
    return reverse("cancel-by-mail", args=[lasting_token_of(order)])


def call_off(order: Order) -> Refund | None:
    return calling_off.call_off(order.pk, actor=factories.CUSTOMER)


# --- Telling


def test_a_notice_is_a_row_an_event_and_a_mail(monday):
    order = at_supplier()

    notice = delay(order, supplier_message="Closed. <b>Sorry</b>", source=DelaySource.SUPPLIER)

    assert (notice.new_date, notice.answer_hours, notice.answer_by) == (monday + timedelta(days=5), 24, None)
    assert order.events.filter(kind="order.delayed").count() == 1
    message = mailing.render(OutgoingMail.objects.get(kind=MailKind.DELAYED))
    for part in (message.text, message.html):
        assert "The supplier is closed for a holiday." in part
        assert "within 24 hours of receiving this mail" in part
        assert "DSIM-HOURS-3" in part
        assert link_of(order) in part
        assert "<b>Sorry" not in part
        assert "Closed." not in part


def capped(order: Order, cap: datetime) -> Order:
    Order.objects.filter(pk=order.pk).update(cap_at=cap, calendar="madrid")
    order.refresh_from_db()
    return order


def test_a_date_behind_the_hard_cap_cannot_be_told(monday):
    cap = datetime(2026, 12, 11, 21, tzinfo=UTC)
    order = capped(at_supplier(), cap)

    for date in (cap + SECOND, cap + DAY):
        with pytest.raises(Refused, match="ends by itself at Friday 11 December, 22:00 Madrid time") as refused:
            telling_delays.tell(order.pk, Message("closed", date), batch=f"b{date}", actor=CLERK)
        assert refused.value.code == "past_cap"
    assert (DelayNotice.objects.count(), OutgoingMail.objects.filter(kind="delayed").count()) == (0, 0)
    assert Order.objects.get(pk=order.pk).result_due_at < cap

    notice = telling_delays.tell(order.pk, Message("closed", cap), batch="b", actor=CLERK)
    message = mailing.render(notice.mail)
    for part in (message.text, message.html):
        assert "If there is no result by Friday 11 December, 22:00 Madrid time, we end the order" in part
    telling_delays.tell(order.pk, Message("closed", None), batch="c", actor=CLERK)


def test_of_many_those_past_their_cap_are_named_as_left_out(monday, monkeypatch):
    monkeypatch.setattr(telling_delays, "AT_ONCE", 1)
    cap = datetime(2026, 12, 11, 21, tzinfo=UTC)
    first, second = (capped(at_supplier(imeis=(factories.imei(n),)), cap) for n in (700, 701))
    other = at_supplier(imeis=(factories.imei(702),))
    message, ids = Message("closed", cap + DAY), [first.pk, second.pk, other.pk]

    told = telling_delays.tell_many(ids, message, batch="b", actor=CLERK)

    assert (told.count, told.left, told.past_cap) == (1, 0, [first.number, second.number])
    (line,) = telling_delays.left_out_words(told)
    assert "2 orders are left out" in line
    assert f"{first.number}, {second.number}" in line
    assert list(DelayNotice.objects.values_list("order", flat=True)) == [other.pk]


def test_the_same_press_tells_once_and_a_later_notice_replaces(monday):
    order = at_supplier()
    first = delay(order, batch="one press")

    again = telling_delays.tell(order.pk, Message("again", None), batch="one press", actor=CLERK)
    second = delay(order, days=9, batch="another press")

    assert again is None
    assert fresh(first).outcome == DelayOutcome.REPLACED
    assert delaying.in_force(order) == second
    assert OutgoingMail.objects.filter(kind=MailKind.DELAYED).count() == 2


@pytest.mark.parametrize("state", [S.AWAITING_PAYMENT, S.EXPIRED, S.COMPLETED, S.UNAVAILABLE, S.CANCELLED])
def test_what_is_unpaid_or_over_is_not_delayed(state):
    order = factories.make_order(state)

    with pytest.raises(TransitionRefused):
        delay(order)

    assert not DelayNotice.objects.exists()
    assert not OutgoingMail.objects.filter(kind=MailKind.DELAYED).exists()


@pytest.mark.parametrize(("seconds", "is_good"), [(-1, False), (0, False), (1, True)])
def test_the_new_date_lies_ahead(monday, seconds, is_good):
    order = at_supplier()
    message = Message("why", monday + timedelta(seconds=seconds))

    if is_good:
        assert telling_delays.tell(order.pk, message, batch="b", actor=CLERK)
        return
    with pytest.raises(Refused, match="past"):
        telling_delays.tell(order.pk, message, batch="b", actor=CLERK)


def test_a_reason_is_needed():
    with pytest.raises(Refused, match="reason"):
        telling_delays.tell(at_supplier().pk, Message(" \x00 ", None), batch="b", actor=CLERK)


@pytest.mark.parametrize(
    ("profile", "may"), [("default", True), ("doctorsim", True), ("imei_org", False), ("imei_server", False)]
)
def test_the_terms_of_the_checkout_say_who_may_cancel(settings, profile, may):
    settings.REFUND_PROFILE = "default"
    order = at_supplier(profile=f"{profile} 2026-11")

    notice = delay(order)

    assert notice.answer_hours == (24 if may else None)
    assert ("/cancel/" in mailing.render(notice.mail).text) is may
    if may:
        assert call_off(order)
    else:
        with pytest.raises(Refused):
            call_off(order)
        assert state_of(order) == S.IN_PROCESS


@pytest.mark.parametrize(
    "columns",
    [
        {"reason": ""},
        {"outcome": "silence"},
        {"outcome": DelayOutcome.CANCELLED},
        {"closed_at": datetime(2026, 11, 1, tzinfo=UTC)},
        {"outcome": DelayOutcome.WENT_ON, "closed_at": datetime(2026, 11, 1, tzinfo=UTC)},
        {"answer_hours": None, "answer_by": datetime(2026, 11, 1, tzinfo=UTC)},
    ],
)
def test_the_database_repeats_the_rules(columns):
    notice = delay(at_supplier())

    with pytest.raises(IntegrityError), transaction.atomic():
        DelayNotice.objects.filter(pk=notice.pk).update(**columns)


def test_two_notices_in_force_are_a_database_error():
    notice = delay(at_supplier())
    notice.pk, notice.batch, notice.mail = None, "other", mailing.queue_for_order(notice.order, MailKind.DELAYED)

    with pytest.raises(IntegrityError), transaction.atomic():
        notice.save(force_insert=True)


# --- The hours


@pytest.mark.parametrize(
    ("after", "goes_on"),
    [(DAY - SECOND, False), (DAY, False), (DAY + SECOND, True)],
    ids=["23:59:59", "24:00", "later"],
)
def test_24_hours_from_delivery_belong_to_the_customer(client, monday, after, goes_on):
    order = at_supplier()
    notice = delay(order)
    with clock.frozen(monday + timedelta(hours=3)):  # delivered hours after it was written
        tell(client, sent(notice.mail))
    delivered = monday + timedelta(hours=3)
    assert fresh(notice).answer_by == delivered + DAY

    with clock.frozen(delivered + after):
        tasks.sweep()
        assert (fresh(notice).outcome == DelayOutcome.WENT_ON) is goes_on
        if not goes_on:
            assert call_off(order).rule.startswith("default 2026-11 G_DELAY_NOTICE_CANCEL DSIM-HOURS-3")
            return
        with pytest.raises(Refused):
            call_off(order)
    assert state_of(order) == S.IN_PROCESS
    assert order.events.filter(kind="order.went_on").count() == 1
    assert fresh(notice).new_date == monday + timedelta(days=5)


def test_the_hours_are_elapsed_ones_also_when_the_clocks_change(client):
    saturday = datetime(2026, 10, 24, 20, tzinfo=UTC)  # 22:00 in Madrid; the clocks go back at night
    with clock.frozen(saturday):
        order = at_supplier()
        notice = told_and_delivered(client, order)

    assert notice.answer_by == datetime(2026, 10, 25, 20, tzinfo=UTC)


def test_without_news_of_the_delivery_nothing_runs(monday):
    order = at_supplier()
    notice = delay(order)

    with clock.frozen(monday + timedelta(days=4)):
        tasks.sweep()
        assert fresh(notice).outcome == ""
        assert list(delaying.unconfirmed()) == [notice]
        assert call_off(order)


def test_a_mail_that_came_back_stops_the_hours_and_opens_a_task(client, monday):
    order = at_supplier()
    notice = told_and_delivered(client, order)
    tell(client, notice.mail, **BOUNCE)

    assert fresh(notice).answer_by is None
    assert ContactTask.objects.get().mail == notice.mail
    with clock.frozen(monday + 3 * DAY):
        tasks.sweep()
        assert fresh(notice).outcome == ""


def test_events_in_the_wrong_order_come_to_the_same(client, monday):
    notice = delay(at_supplier())
    mail = sent(notice.mail)
    tell(client, mail, **BOUNCE)
    tell(client, mail)

    assert fresh(notice).answer_by is None


def test_sent_again_to_the_right_address_its_delivery_counts(client, monday):
    order = at_supplier()
    notice = told_and_delivered(client, order)
    tell(client, notice.mail, **BOUNCE)
    with clock.frozen(monday + 2 * DAY):
        reaching.correct_and_send(ContactTask.objects.get().pk, address="a@b.example", evidence="typo", actor=CLERK)
        again = fresh(notice).mail
        assert (again.replaces, again.to) == (notice.mail, "a@b.example")
        assert link_of(order) in mailing.render(again).text
        tell(client, sent(again), sg_event_id="second")

    assert fresh(notice).answer_by == monday + 3 * DAY


def test_a_bounce_that_comes_after_the_silence_gives_the_choice_back(client, monday):
    order = at_supplier()
    notice = told_and_delivered(client, order)
    with clock.frozen(monday + DAY + SECOND):
        tasks.sweep()
        with pytest.raises(Refused):
            call_off(order)
        tell(client, notice.mail, **BOUNCE)
        assert call_off(order)


def test_without_a_date_cancelling_stays_open(client, monday):
    order = at_supplier()
    notice = told_and_delivered(client, order, days=None)

    assert "DSIM-HOURS-5" in mailing.render(notice.mail).text
    with clock.frozen(monday + timedelta(days=90)):
        tasks.sweep()
        assert fresh(notice).outcome == ""
        page = client.get(link_of(order)).content.decode()
        assert "As long as we cannot name a new date" in page
        assert client.post(link_of(order)).status_code == 303
    assert Refund.objects.get().rule.startswith("default 2026-11 G_INDEFINITE_DELAY DSIM-HOURS-5")


def test_reprocessed_is_the_answer_where_the_terms_say_so(client, monday):
    order = at_supplier(profile="doctorsim 2026-11")
    told_and_delivered(client, order)
    with clock.frozen(monday + DAY + SECOND):
        tasks.sweep()
        assert "D_ALREADY_REPROCESSED DSIM-HOURS-4" in calling_off.standing(Order.objects.get(pk=order.pk)).rule


def test_silence_takes_nothing_from_an_order_that_has_not_left(client, monday):
    order = paid_order()
    told_and_delivered(client, order)
    with clock.frozen(monday + DAY + SECOND):
        delaying.sweep()
        assert "G_CANCEL_BEFORE_SUBMISSION" in call_off(order).rule


def test_the_notice_of_an_order_that_ended_is_closed(monday):
    order = at_supplier()
    notice = delay(order)
    lifecycle.complete(order.pk, result="CODE: 1", supplier_name="x", actor=SYSTEM)

    tasks.sweep()

    assert fresh(notice).outcome == DelayOutcome.ENDED
    assert order.delay_notices.filter(outcome="").count() == 0


# --- Cancelling what a supplier has


def test_cancelling_pays_back_at_once_and_asks_the_supplier(client, monday):
    order = at_supplier()
    told_and_delivered(client, order)

    assert client.get(link_of(order)).status_code == 200
    assert state_of(order) == S.IN_PROCESS
    assert client.post(link_of(order)).status_code == 303

    assert state_of(order) == S.CANCELLED
    assert Refund.objects.get().money == order.money
    assert DelayNotice.objects.get().outcome == DelayOutcome.CANCELLED
    page = client.get(link_of(order)).content.decode()
    assert "DSIM-HOURS-3" in page
    assert "We ask our supplier to stop" in page
    assert "No work is done" not in page
    mail = mailing.render(OutgoingMail.objects.get(kind="cancelled"))
    for part in (mail.text, mail.html):
        assert "DSIM-HOURS-3" in part
        assert "€18.90 go back" in part
    assert CancelRequest.objects.get().state == CancelState.TO_ASK

    cancelling.ask(CancelRequest.objects.get().pk)

    assert asked("cancel") == 1
    assert CancelRequest.objects.get().state == CancelState.AGREED
    assert order.supplier_attempts.get().outcome == AttemptOutcome.REJECTED
    assert booking.book_supplier_losses() == 0


@pytest.mark.parametrize("answer", [CancelState.REFUSED, CancelState.TOO_LATE])
def test_what_the_supplier_does_not_drop_is_our_loss(monday, answer):
    ScriptedClient.reset()
    order = at_supplier()
    delay(order)
    call_off(order)
    tasks.sweep()
    row = CancelRequest.objects.get()
    assert row.state == CancelState.BY_HAND  # its protocol cannot ask; the sweep leaves it to staff

    cancelling.settle(row.pk, answer, message="too late", actor=CLERK)

    assert (state_of(order), Refund.objects.count()) == (S.CANCELLED, 1)
    assert order.supplier_attempts.get().is_late_surprise
    assert booking.book_supplier_losses() == 1
    assert LedgerTransaction.objects.filter(kind="supplier_loss").count() == 1
    with pytest.raises(TransitionRefused):
        cancelling.settle(row.pk, CancelState.AGREED, message="", actor=CLERK)


def test_cancelled_twice_is_cancelled_once():
    order = at_supplier()
    delay(order)

    assert call_off(order) == call_off(order)
    assert (Refund.objects.count(), CancelRequest.objects.count()) == (1, 1)
    assert OutgoingMail.objects.filter(kind="cancelled").count() == 1


def test_a_request_that_staff_made_before_is_the_one():
    order = at_supplier()
    cancelling.request(order.pk, reason="she asked", actor=CLERK)
    delay(order)

    call_off(order)

    assert CancelRequest.objects.get().reason == "she asked"


def test_without_a_notice_what_has_left_stays_there():
    order = at_supplier()

    with pytest.raises(Refused, match="has left"):
        call_off(order)


# --- While nobody can tell where the order is


def uncertain_and_wished() -> Order:
    with clock.frozen(clock.now() - timedelta(hours=1)):
        order = paid_order()
        factories.bring_to(order, S.UNCERTAIN)
    delay(order)
    assert call_off(order) is None
    return order


def test_a_wish_is_kept_and_shown(client, monday):
    order = uncertain_and_wished()

    assert state_of(order) == S.UNCERTAIN
    assert DelayNotice.objects.get().wished_at == monday
    assert call_off(order) is None
    assert order.events.filter(kind="order.cancel_wished").count() == 1
    page = client.get(link_of(order)).content.decode()
    assert "We have your cancellation" in page
    assert "Yes, cancel" not in page
    with pytest.raises(Refused, match="has cancelled it"):
        delay(order, batch="later")
    with clock.frozen(monday + 3 * DAY):
        delaying.sweep()
        assert DelayNotice.objects.get().outcome == ""
    assert calling_off.carry_out_wishes() == 0


def test_found_at_the_supplier_it_is_cancelled_there(monday):
    order = uncertain_and_wished()
    attempt = order.supplier_attempts.get()
    factories.set_outcome(attempt, AttemptOutcome.ADOPTED, supplier_order_id="S1")
    attempt.refresh_from_db()
    with clock.frozen(monday + 3 * DAY):
        lifecycle.submitted(order.pk, attempt=attempt, next_poll_at=clock.now(), actor=SYSTEM)
        assert calling_off.carry_out_wishes() == 1

    assert (state_of(order), Refund.objects.get().money) == (S.CANCELLED, order.money)
    assert CancelRequest.objects.count() == 1


def test_found_nowhere_it_is_not_bought_again(monday):
    order = uncertain_and_wished()
    factories.set_outcome(order.supplier_attempts.get(), AttemptOutcome.ABANDONED_ABSENT)
    lifecycle.back_to_paid(order.pk, "order.absent", retry_at=clock.now(), actor=SYSTEM)

    forwarding.forward(order.pk)
    assert asked("place") == 0
    assert calling_off.carry_out_wishes() == 1

    assert (state_of(order), Refund.objects.count()) == (S.CANCELLED, 1)


def test_a_wish_that_is_refused_keeps_no_other_waiting(monday):
    orders = [uncertain_and_wished() for _ in range(2)]
    for order in orders:
        factories.set_outcome(order.supplier_attempts.get(), AttemptOutcome.ABANDONED_ABSENT)
        lifecycle.back_to_paid(order.pk, "order.absent", retry_at=clock.now(), actor=SYSTEM)
    payment = orders[0].purchase.payments.get()
    payment.disputes.create(
        provider_ref="dp_1", state=DisputeState.NEEDS_RESPONSE, amount=payment.amount, currency=payment.currency
    )

    assert calling_off.carry_out_wishes() == 1

    assert [state_of(order) for order in orders] == [S.PAID, S.CANCELLED]


@pytest.mark.parametrize("is_whole", [False, True])
@pytest.mark.parametrize("names_order", [False, True])
def test_a_wish_for_what_was_given_back_gives_the_rest_or_says_that_there_is_none(monday, is_whole, names_order):
    order = uncertain_and_wished()
    payment = order.purchase.payments.get()
    money = order.money if is_whole else Money(Decimal("5.00"), payment.currency)
    grounds = Grounds("goodwill", "said sorry", override="the customer insists")
    refunding.request_refund(
        payment.pk, money=money, grounds=grounds, actor=staff(1, "sam@example.com"),
        order_id=order.pk if names_order else None,
    )  # fmt: skip
    factories.set_outcome(order.supplier_attempts.get(), AttemptOutcome.ABANDONED_ABSENT)
    lifecycle.back_to_paid(order.pk, "order.absent", retry_at=clock.now(), actor=SYSTEM)

    with clock.frozen(monday + timedelta(minutes=1)):
        assert [calling_off.carry_out_wishes() for _ in range(2)] == [1, 0]

    assert (state_of(order), DelayNotice.objects.get().outcome) == (S.CANCELLED, DelayOutcome.CANCELLED)
    given = Refund.objects.order_by("created_at").values_list("amount", flat=True)
    assert list(given) == ([order.price] if is_whole else [Decimal("5.00"), Decimal("13.90")])
    assert order.events.filter(kind="order.nothing_left").count() == is_whole
    mail = mailing.render(OutgoingMail.objects.get(kind="cancelled"))
    # Given back whole, it ended when it proved to be at no supplier, before the wish was carried out.
    assert ("on its way back to you" if is_whole else "€13.90 go back") in mail.text


def test_delivered_before_the_wish_could_be_carried_out_it_is_paid_back(monday):
    order = uncertain_and_wished()
    attempt = order.supplier_attempts.get()
    factories.set_outcome(attempt, AttemptOutcome.ADOPTED, supplier_order_id="S1")
    attempt.refresh_from_db()
    lifecycle.submitted(order.pk, attempt=attempt, next_poll_at=clock.now(), actor=SYSTEM)
    lifecycle.complete(order.pk, result="CODE: 1", supplier_name="x", actor=SYSTEM)

    assert calling_off.carry_out_wishes() == 1

    assert (state_of(order), Refund.objects.get().money) == (S.COMPLETED, order.money)
    assert calling_off.carry_out_wishes() == 0


# --- The order's page


def test_the_orders_page_shows_the_notice_the_button_and_until_when(client, monday):
    order = at_supplier()
    before = client.get(order.get_absolute_url()).content.decode()
    told_and_delivered(client, order)

    page = client.get(order.get_absolute_url()).content.decode()

    assert "Your order is delayed" not in before
    assert "Your order is delayed" in page
    assert "The supplier is closed for a holiday." in page
    assert "Cancel this order" in page
    assert "You can cancel until" in page
    assert (monday + DAY).strftime("%Y-%m-%dT%H:%M:%SZ") in page
    with clock.frozen(monday + DAY + SECOND):
        tasks.sweep()
        after = client.get(order.get_absolute_url()).content.decode()
    assert "Your order is delayed" in after
    assert "Cancel this order" not in after


def test_the_page_says_that_no_time_runs(client):
    order = at_supplier()
    delay(order)

    page = client.get(order.get_absolute_url()).content.decode()

    assert "nobody has confirmed that yet" in page
    assert "You can cancel until" not in page


def test_the_tracker_tells_of_the_delay_and_not_why(client):
    order = at_supplier()
    delay(order)

    page = client.get(reverse("tracker"), {"q": order.number}).content.decode()

    assert "The order is delayed." in page
    assert "closed for a holiday" not in page


def test_the_lasting_link_opens_cancelling_only_and_outlives_a_month(client, monday):
    order = at_supplier()
    told_and_delivered(client, order, days=None)
    with clock.frozen(monday + timedelta(days=200)):
        page = client.get(link_of(order))
    assert page.status_code == 200
    assert order.secret not in page.content.decode()
    assert client.post(link_of(order).replace("delay", "20000000")).status_code == 404
