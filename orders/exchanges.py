"""The raw log of what was said to and by suppliers."""

from __future__ import annotations

from collections.abc import Sequence

from orders.models import SupplierAttempt, SupplierExchange
from services.suppliers.base import Exchange


def log_exchanges(said: Sequence[tuple[SupplierAttempt, Exchange]]) -> None:
    """Keep exchanges (already masked and bounded) beside their attempts."""
    SupplierExchange.objects.bulk_create(
        SupplierExchange(
            attempt=attempt,
            purpose=exchange.purpose,
            request=exchange.request,
            response=exchange.response,
            http_status=exchange.http_status,
            error=exchange.error[:300],
            milliseconds=exchange.milliseconds,
        )
        for attempt, exchange in said
    )
