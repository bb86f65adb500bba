"""Days that staff take out of a calendar: they count for orders paid from then on, and move nobody's promise."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from orders import clocks, replacing
from orders.models import DayOff, Order
from orders.states import OrderState
from refunds.cancel_facts import cancellation_facts
from tests import factories
from tests.orders.test_clocks import DAY, HOUR, MONDAY_NOON, order_at, utc
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db
TUESDAY = date(2026, 11, 24)


def off(day: date = TUESDAY, calendar: str = "madrid") -> DayOff:
    return DayOff.objects.create(calendar=calendar, day=day, reason="The office moves")


@pytest.mark.parametrize(
    ("days", "minutes", "due"),
    [
        ([], 2 * DAY, utc(2026, 11, 25, 12)),
        ([TUESDAY], 2 * DAY, utc(2026, 11, 26, 12)),
        ([TUESDAY, date(2026, 11, 25)], 2 * DAY, utc(2026, 11, 27, 12)),
        ([date(2026, 11, 28)], 2 * DAY, utc(2026, 11, 25, 12)),  # a Saturday is one anyway
        ([date(2026, 11, 22)], 2 * DAY, utc(2026, 11, 25, 12)),  # over
        ([TUESDAY], 8 * HOUR, utc(2026, 11, 23, 20)),
        ([TUESDAY], 10 * HOUR, utc(2026, 11, 25, 10)),
    ],
)
def test_a_day_off_does_not_count(days: list[date], minutes: int, due: datetime) -> None:
    for day in days:
        off(day)

    order = order_at(MONDAY_NOON, minutes)

    assert order.result_due_at == due
    assert clocks.days_off_of(order) == {day for day in days if day >= MONDAY_NOON.date()}


def test_another_calendar_has_days_of_its_own() -> None:
    off(calendar="la")

    assert order_at(MONDAY_NOON, 2 * DAY).result_due_at == utc(2026, 11, 25, 12)
    assert order_at(MONDAY_NOON, 2 * DAY, calendar="").days_off is None


def test_what_was_promised_does_not_move_when_a_day_is_taken_out_or_put_back() -> None:
    before = order_at(MONDAY_NOON, 2 * DAY)
    row = off()
    after = order_at(MONDAY_NOON, 2 * DAY)
    row.delete()

    for order, due in ((before, utc(2026, 11, 25, 12)), (after, utc(2026, 11, 26, 12))):
        found = Order.objects.get(pk=order.pk)
        assert found.result_due_at == due
        assert not clocks.is_late(found, due)
        assert clocks.is_late(found, due + timedelta(minutes=1))


def test_nobody_is_late_on_a_day_off() -> None:
    off()
    order = order_at(MONDAY_NOON, 9 * HOUR)  # until Monday 22:00, the close

    assert order.result_due_at == utc(2026, 11, 23, 21)
    assert not clocks.is_late(order, utc(2026, 11, 24, 15))
    assert not clocks.is_late(order, utc(2026, 11, 25, 9))
    assert clocks.is_late(order, utc(2026, 11, 25, 9, 1))


def test_the_refund_rules_count_by_the_same_days() -> None:
    off()
    order = order_at(MONDAY_NOON, 2 * DAY)

    with clock.frozen(MONDAY_NOON):
        assert cancellation_facts(order, None).closed_days == {TUESDAY}


def test_a_replacement_is_paid_anew_and_takes_the_days_of_then() -> None:
    order = order_at(MONDAY_NOON, 2 * DAY, state=OrderState.IN_PROCESS)
    off()
    with clock.frozen(MONDAY_NOON):
        former = Order.objects.get(pk=order.pk)
        new = replacing.place_beside(
            former, price=0, hold_seconds=0, identifier=factories.imei(2), identifier_kind="imei", answers={}
        )
        factories.lifecycle.mark_paid(new.pk, actor=factories.SYSTEM, at=MONDAY_NOON)

    assert Order.objects.get(pk=new.pk).result_due_at == utc(2026, 11, 26, 12)


@pytest.mark.parametrize("columns", [{"calendar": "", "reason": "r"}, {"calendar": "la", "reason": ""}])
def test_the_database_wants_a_calendar_and_a_reason(columns: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        DayOff.objects.create(day=TUESDAY, **columns)


def test_a_day_is_taken_out_once() -> None:
    off()
    with pytest.raises(IntegrityError), transaction.atomic():
        off()


def test_staff_enter_a_day_to_come_and_change_none(admin_client) -> None:
    address = "/admin/orders/dayoff/add/"
    with clock.frozen(MONDAY_NOON):
        over = admin_client.post(address, {"calendar": "madrid", "day": "2026-11-20", "reason": "late"})
        assert "This day is over" in over.content.decode()
        assert (
            admin_client.post(address, {"calendar": "madrid", "day": "2026-11-24", "reason": "move"}).status_code
            == 302
        )

    row = DayOff.objects.get()
    change = f"/admin/orders/dayoff/{row.pk}/change/"
    assert admin_client.post(change, {"calendar": "la", "day": "2026-11-25", "reason": "x"}).status_code == 403
    assert DayOff.objects.get().calendar == "madrid"
