"""Sending a customer to a payment page: the same from the checkout and from the page of a purchase."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from orders.models import Purchase
from payments.collecting import begin_payment
from unlockshop.kernel.errors import Retryable

WAYS: Final[dict[str, str | Promise]] = {
    "stripe": gettext_lazy("by card"),
    "paypal": gettext_lazy("with PayPal"),
}


def ways_to_pay() -> list[tuple[str, str | Promise]]:
    """The providers that the shop is connected to, each with how it is said on its button."""
    return [(name, WAYS.get(name, name)) for name in settings.PAYMENT_PROVIDERS]


def chosen_way(request: HttpRequest) -> str:
    """The provider whose button was pressed; the first one where the form names none that the shop has."""
    asked = request.POST.get("provider", "")
    return asked if asked in settings.PAYMENT_PROVIDERS else next(iter(settings.PAYMENT_PROVIDERS))


def payment_page(purchase: Purchase, *, provider_name: str) -> str:
    """The address of the provider's page for the purchase.

    Raises ``NothingToPay``, or another ``ShopError`` when there is no page to be had just now.
    """
    payment = begin_payment(purchase, provider_name=provider_name)
    if not payment.url:
        raise Retryable(f"{payment} has no page")
    return payment.url
