"""Checks at start: adapters and currencies that the settings name are there, before an order or a payment needs it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Error
from django.utils.module_loading import import_string

from unlockshop.kernel.money import EXPONENTS


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


def currencies_known(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[Error]:
    """An error for each offered currency that we cannot count in, and for a default that is not offered."""
    offered = settings.CURRENCIES
    problems = [
        f"CURRENCIES: {code!r} is no currency that the shop knows (kernel/money.py)"
        for code in offered
        if code not in EXPONENTS
    ]
    if len(set(offered)) != len(offered):
        problems.append("CURRENCIES: a currency is in the list twice")
    if settings.DEFAULT_CURRENCY not in offered:
        problems.append(f"DEFAULT_CURRENCY: {settings.DEFAULT_CURRENCY!r} is not among CURRENCIES")
    return [Error(problem, id="unlockshop.E002") for problem in problems]


def languages_compiled(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[Error]:
    """An error for each offered language whose texts were not compiled: all of it would be shown in English."""
    folders = [
        Path(folder) / code / "LC_MESSAGES" for folder in settings.LOCALE_PATHS for code, _n in settings.LANGUAGES
    ]
    return [
        Error(f"{folder / 'django.mo'} is missing", hint="Run: make messages", id="unlockshop.E009")
        for folder in folders
        if (folder / "django.po").exists() and not (folder / "django.mo").exists()
    ]
