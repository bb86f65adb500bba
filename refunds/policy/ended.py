"""Orders that brought nothing: unavailable, not found, failed, called off by the supplier, refused by the shop."""

from __future__ import annotations

from typing import Final

from refunds.policy.assessment import Payout
from refunds.policy.case import Case, Verdict
from refunds.policy.codes import Code, Decision
from refunds.policy.roles import Role
from unlockshop.kernel.money import zero

# What an outcome is called when it gives the money back, and which rule says so.
_GRANTS: Final = {
    "unavailable": (Code.G_UNAVAILABLE, Role.UNAVAILABLE),
    "not_found": (Code.G_UNAVAILABLE, Role.UNAVAILABLE),
    "check_unavailable": (Code.G_CHECK_RESULT_UNAVAILABLE, Role.CHECK_UNAVAILABLE),
    "topup_failed": (Code.G_TOPUP_FAILED, Role.TOPUP_FAILED),
}


def refused_by_shop(case: Case) -> Verdict | None:
    """Refusing means refunding, whatever is known about the device."""
    if case.holds(Role.REFUSED_BY_SHOP):
        return case.verdict(Decision.AUTO_REFUND, Code.G_REFUSED_BY_SHOP, Role.REFUSED_BY_SHOP)
    return None


def unlisted_cause(case: Case) -> Verdict | None:
    """A cause beyond control that the terms do not list is a person's decision, with reasons in writing."""
    if case.holds(Role.UNLISTED_CAUSE):
        return case.verdict(Decision.NEEDS_STAFF, Code.H_STAFF_JUDGEMENT, Role.UNLISTED_CAUSE)
    return None


def wrong_delivery(case: Case) -> Verdict | None:
    """The shop delivered something else by its own fault: it is exchanged, at once if it was worth less."""
    if not case.holds(Role.WRONG_DELIVERY):
        return None
    received, price = case.facts.received_value, case.facts.service.price
    is_urgent = received is not None and received.amount < price.amount
    verdict = case.verdict(Decision.ELIGIBLE, Code.G_WRONG_SERVICE_DELIVERED, Role.WRONG_DELIVERY)
    payout = Payout("exchange_urgent" if is_urgent else "exchange", zero(price.currency))
    return Verdict(verdict.decision, verdict.reasons, amount=zero(price.currency).amount, payouts=(payout,))


def by_outcome(case: Case) -> Verdict | None:
    """What the end of the order says by itself, whatever ground the customer gave."""
    outcome, outcomes = case.facts.outcome, case.numbers.outcomes
    if outcome == "not_found" and outcomes.get("not_found") is None:
        return _investigated(case)
    if outcome == "supplier_cancelled":
        return _called_off_by_supplier(case)
    if outcome not in _GRANTS:
        return None
    code, role = _GRANTS[outcome]
    if case.facts.kind == "check" and role == Role.UNAVAILABLE:
        code, role = _GRANTS["check_unavailable"]
    decision = outcomes.get(outcome) or outcomes["unavailable"]
    return case.verdict(decision, code, role) if decision and case.holds(role) else None


def _called_off_by_supplier(case: Case) -> Verdict | None:
    decision = case.numbers.outcomes.get("supplier_cancelled") or case.numbers.outcomes["unavailable"]
    if decision and case.holds(Role.SUPPLIER_CANCELLED):
        return case.verdict(decision, Code.G_SUPPLIER_APPROVED_CANCEL, Role.SUPPLIER_CANCELLED)
    if decision and case.holds(Role.UNAVAILABLE):
        return case.verdict(decision, Code.G_UNAVAILABLE, Role.UNAVAILABLE)
    return None


def _investigated(case: Case) -> Verdict | None:
    """Not found is neither a refund nor a denial until its cause is known."""
    if case.holds(Role.NOT_FOUND_CLEARED):
        return case.verdict(Decision.ELIGIBLE, Code.G_UNAVAILABLE, Role.NOT_FOUND_CLEARED)
    if case.holds(Role.RESUBMIT):
        return case.verdict(Decision.NEEDS_SUPPLIER, Code.H_RESUBMIT, Role.RESUBMIT)
    if case.holds(Role.NOT_FOUND):
        return case.verdict(Decision.NEEDS_STAFF, Code.H_NOT_FOUND_INVESTIGATION, Role.NOT_FOUND)
    return None


def result_differs(case: Case) -> Verdict | None:
    """A report speaks for the device as it was; a change long after it is no fault of the report."""
    if case.facts.claim.ground != "result_differs":
        return None
    if case.holds(Role.STATUS_CHANGED):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_STATUS_CHANGED_AFTER_24H, Role.STATUS_CHANGED)
    if case.holds(Role.RESULT_DISPUTED):
        return case.verdict(Decision.NEEDS_STAFF, Code.H_RESULT_DISPUTED, Role.RESULT_DISPUTED)
    return None
