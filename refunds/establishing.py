"""Recording what is alleged or established about an order or a device, and taking it back when it was wrong."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from orders.models import Order
from refunds import claim_moving
from refunds.models import Claim, Fact
from refunds.states import OPEN_CLAIMS, ClaimEventKind, FactName, FactStanding
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor, ActorKind
from unlockshop.kernel.errors import Refused

EVIDENCE_LENGTH = 1000


def record(
    order: Order,
    name: FactName,
    standing: FactStanding,
    *,
    evidence: str,
    actor: Actor,
    about_device: bool = False,
    caused_delay: bool = False,
    happened_at: datetime | None = None,
) -> Fact:
    """Write down a fact about the order, or about its device in every order; the trail of open claims tells it.

    Only staff establish. Raises ``Refused`` with code ``evidence_required``, ``staff_only`` or ``recorded_already``.
    """
    evidence = evidence.replace("\x00", "").strip()[:EVIDENCE_LENGTH]
    if standing == FactStanding.ESTABLISHED and actor.kind != ActorKind.STAFF:
        raise Refused(_("Only staff can establish a fact."), code="staff_only")
    if standing == FactStanding.ESTABLISHED and not evidence:
        raise Refused(_("An established fact names its evidence."), code="evidence_required")
    fact = Fact(
        name=name,
        standing=standing,
        order=None if about_device else order,
        identifier=order.identifier,
        evidence=evidence,
        caused_delay=caused_delay,
        happened_at=happened_at,
        by_kind=actor.kind,
        by_label=actor.label[:254],
    )
    try:
        with transaction.atomic():
            claims = _open_claims(order)
            fact.save(force_insert=True)
            for claim in claims:
                data = {"fact": name, "standing": standing, "evidence": evidence}
                claim_moving.note(claim, ClaimEventKind.FACT_RECORDED, actor=actor, data=data)
    except IntegrityError as error:
        raise Refused(_("This fact is recorded already."), code="recorded_already") from error
    return fact


def withdraw(order: Order, fact_id: int, *, reason: str, actor: Actor) -> None:
    """Take back a fact that turned out wrong; it stays on record. Raises ``Refused``: no reason, or taken back."""
    if not reason.strip():
        raise Refused(_("Say why it was wrong."), code="reason_required")
    with transaction.atomic():
        claims = _open_claims(order)
        standing = Fact.objects.filter(pk=fact_id, identifier=order.identifier, withdrawn_at=None)
        name = standing.values_list("name", flat=True).first()
        values = {"withdrawn_by": actor.label[:254], "withdrawn_reason": reason.strip()[:500]}
        if not standing.update(withdrawn_at=clock.now(), **values):
            raise Refused(_("This fact was taken back already."), code="withdrawn_already")
        for claim in claims:
            data = {"fact": name, "reason": reason}
            claim_moving.note(claim, ClaimEventKind.FACT_WITHDRAWN, actor=actor, data=data)


def _open_claims(order: Order) -> list[Claim]:
    """The order's open claims, locked."""
    found = order.claims.filter(state__in=sorted(OPEN_CLAIMS)).order_by("pk").values_list("pk", flat=True)
    return [claim_moving.lock(claim_id) for claim_id in found]
