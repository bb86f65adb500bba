"""What every page knows about the shop."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from unlockshop.kernel import clock
from unlockshop.storefront import currencies
from unlockshop.storefront.shared_request import form_token


def shop(request: HttpRequest | None = None) -> dict[str, Any]:
    """Name, contact, mode and currency of the shop, for every template. Asks neither database nor cache."""
    return {
        "shop_name": settings.SHOP_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "statement_descriptor": settings.STATEMENT_DESCRIPTOR,
        "is_demo": settings.DEMO,
        "current_year": clock.now().year,
        "currency": currencies.chosen_currency(request) if request else settings.DEFAULT_CURRENCY,
        "currency_choices": currencies.currency_choices() if request else [],
        **form_token(request),
    }
