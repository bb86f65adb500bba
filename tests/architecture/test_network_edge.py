"""The outside world is called outside any transaction: watched at the socket, under the real client libraries."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction

from orders import advancing, mailing
from orders.models import Order, OutgoingMail
from orders.states import AttemptOutcome, OrderState
from payments import collecting, inbox
from payments.models import WebhookDelivery
from services.syncing import fetching
from tests import factories
from tests.helpers.processes import running_supplier
from tests.payments.test_collecting import begun, press
from tests.payments.test_webhook import event, sign
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db(transaction=True)


class Watch:
    """Every connection that was opened or used again: to which port, and whether a transaction was open then."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, bool]] = []

    def note(self, address: Any) -> None:
        self.seen.append((address[1], connection.in_atomic_block))

    def inside(self) -> list[int]:
        return [port for port, is_inside in self.seen if is_inside]

    def calls_to(self, url: str) -> int:
        return sum(port == urlsplit(url).port for port, _inside in self.seen)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    real = socket.socket.connect

    def connect(sock: socket.socket, address: Any) -> None:
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            watch.note(address)
        real(sock, address)

    asks = HTTPConnection.putrequest

    def putrequest(line: HTTPConnection, *args: Any, **kwargs: Any) -> None:
        if line.sock is not None:  # kept open since an earlier call
            watch.note((line.host, line.port))
        asks(line, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(HTTPConnection, "putrequest", putrequest)
    return watch


@pytest.fixture(scope="module")
def supplier_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_supplier(tmp_path_factory.mktemp("supplier"), "--fast-seconds", "0.01") as url:
        yield f"{url}/api/index.php"


def paid_order(url: str) -> Order:
    supplier = factories.make_supplier(
        url=url, username="demo", api_key="DEMO-KEY", finds_by_reference=True, settle_seconds=0, poll_seconds=1
    )
    service = factories.make_service(supplier=supplier)
    service.offers.update(supplier_service_id="1001")
    return factories.make_order(service=service)


def state(order: Order) -> str:
    order.refresh_from_db()
    return order.state


def test_forwarding_and_polling(watch, supplier_url):
    order = paid_order(supplier_url)

    advancing.advance(order.pk)
    assert state(order) == OrderState.IN_PROCESS
    with clock.frozen(clock.now() + timedelta(minutes=5)):
        advancing.advance(order.pk)

    assert state(order) == OrderState.COMPLETED
    assert watch.calls_to(supplier_url) == 2
    assert watch.inside() == []


def test_looking_for_an_uncertain_purchase(watch, supplier_url):
    order = paid_order(supplier_url)
    factories.bring_to(order, OrderState.UNCERTAIN)

    advancing.advance(order.pk)

    assert order.supplier_attempts.get().outcome == AttemptOutcome.UNKNOWN
    assert order.supplier_attempts.get().lookups_absent == 1
    assert watch.calls_to(supplier_url) == 1
    assert watch.inside() == []


def test_fetching_a_catalogue(watch, supplier_url):
    supplier = factories.make_supplier(url=supplier_url, username="demo", api_key="DEMO-KEY")

    fetching.fetch(fetching.ask(supplier.pk, by="sam").pk)

    assert supplier.listed_services.count() > 80
    assert watch.calls_to(supplier_url) == 2
    assert watch.inside() == []


def test_beginning_and_settling_a_payment(watch, bank):
    payment = begun()
    began = watch.calls_to(bank)
    press(payment, "pay")

    assert collecting.settle(payment.pk).state == "captured"

    assert began == 1
    assert watch.calls_to(bank) > began + 1
    assert watch.inside() == []


def test_checking_a_payment_and_processing_its_event(watch, bank, client):
    payment = begun()
    press(payment, "pay")
    body = event(ref=payment.provider_ref)
    client.post("/webhooks/stripe/", body, "application/json", headers={"Stripe-Signature": sign(body)})
    unpaid = begun()
    before = watch.calls_to(bank)

    inbox.process(WebhookDelivery.objects.get().pk)
    with clock.frozen(clock.now() + timedelta(minutes=5)):
        collecting.check(unpaid.pk)

    assert watch.calls_to(bank) == before + 2
    assert watch.inside() == []


def test_sending_a_mail_and_asking_about_one(watch, bank):
    mail = OutgoingMail.objects.get(purchase=factories.make_purchase(paid=True))
    mailing.deliver(mail.pk)
    lost = OutgoingMail.objects.get(purchase=factories.make_purchase(paid=True))
    OutgoingMail.objects.filter(pk=lost.pk).update(send_started_at=clock.now() - timedelta(days=1))
    mailing.deliver(lost.pk)

    mail.refresh_from_db()
    lost.refresh_from_db()
    assert mail.sent_at is not None
    assert lost.last_error == "was not sent"
    assert watch.calls_to(bank) == 2
    assert watch.inside() == []


def test_a_call_inside_a_transaction_would_be_seen(watch, bank):
    payment = begun()

    with transaction.atomic():
        press(payment, "pay")

    assert watch.inside() == [urlsplit(bank).port]
