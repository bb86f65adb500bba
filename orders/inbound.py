"""Mails that customers write in reply to ours: stored once before they are acknowledged, and tasks for staff.

What a mail brings about is decided above (``refunds.replying``), which pulls what is stored here.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from orders import events, reply_addresses
from orders.models import InboundMail, Order, Purchase
from orders.models.inbound_mail import InboundReason, InboundVerdict
from orders.sendgrid_inbound import InboundNews
from unlockshop.kernel import actors, clock, work
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused

DUE: Final = timedelta(hours=24)


def receive(news: InboundNews) -> bool:
    """Store a mail, with the purchase that its address names; False when it is here already.

    After it returns, the row is committed.
    """
    named = [(address, reply_addresses.purchase_number(address)) for address in news.recipients]
    recipient, number = next(
        ((address, number) for address, number in named if number), (named[0][0] if named else "", "")
    )
    with transaction.atomic():
        _mail, is_new = InboundMail.objects.get_or_create(
            key=news.key,
            defaults={
                "purchase": Purchase.objects.filter(number=number).first() if number else None,
                "recipient": recipient,
                "sender": news.sender,
                "envelope_from": news.envelope_from,
                "subject": news.subject,
                "text": news.text,
                "message_id": news.message_id,
                "spf": news.spf,
                "dkim": news.dkim,
                "is_automatic": news.is_automatic,
                "is_truncated": news.is_truncated,
                "received_at": clock.now(),
                "next_action_at": clock.now(),
            },
        )
        if not is_new:
            InboundMail.objects.filter(key=news.key).update(deliveries=F("deliveries") + 1)
    return is_new


def note_too_large(size: int) -> None:
    """Store, in the stead of a mail that is too large to be read, that one came; once a day and size.

    Nothing is known of it but its size in bytes. It becomes a task for staff as any mail that names no purchase.
    """
    told = f"too large\n{size}\n{clock.now().date()}"
    subject = _("A mail of %(size)d MB came in. It is too large to be read, and its sender was told nothing.")
    news = InboundNews(
        key=hashlib.sha256(told.encode()).hexdigest(),
        recipients=(),
        sender="",
        envelope_from="",
        subject=subject % {"size": size // 1_000_000},
        text="",
        message_id="",
        spf="",
        dkim="",
        is_automatic=False,
        is_truncated=True,
    )
    receive(news)


def finish(mail: InboundMail, verdict: InboundVerdict, reason: InboundReason = InboundReason.NONE) -> bool:
    """What became of a claimed mail. One for staff becomes a task, or joins that of its sender which is open.

    False when the claim was lost meanwhile. Runs in the caller's transaction. The orders' stories tell of it once for
    each task: who writes ten times in a row is told of as one.
    """
    if verdict == InboundVerdict.STAFF:
        verdict = _task(mail, reason)
        if verdict == InboundVerdict.NONE:
            return False
    elif not work.finish(mail, verdict=verdict, reason=reason):
        return False
    if mail.purchase_id is not None and verdict not in {InboundVerdict.AUTOMATIC, InboundVerdict.JOINED}:
        became = reason.label if reason else verdict.label
        locked = Order.objects.select_for_update(of=("self",)).filter(purchase=mail.purchase_id).order_by("pk")
        actor = actors.provider("sendgrid")
        told = [(order, actor, {"sender": mail.sender, "became": became}) for order in locked]
        events.record_many(told, "mail.received", from_state="", to_state="")
    return True


def _task(mail: InboundMail, reason: InboundReason) -> InboundVerdict:
    """Make the mail a task, or part of the open one of its sender; the empty verdict when the claim was lost."""
    for _try in range(2):
        opened = for_staff().filter(purchase=mail.purchase_id, sender=mail.sender).select_for_update().first()
        if opened is not None:
            if not work.finish(mail, verdict=InboundVerdict.JOINED, task=opened):
                return InboundVerdict.NONE
            # A forged mail must not give its name to the task that the sender's own mails join.
            is_better = opened.reason == InboundReason.NOT_AUTHENTIC != reason
            changes = {"reason": reason} if is_better else {}
            InboundMail.objects.filter(pk=opened.pk).update(further=F("further") + 1, **changes)
            return InboundVerdict.JOINED
        try:
            with transaction.atomic():
                became = work.finish(
                    mail, verdict=InboundVerdict.STAFF, reason=reason, owner="staff", due_at=clock.now() + DUE
                )
        except IntegrityError:  # another worker made one of the same sender's mails a task at this very moment
            continue
        return InboundVerdict.STAFF if became else InboundVerdict.NONE
    raise AssertionError("unreachable")


def for_staff() -> QuerySet[InboundMail]:
    """Mails that wait for a person, the most urgent first."""
    return InboundMail.objects.filter(verdict=InboundVerdict.STAFF, closed_at=None).order_by("due_at", "pk")


def close(mail_id: int, *, evidence: str, actor: Actor) -> None:
    """Staff did what the mail asked for. Raises ``Refused`` (``evidence_required``, ``closed``)."""
    if not evidence.strip():
        raise Refused(_("your evidence is required"), code="evidence_required")
    rows = InboundMail.objects.filter(pk=mail_id, verdict=InboundVerdict.STAFF, closed_at=None)
    done = rows.update(closed_at=clock.now(), closed_by=actor.label[:254] or "staff", outcome=evidence.strip()[:500])
    if not done:
        raise Refused(_("this task is closed already"), code="closed")
