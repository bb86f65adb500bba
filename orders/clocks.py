"""An order's two clocks: by when it is to be with a supplier, and by when its result is guaranteed. Pure arithmetic.

Both begin when the order is paid and count by the calendar frozen on it. A delivery time is in minutes: each whole day
of it is a business day, the rest open hours. Without a calendar every hour counts. ``orders.lifecycle`` sets the
clocks with the payment; ``orders.promising`` moves them later.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Q

from orders.models import Order
from orders.states import UNDER_WAY, HoldReason, OrderState
from unlockshop.kernel import calendars
from unlockshop.kernel.calendars import BusinessCalendar

# Open minutes from the end of the hold in which an order should reach a supplier.
SUBMIT_WITHIN: Final = 60
# A hold that is not ours to end: the clocks start anew behind it.
WAITS_FOR_OTHERS: Final = frozenset({HoldReason.DISPUTE, HoldReason.INPUT_REFUSED})


def calendar_of(order: Order) -> BusinessCalendar | None:
    """The calendar that counts the order's times, less its days off; None: every hour does."""
    return calendars.named(order.calendar).closed_on(days_off_of(order)) if order.calendar else None


def days_off_of(order: Order) -> frozenset[date]:
    """The days that staff had taken out of the order's calendar when it was paid."""
    return frozenset(date.fromisoformat(day) for day in order.days_off or ())


def started(order: Order, start: datetime, *, held: timedelta = timedelta(0)) -> dict[str, Any]:
    """The clocks' columns for an order whose time begins at ``start``; ``held`` is kept back from a supplier first."""
    calendar, leaves = calendar_of(order), start + held
    if calendar is None:
        due = start + timedelta(minutes=order.guaranteed_minutes)
        submitted = leaves + timedelta(minutes=SUBMIT_WITHIN)
    else:
        due = calendars.promise_end(start, order.guaranteed_minutes, calendar)
        submitted = calendars.open_time_end(leaves, SUBMIT_WITHIN, calendar)
    return {
        "submission_due_at": min(submitted, due).astimezone(UTC),
        "promised_until": due.astimezone(UTC),
        "result_due_at": due.astimezone(UTC),
        "cap_at": _cap(order, due, calendar),
    }


def restarted(order: Order, start: datetime) -> dict[str, Any]:
    """``started`` once more, for an order that begins again: what was promised before never moves forward in time."""
    held = max(order.forward_after - start, timedelta(0)) if order.forward_after else timedelta(0)
    columns = started(order, start, held=held)
    for name in ("promised_until", "result_due_at", "cap_at"):
        before = getattr(order, name)
        if before is not None and columns[name] is not None:
            columns[name] = max(before, columns[name])
    columns["result_due_at"] = max(columns["result_due_at"], columns["promised_until"])
    return columns


def is_late(order: Order, now: datetime) -> bool:
    """Whether an order under way has overrun the time that its customer was told for the result."""
    return order.state in UNDER_WAY and order.result_due_at is not None and overran(order, order.result_due_at, now)


def is_late_to_submit(order: Order, now: datetime) -> bool:
    """Whether a paid order should have been with a supplier by now."""
    due = order.submission_due_at
    return order.state == OrderState.PAID and due is not None and overran(order, due, now)


def overran(order: Order, due: datetime, now: datetime) -> bool:
    """Whether time that counts has passed since ``due``: on the evening of the last day's close none has."""
    calendar = calendar_of(order)
    return due < (calendars.counted_until(now, calendar) if calendar else now)


def late(now: datetime) -> Q:
    """Orders whose result is late, by each one's calendar."""
    return Q(state__in=sorted(UNDER_WAY)) & _before("result_due_at", {name: _counted(name, now) for name in _NAMES})


def late_to_submit(now: datetime) -> Q:
    """Paid orders that should have been with a supplier by now."""
    return Q(state=OrderState.PAID) & _before("submission_due_at", {name: _counted(name, now) for name in _NAMES})


def late_soon(now: datetime) -> Q:
    """Orders that are not late yet and will be by the end of the next business day."""
    soon = _before("result_due_at", {name: _end_of_next_day(name, now) for name in _NAMES})
    return Q(state__in=sorted(UNDER_WAY)) & soon & ~late(now)


def past_cap(now: datetime) -> Q:
    """Orders that should have ended by themselves."""
    return Q(state__in=sorted(UNDER_WAY)) & _before("cap_at", {name: _counted(name, now) for name in _NAMES})


def _cap(order: Order, due: datetime, calendar: BusinessCalendar | None) -> datetime | None:
    days = order.hard_cap_days
    if days is None:
        return None
    end = calendars.business_days_end(due, days, calendar) if calendar else due + timedelta(days=days)
    return end.astimezone(UTC)


_NAMES: Final = ("", *calendars.CALENDARS)


def _before(column: str, moments: dict[str, datetime]) -> Q:
    """Rows whose ``column`` lies before the moment of their calendar. The bare comparison is for the index."""
    each = Q()
    for name, moment in moments.items():
        each |= Q(**{"calendar": name, f"{column}__lt": moment})
    return Q(**{f"{column}__lt": max(moments.values())}) & each


def _counted(name: str, now: datetime) -> datetime:
    return calendars.counted_until(now, calendars.named(name)) if name else now


def _end_of_next_day(name: str, now: datetime) -> datetime:
    if not name:
        return datetime.combine(now.astimezone(UTC).date() + timedelta(days=2), time.min, UTC)
    calendar = calendars.named(name)
    day = calendar.next_business_day(calendar.local(now).date())
    return calendar.session(day)[1] + timedelta(seconds=1)
