"""Replies from the demo mailbox, held to what the shop's own reader makes of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from django.test import RequestFactory

from orders import sendgrid_inbound
from orders.sendgrid_inbound import InboundNews
from tests.demo.test_bank import Bank, wait_for
from tests.demo.test_mailbox import client, mail


class Shop:
    """Takes posts and reads them as the shop does."""

    def __init__(self) -> None:
        self.mails: list[InboundNews] = []
        shop = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/inbound/word/":
                    made = RequestFactory().post("/", body, content_type=self.headers["Content-Type"])
                    shop.mails.append(sendgrid_inbound.read(made))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Bank]:
    options = ("--mail-webhook-url", f"{shop.url}/events/", "--mail-webhook-seed", "s")
    more = ("--mail-inbound-url", f"{shop.url}/inbound/word/")
    made = Bank(tmp_path_factory.mktemp("replies"), "http://127.0.0.1:9/webhooks/stripe/", *options, *more)
    yield made
    assert made.stop() == 0


def reply(bank: Bank, to: str, **form: str) -> requests.Response:
    client(bank).send(mail(to))
    number = requests.get(f"{bank.url}/mailbox.json?to={to}", timeout=5).json()[0]["id"]
    page = requests.get(f"{bank.url}/mailbox/{number}", timeout=5).text
    assert f'action="/mailbox/{number}/reply"' in page
    return requests.post(f"{bank.url}/mailbox/{number}/reply", data=form, timeout=5)


def test_a_reply_is_a_mail_as_the_shop_reads_it(bank: Bank, shop: Shop) -> None:
    said = reply(bank, "one@example.test", text="Grüße\n\ncancel")

    assert "Your reply is on its way" in said.text
    (found,) = wait_for(lambda: [each for each in shop.mails if each.sender == "one@example.test"])
    assert found.recipients == ("help@example.test",)
    assert found.text.startswith("Grüße")
    assert "> Hello" in found.text
    assert (found.is_automatic, bool(found.message_id), found.spf) == (False, True, "pass")
    assert sendgrid_inbound.is_authentic(found.sender, found.envelope_from, found.spf, found.dkim)


def test_a_machine_and_another_sender(bank: Bank, shop: Shop) -> None:
    reply(bank, "two@example.test", text="away", automatic="on", **{"from": "else@example.test"})

    (found,) = wait_for(lambda: [each for each in shop.mails if each.sender == "else@example.test"])
    assert found.is_automatic


def test_without_an_address_nothing_is_taken(bank: Bank, tmp_path: Path) -> None:
    assert requests.post(f"{bank.url}/mailbox/999999/reply", data={"text": "x"}, timeout=5).status_code == 404
