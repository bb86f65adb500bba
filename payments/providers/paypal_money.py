"""Amounts as PayPal writes them: text with a point, in the digits that PayPal gives each currency."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money, MoneyError

# INR is left out: PayPal moves it only between accounts in India.
CURRENCIES: Final = frozenset(
    """AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD
    USD""".split()  # noqa: SIM905 - a table
)
# No decimals at PayPal, whatever ISO 4217 says of HUF and TWD.
WHOLE: Final = frozenset({"HUF", "JPY", "TWD"})
_VALUE: Final = re.compile(r"-?[0-9]{1,20}([.][0-9]{1,6})?")


def step(currency: str) -> Decimal | None:
    """The smallest amount that PayPal moves; None for a currency that it does not take."""
    if currency not in CURRENCIES:
        return None
    return Decimal(1) if currency in WHOLE else Decimal("0.01")


def amount(money: Money) -> dict[str, str]:
    """A positive amount for a request. Raises ``Refused`` with code ``currency`` or ``amount``."""
    if money.currency not in CURRENCIES:
        raise Refused(f"PayPal does not take {money.currency}", code="currency")
    if money.amount <= 0:
        raise Refused("PayPal moves positive amounts only", code="amount")
    if money.currency not in WHOLE:
        return {"currency_code": money.currency, "value": f"{money.amount:.2f}"}
    if money.amount != money.amount.to_integral_value():
        raise Refused(f"PayPal takes whole {money.currency} only, not {money.amount}", code="amount")
    return {"currency_code": money.currency, "value": f"{money.amount:.0f}"}


def money(found: Any) -> Money:
    """Money from an amount of PayPal's. Raises ``MoneyError``, ``KeyError`` or ``TypeError``."""
    value, currency = found["value"], found["currency_code"]
    if not isinstance(value, str) or not _VALUE.fullmatch(value) or not isinstance(currency, str):
        raise MoneyError(f"not an amount: {found!r:.80}")
    return Money(Decimal(value), currency)
