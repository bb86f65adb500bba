"""What every page knows about the shop."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from unlockshop.kernel import clock
from unlockshop.storefront.paying import ways_to_pay


def shop(_request: HttpRequest | None = None) -> dict[str, Any]:
    """Name, contact and mode of the shop, for every template. Asks neither database nor cache."""
    return {
        "shop_name": settings.SHOP_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "statement_descriptor": settings.STATEMENT_DESCRIPTOR,
        "is_demo": settings.DEMO,
        "ways_to_pay": ways_to_pay(),
        "current_year": clock.now().year,
        "default_currency": settings.DEFAULT_CURRENCY,
    }
