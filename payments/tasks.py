"""Celery tasks of the payments app: doorbells that carry an id, and the sweep that rings them again."""

from __future__ import annotations

from celery import shared_task

from payments import collecting, expiring, inbox
from payments.models import WebhookDelivery
from unlockshop.kernel import work


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
    work.ring_again(process_webhook, work.due(WebhookDelivery))
    work.ring_again(check_payment, collecting.due_payments())
    expiring.expire_unpaid()
