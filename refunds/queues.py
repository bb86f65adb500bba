"""What waits for staff among claims: for the landing page and the sidebar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Min, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from refunds import seconding
from refunds.models import Claim
from refunds.states import ClaimState, ClaimType
from unlockshop.kernel import clock

# The first due first, then what waits for nobody, the newest first.
ORDERING: Final = (F("due_at").asc(nulls_last=True), F("pay_by").asc(nulls_last=True), "-pk")
AGE_TITLES: Final = (_("up to 1 day"), _("up to 2 days"), _("up to 7 days"), _("older"))
_AGES: Final = (timedelta(days=1), timedelta(days=2), timedelta(days=7))


@dataclass(frozen=True, slots=True)
class Ages:
    """Claims of a kind for staff, counted by how long they have waited, as ``AGE_TITLES`` names it."""

    type: str
    name: str
    counts: tuple[int, ...]
    total: int
    late: int


@dataclass(frozen=True, slots=True)
class Line:
    """So many claims of a kind: since when the oldest waits, when the first is due, and how many are overdue."""

    name: str
    count: int
    since: datetime | None
    due: datetime | None
    late: int


def for_staff() -> QuerySet[Claim]:
    """Claims that a person must act on: to be looked at, or with a supplier past its time. The first due first."""
    overdue = Q(state=ClaimState.WAITING_SUPPLIER, due_at__lt=clock.now())
    return Claim.objects.filter(Q(state=ClaimState.WAITING_STAFF) | overdue).order_by("due_at")


def in_trouble() -> QuerySet[Claim]:
    """Approved claims whose refund needs staff, or whose money is late."""
    late = Q(pay_by__lt=clock.now())
    return Claim.objects.filter(~Q(trouble="") | late, state=ClaimState.APPROVED).order_by("pay_by")


def named(name: str) -> QuerySet[Claim] | None:
    """A queue by its name in the list's filter; None for an unknown one."""
    if name == "staff":
        return for_staff()
    if name == "overdue":
        return for_staff().filter(due_at__lt=clock.now())
    if name == "money":
        return Claim.objects.filter(state=ClaimState.APPROVED)
    if name == "second":
        return Claim.objects.filter(pk__in=seconding.all_waiting().order_by().values("claim"))
    return in_trouble() if name == "trouble" else None


def by_age() -> list[Ages]:
    """Claims for staff, counted by kind and by how long they wait; the kind with the most first. One query."""
    now = clock.now()
    starts = [now - age for age in _AGES]
    ends = {
        "a": Q(state_changed_at__gt=starts[0]),
        "b": Q(state_changed_at__lte=starts[0], state_changed_at__gt=starts[1]),
        "c": Q(state_changed_at__lte=starts[1], state_changed_at__gt=starts[2]),
        "d": Q(state_changed_at__lte=starts[2]),
        "late": Q(due_at__lt=now),
    }
    counts: dict[str, Any] = {name: Count("pk", filter=when) for name, when in ends.items()}
    grouped: Any = for_staff().order_by().values("type").annotate(total=Count("pk"), **counts)
    return [
        Ages(
            row["type"],
            str(ClaimType(row["type"]).label),
            (row["a"], row["b"], row["c"], row["d"]),
            row["total"],
            row["late"],
        )
        for row in grouped.order_by("-total", "type")
    ]


def by_type() -> list[Line]:
    """Claims for staff, counted by kind, the first due first."""
    rows = for_staff().order_by().values("type").annotate(**_counts("due_at", "state_changed_at"))
    lines = [Line(str(ClaimType(row["type"]).label), *_values(row)) for row in rows]
    return sorted(lines, key=lambda line: (line.due is None, line.due))


def money() -> tuple[Line, int]:
    """Approved claims whose money is due, and how many of them need staff: in trouble, or late."""
    needs = Count("pk", filter=~Q(trouble="") | Q(pay_by__lt=clock.now()))
    rows = Claim.objects.filter(state=ClaimState.APPROVED)
    row = rows.aggregate(**_counts("pay_by", "decided_at"), needs=needs)
    return Line("", *_values(row)), row["needs"]


def _counts(due: str, since: str) -> dict[str, Any]:
    late = Q(**{f"{due}__lt": clock.now()})
    return {"count": Count("pk"), "since": Min(since), "due": Min(due), "late": Count("pk", filter=late)}


def _values(row: Any) -> tuple[int, datetime | None, datetime | None, int]:
    return row["count"], row["since"], row["due"], row["late"]
