"""Payment providers by name, from the setting ``PAYMENT_PROVIDERS``."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

from payments.providers.base import PaymentProvider


class UnknownProvider(LookupError):
    """No provider of that name is configured."""


def provider_named(name: str) -> PaymentProvider:
    """The adapter called ``name``; raises ``UnknownProvider``."""
    try:
        path = settings.PAYMENT_PROVIDERS[name]
    except KeyError as error:
        raise UnknownProvider(f"no payment provider named {name!r}") from error
    provider: PaymentProvider = import_string(path)()
    return provider
