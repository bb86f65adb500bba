"""Above a limit one person does not grant a refund alone: the approval waits until a second person confirms it.

The limit is for what staff grant for one order altogether, also on the payment's page, so that it is not passed in
parts. What the rules grant by themselves has none.
"""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from payments.models import Refund
from payments.states import COUNTING_REFUNDS
from refunds import claim_moving
from refunds.models import Claim, SecondApproval
from refunds.states import WAITING, ClaimEventKind, ClaimState, Seconding
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, Actor, ActorKind
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.exact_sum import ExactSum
from unlockshop.kernel.money import Money


def limit_of(currency: str) -> Decimal | None:
    """What one person may grant alone for an order; None for no limit."""
    limit: Decimal | None = settings.REFUND_SECOND_PERSON_ABOVE.get(currency)
    return limit


def is_above(claim: Claim, amount: Decimal) -> bool:
    """Whether what was granted for the order, with so much more, is more than one person may grant alone."""
    limit = limit_of(claim.currency)
    return limit is not None and amount > 0 and _granted_before(claim) + amount > limit


def waiting(claim: Claim) -> SecondApproval | None:
    """The approval that waits for its second person."""
    return claim.second_approvals.filter(state=Seconding.WAITING).first()


def all_waiting() -> QuerySet[SecondApproval]:
    """Every such approval, the oldest first."""
    return SecondApproval.objects.filter(state=Seconding.WAITING).order_by("first_at")


def ask_if_above(claim: Claim, amount: Decimal, *, reason: str, actor: Actor) -> SecondApproval | None:
    """Where the amount is above the limit and nobody confirmed it: the approval as a row that waits; else None.

    The claim is locked. Raises ``Refused`` (``second_waiting``) where one waits already.
    """
    limit = limit_of(claim.currency)
    if limit is None or not is_above(claim, amount):
        return None
    if claim.second_approvals.filter(state=Seconding.CONFIRMED, amount=amount).exists():
        return None
    if waiting(claim) is not None:
        raise Refused(_("An approval of this claim waits for a second person already."), code="second_waiting")
    # A part that only together with others passes the limit may itself be below it.
    row: SecondApproval = SecondApproval.objects.create(
        claim=claim,
        amount=amount,
        currency=claim.currency,
        limit=max(limit - _granted_before(claim), Decimal(0)),
        reason=reason.strip()[:500],
        first_by=actor.label[:254],
        first_ident=actor.ident[:40],
        first_at=clock.now(),
    )
    data = {"amount": row.money, "limit": Money(limit, claim.currency), "reason": reason}
    claim_moving.note(claim, ClaimEventKind.SECOND_ASKED, actor=actor, data=data)
    return row


def _granted_before(claim: Claim) -> Decimal:
    """What other claims of the order were granted, or staff gave back without one, and has not come to nothing."""
    granted = claim.order.claims.filter(state__in=[ClaimState.APPROVED, ClaimState.SETTLED]).exclude(pk=claim.pk)
    by_hand = Refund.objects.filter(
        order=claim.order, claim=None, actor_kind=ActorKind.STAFF, state__in=COUNTING_REFUNDS
    )
    return sum(
        (found.aggregate(total=ExactSum("amount"))["total"] or Decimal(0) for found in (granted, by_hand)), Decimal(0)
    )


def close(claim: Claim) -> None:
    """The claim is decided in another way, or by now in this one: nothing waits for a second person any more."""
    SecondApproval.objects.filter(claim=claim, state=Seconding.WAITING).update(
        state=Seconding.OVERTAKEN, second_at=clock.now()
    )


def close_decided() -> int:
    """Close what waits at claims that no longer wait, such as withdrawn ones; returns how many. For the sweep."""
    over = all_waiting().exclude(claim__state__in=sorted(WAITING)).values_list("pk", flat=True)
    return SecondApproval.objects.filter(pk__in=list(over)).update(state=Seconding.OVERTAKEN, second_at=clock.now())


def settle(row: SecondApproval, became: Seconding, *, reason: str, actor: Actor) -> None:
    """A second person's word on it. The claim is locked.

    Raises ``Refused``: ``reason_required``, ``same_person``, or ``second_settled`` where another was faster.
    """
    if not reason.strip():
        raise Refused(_("A reason is required."), code="reason_required")
    if actor == SYSTEM or actor.ident == row.first_ident or actor.label == row.first_by:
        raise Refused(_("Somebody else must look at it: you approved it yourself."), code="same_person")
    done = SecondApproval.objects.filter(pk=row.pk, state=Seconding.WAITING).update(
        state=Seconding(became),
        second_by=actor.label[:254],
        second_ident=actor.ident[:40],
        second_at=clock.now(),
        second_reason=reason.strip()[:500],
    )
    if not done:
        raise Refused(_("Somebody else was faster."), code="second_settled")
