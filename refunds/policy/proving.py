"""Results that do not work: the report in time, the video, what it shows, and what the reviewer found."""

from __future__ import annotations

from dataclasses import replace

from refunds.policy.case import Case, Verdict
from refunds.policy.codes import Code, Decision
from refunds.policy.points import NOT_WORKING
from refunds.policy.roles import Role


def asked_too_late(case: Case) -> Verdict | None:
    """The days for asking for a refund have passed."""
    if case.facts.claim.type == "refund" and case.fails(Role.REQUEST_WINDOW):
        return case.verdict(Decision.NOT_ELIGIBLE, Code.D_REQUEST_WINDOW_EXPIRED, Role.REQUEST_WINDOW)
    return None


def reported_too_late(case: Case) -> Verdict | None:
    """The days for reporting that a result does not work have passed."""
    if _is_failed_result(case) and case.fails(Role.NOTIFY_WINDOW):
        return case.verdict(case.numbers.claims.notify_late, Code.D_NOTIFY_WINDOW_EXPIRED, Role.NOTIFY_WINDOW)
    return None


def proof(case: Case) -> Verdict | None:
    """The way of a claim that a delivered result does not work."""
    if not _is_failed_result(case):
        return None
    if case.holds(Role.WRONG_CODE_ADMITTED):
        return _wrong_code(case, Role.WRONG_CODE_ADMITTED)
    if not case.numbers.evidence.shows:
        return None
    if case.facts.video is None:
        return _without_video(case)
    return _incomplete(case) or _reviewed(case)


def _is_failed_result(case: Case) -> bool:
    claim = case.facts.claim
    return claim.type == "refund" and claim.ground == NOT_WORKING and case.facts.outcome == "completed"


def _without_video(case: Case) -> Verdict | None:
    if case.holds(Role.VIDEO_LAPSED):
        return case.verdict(
            Decision.NOT_ELIGIBLE, Code.D_NO_EVIDENCE, Role.VIDEO_LAPSED, next_step="send_video_to_reopen"
        )
    if case.holds(Role.VIDEO_MISSING):
        return case.verdict(Decision.NEEDS_EVIDENCE, Code.H_EVIDENCE_REQUIRED, Role.VIDEO_MISSING)
    return None


def _incomplete(case: Case) -> Verdict | None:
    """What the video does not show, each point with the clause that asks for it."""
    missing = {point: rule.ids for point, rule in case.profile.video_points.items() if case.asks(rule)}
    small = case.rule(Role.VIDEO_SMALL)
    if small is not None and case.asks(small):
        missing["resolution"] = small.ids
    if not missing:
        return None
    reason = case.reason(Code.H_EVIDENCE_INSUFFICIENT, *missing.values(), details=tuple(missing))
    return Verdict(Decision.NEEDS_EVIDENCE, (reason,))


def _reviewed(case: Case) -> Verdict | None:
    if case.holds(Role.VIDEO_TO_REVIEW):
        return case.verdict(Decision.NEEDS_STAFF, Code.H_VIDEO_REVIEW, Role.VIDEO_TO_REVIEW)
    if case.holds(Role.CUSTOMER_ERROR):
        return case.verdict(Decision.NEEDS_STAFF, Code.H_PROCEDURE_HELP, Role.CUSTOMER_ERROR, next_step="support")
    if case.holds(Role.SECOND_CODE):
        return case.verdict(Decision.NEEDS_SUPPLIER, Code.H_SECOND_CODE, Role.SECOND_CODE)
    if case.holds(Role.FAILURE_CONFIRMED):
        return _wrong_code(case, Role.FAILURE_CONFIRMED)
    return None


def _wrong_code(case: Case, role: Role) -> Verdict:
    verdict = case.verdict(Decision.ELIGIBLE, Code.G_CODE_INCORRECT, role)
    offers_second = case.has(Role.SECOND_CODE)
    return replace(verdict, extra_choices=("second_code_free",)) if offers_second else verdict
