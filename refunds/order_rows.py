"""The rows that the facts of orders are read from: for one order as for hundreds in the same number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Q

from orders.models import CancelRequest, Investigation, Order, OrderEvent
from orders.states import CancelState, OrderState
from payments import remaining
from payments.remaining import Remaining
from refunds.models import Fact

Row = TypeVar("Row", CancelRequest, Investigation)


@dataclass(frozen=True, slots=True)
class OrderRows:
    """What is known of one order: its money, facts, events in their order, and the last words of others."""

    money: Remaining
    facts: Sequence[Fact]
    events: Sequence[OrderEvent]
    cancel_state: CancelState | None
    investigation: Investigation | None


def rows_of(asked: Sequence[tuple[Order, datetime | None]]) -> list[OrderRows]:
    """For each order, as it was known at the moment beside it; without one, all that is known. Eight queries."""
    orders = list({order.pk: order for order, _at in asked}.values())
    facts, by_device = _facts(orders)
    events = defaultdict(list)
    told = OrderEvent.objects.filter(order__in=orders).order_by("order_id", "seq")
    for event in told.only("order_id", "kind", "to_state", "at"):
        events[event.order_id].append(event)
    requests = _by_order(CancelRequest.objects.filter(order__in=orders).order_by("-pk"))
    investigations = _by_order(Investigation.objects.filter(order__in=orders).order_by("-pk"))
    found = []
    for (order, at), money in zip(asked, remaining.of(asked), strict=True):
        known = [*facts[order.pk], *by_device[order.identifier]]
        found.append(
            OrderRows(
                money,
                sorted((fact for fact in known if _counts(fact, at)), key=_by_age, reverse=True),
                events[order.pk],
                _cancel_state(_newest(requests[order.pk], at), at),
                _current(order, _newest(investigations[order.pk], at), at),
            )
        )
    return found


def _facts(orders: Sequence[Order]) -> tuple[dict[int | None, list[Fact]], dict[str, list[Fact]]]:
    """All facts, also those that were taken back: by order, and by device where they are about no order."""
    about = Q(order__in=orders) | Q(order=None, identifier__in={order.identifier for order in orders})
    facts: dict[int | None, list[Fact]] = defaultdict(list)
    by_device: dict[str, list[Fact]] = defaultdict(list)
    for fact in Fact.objects.filter(about):
        (by_device[fact.identifier] if fact.order_id is None else facts[fact.order_id]).append(fact)
    return facts, by_device


def _counts(fact: Fact, at: datetime | None) -> bool:
    if at is None:
        return fact.withdrawn_at is None
    return fact.recorded_at <= at and (fact.withdrawn_at is None or fact.withdrawn_at > at)


def _by_age(fact: Fact) -> tuple[datetime, int]:
    return fact.recorded_at, fact.pk


def _by_order(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.order_id].append(row)
    return found


def _newest(rows: Sequence[Row], at: datetime | None) -> Row | None:
    """The newest row that was there."""
    return next((row for row in rows if at is None or row.created_at <= at), None)


def _cancel_state(row: CancelRequest | None, at: datetime | None) -> CancelState | None:
    if row is None:
        return None
    if at is not None and row.answered_at is not None and row.answered_at > at:
        return CancelState.ASKED
    return CancelState(row.state)


def _current(order: Order, row: Investigation | None, at: datetime | None) -> Investigation | None:
    """The answered investigation of the end that the order has now, as ``investigating.current`` says."""
    if row is None or row.answered_at is None or (at is not None and row.answered_at > at):
        return None
    if order.state != OrderState.NOT_FOUND or order.ended_at is None or row.created_at < order.ended_at:
        return None
    return row
