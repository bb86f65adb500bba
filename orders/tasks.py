"""Celery tasks of the orders app: doorbells that carry an id, and the sweep that rings them again."""

from __future__ import annotations

from celery import shared_task

from orders import (
    advancing,
    cancelling,
    comparing,
    delaying,
    mail_events,
    mailing,
    measuring,
    notifying,
    placing,
    turnaround,
)
from orders.models import BulkProbe, CancelRequest, ListingProbe, MailEvent, OutgoingMail
from services import proving
from services.models.health import StaffNotice
from unlockshop.kernel import work


@shared_task(name="orders.advance_order")
def advance_order(order_id: int) -> None:
    """Take the next step of one order, and of all that wait for the same."""
    advancing.ring_for(order_id)


@shared_task(name="orders.deliver_mail")
def deliver_mail(mail_id: int) -> None:
    """Send one mail."""
    mailing.deliver(mail_id)


@shared_task(name="orders.deliver_notice")
def deliver_notice(notice_id: int) -> None:
    """Mail one notice to staff."""
    notifying.deliver(notice_id)


@shared_task(name="orders.fold_turnaround")
def fold_turnaround() -> None:
    """Add ended orders to the delivery times; beat runs it every minute."""
    turnaround.fold()


@shared_task(name="orders.ask_to_cancel")
def ask_to_cancel(request_id: int) -> None:
    """Ask a supplier to drop an order."""
    cancelling.ask(request_id)


@shared_task(name="orders.look_for_probe")
def look_for_probe(probe_id: int) -> None:
    """Look whether a supplier lists an order of ours."""
    measuring.look(probe_id)


@shared_task(name="orders.compare_answers")
def compare_answers(probe_id: int) -> None:
    """Hold a supplier's answer about many orders against those about each."""
    comparing.compare(probe_id)


@shared_task(name="orders.process_mail_events")
def process_mail_events(event_id: int) -> None:
    """Apply one event of the mail provider, and all that wait beside it."""
    mail_events.process_due(event_id)


@shared_task(name="orders.sweep")
def sweep() -> None:
    """Ring again for every order, mail and mail event that is due; beat runs it every few seconds."""
    advancing.wake_orders()
    work.ring_again(advance_order, advancing.due_orders())
    work.ring_again(deliver_mail, work.due(OutgoingMail))
    work.ring_again(deliver_notice, work.due(StaffNotice))
    cancelling.close_ended()
    delaying.sweep()
    work.ring_again(ask_to_cancel, work.due(CancelRequest))
    work.ring_again(process_mail_events, work.due(MailEvent, limit=1))


@shared_task(name="orders.sweep_measuring")
def sweep_measuring() -> None:
    """Pick what is to be measured at suppliers, and ring for what is due; beat runs it every few seconds."""
    proving.expire()
    measuring.begin_probes()
    comparing.begin_comparing()
    work.ring_again(look_for_probe, work.due(ListingProbe))
    work.ring_again(compare_answers, work.due(BulkProbe))


@shared_task(name="orders.forget_old_drafts")
def forget_old_drafts() -> None:
    """Delete unfinished checkouts that nobody comes back to; beat runs it every few hours."""
    placing.forget_old_drafts()
