"""Orders of the shop bought through each protocol of the demo supplier, and what its wires say to strangers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests

from orders import advancing
from orders.models import Order, SupplierExchange
from orders.states import AttemptOutcome, HoldReason, OrderState
from tests import factories
from tests.helpers.processes import running_supplier
from unlockshop.demo.run_plan import CHECKS_SERVICES, CODES_SERVICES, Plan, Ports
from unlockshop.demo.run_secrets import Secrets
from unlockshop.demo.supplier import example_imei
from unlockshop.demo.supplier_store import Store
from unlockshop.kernel import clock

KEY = "DEMO-KEY"
PROTOCOLS = {
    "dhru": ("/api/index.php", "1031", True),
    "unlockbase": ("/xml/api/v3", "1031", True),
    "rest_check": ("/v1", "1064", False),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("supplier") / "supplier.sqlite3"


@pytest.fixture(scope="module")
def panel(store: Path) -> Iterator[str]:
    with running_supplier(store.parent, "--fast-seconds", "0.01", "--hang-seconds", "1") as url:
        yield url


def paid(panel: str, adapter: str, imei: str) -> Order:
    path, service_id, finds = PROTOCOLS[adapter]
    supplier = factories.make_supplier(
        adapter=adapter, url=panel + path, username="demo", api_key=KEY, finds_by_reference=finds, settle_seconds=0,
        poll_seconds=1,
    )  # fmt: skip
    service = factories.make_service(supplier=supplier)
    service.offers.update(supplier_service_id=service_id)
    return factories.make_order(service=service, imeis=(imei,))


def advanced(order: Order, *, minutes: int) -> Order:
    with clock.frozen(clock.now() + timedelta(minutes=minutes)):
        advancing.advance(order.pk)
    order.refresh_from_db()
    return order


def bought(store: Path, imei: str) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(store)) as book:
        return list(book.execute("SELECT panel, reference FROM orders WHERE imei = ?", (imei,)))


@pytest.mark.django_db(transaction=True)
class TestOrders:
    @pytest.mark.parametrize("adapter", PROTOCOLS)
    def test_an_order_is_bought_and_its_result_delivered(self, panel: str, store: Path, adapter: str) -> None:
        imei = example_imei("10", list(PROTOCOLS).index(adapter))
        order = paid(panel, adapter, imei)
        assert advanced(order, minutes=0).state == OrderState.IN_PROCESS
        assert advanced(order, minutes=5).state == OrderState.COMPLETED
        assert ("NCK: " if adapter != "rest_check" else f"IMEI: {imei}\nModel: ") in order.result
        assert bought(store, imei) == [(adapter, "" if adapter == "rest_check" else f"{order.number}-1")]
        told = [repr((row.request, row.response)) for row in SupplierExchange.objects.all()]
        assert len(told) == 2
        assert KEY not in "".join(told)

    @pytest.mark.parametrize("adapter", PROTOCOLS)
    def test_delivered_but_unavailable_is_no_result(self, panel: str, adapter: str) -> None:
        order = paid(panel, adapter, example_imei("81", 10 + list(PROTOCOLS).index(adapter)))
        advanced(order, minutes=0)
        assert advanced(order, minutes=5).state == OrderState.UNAVAILABLE
        assert order.result == ""

    def test_a_lost_answer_is_found_by_its_comments(self, panel: str, store: Path) -> None:
        imei = example_imei("85", 20)
        order = paid(panel, "unlockbase", imei)
        assert advanced(order, minutes=0).state == OrderState.UNCERTAIN
        assert advanced(order, minutes=1).state == OrderState.IN_PROCESS
        assert order.supplier_attempts.get().outcome == AttemptOutcome.ADOPTED
        assert len(bought(store, imei)) == 1

    def test_a_lost_answer_of_a_check_waits_for_staff(self, panel: str, store: Path) -> None:
        """Nothing in that protocol carries our reference: never bought again, never given up by itself."""
        imei = example_imei("85", 21)
        order = paid(panel, "rest_check", imei)
        assert advanced(order, minutes=0).state == OrderState.UNCERTAIN
        assert advanced(order, minutes=1).state == OrderState.ON_HOLD
        assert order.hold_reason == HoldReason.UNCERTAIN_PURCHASE
        assert len(bought(store, imei)) == 1

    def test_a_check_done_at_once_outlives_the_worker_that_heard_it(self, panel: str) -> None:
        """The answer to the order held the result; another worker, which never saw it, delivers it."""
        order = paid(panel, "rest_check", example_imei("10", 22))
        advanced(order, minutes=0)
        placed = SupplierExchange.objects.get(purpose="place")
        assert '"status": "successful"' in placed.response
        SupplierExchange.objects.all().delete()
        assert advanced(order, minutes=5).state == OrderState.COMPLETED
        assert "Blacklist status: Clean" in order.result


class TestWires:
    def test_strangers_get_nothing(self, panel: str) -> None:
        for key in ("", "x", "é"):
            xml = requests.post(f"{panel}/xml/api/v3", {"Key": key, "Action": "AccountInfo"}, timeout=5)
            assert xml.text.endswith("<API><Error>Invalid API key</Error></API>\n")
            rest = requests.get(f"{panel}/v1/account", headers={"Authorization": f"Bearer {key}".encode()}, timeout=5)
            assert (rest.status_code, rest.json()) == (401, {"message": "Unauthenticated."})

    @pytest.mark.parametrize("body", ["", "[]", "{", "7", '{"deviceId":1,"serviceId":2}', "[" * 100_000])
    def test_orders_that_are_none(self, panel: str, body: str) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = requests.post(f"{panel}/v1/checks", body, headers=headers, timeout=5)
        assert answer.status_code == 422

    def test_panels_do_not_see_each_others_orders(self, panel: str) -> None:
        form = {"Key": KEY, "Action": "PlaceOrder", "Tool": "1031", "IMEI": example_imei("10", 30), "Comments": "a<b"}
        order_id = ET.fromstring(requests.post(f"{panel}/xml/api/v3", form, timeout=5).text).findtext("ID")
        headers = {"Authorization": f"Bearer {KEY}"}
        assert requests.get(f"{panel}/v1/checks/chk-{order_id}", headers=headers, timeout=5).status_code == 404
        listed = ET.fromstring(
            requests.post(f"{panel}/xml/api/v3", {"Key": KEY, "Action": "GetOrders"}, timeout=5).text
        )
        mine = [order for order in listed if order.findtext("ID") == order_id]
        assert [order.findtext("Comments") for order in mine] == ["a<b"]
        assert {order.findtext("Tool") for order in listed} == {"1031"}

    def test_paths_and_methods_that_are_none(self, panel: str) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        for method, path in (("POST", "account"), ("GET", "checks"), ("POST", "checks/chk-700001")):
            assert requests.request(method, f"{panel}/v1/{path}", headers=headers, timeout=5).status_code == 404
        assert requests.get(f"{panel}/v2/account", timeout=5).status_code == 404
        assert requests.get(f"{panel}/xml/api/v3", timeout=5).status_code == 404

    def test_a_store_from_before_there_were_panels(self, tmp_path: Path) -> None:
        path = tmp_path / "old.sqlite3"
        Store(path).close()
        with closing(sqlite3.connect(path)) as book:
            book.execute("ALTER TABLE orders DROP COLUMN panel")
            book.commit()
        store = Store(path)
        assert store.of_panel("dhru") == []
        store.close()


def test_the_demo_buys_some_services_by_every_protocol(tmp_path: Path) -> None:
    secrets: dict[str, Any] = dict.fromkeys(Secrets.__dataclass_fields__, "x")
    steps = Plan(data=tmp_path, ports=Ports(8000), secrets=Secrets(**secrets)).steps()
    commands = [" ".join(map(str, step.command)) for step in steps]
    assert len({step.title for step in steps}) == len(steps)
    for adapter, (path, _service, _finds) in PROTOCOLS.items():
        (setting,) = (text for text in commands if f"--adapter {adapter} " in text)
        assert f"--url http://127.0.0.1:8001{path} " in setting
    (loading,) = (text for text in commands if "catalogue_load" in text)
    assert all(slug in loading for slug in (*CODES_SERVICES, *CHECKS_SERVICES))
