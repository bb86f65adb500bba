"""Whether a supplier's answer about many orders can be believed: held against its answers about each of them."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from django.db.models import F

from orders.models import BulkProbe, SupplierAttempt
from orders.states import BOUGHT_OUTCOMES, AttemptOutcome, OrderState
from services import pacing, proving
from services.models import Capability, Supplier
from services.proving import Figures
from services.suppliers.base import Feature, JobState, JobStatus, SupplierClient
from services.suppliers.registry import client_for, features_of
from unlockshop.kernel import clock, work
from unlockshop.kernel.errors import ShopError

logger = logging.getLogger(__name__)

COMPARED_AT_ONCE: Final = 5
EQUAL_TO_BELIEVE: Final = 30
# That pending orders are told as pending proves little: so many of them must have ended.
ENDED_TO_BELIEVE: Final = 10
ENDED_WITHIN: Final = timedelta(days=7)
OFTEN, SELDOM = timedelta(minutes=10), timedelta(hours=24)
LEASE: Final = timedelta(minutes=10)


def begin_comparing() -> int:
    """A row for each measured supplier whose protocol tells many orders at once; returns how many. For the sweep."""
    known = BulkProbe.objects.values("supplier")
    suppliers = Supplier.objects.filter(is_active=True, is_measured=True).exclude(pk__in=known)
    found = [supplier for supplier in suppliers if Feature.STATUS_MANY in features_of(supplier)]
    BulkProbe.objects.bulk_create([BulkProbe(supplier=supplier) for supplier in found], ignore_conflicts=True)
    return len(found)


def compare(probe_id: int) -> None:
    """Ask about some orders together and one by one, if it is time. Safe to call any number of times at once."""
    probe = work.claim(BulkProbe, probe_id, lease=LEASE)
    if probe is None:
        return
    with work.guarded(probe, cap=1_000_000):
        supplier = Supplier.objects.get(pk=probe.supplier_id)
        if supplier.is_active and supplier.is_measured:
            _compare(probe, supplier)
        pause = SELDOM if supplier.asks_many or not supplier.is_measured else OFTEN
        work.release(probe, work_state=work.WorkState.QUEUED, next_action_at=clock.now() + pause)


def _compare(probe: BulkProbe, supplier: Supplier) -> None:
    ids = _sample(supplier)
    if len(ids) < 2 or not pacing.take(supplier, len(ids) + 2):
        return
    try:
        client = client_for(supplier)
        if Feature.STATUS_MANY not in client.features:
            return
        told, wrong = _differences(client, ids)
    except ShopError as error:
        logger.info("%s could not be asked about many orders: %s", supplier, error)
        return
    if wrong:
        because = f"told about many orders it differs from what it tells of {', '.join(wrong)[:200]}"
        proving.refute(supplier.pk, Capability.ASKS_MANY, because)
        BulkProbe.objects.filter(pk=probe.pk).update(equal=0, equal_ended=0, compared_at=clock.now())
        return
    ended = sum(status.state != JobState.PENDING for status in told.values())
    BulkProbe.objects.filter(pk=probe.pk).update(
        equal=F("equal") + len(told), equal_ended=F("equal_ended") + ended, compared_at=clock.now()
    )
    probe.refresh_from_db(fields=["equal", "equal_ended"])
    if probe.equal >= EQUAL_TO_BELIEVE and probe.equal_ended >= ENDED_TO_BELIEVE:
        proving.earn(supplier.pk, Capability.ASKS_MANY, Figures(probe.equal))


def _differences(client: SupplierClient, ids: list[str]) -> tuple[dict[str, JobStatus], list[str]]:
    """What each order was told as, and the ids told otherwise together. An order may move on between two answers."""
    together = client.status_many(ids)
    each: dict[str, JobStatus] = {}
    for order_id in ids:
        try:
            each[order_id] = client.status(order_id)
        except ShopError:
            continue
    suspects = [order_id for order_id in each if together.get(order_id) != each[order_id]]
    if suspects:
        again = client.status_many(ids)
        suspects = [order_id for order_id in suspects if again.get(order_id) != each[order_id]]
    return each, suspects


def _sample(supplier: Supplier) -> list[str]:
    """Ids of a few orders in process and of a few that ended lately."""
    rows = SupplierAttempt.objects.filter(supplier=supplier, supplier_order_id__isnull=False).order_by("-pk")
    open_rows = rows.filter(outcome__in=sorted(BOUGHT_OUTCOMES), order__state=OrderState.IN_PROCESS)
    ended = rows.filter(
        outcome__in=sorted({*BOUGHT_OUTCOMES, AttemptOutcome.REJECTED}),
        order__state__in=[OrderState.COMPLETED, OrderState.UNAVAILABLE, OrderState.NOT_FOUND],
        order__ended_at__gt=clock.now() - ENDED_WITHIN,
    )
    found = [*open_rows[:COMPARED_AT_ONCE], *ended[:COMPARED_AT_ONCE]]
    return [str(attempt.supplier_order_id) for attempt in found]
