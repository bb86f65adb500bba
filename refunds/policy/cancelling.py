"""Calling an order off: free minutes, notices of delay, before submission, withdrawal, and the supplier's consent."""

from __future__ import annotations

from typing import Final

from refunds.policy.case import Case, Step, Verdict
from refunds.policy.codes import Code, Decision
from refunds.policy.ended import by_outcome, refused_by_shop
from refunds.policy.lateness import broken_promise
from refunds.policy.roles import Role


def in_cancel_window(case: Case) -> Verdict | None:
    """The promised minutes do not shrink when the shop forwards too early."""
    if case.holds(Role.CANCEL_WINDOW):
        return case.verdict(Decision.ELIGIBLE, Code.G_CANCEL_WINDOW, Role.CANCEL_WINDOW)
    return None


def after_delay_notice(case: Case) -> Verdict | None:
    """A delay reopens the choice: with a date for some hours, without one until there is one."""
    if case.facts.outcome is not None:
        return None
    if case.holds(Role.DELAY_NOTICE):
        return case.verdict(Decision.ELIGIBLE, Code.G_DELAY_NOTICE_CANCEL, Role.DELAY_NOTICE)
    if case.holds(Role.INDEFINITE_DELAY):
        return case.verdict(Decision.ELIGIBLE, Code.G_INDEFINITE_DELAY, Role.INDEFINITE_DELAY)
    return None


def before_submission(case: Case) -> Verdict | None:
    """Nothing has left for the supplier yet, or nothing was paid."""
    for role in (Role.BEFORE_SUBMISSION, Role.UNPAID):
        if case.holds(role):
            return case.verdict(Decision.ELIGIBLE, Code.G_CANCEL_BEFORE_SUBMISSION, role)
    return None


def withdrawing(case: Case) -> Verdict | None:
    """The right to withdraw; work begun without an express request for it is for a person to weigh."""
    if case.holds(Role.WITHDRAWAL):
        return case.verdict(Decision.ELIGIBLE, Code.G_STATUTORY_WITHDRAWAL, Role.WITHDRAWAL)
    if case.holds(Role.WITHDRAWAL_WITHOUT_WAIVER):
        return case.verdict(Decision.NEEDS_STAFF, Code.G_STATUTORY_WITHDRAWAL, Role.WITHDRAWAL_WITHOUT_WAIVER)
    return None


def promise_broken(case: Case) -> Verdict | None:
    """Whoever calls off an order that is overdue has the right that the broken promise gives."""
    return broken_promise(case) if case.facts.outcome is None else None


def completed(case: Case) -> Verdict | None:
    """Delivered work cannot be called off where the profile says so."""
    if case.numbers.cancellation.ends_with_completion and case.facts.outcome == "completed":
        return _too_late(case)
    return None


def supplier_agreed(case: Case) -> Verdict | None:
    """The supplier called the work off."""
    if case.holds(Role.SUPPLIER_APPROVED):
        return case.verdict(Decision.ELIGIBLE, Code.G_SUPPLIER_APPROVED_CANCEL, Role.SUPPLIER_APPROVED)
    return None


def supplier_refused(case: Case) -> Verdict | None:
    """The supplier goes on with the work."""
    if case.holds(Role.SUPPLIER_REJECTED):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_SUPPLIER_REJECTED, Role.SUPPLIER_REJECTED)
    return None


def reprocessed(case: Case) -> Verdict | None:
    """Silence after a notice of delay: the work was taken up again."""
    if case.holds(Role.REPROCESSED):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_ALREADY_REPROCESSED, Role.REPROCESSED)
    return None


def supplier_to_answer(case: Case) -> Verdict | None:
    """The supplier was asked, or is asked now where the profile does that without a procedure of its own."""
    asks_at_once = case.numbers.cancellation.after_dispatch == "ask_supplier"
    was_asked = case.facts.supplier.cancel_response == "pending"
    if case.facts.outcome is None and (asks_at_once or was_asked) and case.holds(Role.SUPPLIER_ASKED):
        return case.verdict(Decision.NEEDS_SUPPLIER, Code.H_SUPPLIER_DECISION_PENDING, Role.SUPPLIER_ASKED)
    return None


def too_late(case: Case) -> Verdict | None:
    """No right to cancel is left."""
    return _too_late(case) if case.numbers.cancellation.after_dispatch == "refuse" else None


def _too_late(case: Case) -> Verdict | None:
    code = case.numbers.cancellation.refusal
    if code is None or not case.holds(Role.TOO_LATE_TO_CANCEL):
        return None
    return case.verdict(Decision.NOT_ELIGIBLE, code, Role.TOO_LATE_TO_CANCEL)


CANCEL: Final[tuple[Step, ...]] = (
    in_cancel_window,
    after_delay_notice,
    before_submission,
    withdrawing,
    promise_broken,
    refused_by_shop,
    by_outcome,
    completed,
    supplier_agreed,
    supplier_refused,
    reprocessed,
    supplier_to_answer,
    too_late,
)
