"""The contract of the supplier port, held against every adapter and the demo supplier that speaks its protocol."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from services.suppliers.dhru import DhruClient
from services.suppliers.rest_check import RestCheckClient
from services.suppliers.unlockbase import UnlockBaseClient
from tests.helpers.processes import running_supplier
from tests.services.recordings.server import ScriptedServer, scripted
from tests.services.supplier_contract import (
    HANG,
    CancelsOrders,
    FindsOrders,
    ListsRecentOrders,
    Panel,
    SupplierContract,
    TellsManyStatuses,
)

SCRIPT = "NCK: 12345678<br><script>alert(1)</script><img src=x onerror=alert(1)> DEMO-KEY"


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("supplier")
    speeds = ("--fast-seconds", "0.2", "--slow-seconds", "60", "--hang-seconds", str(HANG))
    with running_supplier(folder, *speeds) as url:
        yield Panel(url, folder / "supplier.sqlite3")


@pytest.fixture(scope="module")
def shared_server() -> Iterator[ScriptedServer]:
    with scripted() as running:
        yield running


@pytest.fixture
def server(shared_server: ScriptedServer) -> ScriptedServer:
    shared_server.requests.clear()
    return shared_server


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_every_adapter_is_held_to_the_contract() -> None:
    held = {test.make for test in SupplierContract.__subclasses__()}
    assert held == {import_string(path) for path in settings.SUPPLIER_ADAPTERS.values()}


def dhru_error(message: str) -> tuple[str, bytes]:
    return "200 OK", json.dumps({"ERROR": [{"MESSAGE": message}], "apiversion": "6.1"}).encode()


class TestDhru(SupplierContract, FindsOrders, TellsManyStatuses):
    make = DhruClient
    path = "/api/index.php"
    service_id, cost, currency = "1001", Decimal("11.34"), "EUR"
    accepted = b'{"SUCCESS":[{"MESSAGE":"Order received","REFERENCEID":"7"}]}'
    refusals = {
        "auth": dhru_error("Authentication Failed"),
        "ip": dhru_error("Unauthorized IP address 000"),
        "funds": dhru_error("CreditprocessError"),
        "rate": dhru_error("You can request once per 5 minutes"),
        "maintenance": dhru_error("The panel is under maintenance"),
        "duplicate": dhru_error("This IMEI is already pending in this service"),
        "input": dhru_error("Invalid IMEI 000"),
        "service_gone": dhru_error("Service not found or inactive"),
    }
    script_status = json.dumps({"ID": "700001", "SUCCESS": [{"STATUS": 4, "CODE": SCRIPT}]}).encode()
    other_order = b'{"ID":"700002","SUCCESS":[{"STATUS":0,"CODE":""}]}'


def api(inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><API>{inner}</API>'.encode()


def xml_error(text: str) -> tuple[str, bytes]:
    return "200 OK", api(f"<Error>{text}</Error>")


class TestUnlockBase(SupplierContract, FindsOrders, ListsRecentOrders, TellsManyStatuses, CancelsOrders):
    make = UnlockBaseClient
    path = "/xml/api/v3"
    service_id, cost, currency = "1001", Decimal("11.34"), ""
    accepted = api("<Success>Your order has been placed</Success><ID>7</ID>")
    refusals = {
        "auth": xml_error("Invalid API key"),
        "ip": xml_error("This IP address is not allowed: 000"),
        "funds": xml_error("Not enough credits"),
        "rate": xml_error("Too many requests"),
        "maintenance": xml_error("The API is under maintenance"),
        "duplicate": xml_error("This IMEI has already been ordered"),
        "input": xml_error("Invalid IMEI 000"),
        "service_gone": xml_error("Unknown tool"),
    }
    script_status = api(
        "<Order><ID>700001</ID><IMEI>1</IMEI><Status>Delivered</Status><Available>True</Available>"
        f"<Codes><![CDATA[{SCRIPT}]]></Codes></Order>"
    )
    other_order = api("<Order><ID>700002</ID><Status>Waiting</Status><Available>False</Available></Order>")


def rest_error(status: str, message: str, **more: Any) -> tuple[str, bytes]:
    return status, json.dumps({"message": message, **more}).encode()


class TestRestCheck(SupplierContract):
    make = RestCheckClient
    path = "/v1"
    service_id, cost, currency = "1064", Decimal("0.05"), "EUR"
    accepted = b'{"type":"api","status":"successful","properties":{"model":"x"},"id":"chk-7"}'
    refusals = {
        "auth": rest_error("401 Unauthorized", "Unauthenticated."),
        "ip": rest_error("403 Forbidden", "Not from here: 000", code="ip_not_allowed"),
        "funds": rest_error("402 Payment Required", "Insufficient balance."),
        "rate": rest_error("429 Too Many Requests", "Slow down"),
        "maintenance": rest_error("400 Bad Request", "The API is under maintenance"),
        "duplicate": rest_error("409 Conflict", "Already pending"),
        "input": rest_error("422 Invalid", "Wrong", errors={"deviceId": ["Not 000"]}),
        "service_gone": rest_error(
            "422 Invalid", "Wrong", errors={"serviceId": ["The selected serviceId is invalid."]}
        ),
    }
    script_status = json.dumps(
        {"id": "700001", "status": "successful", "properties": {"a": SCRIPT, "b": "<b>x</b>"}}
    ).encode()
    other_order = b'{"id":"700002","status":"processing"}'

    def book_id(self, supplier_order_id: str) -> int:
        return int(supplier_order_id.removeprefix("chk-"))
