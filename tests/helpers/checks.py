"""Finished checks with a report."""

from __future__ import annotations

from typing import Any

from orders import lifecycle
from orders.models import Order
from orders.states import OrderState
from services.models import Service
from tests import factories
from unlockshop.kernel.actors import SYSTEM

REPORT = f"""Model: iPhone 13 Pro 256GB
IMEI: {factories.IMEI}
Carrier: Vodafone Spain
SIM-Lock: Locked
Blacklist: Clean
Find My: ON
Next tether policy: Lock"""


def check_service(**changes: Any) -> Service:
    """A published check with a report."""
    return factories.make_service(**{"kind": "check", "result_kind": "report", "brand": "", **changes})


def finished_check(report: str = REPORT, *, service: Service | None = None, **changes: Any) -> Order:
    """A completed check order whose supplier answered ``report``."""
    order = factories.make_order(OrderState.IN_PROCESS, service=service or check_service(), **changes)
    lifecycle.complete(order.pk, result=report, supplier_name="Supplier", actor=SYSTEM)
    order.refresh_from_db()
    return order
