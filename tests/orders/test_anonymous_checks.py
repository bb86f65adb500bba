"""A supplier learns a check's device and nothing about the customer (DSIM-CHECK-DEF-4), by a real panel's books."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from orders import advancing
from orders.models import SupplierExchange
from orders.states import OrderState
from tests import factories
from tests.helpers.checks import check_service
from tests.helpers.processes import running_supplier

pytestmark = pytest.mark.django_db


def test_a_check_tells_its_device_and_nothing_about_the_customer(tmp_path: Path) -> None:
    with running_supplier(tmp_path) as url:
        supplier = factories.make_supplier(url=f"{url}/api/index.php", username="demo", api_key="DEMO-KEY")
        service = check_service(supplier=supplier)
        service.offers.update(supplier_service_id="1067", cost="0.01")
        order = factories.make_order(OrderState.PAID, service=service)

        advancing.advance(order.pk)

        order.refresh_from_db()
        assert order.state == OrderState.IN_PROCESS
    sent = unquote_plus(SupplierExchange.objects.get(purpose="place").request)
    with sqlite3.connect(tmp_path / "supplier.sqlite3") as connection:
        kept = "\n".join(connection.iterdump())
    purchase = order.purchase
    assert factories.IMEI in kept
    for secret in (factories.ADA, "192.0.2.7", purchase.number, purchase.secret, order.secret):
        for text in (sent, kept):
            assert secret not in text
            assert base64.b64encode(secret.encode()).decode().rstrip("=") not in text
