"""The buttons on a dispute, and the one that clears a fraud warning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from payments import disputing, evidence
from payments.dispute_forms import DisputeReasonForm, SubmitEvidenceForm
from payments.models import Dispute, EvidencePack, Payment
from payments.states import Attention, PackState
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.staff_pages import StaffAction


@dataclass(frozen=True, slots=True)
class Situation:
    """A dispute, its newest pack, and the pack of which nobody knows whether it arrived."""

    dispute: Dispute
    newest: EvidencePack | None
    unknown: EvidencePack | None

    @property
    def is_unanswered(self) -> bool:
        """Whether the bank waits for our answer."""
        return disputing.unanswered(self.dispute)


def situation_of(dispute: Dispute) -> Situation:
    """The dispute with the packs that matter now."""
    packs = list(dispute.packs.order_by("-pk").defer("facts"))
    unknown = next((pack for pack in packs if pack.state == PackState.SUBMITTING), None)
    return Situation(dispute, packs[0] if packs else None, unknown)


def _may_submit(now: Situation) -> bool:
    return now.newest is not None and now.newest.state == PackState.ASSEMBLED and now.is_unanswered


def _refresh(dispute: Dispute, _data: Mapping[str, Any], _actor: Actor) -> str:
    found = disputing.settle_dispute(dispute.payment.provider, dispute.provider_ref)
    return _("The provider says: %(state)s.") % {"state": found.get_state_display()}


def _assemble(dispute: Dispute, _data: Mapping[str, Any], _actor: Actor) -> str:
    evidence.assemble(dispute)
    return _("A pack is assembled. Read it before you submit it.")


def _submit(dispute: Dispute, _data: Mapping[str, Any], actor: Actor) -> str:
    newest = situation_of(dispute).newest
    if newest is None:
        raise Refused(_("There is no pack."), code="not_fresh")
    evidence.submit(newest.pk, actor=actor)
    return _("The evidence is submitted. The bank decides.")


def _check(dispute: Dispute, _data: Mapping[str, Any], _actor: Actor) -> str:
    unknown = situation_of(dispute).unknown
    if unknown is None:
        raise Refused(_("No pack waits for this any more."), code="not_waiting")
    if evidence.check_submission(unknown.pk).state == PackState.SUBMITTED:
        return _("It has arrived at the provider.")
    return _("It never arrived, so it can be submitted again.")


def _release(dispute: Dispute, data: Mapping[str, Any], actor: Actor) -> str:
    count = disputing.release(dispute.pk, reason=data["reason"], actor=actor)
    return ngettext("%(count)d order goes on.", "%(count)d orders go on.", count) % {"count": count}


def _clear(payment: Payment, data: Mapping[str, Any], actor: Actor) -> str:
    disputing.clear_warning(payment.pk, reason=data["reason"], actor=actor)
    return _("The warning is cleared.")


DISPUTE_ACTIONS: Final = (
    StaffAction(
        "submit",
        gettext_lazy("Review and submit"),
        gettext_lazy(
            "Sends the newest pack to the bank as the shop's only answer. Read it on the dispute's page first."
        ),
        SubmitEvidenceForm,
        _may_submit,
        _submit,
        is_danger=True,
    ),
    StaffAction(
        "assemble",
        gettext_lazy("Assemble evidence"),
        gettext_lazy("Collects what the shop can prove now into a new pack. Nothing is sent."),
        DisputeReasonForm,
        lambda now: now.is_unanswered,
        _assemble,
    ),
    StaffAction(
        "check",
        gettext_lazy("Did it arrive?"),
        gettext_lazy("Asks the provider whether the pack arrived whose sending had no known outcome."),
        DisputeReasonForm,
        lambda now: now.unknown is not None,
        _check,
    ),
    StaffAction(
        "release",
        gettext_lazy("Let the orders go on"),
        gettext_lazy("Forwards what the dispute holds back. If the dispute is lost, that work is unpaid."),
        DisputeReasonForm,
        lambda now: bool(now.dispute.payment.purchase.frozen_for),
        _release,
        is_danger=True,
    ),
    StaffAction(
        "refresh",
        gettext_lazy("Ask the provider"),
        gettext_lazy("Fetches the dispute and books what is new. Safe to repeat."),
        DisputeReasonForm,
        lambda _now: True,
        _refresh,
    ),
)

# For the page of a payment.
CLEAR_WARNING: Final = StaffAction(
    "clear-warning",
    gettext_lazy("Clear the fraud warning"),
    gettext_lazy("You looked into it and trust the payment. What was held for it goes on."),
    DisputeReasonForm,
    lambda payment: payment.attention == Attention.FRAUD,
    _clear,
)
