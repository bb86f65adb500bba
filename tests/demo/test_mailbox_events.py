"""What the demo mailbox tells the shop of its mails, held to the real library's verification."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader

from tests.demo.test_bank import Bank, wait_for
from tests.demo.test_mailbox import client, mail
from unlockshop.demo.mail_events import PRESSED, public_key

SEED = "a seed"


class Shop:
    """Takes posts whose signature the library finds good."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        shop = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                signature = self.headers[EventWebhookHeader.SIGNATURE]
                good = EventWebhook(public_key(SEED)).verify_signature(
                    body, signature, self.headers[EventWebhookHeader.TIMESTAMP]
                )
                if good and self.headers["Content-Type"] == "application/json":
                    shop.events += json.loads(body)
                self.send_response(200 if good else 400)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/sendgrid/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def kinds_of(self, to: str) -> list[str]:
        return [event["event"] for event in list(self.events) if event["email"] == to]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Bank]:
    options = ("--mail-webhook-url", shop.url, "--mail-webhook-seed", SEED)
    made = Bank(tmp_path_factory.mktemp("mailbox"), "http://127.0.0.1:9/webhooks/stripe/", *options)
    yield made
    assert made.stop() == 0


def test_every_mail_that_is_taken_is_delivered(bank: Bank, shop: Shop) -> None:
    client(bank).send(mail("one@example.test"))

    assert wait_for(lambda: shop.kinds_of("one@example.test")) == ["processed", "delivered"]
    told = [event for event in shop.events if event["email"] == "one@example.test"]
    assert {event["order_id"] for event in told} == {"7"}
    assert len({event["sg_event_id"] for event in told}) == 2


@pytest.mark.parametrize("button", PRESSED)
def test_a_button_lets_it_happen(bank: Bank, shop: Shop, button: str) -> None:
    to = f"{button}@example.test"
    client(bank).send(mail(to))
    number = requests.get(f"{bank.url}/mailbox.json?to={to}", timeout=5).json()[0]["id"]
    assert f'action="/mailbox/{number}/{button}"' in requests.get(f"{bank.url}/mailbox/{number}", timeout=5).text

    said = requests.post(f"{bank.url}/mailbox/{number}/{button}", timeout=5)

    assert 'role="status"' in said.text
    wait_for(lambda: PRESSED[button]["event"] in shop.kinds_of(to))


def test_unknown_buttons_and_mails_are_refused(bank: Bank) -> None:
    assert requests.post(f"{bank.url}/mailbox/1/burn", timeout=5).status_code == 404
    assert requests.post(f"{bank.url}/mailbox/999999/bounce", timeout=5).status_code == 404


@pytest.mark.parametrize("options", [["--mail-webhook-seed", "x"], ["--mail-webhook-url", "http://shop.example/"]])
def test_half_an_address_or_a_foreign_one_is_refused(tmp_path: Path, options: list[str]) -> None:
    more = [] if "--mail-webhook-seed" in options else ["--mail-webhook-seed", "x"]
    command = [
        *(sys.executable, "-m", "unlockshop.demo.bank", "--store", str(tmp_path / "b.sqlite3")),
        *("--stripe-key", "sk_test", "--sendgrid-key", "SG.x", "--webhook-secret", "whsec"),
        *("--webhook-url", "http://127.0.0.1:9/", *options, *more),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert "mail" in ended.stderr
