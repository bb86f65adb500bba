"""Staff ask a supplier about an order that is claimed for, in its panel or by mail: the claim waits for its answer."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from refunds import answering, claim_moving
from refunds.answering import Telling
from refunds.judging import profile_of
from refunds.models import Claim
from refunds.states import WAITING, ClaimEventKind, ClaimState
from unlockshop.kernel import calendars, clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused

# Business days that a supplier has where the terms name none.
DAYS = 3


def ask(claim_id: int, *, reason: str, actor: Actor) -> Claim:
    """Write down what was asked; without an answer in its days the claim comes back to staff. The customer is told.

    Raises ``Refused`` without a reason, ``TransitionRefused`` where it was decided meanwhile.
    """
    if not reason.strip():
        raise Refused(_("A reason is required."), code="reason_required")
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        agreed, now = profile_of(claim), clock.now()
        claim_moving.move(
            claim,
            ClaimState.WAITING_SUPPLIER,
            ClaimEventKind.SUPPLIER_ASKED,
            actor=actor,
            from_states=WAITING,
            data={"question": reason},
            supplier_asked_at=claim.supplier_asked_at or now,
            supplier_answer="",
            due_at=calendars.business_days_end(now, DAYS, agreed.numbers.calendar),
        )
        answering.tell(claim, Telling.SUPPLIER)
    return claim
