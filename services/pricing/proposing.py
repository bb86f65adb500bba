"""Prices that the margin rules propose for services, and taking them over. Nothing is priced by itself.

The cost that counts is that of the dearest active offer: an order may go to any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from services.models import MarginRule, Offer, Service, ServicePrice
from services.pricing.costs import Cost, Costs, costs_of
from services.pricing.margins import proposed
from unlockshop.kernel.money import Money, MoneyError


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one price is and what it should be. ``problem`` says why nothing is proposed."""

    service: Service
    currency: str
    now: Money | None
    cost: Decimal | None = None
    price: Money | None = None
    problem: str = ""

    @property
    def is_change(self) -> bool:
        """Whether there is a price to take over that differs."""
        return self.price is not None and (self.now is None or self.price.amount != self.now.amount)

    @property
    def is_below_cost(self) -> bool:
        """Whether it is sold below its cost today."""
        return self.now is not None and self.cost is not None and self.now.amount < self.cost


def propose(service_ids: Iterable[int]) -> list[Proposal]:
    """For each service and each currency it has an ordinary price in, or the shop's own where it has none.

    A constant number of queries. Prices of options (a top-up's amounts) are left alone: no cost tells them.
    """
    services = list(Service.objects.filter(pk__in=list(service_ids)).order_by("name").prefetch_related("prices"))
    offers: dict[int, list[Offer]] = {service.pk: [] for service in services}
    for offer in Offer.objects.filter(service__in=services, is_active=True, supplier__is_active=True):
        offers[offer.service_id].append(offer)
    costs = costs_of(offer for some in offers.values() for offer in some)
    rules = {(rule.category_id, rule.currency): rule for rule in MarginRule.objects.all()}
    found = []
    for service in services:
        ordinary = {price.currency: price.money for price in service.prices.all() if not price.option}
        for currency in sorted(ordinary) or [settings.DEFAULT_CURRENCY]:
            rule = rules.get((service.category_id, currency)) or rules.get((None, currency))
            begun = Proposal(service, currency, ordinary.get(currency))
            found.append(_finished(begun, [costs.of(offer) for offer in offers[service.pk]], costs, rule))
    return found


def _finished(begun: Proposal, paid: Sequence[Cost], costs: Costs, rule: MarginRule | None) -> Proposal:
    """The proposal with its cost and price, or with what is in the way. ``paid`` is what the active offers cost."""
    if not paid:
        return replace(begun, problem=_("no active offer"))
    converted = [costs.converted(cost, begun.currency) for cost in paid]
    known = [amount for amount in converted if amount is not None]
    if len(known) < len(paid):
        names = ", ".join(sorted({cost.currency for cost in paid} - {begun.currency}))
        return replace(
            begun,
            problem=_("no cost rate between %(names)s and %(currency)s")
            % {"names": names, "currency": begun.currency},
        )
    found = replace(begun, cost=max(known))
    if rule is None:
        return replace(found, problem=_("no margin rule in %(name)s") % {"name": begun.currency})
    try:
        return replace(found, price=proposed(max(known), rule))
    except MoneyError as error:
        return replace(found, problem=str(error))


def version_of(proposals: Iterable[Proposal]) -> str:
    """What a person has seen of a service's proposals; changes with any of them."""
    told = [f"{each.currency} {each.now and each.now.amount} {each.price and each.price.amount}" for each in proposals]
    return sha256("; ".join(told).encode()).hexdigest()[:16]


def take_over(seen: Mapping[int, str]) -> tuple[list[Proposal], list[Service]]:
    """Write the proposed prices of services as a person has ``seen`` them (``version_of`` by service id).

    Returns what was written, and the services whose proposals have changed since: their prices stay as they are.
    """
    written: list[Proposal] = []
    stale: list[Service] = []
    with transaction.atomic():
        list(Service.objects.filter(pk__in=seen).order_by("pk").select_for_update().values_list("pk", flat=True))
        for service_id, proposals in by_service(propose(seen)).items():
            if version_of(proposals) != seen[service_id]:
                stale.append(proposals[0].service)
                continue
            for proposal in proposals:
                if proposal.is_change and proposal.price is not None:
                    _write(proposal, proposal.price)
                    written.append(proposal)
    return written, stale


def by_service(proposals: Iterable[Proposal]) -> dict[int, list[Proposal]]:
    """Proposals by service id."""
    found: dict[int, list[Proposal]] = {}
    for proposal in proposals:
        found.setdefault(proposal.service.pk, []).append(proposal)
    return found


def _write(proposal: Proposal, price: Money) -> None:
    ServicePrice.objects.update_or_create(
        service=proposal.service, currency=proposal.currency, option="", defaults={"amount": price.amount}
    )
