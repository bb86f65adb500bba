"""Celery tasks of the payments app: doorbells that carry an id, and the sweep that rings them again."""

from __future__ import annotations

from celery import shared_task

from payments import collecting, expiring, inbox
from payments.models import Payment, WebhookDelivery
from payments.states import LIVE
from unlockshop.kernel import clock, work

SWEEP_LIMIT = 200
RING_EXPIRES_SECONDS = 20


@shared_task(name="payments.process_webhook")
def process_webhook(delivery_id: int) -> None:
    """Process one stored webhook delivery."""
    inbox.process(delivery_id)


@shared_task(name="payments.check_payment")
def check_payment(payment_id: int) -> None:
    """Ask the provider about one live payment."""
    collecting.check(payment_id)


@shared_task(name="payments.sweep")
def sweep() -> None:
    """Ring again for due deliveries and payments, and let unpaid purchases expire; beat runs it every few seconds."""
    for delivery_id in work.due(WebhookDelivery, limit=SWEEP_LIMIT):
        process_webhook.apply_async((delivery_id,), expires=RING_EXPIRES_SECONDS)
    live = Payment.objects.filter(state__in=LIVE, next_action_at__lte=clock.database_now())
    for payment_id in live.order_by("next_action_at").values_list("pk", flat=True)[:SWEEP_LIMIT]:
        check_payment.apply_async((payment_id,), expires=RING_EXPIRES_SECONDS)
    expiring.expire_unpaid()
