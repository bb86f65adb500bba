"""The moments a claim is measured against. None where profile or order have no such moment."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from refunds.policy.facts import OrderFacts
from refunds.policy.numbers import Numbers
from unlockshop.kernel import calendars
from unlockshop.kernel.calendars import BusinessCalendar, is_past

HOUR: Final = 3600


def calendar_of(facts: OrderFacts, n: Numbers) -> BusinessCalendar:
    """The profile's calendar, less the days that the shop closed besides."""
    return n.calendar.closed_on(facts.closed_days)


def cancel_window_end(facts: OrderFacts, n: Numbers) -> datetime | None:
    """The end of free cancelling by the clock, counted from order and payment, whichever came later."""
    terms = n.cancellation
    if not terms.window_minutes or facts.kind not in terms.window_kinds:
        return None
    return calendars.elapsed_end(facts.started_at, terms.window_minutes * 60)


def withdrawal_end(facts: OrderFacts, n: Numbers) -> datetime | None:
    """The end of the right to withdraw, for those who have it."""
    terms = n.withdrawal
    if terms.regions is not None and facts.customer.country not in terms.regions:
        return None
    if terms.consumers_only and not facts.customer.consumer:
        return None
    calendar = calendar_of(facts, n)
    if terms.rolls_forward:
        return calendars.withdrawal_end(facts.started_at, terms.days, calendar)
    return calendars.calendar_days_end(facts.started_at, terms.days, calendar.zone)


def delay_cancel_end(facts: OrderFacts, n: Numbers) -> datetime | None:
    """The end of the hours for answering a delay notice, counted from the delivery of the mail."""
    if facts.delay is None or facts.delay.mail_delivered_at is None or n.cancellation.delay_notice_hours is None:
        return None
    return calendars.elapsed_end(facts.delay.mail_delivered_at, n.cancellation.delay_notice_hours * HOUR)


def guarantee_end(facts: OrderFacts, n: Numbers) -> datetime | None:
    """The end of the guaranteed delivery time, before any notice of delay that the order's own clocks do not tell."""
    if n.delivery.guaranteed and facts.service.delivery.due_at is not None:
        return facts.service.delivery.due_at.astimezone(n.calendar.zone)
    hours = _guaranteed_hours(facts, n) if n.delivery.guaranteed else None
    return None if hours is None else _guarantee_end(facts.started_at, hours, calendar_of(facts, n))


def effective_guarantee_end(facts: OrderFacts, n: Numbers) -> datetime | None:
    """The guarantee's end, or the later date that a notice of delay put in its place."""
    end = guarantee_end(facts, n)
    if end is None or not is_deadline_replaced(facts, n):
        return end
    new_date = facts.delay.new_date if facts.delay else None
    return max(end, new_date) if new_date else end


def is_deadline_replaced(facts: OrderFacts, n: Numbers) -> bool:
    """Whether a dated notice arrived before the promise was broken and its hours passed without an answer."""
    answer_by, end = delay_cancel_end(facts, n), guarantee_end(facts, n)
    if not n.delivery.notice_replaces_deadline or answer_by is None or end is None:
        return False
    delay = facts.delay
    if delay is None or delay.new_date is None or delay.mail_delivered_at is None:
        return False
    in_time = not overran(delay.mail_delivered_at, end, calendar_of(facts, n))
    return in_time and is_past(facts.moment, answer_by)


def hard_cap(facts: OrderFacts, n: Numbers) -> datetime | None:
    """The stated or guaranteed time with the profile's extra business days."""
    extra = n.delivery.hard_cap_days
    if extra is None:
        return None
    calendar, told = calendar_of(facts, n), facts.service.delivery
    if told.promised_until is not None:
        return calendars.business_days_end(told.promised_until, extra, calendar)
    hours = _guaranteed_hours(facts, n) if n.delivery.guaranteed else None
    if hours is not None:
        return calendars.business_days_end(_guarantee_end(facts.started_at, hours, calendar), extra, calendar)
    days = told.estimated_business_days or told.guaranteed_business_days
    if days is not None:
        return calendars.business_days_end(facts.started_at, days + extra, calendar)
    hours = told.guaranteed_business_hours or told.average_business_hours
    if hours is None:
        return None
    return calendars.business_days_end(
        calendars.business_hours_end(facts.started_at, hours, calendar), extra, calendar
    )


def delivery_due(facts: OrderFacts, n: Numbers) -> datetime | None:
    """The end of whatever delivery time was told: guaranteed, else estimated, else average."""
    calendar, told = calendar_of(facts, n), facts.service.delivery
    if end := guarantee_end(facts, n):
        return end
    hours = _guaranteed_hours(facts, n)
    if hours is None and told.estimated_business_days is not None:
        return calendars.business_days_end(facts.started_at, told.estimated_business_days, calendar)
    hours = told.average_business_hours if hours is None else hours
    return None if hours is None else calendars.business_hours_end(facts.started_at, hours, calendar)


def stuck_after(facts: OrderFacts, n: Numbers) -> datetime | None:
    """When an order has taken so much longer than estimated that it counts as stuck."""
    factor, calendar, told = n.delivery.stuck_factor, calendar_of(facts, n), facts.service.delivery
    if factor is None:
        return None
    days = told.estimated_business_days or told.guaranteed_business_days
    if days is not None:
        return calendars.business_days_end(facts.started_at, days * factor, calendar)
    hours = told.guaranteed_business_hours or told.average_business_hours
    return None if hours is None else calendars.business_hours_end(facts.started_at, hours * factor, calendar)


def clock_stopped_at(facts: OrderFacts) -> datetime:
    """Until when delivery time is measured: the outcome, or the claim while the order is open."""
    return facts.ended.at if facts.ended else facts.moment


def overran(until: datetime, end: datetime, calendar: BusinessCalendar) -> bool:
    """Whether business time has passed since ``end``: the evening after a Friday's close it has not."""
    if calendar.closes is None:
        return is_past(until, end)
    return is_past(until, end) and calendars.open_time(end, until, calendar).total_seconds() > 0


def request_window_end(facts: OrderFacts, n: Numbers) -> datetime | None:
    """The last day on which a refund can be asked for, counted from the payment."""
    if n.claims.request_days is None or facts.paid_at is None:
        return None
    return calendars.calendar_days_end(facts.paid_at, n.claims.request_days, n.calendar.zone)


def notify_end(facts: OrderFacts, n: Numbers) -> datetime | None:
    """The last day on which a result that does not work can be reported, counted from the result."""
    if n.claims.notify_days is None or facts.completed_at is None:
        return None
    return calendars.calendar_days_end(facts.completed_at, n.claims.notify_days, n.calendar.zone)


def asked_at(facts: OrderFacts) -> datetime:
    """When the customer first asked: a request for evidence proves that the claim was there before it."""
    requested = facts.evidence_requested_at
    return min(facts.moment, requested) if requested else facts.moment


def evidence_due(facts: OrderFacts, n: Numbers) -> datetime | None:
    """The last day for sending the video, counted from the request for it, else from now."""
    if not n.evidence.shows:
        return None
    return calendars.calendar_days_end(asked_at(facts), n.claims.evidence_days, n.calendar.zone)


def check_contest_end(facts: OrderFacts, n: Numbers) -> datetime | None:
    """Until when a changed status speaks against the report."""
    if n.claims.contest_hours is None or facts.kind != "check" or facts.completed_at is None:
        return None
    return calendars.elapsed_end(facts.completed_at, n.claims.contest_hours * HOUR)


def supplier_answer_due(facts: OrderFacts, n: Numbers) -> datetime | None:
    """By when the supplier has to answer a request to verify a stuck order."""
    if n.stuck is None or facts.verification_submitted_at is None:
        return None
    return calendars.business_days_end(facts.verification_submitted_at, n.stuck.answer_days, calendar_of(facts, n))


def price_match_end(facts: OrderFacts, n: Numbers) -> datetime | None:
    """Until when a better price can be claimed."""
    return calendars.elapsed_end(facts.started_at, n.price_match.hours * HOUR) if n.price_match else None


def _guaranteed_hours(facts: OrderFacts, n: Numbers) -> int | None:
    told = facts.service.delivery
    if told.guaranteed_business_hours is not None:
        return told.guaranteed_business_hours
    if told.guaranteed_business_days is not None:
        return calendars.days_in_hours(told.guaranteed_business_days, n.calendar)
    return None


@lru_cache(maxsize=1024)
def _guarantee_end(start: datetime, hours: int, calendar: BusinessCalendar) -> datetime:
    return calendars.guarantee_end(start, hours, calendar)
