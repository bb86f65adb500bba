"""So many requests a minute to a supplier, from all workers together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from services.models import Supplier, SupplierPace
from unlockshop.kernel import clock

WINDOW: Final = timedelta(minutes=1)


def left(supplier: Supplier, moment: datetime) -> int | None:
    """How many requests may still be made at ``moment`` (by the database's clock); None where there is no limit.

    The row stays locked until the caller's transaction ends, so that what it then counts is right. The count starts
    anew a minute after its first request: at most twice the limit falls into any minute.
    """
    if not supplier.calls_per_minute:
        return None
    SupplierPace.objects.get_or_create(supplier=supplier, defaults={"since": moment})
    pace = SupplierPace.objects.select_for_update().get(supplier=supplier)
    if not pace.since <= moment < pace.since + WINDOW:  # a clock that was set back must not stop the supplier
        pace.since, pace.calls = moment, 0
        pace.save()
    return max(0, supplier.calls_per_minute - pace.calls)


def count(supplier_id: int, calls: int) -> None:
    """So many requests are about to be made."""
    SupplierPace.objects.filter(supplier=supplier_id).update(calls=F("calls") + calls)


def take(supplier: Supplier, calls: int) -> bool:
    """Count ``calls`` requests that are about to be made, if the limit leaves them; a transaction of its own."""
    with transaction.atomic():
        room = left(supplier, clock.database_now())
        if room is not None and room < calls:
            return False
        count(supplier.pk, calls)
    return True
