"""The webhook inbox: verify, store, acknowledge; then process.

A webhook is a hint. What it says is never believed: processing asks the provider what is true and settles that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F

from payments import collecting, disputing, refunding
from payments.models import Payment, WebhookDelivery
from payments.providers.base import Notice
from payments.providers.registry import provider_named
from payments.states import DeliveryVerdict, Subject
from unlockshop.kernel import clock, work
from unlockshop.kernel.errors import ShopError
from unlockshop.kernel.json_values import storable
from unlockshop.kernel.work import WorkState

PROCESS_TASK: Final = "payments.process_webhook"
LEASE: Final = timedelta(seconds=60)
UNKNOWN_REFERENCE_FOR: Final = timedelta(hours=72)
ATTEMPTS_CAP: Final = 60


def receive(provider_name: str, body: bytes, headers: Mapping[str, str]) -> WebhookDelivery:
    """Store an authentic delivery once and ring a worker.

    Raises ``UnknownProvider`` or ``NotAuthentic``; then nothing is stored. After it returns, the row is committed.
    """
    notice = provider_named(provider_name).read_webhook(body, headers)
    delivery = WebhookDelivery(
        provider=provider_name,
        event_id=notice.event_id,
        event_type=notice.event_type,
        subject=notice.subject,
        subject_ref=notice.subject_ref,
        payload=storable(dict(notice.payload)),
        received_at=clock.now(),
        next_action_at=clock.now(),
    )
    for name, value in _at_rest(notice).items():
        setattr(delivery, name, value)
    # One INSERT is a transaction of its own: BEGIN and COMMIT would be two more trips to the database.
    is_within = transaction.get_connection().in_atomic_block
    try:
        with transaction.atomic() if is_within else nullcontext():
            delivery.save(force_insert=True)
    except IntegrityError:
        # Nearly every event is a new one, so it is looked for only where it turns out to be here already.
        stored = WebhookDelivery.objects.filter(provider=provider_name, event_id=notice.event_id)
        if not stored.update(deliveries=F("deliveries") + 1):
            raise
        found: WebhookDelivery = stored.get()
        return found
    if delivery.work_state == WorkState.QUEUED:
        work.ring(PROCESS_TASK, delivery.pk)
    return delivery


def process(delivery_id: int) -> None:
    """Settle the payment that a stored delivery is about, if it is due and nobody else is at it."""
    delivery = work.claim(WebhookDelivery, delivery_id, lease=LEASE)
    if delivery is not None:
        with work.guarded(delivery, cap=ATTEMPTS_CAP):
            _process(delivery)


def _process(delivery: WebhookDelivery) -> None:
    try:
        payment = _SETTLERS[Subject(delivery.subject)](delivery.provider, delivery.subject_ref)
    except ShopError as error:
        work.retry_or_give_up(delivery, str(error), cap=ATTEMPTS_CAP)
        return
    if payment is None:
        _wait_for_our_commit(delivery)
    else:
        work.finish(delivery, verdict=DeliveryVerdict.APPLIED, payment=payment)


def _settle_payment(provider: str, ref: str) -> Payment | None:
    payment = Payment.objects.filter(provider=provider, provider_ref=ref).first()
    return collecting.settle(payment.pk) if payment else None


def _settle_refund(provider: str, ref: str) -> Payment | None:
    return refunding.settle_refund(provider, ref)


def _settle_dispute(provider: str, ref: str) -> Payment | None:
    try:
        return disputing.settle_dispute(provider, ref).payment
    except disputing.UnknownPayment:
        return None


def _settle_warning(provider: str, ref: str) -> Payment | None:
    try:
        return disputing.settle_warning(provider, ref)
    except disputing.UnknownPayment:
        return None


_SETTLERS: Final[dict[Subject, Callable[[str, str], Payment | None]]] = {
    Subject.PAYMENT: _settle_payment,
    Subject.REFUND: _settle_refund,
    Subject.DISPUTE: _settle_dispute,
    Subject.WARNING: _settle_warning,
}


def process_again(delivery: WebhookDelivery) -> bool:
    """Staff decided that a delivery which waits for them is tried once more. False when it does not wait."""
    with transaction.atomic():
        waiting = WebhookDelivery.objects.filter(pk=delivery.pk, work_state=WorkState.NEEDS_STAFF)
        rows = waiting.update(work_state=WorkState.QUEUED, next_action_at=clock.now(), attempts=0, last_error="")
        if rows:
            work.ring(PROCESS_TASK, delivery.pk)
    return rows == 1


def _wait_for_our_commit(delivery: WebhookDelivery) -> None:
    """An event may be faster than the commit of its payment, so it is tried for 72 hours before staff see it."""
    if clock.now() - delivery.received_at > UNKNOWN_REFERENCE_FOR:
        work.release(
            delivery,
            work_state=WorkState.NEEDS_STAFF,
            next_action_at=None,
            verdict=DeliveryVerdict.UNKNOWN_REFERENCE,
            last_error="names no payment of ours",
        )
        return
    work.release(
        delivery,
        work_state=WorkState.QUEUED,
        next_action_at=clock.now() + work.backoff(delivery.attempts, base=timedelta(seconds=2)),
        verdict=DeliveryVerdict.UNKNOWN_REFERENCE,
        last_error="names no payment of ours yet",
    )


def _at_rest(notice: Notice) -> dict[str, Any]:
    """Columns of a delivery that no worker is to act on: of no concern, or one that only staff can explain."""
    if notice.subject == Subject.NONE:
        return {"work_state": WorkState.DONE, "next_action_at": None, "verdict": DeliveryVerdict.IGNORED}
    if notice.doubt:
        return {
            "work_state": WorkState.NEEDS_STAFF,
            "next_action_at": None,
            "verdict": DeliveryVerdict.PARKED,
            "last_error": notice.doubt[:500],
        }
    return {}
