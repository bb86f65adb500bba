"""Asking a supplier what became of an order that it accepted.

Terminal answers end the order; anything odd (another device's answer, "done" with nothing in it) goes to staff.
An error says nothing about the order: it is asked again later.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction

from orders import lifecycle
from orders.exchanges import log_exchanges
from orders.models import Order, SupplierAttempt
from orders.states import BOUGHT_OUTCOMES, HoldReason, OrderState
from services.suppliers.base import JobState, JobStatus
from services.suppliers.registry import client_for
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import ShopError

TURN_SECONDS: Final = 90
EAGER_POLLS: Final = 20
MAX_POLL_INTERVAL: Final = timedelta(minutes=30)


def poll(order_id: int) -> None:
    """Ask about an order in process that is due. Safe to call any number of times at once."""
    if not lifecycle.take_turn(order_id, OrderState.IN_PROCESS, seconds=TURN_SECONDS):
        return
    order = Order.objects.get(pk=order_id)
    attempt = SupplierAttempt.objects.select_related("supplier").get(order=order, outcome__in=sorted(BOUGHT_OUTCOMES))
    client = client_for(attempt.supplier)
    try:
        status = client.status(str(attempt.supplier_order_id))
    except ShopError:
        status = None
    crash_here("poll.before_record")
    if status is None or status.state == JobState.PENDING:
        _ask_later(order, attempt)
    else:
        _record(order, attempt, status)
    if status is None or status.state != JobState.PENDING or order.polls == 0:
        log_exchanges(attempt, client)


def _ask_later(order: Order, attempt: SupplierAttempt) -> None:
    polls = order.polls + 1
    interval = timedelta(seconds=attempt.supplier.poll_seconds)
    if polls > EAGER_POLLS:
        interval = min(interval * 2 ** min(polls - EAGER_POLLS, 10), MAX_POLL_INTERVAL)
    lifecycle.postpone(order.pk, OrderState.IN_PROCESS, until=clock.now() + interval, polls=polls)


def _record(order: Order, attempt: SupplierAttempt, status: JobStatus) -> None:
    actor = actors.supplier(attempt.supplier.slug)
    name = attempt.supplier.name
    with transaction.atomic(durable=True):
        current = lifecycle.lock(order.pk)
        if current.state != OrderState.IN_PROCESS:
            return
        if status.identifier and _comparable(status.identifier) != _comparable(order.identifier):
            _conflict(order, f"{name} answered for {status.identifier}", actor)
        elif status.state == JobState.DONE and not status.text.strip():
            lifecycle.hold(order.pk, reason=HoldReason.EMPTY_RESULT, actor=actor)
        elif status.state == JobState.DONE:
            lifecycle.complete(order.pk, result=status.text, supplier_name=name, actor=actor)
        elif status.state == JobState.NOT_FOUND:
            lifecycle.mark_not_found(order.pk, note=status.text, supplier_name=name, actor=actor)
        else:
            lifecycle.mark_unavailable(order.pk, note=status.text, supplier_name=name, actor=actor)


def _comparable(identifier: str) -> str:
    return "".join(c for c in identifier.upper() if c.isalnum())


def _conflict(order: Order, message: str, actor: Actor) -> None:
    lifecycle.hold(order.pk, reason=HoldReason.RESULT_CONFLICT, message=message, actor=actor)
