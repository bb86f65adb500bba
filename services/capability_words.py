"""What a supplier's capabilities rest on, in plain words for staff."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _

from services import proving
from services.models import Capability, CapabilityProof, ProofOrigin, Supplier
from unlockshop.kernel.staff_parts import moment, span


def told(supplier: Supplier, capability: Capability) -> str:
    """Whether it is on, since when and why; or what ended it last."""
    if supplier.pk is None:
        return _("No. A new supplier has to earn it.")
    proof = proving.standing(supplier).get(capability)
    if getattr(supplier, capability):
        return _on(proof) if proof else _("Yes, set before capabilities were measured.")
    lost = supplier.proofs.filter(capability=capability, ended_at__isnull=False).order_by("-ended_at").first()
    if lost is None:
        return _("No: not proven yet.")
    when = {"moment": moment(lost.ended_at), "reason": lost.ended_because}
    if lost.is_counter_example:
        return _("No: lost on %(moment)s, for %(reason)s.") % when
    return _("No since %(moment)s: %(reason)s.") % when


def settle_told(supplier: Supplier) -> str:
    """How long an uncertain order waits before its absence is looked at."""
    return _("%(span)s after an order was sent, the supplier's list is taken to be complete.") % {
        "span": span(timedelta(seconds=supplier.settle_seconds))
    }


def _on(proof: CapabilityProof) -> str:
    when = moment(proof.at)
    if proof.origin == ProofOrigin.OVERRIDE:
        return _("Yes, without measurement: switched on by %(who)s on %(moment)s: %(reason)s") % {
            "who": proof.actor_label,
            "moment": when,
            "reason": proof.reason,
        }
    said = _("Yes, measured on %(moment)s with %(count)d observations.") % {
        "moment": when,
        "count": proof.observations,
    }
    if proof.lag_p999 is not None:
        said += " " + _(
            "Half of the orders were listed within %(median)s s, 99 of 100 within %(p99)s s, 999 of 1,000 within "
            "%(p999)s s."
        ) % {"median": proof.lag_median, "p99": proof.lag_p99, "p999": proof.lag_p999}
    if proof.expires_at is not None:
        said += " " + _("Ends on %(moment)s unless measured anew.") % {"moment": moment(proof.expires_at)}
    return said
