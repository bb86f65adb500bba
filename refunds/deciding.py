"""Deciding claims: what staff decide, with the answer of the rules beside it.

A denial rests on what the rules deny, or on an established fact. Two people at once: the second is refused.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from orders import cancelling, lifecycle, replacing
from orders.models import Order
from orders.states import BOUGHT_OUTCOMES, UNDER_WAY, CancelState, OrderState
from payments import refunding
from refunds import answering, claim_moving, paying_out, reviewing, second_codes, seconding
from refunds.answering import Telling
from refunds.applying import answer_others, decision_columns, engine_columns, grant, rejudge, staff_due
from refunds.judging import Ruling, profile_of
from refunds.models import Claim
from refunds.order_facts import known_facts
from refunds.policy.codes import Decision
from refunds.states import OPEN_CLAIMS, WAITING, ClaimEventKind, ClaimState, FactStanding
from unlockshop.kernel import calendars, clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused, TransitionRefused
from unlockshop.kernel.money import Money

S = ClaimState


def approve(claim_id: int, *, amount: Decimal | None, reason: str, actor: Actor) -> Claim:
    """Staff grant it: ``amount`` goes back (None: what the rules say, else all that is left; 0: put right otherwise).

    Above the limit of one person it waits for a second one (``seconding``). Raises ``Refused`` without a reason, for
    more than is left, (``unclear``) for all of an order while nobody knows whether a supplier has it, or as
    ``reviewing.check_approvable`` and ``second_codes.check_over`` do; ``TransitionRefused`` where it was decided
    meanwhile.
    """
    _need(reason)
    with transaction.atomic():
        payment = paying_out.lock_payment(claim_id)
        claim = claim_moving.lock(claim_id)
        if claim.state not in WAITING:
            raise TransitionRefused(_("It was decided meanwhile: %(state)s.") % {"state": claim.get_state_display()})
        left = refunding.refundable_for(claim.order, payment) if payment else Money(Decimal(0), claim.currency)
        if amount is not None and not 0 <= amount <= left.amount:
            raise Refused(_("Only %(left)s can still be refunded.") % {"left": left}, code="too_much")
        ruling = reviewing.judged(claim)
        given = ruling.answer.refund.total.amount if ruling.answer.refund else left.amount
        money = min(given, left.amount) if amount is None else amount
        second_codes.check_over(claim.order)
        reviewing.check_approvable(claim)
        if seconding.ask_if_above(claim, money, reason=reason, actor=actor):
            return claim
        columns = {
            **engine_columns(ruling),
            "decision_reason": reason.strip()[:500],
            "is_overrule": ruling.answer.decision == Decision.NOT_ELIGIBLE,
        }
        if 0 < left.amount <= money:
            _stop_work(claim.order, ruling, reason, actor)
        grant(claim, ruling, money, actor=actor, telling=Telling.APPROVED, columns=columns)
        paying_out.ask_refund(claim, payment, actor=actor, override=reason)
        if 0 < left.amount <= money:
            answer_others(claim)
    return claim


def _stop_work(order: Order, ruling: Ruling, reason: str, actor: Actor) -> None:
    """Nobody works any more for what is given back whole, and nothing takes its place.

    What has not left does not leave any more. What a supplier has is cancelled, and the supplier asked to drop it. A
    correction that waits for the supplier is turned down. Refused while nobody knows whether a supplier has it.
    """
    if order.state not in UNDER_WAY:
        return
    live = lifecycle.live_attempt(order)
    if live is None and order.state in {OrderState.PAID, OrderState.ON_HOLD}:
        lifecycle.cancel(order.pk, reason=reason, actor=actor)
        return
    if live is None or live.outcome not in BOUGHT_OUTCOMES or order.state not in cancelling.AT_SUPPLIER:
        text = _(
            "Nobody knows yet whether a supplier has this order. Once that is clear, all of it can be given back."
        )
        raise Refused(text, code="unclear")
    asked = cancelling.open_request(order) or cancelling.request(order.pk, reason=reason, actor=actor)
    rule = ruling.rule if ruling.answer.decision.is_grant else f"{ruling.profile.name} {ruling.profile.version}"
    lifecycle.cancel_at_supplier(order.pk, rule=rule, actor=actor, kind="order.stopped_at_supplier")
    wanted = replacing.open_correction(asked)
    if wanted is not None:
        replacing.turn_down(wanted, CancelState.ENDED, actor=actor)


def deny(claim_id: int, *, reason: str, actor: Actor) -> Claim:
    """Staff confirm what the rules deny, or deny by an established fact where the rules leave it to a person.

    Raises ``Refused`` with code ``fact_required`` where nothing established speaks against the claim.
    """
    _need(reason)
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        if claim.state not in WAITING:
            raise TransitionRefused(_("It was decided meanwhile: %(state)s.") % {"state": claim.get_state_display()})
        ruling = reviewing.judged(claim)
        is_overrule = ruling.answer.decision != Decision.NOT_ELIGIBLE
        facts = list(known_facts(claim.order).filter(standing=FactStanding.ESTABLISHED))
        if is_overrule and not facts:
            text = _("The rules do not deny this. Record the established fact that the denial rests on first.")
            raise Refused(text, code="fact_required")
        code, clauses = _denial(ruling, {fact.name for fact in facts}) if is_overrule else ("", "")
        code = code or str(ruling.answer.code)
        clauses = clauses or " ".join(ruling.clause_ids)
        evidence = "; ".join(f"{fact.get_name_display()}: {fact.evidence}" for fact in facts) or "dates and states"
        columns = {
            **engine_columns(ruling),
            **decision_columns(code, clauses, actor),
            "decision_reason": reason.strip()[:500],
            "is_overrule": is_overrule,
        }
        data = {
            "code": code,
            "clauses": columns["clauses"],
            "reason": reason,
            "evidence": evidence or "dates and states",
        }
        claim_moving.move(claim, S.DENIED, ClaimEventKind.DENIED, actor=actor, data=data, **columns)
        seconding.close(claim)
        answering.tell(claim, Telling.DENIED)
    return claim


def _denial(ruling: Ruling, names: set[str]) -> tuple[str, str]:
    """The profile's own code and clauses for an established fact; empty where it has none for it."""
    for each in ruling.profile.bars[ruling.facts.kind]:
        if each.bar.fact in names:
            return str(each.bar.code), " ".join(each.rule.ids)
    return "", ""


def ask_for_evidence(claim_id: int, *, reason: str, actor: Actor) -> Claim:
    """Staff ask the customer for more, with the profile's days for it."""
    _need(reason)
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        agreed, now = profile_of(claim), clock.now()
        due = calendars.calendar_days_end(now, agreed.numbers.claims.evidence_days, agreed.numbers.calendar.zone)
        claim_moving.move(
            claim,
            S.WAITING_CUSTOMER,
            ClaimEventKind.EVIDENCE_ASKED,
            actor=actor,
            from_states=WAITING,
            data={"reason": reason},
            evidence_requested_at=now,
            evidence_due_at=due,
            reminders_sent=0,
            due_at=due,
            decision_reason=reason.strip()[:500],
        )
        answering.tell(claim, Telling.EVIDENCE)
    return claim


def record_supplier_answer(claim_id: int, *, answer: str, reason: str, actor: Actor) -> Claim:
    """Staff write down what the supplier said ("approved" or "rejected"); the rules are asked again."""
    _need(reason)
    if answer not in {"approved", "rejected"}:
        raise Refused(_("The supplier agreed or refused."), code="answer")
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        if claim.state not in WAITING:
            raise TransitionRefused(_("It was decided meanwhile: %(state)s.") % {"state": claim.get_state_display()})
        data = {"answer": answer, "message": reason}
        asked = claim.supplier_asked_at or clock.now()
        claim_moving.note(
            claim,
            ClaimEventKind.SUPPLIER_ANSWERED,
            actor=actor,
            data=data,
            supplier_answer=answer,
            supplier_asked_at=asked,
        )
        rejudge(claim)
    return claim


def reopen(claim_id: int, *, reason: str, actor: Actor) -> Claim:
    """A denied or lapsed claim is taken up again, such as when evidence came after all. Raises ``Refused``."""
    _need(reason)
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        others = claim.order.claims.filter(type=claim.type, state__in=sorted(OPEN_CLAIMS))
        if others.exists():
            raise Refused(_("Another claim of this kind is open."), code="open_already")
        due = staff_due(profile_of(claim), clock.now())
        claim_moving.move(
            claim,
            S.WAITING_STAFF,
            ClaimEventKind.REOPENED,
            actor=actor,
            from_states={S.DENIED, S.LAPSED},
            data={"reason": reason},
            due_at=due,
        )
        answering.tell(claim, Telling.REOPENED)
    return claim


def evidence_received(claim_id: int, *, actor: Actor, what: str) -> Claim:
    """The customer sent something in: staff look at it. Reopens a claim that lapsed, as the terms promise.

    Raises ``TransitionRefused`` for a claim that is over in another way.
    """
    with transaction.atomic():
        claim = claim_moving.lock(claim_id)
        if claim.state not in WAITING | {S.LAPSED}:
            raise TransitionRefused(_("This claim is over: %(state)s.") % {"state": claim.get_state_display()})
        claim_moving.move(
            claim,
            S.WAITING_STAFF,
            ClaimEventKind.EVIDENCE_RECEIVED,
            actor=actor,
            data={"what": what},
            due_at=staff_due(profile_of(claim), clock.now()),
        )
    return claim


def _need(reason: str) -> None:
    if not reason.strip():
        raise Refused(_("A reason is required."), code="reason_required")
