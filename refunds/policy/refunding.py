"""A claim for money, and the shop's own look at an order when the supplier has answered: the steps in their order."""

from __future__ import annotations

from typing import Final

from refunds.policy import barring, cancelling, ended, lateness, proving, stuck
from refunds.policy.case import Case, Step, Verdict, first_of
from refunds.policy.codes import Code, Decision
from refunds.policy.roles import Role

# Reasons that are no more than wanting out: on an open order they are a cancellation.
WANTING_OUT: Final = frozenset({"change_of_mind", "no_reason"})


def moved_on(case: Case) -> Verdict | None:
    """Once the difference for a better service was paid, the money lies in the new order."""
    if case.holds(Role.MOVED_ON):
        return case.verdict(Decision.NEEDS_STAFF, Code.H_STAFF_JUDGEMENT, Role.MOVED_ON)
    return None


def wanting_out(case: Case) -> Verdict | None:
    """A customer who wants out of an open order has the rights of one who cancels it."""
    claim = case.facts.claim
    if claim.type == "refund" and claim.ground in WANTING_OUT and case.facts.outcome is None:
        return first_of(case, cancelling.CANCEL)
    return None


def barred(case: Case) -> Verdict | None:
    """An established fact denies, but not a promise of time that was broken for another reason."""
    verdict = barring.barred(case)
    if verdict is None or case.facts.claim.type != "refund":
        return verdict
    return lateness.broken_promise(case) or verdict


def no_ground(case: Case) -> Verdict | None:
    """A reason that is not enough by itself, when nothing else spoke for the customer."""
    ground = case.facts.claim.ground
    if ground in {"late", "stuck"}:
        return lateness.lateness_alone(case)
    rule = case.profile.non_grounds.get(ground or "")
    if rule is None or not case.asks(rule):
        return None
    entry = next(each for each in case.numbers.non_grounds if each.ground == ground)
    return Verdict(Decision.NOT_ELIGIBLE, (case.reason(entry.code, rule.ids),), next_step=entry.next_step)


def for_staff(case: Case) -> Verdict:
    """No rule decides: a person does."""
    return case.verdict(Decision.NEEDS_STAFF, Code.H_STAFF_JUDGEMENT)


STEPS: Final[tuple[Step, ...]] = (
    moved_on,
    ended.refused_by_shop,
    wanting_out,
    proving.asked_too_late,
    lateness.overdue_unasked,
    lateness.late,
    lateness.not_late_yet,
    proving.reported_too_late,
    barred,
    barring.alleged,
    ended.unlisted_cause,
    ended.wrong_delivery,
    ended.by_outcome,
    ended.result_differs,
    proving.proof,
    stuck.verification,
    stuck.supplier_word,
    stuck.demanded_in_process,
    no_ground,
)


def refund_claim(case: Case) -> Verdict:
    """The decision on a claim for money. A right to withdraw beats every denial by the shop's own terms."""
    verdict = first_of(case, STEPS) or for_staff(case)
    if verdict.decision == Decision.NOT_ELIGIBLE and case.facts.claim.type == "refund":
        return cancelling.withdrawing(case) or verdict
    return verdict
