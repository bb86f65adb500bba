"""Moving a claim from one state to another: the only writer of ``Claim.state`` and of a claim's trail.

A move locks order and claim, checks the table, updates the row on condition that the state is still the old one, and
adds a line to the trail, in the caller's transaction or one of its own. Two people at once: the second is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Max

from orders import lifecycle
from refunds.models import Claim, ClaimEvent
from refunds.states import ClaimEventKind, ClaimState, is_legal
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import TransitionRefused


def lock(claim_id: int) -> Claim:
    """The claim, its order's row locked and then its own, until the transaction ends."""
    lifecycle.lock(Claim.objects.values_list("order_id", flat=True).get(pk=claim_id))
    return Claim.objects.select_for_update(of=("self",)).select_related("order__purchase").get(pk=claim_id)


def create(state: ClaimState, *, actor: Actor, data: dict[str, Any] | None = None, **columns: Any) -> Claim:
    """A new claim in ``state``. The caller holds the order's lock. Raises ``IntegrityError`` where one is open."""
    claim: Claim = Claim(state=state, by_kind=actor.kind, by_label=actor.label[:254], by_ip=actor.ip, **columns)
    with transaction.atomic():
        claim.save(force_insert=True)
    record(claim, ClaimEventKind.OPENED, actor=actor, to_state=state, **(data or {}))
    return claim


def move(
    claim: Claim,
    target: ClaimState,
    kind: ClaimEventKind,
    *,
    actor: Actor,
    from_states: Iterable[ClaimState] | None = None,
    data: dict[str, Any] | None = None,
    **columns: Any,
) -> Claim:
    """Move a locked claim; ``columns`` are written with it. Raises ``TransitionRefused``.

    A waiting claim stays in its state when it is moved there again: then only columns and trail change.
    """
    with transaction.atomic():
        old = ClaimState(claim.state)
        if (old != target and not is_legal(old, target)) or (from_states is not None and old not in set(from_states)):
            raise TransitionRefused(f"{claim} cannot go from {old} to {target}")
        values = {**columns, "state": target}
        if old != target:
            values["state_changed_at"] = clock.now()
        if Claim.objects.filter(pk=claim.pk, state=old).update(**values) != 1:
            raise TransitionRefused(f"{claim} left {old} meanwhile")
        for name, value in values.items():
            setattr(claim, name, value)
        record(claim, kind, actor=actor, from_state=old, to_state=target, **(data or {}))
        return claim


def note(
    claim: Claim, kind: ClaimEventKind, *, actor: Actor, data: dict[str, Any] | None = None, **columns: Any
) -> None:
    """Change columns of a locked claim without moving it, and add to its trail."""
    with transaction.atomic():
        if columns:
            Claim.objects.filter(pk=claim.pk).update(**columns)
            for name, value in columns.items():
                setattr(claim, name, value)
        record(claim, kind, actor=actor, **(data or {}))


def record(
    claim: Claim, kind: ClaimEventKind, *, actor: Actor, from_state: str = "", to_state: str = "", **data: Any
) -> ClaimEvent:
    """Add one line to the trail. The caller holds the claim's lock and an open transaction."""
    last = ClaimEvent.objects.filter(claim=claim).aggregate(last=Max("seq"))["last"] or 0
    event: ClaimEvent = ClaimEvent.objects.create(
        claim=claim,
        seq=last + 1,
        kind=kind,
        from_state=from_state,
        to_state=to_state,
        actor_kind=actor.kind,
        actor_label=actor.label[:254],
        ip=actor.ip,
        data={name: str(value).replace("\x00", "")[:500] for name, value in data.items()},
        at=clock.now(),
    )
    return event
