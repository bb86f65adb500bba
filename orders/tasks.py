"""Celery tasks of the orders app: doorbells that carry an id, and the sweep that rings them again."""

from __future__ import annotations

from celery import shared_task

from orders import advancing, mailing, placing
from orders.models import OutgoingMail
from unlockshop.kernel import work


@shared_task(name="orders.advance_order")
def advance_order(order_id: int) -> None:
    """Take the next step of one order."""
    advancing.advance(order_id)


@shared_task(name="orders.deliver_mail")
def deliver_mail(mail_id: int) -> None:
    """Send one mail."""
    mailing.deliver(mail_id)


@shared_task(name="orders.sweep")
def sweep() -> None:
    """Ring again for every order and mail that is due; beat runs it every few seconds."""
    work.ring_again(advance_order, advancing.due_orders())
    work.ring_again(deliver_mail, work.due(OutgoingMail))


@shared_task(name="orders.forget_old_drafts")
def forget_old_drafts() -> None:
    """Delete unfinished checkouts that nobody comes back to; beat runs it every few hours."""
    placing.forget_old_drafts()
