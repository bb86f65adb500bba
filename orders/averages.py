"""What customers read about how long a service takes: measured on ended orders, or the supplier's estimate.

Measured times are shown once enough orders rest on them, of the last 7 days or else of 30, and never as a promise.
Reading costs one query of a few small rows for a page, however many orders there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders.models import Order
from orders.turnaround import means, turnaround
from services import promises
from services.models import Service

WINDOWS: Final = (7, 30)
# Fewer completed orders than this say nothing about the next one.
ENOUGH: Final = 10


@dataclass(frozen=True, slots=True)
class Average:
    """The mean time in minutes from the supplier's taking an order to its result, over ``orders`` completed ones."""

    minutes: int
    orders: int
    days: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How far the times lie apart, in minutes, and the share (0 to 1) of all ended orders that succeeded."""

    median: int
    p90: int
    success: float


def measured(service_ids: Collection[int]) -> dict[int, Average]:
    """By service, over the shortest window that has enough orders. Services without are missing. One query."""
    found: dict[int, Average] = {}
    for days, by_service in means(service_ids, WINDOWS).items():
        for service_id, (orders, minutes) in by_service.items():
            if orders >= ENOUGH:
                found.setdefault(service_id, Average(max(1, round(minutes)), orders, days))
    return found


def orders_of(service_ids: Collection[int]) -> dict[int, int]:
    """Orders completed in the longest window, by service. One query."""
    counted = means(service_ids, WINDOWS[-1:])[WINDOWS[-1]]
    return {service_id: orders for service_id, (orders, _minutes) in counted.items()}


def attach(services: Iterable[Service]) -> None:
    """Give each service what was measured of it, for ``usual_time``. One query for all."""
    rows = list(services)
    found = measured([service.pk for service in rows]) if rows else {}
    for service in rows:
        service.measured = found.get(service.pk)  # type: ignore[attr-defined]


def attach_all(service: Service) -> None:
    """Give one service all that was measured of it, for ``usual_time`` and ``spread``. Two queries at most."""
    service.measured = service.spread = None  # type: ignore[attr-defined]
    for days in WINDOWS:
        figure = turnaround([service.pk], days).get(service.pk)
        if figure is None or figure.completed < ENOUGH:
            continue
        average, median, p90 = (
            max(1, round(minutes or 0))
            for minutes in (figure.average_minutes, figure.median_minutes, figure.p90_minutes)
        )
        service.measured = Average(average, figure.completed, days)  # type: ignore[attr-defined]
        service.spread = Spread(median, p90, figure.success_rate)  # type: ignore[attr-defined]
        return


def usual_time(service: Service) -> str:
    """How long the service usually takes and what that rests on, in one sentence without a full stop."""
    average = _attached(service)
    if average is None:
        return promises.estimate_words(service.average_minutes)
    return _sentence(average.minutes, average.orders, average.days)


def usual_time_of(order: Order) -> str:
    """The same as it stood when the order was placed."""
    if not order.average_orders:
        return promises.estimate_words(order.average_minutes)
    return _sentence(order.average_minutes, order.average_orders, order.average_days)


def spread(service: Service) -> str:
    """How far the times lie apart and how many orders succeed; empty where that was not measured."""
    found: Spread | None = getattr(service, "spread", None)
    if found is None:
        return ""
    return _("Half within %(median)s, 90%% within %(p90)s. Of all orders %(success)d%% succeeded.") % {
        "median": promises.about(found.median),
        "p90": promises.about(found.p90),
        "success": int(found.success * 100),
    }


def _attached(service: Service) -> Average | None:
    average: Average | None = getattr(service, "measured", None)
    return average


def _sentence(minutes: int, orders: int, days: int) -> str:
    rests_on = ngettext("%(orders)d order of the last %(days)d days", "%(orders)d orders of the last %(days)d days",
                        orders) % {"orders": orders, "days": days}  # fmt: skip
    return f"{promises.average_words(minutes)} ({rests_on})"
