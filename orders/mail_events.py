"""What the mail provider tells of our mails: verify, store, acknowledge; then apply to mail, timeline and task.

An event is trusted for what it says of the mail it names, for it is signed. It proves first of all that the provider
took the mail: a mail whose sending had no known outcome is settled by its first event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from orders import delaying, events, mailing, reaching, sendgrid_events
from orders.models import MailEvent, Order, OutgoingMail, Purchase
from orders.models.mail import MailKind, MailTrouble
from orders.models.mail_event import MailVerdict
from orders.sendgrid_events import UNREADABLE, MailNews
from unlockshop.kernel import actors, clock, work
from unlockshop.kernel.work import WorkState

PROCESS_TASK: Final = "orders.process_mail_events"
LEASE: Final = timedelta(seconds=60)
ATTEMPTS_CAP: Final = 20
# One ring works off what is due, at most this often as many as a sweep finds.
ROUNDS: Final = 10
PROVIDER: Final = actors.provider("sendgrid")
# "blocked" is a bounce whose ``type`` says so.
_TROUBLES: Final = {"bounce": MailTrouble.BOUNCED, "dropped": MailTrouble.DROPPED}


def receive(body: bytes, headers: Mapping[str, str]) -> int:
    """Store every event of an authentic post once and ring a worker; how many were new.

    Raises ``NotAuthentic``; then nothing is stored. After it returns, the rows are committed.
    """
    news = sendgrid_events.read(body, headers)
    with transaction.atomic():
        known = MailEvent.objects.filter(event_id__in=[each.event_id for each in news])
        old = set(known.values_list("event_id", flat=True))
        known.update(deliveries=F("deliveries") + 1)
        fresh = [_row(each) for each in news if each.event_id not in old]
        # A copy of the post may be stored at this very moment: its rows win, whichever they are.
        MailEvent.objects.bulk_create(fresh, ignore_conflicts=True)
        first = MailEvent.objects.filter(event_id__in=[each.event_id for each in fresh]).order_by("pk").first()
        if first is not None:
            work.ring(PROCESS_TASK, first.pk)
    return len(fresh)


def _row(news: MailNews) -> MailEvent:
    row = MailEvent(
        event_id=news.event_id,
        kind=news.kind,
        mail_key=news.mail_key,
        message_id=news.message_id,
        address=news.address,
        reason=news.reason,
        happened_at=news.happened_at,
        payload=dict(news.payload),
        received_at=clock.now(),
        next_action_at=clock.now(),
    )
    if news.kind == UNREADABLE:
        row.work_state, row.next_action_at, row.verdict = WorkState.NEEDS_STAFF, None, MailVerdict.UNREADABLE
    elif not news.mail_key:
        row.work_state, row.next_action_at, row.verdict = WorkState.DONE, None, MailVerdict.UNKNOWN_MAIL
    return row


def process_due(event_id: int) -> None:
    """Apply an event, and with it what else is due: a post of a thousand events is one ring."""
    process(event_id)
    for _round in range(ROUNDS):
        due = work.due(MailEvent)
        if not due:
            break
        for each in due:
            process(each)


def process(event_id: int) -> None:
    """Apply one stored event if it is due and nobody else is at it."""
    event = work.claim(MailEvent, event_id, lease=LEASE)
    if event is not None:
        with work.guarded(event, cap=ATTEMPTS_CAP):
            _process(event)


def _process(event: MailEvent) -> None:
    found = OutgoingMail.objects.filter(key=event.mail_key).values_list("pk", "purchase_id").first()
    if found is None:
        work.finish(event, verdict=MailVerdict.UNKNOWN_MAIL)
        return
    mail_id, purchase_id = found
    with transaction.atomic(durable=True):
        Purchase.objects.select_for_update(no_key=True).get(pk=purchase_id)
        mail = OutgoingMail.objects.select_for_update(of=("self",)).select_related("purchase", "order").get(pk=mail_id)
        mailing.settle_as_sent(mail, provider_id=event.message_id.partition(".")[0])
        is_news = _apply(mail, event)
        work.finish(event, mail=mail, verdict=MailVerdict.APPLIED if is_news else MailVerdict.IGNORED)


def _apply(mail: OutgoingMail, event: MailEvent) -> bool:
    """Write the fact down if it is one and is not known yet."""
    if event.kind == "delivered":
        return _note(mail, event, "delivered_at", "mail.delivered")
    if event.kind == "open":
        return _note(mail, event, "opened_at", "mail.opened")
    trouble = _trouble(event)
    if trouble is None:
        return False
    column = "complained_at" if trouble == MailTrouble.COMPLAINT else "bounced_at"
    kind = "mail.complained" if trouble == MailTrouble.COMPLAINT else "mail.bounced"
    if not _note(mail, event, column, kind, trouble=trouble, trouble_reason=event.reason):
        return False
    reaching.open_task(mail)
    return True


def _trouble(event: MailEvent) -> MailTrouble | None:
    if event.kind == "spamreport":
        return MailTrouble.COMPLAINT
    if event.kind == "bounce" and event.payload.get("type") == "blocked":
        return MailTrouble.BLOCKED
    return _TROUBLES.get(event.kind)


def _note(mail: OutgoingMail, event: MailEvent, column: str, kind: str, **changes: str) -> bool:
    """Set a moment of the mail that is not set yet, and tell it in the story of every order it is about."""
    if getattr(mail, column) is not None:
        return False
    changed = {column: event.happened_at, **changes}
    OutgoingMail.objects.filter(pk=mail.pk).update(**changed)
    for name, value in changed.items():
        setattr(mail, name, value)
    why = MailTrouble(mail.trouble).label if mail.trouble else ""
    data = {"mail": MailKind(mail.kind).label, "to": mail.to, "why": why, "reason": event.reason}
    _tell(mailing.orders_of(mail), kind, data)
    if mail.kind == MailKind.DELAYED:
        delaying.set_clock(mail)
    return True


def _tell(orders: Sequence[Order], kind: str, data: Mapping[str, object]) -> None:
    locked = Order.objects.select_for_update(of=("self",)).filter(pk__in=[order.pk for order in orders])
    rows = list(locked.order_by("pk"))
    events.record_many([(order, PROVIDER, data) for order in rows], kind, from_state="", to_state="")
