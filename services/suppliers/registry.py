"""Which adapter speaks to which supplier: names in the database, classes in the settings."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from services.models import Supplier
from services.suppliers.base import Endpoint, Feature, SupplierClient
from unlockshop.kernel.errors import Retryable


class UnknownAdapter(Retryable):
    """A supplier row names an adapter that the settings do not have. Nothing was sent."""


@lru_cache(maxsize=16)
def _adapter_class(path: str) -> Any:
    return import_string(path)


def adapter_for(name: str) -> Any:
    """The adapter class of that name in the settings; raises ``UnknownAdapter``."""
    try:
        return _adapter_class(settings.SUPPLIER_ADAPTERS[name])
    except KeyError as error:
        raise UnknownAdapter(f"no adapter named {name!r}") from error


def features_of(supplier: Supplier) -> frozenset[Feature]:
    """What the supplier's protocol has, as this supplier is set up; nothing for an unknown adapter. Calls nobody."""
    try:
        return client_for(supplier).features
    except UnknownAdapter:
        return frozenset()


def client_for(supplier: Supplier) -> SupplierClient:
    """A fresh client for ``supplier``; raises ``UnknownAdapter``."""
    adapter = adapter_for(supplier.adapter)
    endpoint = Endpoint(
        url=supplier.url,
        username=supplier.username,
        api_key=supplier.api_key,
        sends_reference=supplier.sends_reference or supplier.finds_by_reference,
        allow_loopback=settings.SUPPLIERS_ALLOW_LOOPBACK,
        dialect=supplier.dialect,
    )
    client: SupplierClient = adapter(endpoint)
    return client
