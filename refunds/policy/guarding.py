"""Guards: what stops a claim before its merits are looked at (level 1 of the order of rules)."""

from __future__ import annotations

from typing import Final

from refunds.policy.case import Case, Step, Verdict
from refunds.policy.codes import Code, Decision
from refunds.policy.roles import Role


def refunded_already(case: Case) -> Verdict | None:
    """Money that went back once does not go back again. A wallet balance is no longer the order's money."""
    if case.facts.claim.type != "wallet_withdrawal" and case.holds(Role.REFUNDED):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_ALREADY_REFUNDED, Role.REFUNDED)
    return None


def disputed(case: Case) -> Verdict | None:
    """While the payment provider decides, the shop pays nothing: it might pay twice."""
    if case.holds(Role.DISPUTE_PREMATURE):
        return case.verdict(Decision.NEEDS_STAFF, Code.H_PREMATURE_DISPUTE, Role.DISPUTE_PREMATURE)
    if case.holds(Role.DISPUTE_OPEN):
        return case.verdict(Decision.NEEDS_STAFF, Code.H_DISPUTE_OPEN, Role.DISPUTE_OPEN)
    return None


def suspicious(case: Case) -> Verdict | None:
    """Suspicion is looked at by a person; it denies nothing."""
    for role in (Role.CREDIT_ABUSE, Role.PAYMENT_STOLEN, Role.FRAUD_SUSPECTED):
        if case.holds(role):
            return case.verdict(Decision.NEEDS_STAFF, Code.H_FRAUD_REVIEW, role)
    return None


def from_another_sender(case: Case) -> Verdict | None:
    """A cancellation from an address that did not order may be anybody's."""
    if case.holds(Role.OTHER_SENDER):
        return case.verdict(Decision.NEEDS_STAFF, Code.H_IDENTITY_MISMATCH, Role.OTHER_SENDER)
    return None


GUARDS: Final[tuple[Step, ...]] = (refunded_already, disputed, suspicious, from_another_sender)
