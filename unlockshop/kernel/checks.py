"""Checks at start: every adapter that the settings name can be loaded, before an order or a payment needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Error
from django.utils.module_loading import import_string


def adapters_load(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[Error]:
    """An error for each supplier adapter, payment provider or mail transport that cannot be imported."""
    named = [
        *((f"SUPPLIER_ADAPTERS[{name!r}]", path) for name, path in settings.SUPPLIER_ADAPTERS.items()),
        *((f"PAYMENT_PROVIDERS[{name!r}]", path) for name, path in settings.PAYMENT_PROVIDERS.items()),
        ("MAIL_TRANSPORT", settings.MAIL_TRANSPORT),
    ]
    errors = []
    for setting, path in named:
        try:
            import_string(path)
        except ImportError as error:
            errors.append(Error(f"{setting} cannot be loaded: {error}", id="unlockshop.E001"))
    return errors
