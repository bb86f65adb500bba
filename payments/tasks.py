"""Celery tasks of the payments app: doorbells that carry an id, and the sweep that rings them again."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings

from payments import booking, collecting, expiring, inbox, ledger, reconciling, refunding
from payments.models import Refund, WebhookDelivery
from unlockshop.kernel import work

logger = logging.getLogger(__name__)


@shared_task(name="payments.process_webhook")
def process_webhook(delivery_id: int) -> None:
    """Process one stored webhook delivery."""
    inbox.process(delivery_id)


@shared_task(name="payments.check_payment")
def check_payment(payment_id: int) -> None:
    """Ask the provider about one live payment."""
    collecting.check(payment_id)


@shared_task(name="payments.execute_refund")
def execute_refund(refund_id: str) -> None:
    """Send one refund, or ask how it stands."""
    refunding.execute(refund_id)


@shared_task(name="payments.sweep")
def sweep() -> None:
    """Ring again for due deliveries and payments, and let unpaid purchases expire; beat runs it every few seconds."""
    work.ring_again(process_webhook, work.due(WebhookDelivery))
    work.ring_again(check_payment, collecting.due_payments())
    work.ring_again(execute_refund, work.due(Refund))
    expiring.expire_unpaid()
    booking.book_deliveries()
    booking.book_supplier_losses()


@shared_task(name="payments.reconcile")
def reconcile() -> None:
    """Compare every provider's books of the last 72 hours with ours; beat runs it every hour."""
    for name in settings.PAYMENT_PROVIDERS:
        reconciling.reconcile(name)


@shared_task(name="payments.check_ledger")
def check_ledger() -> None:
    """Prove the books; beat runs it every night. What is wrong is logged as an error, which alarms."""
    for finding in ledger.check():
        logger.error("the books are wrong: %s: %s", finding.rule, finding.detail)
