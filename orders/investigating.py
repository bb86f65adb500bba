"""Finding out why a device was not found: a customer asks, staff answer (IMEIORG-12.1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from orders import events, lifecycle, mailing
from orders.models import Investigation, Order
from orders.models.mail import MailKind
from orders.states import Finding, InvestigationState, OrderState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused, TransitionRefused

# Elapsed days for asking the supplier, and for its answer.
DUE_WITHIN: Final = timedelta(days=3)


def current(order: Order) -> Investigation | None:
    """The investigation of the end that the order has now; one of an end before a resubmission counts no more."""
    if order.state != OrderState.NOT_FOUND or order.ended_at is None:
        return None
    rows: QuerySet[Investigation] = order.investigations.filter(created_at__gte=order.ended_at)
    return rows.first()


def ask(order_id: int, *, note: str, actor: Actor) -> Investigation:
    """Put the question to staff. Raises ``Refused``: ``not_not_found``, or ``asked_already`` for this end."""
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        if order.state != OrderState.NOT_FOUND:
            raise Refused(_("Only an order that was not found is investigated."), code="not_not_found")
        if current(order) is not None or order.investigations.filter(state=InvestigationState.OPEN).exists():
            raise Refused(_("Our staff look into it already, or have answered."), code="asked_already")
        row: Investigation = Investigation.objects.create(
            order=order, note=note.replace("\x00", "").strip()[:500], due_at=clock.now() + DUE_WITHIN
        )
        events.record(order, "order.investigation_asked", actor=actor, note=row.note)
    return row


def answer(investigation_id: int, *, finding: Finding, text: str, evidence: str, actor: Actor) -> Investigation:
    """Staff record why the device was not found; the customer gets ``text`` by mail.

    Raises ``Refused`` without text or evidence, ``TransitionRefused`` for one that is answered.
    """
    words = lifecycle.typed(text)[:1000]
    if not words:
        raise Refused(_("Write what the customer shall read."), code="answer_required")
    if not evidence.strip():
        raise Refused("your evidence is required", code="evidence_required")
    with transaction.atomic():
        row = Investigation.objects.get(pk=investigation_id)
        order = lifecycle.lock(row.order_id)
        if not Investigation.objects.filter(pk=row.pk, state=InvestigationState.OPEN).update(
            state=InvestigationState.ANSWERED,
            finding=finding,
            answer=words,
            evidence=evidence.replace("\x00", "").strip()[:500],
            answered_at=clock.now(),
        ):
            raise TransitionRefused(f"the investigation of {order} is answered")
        row.refresh_from_db()
        events.record(
            order, "order.investigated", actor=actor, finding=finding.label, answer=words, evidence=row.evidence
        )
        mailing.queue_for_order(order, MailKind.INVESTIGATION, facts={"answer": words, "finding": str(finding)})
    return row
