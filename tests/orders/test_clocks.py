"""Both clocks of an order: set once at payment, moved by one function, late by the calendar that counts them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from orders import clocks, freezing, lifecycle, mailing, moments, promising
from orders.models import Order, OutgoingMail
from orders.states import HoldReason, OrderState
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, staff
from unlockshop.kernel.errors import Refused, TransitionRefused

pytestmark = pytest.mark.django_db
S = OrderState
SAM = staff(1, "sam@example.com")
HOUR, DAY = 60, 24 * 60
SECOND = timedelta(seconds=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def order_at(
    paid: datetime, minutes: int, *, calendar: str = "madrid", cap: int | None = 10, hold: int = 0, state: S = S.PAID
) -> Order:
    """An order paid at a moment, with a guarantee of so many minutes."""
    service = factories.make_service(average_minutes=1, guaranteed_minutes=minutes)
    with clock.frozen(paid):
        consent = factories.consent(calendar=calendar, hard_cap_days=cap, hold_seconds=hold)
        purchase = factories.place_purchase(
            factories.make_draft(service), email=factories.ADA, language="en", consent=consent, is_demo=True,
            actor=factories.CUSTOMER,
        )  # fmt: skip
        factories.paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=paid)
        order = purchase.orders.get()
        factories.bring_to(order, state)
    order.refresh_from_db()
    return order


MONDAY_NOON = utc(2026, 11, 23, 12)
FRIDAY_EVENING = utc(2026, 11, 27, 20, 30)  # half an hour before the close


@pytest.mark.parametrize(
    ("paid", "minutes", "due"),
    [
        # Longer than 24 open hours: from the next opening on, three days of 12 hours.
        (MONDAY_NOON, 3 * DAY, utc(2026, 11, 26, 21)),
        (MONDAY_NOON, 2 * DAY, utc(2026, 11, 25, 12)),
        (MONDAY_NOON, 2 * DAY + 1, utc(2026, 11, 26, 9, 1)),
        (MONDAY_NOON, 2 * HOUR, utc(2026, 11, 23, 14)),
        # Madrid opens at 10:00, which is 09:00 UTC in winter: a minute before, at it, and a minute after.
        (utc(2026, 11, 24, 8, 59), 2 * HOUR, utc(2026, 11, 24, 11)),
        (utc(2026, 11, 24, 9), 2 * HOUR, utc(2026, 11, 24, 11)),
        (utc(2026, 11, 24, 9, 1), 2 * HOUR, utc(2026, 11, 24, 11, 1)),
        # Friday, a minute before the close, at it, and a minute after.
        (utc(2026, 11, 27, 20, 59), 1, utc(2026, 11, 27, 21)),
        (utc(2026, 11, 27, 20, 59), 2, utc(2026, 11, 30, 9, 1)),
        (utc(2026, 11, 27, 21, 1), 1, utc(2026, 11, 30, 9, 1)),
        # Paid in the night in which 02:30 comes twice, at either of them, and in the one in which it never comes.
        (utc(2026, 10, 25, 0, 30), 1, utc(2026, 10, 26, 9, 1)),
        (utc(2026, 10, 25, 1, 30), 1, utc(2026, 10, 26, 9, 1)),
        (utc(2027, 3, 28, 0, 59), 1, utc(2027, 3, 29, 8, 1)),
        (utc(2027, 3, 28, 1), 1, utc(2027, 3, 29, 8, 1)),
        (FRIDAY_EVENING, 30, utc(2026, 11, 27, 21)),
        (FRIDAY_EVENING, 31, utc(2026, 11, 30, 9, 1)),
        (FRIDAY_EVENING, 2 * HOUR, utc(2026, 11, 30, 10, 30)),
        (utc(2026, 11, 27, 21), 1, utc(2026, 11, 30, 9, 1)),
        # The clocks go back on Sunday 25 October 2026: Monday opens at 09:00 UTC, no longer at 08:00.
        (utc(2026, 10, 23, 19, 30), 2 * HOUR, utc(2026, 10, 26, 10, 30)),
        # Good Friday 2027 is a day off, and the clocks go forward on Easter Sunday.
        (utc(2027, 3, 24, 12), 2 * DAY, utc(2027, 3, 29, 11)),
        (utc(2027, 3, 25, 20, 59), 1, utc(2027, 3, 25, 21)),
        (utc(2027, 3, 25, 20, 59), 2, utc(2027, 3, 29, 8, 1)),
    ],
)
def test_the_result_is_due_by_the_frozen_calendar(paid, minutes, due):
    order = order_at(paid, minutes)

    assert (order.promised_until, order.result_due_at) == (due, due)


@pytest.mark.parametrize(
    ("calendar", "paid", "minutes", "due"),
    [
        ("", FRIDAY_EVENING, 3 * DAY, FRIDAY_EVENING + timedelta(days=3)),
        ("weekday_utc", FRIDAY_EVENING, DAY, utc(2026, 11, 30, 20, 30)),
        ("la", utc(2026, 11, 25, 20), 2 * HOUR, utc(2026, 11, 25, 22)),
        ("la", utc(2026, 11, 26, 1), 2 * HOUR, utc(2026, 11, 27, 18)),  # an hour, then Thanksgiving, then an hour
    ],
)
def test_every_order_counts_by_its_own_calendar(calendar, paid, minutes, due):
    assert order_at(paid, minutes, calendar=calendar).result_due_at == due


@pytest.mark.parametrize(
    ("paid", "hold", "minutes", "due"),
    [
        (MONDAY_NOON, 600, 3 * DAY, utc(2026, 11, 23, 13, 10)),
        (utc(2026, 11, 27, 20, 15), 600, 3 * DAY, utc(2026, 11, 30, 9, 25)),
        (MONDAY_NOON, 0, 30, utc(2026, 11, 23, 12, 30)),
    ],
)
def test_a_supplier_should_have_it_an_open_hour_after_the_hold(paid, hold, minutes, due):
    order = order_at(paid, minutes, hold=hold)

    assert order.submission_due_at == due
    assert not clocks.is_late_to_submit(order, due)
    assert clocks.is_late_to_submit(order, due + SECOND)
    factories.bring_to(order, S.IN_PROCESS)
    assert not clocks.is_late_to_submit(Order.objects.get(pk=order.pk), due + SECOND)


@pytest.mark.parametrize(
    ("cap", "at"), [(10, utc(2026, 12, 11, 21)), (1, utc(2026, 11, 27, 21)), (0, utc(2026, 11, 26, 21)), (None, None)]
)
def test_the_cap_is_business_days_behind_the_guarantee(cap, at):
    assert order_at(MONDAY_NOON, 3 * DAY, cap=cap).cap_at == at


def test_nothing_runs_before_the_payment():
    order = factories.make_order(S.AWAITING_PAYMENT)

    assert (order.submission_due_at, order.promised_until, order.result_due_at, order.cap_at) == (None,) * 4


def test_the_database_wants_a_due_time_and_none_before_the_guarantee():
    order = order_at(MONDAY_NOON, 3 * DAY)
    for changes in (
        {"promised_until": None}, {"result_due_at": None},
        {"result_due_at": order.promised_until - SECOND}, {"cap_at": order.promised_until - SECOND},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Order.objects.filter(pk=order.pk).update(**changes)


# --- Late, on both sides


@pytest.mark.parametrize(
    ("minutes", "paid", "not_yet", "late"),
    [
        (2 * HOUR, MONDAY_NOON, utc(2026, 11, 23, 14), utc(2026, 11, 23, 14, 0, 1)),
        # Due at the close: no time that counts passes before the next opening.
        (3 * DAY, MONDAY_NOON, utc(2026, 11, 27, 9), utc(2026, 11, 27, 9, 0, 1)),
        (30, FRIDAY_EVENING, utc(2026, 11, 30, 9), utc(2026, 11, 30, 9, 0, 1)),
        (1, utc(2027, 3, 25, 20, 59), utc(2027, 3, 29, 8), utc(2027, 3, 29, 8, 0, 1)),
        (30, utc(2026, 10, 23, 19, 30), utc(2026, 10, 26, 9), utc(2026, 10, 26, 9, 0, 1)),
    ],
)
def test_an_order_is_late_when_time_that_counts_has_passed(minutes, paid, not_yet, late):
    order = order_at(paid, minutes)

    assert [clocks.is_late(order, moment) for moment in (not_yet, late)] == [False, True]
    assert [Order.objects.filter(clocks.late(moment)).count() for moment in (not_yet, late)] == [0, 1]


@pytest.mark.parametrize("calendar", ["", "madrid", "la", "weekday_utc"])
def test_the_lists_and_the_pages_agree_hour_by_hour(calendar):
    order = order_at(FRIDAY_EVENING, 30 if calendar == "madrid" else DAY, calendar=calendar)
    for hours in range(0, 120, 5):
        moment = FRIDAY_EVENING + timedelta(hours=hours, minutes=30)
        is_late = clocks.is_late(order, moment)
        assert Order.objects.filter(clocks.late(moment)).exists() is is_late
        assert Order.objects.filter(clocks.late_to_submit(moment)).exists() is clocks.is_late_to_submit(order, moment)
        is_past_cap = clocks.overran(order, order.cap_at, moment)
        assert Order.objects.filter(clocks.past_cap(moment)).exists() is is_past_cap


def test_what_has_ended_is_not_late():
    order = order_at(MONDAY_NOON, 2 * HOUR, state=S.COMPLETED)

    assert not clocks.is_late(order, utc(2027, 1, 1))
    assert not Order.objects.filter(clocks.late(utc(2027, 1, 1))).exists()


@pytest.mark.parametrize(
    ("paid", "minutes", "not_yet", "soon", "late"),
    [
        # Due on Thursday at the close.
        (MONDAY_NOON, 3 * DAY, utc(2026, 11, 24, 22, 59), utc(2026, 11, 24, 23), utc(2026, 11, 27, 9, 0, 1)),
        # Due on Monday: on Thursday it is too far off, on Friday it is the next business day.
        (FRIDAY_EVENING, 2 * HOUR, utc(2026, 11, 26, 22, 59), FRIDAY_EVENING, utc(2026, 11, 30, 10, 30, 1)),
        (FRIDAY_EVENING, 2 * HOUR, utc(2026, 11, 26, 22, 59), utc(2026, 11, 29, 3), utc(2026, 11, 30, 12)),
        # Due on Easter Monday's noon, which is a business day in Madrid.
        (utc(2027, 3, 24, 12), 2 * DAY, utc(2027, 3, 24, 12), utc(2027, 3, 26, 3), utc(2027, 3, 29, 11, 0, 1)),
    ],
)
def test_staff_see_what_will_be_late_before_it_is(paid, minutes, not_yet, soon, late):
    order_at(paid, minutes)

    found = [Order.objects.filter(clocks.late_soon(moment)).count() for moment in (not_yet, soon, late)]
    assert found == [0, 1, 0]


# --- Moving


def test_a_later_time_is_told_and_the_guarantee_and_cap_stay():
    order = order_at(MONDAY_NOON, 3 * DAY)
    later = utc(2026, 12, 3, 21)

    with clock.frozen(MONDAY_NOON + timedelta(hours=5)):
        moved = promising.move_due(order.pk, to=later, reason="the supplier is slow", actor=SAM)
        promising.move_due(order.pk, to=later, reason="the supplier is slow", actor=SAM)

    order.refresh_from_db()
    assert (moved.result_due_at, order.result_due_at) == (later, later)
    assert (order.promised_until, order.cap_at) == (utc(2026, 11, 26, 21), utc(2026, 12, 11, 21))
    told = order.events.get(kind="order.due_moved")
    assert (told.data["reason"], told.data["due_at"]) == ("the supplier is slow", later.isoformat())
    assert not clocks.is_late(order, utc(2026, 12, 4, 9))
    assert clocks.is_late(order, utc(2026, 12, 4, 9, 0, 1))


def test_a_time_is_never_taken_back():
    order = order_at(MONDAY_NOON, 3 * DAY)

    for changes, code in (
        ({"to": order.promised_until - SECOND, "reason": "sooner"}, "earlier"),
        ({"to": order.promised_until + SECOND, "reason": " "}, "reason_required"),
    ):
        with pytest.raises(Refused) as refused:
            promising.move_due(order.pk, actor=SAM, **changes)
        assert refused.value.code == code
    assert not order.events.filter(kind="order.due_moved").exists()


@pytest.mark.parametrize("state", [S.AWAITING_PAYMENT, S.COMPLETED, S.CANCELLED])
def test_no_clock_is_moved_that_does_not_run(state):
    order = factories.make_order(state)

    with pytest.raises(TransitionRefused):
        promising.move_due(order.pk, to=utc(2030, 1, 1), reason="late", actor=SAM)
    with pytest.raises(TransitionRefused):
        promising.restart(order.pk, reason="late", actor=SAM)


def test_a_restart_begins_both_clocks_anew():
    order = order_at(MONDAY_NOON, 2 * HOUR)

    with clock.frozen(utc(2026, 11, 24, 15)):
        promising.restart(order.pk, reason="corrected", actor=SAM)

    order.refresh_from_db()
    assert order.submission_due_at == utc(2026, 11, 24, 16)
    assert (order.promised_until, order.result_due_at) == (utc(2026, 11, 24, 17),) * 2
    assert order.cap_at == utc(2026, 12, 9, 21)
    assert order.events.filter(kind="order.clocks_restarted").count() == 1


def test_a_restart_takes_no_promised_time_back():
    order = order_at(MONDAY_NOON, 2 * HOUR)
    promising.move_due(order.pk, to=utc(2026, 12, 3, 21), reason="slow", actor=SAM)

    with clock.frozen(utc(2026, 11, 24, 15)):
        promising.restart(order.pk, reason="corrected", actor=SAM)

    order.refresh_from_db()
    assert (order.promised_until, order.result_due_at) == (utc(2026, 11, 24, 17), utc(2026, 12, 3, 21))


def test_sending_again_begins_anew():
    order = order_at(MONDAY_NOON, 2 * HOUR, state=S.NOT_FOUND)

    with clock.frozen(utc(2026, 11, 25, 12)):
        lifecycle.resubmit(order.pk, reason="typed again", actor=SAM)

    order.refresh_from_db()
    assert (order.state, order.result_due_at) == (S.PAID, utc(2026, 11, 25, 14))


@pytest.mark.parametrize(
    ("reason", "is_anew"),
    [(HoldReason.STAFF, False), (HoldReason.NO_SUPPLIER, False), (HoldReason.INPUT_REFUSED, True)],
)
def test_only_a_wait_for_others_begins_the_clocks_anew(reason, is_anew):
    order = order_at(MONDAY_NOON, 2 * HOUR)
    with clock.frozen(utc(2026, 11, 25, 12)):
        lifecycle.hold(order.pk, reason=reason, actor=SYSTEM)
        lifecycle.resume(order.pk, reason="seen to", actor=SAM)

    order.refresh_from_db()
    assert order.result_due_at == (utc(2026, 11, 25, 14) if is_anew else utc(2026, 11, 23, 14))


def test_a_dispute_stops_the_clocks_until_it_is_over():
    order = order_at(MONDAY_NOON, 2 * HOUR)
    freezing.freeze(order.purchase_id, reason=HoldReason.DISPUTE, actor=SYSTEM)
    with clock.frozen(utc(2026, 12, 1, 12)):
        freezing.thaw(order.purchase_id, reason="won", actor=SYSTEM)

    order.refresh_from_db()
    assert order.result_due_at == utc(2026, 12, 1, 14)


# --- In words


@pytest.mark.parametrize(
    ("language", "calendar", "words"),
    [
        ("en", "madrid", "Thursday 26 November, 22:00 Madrid time"),
        ("en", "weekday_utc", "Friday 27 November, 00:00 UTC"),
        ("en", "", "Thursday 26 November, 12:00 UTC"),
        ("es", "madrid", "jue, 26 de noviembre, 22:00 hora de Madrid"),
        ("de", "madrid", "Do., 26. November, 22:00 Madrid time"),
    ],
)
def test_a_due_time_is_said_as_the_language_says_it(language, calendar, words):
    order = order_at(MONDAY_NOON, 3 * DAY, calendar=calendar)
    with translation.override(language), clock.frozen(MONDAY_NOON):
        assert moments.due_words(order, order.result_due_at) == words


def test_another_year_is_named():
    order = order_at(utc(2026, 12, 30, 12), 3 * DAY)

    with clock.frozen(utc(2026, 12, 30, 12)):
        assert moments.due_words(order, order.result_due_at) == "Tuesday, 5 January 2027, 22:00 Madrid time"


def test_the_mail_says_until_when_to_cancel_by_the_clock_that_the_order_counts_by():
    order = order_at(MONDAY_NOON, DAY, hold=3600)

    with clock.frozen(MONDAY_NOON):
        mail = mailing.render(OutgoingMail.objects.get(purchase=order.purchase, kind="confirmation"))

    for text in (mail.text, mail.html):
        assert f"You can cancel {order.number} until Monday 23 November, 14:00 Madrid time" in " ".join(text.split())
