"""What may be rehearsed: a provider whose keys in the settings are test keys. And what never leaves: those keys."""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings

from payments.providers.base import PaymentProvider
from payments.providers.registry import UnknownProvider, provider_named
from unlockshop.kernel.errors import ShopError

TEST_KEYS: Final = ("sk_test_", "rk_test_")
_KEY: Final = re.compile(r"\b(?:sk|rk|pk|whsec)_[\w*]+|\bSG\.[\w.-]+")


class NotPossible(ShopError):
    """The rehearsal must not begin: the provider is not configured, or its keys may move real money."""


def adapter(name: str) -> PaymentProvider:
    """The adapter called ``name``. Raises ``NotPossible`` unless its keys are there and are for tests."""
    try:
        provider = provider_named(name)
    except UnknownProvider as error:
        raise NotPossible(f"{name} is not configured: its keys are not in the settings") from error
    if name == "stripe" and not settings.STRIPE_API_KEY:
        raise NotPossible("stripe is not configured: STRIPE_API_KEY is empty")
    if settings.PAYMENTS_LIVE:
        raise NotPossible("the keys in the settings are live: a rehearsal would move real money")
    if name == "stripe" and not settings.STRIPE_API_KEY.startswith(TEST_KEYS):
        raise NotPossible(f"STRIPE_API_KEY is no secret test key: those begin with {' or '.join(TEST_KEYS)}")
    return provider


def without_keys(text: str) -> str:
    """A text with every key of ours, and whatever looks like one, taken out."""
    secrets = (
        settings.STRIPE_API_KEY,
        settings.STRIPE_WEBHOOK_SECRET,
        settings.PAYPAL_CLIENT_ID,
        settings.PAYPAL_SECRET,
    )
    for secret in filter(None, secrets):
        text = text.replace(secret, "[key]")
    return _KEY.sub("[key]", text)
