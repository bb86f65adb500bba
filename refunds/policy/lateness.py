"""Being late: guarantees, the hard cap behind them, notices that move a deadline, and lateness that is no ground."""

from __future__ import annotations

from refunds.policy.barring import delaying_bar
from refunds.policy.case import Case, Verdict
from refunds.policy.codes import Code, Decision
from refunds.policy.points import LATE_GROUNDS
from refunds.policy.roles import Role


def broken_promise(case: Case) -> Verdict | None:
    """A broken promise of time is a ground of its own, unless an established fact is why it was broken."""
    if case.holds(Role.GUARANTEE_EXCEEDED):
        verdict = case.verdict(Decision.ELIGIBLE, Code.G_GUARANTEED_TIME_EXCEEDED, Role.GUARANTEE_EXCEEDED)
    elif case.holds(Role.HARD_CAP_EXCEEDED):
        verdict = case.verdict(Decision.ELIGIBLE, Code.G_HARD_CAP_EXCEEDED, Role.HARD_CAP_EXCEEDED)
    else:
        return None
    return delaying_bar(case) or verdict


def late(case: Case) -> Verdict | None:
    """A customer who complains of the time gets what the broken promise gives."""
    is_asked = case.facts.claim.type == "refund" and case.facts.claim.ground in LATE_GROUNDS
    return broken_promise(case) if is_asked else None


def overdue_unasked(case: Case) -> Verdict | None:
    """Where the hard cap pays by itself, it does so without a claim."""
    facts = case.facts
    if facts.claim.type != "supplier_event" or facts.outcome is not None:
        return None
    if case.numbers.delivery.hard_cap_is_automatic and case.holds(Role.HARD_CAP_EXCEEDED):
        verdict = case.verdict(Decision.AUTO_REFUND, Code.G_HARD_CAP_EXCEEDED, Role.HARD_CAP_EXCEEDED)
        return delaying_bar(case) or verdict
    return lateness_alone(case)


def not_late_yet(case: Case) -> Verdict | None:
    """A promise that has not run out answers a complaint of lateness, unless something else is under way."""
    facts = case.facts
    has_promise = case.has(Role.GUARANTEE_EXCEEDED) or case.has(Role.HARD_CAP_EXCEEDED)
    is_busy = facts.verification_submitted_at is not None or facts.supplier.cancel_response == "approved"
    is_asked = facts.claim.type == "refund" and facts.claim.ground in LATE_GROUNDS
    if not (has_promise and is_asked) or is_busy or facts.outcome not in {None, "completed"}:
        return None
    if case.holds(Role.DEADLINE_REPLACED):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_DEADLINE_REPLACED, Role.DEADLINE_REPLACED)
    told = facts.service.delivery
    is_guaranteed = told.guaranteed_business_hours is not None or told.guaranteed_business_days is not None
    if is_guaranteed and case.fails(Role.GUARANTEE_EXCEEDED):
        verdict = case.verdict(Decision.NOT_ELIGIBLE, Code.D_GUARANTEE_NOT_EXCEEDED, Role.GUARANTEE_EXCEEDED)
        return verdict.also(case.reason(Code.D_LATE_NOT_GROUND)) if told.average_business_hours else verdict
    return lateness_alone(case)


def lateness_alone(case: Case) -> Verdict | None:
    """Waiting longer than usual is no ground."""
    if case.holds(Role.LATE):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_LATE_NOT_GROUND, Role.LATE)
    return None
