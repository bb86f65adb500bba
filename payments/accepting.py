"""Which providers can take which money. Not every provider has every currency, nor every amount in it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _

from payments.providers.registry import provider_named
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a provider cannot take an amount: it has not the currency, or moves it only in steps of ``step``."""

    currency: str
    step: Decimal | None = None


class NotTaken(Refused):
    """The provider cannot take this money."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(_("This way to pay does not take this amount."), code="not_taken")
        self.obstacle = obstacle


def obstacle(provider_name: str, *amounts: Money) -> Obstacle | None:
    """What keeps the provider from taking, and later giving back, each of ``amounts``; None where nothing does."""
    for money in amounts:
        step = provider_named(provider_name).step(money.currency)
        if step is None:
            return Obstacle(money.currency)
        if money.amount % step:
            return Obstacle(money.currency, step)
    return None


def takers(*amounts: Money) -> list[str]:
    """The providers that can take each of ``amounts``, in the order of the settings."""
    return [name for name in settings.PAYMENT_PROVIDERS if obstacle(name, *amounts) is None]
