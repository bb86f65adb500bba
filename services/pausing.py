"""Pausing a supplier: it stays in the catalogue, but no new order is sent to it before a moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from services.models import Supplier
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused

LONGEST: Final = timedelta(days=7)


def pause(supplier_id: int, *, until: datetime, reason: str) -> None:
    """Send nothing new before ``until``. Raises ``Refused`` for a moment in the past or more than a week away."""
    if not reason.strip():
        raise Refused("a reason is required", code="reason_required")
    if not timedelta(0) < until - clock.now() <= LONGEST:
        raise Refused("a pause ends within the next seven days", code="pause_length")
    Supplier.objects.filter(pk=supplier_id).update(paused_until=until, pause_reason=reason.strip()[:200])


def end_pause(supplier_id: int) -> None:
    """Take orders again at once."""
    Supplier.objects.filter(pk=supplier_id).update(paused_until=None, pause_reason="")


def is_paused(supplier: Supplier) -> bool:
    """Whether the supplier takes no new orders now."""
    return supplier.paused_until is not None and supplier.paused_until > clock.now()
