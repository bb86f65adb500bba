"""What the shop learns from a finished check: which model the device is, and what its customer may be told again."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from django.db import DatabaseError, transaction

from orders.models import Order
from orders.states import OrderState
from services import device_models
from services.fitting import Facts, read_facts
from services.models import ServiceKind

logger = logging.getLogger(__name__)

MOST_ORDERS = 20


def note(order: Order, target: OrderState) -> None:
    """Keep the model that a completed check names, in the transaction that completes it. Never stops the order."""
    if target != OrderState.COMPLETED or order.service_kind != ServiceKind.CHECK:
        return
    try:
        with transaction.atomic():
            device_models.learn(order.identifier, order.result, brand=order.service.brand, origin=order.service_name)
    except DatabaseError:
        logger.exception("the model named by order %s was not kept", order.number)


def facts_of(identifiers: Iterable[str], purchase_ids: Collection[int]) -> dict[str, Facts]:
    """What completed checks of these purchases found, by device, the newest word first. One query, none without ids.

    The caller says which purchases are the visitor's own: an IMEI is no secret, and what somebody else paid for is
    not told to whoever types it.
    """
    wanted = list(identifiers)
    if not purchase_ids or not wanted:
        return {}
    checks = Order.objects.filter(
        purchase_id__in=purchase_ids,
        identifier__in=wanted,
        service_kind=ServiceKind.CHECK,
        state=OrderState.COMPLETED,
    ).order_by("-ended_at", "-pk")[:MOST_ORDERS]
    found: dict[str, Facts] = {}
    for check in checks:
        found[check.identifier] = found.get(check.identifier, Facts()).or_else(read_facts(check.result))
    return found
