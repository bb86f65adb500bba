"""Money is exact in every currency, and refuses what it cannot express."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from unlockshop.kernel.money import EXPONENTS, Money, MoneyError, from_minor, name_of, rounded, step_of, zero


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("18.90", "EUR", 1890), ("500", "JPY", 500), ("1.234", "KWD", 1234), ("0.1", "USD", 10), ("-3.5", "EUR", -350)],
)
def test_minor_units_are_exact_both_ways(amount, currency, minor):
    money = Money(Decimal(amount), currency)

    assert money.minor == minor
    assert from_minor(minor, currency.lower()) == money


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(-(10**12), 10**12))
def test_minor_units_round_trip_in_every_currency(currency, minor):
    assert from_minor(minor, currency).minor == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        (Decimal("1.001"), "EUR"), (Decimal("0.5"), "JPY"), (Decimal("NaN"), "EUR"), (Decimal("Infinity"), "EUR"),
        (Decimal(1), "XXX"), (Decimal(1), "eur"), (0.1, "EUR"), (Decimal("1e309"), "EUR"), (Decimal("1e15"), "EUR"),
    ],
)  # fmt: skip
def test_what_money_cannot_be_is_an_error(amount, currency):
    with pytest.raises(MoneyError):
        Money(amount, currency)


@pytest.mark.parametrize("minor", [True, 1.0, "100", None])
def test_minor_units_are_integers(minor):
    with pytest.raises(MoneyError):
        from_minor(minor, "EUR")


def test_currencies_do_not_mix():
    with pytest.raises(MoneyError):
        Money(Decimal(1), "EUR") + Money(Decimal(1), "USD")


def test_arithmetic():
    one = Money(Decimal("0.10"), "EUR") + Money(Decimal("0.20"), "EUR")
    assert one == Money(Decimal("0.30"), "EUR")
    assert one.times(3) - one == Money(Decimal("0.60"), "EUR")
    assert one + -one == zero("EUR")
    assert rounded(Decimal("0.125"), "EUR") == Money(Decimal("0.13"), "EUR")


@pytest.mark.parametrize(
    ("money", "locale", "text"),
    [
        (Money(Decimal("1234.5"), "EUR"), "en", "€1,234.50"),
        (Money(Decimal("1234.5"), "EUR"), "de", "1.234,50\xa0€"),
        (Money(Decimal(500), "JPY"), "en", "¥500"),
        (Money(Decimal("6.75"), "KWD"), "en", "KWD\xa06.750"),
        (Money(Decimal("-6.75"), "KWD"), "en", "-KWD\xa06.750"),
        (Money(Decimal("6.75"), "KWD"), "de", "6,750\xa0KWD"),
        (Money(Decimal(3180), "JPY"), "ja", "￥3,180"),
        (Money(Decimal("20.9"), "USD"), "pt-br", "US$\xa020,90"),
        (Money(Decimal("20.9"), "USD"), "zh-hans", "US$20.90"),
    ],
)
def test_people_read_it_as_they_write_it(money, locale, text):
    assert money.format(locale) == text


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_nothing_is_rounded_when_it_is_written(currency):
    assert EXPONENTS[currency] == get_currency_precision(currency)


def test_steps_and_names():
    assert [step_of(code) for code in ("EUR", "JPY", "KWD")] == [Decimal("0.01"), Decimal(1), Decimal("0.001")]
    assert (name_of("KWD"), name_of("KWD", "pt-br")) == ("Kuwaiti Dinar", "Dinar kuwaitiano")
