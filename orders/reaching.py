"""Reaching a customer whose mail came back: a task for staff, and the address put right with the mails sent again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from orders import delaying, events, mailing
from orders.models import ContactTask, Order, OutgoingMail, Purchase
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.work import WorkState

DUE: Final = timedelta(hours=24)


def open_task(mail: OutgoingMail) -> ContactTask:
    """Let staff reach the customer. A purchase has one open task: what happens to its other mails joins that one.

    The caller has locked the purchase.
    """
    moment = clock.now()
    task: ContactTask
    task, _is_new = ContactTask.objects.get_or_create(
        purchase=mail.purchase,
        closed_at=None,
        defaults={
            "mail": mail,
            "trouble": mail.trouble,
            "address": mail.to,
            "reason": mail.trouble_reason,
            "opened_at": moment,
            "due_at": moment + DUE,
        },
    )
    return task


def undelivered(purchase: Purchase) -> list[OutgoingMail]:
    """The purchase's mails that came back and were not sent again, oldest first."""
    return list(purchase.mails.filter(bounced_at__isnull=False, replaced_by=None).order_by("pk"))


def correct_and_send(task_id: int, *, address: str, evidence: str, actor: Actor) -> int:
    """Put the purchase's address right, send what came back there, and close the task; how many mails go out.

    The purchase's secret links stay as they are. Raises ``Refused`` (``evidence_required``, ``closed``).
    """
    with transaction.atomic():
        task = _open_one(task_id, evidence)
        purchase = task.purchase
        former = purchase.email
        Purchase.objects.filter(pk=purchase.pk).update(email=address)
        purchase.email = address
        waiting = purchase.mails.filter(work_state=WorkState.QUEUED, send_started_at=None)
        waiting.update(to=address)
        again = [_send_again(mail) for mail in undelivered(purchase)]
        _close(task, evidence, actor)
        data = {"former": former, "to": address, "evidence": evidence, "count": len(again)}
        _tell(purchase, "mail.readdressed", actor, data)
    return len(again)


def _send_again(mail: OutgoingMail) -> OutgoingMail:
    again = mailing.queue_again(mail)
    delaying.follow(mail, again)
    return again


def reached(task_id: int, *, evidence: str, actor: Actor) -> None:
    """Staff reached the customer in another way, or nobody can. Raises ``Refused`` as above."""
    with transaction.atomic():
        task = _open_one(task_id, evidence)
        _close(task, evidence, actor)
        _tell(task.purchase, "mail.reached", actor, {"evidence": evidence})


def _open_one(task_id: int, evidence: str) -> ContactTask:
    if not evidence.strip():
        raise Refused(_("your evidence is required"), code="evidence_required")
    purchase = ContactTask.objects.values_list("purchase_id", flat=True).get(pk=task_id)
    Purchase.objects.select_for_update(no_key=True).get(pk=purchase)
    task = ContactTask.objects.select_for_update(of=("self",)).select_related("purchase").get(pk=task_id)
    if task.closed_at is not None:
        raise Refused(_("this task is closed already"), code="closed")
    return task


def _close(task: ContactTask, evidence: str, actor: Actor) -> None:
    ContactTask.objects.filter(pk=task.pk).update(
        closed_at=clock.now(), closed_by=actor.label[:254], outcome=evidence.strip()[:500]
    )


def _tell(purchase: Purchase, kind: str, actor: Actor, data: dict[str, object]) -> None:
    rows = Order.objects.select_for_update(of=("self",)).filter(purchase=purchase).order_by("pk")
    events.record_many([(order, actor, data) for order in rows], kind, from_state="", to_state="")
