"""The smallest amounts that can be paid. Providers refuse less, because their fee would eat it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from unlockshop.kernel.money import Money

# As Stripe publishes them; an account settling in another currency may be held to more. The second table has the
# currencies without a published amount, where Stripe wants the worth of its smallest one after the exchange: these
# are rounded well above the worth of 0.50 EUR.
SMALLEST: Final[Mapping[str, Decimal]] = {
    currency: Decimal(amount)
    for currency, amount in {
        "AED": "2.00", "AUD": "0.50", "BGN": "1.00", "BRL": "0.50", "CAD": "0.50", "CHF": "0.50", "CZK": "15.00",
        "DKK": "2.50", "EUR": "0.50", "GBP": "0.30", "HKD": "4.00", "HUF": "175.00", "INR": "0.50", "JPY": "50",
        "MXN": "10.00", "MYR": "2.00", "NOK": "3.00", "NZD": "0.50", "PLN": "2.00", "RON": "2.00", "SEK": "3.00",
        "SGD": "0.50", "THB": "10.00", "USD": "0.50",
    }.items()
} | {
    currency: Decimal(amount)
    for currency, amount in {
        "BHD": "0.500", "CLP": "1000", "CNY": "6.00", "COP": "4000.00", "IDR": "15000.00", "ILS": "3.00", "ISK": "100",
        "JOD": "0.500", "KRW": "1000", "KWD": "0.250", "MAD": "8.00", "OMR": "0.500", "PEN": "3.00", "PHP": "50.00",
        "PYG": "6000", "SAR": "3.00", "TND": "2.500", "TRY": "40.00", "TWD": "25.00", "VND": "20000", "ZAR": "15.00",
    }.items()
}  # fmt: skip


def smallest_payment(currency: str) -> Money:
    """The least that can be paid in ``currency``; nothing at all may always be paid. Raises ``KeyError``."""
    return Money(SMALLEST[currency], currency)


def is_too_small(total: Money) -> bool:
    """Whether ``total`` is money, and less than can be paid."""
    return 0 < total.amount < smallest_payment(total.currency).amount


def fewest(each: Money) -> int:
    """How many at ``each`` make an amount that can be paid."""
    if not is_too_small(each):
        return 1
    whole, rest = divmod(smallest_payment(each.currency).amount, each.amount)
    return int(whole) + bool(rest)
