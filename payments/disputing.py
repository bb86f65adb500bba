"""Disputes and early fraud warnings: what the provider says of them, and what the shop stops meanwhile.

``settle_dispute`` asks the provider and ``fold_dispute`` books the answer with the ledger and the orders in one
transaction. Events may come in any order: what they say is not looked at. An answer that was asked for before the
last change of the row is asked for again, so an old answer never undoes a newer one.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from orders import freezing
from orders.models import Purchase
from orders.states import HoldReason
from payments import dispute_booking
from payments.models import Dispute, EvidencePack, FraudWarning, Payment
from payments.providers.base import DisputeFact, WarningFact
from payments.providers.registry import provider_named
from payments.states import ANSWERING_PACKS, OPEN_DISPUTES, Attention, DisputeState, PackState, PaymentState
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import Refused, Retryable
from unlockshop.kernel.exact_sum import ExactSum

# With less time than this to answer, a dispute is an alarm.
URGENT: Final = timedelta(hours=48)
TRIES: Final = 3
# While a dispute is in one of these, nothing more of the purchase is forwarded by itself.
BLOCKING: Final = OPEN_DISPUTES | {DisputeState.LOST}


class UnknownPayment(Retryable):
    """The dispute or warning names no captured payment of ours, so far: events may be faster than our commit."""


class Outdated(Retryable):
    """The dispute has changed since the provider was asked."""


def settle_dispute(provider_name: str, provider_ref: str) -> Dispute:
    """Ask the provider about a dispute and book what it says. Safe to call any number of times at once.

    Raises ``UnknownPayment``, or ``Retryable``, ``Refused`` or ``OutcomeUnknown`` of the provider; nothing has
    changed then.
    """
    for _attempt in range(TRIES):
        seen = revision_of(provider_ref)
        fact = provider_named(provider_name).fetch_dispute(provider_ref)
        crash_here("dispute.after_fetch")
        try:
            return fold_dispute(provider_name, fact, seen=seen)
        except Outdated:
            continue
    raise Outdated(f"{provider_ref} keeps changing")


def revision_of(provider_ref: str) -> int | None:
    """How often the dispute's row has changed; None while there is none. Read before the provider is asked."""
    return Dispute.objects.filter(provider_ref=provider_ref).values_list("revision", flat=True).first()


def fold_dispute(provider_name: str, fact: DisputeFact, *, seen: int | None) -> Dispute:
    """Book one fact about a dispute; ``seen`` is the row's revision from before the provider was asked.

    Raises ``Outdated`` when the row has changed since, and ``UnknownPayment``.
    """
    with transaction.atomic(durable=True):
        payment = _payment_of(provider_name, fact.charge_ref)
        dispute = Dispute.objects.filter(provider_ref=fact.provider_ref).first()
        if (dispute.revision if dispute else None) != seen:
            raise Outdated(f"{fact.provider_ref} has changed meanwhile")
        before = dispute.state if dispute else ""
        if dispute is None:
            dispute = Dispute(payment=payment, provider_ref=fact.provider_ref)
        if _take_over(dispute, fact):
            dispute.revision += 1
            dispute.save()
        dispute_booking.book(dispute, fee=fact.fee)
        if fact.has_our_evidence:
            dispute.packs.filter(state=PackState.SUBMITTING).update(state=PackState.SUBMITTED)
        _freeze_or_thaw(dispute, before=before)
    return dispute


def _payment_of(provider_name: str, charge_ref: str) -> Payment:
    """The captured payment, locked: it is the lock of all its disputes."""
    captured = Payment.objects.filter(
        provider=provider_name, charge_ref=charge_ref, state=PaymentState.CAPTURED
    ).select_for_update(of=("self",))
    payment = captured.first() if charge_ref else None
    if payment is None:
        raise UnknownPayment(f"no captured payment {charge_ref}")
    return payment


def _take_over(dispute: Dispute, fact: DisputeFact) -> bool:
    """Write the fact into the row; whether anything differs."""
    is_open = fact.state in OPEN_DISPUTES
    columns = {
        "amount": fact.money.amount,
        "currency": fact.money.currency,
        "reason": fact.reason[:60],
        "state": fact.state,
        "provider_status": fact.status[:60],
        "funds_withdrawn": fact.funds_withdrawn,
        "respond_by": fact.respond_by,
        "closed_at": None if is_open else dispute.closed_at or clock.now(),
    }
    differs = dispute.pk is None or any(getattr(dispute, name) != value for name, value in columns.items())
    for name, value in columns.items():
        setattr(dispute, name, value)
    return differs


def _freeze_or_thaw(dispute: Dispute, *, before: str) -> None:
    """Freeze when it comes up, thaw when it ends well. Staff may thaw in between, and that holds."""
    was_blocking, is_blocking = before in BLOCKING, dispute.state in BLOCKING
    purchase_id = dispute.payment.purchase_id
    actor = actors.provider(dispute.payment.provider)
    if is_blocking and not was_blocking:
        freezing.freeze(purchase_id, reason=HoldReason.DISPUTE, message=dispute.provider_ref, actor=actor)
    elif was_blocking and not is_blocking:
        _thaw_unless_doubted(purchase_id, reason=_("The dispute is over."), actor=actor)


def is_frozen(purchase: Purchase) -> bool:
    """Whether a dispute about the purchase's money is open: nothing goes out by itself."""
    return Dispute.objects.filter(payment__purchase=purchase, state__in=OPEN_DISPUTES).exists()


def taken_back(payment: Payment) -> Decimal:
    """How much of a payment the bank has taken back for disputes. It cannot be refunded as well."""
    withdrawn = payment.disputes.filter(funds_withdrawn=True, currency=payment.currency)
    total: Decimal | None = withdrawn.aggregate(total=ExactSum("amount"))["total"]
    return min(total or Decimal(0), payment.amount)


def due_disputes() -> QuerySet[Dispute]:
    """Disputes that wait for our answer, the most urgent first."""
    waiting: QuerySet[Dispute] = Dispute.objects.filter(state=DisputeState.NEEDS_RESPONSE)
    return waiting.select_related("payment__purchase").order_by(F("respond_by").asc(nulls_last=True), "pk")


def urgent_disputes() -> QuerySet[Dispute]:
    """Those of them with less than 48 hours left, or overdue."""
    return due_disputes().filter(respond_by__lt=clock.now() + URGENT)


def release(dispute_id: int, *, reason: str, actor: Actor) -> int:
    """Staff let the purchase's orders go on although a dispute was raised. How many did."""
    if not reason.strip():
        raise Refused(_("A reason is required."), code="reason_required")
    dispute = Dispute.objects.select_related("payment").get(pk=dispute_id)
    return freezing.thaw(dispute.payment.purchase_id, reason=reason, actor=actor)


def settle_warning(provider_name: str, charge_ref: str) -> Payment:
    """Ask the provider for early fraud warnings about a payment; flag it and stop what is not forwarded.

    A warning that was seen before changes nothing, also after staff have cleared it. Raises as ``settle_dispute``.
    """
    warnings = provider_named(provider_name).warnings_of(charge_ref)
    crash_here("warning.after_fetch")
    with transaction.atomic(durable=True):
        payment = _payment_of(provider_name, charge_ref)
        for warning in warnings:
            _row, is_new = FraudWarning.objects.get_or_create(
                payment=payment,
                provider_ref=warning.provider_ref,
                defaults={"reason": warning.reason[:100], "seen_at": clock.now()},
            )
            if is_new:
                _flag(payment, warning)
    return payment


def _flag(payment: Payment, warning: WarningFact) -> None:
    """Another reason to look at the payment stays."""
    payment.attention = payment.attention or Attention.FRAUD
    payment.save(update_fields=["attention"])
    actor = actors.provider(payment.provider)
    freezing.freeze(payment.purchase_id, reason=HoldReason.FRAUD_WARNING, message=warning.reason, actor=actor)


def clear_warning(payment_id: int, *, reason: str, actor: Actor) -> None:
    """Staff looked at a fraud warning and found nothing; the orders go on unless a dispute stops them."""
    if not reason.strip():
        raise Refused(_("A reason is required."), code="reason_required")
    with transaction.atomic(durable=True):
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
        if payment.attention != Attention.FRAUD:
            raise Refused(_("There is no fraud warning any more."), code="not_waiting")
        payment.attention = Attention.NONE
        payment.save(update_fields=["attention"])
        _thaw_unless_doubted(payment.purchase_id, reason=reason, actor=actor)


def _thaw_unless_doubted(purchase_id: int, *, reason: str, actor: Actor) -> None:
    """Let the purchase go on, unless another dispute or warning about it stands. A lost one stands for good."""
    payments = Payment.objects.filter(purchase_id=purchase_id)
    disputed = Dispute.objects.filter(payment__in=payments, state__in=BLOCKING).exists()
    if not disputed and not payments.filter(attention=Attention.FRAUD).exists():
        freezing.thaw(purchase_id, reason=reason, actor=actor)


def unanswered(dispute: Dispute) -> bool:
    """Whether an answer may still be sent: the bank waits, and no pack is on its way or has arrived."""
    answered = EvidencePack.objects.filter(dispute=dispute, state__in=ANSWERING_PACKS)
    return dispute.state == DisputeState.NEEDS_RESPONSE and not answered.exists()
