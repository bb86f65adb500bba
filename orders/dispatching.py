"""Buying many paid orders at once: ``forwarding`` in batches, under the same rules and with the same rows.

What goes the usual way (routed to an offer, accepted) is written for a whole batch at a time. Everything else, and
a batch in which one row is not as expected, goes through the functions for a single order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from orders import counting, forwarding, lifecycle, routing
from orders.exchanges import log_exchanges
from orders.forwarding import Call
from orders.models import Order, SupplierAttempt
from orders.pumping import LOOKS, Room, Turn, pump
from orders.routing import Hold, Wait
from orders.states import OrderState
from services import balances
from services.models import Offer
from services.pricing.costs import costs_of
from services.suppliers.base import JobAccepted
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.crash import crash_here
from unlockshop.kernel.errors import TransitionRefused

_room = Room()


def dispatch() -> int:
    """Buy what is paid and due, many orders at a time; returns the number of calls made.

    Safe to run any number of times at once.
    """
    return pump(Dispatch(), _room)


class Dispatch:
    """The line of paid orders: attempts are taken, sent, and what came of them is recorded."""

    def take(self, room: Room) -> list[SupplierAttempt]:
        """Commit attempts for orders that are paid and due, within the room that is left."""
        moment = clock.database_now()
        if not _due(moment).exists():
            return []
        try:
            with transaction.atomic(durable=True):
                attempts = _begin(Turn(room, moment), moment)
        except (IntegrityError, TransitionRefused):  # something moved meanwhile; one by one tells which
            found = _due(moment).order_by("next_action_at").values_list("pk", flat=True)[: room.left()]
            begun = [forwarding.begin(order_id) for order_id in found]
            attempts = [attempt for attempt in begun if attempt is not None]
        crash_here("forward.after_begin")
        return attempts

    def supplier_of(self, job: SupplierAttempt) -> int:
        """Whose room it takes up."""
        return job.supplier_id

    def call(self, job: SupplierAttempt) -> Call:
        """Place the order."""
        return forwarding.call(job)

    def record(self, outcomes: Sequence[tuple[SupplierAttempt, Call]]) -> None:
        """The accepted ones together, every other one by itself."""
        accepted = [(job, call.answer) for job, call in outcomes if isinstance(call.answer, JobAccepted)]
        if accepted:
            crash_here("forward.after_post_before_commit")
            try:
                forwarding.record_accepted_many(accepted)
            except (TransitionRefused, IntegrityError):
                for job, answer in accepted:
                    forwarding.record(job, answer)
        for job, call in outcomes:
            if not isinstance(call.answer, JobAccepted):
                forwarding.record(job, call.answer)
        log_exchanges([(job, exchange) for job, call in outcomes for exchange in call.exchanges])
        counting.placed(outcomes)


def _due(moment: datetime) -> QuerySet[Order]:
    return Order.objects.filter(state=OrderState.PAID, next_action_at__lte=moment)


def _begin(turn: Turn, moment: datetime) -> list[SupplierAttempt]:
    """Route due orders, in the caller's transaction: those that can be sent get an attempt and are moved together."""
    attempts: list[SupplierAttempt] = []
    full: set[int] = set()  # services whose supplier takes no call more now
    for _look in range(LOOKS):
        rows = _due(moment).exclude(service_id__in=full)
        orders = list(
            rows.select_for_update(of=("self",), skip_locked=True)
            .select_related("purchase", "service")
            .order_by("next_action_at")[: turn.left()]
        )
        if not orders:
            break
        attempts += _send_off(orders, turn, full, moment)
    turn.settle()
    return attempts


def _send_off(orders: list[Order], turn: Turn, full: set[int], moment: datetime) -> list[SupplierAttempt]:
    attempts: list[SupplierAttempt] = []
    waits: list[tuple[Order, Wait]] = []
    offers = routing.offers_of({order.service_id for order in orders})
    tried = routing.tried_for(orders)
    costs = costs_of(offer for some in offers.values() for offer in some)
    for order in orders:
        found = routing.route(order, offers[order.service_id], tried[order.pk], costs, moment)
        if isinstance(found, Offer) and order.service_id not in full and turn.admits(found.supplier):
            attempt = forwarding.new_attempt(order, found, n=tried[order.pk].count + 1, moment=moment)
            if forwarding.passes_breaker(attempt):
                attempts.append(attempt)
                continue
            turn.take_back(found.supplier)  # another worker's order is being tried there
            found = routing.route(order, offers[order.service_id], tried[order.pk], costs, moment)
        if isinstance(found, Wait):
            waits.append((order, found))
        elif isinstance(found, Hold):
            lifecycle.hold(order.pk, reason=found.reason, message=found.message, actor=SYSTEM)
        else:
            full.add(order.service_id)
    _postpone(waits)
    SupplierAttempt.objects.bulk_create(attempts)
    if attempts:
        lifecycle.start_submitting_many(attempts, actor=SYSTEM)
    return attempts


def _postpone(waits: Sequence[tuple[Order, Wait]]) -> None:
    """Each to its time, those of one time together; and say where credit is short, by the dearest order."""
    by_time: dict[datetime, list[int]] = defaultdict(list)
    short: dict[int, Offer] = {}
    for order, wait in waits:
        by_time[wait.until].append(order.pk)
        if wait.short is not None:
            other = short.get(wait.short.supplier_id, wait.short)
            short[other.supplier_id] = max(other, wait.short, key=_cost)
    for until, order_ids in by_time.items():
        lifecycle.postpone_many(order_ids, OrderState.PAID, until=until)
    for supplier_id, offer in sorted(short.items()):
        balances.ran_short(supplier_id, offer.cost, offer.cost_currency)


def _cost(offer: Offer) -> Decimal:
    return offer.cost
