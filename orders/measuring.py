"""Learning from real orders what a supplier's books are worth.

Some accepted orders are looked for by our reference, at growing delays, until the supplier lists them: that is its
listing lag, and how long an uncertain order must wait before its absence says anything. Attempts that were given up
as never bought are watched for a day. Every look is a row's turn; what follows is ``services.proving``'s to write.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q

from orders.exchanges import log_exchanges
from orders.forwarding import record_accepted
from orders.models import ListingProbe, SupplierAttempt
from orders.models.probe import ProbeVerdict
from orders.states import AttemptOutcome
from services import pacing, proving
from services.models import Capability, Supplier
from services.proving import Figures
from services.suppliers.base import Feature
from services.suppliers.registry import client_for, features_of
from unlockshop.kernel import actors, clock, work
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import ShopError

logger = logging.getLogger(__name__)

FOUND_TO_FIND: Final = 30
OBSERVATIONS_OF_ABSENCE: Final = 200
FIGURES_OF: Final = timedelta(days=7)
# Samples: cheap for the supplier, and more than the 200 a week that a proof of absence takes.
OPEN_AT_ONCE: Final = 5
A_DAY: Final = 60
FRESH: Final = timedelta(seconds=30)
FIRST_LOOK: Final = timedelta(seconds=5)
LONGEST_LOOK: Final = timedelta(hours=1)
SETTLES_LOOKED_THROUGH: Final = 6
WATCHED_FOR: Final = timedelta(hours=24)
LOOK_LEASE: Final = timedelta(seconds=120)
# An order found long after it was last looked for says little of the lag.
CLEAR_WITHIN: Final = 3
UNTOLD: Final = frozenset({AttemptOutcome.ABANDONED_ABSENT, AttemptOutcome.NOT_BOUGHT})


def begin_probes() -> int:
    """Pick what is to be followed up, at suppliers that are measured; returns how many. For the sweep."""
    moment = clock.now()
    suppliers = [
        supplier
        for supplier in Supplier.objects.filter(is_active=True, is_measured=True)
        if Feature.FIND in features_of(supplier)
    ]
    return sum(_begin_for(supplier, moment) for supplier in suppliers)


def _begin_for(supplier: Supplier, moment: datetime) -> int:
    probes = ListingProbe.objects.filter(supplier=supplier, is_watch=False).order_by()
    had = probes.aggregate(
        open=Count("pk", filter=Q(verdict="")),
        today=Count("pk", filter=Q(created_at__gt=moment - timedelta(days=1))),
    )
    room = max(0, min(OPEN_AT_ONCE - had["open"], A_DAY - had["today"]))
    rows = SupplierAttempt.objects.filter(supplier=supplier, probe=None).order_by("-settled_at")
    accepted = rows.filter(outcome=AttemptOutcome.ACCEPTED, settled_at__gt=moment - FRESH)[:room]
    given_up = rows.filter(outcome__in=sorted(UNTOLD), settled_at__gt=moment - WATCHED_FOR)[:OPEN_AT_ONCE]
    settle = timedelta(seconds=supplier.settle_seconds)
    begun = [_probe(attempt, first=FIRST_LOOK) for attempt in accepted]
    begun += [_probe(attempt, first=settle, is_watch=True) for attempt in given_up]
    ListingProbe.objects.bulk_create(begun, ignore_conflicts=True)
    return len(begun)


def _probe(attempt: SupplierAttempt, *, first: timedelta, is_watch: bool = False) -> ListingProbe:
    since = attempt.settled_at or attempt.created_at
    return ListingProbe(
        attempt=attempt,
        supplier_id=attempt.supplier_id,
        is_watch=is_watch,
        since=since,
        next_action_at=since + first,
    )


def look(probe_id: int) -> None:
    """Look once for the attempt of a probe that is due. Safe to call any number of times at once."""
    probe = work.claim(ListingProbe, probe_id, lease=LOOK_LEASE)
    if probe is None:
        return
    with work.guarded(probe, cap=50):
        _look(probe)


def _look(probe: ListingProbe) -> None:
    attempt = SupplierAttempt.objects.select_related("supplier").get(pk=probe.attempt_id)
    supplier = attempt.supplier
    moment = clock.now()
    if not pacing.take(supplier, 1):
        work.release(probe, work_state=work.WorkState.QUEUED, next_action_at=moment + timedelta(seconds=30))
        return
    try:
        client = client_for(supplier)
        if Feature.FIND not in client.features:
            _finish(probe, ProbeVerdict.UNCLEAR)
            return
        found = client.find(attempt.reference)
    except ShopError as error:
        logger.info("%s could not be asked for %s: %s", supplier, attempt.reference, error)
        _look_again(probe, supplier, moment, was_absent=False)
        return
    crash_here("measure.after_find_before_commit")
    if found:
        log_exchanges([(attempt, exchange) for exchange in client.exchanges])
    if probe.is_watch:
        _watched(probe, attempt, found, moment)
    elif found == [attempt.supplier_order_id]:
        _found(probe, supplier, moment)
    elif found:
        _refute(supplier, f"asked for {attempt.reference} it lists {', '.join(found)[:200]}")
        _finish(probe, ProbeVerdict.CONTRADICTED)
    else:
        if _age(probe, moment) > supplier.settle_seconds:
            _refute(supplier, f"{attempt.reference} was accepted, and is not listed {_age(probe, moment)} s later")
        _look_again(probe, supplier, moment, was_absent=True)


def _watched(probe: ListingProbe, attempt: SupplierAttempt, found: list[str], moment: datetime) -> None:
    """What was given up should never be listed."""
    if found:
        record_accepted(attempt, found[0], actor=actors.supplier(attempt.supplier.slug))
        _finish(probe, ProbeVerdict.CONTRADICTED)
    else:
        _look_again(probe, attempt.supplier, moment, was_absent=True)


def _found(probe: ListingProbe, supplier: Supplier, moment: datetime) -> None:
    lag = _age(probe, moment)
    is_clear = lag <= CLEAR_WITHIN * max(probe.lag_at_least, FIRST_LOOK.seconds * 4)
    if probe.lag_at_least > supplier.settle_seconds / 2:
        because = f"{probe.attempt.reference} was listed only after {probe.lag_at_least} s"
        proving.refute(supplier.pk, Capability.ABSENT_IS_PROOF, because)
    _finish(probe, ProbeVerdict.FOUND if is_clear else ProbeVerdict.UNCLEAR, lag_at_most=lag)
    if is_clear:
        judge(supplier.pk)


def _look_again(probe: ListingProbe, supplier: Supplier, moment: datetime, *, was_absent: bool) -> None:
    age = _age(probe, moment)
    horizon = SETTLES_LOOKED_THROUGH * supplier.settle_seconds
    if probe.is_watch:
        horizon = int(WATCHED_FOR.total_seconds())
    if age >= horizon:
        if not was_absent:
            verdict = ProbeVerdict.UNCLEAR
        else:
            verdict = ProbeVerdict.ABSENT if probe.is_watch else ProbeVerdict.MISSING
        _finish(probe, verdict, lag_at_least=age if was_absent else probe.lag_at_least)
        return
    pause = min(timedelta(seconds=max(age, FIRST_LOOK.seconds)), LONGEST_LOOK)
    work.release(
        probe,
        work_state=work.WorkState.QUEUED,
        next_action_at=moment + pause,
        looks=probe.looks + 1,
        lag_at_least=age if was_absent else probe.lag_at_least,
    )


def _age(probe: ListingProbe, moment: datetime) -> int:
    return max(0, int((moment - probe.since).total_seconds()))


def _finish(probe: ListingProbe, verdict: ProbeVerdict, **changes: int) -> None:
    work.finish(probe, verdict=verdict, looks=probe.looks + 1, **changes)


def _refute(supplier: Supplier, because: str) -> None:
    proving.refute(supplier.pk, Capability.FINDS_BY_REFERENCE, because)
    proving.refute(supplier.pk, Capability.ABSENT_IS_PROOF, because)


def judge(supplier_id: int) -> None:
    """Switch on, or renew, what the follow-ups of the last week prove."""
    rows = ListingProbe.objects.filter(
        supplier=supplier_id, is_watch=False, since__gt=clock.now() - FIGURES_OF
    ).order_by("since")
    wrong = rows.filter(verdict__in=[ProbeVerdict.MISSING, ProbeVerdict.CONTRADICTED]).last()
    since = _later(wrong.since if wrong else None, proving.last_refuted(supplier_id, Capability.FINDS_BY_REFERENCE))
    figures = _figures(rows.filter(verdict=ProbeVerdict.FOUND).values_list("since", "lag_at_most"), since)
    if figures.observations < FOUND_TO_FIND:
        return
    proving.earn(supplier_id, Capability.FINDS_BY_REFERENCE, figures)
    supplier = Supplier.objects.defer("api_key").get(pk=supplier_id)
    since = _later(since, proving.last_refuted(supplier_id, Capability.ABSENT_IS_PROOF))
    found = rows.filter(verdict=ProbeVerdict.FOUND)
    figures = _figures(found.values_list("since", "lag_at_most"), since)
    is_late = found.filter(lag_at_least__gt=supplier.settle_seconds / 2)
    if since is not None:
        is_late = is_late.filter(since__gt=since)
    if supplier.finds_by_reference and figures.observations >= OBSERVATIONS_OF_ABSENCE and not is_late.exists():
        proving.earn(supplier_id, Capability.ABSENT_IS_PROOF, figures)


def _figures(found: Iterable[tuple[datetime, int | None]], since: datetime | None) -> Figures:
    lags = [lag for at, lag in found if lag is not None and (since is None or at > since)]
    return Figures(len(lags), lags)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)
