"""Amounts as Stripe counts them: integers in minor units, with its own rules for some currencies."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money, MoneyError, exponent_of, from_minor, step_of

# ISK has no decimals, and Stripe goes on counting it in hundredths: 500 is ISK 5.
_COUNTED_IN_HUNDREDTHS: Final = frozenset({"ISK"})


def step(currency: str) -> Decimal:
    """The smallest amount that Stripe moves. With three decimals the last digit must be 0. Raises ``MoneyError``."""
    return step_of(currency) * (10 if exponent_of(currency) == 3 else 1)


def minor(money: Money) -> int:
    """The amount for a request. Raises ``Refused`` (``amount``) for one that Stripe cannot move."""
    if money.amount % step(money.currency):
        raise Refused(f"Stripe moves {money.currency} in steps of {step(money.currency)}, not {money}", code="amount")
    return money.minor * (100 if money.currency in _COUNTED_IN_HUNDREDTHS else 1)


def read(amount: int, currency: str) -> Money:
    """Money from an amount of Stripe's. Raises ``MoneyError``."""
    code = currency.upper()
    if code not in _COUNTED_IN_HUNDREDTHS:
        return from_minor(amount, code)
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise MoneyError(f"minor units must be an integer: {amount!r}")
    return Money(Decimal(amount) / 100, code)
