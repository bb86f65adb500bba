"""Sending a customer to the payment page: the same from the checkout and from the page of a purchase."""

from __future__ import annotations

from typing import Final

from orders.models import Purchase
from payments.collecting import begin_payment
from unlockshop.kernel.errors import Retryable

PROVIDER: Final = "stripe"


def payment_page(purchase: Purchase) -> str:
    """The address of the provider's page for the purchase.

    Raises ``NothingToPay``, or another ``ShopError`` when there is no page to be had just now.
    """
    payment = begin_payment(purchase, provider_name=PROVIDER)
    if not payment.url:
        raise Retryable(f"{payment} has no page")
    return payment.url
