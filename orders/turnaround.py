"""How long orders take and how many succeed, by service and by supplier, read off one small row for each day.

An order that ends writes an ``EndedOrder`` row in its own transaction; ``fold`` adds such rows to the day's numbers
and deletes them in one transaction. So each end counts once, whoever dies when, and reading never looks at orders.

Times are kept as counts in logarithmic classes, four to a doubling: a median or percentile read off them is at most
``RELATIVE_ERROR`` off. Averages are exact.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, Sum

from orders.models import EndedOrder, Order, ServiceTurnaround, SupplierAttempt
from orders.models.turnaround import RESULTS
from orders.states import BOUGHT_OUTCOMES, OrderState
from unlockshop.kernel import clock

CLASSES_PER_DOUBLING: Final = 4
# The middle of a class stands for all of it; below one minute it is half a minute.
RELATIVE_ERROR: Final = 2 ** (1 / CLASSES_PER_DOUBLING / 2) - 1
LAST_CLASS: Final = 80  # above 1.5 years
FOLDED_AT_ONCE: Final = 1000
ENOUGH_TO_TELL: Final = 20


@dataclass(frozen=True, slots=True)
class Turnaround:
    """Orders that ended at suppliers: how many, and how long the completed ones took, from submission, in minutes.

    Times are None when none was completed; ``success_rate`` is the share of completed ones, from 0 to 1.
    """

    count: int
    completed: int
    average_minutes: float | None
    median_minutes: float | None
    p90_minutes: float | None
    p95_minutes: float | None
    success_rate: float


def note(order: Order, result: OrderState, ended_at: datetime) -> None:
    """An order ends, in the caller's transaction. Only what a supplier had counts."""
    if result not in RESULTS:
        return
    rows = SupplierAttempt.objects.filter(order=order, outcome__in=BOUGHT_OUTCOMES)
    attempt = rows.values_list("supplier_id", "created_at").first()
    if attempt is not None:
        EndedOrder.objects.create(
            order=order,
            service_id=order.service_id,
            supplier_id=attempt[0],
            result=result,
            submitted_at=attempt[1],
            ended_at=ended_at,
        )


def fold(*, limit: int = FOLDED_AT_ONCE) -> int:
    """Add ended orders to their day; returns how many. Safe to run any number of times at once."""
    total = 0
    while True:
        with transaction.atomic(durable=True):
            ended = list(EndedOrder.objects.select_for_update(skip_locked=True).order_by("pk")[:limit])
            by_day: dict[tuple[int, int, date], list[EndedOrder]] = defaultdict(list)
            for row in ended:
                by_day[row.service_id, row.supplier_id, row.ended_at.date()].append(row)
            for key in sorted(by_day):  # one order everywhere: no deadlock
                _add(*key, by_day[key])
            EndedOrder.objects.filter(pk__in=[row.pk for row in ended]).delete()
        total += len(ended)
        if len(ended) < limit:
            return total


def _add(service_id: int, supplier_id: int, day: date, ended: Iterable[EndedOrder]) -> None:
    ServiceTurnaround.objects.bulk_create(
        [ServiceTurnaround(service_id=service_id, supplier_id=supplier_id, day=day)], ignore_conflicts=True
    )
    row = ServiceTurnaround.objects.select_for_update().get(service=service_id, supplier=supplier_id, day=day)
    histogram = Counter({int(number): count for number, count in row.histogram.items()})
    for one in ended:
        if one.result == OrderState.COMPLETED:
            seconds = max(0, round((one.ended_at - one.submitted_at).total_seconds()))
            row.completed += 1
            row.seconds += seconds
            histogram[_class_of(seconds / 60)] += 1
        elif one.result == OrderState.UNAVAILABLE:
            row.unavailable += 1
        else:
            row.not_found += 1
    row.histogram = {str(number): count for number, count in sorted(histogram.items())}
    row.save()


def turnaround(service_ids: Collection[int], days: int) -> dict[int, Turnaround]:
    """By service, what ended in the last ``days`` days (UTC, today included). Services without any are missing.

    One query, of at most one row for each service, supplier and day.
    """
    return _read("service_id", service_ids, days)


def means(service_ids: Collection[int], days: Sequence[int]) -> dict[int, dict[int, tuple[int, float]]]:
    """By span of days and service, how many orders were completed and their mean minutes. One query, no histograms."""
    today = clock.now().date()
    since = {span: today - timedelta(days=span - 1) for span in days}
    sums = {}
    for span, first in since.items():
        sums[f"count_{span}"] = Sum("completed", filter=Q(day__gte=first), default=0)
        sums[f"seconds_{span}"] = Sum("seconds", filter=Q(day__gte=first), default=0)
    rows = ServiceTurnaround.objects.filter(service__in=service_ids, day__gte=min(since.values())).order_by()
    found: dict[int, dict[int, tuple[int, float]]] = {span: {} for span in days}
    summed: Any = rows.values("service_id").annotate(**sums)
    for row in summed:
        for span in days:
            if count := row[f"count_{span}"]:
                found[span][row["service_id"]] = count, row[f"seconds_{span}"] / 60 / count
    return found


def supplier_turnaround(supplier_ids: Collection[int], days: int) -> dict[int, Turnaround]:
    """``turnaround`` by supplier, over all services."""
    return _read("supplier_id", supplier_ids, days)


def hardly_before(service_ids: Collection[int]) -> dict[int, timedelta]:
    """By service, the time before which one completed order in twenty had its result, of the last 30 days.

    Services with fewer than ``ENOUGH_TO_TELL`` completed orders are missing. One query.
    """
    return {
        service_id: timedelta(minutes=minutes)
        for service_id, total in _sums("service_id", service_ids, 30).items()
        if total.completed >= ENOUGH_TO_TELL and (minutes := percentile(total.histogram, 5)) is not None
    }


def _read(column: str, ids: Collection[int], days: int) -> dict[int, Turnaround]:
    return {key: total.turnaround() for key, total in _sums(column, ids, days).items()}


def _sums(column: str, ids: Collection[int], days: int) -> dict[int, _Sum]:
    since = clock.now().date() - timedelta(days=days - 1)
    rows = ServiceTurnaround.objects.filter(**{f"{column}__in": ids}, day__gte=since).order_by()
    found: dict[int, _Sum] = defaultdict(_Sum)
    for row in rows:
        found[getattr(row, column)].add(row)
    return found


class _Sum:
    """Rows added up."""

    def __init__(self) -> None:
        self.completed = self.ended = self.seconds = 0
        self.histogram: Counter[int] = Counter()

    def add(self, row: ServiceTurnaround) -> None:
        self.completed += row.completed
        self.ended += row.completed + row.unavailable + row.not_found
        self.seconds += row.seconds
        self.histogram.update({int(number): count for number, count in row.histogram.items()})

    def turnaround(self) -> Turnaround:
        return Turnaround(
            count=self.ended,
            completed=self.completed,
            average_minutes=self.seconds / 60 / self.completed if self.completed else None,
            median_minutes=percentile(self.histogram, 50),
            p90_minutes=percentile(self.histogram, 90),
            p95_minutes=percentile(self.histogram, 95),
            success_rate=self.completed / self.ended if self.ended else 0.0,
        )


def percentile(histogram: Mapping[int, int], percent: int) -> float | None:
    """Minutes within which ``percent`` of the counted orders were done (nearest rank); None of none."""
    total = sum(histogram.values())
    rank = -(-total * percent // 100)
    for number in sorted(histogram):
        rank -= histogram[number]
        if rank <= 0:
            return _minutes_of(number)
    return None


def _class_of(minutes: float) -> int:
    """0 below one minute; then four classes to a doubling."""
    if minutes < 1:
        return 0
    return min(1 + math.floor(CLASSES_PER_DOUBLING * math.log2(minutes)), LAST_CLASS)


def _minutes_of(number: int) -> float:
    """The (geometric) middle of a class."""
    return 2 ** ((number - 0.5) / CLASSES_PER_DOUBLING) if number else 0.5
