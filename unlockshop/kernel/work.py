"""Effects as rows.

Every effect on the outside world is a row, written in the transaction of the state change that wants it.
``ring`` sends its id through Celery after the commit; that is only a doorbell. A sweep rings again for rows that
are due, so nothing depends on the broker's memory, and ``claim`` lets one worker at a time in.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from celery import Task, current_app
from django.db import models, transaction
from django.db.models import F, Q

from unlockshop.kernel import clock

logger = logging.getLogger(__name__)

MAX_BACKOFF: Final = timedelta(hours=1)
SWEEP_LIMIT: Final = 200
# A repeated ring that nobody heard in this time is dropped; the row is still due and the next sweep rings again.
RING_EXPIRES_SECONDS: Final = 20


class WorkState(models.TextChoices):
    """Life of a work item: ``queued`` is due at ``next_action_at``; ``claimed`` is in somebody's hands until then."""

    QUEUED = "queued", "queued"
    CLAIMED = "claimed", "claimed"
    DONE = "done", "done"
    UNCERTAIN = "uncertain", "outcome unknown"
    NEEDS_STAFF = "needs_staff", "needs staff"


class WorkItem(models.Model):
    """Columns that let a row be worked on exactly by one worker, again later, and at last by staff."""

    work_state = models.CharField(max_length=16, choices=WorkState.choices, default=WorkState.QUEUED)
    next_action_at = models.DateTimeField(null=True, blank=True, default=clock.now)
    attempts = models.PositiveIntegerField(default=0)
    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        abstract = True


Item = TypeVar("Item", bound=WorkItem)


def due(model: type[Item], *, limit: int = SWEEP_LIMIT) -> list[int]:
    """Ids of rows to ring for: queued and due, or claimed with a lease that ran out. Oldest first."""
    rows = model.objects.filter(_is_due(clock.database_now())).order_by("next_action_at", "pk")
    return list(rows.values_list("pk", flat=True)[:limit])


def claim(model: type[Item], pk: int | UUID | str, *, lease: timedelta) -> Item | None:
    """Take the row for ``lease``; None when it is not due or somebody else holds it.

    A row whose former lease ran out is taken over; callers whose effect cannot be repeated safely look at
    ``attempts`` and their own columns before they act. Commits on its own: never call it inside a transaction.
    """
    token = secrets.token_hex(16)
    moment = clock.database_now()
    with transaction.atomic(durable=True):
        taken = model.objects.filter(_is_due(moment), pk=pk).update(
            work_state=WorkState.CLAIMED,
            next_action_at=moment + lease,
            lease_token=token,
            lease_until=moment + lease,
            attempts=F("attempts") + 1,
        )
    return model.objects.get(pk=pk) if taken else None


def _is_due(moment: datetime) -> Q:
    """Waiting and due, or claimed with a lease that ran out: one column says both, so that one index finds both."""
    return Q(work_state__in=(WorkState.QUEUED, WorkState.CLAIMED), next_action_at__lte=moment)


def release(item: WorkItem, **changes: Any) -> bool:
    """Give a claimed row back with ``changes``; False when the lease was lost to somebody else meanwhile."""
    changes.setdefault("lease_token", "")
    changes.setdefault("lease_until", None)
    rows = type(item).objects.filter(pk=item.pk, work_state=WorkState.CLAIMED, lease_token=item.lease_token)
    return rows.update(**changes) == 1


def finish(item: WorkItem, **changes: Any) -> bool:
    """The work is done. False when the lease was lost meanwhile; then nothing was written."""
    return release(item, work_state=WorkState.DONE, next_action_at=None, last_error="", **changes)


def retry_or_give_up(item: WorkItem, error: str, *, cap: int, base: timedelta = timedelta(seconds=5)) -> bool:
    """Try again later, twice as late each time up to an hour; after ``cap`` attempts the row waits for staff."""
    if item.attempts >= cap:
        return release(item, work_state=WorkState.NEEDS_STAFF, next_action_at=None, last_error=error[:500])
    return release(
        item,
        work_state=WorkState.QUEUED,
        next_action_at=clock.now() + backoff(item.attempts, base=base),
        last_error=error[:500],
    )


@contextmanager
def guarded(item: WorkItem, *, cap: int) -> Iterator[None]:
    """Run work on a claimed row; an error that nobody foresaw is logged, and the row goes the way of every failure.

    Without it such a row would come back at the end of every lease for ever, and staff would never hear of it.
    """
    try:
        yield
    except Exception as error:
        logger.exception("%s %s: unforeseen error", type(item).__name__, item.pk)
        retry_or_give_up(item, f"unforeseen {type(error).__name__}", cap=cap)


def backoff(attempts: int, *, base: timedelta = timedelta(seconds=5)) -> timedelta:
    """Delay before try ``attempts + 1``: ``base`` doubled per attempt up to an hour, with a tenth of jitter."""
    doublings = max(0, min(attempts - 1, 12))
    delay: timedelta = min(base * 2**doublings, MAX_BACKOFF)
    return delay * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing


def ring(task_name: str, pk: int | UUID) -> None:
    """After the commit, tell a worker that row ``pk`` waits. A lost ring is repeated by the sweep."""
    transaction.on_commit(partial(_send, current_app.tasks[task_name], argument_of(pk)), robust=True)


def argument_of(pk: int | UUID) -> int | str:
    """A primary key as a task carries it."""
    return pk if isinstance(pk, int) else str(pk)


def ring_again(task: Task[Any, Any], pks: Iterable[int | UUID]) -> None:
    """What a sweep does: ring for rows that are committed and due. Whoever comes second finds nothing to do."""
    for pk in pks:
        task.apply_async((argument_of(pk),), expires=RING_EXPIRES_SECONDS)


def _send(task: Task[Any, Any], pk: int | str) -> None:
    try:
        task.apply_async((pk,))
    except Exception as error:  # the broker may be down in any way; the sweep rings again
        logger.warning("doorbell %s(%s) not heard: %s", task.name, pk, type(error).__name__)
