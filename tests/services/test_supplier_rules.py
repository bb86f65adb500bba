"""A supplier's address and dialect are checked wherever a row is saved: the row itself, staff page, command."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.forms import model_to_dict

from services.forms import SupplierForm
from services.models import Supplier
from services.suppliers.registry import client_for
from tests import factories

pytestmark = pytest.mark.django_db
REFUSED = ["http://panel.example.com/", "https://10.0.0.1/", "https://169.254.169.254/", "https://127.0.0.1/",
           "https://2130706433/", "https://panel.example.com:22/", "https://a:b@panel.example.com/"]  # fmt: skip


@pytest.fixture(autouse=True)
def no_loopback(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SUPPLIERS_ALLOW_LOOPBACK = False
    monkeypatch.setenv("SUPPLIER_API_KEY", "K-1")


def resolving(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)


def form(**changes: Any) -> SupplierForm:
    defaults = {name: value for name, value in model_to_dict(Supplier()).items() if value not in {None, False}}
    data = {"slug": "acme", "name": "Acme", "adapter": "dhru", "url": "https://8.8.8.8/", "new_api_key": "k"}
    return SupplierForm({**defaults, **data, **changes})


def set_supplier(*arguments: str) -> None:
    call_command("supplier_set", "acme", "--name=Acme", "--adapter=dhru", *arguments)


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_is_checked_in_three_places(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Supplier(slug="acme", name="Acme", adapter="dhru", url=url).full_clean()
    assert list(caught.value.message_dict) == ["url"]
    assert "url" in form(url=url).errors
    with pytest.raises(CommandError, match=r"url: .*refused"):
        set_supplier(f"--url={url}")
    assert not Supplier.objects.exists()


def test_a_name_that_points_into_our_network(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "192.168.7.7")
    assert "url" in form(url="https://panel.example.com/").errors
    with pytest.raises(CommandError, match="not on the public internet"):
        set_supplier("--url=https://panel.example.com/")
    resolving(monkeypatch, "8.8.8.8")
    assert form(url="https://panel.example.com/").errors == {}
    set_supplier("--url=https://panel.example.com/")
    assert Supplier.objects.get().url == "https://panel.example.com/"


def test_another_host_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    set_supplier("--url=https://8.8.8.8/")
    monkeypatch.delenv("SUPPLIER_API_KEY")
    set_supplier("--url=https://8.8.8.8/other")
    with pytest.raises(CommandError, match="another host"):
        set_supplier("--url=https://9.9.9.9/")
    assert Supplier.objects.get().url == "https://8.8.8.8/other"


def test_a_dialect_is_one_of_the_adapters(settings: Any) -> None:
    assert "dialect" in form(dialect="odd").errors
    with pytest.raises(CommandError, match=r"dialect: .*xml, b64json, json"):
        set_supplier("--url=https://8.8.8.8/", "--dialect=odd")
    set_supplier("--url=https://8.8.8.8/", "--dialect=b64json")
    saved = form(dialect="json", slug="other")
    assert saved.errors == {}
    assert saved.save().dialect == "json"
    settings.SUPPLIER_ADAPTERS = {"dhru": "tests.helpers.suppliers.ScriptedClient"}
    assert "dialect" in form(dialect="xml", slug="third").errors


def test_the_dialect_reaches_the_adapter(settings: Any) -> None:
    settings.SUPPLIER_ADAPTERS = {"scripted": "tests.helpers.suppliers.ScriptedClient"}
    supplier = factories.make_supplier(adapter="scripted", dialect="json")
    assert client_for(supplier).endpoint.dialect == "json"  # type: ignore[attr-defined]
