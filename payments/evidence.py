"""The shop's answer to a dispute: assembled once it is asked for, frozen, reviewed by staff, sent once.

``submit`` commits that a pack is being sent before the provider is called. When nobody can tell whether it arrived,
the pack stays so, and ``check_submission`` looks at the provider; nothing is sent twice blindly.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from payments import disputing, evidence_facts
from payments.models import Dispute, EvidencePack, Payment
from payments.providers.registry import provider_named
from payments.states import PackState
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor, ActorKind
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError

# Longer than any call may still be under way: what is not at the provider by then never arrives.
SETTLED_AFTER: Final = timedelta(minutes=15)
UNSENT: Final = {"submitted_at": None, "submitted_by": ""}


def assemble(dispute: Dispute) -> EvidencePack:
    """A new pack of what can be proved now. Older ones stay as they were."""
    facts = evidence_facts.collect(dispute)
    pack: EvidencePack = EvidencePack.objects.create(
        dispute=dispute,
        facts={group: evidence_facts.in_order(found) for group, found in facts.items()},
        fields=evidence_facts.fields_of(facts),
        assembled_at=clock.now(),
    )
    return pack


def submit(pack_id: int, *, actor: Actor) -> EvidencePack:
    """Send a pack to the provider, once and for good.

    Raises ``Refused`` (``staff_only``, ``answered``, ``not_waiting``, ``not_fresh``, or the provider's own code),
    ``Retryable`` when provably nothing was sent, and ``OutcomeUnknown``: then the pack stays ``submitting``.
    """
    if actor.kind != ActorKind.STAFF:
        raise Refused(_("Only staff answer a dispute."), code="staff_only")
    pack = _claim(pack_id, actor)
    dispute = pack.dispute
    provider_name = dispute.payment.provider
    crash_here("evidence.before_send")
    seen = disputing.revision_of(dispute.provider_ref)
    try:
        fact = provider_named(provider_name).submit_evidence(dispute.provider_ref, pack.fields)
    except Retryable as error:
        _sending(pack).update(state=PackState.ASSEMBLED, failure=str(error)[:300], **UNSENT)
        raise
    except Refused as error:
        _sending(pack).update(state=PackState.REFUSED, failure=f"{error.code}: {error}"[:300], **UNSENT)
        raise
    except OutcomeUnknown as error:
        _sending(pack).update(failure=str(error)[:300])
        raise
    crash_here("evidence.after_send")
    _sending(pack).update(state=PackState.SUBMITTED)
    try:
        disputing.fold_dispute(provider_name, fact, seen=seen)
    except disputing.Outdated:
        _refresh(dispute)
    pack.refresh_from_db()
    return pack


def _claim(pack_id: int, actor: Actor) -> EvidencePack:
    """Commit that the pack is being sent, unless the dispute is answered or waits for no answer."""
    with transaction.atomic(durable=True):
        found = EvidencePack.objects.select_related("dispute__payment").get(pk=pack_id)
        Payment.objects.select_for_update(of=("self",)).get(pk=found.dispute.payment_id)
        dispute = Dispute.objects.get(pk=found.dispute_id)
        if not disputing.unanswered(dispute):
            raise Refused(_("The dispute waits for no answer, or one was sent."), code="answered")
        rows = EvidencePack.objects.filter(pk=pack_id, state=PackState.ASSEMBLED)
        try:
            with transaction.atomic():
                claimed = rows.update(
                    state=PackState.SUBMITTING,
                    submitted_at=clock.now(),
                    submitted_by=actor.label[:254] or actor.ident[:254],
                    failure="",
                )
        except IntegrityError as error:
            raise Refused(_("Another pack was sent."), code="answered") from error
        if not claimed:
            raise Refused(_("This pack was refused before. Assemble a new one."), code="not_fresh")
    found.refresh_from_db()
    return found


def _sending(pack: EvidencePack) -> QuerySet[EvidencePack]:
    """The pack, unless somebody has settled what became of it."""
    return EvidencePack.objects.filter(pk=pack.pk, state=PackState.SUBMITTING)


def check_submission(pack_id: int) -> EvidencePack:
    """Look at the provider whether a pack without known outcome arrived. Not there: it may be sent again.

    Raises ``Refused`` with ``too_early`` while the call may still be under way.
    """
    pack = EvidencePack.objects.select_related("dispute__payment").get(pk=pack_id)
    if pack.state != PackState.SUBMITTING:
        return pack
    disputing.settle_dispute(pack.dispute.payment.provider, pack.dispute.provider_ref)
    pack.refresh_from_db()
    if pack.state == PackState.SUBMITTING:
        if pack.submitted_at is not None and clock.now() - pack.submitted_at < SETTLED_AFTER:
            raise Refused(_("It has not arrived so far, but may yet. Look again later."), code="too_early")
        _sending(pack).update(state=PackState.ASSEMBLED, failure="never arrived at the provider", **UNSENT)
        pack.refresh_from_db()
    return pack


def _refresh(dispute: Dispute) -> None:
    """The answer is sent; what became of the dispute meanwhile also comes by webhook."""
    try:
        disputing.settle_dispute(dispute.payment.provider, dispute.provider_ref)
    except ShopError:
        return
