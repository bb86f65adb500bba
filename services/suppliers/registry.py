"""Which adapter speaks to which supplier: names in the database, classes in the settings."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from services.models import Supplier
from services.suppliers.base import Endpoint, SupplierClient
from unlockshop.kernel.errors import Retryable


class UnknownAdapter(Retryable):
    """A supplier row names an adapter that the settings do not have. Nothing was sent."""


@lru_cache(maxsize=16)
def _adapter_class(path: str) -> Any:
    return import_string(path)


def client_for(supplier: Supplier) -> SupplierClient:
    """A fresh client for ``supplier``; raises ``UnknownAdapter``."""
    try:
        path = settings.SUPPLIER_ADAPTERS[supplier.adapter]
    except KeyError as error:
        raise UnknownAdapter(f"no adapter named {supplier.adapter!r}") from error
    endpoint = Endpoint(
        url=supplier.url,
        username=supplier.username,
        api_key=supplier.api_key,
        sends_reference=supplier.finds_by_reference,
        allow_loopback=settings.SUPPLIERS_ALLOW_LOOPBACK,
    )
    client: SupplierClient = _adapter_class(path)(endpoint)
    return client
