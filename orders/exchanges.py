"""The raw log of what was said to and by suppliers."""

from __future__ import annotations

from orders.models import SupplierAttempt, SupplierExchange
from services.suppliers.base import SupplierClient


def log_exchanges(attempt: SupplierAttempt, client: SupplierClient) -> None:
    """Keep the client's exchanges (already masked and bounded) beside the attempt, and empty its list."""
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
        for exchange in client.exchanges
    )
    client.exchanges.clear()
