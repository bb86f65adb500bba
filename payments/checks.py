"""Checks at start: what the shop offers can be paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Error

from payments.accepting import takers
from unlockshop.kernel.money import EXPONENTS, zero


def currencies_can_be_paid(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[Error]:
    """An error for each offered currency that no configured payment provider takes."""
    known = [code for code in settings.CURRENCIES if code in EXPONENTS]
    try:
        unpaid = [code for code in known if not takers(zero(code))]
    except ImportError:
        return []  # said by another check
    return [
        Error(f"CURRENCIES: no payment provider of this shop takes {code}", id="unlockshop.E003") for code in unpaid
    ]
