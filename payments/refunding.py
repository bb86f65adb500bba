"""Giving money back: the one door for every refund, whoever asks and whatever the reason.

``request_refund`` commits the row under the payment's lock; ``execute`` sends it with the row's id as the provider's
idempotency key; ``fold_refund`` books what the provider says. A refund never exceeds what was captured, never goes
out for an order that is alive at a supplier unless staff say why, and never by itself during a dispute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from orders import doing_again, lifecycle, replacing
from orders.models import Order
from orders.states import OPEN
from payments import booking, collecting, disputing, paid_back, telling
from payments.accepting import obstacle
from payments.models import Payment, Refund
from payments.providers.base import PaymentProvider, RefundFact, RefundFactState, RefundOrder
from payments.providers.registry import provider_named
from payments.states import COUNTING_REFUNDS, OPEN_DISPUTES, PaymentState, RefundState
from unlockshop.kernel import actors, clock, work
from unlockshop.kernel.actors import Actor, ActorKind
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable
from unlockshop.kernel.exact_sum import ExactSum
from unlockshop.kernel.money import Money
from unlockshop.kernel.work import WorkState

EXECUTE_TASK: Final = "payments.execute_refund"
LEASE: Final = timedelta(seconds=90)
# Providers may forget an idempotency key after 24 hours; from then on the same key would act again.
KEY_TRUSTED_FOR: Final = timedelta(hours=23)
ATTEMPTS_CAP: Final = 60
PENDING_CHECK: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why money goes back: the rule it rests on, and a sentence. ``override``: why staff go past a guard."""

    rule: str
    reason: str
    override: str = ""


def refundable(payment: Payment) -> Money:
    """What is left of a captured payment, also by disputes; nothing of any other."""
    if payment.state != PaymentState.CAPTURED:
        return Money(Decimal(0), payment.currency)
    gone = _taken(payment.refunds) + disputing.taken_back(payment)
    return Money(max(payment.amount - gone, Decimal(0)), payment.currency)


def refundable_for(order: Order, payment: Payment) -> Money:
    """What is left of one order's price, bounded by what is left of the payment.

    The price of an order that was replaced has moved on to its replacement, less what was given back of it before.
    """
    if replacing.is_replaced(order):
        return Money(Decimal(0), payment.currency)
    left = order.price - _taken(Refund.objects.filter(order__in=replacing.with_former(order)))
    return Money(min(left, refundable(payment).amount), payment.currency)


def _taken(refunds: Any) -> Decimal:
    total: Decimal | None = refunds.filter(state__in=COUNTING_REFUNDS).aggregate(total=ExactSum("amount"))["total"]
    return total or Decimal(0)


def request_refund(
    payment_id: int, *, money: Money, grounds: Grounds, actor: Actor, order_id: int | None = None
) -> Refund:
    """Commit a refund of ``money`` and ring a worker.

    Raises ``Refused`` with code ``rule_required``, ``not_captured``, ``amount``, ``too_much``, ``foreign_order``,
    ``alive_at_supplier`` or ``disputed``; nothing is written then.
    """
    with transaction.atomic():
        refund = write_down(payment_id, money=money, grounds=grounds, actor=actor, order_id=order_id)
        work.ring(EXECUTE_TASK, refund.pk)
    return refund


def write_down(
    payment_id: int, *, money: Money, grounds: Grounds, actor: Actor, order_id: int | None = None, **columns: Any
) -> Refund:
    """The row of a refund, guarded, and everything stopped that it gives back whole; ``columns`` go into it as well.

    For ``request_refund`` and ``paying_by_hand``. Raises as ``request_refund`` does.
    """
    if not grounds.rule.strip() or not grounds.reason.strip():
        raise Refused(_("A refund names its rule and its reason."), code="rule_required")
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
        if refundable(payment).amount <= money.amount:  # all of its orders may have to be stopped: locked by id
            rows = Order.objects.select_for_update(of=("self",)).filter(purchase=payment.purchase_id)
            list(rows.order_by("pk").values_list("pk"))
        order = lifecycle.lock(order_id) if order_id is not None else None
        guard(payment, order, money, grounds, actor)
        refund: Refund = Refund.objects.create(
            payment=payment,
            order=order,
            amount=money.amount,
            currency=money.currency,
            rule=grounds.rule.strip()[:80],
            reason=grounds.reason.strip()[:500],
            override_reason=grounds.override.strip()[:500],
            actor_kind=actor.kind,
            actor_ident=actor.ident[:254],
            actor_label=actor.label[:254],
            **{"next_action_at": clock.now(), **columns},
        )
        _let_nobody_work(refund, actor)
    return refund


def _let_nobody_work(refund: Refund, actor: Actor) -> None:
    """Nobody works any more for what the refund gives back whole. The payment is locked."""
    payment, order = refund.payment, refund.order
    if refundable(payment).amount <= 0:
        order = None  # nothing is left for the others either
    paid_back.turn_down_corrections(payment, order, refundable_for, actor=actor)
    if payment.attention not in booking.UNATTACHED:
        paid_back.stop_unsent(payment, order, refundable_for, reason=refund.reason, actor=actor)


def guard(payment: Payment, order: Order | None, money: Money, grounds: Grounds, actor: Actor) -> None:
    """Raise what ``request_refund`` would raise as things stand. Only under the payment's lock does it hold."""
    if payment.state != PaymentState.CAPTURED:
        raise Refused(_("This payment brought in no money."), code="not_captured")
    if money.currency != payment.currency or money.amount <= 0:
        raise Refused(_("A refund is a positive amount in the payment's currency."), code="amount")
    hindrance = obstacle(payment.provider, money)
    if hindrance is not None and hindrance.step is not None:
        words = {"currency": hindrance.currency, "step": hindrance.step}
        raise Refused(_("There %(currency)s are moved in steps of %(step)s only.") % words, code="amount")
    if order is not None and order.purchase_id != payment.purchase_id:
        raise Refused(_("This order was not paid with this payment."), code="foreign_order")
    left = refundable(payment) if order is None else refundable_for(order, payment)
    if money.amount > left.amount:
        raise Refused(_("Only %(left)s can still be refunded.") % {"left": left}, code="too_much")
    is_staff = actor.kind == ActorKind.STAFF
    if not (is_staff and grounds.override.strip()) and _is_alive(payment, order):
        raise Refused(_("The order is open and may still be delivered."), code="alive_at_supplier")
    if not is_staff and payment.disputes.filter(state__in=OPEN_DISPUTES).exists():
        raise Refused(_("A dispute is open: the bank decides first."), code="disputed")


def _is_alive(payment: Payment, order: Order | None) -> bool:
    """Whether what would be refunded may still be delivered, or is being done once more. Stray money buys nothing."""
    if payment.attention in booking.UNATTACHED:
        return False
    orders = [order] if order is not None else list(payment.purchase.orders.all())
    return any(each.state in OPEN or doing_again.has_open_repeat(each) for each in orders)


def execute(refund_id: UUID | str) -> None:
    """Send the refund, or ask how it stands, if it is due and nobody else is at it."""
    refund = work.claim(Refund, refund_id, lease=LEASE)
    if refund is not None:
        with work.guarded(refund, cap=ATTEMPTS_CAP):
            _execute(refund)


def _execute(refund: Refund) -> None:
    provider = provider_named(refund.payment.provider)
    try:
        fact = _known_fact(refund, provider)
        if fact is None:
            fact = _send(refund, provider)
    except Retryable as error:
        work.retry_or_give_up(refund, str(error), cap=ATTEMPTS_CAP)
    except Refused as error:
        _record_refusal(refund, error)
    except OutcomeUnknown as error:
        Refund.objects.filter(pk=refund.pk, state=RefundState.SENDING).update(state=RefundState.UNCERTAIN)
        work.retry_or_give_up(refund, str(error), cap=ATTEMPTS_CAP)
    else:
        if fact is not None:
            fold_refund(refund, fact)


def _known_fact(refund: Refund, provider: PaymentProvider) -> RefundFact | None:
    """What the provider has of it already. Asked only where it may have something."""
    if refund.provider_ref:
        return provider.fetch_refund(refund.provider_ref)
    started = refund.send_started_at
    if started is None or clock.now() - started < KEY_TRUSTED_FOR:
        return None
    found = provider.refunds_of(str(refund.payment.charge_ref))
    return next((fact for fact in found if fact.key == str(refund.pk)), None)


def _send(refund: Refund, provider: PaymentProvider) -> RefundFact | None:
    mine = Refund.objects.filter(pk=refund.pk, work_state=WorkState.CLAIMED, lease_token=refund.lease_token)
    if not mine.update(state=RefundState.SENDING, send_started_at=refund.send_started_at or clock.now()):
        return None
    crash_here("refund.before_send")
    fact = provider.refund(RefundOrder(str(refund.pk), str(refund.payment.charge_ref), refund.money, refund.reason))
    crash_here("refund.after_send")
    return fact


def send_again(refund: Refund) -> bool:
    """Staff decided that a refund which waits for them is sent (or asked about) again. False when it does not wait.

    A failed one is not revived: its amount is free again, and a new refund is asked for instead.
    """
    with transaction.atomic():
        waiting = Refund.objects.filter(pk=refund.pk, work_state=WorkState.NEEDS_STAFF).exclude(
            state__in=[RefundState.FAILED, RefundState.SUCCEEDED]
        )
        rows = waiting.update(work_state=WorkState.QUEUED, next_action_at=clock.now(), attempts=0, last_error="")
        if rows:
            work.ring(EXECUTE_TASK, refund.pk)
    return rows == 1


def _record_refusal(refund: Refund, error: Refused) -> None:
    """The provider said no: nothing went out, and the amount is refundable again."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=refund.payment_id)
        Refund.objects.filter(pk=refund.pk).exclude(state=RefundState.SUCCEEDED).update(
            state=RefundState.FAILED, failure=f"{error.code}: {error}"[:200]
        )
        paid_back.lift_marks(payment, refundable_for, actor=actors.provider(payment.provider))
    work.release(refund, work_state=WorkState.NEEDS_STAFF, next_action_at=None, last_error=str(error)[:500])


def fold_refund(known: Refund, fact: RefundFact) -> None:
    """Book what the provider says about a refund, in one transaction with the ledger.

    A refund that had succeeded and failed later is reopened: its money is back with us and owed again.
    """
    with transaction.atomic(durable=True):
        Payment.objects.select_for_update(of=("self",)).get(pk=known.payment_id)
        refund = Refund.objects.select_for_update(of=("self",)).select_related("payment", "order").get(pk=known.pk)
        if (fact.money, fact.charge_ref) != (refund.money, refund.payment.charge_ref):
            _release(refund, work_state=WorkState.NEEDS_STAFF, next_action_at=None,
                     last_error=f"the provider has {fact.money} of {fact.charge_ref}")  # fmt: skip
            return
        refund.provider_ref = fact.provider_ref
        if fact.state == RefundFactState.SUCCEEDED and refund.state != RefundState.SUCCEEDED:
            refund.state, refund.succeeded_at = RefundState.SUCCEEDED, clock.now()
            booking.book_refund(refund)
            paid_back.note_twice(refund)
            _release(refund, work_state=WorkState.DONE, next_action_at=None, last_error="")
            _let_nobody_work(refund, actors.provider(refund.payment.provider))
            telling.tell_refunded(refund)
        elif fact.state == RefundFactState.FAILED and refund.state != RefundState.FAILED:
            was_booked = refund.state == RefundState.SUCCEEDED
            refund.state, refund.failure = RefundState.FAILED, fact.failure[:200]
            _release(refund, work_state=WorkState.NEEDS_STAFF, next_action_at=None, last_error=fact.failure[:500])
            paid_back.lift_marks(refund.payment, refundable_for, actor=actors.provider(refund.payment.provider))
            if was_booked:
                booking.book_returned_refund(refund)
                telling.tell_returned(refund)
        elif fact.state == RefundFactState.PENDING and refund.state not in {RefundState.SUCCEEDED, RefundState.FAILED}:
            refund.state = RefundState.PENDING
            _release(refund, work_state=WorkState.QUEUED, next_action_at=clock.now() + PENDING_CHECK, last_error="")
            _let_nobody_work(refund, actors.provider(refund.payment.provider))


def _release(refund: Refund, **columns: Any) -> None:
    for name, value in {**columns, "lease_token": "", "lease_until": None}.items():
        setattr(refund, name, value)
    refund.save()


def settle_refund(provider_name: str, provider_ref: str) -> Payment | None:
    """Fetch a refund that the provider told us of, and book it; returns its payment, None when it is not ours.

    A refund that no row of ours asked for was made in the provider's own pages. It gets a row of its own: money
    that has left is booked, whoever sent it. Money comes in before it goes out: where the event of a refund overtook
    that of its payment, the payment is settled first.
    """
    fact = provider_named(provider_name).fetch_refund(provider_ref)
    crash_here("refund.after_fetch")
    payment = Payment.objects.filter(provider=provider_name, charge_ref=fact.charge_ref).first()
    if payment is not None and payment.state != PaymentState.CAPTURED:
        payment = collecting.settle(payment.pk)
    if payment is None or payment.state != PaymentState.CAPTURED:
        return None
    fold_found(payment, fact)
    return payment


def fold_found(payment: Payment, fact: RefundFact) -> bool:
    """Book a refund that was found at the provider; whether that changed anything here."""
    refund = _row_of(payment, fact) or _external(payment, fact)
    before = (refund.state, refund.is_external and refund.succeeded_at is None)
    fold_refund(refund, fact)
    refund.refresh_from_db()
    return before != (refund.state, refund.is_external and refund.succeeded_at is None)


def _row_of(payment: Payment, fact: RefundFact) -> Refund | None:
    by_ref = payment.refunds.filter(provider_ref=fact.provider_ref).first()
    if by_ref is not None:
        return by_ref
    try:
        return payment.refunds.filter(pk=UUID(fact.key)).first()
    except ValueError:
        return None


def _external(payment: Payment, fact: RefundFact) -> Refund:
    refund: Refund
    refund, _is_new = Refund.objects.get_or_create(
        payment=payment,
        provider_ref=fact.provider_ref,
        defaults={
            "amount": fact.money.amount,
            "currency": fact.money.currency,
            "rule": "external",
            "reason": _("Made in the payment provider's own pages."),
            "actor_kind": ActorKind.PROVIDER,
            "actor_ident": payment.provider,
            "actor_label": payment.provider,
            "is_external": True,
            "state": RefundState.PENDING,
            "next_action_at": clock.now() + PENDING_CHECK,
        },
    )
    return refund
