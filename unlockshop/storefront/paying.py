"""Sending a customer to a payment page: the same from the checkout and from the page of a purchase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order, Purchase
from payments.accepting import Obstacle, obstacle, takers
from payments.collecting import begin_payment, first_payment, open_page
from payments.models import Payment
from unlockshop.kernel.errors import Retryable
from unlockshop.kernel.money import Money

WAYS: Final[dict[str, str | Promise]] = {
    "stripe": gettext_lazy("by card"),
    "paypal": gettext_lazy("with PayPal"),
}


@dataclass(frozen=True, slots=True)
class Ways:
    """The providers for some money: those that take it, each with how its button says it, and why others do not."""

    offered: list[tuple[str, str]]
    left_out: list[str]


def ways_to_pay(total: Money, each: Money) -> Ways:
    """How ``total`` can be paid, and ``each`` order in it given back."""
    ways = Ways([], [])
    for name in settings.PAYMENT_PROVIDERS:
        hindrance = obstacle(name, total, each)
        if hindrance is None:
            ways.offered.append((name, _said(name)))
        else:
            ways.left_out.append(_why_not(name, hindrance))
    return ways


def chosen_way(request: HttpRequest, total: Money) -> str:
    """The provider whose button was pressed; the first one that takes ``total`` where the form names none we have."""
    asked = request.POST.get("provider", "")
    if asked in settings.PAYMENT_PROVIDERS:
        return asked
    return next(iter(takers(total)), next(iter(settings.PAYMENT_PROVIDERS)))


def _said(name: str) -> str:
    return str(WAYS.get(name, name))


def _why_not(name: str, hindrance: Obstacle) -> str:
    words = {"way": _said(name), "currency": hindrance.currency, "step": hindrance.step}
    if hindrance.step is None:
        return _("You cannot pay %(way)s: it does not take %(currency)s.") % words
    return _("You cannot pay %(way)s: it takes %(currency)s in steps of %(step)s only.") % words


class FirstPayment:
    """The payment that is written with a purchase, in one transaction, by the way that the visitor chose."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._written: tuple[Sequence[Order], Payment] | None = None

    def write(self, purchase: Purchase, orders: Sequence[Order]) -> None:
        """Write it, for ``place_purchase``; nothing where that way does not take the money."""
        way = chosen_way(self._request, purchase.money)
        payment = first_payment(purchase, orders, provider_name=way)
        self._written = (orders, payment) if payment else None

    def page(self, purchase: Purchase) -> str:
        """The address of the provider's page, as ``payment_page``: also where another request placed the purchase."""
        if self._written is None or self._written[1].purchase_id != purchase.pk:
            return payment_page(purchase, provider_name=chosen_way(self._request, purchase.money))
        return _page_of(open_page(purchase, *self._written))


def payment_page(purchase: Purchase, *, provider_name: str) -> str:
    """The address of the provider's page for the purchase.

    Raises ``NothingToPay``, or another ``ShopError`` when there is no page to be had just now.
    """
    return _page_of(begin_payment(purchase, provider_name=provider_name))


def _page_of(payment: Payment) -> str:
    if not payment.url:
        raise Retryable(f"{payment} has no page")
    return payment.url
