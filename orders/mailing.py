"""Mails as rows: queue one with the state change that causes it, render and send it later, exactly once.

SendGrid has no idempotency key. So a send whose outcome is unknown (a worker lost in mid-call counts too) is not
repeated blindly. The first event that the provider tells of it (``orders.mail_events``) settles it as sent. Where none
comes, the provider is asked for it by our mail id after a settle time. Found: done. Absent: sent again. No answer to
be had: the row becomes ``uncertain``, and staff decide unless an event comes after all.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.module_loading import import_string

from orders import events, reply_addresses
from orders.models import Order, OutgoingMail, Purchase
from orders.models.mail import MailKind
from unlockshop.kernel import clock, work
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable
from unlockshop.kernel.work import WorkState

logger = logging.getLogger(__name__)

DELIVER_TASK: Final = "orders.deliver_mail"
LEASE: Final = timedelta(seconds=90)
ATTEMPTS_CAP: Final = 12


@dataclass(frozen=True, slots=True)
class MailMessage:
    """A rendered mail, ready for a transport. ``mail_id`` travels along as a custom argument.

    Without a ``reply_to`` replies go where the mail comes from.
    """

    mail_id: str
    to: str
    subject: str
    text: str
    html: str
    category: str
    reply_to: str = ""


class MailTransport(Protocol):
    """Sends one message. Returns the provider's id; raises ``Retryable``, ``Refused`` or ``OutcomeUnknown``."""

    def send(self, message: MailMessage) -> str: ...

    def was_accepted(self, mail_id: str) -> bool | None:
        """Whether the provider has a message with this id of ours; None when it cannot tell at all.

        Raises ``Retryable`` when it does not answer just now.
        """


def queue_for_purchase(
    purchase: Purchase, kind: MailKind, *, revision: str = "1", facts: Mapping[str, str] | None = None
) -> OutgoingMail:
    """Owe the customer a mail about the whole purchase. Runs in the caller's transaction.

    ``facts`` are words for the template, in the customer's language, of what only the caller knows.
    """
    return _queue(f"{purchase.number}:{kind}:{revision}", purchase, None, kind, facts)


def queue_for_order(order: Order, kind: MailKind, *, facts: Mapping[str, str] | None = None) -> OutgoingMail:
    """Owe the customer a mail about one order. A second of the same kind (resubmitted) is a new revision.

    ``facts`` are as in ``queue_for_purchase``. The caller holds the order's lock.
    """
    revision = OutgoingMail.objects.filter(order=order, kind=kind).count() + 1
    return _queue(f"{order.number}:{kind}:{revision}", order.purchase, order, kind, facts)


def _queue(
    key: str, purchase: Purchase, order: Order | None, kind: MailKind, facts: Mapping[str, str] | None = None
) -> OutgoingMail:
    mail: OutgoingMail = OutgoingMail.objects.create(
        key=key,
        kind=kind,
        purchase=purchase,
        order=order,
        facts=dict(facts or {}),
        to=purchase.email,
        next_action_at=clock.now(),
    )
    work.ring(DELIVER_TASK, mail.pk)
    return mail


def queue_again(mail: OutgoingMail) -> OutgoingMail:
    """Owe the customer once more a mail that did not arrive, at the address that the purchase has now."""
    first, _mark, n = mail.key.partition("~")
    again: OutgoingMail = OutgoingMail.objects.create(
        key=f"{first}~{int(n or 1) + 1}",
        kind=mail.kind,
        purchase=mail.purchase,
        order=mail.order,
        facts=mail.facts,
        to=mail.purchase.email,
        replaces=mail,
        next_action_at=clock.now(),
    )
    work.ring(DELIVER_TASK, again.pk)
    return again


def deliver(mail_id: int) -> None:
    """Send the mail if it is due and nobody else is sending it."""
    mail = work.claim(OutgoingMail, mail_id, lease=LEASE)
    if mail is not None:
        with work.guarded(mail, cap=ATTEMPTS_CAP):
            _deliver(mail)


def _deliver(mail: OutgoingMail) -> None:
    try:
        message = render(mail)
    except Exception as error:
        logger.exception("mail %s does not render", mail.key)
        work.retry_or_give_up(mail, f"does not render: {type(error).__name__}", cap=3)
        return
    if mail.send_started_at is not None:
        _look_for(mail, message)
    else:
        _send(mail, message)


def _send(mail: OutgoingMail, message: MailMessage) -> None:
    crash_here("mail.before_send")
    started = clock.now()
    held = OutgoingMail.objects.filter(pk=mail.pk, work_state=WorkState.CLAIMED, lease_token=mail.lease_token)
    if held.update(send_started_at=started) != 1:
        return
    try:
        provider_id = transport().send(message)
    except Retryable as error:
        held.update(send_started_at=None)
        work.retry_or_give_up(mail, str(error), cap=ATTEMPTS_CAP)
    except Refused as error:
        work.release(
            mail,
            work_state=WorkState.NEEDS_STAFF,
            next_action_at=None,
            last_error=str(error)[:500],
            send_started_at=None,
        )
    except OutcomeUnknown as error:
        work.release(
            mail,
            work_state=WorkState.QUEUED,
            next_action_at=clock.now() + timedelta(seconds=settings.MAIL_SETTLE_SECONDS),
            last_error=str(error)[:500],
        )
    else:
        crash_here("mail.after_send")
        _record_sent(mail, message, provider_id)


def _look_for(mail: OutgoingMail, message: MailMessage) -> None:
    """A former send of this row has no recorded outcome: ask the provider, then decide."""
    assert mail.send_started_at is not None
    settled = mail.send_started_at + timedelta(seconds=settings.MAIL_SETTLE_SECONDS)
    if clock.now() < settled:
        work.release(mail, work_state=WorkState.QUEUED, next_action_at=settled)
        return
    try:
        accepted = transport().was_accepted(message.mail_id)
    except Retryable as error:
        if mail.attempts < ATTEMPTS_CAP:
            work.retry_or_give_up(mail, str(error), cap=ATTEMPTS_CAP)
            return
        accepted = None
    if accepted:
        _record_sent(mail, message, provider_id="")
    elif accepted is None:
        work.release(
            mail,
            work_state=WorkState.UNCERTAIN,
            next_action_at=None,
            last_error="sent or not? provider cannot tell",
        )
    else:
        OutgoingMail.objects.filter(pk=mail.pk, lease_token=mail.lease_token).update(send_started_at=None)
        work.retry_or_give_up(mail, "was not sent", cap=ATTEMPTS_CAP, base=timedelta())


def _record_sent(mail: OutgoingMail, message: MailMessage, provider_id: str) -> None:
    with transaction.atomic(durable=True):
        done = work.finish(
            mail, subject=message.subject, text=message.text, provider_id=provider_id, sent_at=clock.now()
        )
        if done:
            _tell_sent(mail)


def _tell_sent(mail: OutgoingMail) -> None:
    for order in orders_of(mail):
        Order.objects.select_for_update().get(pk=order.pk)
        events.record(order, "mail.sent", actor=SYSTEM, mail=MailKind(mail.kind).label, to=mail.to)


def settle_as_sent(mail: OutgoingMail, *, provider_id: str) -> bool:
    """The provider has the mail, whatever we knew of it: it is sent, and never sent again. False if that was known.

    Runs in the caller's transaction, the mail locked. A worker that is sending it at this moment finds its lease gone
    and writes nothing.
    """
    if mail.work_state == WorkState.DONE:
        return False
    message = render(mail)
    columns = {
        "work_state": WorkState.DONE,
        "next_action_at": None,
        "lease_token": "",
        "lease_until": None,
        "last_error": "",
        "subject": message.subject,
        "text": message.text,
        "provider_id": provider_id,
        "sent_at": mail.send_started_at or clock.now(),
    }
    OutgoingMail.objects.filter(pk=mail.pk).update(**columns)
    for name, value in columns.items():
        setattr(mail, name, value)
    _tell_sent(mail)
    return True


def send_again(mail: OutgoingMail) -> bool:
    """Staff decided that an uncertain or failed mail shall be sent (again). False when it is neither."""
    with transaction.atomic():
        rows = OutgoingMail.objects.filter(
            pk=mail.pk, work_state__in=[WorkState.UNCERTAIN, WorkState.NEEDS_STAFF]
        ).update(
            work_state=WorkState.QUEUED,
            next_action_at=clock.now(),
            attempts=0,
            send_started_at=None,
            last_error="",
        )
        if rows:
            work.ring(DELIVER_TASK, mail.pk)
    return rows == 1


def render(mail: OutgoingMail) -> MailMessage:
    """Subject, text and HTML of the mail in the customer's language."""
    purchase = mail.purchase
    reply_to = reply_addresses.address_of(purchase) if mail.kind == MailKind.CONFIRMATION else ""
    context = {
        "mail": mail,
        "purchase": purchase,
        "order": mail.order,
        "orders": orders_of(mail),
        "facts": mail.facts,
        "reply_to": reply_to,
        "shop_name": settings.SHOP_NAME,
        "base_url": settings.BASE_URL,
        "sender": settings.MAIL_FROM,
        "descriptor": settings.STATEMENT_DESCRIPTOR,
    }
    folder = f"emails/{mail.kind}"
    with translation.override(purchase.language):
        subject = " ".join(render_to_string(f"{folder}/subject.txt", context).split())
        return MailMessage(
            mail_id=mail.key,
            to=mail.to,
            subject=subject[:200],
            text=render_to_string(f"{folder}/body.txt", context).strip() + "\n",
            html=render_to_string(f"{folder}/body.html", context),
            category=mail.kind,
            reply_to=reply_to,
        )


def orders_of(mail: OutgoingMail) -> list[Order]:
    """What the mail is about, in the order of the basket."""
    return [mail.order] if mail.order else list(mail.purchase.orders.order_by("position"))


def transport() -> MailTransport:
    """The transport that the setting ``MAIL_TRANSPORT`` names."""
    made: MailTransport = import_string(settings.MAIL_TRANSPORT)()
    return made
