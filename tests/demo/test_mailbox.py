"""The demo mailbox, filled by the real sendgrid library."""

from __future__ import annotations

import json
import sqlite3
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from python_http_client import exceptions
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Category, CustomArg, Mail, ReplyTo, To

from tests.demo.test_bank import MAIL_KEY, Bank

SHOP = "http://127.0.0.1:9/webhooks/stripe/"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    made = Bank(tmp_path_factory.mktemp("mailbox"), SHOP)
    yield made
    assert made.stop() == 0


def client(bank: Bank, key: str = MAIL_KEY) -> SendGridAPIClient:
    """The real library, pointed at the mailbox."""
    made = SendGridAPIClient(key, host=bank.url)
    made.client.timeout = 5
    return made


def mail(to: str = "buyer@example.test", subject: str = "Your order") -> Mail:
    """A mail such as the shop sends."""
    made = Mail(
        from_email=("shop@example.test", "Shop"),
        to_emails=To(to, "Buyer"),
        subject=subject,
        plain_text_content='Hello <you>, see http://127.0.0.1:8000/o/1?a=1&b="2 (or https://example.test/x).',
        html_content="<h1>Hello</h1><script>alert(1)</script>",
    )
    made.add_category(Category("order-confirmation"))
    made.add_custom_arg(CustomArg("order_id", "7"))
    made.reply_to = ReplyTo("help@example.test")
    return made


def body(**changes: Any) -> dict[str, Any]:
    """The same as plain JSON, to be broken."""
    return {
        "personalizations": [{"to": [{"email": "buyer@example.test"}]}],
        "from": {"email": "shop@example.test"},
        "subject": "Hi",
        "content": [{"type": "text/plain", "value": "x"}, {"type": "text/html", "value": "<p>x"}],
    } | changes


def test_a_mail_is_kept(bank: Bank) -> None:
    answer = client(bank).send(mail("One@Example.test", "Kept <1>"))
    assert answer.status_code == 202
    assert answer.headers["X-Message-Id"]
    (found,) = requests.get(f"{bank.url}/mailbox.json?to=one@example.test", timeout=5).json()
    assert found["message_id"] == answer.headers["X-Message-Id"]
    assert (found["sender"], found["sender_name"], found["recipient"]) == (
        "shop@example.test", "Shop", "One@Example.test",
    )  # fmt: skip
    assert found["custom_args"] == {"order_id": "7"}
    assert found["categories"] == ["order-confirmation"]
    assert found["reply_to"] == "help@example.test"
    with sqlite3.connect(bank.store) as link:
        assert link.execute("SELECT subject FROM mails WHERE id = ?", (found["id"],)).fetchone() == ("Kept <1>",)
    link.close()


def test_pages_show_mail_safely(bank: Bank) -> None:
    client(bank).send(mail("two@example.test", "Shown <script>"))
    found = requests.get(f"{bank.url}/mailbox.json?to=two@", timeout=5).json()[0]
    index = requests.get(f"{bank.url}/mailbox/?to=two@", timeout=5)
    assert "1 mail<" in index.text
    assert 'http-equiv="refresh" content="10"' in index.text
    assert "Shown &lt;script&gt;" in index.text
    shown = requests.get(f"{bank.url}/mailbox/{found['id']}", timeout=5)
    assert "Hello &lt;you&gt;" in shown.text
    assert '<a href="http://127.0.0.1:8000/o/1?a=1&amp;b=" rel="noreferrer noopener">' in shown.text
    assert '<a href="https://example.test/x" rel="noreferrer noopener">https://example.test/x</a>).' in shown.text
    assert f'<iframe sandbox src="/mailbox/{found["id"]}/html"' in shown.text
    assert "<script" not in shown.text
    html = requests.get(f"{bank.url}/mailbox/{found['id']}/html", timeout=5)
    assert html.text == "<h1>Hello</h1><script>alert(1)</script>"
    assert html.headers["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    )
    for path in ("/mailbox/999999", "/mailbox/999999/html", "/mailbox/x", "/mailbox/../etc"):
        assert requests.get(f"{bank.url}{path}", timeout=5).status_code == 404


def test_each_personalization_is_its_own_mail(bank: Bank) -> None:
    made = Mail("shop@example.test", [To("p1@example.test"), To("p2@example.test")], "Two", "text", is_multiple=True)
    client(bank).send(made)
    for who in ("p1", "p2"):
        (found,) = requests.get(f"{bank.url}/mailbox.json?to={who}@", timeout=5).json()
        assert found["recipients"] == [f"{who}@example.test"]
        assert (found["text"], found["html"]) == ("text", "")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"from": None}, "from"),
        ({"from": {"email": "nobody"}}, "from.email"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": "a@example.test"}]}, "personalizations.0.to"),
        (
            {"personalizations": [{"to": [{"email": "a@x.test"}, {"email": "A@x.test"}]}]},
            "personalizations.0",
        ),
        ({"subject": ""}, "subject"),
        ({"content": "text"}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0"),
        ({"content": [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]}, "content"),
        ({"custom_args": {"order_id": 42}}, "custom_args"),
        ({"categories": ["c"] * 11}, "categories"),
    ],
)
def test_a_bad_mail_is_refused(bank: Bank, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(exceptions.BadRequestsError) as caught:
        client(bank).client.mail.send.post(request_body=body(**changes))
    assert json.loads(caught.value.body)["errors"][0]["field"] == field


def test_the_key_is_checked(bank: Bank) -> None:
    with pytest.raises(exceptions.UnauthorizedError):
        client(bank, "SG.other").send(mail())


def test_faults(tmp_path: Path) -> None:
    faults = {"429": 0.3, "500": 0.3, "timeout_after": 0.2, "timeout_seconds": 0.2}
    bank = Bank(tmp_path, SHOP, "--mail-faults", json.dumps(faults), "--seed", "3")
    counts = {"ok": 0, "429": 0, "500": 0, "lost": 0}
    for _ in range(40):
        try:
            client(bank).send(mail("chaos@example.test"))
        except exceptions.TooManyRequestsError:
            counts["429"] += 1
        except exceptions.InternalServerError:
            counts["500"] += 1
        except (urllib.error.URLError, ConnectionError):
            counts["lost"] += 1
        else:
            counts["ok"] += 1
    assert all(counts.values())
    stored = requests.get(f"{bank.url}/mailbox.json", timeout=5).json()
    assert len(stored) == counts["ok"] + counts["lost"]
    assert bank.stop() == 0
