"""Claims that wait for somebody: reminders, lapse, and suppliers that do not answer. Pulled by a periodic task."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from orders.states import CancelState, OrderState
from refunds import answering, applying, claim_moving, sweeping
from refunds.answering import Telling
from refunds.judging import judge, profile_of
from refunds.models import Claim
from refunds.states import ClaimEventKind, ClaimState, ClaimType
from unlockshop.kernel import calendars, clock
from unlockshop.kernel.actors import SYSTEM

S = ClaimState
# What is asked because an order brought nothing, and so depends on why.
ABOUT_THE_END: Final = (ClaimType.OUTCOME, ClaimType.NO_RESULT)
ANSWERED: Final = (CancelState.AGREED, CancelState.REFUSED, CancelState.TOO_LATE)


def reminders_due(claim: Claim, now: datetime) -> int:
    """How many of the profile's reminders the customer should have had by now."""
    numbers = profile_of(claim).numbers
    if claim.evidence_requested_at is None:
        return 0
    ends = [
        calendars.calendar_days_end(claim.evidence_requested_at, days, numbers.calendar.zone)
        for days in numbers.claims.reminder_days
    ]
    return sum(now > end for end in ends)


def move_on(*, limit: int = 200) -> int:
    """Remind, let lapse, take over from silent suppliers, follow findings, as the profiles say; how many changed."""
    now = clock.now()
    waiting = Claim.objects.filter(state=S.WAITING_CUSTOMER).order_by("due_at")
    overdue = Claim.objects.filter(state=S.WAITING_SUPPLIER, due_at__lt=now)
    supplied = {*overdue.values_list("pk", flat=True)[:limit], *_answered().values_list("pk", flat=True)[:limit]}
    changed = sweeping.each(list(waiting.values_list("pk", flat=True)[:limit]), _remind_or_lapse)
    changed += sweeping.each(list(_found_out().values_list("pk", flat=True)[:limit]), _after_finding)
    return changed + sweeping.each(sorted(supplied), _after_supplier)


def _answered() -> QuerySet[Claim]:
    """Claims whose supplier has answered a request to cancel since they were judged last."""
    said = Q(order__cancel_requests__state__in=ANSWERED, order__cancel_requests__answered_at__gt=F("assessed_at"))
    rows: QuerySet[Claim] = Claim.objects.filter(said, state=S.WAITING_SUPPLIER, supplier_answer="")
    return rows


def _found_out() -> QuerySet[Claim]:
    """Claims about a device that was not found, of which staff have said why since they were judged last."""
    said = Q(order__investigations__answered_at__gt=F("assessed_at"))
    of_this_end = Q(order__investigations__created_at__gte=F("order__ended_at"), order__state=OrderState.NOT_FOUND)
    rows: QuerySet[Claim] = Claim.objects.filter(said, of_this_end, state=S.WAITING_STAFF, type__in=ABOUT_THE_END)
    return rows


def _after_finding(claim_id: int) -> bool:
    """The rules are asked again, with why it was not found; what they leave open stays with staff."""
    with transaction.atomic():
        if not _found_out().filter(pk=claim_id).exists():
            return False
        claim = claim_moving.lock(claim_id)
        if claim.state != S.WAITING_STAFF or claim.order.state != OrderState.NOT_FOUND:
            return False
        applying.rejudge(claim)
        if claim.state == S.APPROVED:
            applying.answer_others(claim)
        return True


def _remind_or_lapse(claim_id: int) -> bool:
    now = clock.now()
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        if claim.state != S.WAITING_CUSTOMER or claim.evidence_due_at is None:
            return False
        if now > claim.evidence_due_at:
            applying.lapse(claim, judge(claim))
            return True
        due = reminders_due(claim, now)
        if due <= claim.reminders_sent:
            return False
        data = {"reminder": due}
        claim_moving.note(claim, ClaimEventKind.REMINDED, actor=SYSTEM, data=data, reminders_sent=due)
        answering.tell(claim, Telling.REMINDER)
        return True


def _after_supplier(claim_id: int) -> bool:
    """The supplier answered, or its time is over: the rules are asked again; what they leave open goes to staff."""
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        if claim.state != S.WAITING_SUPPLIER:
            return False
        ruling = applying.rejudge(claim)
        if claim.state == S.WAITING_SUPPLIER:
            due = applying.staff_due(ruling.profile, clock.now())
            claim_moving.move(claim, S.WAITING_STAFF, ClaimEventKind.FOR_STAFF, actor=SYSTEM, due_at=due)
        return True
