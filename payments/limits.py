"""The smallest amounts that can be paid. Providers refuse less, because their fee would eat it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from unlockshop.kernel.money import Money

# As Stripe publishes them; an account settling in another currency may be held to more.
SMALLEST: Final[Mapping[str, Decimal]] = {
    currency: Decimal(amount)
    for currency, amount in {
        "AED": "2.00", "AUD": "0.50", "BGN": "1.00", "BRL": "0.50", "CAD": "0.50", "CHF": "0.50", "CZK": "15.00",
        "DKK": "2.50", "EUR": "0.50", "GBP": "0.30", "HKD": "4.00", "HUF": "175.00", "INR": "0.50", "JPY": "50",
        "MXN": "10.00", "MYR": "2.00", "NOK": "3.00", "NZD": "0.50", "PLN": "2.00", "RON": "2.00", "SEK": "3.00",
        "SGD": "0.50", "THB": "10.00", "USD": "0.50",
    }.items()
}  # fmt: skip


def smallest_payment(currency: str) -> Money:
    """The least that can be paid in ``currency``; nothing at all may always be paid."""
    return Money(SMALLEST.get(currency, Decimal(0)), currency)


def is_too_small(total: Money) -> bool:
    """Whether ``total`` is money, and less than can be paid."""
    return 0 < total.amount < smallest_payment(total.currency).amount


def fewest(each: Money) -> int:
    """How many at ``each`` make an amount that can be paid."""
    if not is_too_small(each):
        return 1
    whole, rest = divmod(smallest_payment(each.currency).amount, each.amount)
    return int(whole) + bool(rest)
