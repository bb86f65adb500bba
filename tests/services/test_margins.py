"""Prices proposed from costs: exact, never below the cost, written only when staff take them over."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.models import Category, CostRate, MarginRule, Offer, ServicePrice, SupplierService
from services.pricing import proposing
from services.pricing.costs import Cost, Costs
from services.pricing.margins import proposed
from tests import factories
from unlockshop.kernel.money import EXPONENTS, Money, MoneyError

D = Decimal


def rule(currency="EUR", **changes) -> MarginRule:
    return MarginRule(currency=currency, **{name: D(value) for name, value in changes.items()})


@pytest.mark.parametrize(
    ("cost", "margin", "price"),
    [
        ("10", {}, "10.00"),
        ("10", {"percent": "35"}, "13.50"),
        ("10", {"percent": "35", "fixed": "0.01"}, "13.51"),
        ("10.001", {}, "10.01"),
        ("12.30", {"step": "1", "ending": "0.90"}, "12.90"),
        ("12.90", {"step": "1", "ending": "0.90"}, "12.90"),
        ("12.91", {"step": "1", "ending": "0.90"}, "13.90"),
        ("0.10", {"step": "1", "ending": "0.90"}, "0.90"),
        ("0.91", {"step": "5", "ending": "4.95"}, "4.95"),
        ("5", {"step": "5", "ending": "4.95"}, "9.95"),
        ("7", {"percent": "33.333", "step": "0.50"}, "9.50"),
        ("0", {}, "0.00"),
    ],
)
def test_margins(cost, margin, price):
    assert proposed(D(cost), rule(**margin)) == Money(D(price), "EUR")


def test_currencies_without_cents():
    assert proposed(D("1000.2"), rule("JPY", percent="10")) == Money(D(1101), "JPY")
    assert proposed(D("1000.2"), rule("JPY", step="100", ending="80")) == Money(D(1080), "JPY")


def digits(places: int, *, least: int = 0, most: int = 10**8) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(lambda number: D(number).scaleb(-places))


@st.composite
def margins(draw: st.DrawFn) -> MarginRule:
    """Any rule that the database takes."""
    step = draw(st.none() | digits(3, least=1, most=500_000))
    ending = D(0) if step is None else D(draw(st.integers(0, int(step * 1000) - 1))).scaleb(-3)
    currency = draw(st.sampled_from(sorted(EXPONENTS)))
    return MarginRule(currency=currency, percent=draw(digits(3)), fixed=draw(digits(3)), step=step, ending=ending)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    margin=margins(), cost=digits(6, most=10**11), paid_in=st.sampled_from(sorted(EXPONENTS)),
    rate=digits(8, least=10**4, most=10**12), other=digits(8, least=10**4, most=10**12),
)  # fmt: skip
def test_a_proposed_price_is_never_below_the_cost(margin, cost, paid_in, rate, other):
    costs = Costs({margin.currency: rate, paid_in: rate if paid_in == margin.currency else other})
    offer = Offer(cost=cost, cost_currency=paid_in)
    converted = costs.converted(costs.of(offer), margin.currency)
    assert converted is not None

    try:
        price = proposed(converted, margin)
    except MoneyError:
        assert converted * (1 + margin.percent / 100) + margin.fixed > 10**9, "only what no price can be is refused"
        return

    assert price.amount >= converted
    assert price.amount * costs.rates[margin.currency] >= cost * costs.rates[paid_in], "exactly, without the division"
    assert not costs.exceeds(offer, price)


def test_costs_are_compared_exactly_and_only_where_rates_are_known():
    costs = Costs({"EUR": D(1), "USD": D("0.9")})
    offer = Offer(cost=D(10), cost_currency="USD")
    assert not costs.exceeds(offer, Money(D(9), "EUR"))
    assert costs.exceeds(offer, Money(D("8.99"), "EUR"))
    assert not costs.exceeds(offer, Money(D(1), "GBP"))
    assert not costs.exceeds(Offer(cost=D(10), cost_currency="GBP"), Money(D(1), "EUR"))
    assert costs.converted(Cost(D(1), "GBP"), "EUR") is None


def seen(*services) -> dict[int, str]:
    found = proposing.by_service(proposing.propose([service.pk for service in services]))
    return {pk: proposing.version_of(proposals) for pk, proposals in found.items()}


def prices(service) -> dict[str, Decimal]:
    return {price.currency: price.amount for price in service.prices.filter(option="")}


@pytest.mark.django_db
def test_prices_are_proposed_in_the_currencies_that_a_service_has():
    service = factories.make_service()
    ServicePrice.objects.create(service=service, currency="USD", amount=D(1))
    ServicePrice.objects.create(service=service, currency="GBP", amount=D(1))
    ServicePrice.objects.create(service=service, currency="EUR", option="amount=20", amount=D(30))
    CostRate.objects.create(currency="USD", rate=D("0.8"))
    MarginRule.objects.create(currency="EUR", percent=50)
    MarginRule.objects.create(currency="USD", percent=100, step=1, ending=D("0.90"))

    found = {each.currency: each for each in proposing.propose([service.pk])}
    written, stale = proposing.take_over(seen(service))

    assert {name: str(each.price) for name, each in found.items()} == {
        "EUR": "15.00 EUR",
        "USD": "25.90 USD",
        "GBP": "None",
    }
    assert "no cost rate between EUR and GBP" in found["GBP"].problem
    assert found["USD"].is_below_cost
    assert (len(written), stale) == (2, [])
    assert prices(service) == {"EUR": D(15), "USD": D("25.90"), "GBP": D(1)}
    assert service.prices.get(option="amount=20").amount == D(30)


@pytest.mark.django_db
def test_the_dearest_active_offer_counts_at_what_the_supplier_asks_now():
    service = factories.make_service()
    first = service.offers.get()
    Offer.objects.create(
        service=service, supplier=factories.make_supplier(), supplier_service_id="2", cost=12, cost_currency="EUR"
    )
    Offer.objects.create(
        service=service,
        supplier=first.supplier,
        supplier_service_id="3",
        cost=99,
        cost_currency="EUR",
        is_active=False,
    )
    MarginRule.objects.create(currency="EUR")
    assert str(proposing.propose([service.pk])[0].price) == "12.00 EUR"

    SupplierService.objects.create(
        supplier=first.supplier, service_id=first.supplier_service_id, cost=D("14.001"), cost_currency="EUR"
    )

    assert str(proposing.propose([service.pk])[0].price) == "14.01 EUR"


@pytest.mark.django_db
def test_a_categorys_rule_goes_first_and_a_service_without_price_gets_one_in_the_shops_currency():
    service = factories.make_service()
    service.prices.all().delete()
    MarginRule.objects.create(currency="EUR", percent=10)
    assert str(proposing.propose([service.pk])[0].price) == "11.00 EUR"
    MarginRule.objects.create(currency="EUR", percent=20, category=service.category)
    MarginRule.objects.create(currency="EUR", percent=90, category=Category.objects.create(slug="x", name="x"))

    proposing.take_over(seen(service))

    assert prices(service) == {"EUR": D(12)}


@pytest.mark.django_db
def test_a_proposal_that_has_changed_since_it_was_seen_is_not_written():
    service, other = factories.make_service(), factories.make_service()
    margin = MarginRule.objects.create(currency="EUR", percent=10)
    shown = seen(service, other)
    service.offers.update(cost=11)

    written, stale = proposing.take_over(shown)

    assert ([each.service for each in written], stale) == ([other], [service])
    assert prices(service) == {"EUR": D("18.90")}
    margin.delete()
    assert proposing.propose([service.pk])[0].problem == "no margin rule in EUR"
    service.offers.update(is_active=False)
    assert proposing.propose([service.pk])[0].problem == "no active offer"


@pytest.mark.django_db
def test_many_services_cost_few_queries(django_assert_num_queries):
    services = [factories.make_service() for _n in range(30)]
    MarginRule.objects.create(currency="EUR")

    with django_assert_num_queries(6):
        assert len(proposing.propose([service.pk for service in services])) == 30


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        {"percent": -1},
        {"fixed": -1},
        {"step": 0},
        {"step": -1},
        {"ending": 1},
        {"step": 1, "ending": 1},
        {"ending": -1},
    ],
)
def test_the_database_refuses_margins_that_could_go_below_cost(values):
    with pytest.raises(IntegrityError), transaction.atomic():
        MarginRule.objects.create(currency="EUR", **values)


@pytest.mark.django_db
def test_one_rule_for_all_and_sane_rates():
    MarginRule.objects.create(currency="EUR")
    for make in (
        lambda: MarginRule.objects.create(currency="EUR"),
        lambda: CostRate.objects.create(currency="USD", rate=0),
        lambda: CostRate.objects.create(currency="EUR", rate=1),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            make()
