"""Money: a Decimal amount with its currency. Minor units exist only inside adapters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from babel.numbers import format_currency, get_currency_name

# Digits after the point, ISO 4217. Every currency that the shop may meet is listed; an unknown one is an error.
EXPONENTS: Final[dict[str, int]] = {
    "AED": 2, "AUD": 2, "BGN": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2, "COP": 2, "CZK": 2,
    "DKK": 2, "EUR": 2, "GBP": 2, "HKD": 2, "HUF": 2, "IDR": 2, "ILS": 2, "INR": 2, "ISK": 0, "JOD": 3, "JPY": 0,
    "KRW": 0, "KWD": 3, "MAD": 2, "MXN": 2, "MYR": 2, "NOK": 2, "NZD": 2, "OMR": 3, "PEN": 2, "PHP": 2, "PLN": 2,
    "PYG": 0, "RON": 2, "SAR": 2, "SEK": 2, "SGD": 2, "THB": 2, "TND": 3, "TRY": 2, "TWD": 2, "USD": 2, "VND": 0,
    "ZAR": 2,
}  # fmt: skip
MAX_MINOR_UNITS: Final = 10**13
# A code such as KWD beside a digit is hard to read; a symbol is not.
_CODE_BESIDE_DIGIT: Final = re.compile(r"(?<=[A-Z]{3})(?=[0-9])|(?<=[0-9])(?=[A-Z]{3})")


class MoneyError(ValueError):
    """An amount or currency that money cannot have."""


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency. Raises ``MoneyError`` when the two do not fit together."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        exponent = exponent_of(self.currency)
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise MoneyError(f"not an exact amount: {self.amount!r}")
        try:
            exact = self.amount.quantize(Decimal(1).scaleb(-exponent))
        except InvalidOperation as error:
            raise MoneyError(f"amount out of range: {self.amount}") from error
        if exact != self.amount:
            raise MoneyError(f"{self.amount} has more digits than {self.currency} has")
        if abs(exact.scaleb(exponent)) > MAX_MINOR_UNITS:
            raise MoneyError(f"amount out of range: {self.amount}")
        object.__setattr__(self, "amount", exact)

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def times(self, count: int) -> Money:
        """The amount ``count`` times over."""
        return Money(self.amount * count, self.currency)

    @property
    def minor(self) -> int:
        """The amount in minor units (cents, yen, fils), as providers count it."""
        return int(self.amount.scaleb(exponent_of(self.currency)))

    def format(self, locale: str = "en") -> str:
        """The amount as people of ``locale`` write it."""
        text: str = format_currency(self.amount, self.currency, locale=locale.replace("-", "_"))
        return _CODE_BESIDE_DIGIT.sub("\N{NO-BREAK SPACE}", text)

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise MoneyError(f"{self.currency} and {other.currency} do not add up")

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def exponent_of(currency: str) -> int:
    """Digits after the point of ``currency``; raises ``MoneyError`` for one we do not know."""
    try:
        return EXPONENTS[currency]
    except KeyError as error:
        raise MoneyError(f"unknown currency: {currency!r}") from error


@lru_cache(maxsize=1024)
def name_of(currency: str, locale: str = "en") -> str:
    """What people of ``locale`` call the currency, such as Kuwaiti Dinar."""
    name: str = get_currency_name(currency, locale=locale.replace("-", "_"))
    return name


def step_of(currency: str) -> Decimal:
    """The smallest amount of ``currency``: 0.01 for EUR, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-exponent_of(currency))


def from_minor(minor: int, currency: str) -> Money:
    """Money from an integer number of minor units; ``currency`` in any case, as providers send it."""
    if isinstance(minor, bool) or not isinstance(minor, int):
        raise MoneyError(f"minor units must be an integer: {minor!r}")
    code = currency.upper()
    return Money(Decimal(minor).scaleb(-exponent_of(code)), code)


def rounded(amount: Decimal, currency: str) -> Money:
    """Money from a computed amount, rounded half up to what ``currency`` can express."""
    return Money(amount.quantize(step_of(currency), rounding=ROUND_HALF_UP), currency)


def zero(currency: str) -> Money:
    """No money in ``currency``."""
    return Money(Decimal(0), currency)
