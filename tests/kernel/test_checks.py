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
