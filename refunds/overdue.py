"""Orders that are late: what their customers may do, and how they end at the hard cap by themselves.

The refund engine decides, by the terms of the checkout and the order's own clocks. Whoever asks, it is one act: the
order ends and its refund is asked for, or neither. A supplier that has it then is asked to drop it, where its protocol
can be asked; what it does not drop is bought for nothing. While nobody knows whether a supplier has it nothing is
given back: staff say first what happened.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import override

from orders import cancelling, clocks, events, lifecycle
from orders.models import Order, SupplierAttempt
from orders.states import BOUGHT_OUTCOMES, LIVE_OUTCOMES, UNDER_WAY, AttemptOutcome, OrderState
from payments import refunding
from payments.models import Refund
from payments.refunding import Grounds
from refunds import calling_off
from refunds.cancel_facts import cancellation_facts
from refunds.policy import facts as policy_facts
from refunds.policy.assessing import assess
from refunds.policy.assessment import Assessment
from refunds.policy.codes import Decision
from refunds.policy.facts import ClaimType, OrderFacts
from refunds.policy.profile import Profile
from unlockshop.kernel import calendars, clock
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.calendars import BusinessCalendar
from unlockshop.kernel.errors import Refused, TransitionRefused

logger = logging.getLogger(__name__)

# Where an order can be ended: not while it is being sent, nor while it is being looked for.
CAN_END: Final = frozenset({OrderState.PAID, OrderState.ON_HOLD, OrderState.IN_PROCESS})
NOBODY_KNOWS: Final = LIVE_OUTCOMES - BOUGHT_OUTCOMES
UNCLEAR: Final = "unclear"
NOT_LATE: Final = "not_late"


@dataclass(frozen=True, slots=True)
class Lateness:
    """How a late order stands: since when, whether its money can be had by a press, and by which rule.

    ``code`` says why not. ``ends_at`` is when it ends by itself, None where the terms do not say so.
    """

    since: datetime
    may: bool
    code: str
    rule: str
    clause: str
    ends_at: datetime | None


def standing(order: Order) -> Lateness | None:
    """How it stands with a late order; None for one that is not late."""
    now = clock.now()
    if order.result_due_at is None or not clocks.is_late(order, now):
        return None
    agreed = calling_off.agreed_with(order.purchase)
    judged = assess(facts_of(order, "refund", now), agreed)
    code = str(judged.code)
    if judged.decision.is_grant and not _can_end(order):
        code = UNCLEAR
    may = judged.decision.is_grant and code != UNCLEAR
    return Lateness(order.result_due_at, may, code, _rule(judged), _clause(judged, agreed), order.cap_at)


def give_back(order_id: int, *, actor: Actor, is_asked: bool) -> Refund | None:
    """End a late order and ask for its refund, or neither: one transaction. Ended already, nothing happens.

    ``is_asked``: the customer wants it; else the terms must do it by themselves. Returns the refund, None where
    nothing was paid. Raises ``Refused`` with a code of the policy, ``not_late`` or ``unclear``, or what
    ``refunding.request_refund`` raises.
    """
    with transaction.atomic():
        # Payment before order, as refunding takes them.
        payment = calling_off.payment_of(order_id)
        order = lifecycle.lock(order_id)
        if order.state == OrderState.CANCELLED:
            return Refund.objects.filter(order=order).order_by("created_at").last()
        now, agreed = clock.now(), calling_off.agreed_with(order.purchase)
        if order.state not in UNDER_WAY or (is_asked and not clocks.is_late(order, now)):
            raise Refused(_("This order is not late, or it has ended."), code=NOT_LATE)
        judged = assess(facts_of(order, "refund" if is_asked else "supplier_event", now), agreed)
        wanted = judged.decision.is_grant if is_asked else judged.decision == Decision.AUTO_REFUND
        if not wanted:
            raise Refused(_("The terms of this order do not give its money back now."), code=str(judged.code))
        if not _can_end(order):
            raise Refused(_("Our staff must find out first whether our supplier has the order."), code=UNCLEAR)
        with override(order.purchase.language):
            clause = _clause(judged, agreed)
        cancelling.recall(order_id, reason=_("It was not finished in time."), actor=actor)
        lifecycle.run_out(order_id, rule=_rule(judged), clause=clause, actor=actor)
        if payment is None or order.price == 0:
            return None
        grounds = Grounds(_rule(judged), clause)
        money = refunding.refundable_for(order, payment)
        if money.amount <= 0:
            events.record(order, "order.nothing_left", actor=actor, rule=_rule(judged))
            return None
        return refunding.request_refund(payment.pk, money=money, grounds=grounds, actor=actor, order_id=order_id)


def end_overdue() -> int:
    """End every order that is past its hard cap, and give its money back; returns how many. Pulled by the sweep.

    One that cannot end now stays for staff, who find it among those past the cap.
    """
    unclear = SupplierAttempt.objects.filter(order=OuterRef("pk"), outcome__in=sorted(NOBODY_KNOWS))
    rows = Order.objects.filter(clocks.past_cap(clock.now()), state__in=sorted(CAN_END), purchase__frozen_for="")
    ended = 0
    for order_id in rows.exclude(Exists(unclear)).order_by("cap_at").values_list("pk", flat=True):
        try:
            give_back(order_id, actor=SYSTEM, is_asked=False)
        except (Refused, TransitionRefused) as error:
            logger.info("order %s is past its cap and did not end: %s", order_id, error)
        else:
            ended += 1
    return ended


def facts_of(order: Order, claim: ClaimType, now: datetime) -> OrderFacts:
    """The order as the engine judges lateness, by its own clocks."""
    agreed = calling_off.agreed_with(order.purchase)
    known = cancellation_facts(order, None)
    attempts = order.supplier_attempts.order_by("n")
    sent = attempts.filter(outcome__in=sorted(LIVE_OUTCOMES)).values_list("created_at", flat=True).first()
    left = (policy_facts.Event("dispatched", sent),) if sent else ()
    hours = _hours(order.guaranteed_minutes, agreed.numbers.calendar)
    told = policy_facts.Delivery(
        average_business_hours=_hours(order.average_minutes, agreed.numbers.calendar),
        guaranteed_business_hours=hours,
        promised_until=order.promised_until,
        due_at=order.result_due_at,
    )
    return replace(
        known,
        service=replace(known.service, delivery=told),
        history=(*known.history, *left),
        claim=policy_facts.Claim(claim, "late", now, "customer" if claim == "refund" else "system", "order_page"),
    )


def _hours(minutes: int, calendar: BusinessCalendar) -> int:
    return -(-int(calendars.promised_time(minutes, calendar).total_seconds()) // 3600)


def _can_end(order: Order) -> bool:
    live = lifecycle.live_attempt(order)
    return order.state in CAN_END and (live is None or AttemptOutcome(live.outcome) in BOUGHT_OUTCOMES)


def _rule(judged: Assessment) -> str:
    clauses = " ".join(judged.reasons[0].clauses)
    return f"{judged.profile} {judged.version} {judged.code} {clauses}"[:80]


def _clause(judged: Assessment, agreed: Profile) -> str:
    """What the terms say, in the words of the clauses that decided."""
    deciding = [agreed.clauses[name] for name in judged.reasons[0].clauses if name in agreed.clauses]
    return " ".join(clause.sentence for clause in deciding)[:480]
