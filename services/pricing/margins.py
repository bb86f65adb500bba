"""From a cost to a proposed price: exact, always rounded up, never below the cost."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from services.models import MarginRule
from services.pricing.costs import EXACT, rounded_up
from unlockshop.kernel.money import Money

_PERCENT = Decimal("0.01")


def proposed(cost: Decimal, rule: MarginRule) -> Money:
    """The price of what costs ``cost`` in the rule's currency. Raises ``MoneyError`` for what no price can be.

    The smallest price that the rule's step and ending allow and that covers cost, percent and fixed amount.
    """
    factor = EXACT.add(Decimal(1), EXACT.multiply(rule.percent, _PERCENT))
    wanted = EXACT.add(EXACT.multiply(cost, factor), rule.fixed)
    if rule.step is not None:
        steps = EXACT.divide(EXACT.subtract(wanted, rule.ending), rule.step)
        whole = max(Decimal(0), steps.to_integral_value(rounding=ROUND_CEILING, context=EXACT))
        wanted = EXACT.add(EXACT.multiply(whole, rule.step), rule.ending)
    price = rounded_up(wanted, rule.currency)
    assert price.amount >= cost, "the database keeps margins from being negative"
    return price
