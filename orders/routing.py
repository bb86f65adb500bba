"""Where a paid order goes next: to an offer, to a later moment, or to staff.

``route`` looks at rows and decides, nothing else: sending one order and sending a batch ask the same rules.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from orders.models import Order, SupplierAttempt
from orders.states import LIVE_OUTCOMES, HoldReason
from services import balances, breaking
from services.models import Offer, ServiceKind, Supplier
from services.pricing.costs import Costs, costs_of
from services.suppliers.base import SUPPLIER_SIDE, RefusalCode
from unlockshop.kernel import clock

ATTEMPTS_CAP: Final = 25
LONGEST_SLEEP: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be sent before ``until``. ``short`` is an offer that only our credit at its supplier keeps back."""

    until: datetime
    short: Offer | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Staff must look at it."""

    reason: HoldReason
    message: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What has been tried for an order: how often, and which (supplier, service id) turned out to be gone.

    ``excused`` of them were refused for what has nothing to do with the order, such as used-up credit.
    ``same_device`` is the number of another order for the same device and service that a supplier has or may have.
    """

    count: int
    gone: Collection[tuple[int, str]] = ()
    same_device: str = ""
    excused: int = 0


def route(order: Order, offers: Sequence[Offer], tried: Tried, costs: Costs, moment: datetime) -> Offer | Wait | Hold:
    """What to do now with a paid order whose turn has come. ``offers``: the active ones of its service, in order.

    An offer known to cost more than the order brings is passed over for a later one. Where all do, staff must let
    the order go first; a free check is meant to cost the shop something.
    """
    if order.forward_after is not None and order.forward_after > moment:
        return Wait(order.forward_after)
    if order.purchase.frozen_for:
        return Hold(HoldReason(order.purchase.frozen_for))
    if tried.count - tried.excused >= ATTEMPTS_CAP:
        return Hold(HoldReason.TOO_MANY_ATTEMPTS)
    if tried.same_device:
        return Hold(HoldReason.SAME_DEVICE, tried.same_device)
    left = [offer for offer in offers if (offer.supplier_id, offer.supplier_service_id) not in tried.gone]
    is_given_away = order.price == 0 and order.service_kind == ServiceKind.CHECK
    covered = [offer for offer in left if is_given_away or not costs.exceeds(offer, order.money)]
    if left and not covered and order.approved_at is None:
        least = f"{left[0].supplier}: {costs.of(left[0])}, {order.money}"
        return Hold(HoldReason.COST_ABOVE_PRICE, least)
    waits: list[Wait] = []
    for offer in covered or left:
        wait = _wait_for(offer, moment)
        if wait is None:
            if order.approved_at is None and (order.service.needs_approval or offer.supplier.needs_approval):
                return Hold(HoldReason.NEEDS_APPROVAL)
            return offer
        waits.append(wait)
    if waits:
        # Staff may end a pause early, so nobody sleeps through the whole of a long one.
        until = min(*(wait.until for wait in waits), moment + LONGEST_SLEEP)
        return Wait(until, next((wait.short for wait in waits if wait.short), None))
    return Hold(HoldReason.NO_SUPPLIER)


def _wait_for(offer: Offer, moment: datetime) -> Wait | None:
    """What keeps an order from being sent to this offer now: staff's pause, the breaker, or too little credit."""
    supplier = offer.supplier
    if supplier.paused_until is not None and supplier.paused_until > moment:
        return Wait(supplier.paused_until)
    shut_until = breaking.shut_until(supplier, moment)
    if shut_until is not None:
        return Wait(shut_until)
    short_until = balances.short_until(offer, moment)
    return Wait(short_until, offer) if short_until else None


def next_step(order: Order) -> Offer | Wait | Hold:
    """``route`` for one order at this moment, with the rows it looks at. Five queries."""
    return route_now(order, tried_for([order])[order.pk], clock.now())


def route_now(order: Order, tried: Tried, moment: datetime) -> Offer | Wait | Hold:
    """``route`` for one order, with the offers of its service and their costs. Three queries."""
    offers = offers_of([order.service_id])[order.service_id]
    return route(order, offers, tried, costs_of(offers), moment)


def offers_of(service_ids: Iterable[int]) -> Mapping[int, list[Offer]]:
    """The active offers of active suppliers by service, the one to ask first in front. One query.

    Offers of one supplier share one object of it, so that what a batch learns of its breaker counts for all of them.
    """
    found: dict[int, list[Offer]] = defaultdict(list)
    suppliers: dict[int, Supplier] = {}
    for offer in Offer.objects.select_related("supplier__health", "supplier__balance").filter(
        service_id__in=set(service_ids), is_active=True, supplier__is_active=True
    ):
        offer.supplier = suppliers.setdefault(offer.supplier_id, offer.supplier)
        found[offer.service_id].append(offer)
    return found


def tried_for(orders: Collection[Order]) -> Mapping[int, Tried]:
    """What has been tried, by order. Two queries; an order without attempts has an entry too.

    Of two orders in ``orders`` for the same device and service, the later one waits for the earlier.
    """
    counts: dict[int, int] = defaultdict(int)
    excused: dict[int, int] = defaultdict(int)
    gone: dict[int, set[tuple[int, str]]] = defaultdict(set)
    rows = SupplierAttempt.objects.filter(order__in=orders).order_by()
    for order_id, reason, supplier_id, service_id in rows.values_list(
        "order_id", "reason_code", "supplier_id", "supplier_service_id"
    ):
        counts[order_id] += 1
        excused[order_id] += reason in SUPPLIER_SIDE
        if reason == RefusalCode.SERVICE_GONE:
            gone[order_id].add((supplier_id, service_id))
    same = _same_device(orders)
    return {
        order.pk: Tried(counts[order.pk], gone[order.pk], same.get(order.pk, ""), excused[order.pk])
        for order in orders
    }


def work_key(order: Order) -> str | None:
    """What two orders have in common that would buy the same work twice; None where that is meant."""
    if order.is_recheck or order.approved_at is not None:
        return None
    same = [order.service_id, order.identifier, order.answers]
    return sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def _same_device(orders: Collection[Order]) -> Mapping[int, str]:
    """By order, the number of another one for the same work that is under way."""
    keys = {order.pk: key for order in orders if (key := work_key(order))}
    rows = SupplierAttempt.objects.filter(work_key__in=keys.values(), outcome__in=sorted(LIVE_OUTCOMES)).order_by()
    under_way = dict(rows.values_list("work_key", "order__number"))
    same: dict[int, str] = {}
    for order in sorted(orders, key=lambda order: order.pk):
        if order.pk in keys:
            number = under_way.setdefault(keys[order.pk], order.number)
            if number != order.number:
                same[order.pk] = number
    return same
