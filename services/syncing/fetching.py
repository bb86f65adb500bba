"""Fetching a supplier's catalogue: asked for as a row, called outside any transaction, taken over whole or not at all.

Nothing here touches offers, services or prices. An error, a rate limit, an empty answer or one that lost most of the
services changes nothing and says so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction

from services.models import CatalogueSync, Offer, Supplier, SupplierService
from services.suppliers.registry import client_for
from services.syncing import recording
from services.syncing.cleaning import MAX_ENTRIES, Listed, clean
from services.syncing.models import OPEN_WORK, SyncOutcome
from unlockshop.kernel import clock, work
from unlockshop.kernel.errors import ShopError
from unlockshop.kernel.money import EXPONENTS

logger = logging.getLogger(__name__)

TASK: Final = "services.fetch_catalogue"
LEASE: Final = timedelta(minutes=4)
TRIES: Final = 3
KEPT: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a supplier answered: its services, or why there are none to take."""

    outcome: SyncOutcome
    message: str = ""
    currency: str = ""
    listed: list[Listed] = field(default_factory=list)
    skipped: int = 0


def ask(supplier_id: int, *, by: str, accepts_smaller: bool = False) -> CatalogueSync:
    """Have the catalogue fetched; the open fetch where there is one already. ``by`` is who asked."""
    open_ones = CatalogueSync.objects.filter(supplier_id=supplier_id, work_state__in=OPEN_WORK)
    with transaction.atomic():
        sync: CatalogueSync | None = open_ones.first()
        if sync is None:
            try:
                with transaction.atomic():
                    sync = CatalogueSync.objects.create(
                        supplier_id=supplier_id, asked_by=by[:120], accepts_smaller=accepts_smaller
                    )
            except IntegrityError:  # somebody else pressed at this very moment
                sync = open_ones.get()
        elif accepts_smaller and not sync.accepts_smaller:
            open_ones.filter(pk=sync.pk).update(accepts_smaller=True)
        work.ring(TASK, sync.pk)
    return sync


def ask_all(*, by: str) -> int:
    """Have the catalogues of all active suppliers fetched, and forget old fetches; returns how many were asked."""
    CatalogueSync.objects.filter(created_at__lt=clock.now() - KEPT).exclude(work_state__in=OPEN_WORK).delete()
    supplier_ids = list(Supplier.objects.filter(is_active=True).values_list("pk", flat=True))
    for supplier_id in supplier_ids:
        ask(supplier_id, by=by)
    return len(supplier_ids)


def fetch(sync_id: int) -> None:
    """Do one fetch that is due. Safe to call any number of times at once: it only reads, and one worker holds it."""
    sync = work.claim(CatalogueSync, sync_id, lease=LEASE)
    if sync is None:
        return
    with work.guarded(sync, cap=1):
        if sync.attempts > TRIES:
            _finish(sync, Answer(SyncOutcome.FAILED, "the worker was lost again and again"))
            return
        answer = question(sync.supplier)
        crossed = judged(answer, live_count(sync.supplier_id), accepts_smaller=sync.accepts_smaller)
        _finish(sync, crossed)


def rehearse(supplier: Supplier, *, accepts_smaller: bool = False) -> CatalogueSync:
    """What a fetch would do now, as an unsaved row: the supplier is asked, and everything written is undone."""
    answer = judged(question(supplier), live_count(supplier.pk), accepts_smaller=accepts_smaller)
    counts = recording.Counts()
    if answer.outcome == SyncOutcome.TAKEN:
        with transaction.atomic():
            counts = _record(supplier.pk, answer, clock.now())
            transaction.set_rollback(True)
    return CatalogueSync(supplier=supplier, **_columns(answer, counts))


def question(supplier: Supplier) -> Answer:
    """Ask a supplier for its currency and catalogue, twice over the network; never raises for what it may answer."""
    try:
        client = client_for(supplier)
        currency = client.account().currency.strip().upper()
        entries = client.services()
    except ShopError as error:
        return Answer(SyncOutcome.FAILED, str(error)[:500] or type(error).__name__)
    except Exception as error:  # an adapter's bug must not look like an empty catalogue
        logger.exception("unforeseen error while reading the catalogue of %s", supplier.slug)
        return Answer(SyncOutcome.FAILED, f"unforeseen {type(error).__name__}")
    if len(entries) > MAX_ENTRIES:
        return Answer(SyncOutcome.TOO_LARGE, f"{len(entries)} services; at most {MAX_ENTRIES} are taken")
    listed, skipped = clean(entries)
    return Answer(SyncOutcome.TAKEN, "", currency if currency in EXPONENTS else "", listed, skipped)


def judged(answer: Answer, known: int, *, accepts_smaller: bool) -> Answer:
    """The answer, or why it is not believed: empty, or under half of the ``known`` services."""
    count = len(answer.listed)
    if answer.outcome != SyncOutcome.TAKEN:
        return answer
    if not count:
        return Answer(SyncOutcome.EMPTY, "the supplier lists no service", skipped=answer.skipped)
    if count * 2 < known and not accepts_smaller:
        text = f"the supplier lists {count} services, {known} before; fetch again and accept it if that is right"
        return Answer(SyncOutcome.SHRUNK, text, skipped=answer.skipped)
    return answer


def live_count(supplier_id: int) -> int:
    """How many services the supplier had when last asked."""
    return SupplierService.objects.filter(supplier_id=supplier_id, gone_since__isnull=True).count()


def currency_of(supplier_id: int, told: str) -> str:
    """The currency of a supplier's costs: what it told, else the one that all its offers have; empty if unknown."""
    if told:
        return told
    used = Offer.objects.filter(supplier_id=supplier_id).order_by().values_list("cost_currency", flat=True)
    found = set(used.distinct()[:2])
    return found.pop() if len(found) == 1 else ""


def _finish(sync: CatalogueSync, answer: Answer) -> None:
    """Write the outcome with all that it changed, in one transaction; nothing if the lease was lost meanwhile."""
    moment = clock.now()
    with transaction.atomic(durable=True):
        is_taken = answer.outcome == SyncOutcome.TAKEN
        counts = _record(sync.supplier_id, answer, moment) if is_taken else recording.Counts()
        if not work.finish(sync, finished_at=moment, **_columns(answer, counts)):
            transaction.set_rollback(True)


def _record(supplier_id: int, answer: Answer, moment: datetime) -> recording.Counts:
    currency = currency_of(supplier_id, answer.currency)
    return recording.record(supplier_id, answer.listed, currency=currency, moment=moment)


def _columns(answer: Answer, counts: recording.Counts) -> dict[str, Any]:
    return {
        "outcome": answer.outcome,
        "message": answer.message,
        "listed": len(answer.listed),
        "skipped": answer.skipped,
        "added": counts.added,
        "changed": counts.changed,
        "gone": counts.gone,
    }
