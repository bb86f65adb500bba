"""What suppliers' work costs now, and whether that is more than a price. Exact: nothing is rounded in a comparison.

Rates between currencies are kept by staff, for costs alone. Where one is missing nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Context, Decimal
from functools import reduce
from operator import or_

from django.conf import settings
from django.db.models import Q

from services.models import CostRate, Offer, SupplierService
from unlockshop.kernel.money import Money, exponent_of

EXACT = Context(prec=60, rounding=ROUND_CEILING)
"""Products of the amounts here have at most 40 digits; a quotient that does not end goes up."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one piece of work costs. More digits than the currency has are fine: some suppliers have them."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency}"

    def up(self) -> Money:
        """As money, rounded up. Raises ``MoneyError`` for an unknown currency."""
        return rounded_up(self.amount, self.currency)


def rounded_up(amount: Decimal, currency: str) -> Money:
    """``amount`` as money of ``currency``, never less. Raises ``MoneyError`` for an unknown currency."""
    digits = Decimal(1).scaleb(-exponent_of(currency))
    return Money(amount.quantize(digits, rounding=ROUND_CEILING, context=EXACT), currency)


@dataclass(frozen=True, slots=True)
class Costs:
    """Rates, and the costs that suppliers told last by (supplier id, supplier's service id)."""

    rates: Mapping[str, Decimal] = field(default_factory=dict)
    told: Mapping[tuple[int, str], Cost] = field(default_factory=dict)

    def of(self, offer: Offer) -> Cost:
        """What the supplier's catalogue told last; the offer's own cost where it told nothing."""
        own = Cost(offer.cost, offer.cost_currency)
        return self.told.get((offer.supplier_id, offer.supplier_service_id), own)

    def converted(self, cost: Cost, currency: str) -> Decimal | None:
        """``cost`` in ``currency``, never less than it is worth; None where a rate is missing."""
        if cost.currency == currency:
            return cost.amount
        if cost.currency not in self.rates or currency not in self.rates:
            return None
        worth = EXACT.multiply(cost.amount, self.rates[cost.currency])
        return EXACT.divide(worth, self.rates[currency])

    def exceeds(self, offer: Offer, price: Money) -> bool:
        """Whether the offer is known to cost more than ``price``. Not where the two cannot be compared."""
        cost = self.of(offer)
        if cost.currency == price.currency:
            return cost.amount > price.amount
        if cost.currency not in self.rates or price.currency not in self.rates:
            return False
        worth = EXACT.multiply(cost.amount, self.rates[cost.currency])
        return worth > EXACT.multiply(price.amount, self.rates[price.currency])


def costs_of(offers: Iterable[Offer]) -> Costs:
    """What these offers cost now, and the rates. Two queries however many there are."""
    wanted: dict[int, set[str]] = {}
    for offer in offers:
        wanted.setdefault(offer.supplier_id, set()).add(offer.supplier_service_id)
    if not wanted:
        return Costs(rates_now())
    any_of = reduce(or_, (Q(supplier_id=pk, service_id__in=ids) for pk, ids in sorted(wanted.items())))
    rows = SupplierService.objects.filter(any_of, cost__isnull=False, gone_since__isnull=True).exclude(
        cost_currency=""
    )
    told = {
        (supplier_id, service_id): Cost(cost, currency)
        for supplier_id, service_id, cost, currency in rows.order_by().values_list(
            "supplier_id", "service_id", "cost", "cost_currency"
        )
        if cost is not None
    }
    return Costs(rates_now(), told)


def rates_now() -> dict[str, Decimal]:
    """What one unit of each currency is worth in the shop's own, which is worth one of itself."""
    base = settings.DEFAULT_CURRENCY
    found = dict(CostRate.objects.filter(base=base).values_list("currency", "rate"))
    return {**found, base: Decimal(1)}
