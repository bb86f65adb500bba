"""From verdict to answer: who must look before money leaves, how much goes where, and the deadlines that count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from refunds.policy import periods
from refunds.policy.assessment import Assessment, Deadline, Payout, Refund
from refunds.policy.case import Case, Verdict
from refunds.policy.codes import Code, Decision
from refunds.policy.facts import CREDITS, OrderFacts
from refunds.policy.numbers import Numbers
from refunds.policy.roles import Role
from refunds.policy.stuck import repeated
from unlockshop.kernel import calendars
from unlockshop.kernel.money import Money

IN_CREDITS: Final = frozenset(
    {"refund_credits", "exchange", "exchange_urgent", "replacement_order", "new_order_credit"}
)


def looked_over(case: Case, verdict: Verdict) -> Verdict:
    """A grant that a person must see first becomes theirs: it stays due, it does not go out by itself."""
    if not verdict.decision.is_grant:
        return verdict
    if case.holds(Role.ABUSE):
        return case.verdict(Decision.NEEDS_STAFF, Code.H_ABUSE_REVIEW, Role.ABUSE)
    if verdict.payouts is not None and all(payout.to in IN_CREDITS for payout in verdict.payouts[:1]):
        return verdict
    for role in (Role.DESTINATION_IMPOSSIBLE, Role.BANK_ABROAD):
        if case.holds(role):
            return case.verdict(Decision.NEEDS_STAFF, Code.H_DESTINATION_REVIEW, role)
    return verdict


def settle(case: Case, verdict: Verdict) -> Assessment:
    """The whole answer to a claim."""
    verdict = repeated(case, looked_over(case, verdict))
    return Assessment(
        decision=verdict.decision,
        reasons=verdict.reasons,
        refund=_refund(case, verdict) if verdict.decision.is_grant else None,
        deadlines=tuple(_deadlines(case, verdict)),
        trail=tuple(case.trail),
        profile=case.profile.name,
        version=case.profile.version,
        next_step=verdict.next_step,
    )


def _refund(case: Case, verdict: Verdict) -> Refund:
    """All that was paid, or the verdict's own sum; credits go back to where they came from, money where "
    "one may choose."""
    facts, currency = case.facts, case.facts.service.price.currency
    if verdict.amount is not None:
        payouts = verdict.payouts or ()
        choices = tuple(payout.to for payout in payouts if payout.amount is None)
        return Refund(Money(verdict.amount, currency), choices, tuple(each for each in payouts if each.amount))
    tenders = facts.payment.tenders if facts.captured.amount else ()
    sources = {tender.source for tender in tenders}
    fixed = tuple(
        Payout(source, facts.sum_of(each for each in tenders if each.source == source))
        for source in sorted(sources & (CREDITS | {"wallet"}))
    )
    if sources == {"wallet"}:
        return Refund(facts.captured, ("wallet",), fixed)
    return Refund(facts.captured, (*verdict.extra_choices, *_choices(facts, case.numbers)), fixed)


def _choices(facts: OrderFacts, n: Numbers) -> tuple[str, ...]:
    """A better service can be chosen instead of money for unlocks only."""
    return tuple(to for to in n.refund.destinations if to != "additional_payment" or facts.kind == "unlock")


# The deadlines that belong to the order and claim whatever the decision.
_PERIODS: Final[dict[str, Callable[[OrderFacts, Numbers], datetime | None]]] = {
    "cancel_window_end": periods.cancel_window_end,
    "withdrawal_end": periods.withdrawal_end,
    "delay_cancel_end": periods.delay_cancel_end,
    "guarantee_end": periods.guarantee_end,
    "hard_cap": periods.hard_cap,
    "request_window_end": periods.request_window_end,
    "notify_end": periods.notify_end,
    "check_contest_end": periods.check_contest_end,
    "supplier_answer_due": periods.supplier_answer_due,
}


def _deadlines(case: Case, verdict: Verdict) -> Iterator[Deadline]:
    facts, n = case.facts, case.numbers
    for name, period in _PERIODS.items():
        if (at := period(facts, n)) is not None:
            yield Deadline(name, at)
    if facts.claim.type == "price_match" and (at := periods.price_match_end(facts, n)):
        yield Deadline("price_match_end", at)
    if facts.payment.dispute is not None:
        yield from _dispute_deadlines(facts, n)
    if verdict.reasons[0].code in {Code.H_EVIDENCE_REQUIRED, Code.D_NO_EVIDENCE}:
        yield from _evidence_deadlines(facts, n)
    if verdict.payouts and verdict.payouts[0].to == "replacement_order":
        yield from _replacement_deadline(facts, n)
    elif verdict.decision.is_grant:
        yield from _payment_deadlines(facts, n)


def _dispute_deadlines(facts: OrderFacts, n: Numbers) -> Iterator[Deadline]:
    """What staff do by when; the delivery time shows whether the dispute came too soon."""
    dispute = facts.payment.dispute
    assert dispute is not None
    if due := periods.delivery_due(facts, n):
        yield Deadline("delivery_due", due)
    if n.disputes.premature_hours is not None:
        seconds = n.disputes.premature_hours * periods.HOUR
        yield Deadline("staff_task_due", calendars.elapsed_end(dispute.opened_at, seconds))
    if n.disputes.escalate_days is not None:
        seconds = n.disputes.escalate_days * 24 * periods.HOUR
        yield Deadline("escalate_at", calendars.elapsed_end(dispute.opened_at, seconds))


def _evidence_deadlines(facts: OrderFacts, n: Numbers) -> Iterator[Deadline]:
    if due := periods.evidence_due(facts, n):
        yield Deadline("evidence_due", due)
    for number, days in enumerate(n.claims.reminder_days, start=1):
        at = calendars.calendar_days_end(periods.asked_at(facts), days, n.calendar.zone)
        yield Deadline(f"evidence_reminder_{number}", at)


def _replacement_deadline(facts: OrderFacts, n: Numbers) -> Iterator[Deadline]:
    """A replacement's delivery time runs from the change: the quoted time, else the one the profile assumes."""
    told = facts.service.delivery
    hours = told.guaranteed_business_hours or told.average_business_hours or n.cancellation.replacement_hours
    if hours is not None:
        end = calendars.business_hours_end(facts.moment, hours, periods.calendar_of(facts, n))
        yield Deadline("replacement_due", end)


def _payment_deadlines(facts: OrderFacts, n: Numbers) -> Iterator[Deadline]:
    """When the money must have left the shop, and when the customer sees it, counted from now."""
    terms, calendar, now = n.refund, periods.calendar_of(facts, n), facts.moment
    ends = []
    if terms.process_business_days is not None:
        ends.append(calendars.business_days_end(now, terms.process_business_days, calendar))
    if terms.process_calendar_days is not None:
        ends.append(calendars.calendar_days_end(now, terms.process_calendar_days, calendar.zone))
    if ends:
        yield Deadline("process_by", min(ends))
    if terms.visible_days is not None:
        yield Deadline("visible_by", calendars.calendar_days_end(now, terms.visible_days, calendar.zone))
    if terms.posted_after_hours is not None:
        yield Deadline("posted_earliest", calendars.elapsed_end(now, terms.posted_after_hours * periods.HOUR))
    if (hours := terms.posted_within_hours.get(facts.kind)) is not None:
        yield Deadline("posted_latest", calendars.elapsed_end(now, hours * periods.HOUR))
    elif (days := terms.posted_within_business_days.get(facts.kind)) is not None:
        yield Deadline("posted_latest", calendars.business_days_end(now, days, calendar))
