"""A breaker for each supplier, in one row that all workers share.

*Closed*: orders go out. *Open*: nothing is sent; a refusal that every order would get opens it at once, and so do
``FAILURES`` failures in a row within ``WINDOW``. When its wait is over it is *half-open*: one order goes out, of all
workers together. Accepted, it closes the breaker; failed, it doubles the wait, up to ``LONGEST_DOUBLING`` times the
first. A trial that nobody reports on (its worker is gone) is void after its lease, and another order is tried.

A pause by staff (``services.pausing``) is kept apart and ends only when they say.

Questions about orders have a breaker of their own: after ``POLL_FAILURES`` in a row that brought no answer, one
question is tried at a time, of all workers together, after a minute, then two, up to a quarter of an hour. So a dead
supplier keeps at most one call busy, instead of ``calls_at_once`` in every worker for a whole deadline each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from services.models import Supplier
from services.models.health import BreakerState, SupplierHealth, Trouble
from services.suppliers.base import SUPPLIER_SIDE
from unlockshop.kernel import clock

FAILURES: Final = 5
WINDOW: Final = timedelta(minutes=10)
LONGEST_DOUBLING: Final = 16
POLL_FAILURES: Final = 3
POLL_WAIT: Final = timedelta(minutes=1)
LONGEST_POLL_WAIT: Final = timedelta(minutes=15)
# The last success is written no more often than this, so that a busy supplier's row stays quiet.
SUCCESS_EVERY: Final = timedelta(seconds=15)

S = BreakerState


def of(supplier: Supplier) -> SupplierHealth | None:
    """The supplier's row; None while nothing has happened. No query where ``supplier__health`` was selected."""
    return getattr(supplier, "health", None)


def shut_until(supplier: Supplier, moment: datetime) -> datetime | None:
    """Until when the breaker lets nothing through; None when an order may go now, be it as the trial."""
    health = of(supplier)
    if health is None or health.breaker == S.CLOSED or health.trial_at is None or health.trial_at <= moment:
        return None
    return health.trial_at


def admits(supplier: Supplier, reference: str, *, moment: datetime, lease_until: datetime) -> bool:
    """Let an order through, as the one trial where the breaker is not closed. In the caller's transaction.

    ``moment`` and ``lease_until`` are by the database's clock. False when another order is being tried; either way
    ``supplier.health`` is then as the database has it.
    """
    health = of(supplier)
    if health is None or health.breaker == S.CLOSED:
        return True
    rows = SupplierHealth.objects.filter(pk=health.pk, breaker__in=[S.OPEN, S.HALF_OPEN], trial_at__lte=moment)
    taken = rows.update(breaker=S.HALF_OPEN, trial_reference=reference, trial_at=lease_until)
    health.refresh_from_db()
    return bool(taken) or health.breaker == S.CLOSED


def refused(supplier_id: int, reference: str, *, code: str, message: str) -> None:
    """The supplier said no to an order: what would hit every order opens the breaker, anything else proves it works.

    An order refused for its own sake says nothing about credit: then the next order may be the trial.
    """
    if code in SUPPLIER_SIDE:
        _record_failure(supplier_id, reference, Trouble(code), message, at_once=True)
        return
    own_trial = SupplierHealth.objects.filter(
        supplier=supplier_id, breaker=S.HALF_OPEN, trial_reference=reference, trouble=Trouble.FUNDS
    )
    if own_trial.update(breaker=S.OPEN, trial_at=clock.now(), wakes_orders=True) == 0:
        succeeded({supplier_id: [reference]})


def failed(supplier_id: int, reference: str, *, trouble: Trouble, message: str) -> None:
    """An order could not be sent, or nobody knows what became of it."""
    _record_failure(supplier_id, reference, trouble, message, at_once=False)


def trial_lost(supplier_id: int, reference: str) -> None:
    """The worker that tried an order is gone; that tells nothing about the supplier, and another order may go."""
    rows = SupplierHealth.objects.filter(supplier=supplier_id, breaker=S.HALF_OPEN, trial_reference=reference)
    rows.update(breaker=S.OPEN, trial_at=clock.now(), wakes_orders=True)


def succeeded(references: Mapping[int, Collection[str]]) -> set[int]:
    """Orders (their references, by supplier) were taken as they should; returns whose breaker that closed.

    One query while all is well; it runs after the orders' own commit. When a worker dies before, a trial is void
    after its lease and the next one closes the breaker.
    """
    moment = clock.now()
    closed = set()
    rows = _rows_of(references)
    for supplier_id, health in rows.items():
        if health.breaker != S.CLOSED:
            own = SupplierHealth.objects.filter(
                pk=health.pk, breaker=S.HALF_OPEN, trial_reference__in=references[supplier_id]
            )
            if _close(own, moment):
                closed.add(supplier_id)
        if health.failures or _is_old(health.last_success_at, moment):
            quiet = {"failures": 0, "failures_since": None, "last_success_at": moment}
            SupplierHealth.objects.filter(pk=health.pk).update(**quiet)
    return closed


def close(supplier_id: int) -> bool:
    """Staff know better: send orders again at once. False when the breaker was closed."""
    rows = SupplierHealth.objects.filter(supplier=supplier_id).exclude(breaker=S.CLOSED)
    return _close(rows, clock.now())


def try_now(supplier_id: int) -> bool:
    """Let an order be tried before its time, because something has changed for the better."""
    rows = SupplierHealth.objects.filter(supplier=supplier_id, breaker=S.OPEN, trial_at__gt=clock.now())
    return rows.update(trial_at=clock.now(), wakes_orders=True) == 1


def wake(supplier_id: int) -> None:
    """What waits for this supplier may go at once."""
    _rows_of([supplier_id])
    SupplierHealth.objects.filter(supplier=supplier_id).update(wakes_orders=True)


def polls_suspect() -> dict[int, datetime]:
    """Suppliers that have stopped to answer, and when each is asked again. One query."""
    rows = SupplierHealth.objects.filter(poll_failures__gte=POLL_FAILURES)
    return {supplier_id: after for supplier_id, after in rows.values_list("supplier_id", "poll_after") if after}


def take_poll_trial(supplier_id: int, *, moment: datetime, lease: timedelta) -> bool:
    """Whether the caller may ask the one question that tries whether the supplier answers again.

    Until ``lease`` after ``moment`` nobody else may.
    """
    rows = SupplierHealth.objects.filter(supplier=supplier_id, poll_failures__gte=POLL_FAILURES)
    return rows.filter(poll_after__lte=moment).update(poll_after=moment + lease) == 1


def polled(
    answered: Collection[int], unanswered: Mapping[int, int], *, trials: Collection[int] = ()
) -> dict[int, datetime]:
    """How questions about orders went: suppliers that answered, and how often others did not. One query if all did.

    Returns when those that have stopped to answer are tried again. ``trials`` are suppliers whose question was
    the one of ``take_poll_trial``.
    """
    moment = clock.now()
    again: dict[int, datetime] = {}
    rows = _rows_of({*answered, *unanswered})
    for supplier_id, health in rows.items():
        if supplier_id not in answered:
            count, is_trial = unanswered[supplier_id], supplier_id in trials
            after = _record_poll_failures(health.pk, count, moment, is_trial=is_trial)
            if after is not None:
                again[supplier_id] = after
        elif health.poll_failures or _is_old(health.last_success_at, moment):
            good = {"poll_failures": 0, "poll_failing_since": None, "poll_after": None, "last_success_at": moment}
            SupplierHealth.objects.filter(pk=health.pk).update(**good)
    return again


def _record_poll_failures(pk: int, count: int, moment: datetime, *, is_trial: bool) -> datetime | None:
    with transaction.atomic():
        health = SupplierHealth.objects.select_for_update().get(pk=pk)
        before = health.poll_failures
        if before >= POLL_FAILURES and not is_trial:  # was under way before: tells nothing new
            return health.poll_after
        # What failed together is one failure more than it took, not several doublings.
        health.poll_failures = before + 1 if before >= POLL_FAILURES else min(before + count, POLL_FAILURES)
        health.poll_failing_since = health.poll_failing_since or moment
        if health.poll_failures >= POLL_FAILURES:
            doublings = min(health.poll_failures - POLL_FAILURES, 10)
            health.poll_after = moment + min(POLL_WAIT * 2**doublings, LONGEST_POLL_WAIT)
        health.save(update_fields=["poll_failures", "poll_failing_since", "poll_after"])
        return health.poll_after


def _record_failure(supplier_id: int, reference: str, trouble: Trouble, message: str, *, at_once: bool) -> None:
    moment = clock.now()
    _rows_of([supplier_id])
    with transaction.atomic():
        health = SupplierHealth.objects.select_for_update().get(supplier=supplier_id)
        if health.breaker == S.CLOSED:
            if health.failures_since is None or moment - health.failures_since > WINDOW:
                health.failures, health.failures_since = 0, moment
            health.failures += 1
            if at_once or health.failures >= FAILURES:
                health.since = moment
                _open(health, trouble, message, settings.SUPPLIER_PAUSE_SECONDS, moment)
        elif health.breaker == S.HALF_OPEN and health.trial_reference == reference:
            longest = settings.SUPPLIER_PAUSE_SECONDS * LONGEST_DOUBLING
            _open(health, trouble, message, min(health.wait_seconds * 2, longest), moment)
        else:  # was under way before the breaker opened: tells nothing new
            return
        health.save()


def _open(health: SupplierHealth, trouble: Trouble, message: str, seconds: int, moment: datetime) -> None:
    health.breaker, health.trouble, health.reason = S.OPEN, trouble, message.replace("\x00", "")[:200]
    health.wait_seconds, health.trial_at = seconds, moment + timedelta(seconds=seconds)
    health.trial_reference, health.failures, health.failures_since = "", 0, None


def _close(rows: QuerySet[SupplierHealth], moment: datetime) -> bool:
    changes = {
        "breaker": S.CLOSED, "trouble": "", "reason": "", "since": moment, "trial_at": None, "trial_reference": "",
        "wait_seconds": 0, "failures": 0, "failures_since": None, "wakes_orders": True,
    }  # fmt: skip
    return rows.update(**changes) == 1


def _rows_of(supplier_ids: Iterable[int]) -> dict[int, SupplierHealth]:
    """The rows by supplier, in one order everywhere; made where there is none yet."""
    ids = sorted(set(supplier_ids))
    rows = {row.supplier_id: row for row in SupplierHealth.objects.filter(supplier__in=ids).order_by("supplier")}
    missing = [supplier_id for supplier_id in ids if supplier_id not in rows]
    if missing:
        SupplierHealth.objects.bulk_create(
            [SupplierHealth(supplier_id=supplier_id) for supplier_id in missing], ignore_conflicts=True
        )
        rows = {row.supplier_id: row for row in SupplierHealth.objects.filter(supplier__in=ids).order_by("supplier")}
    return rows


def _is_old(at: datetime | None, moment: datetime) -> bool:
    return at is None or moment - at >= SUCCESS_EVERY


def in_trouble() -> Q:
    """Suppliers whose breaker is not closed or that answer no question."""
    return ~Q(health__breaker=S.CLOSED) & Q(health__isnull=False) | Q(health__poll_failures__gte=POLL_FAILURES)
