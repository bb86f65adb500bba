"""The money of approved claims: through the one refund door, once; what fails there becomes a task for staff.

A claim stays ``approved`` with its ``pay_by`` until its refund has succeeded: these rows are the queue of what is due.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from orders.models import Order
from orders.states import UNDELIVERED
from payments import paying_by_hand, refunding, reopening
from payments.models import Payment, Refund
from payments.paying_by_hand import ByHand
from payments.refunding import Grounds
from payments.states import COUNTING_REFUNDS, RefundState
from refunds import claim_moving, sweeping
from refunds.judging import clause_lines, profile_of, rule_of
from refunds.models import Claim
from refunds.order_facts import payment_of
from refunds.states import ClaimEventKind, ClaimState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.errors import Refused

# What passes by itself, so that the sweep asks again: a dispute freezes what no person decided.
PASSING: Final = "disputed:"


def lock_payment(claim_id: int) -> Payment | None:
    """The payment of the claim's order, its row locked: before the order's lock, as refunding takes them."""
    order = Order.objects.defer("result").get(claims=claim_id)
    payment = payment_of(order)
    return Payment.objects.select_for_update(of=("self",)).get(pk=payment.pk) if payment else None


def ask_refund(claim: Claim, payment: Payment | None, *, actor: Actor, override: str = "") -> None:
    """Ask the door for an approved claim's money, in the caller's transaction, payment and claim locked.

    A refusal is written down as the claim's trouble: it stays due, and staff see why. ``override`` is why staff go
    past a guard.
    """
    if claim.state != ClaimState.APPROVED or claim.refund_id is not None or claim.amount == 0:
        return
    if actor == SYSTEM and claim.order.state not in UNDELIVERED:
        _trouble(claim, "order_goes_on: " + _("The order was taken up again after the refund was granted."))
        return
    if payment is None:
        _trouble(claim, "no_payment: " + _("There is no payment to refund."))
        return
    try:
        refund = refunding.request_refund(
            payment.pk, money=claim.money, grounds=_grounds(claim, override), actor=actor, order_id=claim.order_id
        )
    except Refused as refused:
        _trouble(claim, f"{refused.code}: {refused}")
        return
    data = {"refund": refund.pk, "amount": claim.money, "rule": refund.rule}
    claim_moving.note(claim, ClaimEventKind.REFUND_ASKED, actor=actor, data=data, refund=refund, trouble="")


def _grounds(claim: Claim, override: str) -> Grounds:
    """What the claim's money rests on: its rule, and the reviewer's words or the clauses."""
    ids = tuple(claim.clauses.split())
    said = " ".join(line.sentence for line in clause_lines(profile_of(claim), ids))
    reason = (claim.decision_reason or said or claim.code)[:500]
    return Grounds(rule_of(claim.profile, claim.code, ids), reason, override)


def _trouble(claim: Claim, why: str) -> None:
    if why[:300] != claim.trouble:
        claim_moving.note(claim, ClaimEventKind.TROUBLE, actor=SYSTEM, data={"why": why}, trouble=why[:300])


def pay_again(claim_id: int, *, reason: str, actor: Actor) -> None:
    """Staff ask the door once more, after the refund failed or was refused; ``Refused`` where it did neither."""
    with transaction.atomic():
        payment = lock_payment(claim_id)
        claim = claim_moving.lock(claim_id)
        if claim.state != ClaimState.APPROVED or not claim.trouble:
            raise Refused(_("This claim's money is on its way."), code="not_waiting")
        data = {"reason": reason}
        claim_moving.note(claim, ClaimEventKind.NOTE, actor=actor, data=data, refund=None)
        ask_refund(claim, payment, actor=actor, override=reason)


def pay_by_hand(claim_id: int, sent: ByHand, *, actor: Actor) -> Refund:
    """Staff have sent the claim's money past the provider: booked, told, and the claim settled in one transaction.

    Raises ``Refused`` with ``not_waiting`` or ``no_payment``, or as ``paying_by_hand.record`` does.
    """
    with transaction.atomic():
        payment = lock_payment(claim_id)
        claim = claim_moving.lock(claim_id)
        if claim.state != ClaimState.APPROVED or not claim.trouble:
            raise Refused(_("This claim's money is on its way."), code="not_waiting")
        if payment is None:
            raise Refused(_("No payment of this order is in the books: settle it in another way."), code="no_payment")
        failed = claim.refund
        if failed is not None and reopening.waits(failed):
            refund = reopening.paid_by_hand(failed, sent, actor=actor)
        else:
            grounds = _grounds(claim, claim.trouble)
            refund = paying_by_hand.record(
                payment.pk, sent, money=claim.money, grounds=grounds, actor=actor, order_id=claim.order_id
            )
        data = {"refund": refund.pk, "amount": refund.money, "rule": refund.rule, "way": sent.way}
        claim_moving.note(claim, ClaimEventKind.REFUND_ASKED, actor=actor, data=data, refund=refund, trouble="")
        _follow(claim)
    return refund


def settle_by_hand(claim_id: int, *, reason: str, actor: Actor) -> None:
    """Staff did what the claim asks for without any money of ours, such as an exchange.

    The claim lets go of a refund that failed (the trail keeps it): it would look like money that came back just now.
    Money that is still in the books is refused with ``record_it``: it is paid back, or recorded by ``pay_by_hand``.
    """
    if not reason.strip():
        raise Refused(_("Say what was done."), code="reason_required")
    with transaction.atomic():
        payment = lock_payment(claim_id)
        claim = claim_moving.lock(claim_id)
        if claim.refund_id is not None and not claim.trouble:
            raise Refused(_("This claim's money is on its way."), code="not_waiting")
        if claim.amount and payment is not None and refunding.refundable_for(claim.order, payment).amount > 0:
            raise Refused(
                _("The customer's money is still in the books. Record how you sent it: “Paid in another way”."),
                code="record_it",
            )
        data = {"reason": reason}
        claim_moving.move(
            claim,
            ClaimState.SETTLED,
            ClaimEventKind.SETTLED,
            actor=actor,
            data=data,
            trouble="",
            due_at=None,
            refund=None,
        )


def due() -> QuerySet[Claim]:
    """Approved claims whose money has not arrived, the first due first."""
    return Claim.objects.filter(state=ClaimState.APPROVED).order_by("pay_by")


def pay_due(*, limit: int = 100) -> int:
    """Ask the door again for what waits for something that passes; returns how many were asked for. For the sweep."""
    passing = Q(trouble="") | Q(trouble__startswith=PASSING)
    rows = due().filter(passing, refund=None, amount__gt=0).values_list("pk", flat=True)[:limit]
    return sweeping.each(list(rows), _pay)


def _pay(claim_id: int) -> bool:
    with transaction.atomic():
        payment = lock_payment(claim_id)
        claim = claim_moving.lock(claim_id)
        ask_refund(claim, payment, actor=SYSTEM)
        return claim.refund_id is not None


def fold_refunds(*, limit: int = 100) -> int:
    """Follow what became of the refunds: settled, failed, or come back from the bank. For the sweep."""
    failed = Q(state=ClaimState.APPROVED, refund__state=RefundState.FAILED, trouble="")
    came_back = Q(state=ClaimState.SETTLED, refund__state=RefundState.FAILED, trouble="")
    arrived = Q(state=ClaimState.APPROVED, refund__state=RefundState.SUCCEEDED)
    retried = Q(state=ClaimState.APPROVED, refund__state=RefundState.FAILED) & ~Q(trouble="")
    rows = Claim.objects.filter(failed | came_back | arrived | retried).values_list("pk", flat=True)[:limit]
    return sweeping.each(list(rows), _fold)


def _fold(claim_id: int) -> bool:
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        before = (claim.state, claim.trouble)
        _follow(claim)
        return before != (claim.state, claim.trouble)


def _newest(claim: Claim) -> Refund | None:
    """The claim's refund; where it failed, the one that staff made in its place on the refund's own page."""
    refund = claim.refund
    if refund is None or refund.state != RefundState.FAILED:
        return refund
    again = Refund.objects.filter(order=claim.order, rule=refund.rule, claim=None, state__in=sorted(COUNTING_REFUNDS))
    return again.filter(created_at__gte=refund.created_at).order_by("-created_at").first() or refund


def _follow(claim: Claim) -> None:
    refund = _newest(claim)
    if refund is None:
        return
    if refund.pk != claim.refund_id:
        data = {"refund": refund.pk, "amount": refund.money, "rule": refund.rule}
        claim_moving.note(claim, ClaimEventKind.REFUND_ASKED, actor=SYSTEM, data=data, refund=refund, trouble="")
    if refund.state == RefundState.SUCCEEDED and claim.state == ClaimState.APPROVED:
        data = {"refund": refund.pk, "amount": refund.money}
        claim_moving.move(
            claim, ClaimState.SETTLED, ClaimEventKind.SETTLED, actor=SYSTEM, data=data, trouble="", due_at=None
        )
    elif refund.state == RefundState.FAILED and not claim.trouble:
        trouble = f"refund_failed: {refund.failure or refund.last_error}"[:300]
        claim_moving.move(
            claim,
            ClaimState.APPROVED,
            ClaimEventKind.TROUBLE,
            actor=SYSTEM,
            data={"why": trouble},
            trouble=trouble,
            pay_by=claim.pay_by or clock.now(),
        )
