"""A code that did not work is bought once more, and a wrong service is exchanged, at the shop's cost, not for money.

The order that does it stands in the same purchase and costs the customer nothing. Its claim stays open until it has
brought something; brings it nothing, staff have the claim again. An order has one such follower at most.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from orders import doing_again
from orders.models import Order
from orders.states import OrderState
from payments import refunding
from payments.models import Payment
from payments.states import OPEN_DISPUTES, DisputeState
from refunds import answering, applying, claim_moving, paying_out, resubmitting, reviewing, seconding, sweeping
from refunds.answering import Telling
from refunds.models import Claim, SecondCode
from refunds.policy.codes import Decision
from refunds.states import WAITING, ClaimEventKind, ClaimState, ClaimType
from services.catalogue import price_of
from services.models import Service
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.errors import Refused, TransitionRefused

S = ClaimState
BLOCKING = OPEN_DISPUTES | {DisputeState.LOST}
_NOTES = {Telling.SECOND_CODE: ClaimEventKind.SECOND_CODE, Telling.EXCHANGED: ClaimEventKind.EXCHANGED}


def is_offered(claim: Claim) -> bool:
    """Whether a second code fits the claim: it waits, about an unlock that is done and has no second code yet."""
    order = claim.order
    is_unlock = order.service_kind == "unlock" and order.state == OrderState.COMPLETED and order.price > 0
    return claim.state in WAITING and is_unlock and not SecondCode.objects.filter(former=order).exists()


def is_exchange_offered(claim: Claim) -> bool:
    """Whether another service fits the claim: it waits, and says that something else came than was ordered."""
    order = claim.order
    is_wrong = claim.type == ClaimType.WRONG_SERVICE and order.state == OrderState.COMPLETED and order.price > 0
    return claim.state in WAITING and is_wrong and not SecondCode.objects.filter(former=order).exists()


def of(claim: Claim) -> SecondCode | None:
    """The second code, or the service in exchange, that was bought for the claim."""
    return SecondCode.objects.filter(claim=claim).select_related("order").defer("order__result").first()


def buy(claim_id: int, *, reason: str, actor: Actor) -> SecondCode:
    """Order the code once more and tell the customer, in one transaction.

    Raises ``Refused``: ``reason_required``, ``not_offered``, ``money_went_back``, ``disputed``, ``second_person``, or
    as ``reviewing.check_approvable``; ``TransitionRefused`` where the claim was decided meanwhile.
    """
    return _give(claim_id, Telling.SECOND_CODE, reason=reason, actor=actor)


def exchange(claim_id: int, service: Service, *, reason: str, actor: Actor) -> SecondCode:
    """Order ``service`` for the device at no charge and tell the customer (DSIM-TOPUP-v-a). They keep what came.

    Raises as ``buy``, and ``Refused`` (``does_not_fit``) for a service that the order's device and answers do not fit.
    """
    return _give(claim_id, Telling.EXCHANGED, reason=reason, actor=actor, instead=service)


def _give(claim_id: int, telling: Telling, *, reason: str, actor: Actor, instead: Service | None = None) -> SecondCode:
    if not reason.strip():
        raise Refused(_("A reason is required."), code="reason_required")
    with transaction.atomic():
        payment = paying_out.lock_payment(claim_id)
        claim = claim_moving.lock(claim_id)
        if claim.state not in WAITING:
            raise TransitionRefused(_("It was decided meanwhile: %(state)s.") % {"state": claim.get_state_display()})
        if instead is None and not is_offered(claim):
            raise Refused(_("A second code is bought once for an unlock that is done."), code="not_offered")
        if instead is not None and not is_exchange_offered(claim):
            raise Refused(_("An order is exchanged once, where something else came."), code="not_offered")
        _check_money(claim.order, payment)
        _check_worth(claim, instead)
        reviewing.check_approvable(claim)
        new = doing_again.place(claim.order, reason=reason.strip()[:500], actor=actor, instead=instead)
        row: SecondCode = SecondCode.objects.create(
            claim=claim, former=claim.order, order=new, reason=reason.strip()[:500], by_label=actor.label[:254]
        )
        ruling = reviewing.judged(claim)
        columns = {
            **applying.engine_columns(ruling),
            "decision_reason": row.reason,
            "is_overrule": ruling.answer.decision == Decision.NOT_ELIGIBLE,
        }
        data = {"order": new.number, "reason": reason}
        claim_moving.note(claim, _NOTES[telling], actor=actor, data=data)
        applying.grant(claim, ruling, Decimal(0), actor=actor, telling=telling, columns=columns)
        seconding.close(claim)
    return row


def _check_money(order: Order, payment: Payment | None) -> None:
    """The order's money is here, whole and undisputed: of money and a second code the customer gets one."""
    if payment is None or refunding.refundable_for(order, payment).amount < order.price:
        raise Refused(
            _("Money for this order went back already, so no second code is bought."), code="money_went_back"
        )
    if payment.disputes.filter(state__in=sorted(BLOCKING)).exists():
        raise Refused(_("The payment is disputed at the bank, so no second code is bought."), code="disputed")
    hindrance = resubmitting.obstacle(order)
    if hindrance is not None:
        raise hindrance


def _check_worth(claim: Claim, instead: Service | None) -> None:
    """One person does not give away alone what is worth more than a refund that needs two (``seconding``)."""
    worth = claim.order.price
    if instead is not None:
        worth = max(worth, _price_of(instead, claim))
    if seconding.is_above(claim, worth):
        text = _(
            "This is worth more than one person may grant alone. "
            "Give the money back instead, which a second person confirms."
        )
        raise Refused(text, code="second_person")


def _price_of(service: Service, claim: Claim) -> Decimal:
    """What the service costs in the claim's currency; above every limit where it is not sold in it."""
    try:
        return price_of(service, currency=claim.currency, answers=claim.order.answers).amount
    except Refused:
        return Decimal("Infinity")


def check_over(order: Order) -> None:
    """Raise ``Refused`` (``second_code_under_way``) while a second code for the order is being bought."""
    if SecondCode.objects.filter(former=order, order__ended_at=None).exists():
        raise Refused(
            _("A second code for this order is being bought. Wait for it before money goes back."),
            code="second_code_under_way",
        )


def follow(*, limit: int = 100) -> int:
    """Settle the claims whose second code has come; bring the others back to staff. For the sweep."""
    rows = SecondCode.objects.filter(ended_at=None, order__ended_at__isnull=False).order_by("pk")
    return sweeping.each(list(rows.values_list("pk", flat=True)[:limit]), _follow)


def _follow(row_id: int) -> bool:
    with transaction.atomic():
        row = SecondCode.objects.select_related("order").defer("order__result").get(pk=row_id)
        claim = claim_moving.lock(row.claim_id)
        if not SecondCode.objects.filter(pk=row_id, ended_at=None).update(ended_at=clock.now()):
            return False
        if claim.state != S.APPROVED:
            return True
        data = {"order": row.order.number, "state": row.order.get_state_display()}
        if row.order.state == OrderState.COMPLETED:
            claim_moving.move(claim, S.SETTLED, ClaimEventKind.SETTLED, actor=SYSTEM, data=data, due_at=None)
            return True
        due = applying.staff_due(reviewing.judged(claim).profile, clock.now())
        claim_moving.move(
            claim,
            S.WAITING_STAFF,
            ClaimEventKind.REOPENED,
            actor=SYSTEM,
            data=data,
            due_at=due,
            code="",
            clauses="",
            decided_by="",
            decided_at=None,
            pay_by=None,
            is_overrule=False,
        )
        answering.tell(claim, Telling.REOPENED)
    return True
