"""A setting that names an adapter which is not there stops the start, not the first paid order."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks


def complaints() -> list[str]:
    return [error.msg for error in run_checks() if error.id == "unlockshop.E001"]


def test_the_adapters_of_the_shop_load():
    assert complaints() == []


@pytest.mark.parametrize("setting", ["SUPPLIER_ADAPTERS", "PAYMENT_PROVIDERS", "MAIL_TRANSPORT"])
def test_an_adapter_that_is_not_there_is_named(settings, setting):
    path = "services.suppliers.dhru.NoSuchClient"
    setattr(settings, setting, path if setting == "MAIL_TRANSPORT" else {"other": path})

    (complaint,) = complaints()

    assert complaint.startswith(setting)
    assert "NoSuchClient" in complaint


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, None),
        ({"CURRENCIES": ["EUR", "XXX"]}, "'XXX' is no currency that the shop knows"),
        ({"CURRENCIES": ["EUR", "usd"]}, "'usd' is no currency"),
        ({"CURRENCIES": ["EUR", "USD", "EUR"]}, "twice"),
        ({"CURRENCIES": ["USD"]}, "DEFAULT_CURRENCY: 'EUR' is not among CURRENCIES"),
        ({"CURRENCIES": []}, "is not among CURRENCIES"),
        (
            {
                "CURRENCIES": ["EUR", "KWD"],
                "PAYMENT_PROVIDERS": {"paypal": "payments.providers.paypal.PayPalProvider"},
            },
            "no payment provider of this shop takes KWD",
        ),
    ],
)
def test_the_offered_currencies_are_known_and_can_be_paid(settings, changes, complaint):
    for name, value in changes.items():
        setattr(settings, name, value)

    found = [error.msg for error in run_checks() if error.id in {"unlockshop.E002", "unlockshop.E003"}]

    assert len(found) == (1 if complaint else 0)
    assert complaint is None or complaint in found[0]
