"""The supplier's part: orders that do not move, and refunds that wait for the supplier's word."""

from __future__ import annotations

from dataclasses import replace

from refunds.policy.cancelling import supplier_agreed, supplier_refused
from refunds.policy.case import Case, Verdict
from refunds.policy.codes import Code, Decision
from refunds.policy.lateness import lateness_alone
from refunds.policy.points import LATE_GROUNDS, NOT_WORKING
from refunds.policy.roles import Role


def verification(case: Case) -> Verdict | None:
    """The procedure for a stuck order: it must be asked for where the profile says so, then the supplier"
    " has its days."""
    facts, stuck = case.facts, case.numbers.stuck
    if stuck is None or facts.outcome is not None or facts.claim.ground not in LATE_GROUNDS:
        return None
    answered = supplier_agreed(case) or supplier_refused(case)
    if answered is not None:
        return answered
    if case.holds(Role.VERIFICATION_WAIT):
        return case.verdict(Decision.NEEDS_SUPPLIER, Code.H_VERIFICATION_WAIT, Role.VERIFICATION_WAIT)
    if case.holds(Role.SUPPLIER_SILENT):
        code = Code.G_SUPPLIER_SILENT if stuck.silence.is_grant else Code.H_SUPPLIER_OVERDUE
        return case.verdict(stuck.silence, code, Role.SUPPLIER_SILENT)
    if stuck.required and case.holds(Role.VERIFICATION_REQUIRED):
        return case.verdict(
            Decision.NOT_ELIGIBLE,
            Code.H_VERIFICATION_REQUIRED,
            Role.VERIFICATION_REQUIRED,
            next_step="request_verification",
        )
    return lateness_alone(case)


def supplier_word(case: Case) -> Verdict | None:
    """Where the supplier decides, its answer counts for any claim; without one it is asked about a failed result."""
    facts = case.facts
    if facts.claim.type != "refund" or facts.outcome not in {None, "completed"}:
        return None
    answered = supplier_agreed(case) or supplier_refused(case)
    if answered is not None:
        return answered
    is_failed = facts.claim.ground == NOT_WORKING and facts.outcome == "completed"
    has_no_procedure = not case.numbers.evidence.shows
    is_waiting = (is_failed and has_no_procedure) or facts.supplier.cancel_response == "pending"
    if is_waiting and case.holds(Role.SUPPLIER_ASKED):
        return case.verdict(Decision.NEEDS_SUPPLIER, Code.H_SUPPLIER_DECISION_PENDING, Role.SUPPLIER_ASKED)
    return None


def demanded_in_process(case: Case) -> Verdict | None:
    """Where work in process is not refunded on demand, a claim without a ground of its own ends here."""
    facts = case.facts
    is_open = facts.claim.type == "refund" and facts.outcome is None and facts.claim.ground not in LATE_GROUNDS
    if case.numbers.cancellation.refusal != Code.D_IN_PROCESS_NO_CANCEL or not is_open:
        return None
    if case.holds(Role.TOO_LATE_TO_CANCEL):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_IN_PROCESS_NO_CANCEL, Role.TOO_LATE_TO_CANCEL)
    return None


def repeated(case: Case, verdict: Verdict) -> Verdict:
    """Repeated requests are merged into the first: the answer says so and is no other."""
    rule = case.rule(Role.DUPLICATE)
    if rule is None or not case.asks(rule):
        return verdict
    first, *others = verdict.reasons
    first = replace(first, clauses=(*first.clauses, *rule.ids))
    return replace(verdict, reasons=(first, *others, case.reason(Code.H_DUPLICATE_REQUEST, rule.ids)))
