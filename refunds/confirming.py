"""The second person's word on an approval above the limit: it is carried out, or the claim waits for staff."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from refunds import claim_moving, deciding, paying_out, seconding
from refunds.models import Claim, SecondApproval
from refunds.states import ClaimEventKind, Seconding
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused


def confirm(claim_id: int, *, reason: str, actor: Actor) -> Claim:
    """Grant what the first person approved, with all that an approval checks, in one transaction.

    Raises ``Refused`` (``same_person``, ``second_settled``, or as ``deciding.approve``): the approval waits on then.
    """
    with transaction.atomic():
        paying_out.lock_payment(claim_id)
        claim, row = _waiting(claim_id)
        seconding.settle(row, Seconding.CONFIRMED, reason=reason, actor=actor)
        data = {"amount": row.money, "first": row.first_by, "reason": reason}
        claim_moving.note(claim, ClaimEventKind.SECOND_CONFIRMED, actor=actor, data=data)
        claim = deciding.approve(claim_id, amount=row.amount, reason=row.reason, actor=actor)
        both = f"{row.first_by}, {actor.label}"[:254]
        claim_moving.note(claim, ClaimEventKind.NOTE, actor=actor, data={"decided by": both}, decided_by=both)
    return claim


def turn_down(claim_id: int, *, reason: str, actor: Actor) -> Claim:
    """Refuse what the first person approved; the claim waits for staff. Raises ``Refused`` as ``confirm`` does."""
    with transaction.atomic():
        claim, row = _waiting(claim_id)
        seconding.settle(row, Seconding.TURNED_DOWN, reason=reason, actor=actor)
        data = {"amount": row.money, "first": row.first_by, "reason": reason}
        claim_moving.note(claim, ClaimEventKind.SECOND_TURNED_DOWN, actor=actor, data=data)
    return claim


def _waiting(claim_id: int) -> tuple[Claim, SecondApproval]:
    claim = claim_moving.lock(claim_id)
    row = seconding.waiting(claim)
    if row is None:
        raise Refused(_("No approval of this claim waits for a second person."), code="second_settled")
    return claim, row
