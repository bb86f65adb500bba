"""The demo bank, run as its own process and driven by the real stripe library and a receiving shop."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

KEY = "sk_test_demo_0123456789"
MAIL_KEY = "SG.demo.0123456789"
SECRET = "whsec_demo_0123456789"
ROOT = Path(__file__).resolve().parents[2]


def wait_for(found: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Ask until the answer is true; fail after ``seconds``."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = found()
        if answer:
            return answer
        time.sleep(0.02)
    pytest.fail(f"did not happen within {seconds} s")
    return None


class Shop:
    """Receives webhooks as the shop would; ``answers`` are the next statuses, then 200."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.refused = 0
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.hits: list[tuple[float, int]] = []
        shop = self
        lock = threading.Lock()

        class Hook(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    status = shop.answers.pop(0) if shop.answers else 200
                    try:
                        client = stripe.StripeClient(KEY)
                        event = client.construct_event(body, self.headers["Stripe-Signature"], SECRET)
                    except stripe.SignatureVerificationError:
                        shop.refused += 1
                        status = 400
                    else:
                        if status == 200:
                            shop.events.append(event.to_dict())
                            shop.headers.append(dict(self.headers))
                    shop.hits.append((time.monotonic(), status))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/stripe/"

    def of(self, kind: str, object_id: str | None = None) -> list[dict[str, Any]]:
        """Received events of a type."""
        return [
            event
            for event in list(self.events)
            if event["type"] == kind and object_id in {None, event["data"]["object"]["id"]}
        ]


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Bank:
    """A running bank process."""

    def __init__(self, folder: Path, shop_url: str, *extra: str) -> None:
        self.store = folder / "bank.sqlite3"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.shop_url = shop_url
        self.extra = extra
        self.start()

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "unlockshop.demo.bank", "--port", str(self.port),
                "--store", str(self.store),
                "--stripe-key", KEY, "--sendgrid-key", MAIL_KEY, "--webhook-url", self.shop_url,
                "--webhook-secret", SECRET, "--delayed-seconds", "0.4", *self.extra,
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(self._up)

    def _up(self) -> bool:
        assert self.process.poll() is None, "the bank ended at once"
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).text.strip() == "ok"
        except requests.ConnectionError:
            return False

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(5)

    def client(self, **options: Any) -> stripe.StripeClient:
        """The real library, pointed here."""
        return stripe.StripeClient(options.pop("key", KEY), base_addresses={"api": self.url}, **options)

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Look into the store as a harness does."""
        with sqlite3.connect(self.store, timeout=5) as link:
            link.row_factory = sqlite3.Row
            found = link.execute(query, values).fetchall()
        link.close()
        return found

    def press(self, session: Any, button: str) -> requests.Response:
        """Press a button of the hosted page."""
        return requests.post(f"{self.url}/pay/{session.id}/{button}", allow_redirects=False, timeout=5)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Bank]:
    made = Bank(tmp_path_factory.mktemp("bank"), shop.url)
    yield made
    assert made.stop() == 0


def params(**changes: Any) -> dict[str, Any]:
    """What the shop sends for an order."""
    return {
        "mode": "payment",
        "success_url": "http://127.0.0.1:8000/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:8000/cancelled",
        "client_reference_id": "order-7",
        "customer_email": "buyer@example.test",
        "metadata": {"order_id": "7"},
        "payment_intent_data": {"metadata": {"order_id": "7"}, "statement_descriptor_suffix": "ORDER 7"},
        "line_items": [
            {
                "price_data": {
                    "currency": "eur",
                    "unit_amount": 1999,
                    "product_data": {"name": "Unlock <b>13</b>"},
                },
                "quantity": 2,
            }
        ],
    } | changes


def make(bank: Bank, **changes: Any) -> Any:
    """A fresh session."""
    return bank.client().v1.checkout.sessions.create(params(**changes))


# The API


def test_a_session_is_kept_as_sent(bank: Bank) -> None:
    before = int(time.time())
    session = make(bank, expires_at=before + 3600)
    assert session.id.startswith("cs_test_")
    assert (session.object, session.status, session.payment_status) == ("checkout.session", "open", "unpaid")
    assert (session.amount_total, session.currency, session.livemode) == (3998, "eur", False)
    assert session.url == f"{bank.url}/pay/{session.id}"
    assert session.payment_intent is None
    assert session.expires_at == before + 3600
    again = bank.client().v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent", "line_items"]})
    assert again.client_reference_id == "order-7"
    assert again.metadata.to_dict() == {"order_id": "7"}
    assert again.line_items is not None
    assert [line.amount_total for line in again.line_items.data] == [3998]
    (row,) = bank.rows("SELECT * FROM sessions WHERE id = ?", session.id)
    assert (row["status"], row["amount_total"], row["client_reference_id"]) == ("open", 3998, "order-7")


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"order_id": "7"}, "order_id", "parameter_unknown"),
        ({"mode": "paymnt"}, "mode", None),
        ({"mode": "subscription"}, "mode", None),
        ({"ui_mode": "hosted"}, "ui_mode", None),
        ({"discounts": [{"coupon": "x"}]}, "discounts", None),
        ({"customer_email": "nobody"}, "customer_email", "email_invalid"),
        ({"success_url": "javascript:alert(1)"}, "success_url", "url_invalid"),
        ({"expires_at": int(time.time()) + 60}, "expires_at", None),
        ({"expires_at": int(time.time()) + 90000}, "expires_at", None),
        ({"line_items": []}, "line_items", "parameter_missing"),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
        (
            {"payment_intent_data": {"statement_descriptor": "X"}},
            "payment_intent_data[statement_descriptor]",
            None,
        ),
        (
            {"payment_intent_data": {"statement_descriptor_suffix": "X" * 23}},
            "payment_intent_data[statement_descriptor_suffix]",
            None,
        ),
        (
            {"payment_intent_data": {"statement_descriptor_suffix": "1234"}},
            "payment_intent_data[statement_descriptor_suffix]",
            None,
        ),
    ],
)
def test_a_bad_session_is_refused(bank: Bank, changes: dict[str, Any], param: str, code: str | None) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        make(bank, **changes)
    assert (caught.value.http_status, caught.value.param, caught.value.code) == (400, param, code)


@pytest.mark.parametrize(
    ("price", "param"),
    [
        ({"currency": "eur", "unit_amount": "19.99"}, "line_items[0][price_data][unit_amount]"),
        ({"currency": "euros", "unit_amount": 1999}, "line_items[0][price_data][currency]"),
        ({"unit_amount": 1999}, "line_items[0][price_data][currency]"),
        ({"currency": "eur", "unit_amount": 1999, "vat": 19}, "line_items[0][price_data][vat]"),
        ({"currency": "eur", "unit_amount": 49}, "line_items"),
    ],
)
def test_a_bad_price_is_refused(bank: Bank, price: dict[str, Any], param: str) -> None:
    data = {"product_data": {"name": "x"}} | price
    with pytest.raises(stripe.InvalidRequestError) as caught:
        make(bank, line_items=[{"price_data": data, "quantity": 1}])
    assert caught.value.param == param


def test_required_parameters(bank: Bank) -> None:
    for name in ("mode", "success_url", "line_items"):
        given = params()
        del given[name]
        with pytest.raises(stripe.InvalidRequestError) as caught:
            bank.client().v1.checkout.sessions.create(given)  # type: ignore[arg-type]
        assert (caught.value.param, caught.value.code) == (name, "parameter_missing")


def test_keys_are_checked(bank: Bank) -> None:
    for key in ("sk_test_other", "sk_live_x"):
        with pytest.raises(stripe.AuthenticationError):
            bank.client(key=key).v1.accounts.retrieve_current()
    assert bank.client().v1.accounts.retrieve_current().object == "account"
    basic = base64.b64encode(f"{KEY}:".encode()).decode()
    for header, status in ((f"Basic {basic}", 200), ("Basic %%%", 401), ("", 401)):
        answer = requests.get(f"{bank.url}/v1/account", headers={"Authorization": header}, timeout=5)
        assert answer.status_code == status


def test_unknown_things_are_404(bank: Bank) -> None:
    v1 = bank.client().v1
    for call in (
        lambda: v1.checkout.sessions.retrieve("cs_test_none"),
        lambda: v1.checkout.sessions.expire("cs_test_none"),
        lambda: v1.payment_intents.retrieve("pi_none"),
        lambda: v1.refunds.retrieve("re_none"),
        lambda: v1.refunds.create({"payment_intent": "pi_none"}),
        lambda: v1.charges.retrieve("ch_none"),
        lambda: v1.events.retrieve("evt_none"),
        lambda: v1.balance_transactions.retrieve("txn_none"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            call()
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.customers.create({"email": "a@example.test"})
    assert caught.value.http_status == 404
    assert requests.get(f"{bank.url}/pay/cs_test_none", timeout=5).status_code == 404
    assert requests.post(f"{bank.url}/pay/cs_test_none/pay", timeout=5).status_code == 404


def test_idempotency_keys(bank: Bank) -> None:
    sessions = bank.client().v1.checkout.sessions
    options: Any = {"idempotency_key": "order-9-attempt-1"}
    first = sessions.create(params(), options)
    second = sessions.create(params(), options)
    assert first.id == second.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        sessions.create(params(client_reference_id="other"), options)
    with pytest.raises(stripe.IdempotencyError):
        bank.client().v1.refunds.create({"payment_intent": "pi_x"}, options)
    assert bank.rows("SELECT replays FROM idempotency WHERE key = 'order-9-attempt-1'")[0][0] == 1


def test_an_error_is_replayed_too(bank: Bank) -> None:
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            bank.client().v1.refunds.create({"payment_intent": "pi_x"}, {"idempotency_key": "refund-bad"})
    assert caught.value.headers["Idempotent-Replayed"] == "true"


def test_one_key_in_parallel_makes_one_session(bank: Bank) -> None:
    def create(_: int) -> str:
        options: Any = {"idempotency_key": "parallel"}
        return str(bank.client().v1.checkout.sessions.create(params(client_reference_id="par"), options).id)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(create, range(16)))) == 1
    assert bank.rows("SELECT count(*) FROM sessions WHERE client_reference_id = 'par'")[0][0] == 1


# The page


def test_the_page_shows_the_order_and_escapes_it(bank: Bank) -> None:
    session = make(bank)
    answer = requests.get(session.url, timeout=5)
    assert answer.status_code == 200
    for text in (
        "Demo payments: no money moves", "39.98 EUR", "19.99 EUR", "Unlock &lt;b&gt;13&lt;/b&gt;",
        "buyer@example.test", "UNLOCKSHOP* ORDER 7",
    ):  # fmt: skip
        assert text in answer.text
    buttons = re.findall(r'<form method="post" action="/pay/[^/"]+/([a-z-]+)">', answer.text)
    assert buttons == ["pay", "decline", "delayed-success", "delayed-failure", "cancel"]
    assert "<script" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:* http://localhost:*" in policy


def test_paying(bank: Bank, shop: Shop) -> None:
    v1 = bank.client().v1
    session = make(bank)
    answer = bank.press(session, "pay")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://127.0.0.1:8000/done?session={session.id}"
    paid: Any = v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
    )
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    intent = paid.payment_intent
    assert (intent.object, intent.status, intent.amount_received) == ("payment_intent", "succeeded", 3998)
    assert intent.metadata.to_dict() == {"order_id": "7"}
    charge = intent.latest_charge
    assert (charge.status, charge.paid, charge.amount) == ("succeeded", True, 3998)
    assert charge.calculated_statement_descriptor == "UNLOCKSHOP* ORDER 7"
    assert (charge.balance_transaction.fee, charge.balance_transaction.net) == (85, 3913)
    assert [found.id for found in v1.checkout.sessions.list({"payment_intent": intent.id}).data] == [session.id]

    event = wait_for(lambda: shop.of("checkout.session.completed", session.id))[0]
    assert event["data"]["object"]["payment_status"] == "paid"
    assert event["api_version"] == "2026-10-28.endive"
    assert (event["object"], event["livemode"]) == ("event", False)
    wait_for(lambda: shop.of("payment_intent.succeeded", intent.id) and shop.of("charge.succeeded", charge.id))
    assert all(headers["User-Agent"].startswith("Stripe/1.0") for headers in shop.headers)
    wait_for(lambda: v1.events.retrieve(event["id"]).pending_webhooks == 0)

    again = bank.press(session, "pay")
    assert (again.status_code, again.headers["Location"]) == (303, answer.headers["Location"])
    assert bank.press(session, "decline").headers["Location"] == answer.headers["Location"]
    assert bank.rows("SELECT count(*) FROM charges WHERE payment_intent = ?", intent.id)[0][0] == 1
    assert "complete" in requests.get(f"{bank.url}/pay/{session.id}", timeout=5).text
    with pytest.raises(stripe.InvalidRequestError):
        v1.checkout.sessions.expire(session.id)


def test_pressing_pay_in_parallel_charges_once(bank: Bank) -> None:
    session = make(bank)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: bank.press(session, "pay"), range(8)))
    assert {answer.status_code for answer in answers} == {303}
    intent = bank.client().v1.checkout.sessions.retrieve(session.id).payment_intent
    assert bank.rows("SELECT count(*) FROM charges WHERE payment_intent = ?", intent)[0][0] == 1
    kinds = bank.rows("SELECT type FROM events WHERE object_id = ?", session.id)
    assert [row["type"] for row in kinds] == ["checkout.session.completed"]


def test_a_decline_leaves_the_session_open(bank: Bank, shop: Shop) -> None:
    session = make(bank)
    answer = bank.press(session, "decline")
    assert answer.status_code == 200
    assert "Your card was declined. Nothing was charged." in answer.text
    event = wait_for(lambda: [e for e in shop.of("payment_intent.payment_failed") if e["id"]])[-1]
    intent = event["data"]["object"]
    assert intent["last_payment_error"]["code"] == "card_declined"
    now = bank.client().v1.checkout.sessions.retrieve(session.id)
    assert (now.status, now.payment_status) == ("open", "unpaid")
    bank.press(session, "pay")
    paid = bank.client().v1.checkout.sessions.retrieve(session.id)
    assert (paid.payment_status, paid.payment_intent) == ("paid", intent["id"])


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        ("delayed-success", ("checkout.session.async_payment_succeeded", "paid", "succeeded")),
        ("delayed-failure", ("checkout.session.async_payment_failed", "unpaid", "requires_payment_method")),
    ],
)
def test_delayed_payments(bank: Bank, shop: Shop, button: str, expected: tuple[str, str, str]) -> None:
    kind, state, status = expected
    v1 = bank.client().v1
    session = make(bank)
    assert bank.press(session, button).status_code == 303
    waiting: Any = v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert waiting.payment_intent.status == "processing"
    completed = wait_for(lambda: shop.of("checkout.session.completed", session.id))[0]
    assert completed["data"]["object"]["payment_status"] == "unpaid"
    assert bank.press(session, "pay").status_code == 303
    event = wait_for(lambda: shop.of(kind, session.id))[0]
    assert event["data"]["object"]["payment_status"] == state
    assert v1.payment_intents.retrieve(waiting.payment_intent.id).status == status
    assert len(shop.of("checkout.session.completed", session.id)) == 1


def test_cancelling_leaves_the_session_open(bank: Bank) -> None:
    session = make(bank)
    answer = bank.press(session, "cancel")
    assert (answer.status_code, answer.headers["Location"]) == (303, "http://127.0.0.1:8000/cancelled")
    assert bank.client().v1.checkout.sessions.retrieve(session.id).status == "open"


def test_expiring_by_call(bank: Bank, shop: Shop) -> None:
    v1 = bank.client().v1
    session = make(bank)
    assert v1.checkout.sessions.expire(session.id).status == "expired"
    event = wait_for(lambda: shop.of("checkout.session.expired", session.id))[0]
    assert event["request"]["id"].startswith("req_")
    answer = bank.press(session, "pay")
    assert answer.status_code == 410
    assert "expired" in answer.text
    assert bank.rows("SELECT count(*) FROM payment_intents WHERE session = ?", session.id)[0][0] == 0


def test_expiring_by_time(bank: Bank, shop: Shop) -> None:
    session = make(bank)
    with sqlite3.connect(bank.store, timeout=5) as link:
        link.execute("UPDATE sessions SET expires_at = ? WHERE id = ?", (int(time.time()) - 1, session.id))
    link.close()
    assert bank.press(session, "pay").status_code == 410
    assert bank.client().v1.checkout.sessions.retrieve(session.id).status == "expired"
    wait_for(lambda: shop.of("checkout.session.expired", session.id))


# Refunds


def paid_intent(bank: Bank) -> str:
    """The payment intent of a fresh paid session of 39.98 EUR."""
    session = make(bank)
    bank.press(session, "pay")
    return str(bank.client().v1.checkout.sessions.retrieve(session.id).payment_intent)


def test_refunds(bank: Bank, shop: Shop) -> None:
    v1 = bank.client().v1
    intent = paid_intent(bank)
    part = v1.refunds.create(
        {
            "payment_intent": intent,
            "amount": 1000,
            "reason": "requested_by_customer",
            "metadata": {"row": "5"},
        }
    )
    assert (part.status, part.amount, part.currency, part.reason) == (
        "succeeded", 1000, "eur", "requested_by_customer",
    )  # fmt: skip
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.refunds.create({"payment_intent": intent, "amount": 2999})
    assert (caught.value.http_status, caught.value.param) == (400, "amount")
    rest = v1.refunds.create({"payment_intent": intent})
    assert rest.amount == 2998
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.refunds.create({"payment_intent": intent})
    assert caught.value.code == "charge_already_refunded"
    assert [found.id for found in v1.refunds.list({"payment_intent": intent}).data] == [rest.id, part.id]
    assert v1.refunds.retrieve(part.id).metadata.to_dict() == {"row": "5"}  # type: ignore[union-attr]
    charges = wait_for(lambda: found if len(found := shop.of("charge.refunded", str(rest.charge))) == 2 else None)
    assert sorted(event["data"]["object"]["amount_refunded"] for event in charges) == [1000, 3998]
    wait_for(lambda: shop.of("refund.created", rest.id))


def test_bad_refunds(bank: Bank) -> None:
    v1 = bank.client().v1
    intent = paid_intent(bank)
    for changes in (
        {"amount": "12.50"},
        {"amount": 0},
        {"amount": -5},
        {"reason": "because"},
        {"order": "1"},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            v1.refunds.create({"payment_intent": intent} | changes)  # type: ignore[arg-type]
    session = make(bank)
    bank.press(session, "decline")
    declined = v1.checkout.sessions.retrieve(session.id).payment_intent
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        v1.refunds.create({"payment_intent": str(declined)})
    assert bank.rows("SELECT count(*) FROM refunds WHERE payment_intent = ?", intent)[0][0] == 0


def test_parallel_refunds_never_exceed_the_charge(bank: Bank) -> None:
    intent = paid_intent(bank)

    def refund(_: int) -> bool:
        try:
            bank.client().v1.refunds.create({"payment_intent": intent, "amount": 1500})
        except stripe.InvalidRequestError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(refund, range(6))) == 2
    assert bank.rows("SELECT sum(amount) FROM refunds WHERE payment_intent = ?", intent)[0][0] == 3000


def test_a_refund_may_fail_later(bank: Bank, shop: Shop) -> None:
    v1 = bank.client().v1
    refund = v1.refunds.create({"payment_intent": paid_intent(bank)})
    for _ in range(2):
        requests.post(f"{bank.url}/refunds/{refund.id}/fail", timeout=5)
    event = wait_for(lambda: shop.of("refund.failed", refund.id))[0]
    assert event["data"]["object"]["status"] == "failed"
    assert v1.charges.retrieve(str(refund.charge)).amount_refunded == 0
    assert refund.id in requests.get(f"{bank.url}/refunds", timeout=5).text


# Events


def test_events_are_sent_again_until_2xx(bank: Bank, shop: Shop) -> None:
    session = make(bank)
    wait_for(lambda: not bank.rows("SELECT 1 FROM events WHERE state = 'pending'"))
    shop.hits.clear()
    shop.answers[:] = [500, 302]
    bank.client().v1.checkout.sessions.expire(session.id)
    wait_for(lambda: len(shop.hits) == 3)
    assert [status for _, status in shop.hits] == [500, 302, 200]
    first, second, third = (moment for moment, _ in shop.hits)
    assert second - first > 0.9
    assert third - second > 1.9
    row = wait_for(lambda: bank.rows("SELECT * FROM events WHERE object_id = ? AND state = 'delivered'", session.id))[
        0
    ]
    assert (row["attempts"], row["delivered_copies"], row["last_status"]) == (3, 1, 200)
    assert json.loads(row["body"])["id"] == row["id"]


def test_an_event_can_be_sent_again_by_hand(bank: Bank, shop: Shop) -> None:
    session = make(bank)
    bank.client().v1.checkout.sessions.expire(session.id)
    event = wait_for(lambda: shop.of("checkout.session.expired", session.id))[0]
    assert event["id"] in requests.get(f"{bank.url}/events", timeout=5).text
    answer = requests.post(f"{bank.url}/events/{event['id']}/resend", allow_redirects=False, timeout=5)
    assert answer.status_code == 303
    wait_for(lambda: len(shop.of("checkout.session.expired", session.id)) == 2)
    assert requests.post(f"{bank.url}/events/evt_none/resend", timeout=5).status_code == 404


def test_events_can_be_listed(bank: Bank) -> None:
    began = int(time.time())
    expired = {bank.client().v1.checkout.sessions.expire(make(bank).id).id for _ in range(3)}
    events = bank.client().v1.events

    def are_there() -> bool:
        found = events.list({"limit": 100, "type": "checkout.session.expired", "created": {"gte": began}})
        return expired <= {event.data.object["id"] for event in found.data}

    wait_for(are_there)
    first = events.list({"limit": 2, "type": "checkout.session.expired", "created": {"gte": began}})
    assert (len(first.data), first.has_more) == (2, True)
    after = events.list({"limit": 1, "starting_after": first.data[0].id, "type": "checkout.session.expired"})
    assert after.data[0].id == first.data[1].id


def test_faults_and_a_restart(tmp_path: Path, shop: Shop) -> None:
    faults = {"duplicate": 0.5, "max_copies": 3, "delay_seconds": 0.3, "drop": 0.2, "bad_signature": 0.3}
    bank = Bank(tmp_path, shop.url, "--webhook-faults", json.dumps(faults), "--seed", "7")
    refused = shop.refused
    sessions = [make(bank) for _ in range(20)]
    for session in sessions:
        bank.client().v1.checkout.sessions.expire(session.id)
    wait_for(lambda: not bank.rows("SELECT 1 FROM deliveries WHERE state = 'pending'"))
    rows = bank.rows("SELECT * FROM events")
    dropped = [row for row in rows if row["state"] == "dropped"]
    assert dropped
    assert max(row["copies"] for row in rows) == 3
    for row in rows:
        got = shop.of("checkout.session.expired", row["object_id"])
        assert len(got) == row["copies"] == row["delivered_copies"]
    assert shop.refused - refused == sum(row["forged"] for row in rows) > 0
    assert sum(row["forged_accepted"] for row in rows) == 0
    bank.process.kill()
    bank.process.wait(5)
    bank.start()
    assert bank.client().v1.checkout.sessions.retrieve(sessions[0].id).status == "expired"
    requests.post(f"{bank.url}/events/{dropped[0]['id']}/resend", timeout=5)
    wait_for(lambda: shop.of("checkout.session.expired", dropped[0]["object_id"]))
    assert bank.stop() == 0


def test_an_event_outlives_the_process(tmp_path: Path, shop: Shop) -> None:
    bank = Bank(tmp_path, "http://127.0.0.1:9/webhooks/stripe/")
    session = make(bank)
    bank.press(session, "pay")
    bank.process.kill()
    bank.process.wait(5)
    bank.shop_url = shop.url
    bank.start()
    wait_for(lambda: shop.of("checkout.session.completed", session.id))
    assert bank.stop() == 0


# The process


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"--stripe-key": "sk_live_x"}, "live key"),
        ({"--stripe-key": "rk_live_x"}, "live key"),
        ({"--webhook-url": "http://shop.example.com/webhooks/"}, "webhook address"),
        ({"--webhook-url": "http://127.0.0.1.example.com/"}, "webhook address"),
        ({"--host": "0.0.0.0"}, "not a loopback address"),
        ({"--webhook-faults": '{"dropp": 1}'}, "unknown webhook fault"),
        ({"--mail-faults": '{"429": 2}'}, "chance from 0 to 1"),
    ],
)
def test_it_refuses_to_start(tmp_path: Path, changes: dict[str, str], sentence: str) -> None:
    options = {
        "--port": str(free_port()),
        "--store": str(tmp_path / "x.sqlite3"),
        "--stripe-key": KEY,
        "--sendgrid-key": MAIL_KEY,
        "--webhook-url": "http://127.0.0.1:8000/webhooks/stripe/",
        "--webhook-secret": SECRET,
    } | changes
    words = [word for pair in options.items() for word in pair]
    done = subprocess.run(
        [sys.executable, "-m", "unlockshop.demo.bank", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=10, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_it_stays_small_and_keeps_connections(bank: Bank) -> None:
    with requests.Session() as link:
        for _ in range(50):
            assert link.get(f"{bank.url}/healthz", timeout=5).status_code == 200
    raw = requests.post(
        f"{bank.url}/v1/refunds", data="a=1&a[b]=2", headers={"Authorization": f"Bearer {KEY}"}, timeout=5
    )
    assert (raw.status_code, raw.json()["error"]["type"]) == (400, "invalid_request_error")
    status = Path(f"/proc/{bank.process.pid}/status")
    if status.exists():
        kilobytes = int(re.findall(r"VmRSS:\s+(\d+)", status.read_text())[0])
        assert kilobytes < 40_000
