"""Calendars against a slow reference that steps minute by minute, and against sums done by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlockshop.kernel import calendars
from unlockshop.kernel.calendars import BusinessCalendar, CalendarError

MINUTE = timedelta(minutes=1)
MADRID = calendars.named("madrid")
LA = calendars.named("la")
WEEKDAYS = calendars.named("weekday_utc")
ZONES = ("Europe/Madrid", "America/Los_Angeles", "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo")

# Clocks change at night: from 04:00 on every wall time exists once.
opening_hours = st.tuples(st.integers(4, 11), st.integers(12, 23)).map(lambda pair: (time(pair[0]), time(pair[1], 30)))
business_calendars = st.builds(
    lambda zone, hours, weekdays, country, closed: BusinessCalendar(
        "any", ZoneInfo(zone), *(hours or (None, None)), frozenset(weekdays), country, frozenset(closed)
    ),
    st.sampled_from(ZONES),
    # Clocks change at night: from 04:00 on every wall time exists once.
    st.none()
    | st.tuples(st.integers(4, 11), st.integers(12, 23)).map(lambda pair: (time(pair[0]), time(pair[1], 30))),
    st.sets(st.integers(0, 6), min_size=1),
    st.sampled_from([None, "ES", "US"]),
    st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=5),
)
moments = st.integers(0, 353 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE)


def is_open(minute: datetime, calendar: BusinessCalendar) -> bool:
    local = minute.astimezone(calendar.zone)
    within = calendar.opens is None or calendar.opens <= local.time() < calendar.closes
    return within and calendar.is_business_day(local.date())


@settings(max_examples=60, deadline=None)
@given(business_calendars, moments, st.integers(0, 9 * 24 * 60))
def test_open_time_is_the_count_of_open_minutes(calendar, start, minutes):
    slow = sum(is_open(start + k * MINUTE, calendar) for k in range(minutes))

    assert calendars.open_time(start, start + minutes * MINUTE, calendar) == slow * MINUTE


@settings(max_examples=60, deadline=None)
@given(business_calendars, moments, st.integers(1, 40))
def test_business_hours_end_where_the_last_open_minute_ends(calendar, start, hours):
    end = calendars.business_hours_end(start, hours, calendar)

    assert calendars.open_time(start, end, calendar) == timedelta(hours=hours)
    assert is_open(end.astimezone(UTC) - MINUTE, calendar)


@settings(max_examples=60, deadline=None)
@given(business_calendars, moments, st.integers(0, 30))
def test_business_days_are_counted_from_the_day_after(calendar, start, days):
    end = calendars.business_days_end(start, days, calendar)

    first, last = start.astimezone(calendar.zone).date(), end.date()
    between = [first + timedelta(days=k) for k in range(1, (last - first).days + 1)]
    assert sum(map(calendar.is_business_day, between)) == days
    assert days == 0 or calendar.is_business_day(last)


@given(moments, st.integers(0, 400), st.sampled_from(ZONES))
def test_calendar_days_end_with_the_local_day(start, days, zone_name):
    zone = ZoneInfo(zone_name)
    end = calendars.calendar_days_end(start, days, zone)
    next_day = datetime.combine(end.date() + timedelta(days=1), time(12), zone)

    assert (end.date() - start.astimezone(zone).date()).days == days
    assert not calendars.is_past(end + timedelta(microseconds=999_999), end)
    assert calendars.is_past(end + timedelta(seconds=1), end)
    assert calendars.is_past(next_day, end)


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(0, 60))
def test_months_stay_in_their_month(day, months):
    end = calendars.add_months(day, months)

    assert (end.year - day.year) * 12 + end.month - day.month == months
    assert end.day == day.day or (end.day < day.day and (end + timedelta(days=1)).day == 1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-10T15:00+01:00", 24, "2026-03-12T15:00+01:00"),
        ("2026-03-10T15:00+01:00", 25, "2026-03-13T11:00+01:00"),
        ("2026-03-27T20:00+01:00", 4, "2026-03-30T12:00+02:00"),
        ("2026-10-12T11:00+02:00", 6, "2026-10-13T16:00+02:00"),
        ("2026-10-23T21:00+02:00", 2, "2026-10-26T11:00+01:00"),
        ("2026-04-01T18:00+02:00", 36, "2026-04-07T22:00+02:00"),
    ],
)
def test_guarantees_over_nights_holidays_and_clock_changes(start, hours, end):
    assert calendars.guarantee_end(at(start), hours, MADRID) == at(end)


def test_a_day_without_opening_hours_is_as_long_as_the_clock_makes_it():
    everyday = BusinessCalendar("x", ZoneInfo("Europe/Madrid"), None, None, frozenset(range(7)))

    spring = ("2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00")
    autumn = ("2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00")
    for (start, end), hours in ((spring, 23), (autumn, 25)):
        assert calendars.open_time(at(start), at(end), everyday) == timedelta(hours=hours)


def test_elapsed_hours_are_real_hours():
    assert calendars.elapsed_end(at("2026-03-28T12:00+01:00"), 86400) == at("2026-03-29T13:00+02:00")


def test_extra_days_off_move_the_end():
    strike = MADRID.closed_on(frozenset({date(2026, 3, 11)}))

    assert calendars.business_days_end(at("2026-03-10T15:00+01:00"), 1, MADRID) == at("2026-03-11T22:00+01:00")
    assert calendars.business_days_end(at("2026-03-10T15:00+01:00"), 1, strike) == at("2026-03-12T22:00+01:00")


def test_a_right_of_withdrawal_does_not_end_on_a_day_off():
    assert calendars.withdrawal_end(at("2026-11-24T12:00+01:00"), 14, MADRID) == at("2026-12-09T23:59:59+01:00")
    assert calendars.withdrawal_end(at("2026-11-23T12:00+01:00"), 14, MADRID) == at("2026-12-07T23:59:59+01:00")


def test_observed_holidays_count_in_los_angeles():
    assert calendars.business_hours_end(at("2026-07-02T16:00-07:00"), 4, LA) == at("2026-07-06T11:00-07:00")


def test_a_deadline_on_a_plain_instant_ends_with_it():
    end = at("2026-03-10T12:10:00+01:00")

    assert not calendars.is_past(end, end)
    assert calendars.is_past(end + timedelta(microseconds=1), end)


@pytest.mark.parametrize(
    "make",
    [
        lambda: BusinessCalendar("x", ZoneInfo("UTC"), time(9), None, frozenset({0})),
        lambda: BusinessCalendar("x", ZoneInfo("UTC"), time(9), time(9), frozenset({0})),
        lambda: BusinessCalendar("x", ZoneInfo("UTC"), None, None, frozenset()),
        lambda: BusinessCalendar("x", ZoneInfo("UTC"), None, None, frozenset({7})),
        lambda: calendars.named("mars"),
        lambda: calendars.business_days_end(at("2026-03-10T15:00+01:00"), -1, MADRID),
        lambda: calendars.business_hours_end(at("2026-03-10T15:00+01:00"), -1, MADRID),
        lambda: calendars.calendar_days_end(at("2026-03-10T15:00"), 1, WEEKDAYS.zone),
        lambda: calendars.business_days_end(
            at("2026-03-10T15:00+01:00"),
            1,
            WEEKDAYS.closed_on(frozenset(date(2026, 1, 1) + timedelta(days=k) for k in range(800))),
        ),
    ],
)
def test_what_cannot_be_counted_is_an_error(make):
    with pytest.raises(CalendarError):
        make()
