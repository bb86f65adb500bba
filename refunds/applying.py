"""What the rules decide by themselves, and where their answer puts a claim: granted, denied, lapsed, or with whom.

Only arithmetic denies by itself; every other denial waits for a person (``deciding``).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from refunds import answering, claim_moving, reviewing
from refunds.answering import Telling
from refunds.judging import Ruling
from refunds.models import Claim
from refunds.policy.codes import Code, Decision
from refunds.policy.profile import Profile
from refunds.policy.rendering import JUDGEMENT
from refunds.states import WAITING, ClaimEventKind, ClaimState
from unlockshop.kernel import calendars, clock
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.money import Money

S = ClaimState
# By when staff look at a claim, in business days of its profile.
STAFF_DAYS: Final = 2
STAFF_CODE: Final = "STAFF"


def staff_due(agreed: Profile, now: datetime) -> datetime:
    """By when staff are to act on a claim."""
    return calendars.business_days_end(now, STAFF_DAYS, agreed.numbers.calendar)


def engine_columns(ruling: Ruling) -> dict[str, Any]:
    """The rules' answer as a claim keeps it, beside whatever staff decide."""
    return {
        "engine_decision": ruling.answer.decision,
        "engine_code": ruling.answer.code,
        "engine_clauses": " ".join(ruling.clause_ids)[:400],
        "engine_trail": [asdict(each) for each in ruling.answer.trail],
        "assessed_at": clock.now(),
    }


def decision_columns(code: str, clauses: str, actor: Actor, **further: Any) -> dict[str, Any]:
    """What a decided claim carries."""
    return {
        "code": code,
        "clauses": clauses[:400] or JUDGEMENT,
        "decided_at": clock.now(),
        "decided_by": actor.label[:254] or str(actor.kind),
        "due_at": None,
        **further,
    }


def rejudge(claim: Claim) -> Ruling:
    """Ask the rules about a locked, waiting claim and bring it where their answer belongs.

    The answer is told where it changes who must act, or decides.
    """
    ruling = reviewing.judged(claim)
    columns = engine_columns(ruling)
    data = {"decision": ruling.answer.decision, "code": ruling.answer.code, "clauses": " ".join(ruling.clause_ids)}
    if ruling.answer.decision == Decision.AUTO_REFUND:
        grant(claim, ruling, None, actor=SYSTEM, telling=Telling.AUTOMATIC, columns=columns)
        return ruling
    if ruling.answer.code == Code.D_NO_EVIDENCE:
        lapse(claim, ruling)
        return ruling
    if ruling.is_denied_by_arithmetic:
        columns |= decision_columns(ruling.answer.code, " ".join(ruling.clause_ids), SYSTEM)
        claim_moving.move(claim, S.DENIED, ClaimEventKind.DENIED, actor=SYSTEM, data=data, **columns)
        answering.tell(claim, Telling.DENIED)
        return ruling
    target, due, telling = _where(claim, ruling)
    if target == S.WAITING_CUSTOMER:
        columns |= {"evidence_requested_at": claim.evidence_requested_at or clock.now(), "evidence_due_at": due}
    is_news = target != claim.state or not claim.assessed_at
    claim_moving.move(claim, target, ClaimEventKind.ASSESSED, actor=SYSTEM, data=data, due_at=due, **columns)
    if is_news:
        answering.tell(claim, telling)
    return ruling


def lapse(claim: Claim, ruling: Ruling) -> None:
    """Nothing was sent in by the last day: closed until it is."""
    code, clauses = Code.D_NO_EVIDENCE, " ".join(ruling.clause_ids)[:400]
    data = {"code": code, "clauses": clauses}
    columns = {**engine_columns(ruling), "code": code, "clauses": clauses, "due_at": None}
    claim_moving.move(claim, S.LAPSED, ClaimEventKind.LAPSED, actor=SYSTEM, data=data, **columns)
    answering.tell(claim, Telling.LAPSED)


def _where(claim: Claim, ruling: Ruling) -> tuple[ClaimState, datetime, Telling]:
    """Who acts next on a claim that is not decided, and by when."""
    now, answer = clock.now(), ruling.answer
    by_staff = staff_due(ruling.profile, now)
    if answer.decision == Decision.NEEDS_EVIDENCE:
        return (
            S.WAITING_CUSTOMER,
            answer.deadline("evidence_due") or claim.evidence_due_at or by_staff,
            Telling.EVIDENCE,
        )
    # To be sent in again is for customer or staff to press: no supplier is asked before.
    if answer.decision == Decision.NEEDS_SUPPLIER and answer.code != Code.H_RESUBMIT:
        return S.WAITING_SUPPLIER, answer.deadline("supplier_answer_due") or by_staff, Telling.SUPPLIER
    return S.WAITING_STAFF, by_staff, Telling.RECEIVED


def grant(
    claim: Claim,
    ruling: Ruling,
    amount: Decimal | None,
    *,
    actor: Actor,
    telling: Telling,
    columns: dict[str, Any],
) -> None:
    """Approve a locked claim: ``amount`` goes back, or (None) what the rules say. The refund itself comes after."""
    refund, agreed = ruling.answer.refund, ruling.profile
    due = amount if amount is not None else (refund.total.amount if refund else Decimal(0))
    is_grant = ruling.answer.decision.is_grant
    code = str(ruling.answer.code) if is_grant else STAFF_CODE
    columns = {
        **columns,
        **decision_columns(code, " ".join(ruling.clause_ids), actor),
        "amount": due,
        "pay_by": pay_by(ruling.answer.deadline("process_by"), agreed),
    }
    data = {"amount": Money(due, claim.currency), "code": code, "clauses": columns["clauses"],
            "reason": columns.get("decision_reason", "")}  # fmt: skip
    claim_moving.move(claim, S.APPROVED, ClaimEventKind.APPROVED, actor=actor, data=data, **columns)
    answering.tell(claim, telling)


def pay_by(told: datetime | None, agreed: Profile) -> datetime:
    """By when the money must have left: business days from now, capped as the profile says."""
    now, terms = clock.now(), agreed.numbers.refund
    ends = [told] if told and told > now else []
    if terms.process_business_days is not None:
        ends.append(calendars.business_days_end(now, terms.process_business_days, agreed.numbers.calendar))
    if terms.process_calendar_days is not None:
        ends.append(calendars.calendar_days_end(now, terms.process_calendar_days, agreed.numbers.calendar.zone))
    return min(ends) if ends else staff_due(agreed, now)


def answer_others(claim: Claim) -> None:
    """What else was asked for the order is answered by the money that goes back. The order is locked."""
    others = claim.order.claims.filter(state__in=sorted(WAITING)).exclude(pk=claim.pk).values_list("pk", flat=True)
    for claim_id in others:
        other = claim_moving.lock(claim_id)
        data = {"reason": f"answered by claim {claim.pk}"}
        claim_moving.move(other, S.WITHDRAWN, ClaimEventKind.WITHDRAWN, actor=SYSTEM, data=data, due_at=None)
