"""What may be relied on at a supplier: the only writer of its capabilities and of the settle time they rest on.

A capability is switched on by measured figures, or by staff who give a reason; it ends at the first counter-example,
when it was not measured anew in time, or when staff switch it off. Each such time is a ``CapabilityProof`` that stays.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from services import noticing
from services.models import Capability, CapabilityProof, ProofOrigin, Supplier
from services.models.health import NoticeKind
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM, Actor
from unlockshop.kernel.errors import Refused

logger = logging.getLogger(__name__)

# A proof of absence is as good as the lag it was measured with; it is measured anew every week.
ABSENCE_HOLDS: Final = timedelta(days=7)
RENEWED_AFTER: Final = timedelta(days=1)
SETTLE_PER_LAG: Final = 5
# What falls with a capability, because it rests on it.
RESTING_ON: Final = {Capability.FINDS_BY_REFERENCE: (Capability.ABSENT_IS_PROOF,)}


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured: how many observations, and after how many seconds each order was listed."""

    observations: int
    lags: Sequence[int] = ()

    def lag(self, quantile: float) -> int | None:
        """The lag within which that share of the orders was listed (nearest rank); None without lags."""
        if not self.lags:
            return None
        return sorted(self.lags)[max(0, math.ceil(quantile * len(self.lags)) - 1)]

    @property
    def settle_seconds(self) -> int | None:
        """How long to wait before an order that is not listed says anything; None without lags."""
        slowest = self.lag(0.999)
        return None if slowest is None else max(settings.SUPPLIER_SETTLE_AT_LEAST, SETTLE_PER_LAG * slowest)


def earn(supplier_id: int, capability: Capability, figures: Figures) -> bool:
    """Switch a capability on by measurement, or renew it; False where it was proven within a day or none is wanted."""
    with transaction.atomic():
        supplier = _locked(supplier_id)
        standing = _standing(supplier_id, capability)
        moment = clock.now()
        if not supplier.is_measured or (standing is not None and moment - standing.at < RENEWED_AFTER):
            return False
        _end(standing, "measured anew")
        CapabilityProof.objects.create(
            supplier=supplier,
            capability=capability,
            origin=ProofOrigin.MEASURED,
            actor_label=SYSTEM.label,
            observations=figures.observations,
            lag_median=figures.lag(0.5),
            lag_p99=figures.lag(0.99),
            lag_p999=figures.lag(0.999),
            settle_seconds=figures.settle_seconds,
            expires_at=moment + ABSENCE_HOLDS if capability == Capability.ABSENT_IS_PROOF else None,
        )
        flags: dict[str, bool | int] = {capability.value: True}
        if figures.settle_seconds is not None:
            flags["settle_seconds"] = figures.settle_seconds
        Supplier.objects.filter(pk=supplier_id).update(**flags)
        return True


def override(supplier_id: int, capability: Capability, *, reason: str, actor: Actor) -> None:
    """Staff switch a capability on without measurement. Raises ``Refused`` without a reason, or where it is on."""
    _need(reason)
    with transaction.atomic():
        supplier = _locked(supplier_id)
        if getattr(supplier, capability):
            raise Refused("it is on already", code="capability_on")
        _end(_standing(supplier_id, capability), "switched on anew")
        CapabilityProof.objects.create(
            supplier=supplier,
            capability=capability,
            origin=ProofOrigin.OVERRIDE,
            reason=_bounded(reason),
            actor_label=actor.label[:254],
        )
        Supplier.objects.filter(pk=supplier_id).update(**{capability.value: True})


def switch_off(supplier_id: int, capability: Capability, *, reason: str, actor: Actor) -> None:
    """Staff switch a capability off. Raises ``Refused`` without a reason, or where it is off."""
    _need(reason)
    if not _take_away(supplier_id, capability, f"{actor.label}: {reason}", is_counter_example=False):
        raise Refused("it is off already", code="capability_off")


def refute(supplier_id: int, capability: Capability, because: str) -> bool:
    """A counter-example was seen: the capability is lost. False where it was not on. In the caller's transaction."""
    if not _take_away(supplier_id, capability, because, is_counter_example=True):
        return False
    logger.error("supplier %s lost %s: %s", supplier_id, capability, because)
    noticing.tell(NoticeKind.CAPABILITY_LOST, supplier_id, f"{capability.label}: {because}")
    return True


def expire() -> int:
    """End what was not measured anew in time; returns how many. For the sweep."""
    due = CapabilityProof.objects.filter(ended_at__isnull=True, expires_at__lte=clock.now())
    ended = [
        _take_away(proof.supplier_id, Capability(proof.capability), "not measured anew in time", only=proof.pk)
        for proof in due
    ]
    return sum(ended)


def last_refuted(supplier_id: int, capability: Capability) -> datetime | None:
    """When a counter-example was last seen: figures from before it count no more."""
    rows = CapabilityProof.objects.filter(supplier=supplier_id, capability=capability, is_counter_example=True)
    moment: datetime | None = rows.order_by("-ended_at").values_list("ended_at", flat=True).first()
    return moment


def standing(supplier: Supplier) -> dict[Capability, CapabilityProof]:
    """What each capability that is on rests on; one that was set before there was any proof is missing."""
    rows = supplier.proofs.filter(ended_at__isnull=True)
    return {Capability(proof.capability): proof for proof in rows}


def refuted_since(moment: datetime) -> QuerySet[CapabilityProof]:
    """Capabilities that were lost to a counter-example since ``moment``, latest first."""
    rows = CapabilityProof.objects.filter(is_counter_example=True, ended_at__gte=moment)
    return rows.select_related("supplier").defer("supplier__api_key").order_by("-ended_at")


def _take_away(
    supplier_id: int,
    capability: Capability,
    because: str,
    *,
    is_counter_example: bool = False,
    only: int | None = None,
) -> bool:
    with transaction.atomic():
        supplier = _locked(supplier_id)
        standing = _standing(supplier_id, capability)
        if only is not None and (standing is None or standing.pk != only):
            return False
        if not getattr(supplier, capability):
            _end(standing, because)
            return False
        if standing is None:  # on since before there was any proof: what ended it is kept all the same
            standing = CapabilityProof.objects.create(
                supplier=supplier,
                capability=capability,
                origin=ProofOrigin.OVERRIDE,
                reason="on since before capabilities were measured",
                actor_label=SYSTEM.label,
            )
        _end(standing, because, is_counter_example=is_counter_example)
        Supplier.objects.filter(pk=supplier_id).update(**{capability.value: False})
        for other in RESTING_ON.get(capability, ()):
            _take_away(supplier_id, other, because, is_counter_example=is_counter_example)
        return True


def _end(proof: CapabilityProof | None, because: str, *, is_counter_example: bool = False) -> None:
    if proof is not None:
        CapabilityProof.objects.filter(pk=proof.pk).update(
            ended_at=clock.now(), ended_because=_bounded(because), is_counter_example=is_counter_example
        )


def _locked(supplier_id: int) -> Supplier:
    rows: QuerySet[Supplier] = Supplier.objects.select_for_update(of=("self",)).defer("api_key")
    return rows.get(pk=supplier_id)


def _standing(supplier_id: int, capability: Capability) -> CapabilityProof | None:
    return CapabilityProof.objects.filter(supplier=supplier_id, capability=capability, ended_at__isnull=True).first()


def _need(reason: str) -> None:
    if not reason.strip():
        raise Refused("a reason is required", code="reason_required")


def _bounded(text: str) -> str:
    return text.replace("\x00", "")[:500]
