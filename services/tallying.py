"""Counting what calls to suppliers came to, by supplier and hour, and reading rates off the counts.

One statement for a whole batch of calls. The counts serve people and forecasts; no rule about an order rests on them,
so a batch whose worker dies between its orders and its counts is not made up for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from services.models.health import SupplierHour
from services.suppliers.base import RefusalCode
from unlockshop.kernel import clock

ACCEPTED: Final = "accepted"
NOT_SENT: Final = "not_sent"
UNKNOWN: Final = "unknown"
POLL_OK: Final = "poll_ok"
POLL_FAILED: Final = "poll_failed"
REFUSED: Final = "refused"
OTHER_REFUSAL: Final = "refused_other"
_CODES: Final = frozenset(code.value for code in RefusalCode)
KEPT_FOR: Final = timedelta(days=35)

WORDS: Final = {
    ACCEPTED: _("accepted"),
    NOT_SENT: _("could not be sent"),
    UNKNOWN: _("bought or not, unknown"),
    POLL_OK: _("questions answered"),
    POLL_FAILED: _("questions not answered"),
    OTHER_REFUSAL: _("refused: another reason"),
    **{f"{REFUSED}_{code}": _("refused: %(code)s") % {"code": code} for code in RefusalCode},
}


@dataclass(frozen=True, slots=True)
class Tally:
    """One call: what it came to, how long it took, and, where it bought something, for how much."""

    supplier_id: int
    outcome: str
    milliseconds: int = 0
    cost: Decimal = Decimal(0)
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls of one outcome within a time: how many, and their mean length in milliseconds."""

    calls: int
    milliseconds: int


def refusal(code: str) -> str:
    """The outcome that counts refusals with ``code``; codes that nobody foresaw share one."""
    return f"{REFUSED}_{code}" if code in _CODES else OTHER_REFUSAL


def add(tallies: Iterable[Tally]) -> None:
    """Count calls in the present hour. One query; safe from any number of workers at once."""
    hour = _hour(clock.now())
    found: dict[tuple[int, str, str], list[Tally]] = defaultdict(list)
    for tally in tallies:
        found[tally.supplier_id, tally.outcome, tally.currency].append(tally)
    if not found:
        return
    values: list[Any] = []
    for (supplier_id, outcome, currency), same in sorted(found.items()):  # one order everywhere: no deadlock
        milliseconds = sum(tally.milliseconds for tally in same)
        cost = connection.ops.adapt_decimalfield_value(sum((tally.cost for tally in same), Decimal(0)), 16, 3)
        moment = connection.ops.adapt_datetimefield_value(hour)
        values += [supplier_id, moment, outcome, currency, len(same), milliseconds, cost]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(found))
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT.format(rows=rows), values)


# The ORM's upsert can set a column, but not add to it.
_UPSERT: Final = """
    INSERT INTO services_supplierhour (supplier_id, hour, outcome, currency, calls, milliseconds, cost)
    VALUES {rows}
    ON CONFLICT (supplier_id, hour, outcome, currency) DO UPDATE SET
        calls = services_supplierhour.calls + excluded.calls,
        milliseconds = services_supplierhour.milliseconds + excluded.milliseconds,
        cost = services_supplierhour.cost + excluded.cost
"""


def rates(supplier_ids: Collection[int], *, hours: int) -> Mapping[int, Mapping[str, Rate]]:
    """Calls by supplier and outcome in the last ``hours`` hours and the begun one. One query."""
    rows = SupplierHour.objects.filter(
        supplier__in=supplier_ids, hour__gte=_hour(clock.now()) - timedelta(hours=hours - 1)
    )
    sums = rows.order_by().values_list("supplier_id", "outcome").annotate(Sum("calls"), Sum("milliseconds"))
    found: dict[int, dict[str, Rate]] = defaultdict(dict)
    for supplier_id, outcome, calls, milliseconds in sums:
        found[supplier_id][outcome] = Rate(calls, milliseconds // calls if calls else 0)
    return found


def spend_per_hour(supplier_id: int, currency: str, *, hours: int) -> Decimal:
    """What accepted orders cost per hour, over the last ``hours`` full hours and the begun one."""
    now = clock.now()
    since = _hour(now) - timedelta(hours=hours)
    rows = SupplierHour.objects.filter(supplier=supplier_id, outcome=ACCEPTED, currency=currency, hour__gte=since)
    spent = rows.aggregate(spent=Sum("cost"))["spent"] or Decimal(0)
    length = Decimal((now - since) / timedelta(hours=1))
    return Decimal(spent) / length


def forget_old() -> None:
    """Delete counts that are older than 35 days."""
    SupplierHour.objects.filter(hour__lt=clock.now() - KEPT_FOR).delete()


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
