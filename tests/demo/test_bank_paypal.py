"""The demo PayPal: the rules PayPal keeps, spoken to in plain HTTP, and the events it delivers to a receiving shop."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.demo.test_bank import ROOT, free_port, wait_for
from tests.helpers.processes import running_bank
from unlockshop.demo import bank_paypal_events

SECRET, WEBHOOK_ID = "paypal-secret-tests", "WHTESTS"


class Shop:
    """Keeps every delivery: its headers and its bytes. ``answers`` are the next statuses, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        shop = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shop.got.append((dict(self.headers), body))
                self.send_response(shop.answers.pop(0) if shop.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/paypal/"

    def events(self, kind: str, about: str) -> list[dict[str, Any]]:
        found = [json.loads(body) for _, body in list(self.got)]
        return [
            each
            for each in found
            if each["event_type"] == kind and about in {each["resource"].get("id"), each["resource"].get("dispute_id")}
        ]


class Client:
    """Speaks to the demo with a token."""

    def __init__(self, url: str, store: Path) -> None:
        self.url = url
        self.store = store
        self.token = self.grant("paypal-tests", SECRET).json()["access_token"]

    def grant(self, *auth: str, kind: str = "client_credentials") -> requests.Response:
        return requests.post(
            f"{self.url}/v1/oauth2/token", data={"grant_type": kind}, auth=(auth[0], auth[1]), timeout=5
        )

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}/{path}", headers={"Authorization": f"Bearer {self.token}"}, timeout=5)

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        own = {"Authorization": f"Bearer {self.token}", "Prefer": "return=representation"}
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.post(f"{self.url}/{path}", json={} if body is None else body, headers=own | sent, timeout=5)

    def press(self, path: str) -> requests.Response:
        return requests.post(f"{self.url}/paypal/{path}", allow_redirects=False, timeout=5)

    def rows(self, query: str, *values: object) -> list[Any]:
        link = sqlite3.connect(self.store, timeout=5)
        try:
            with link:
                return link.execute(query, values).fetchall()
        finally:
            link.close()

    def paid(self, button: str = "approve") -> tuple[str, dict[str, Any]]:
        """The order's id and its capture."""
        ident = self.post("v2/checkout/orders", order()).json()["id"]
        self.press(f"checkoutnow/{ident}/{button}")
        found = self.post(f"v2/checkout/orders/{ident}/capture").json()
        return ident, found["purchase_units"][0]["payments"]["captures"][0]


def order(**changes: Any) -> dict[str, Any]:
    """What a shop sends."""
    amount = {"currency_code": "EUR", "value": "19.99"}
    unit = {
        "custom_id": "P-1",
        "invoice_id": uuid4().hex,
        "amount": {**amount, "breakdown": {"item_total": amount}},
        "items": [{"name": "Unlock <b>13</b>", "quantity": "1", "category": "DIGITAL_GOODS", "unit_amount": amount}],
    }
    context = {"return_url": "http://127.0.0.1:8000/back", "cancel_url": "http://127.0.0.1:8000/no"}
    source = {"paypal": {"experience_context": context}}
    return {"intent": "CAPTURE", "purchase_units": [{**unit, **changes}], "payment_source": source}


def issue(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["details"][0]["issue"]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def paypal(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("paypal")
    with running_bank(folder, "--delayed-seconds", "0.4", paypal_webhook_url=shop.url) as url:
        yield Client(url, folder / "bank.sqlite3")


def test_tokens(paypal):
    assert paypal.grant("paypal-tests", "wrong").status_code == 401
    assert paypal.grant("paypal-tests", SECRET, kind="password").status_code == 400
    wrong = requests.get(f"{paypal.url}/v2/checkout/orders/X", headers={"Authorization": "Bearer x"}, timeout=5)
    assert (wrong.status_code, wrong.json()["name"], wrong.json()["details"]) == (401, "AUTHENTICATION_FAILURE", [])
    assert requests.get(f"{paypal.url}/v2/checkout/orders/X", timeout=5).status_code == 401


def test_an_order_and_its_page(paypal):
    made = paypal.post("v2/checkout/orders", order()).json()
    links = {each["rel"]: each["href"] for each in made["links"]}
    page = requests.get(links["payer-action"], timeout=5)

    assert made["status"] == "PAYER_ACTION_REQUIRED"
    assert "<b>13" not in page.text
    assert "Unlock &lt;b&gt;13" in page.text
    assert "Demo payments: no money moves" in page.text
    assert re.findall(r'action="/paypal/checkoutnow/\w+/([a-z-]+)"', page.text) == [
        "approve", "hold", "hold-failure", "decline", "cancel",
    ]  # fmt: skip
    assert "http://127.0.0.1:8000" in page.headers["Content-Security-Policy"]
    assert requests.get(f"{paypal.url}/paypal/checkoutnow?token=NOPE", timeout=5).status_code == 404
    assert paypal.press(f"checkoutnow/{made['id']}/nothing").status_code == 404


def test_without_a_source_and_a_preference_the_answer_is_short(paypal):
    body = order()
    body["application_context"] = body.pop("payment_source")["paypal"]["experience_context"]

    answer = paypal.post("v2/checkout/orders", body, Prefer="return=minimal")

    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "status", "links"}
    assert [each["rel"] for each in answer.json()["links"]] == ["self", "approve", "capture"]


EURO = {"currency_code": "EUR", "value": "19.99"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": {**EURO, "value": 19.99}}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"amount": {**EURO, "value": "19,99"}}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"amount": {**EURO, "value": "1e3"}}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"amount": {**EURO, "value": "19.999"}}, (422, "DECIMAL_PRECISION")),
        ({"amount": {**EURO, "value": "-1"}}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ({"amount": {**EURO, "value": "0.00"}}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ({"amount": {"currency_code": "JPY", "value": "100.00"}}, (422, "DECIMAL_PRECISION")),
        ({"amount": {"currency_code": "KWD", "value": "1"}}, (422, "INVALID_CURRENCY_CODE")),
        ({"amount": {"currency_code": "EURO", "value": "1"}}, (400, "INVALID_STRING_LENGTH")),
        ({"amount": EURO}, (422, "ITEM_TOTAL_REQUIRED")),
        ({"amount": {**EURO, "value": "20.00", "breakdown": {"item_total": EURO}}}, (422, "AMOUNT_MISMATCH")),
        ({"amount": None}, (400, "MISSING_REQUIRED_PARAMETER")),
        ({"soft_descriptor": "X" * 30}, (400, "INVALID_STRING_LENGTH")),
        ({"custom_id": 7}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"items": [{"name": "x", "quantity": "0", "unit_amount": EURO}]}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"items": [{"name": "x", "quantity": "2", "unit_amount": EURO}]}, (422, "ITEM_TOTAL_MISMATCH")),
        ({"items": ["x"]}, (400, "INVALID_PARAMETER_SYNTAX")),
    ],
)
def test_a_bad_order_is_refused(paypal, changes, expected):
    assert issue(paypal.post("v2/checkout/orders", order(**changes))) == expected


@pytest.mark.parametrize("changes", [{"intent": "BUY"}, {"purchase_units": []}, {"payment_source": {}}])
def test_an_order_needs_its_parts(paypal, changes):
    assert paypal.post("v2/checkout/orders", order() | changes).status_code in {400, 422}


def test_bodies_and_addresses(paypal):
    own = {"Authorization": f"Bearer {paypal.token}"}
    url = f"{paypal.url}/v2/checkout/orders"

    def raw(data: bytes, **headers: str) -> requests.Response:
        return requests.post(url, data=data, headers={**own, "Content-Type": "application/json", **headers}, timeout=5)

    assert issue(raw(b"{")) == (400, "MALFORMED_REQUEST_JSON")
    assert issue(raw(b"[" * 100_000)) == (400, "MALFORMED_REQUEST_JSON")
    assert raw(b"{}", **{"Content-Type": "text/plain"}).status_code == 415
    assert requests.get(f"{url}/X", data="null", headers=own, timeout=5).status_code == 400
    assert issue(paypal.get("v2/checkout/orders/NOPE")) == (404, "INVALID_RESOURCE_ID")
    assert paypal.get("v2/nothing").status_code == 404


def test_request_ids(paypal):
    body, key = order(), uuid4().hex
    first = paypal.post("v2/checkout/orders", body, PayPal_Request_Id=key)

    assert paypal.post("v2/checkout/orders", body, PayPal_Request_Id=key).json() == first.json()
    other = paypal.post("v2/checkout/orders", order(), PayPal_Request_Id=key)
    assert issue(other) == (422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED")
    paypal.rows("UPDATE paypal_requests SET created = created - 21700 WHERE key = ?", key)
    assert paypal.post("v2/checkout/orders", body, PayPal_Request_Id=key).json()["id"] != first.json()["id"]
    assert paypal.post("v2/checkout/orders", body, PayPal_Request_Id="k" * 109).status_code == 400


def test_one_capture_of_many_at_once(paypal):
    ident = paypal.post("v2/checkout/orders", order()).json()["id"]
    assert issue(paypal.post(f"v2/checkout/orders/{ident}/capture")) == (422, "ORDER_NOT_APPROVED")
    paypal.press(f"checkoutnow/{ident}/approve")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: paypal.post(f"v2/checkout/orders/{ident}/capture"), range(8)))

    assert sorted(each.status_code for each in answers) == [201] + [422] * 7
    assert {issue(each)[1] for each in answers if each.status_code == 422} == {"ORDER_ALREADY_CAPTURED"}
    assert paypal.rows("SELECT count(*) FROM paypal_captures WHERE order_id = ?", ident) == [(1,)]


def test_a_decline_lets_the_buyer_choose_again(paypal):
    ident = paypal.post("v2/checkout/orders", order()).json()["id"]
    paypal.press(f"checkoutnow/{ident}/decline")

    declined = paypal.post(f"v2/checkout/orders/{ident}/capture", PayPal_Request_Id=f"capture-{ident}")
    assert issue(declined) == (422, "INSTRUMENT_DECLINED")
    assert paypal.get(f"v2/checkout/orders/{ident}").json()["status"] == "PAYER_ACTION_REQUIRED"
    paypal.press(f"checkoutnow/{ident}/approve")
    again = paypal.post(f"v2/checkout/orders/{ident}/capture", PayPal_Request_Id=f"capture-{ident}")

    assert again.status_code == 201


def test_an_order_nobody_paid_is_forgotten(paypal):
    ident = paypal.post("v2/checkout/orders", order()).json()["id"]
    paypal.rows("UPDATE paypal_orders SET created = created - 21700 WHERE id = ?", ident)

    assert issue(paypal.get(f"v2/checkout/orders/{ident}")) == (404, "INVALID_RESOURCE_ID")
    assert paypal.press(f"checkoutnow/{ident}/approve").status_code == 404


def test_refunds(paypal, shop):
    _, taken = paypal.paid()
    path = f"v2/payments/captures/{taken['id']}/refund"

    assert issue(paypal.post(path, {"amount": {**EURO, "value": "20.00"}})) == (422, "REFUND_AMOUNT_EXCEEDED")
    foreign = paypal.post(path, {"amount": {**EURO, "currency_code": "USD"}})
    assert issue(foreign) == (422, "REFUND_CAPTURE_CURRENCY_MISMATCH")
    part = paypal.post(path, {"amount": {**EURO, "value": "5.00"}}).json()
    rest = paypal.post(path).json()
    assert (part["amount"]["value"], rest["amount"]["value"]) == ("5.00", "14.99")
    assert issue(paypal.post(path)) == (422, "CAPTURE_FULLY_REFUNDED")
    assert paypal.get(f"v2/payments/captures/{taken['id']}").json()["status"] == "REFUNDED"
    paypal.press(f"refunds/{rest['id']}/fail")
    assert paypal.get(f"v2/payments/captures/{taken['id']}").json()["status"] == "PARTIALLY_REFUNDED"
    wait_for(lambda: shop.events("PAYMENT.CAPTURE.REFUNDED", rest["id"]))
    wait_for(lambda: shop.events("PAYMENT.REFUND.FAILED", rest["id"]))


def test_parallel_refunds_never_exceed_the_capture(paypal):
    _, taken = paypal.paid()
    path = f"v2/payments/captures/{taken['id']}/refund"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: paypal.post(path, {"amount": {**EURO, "value": "6.00"}}), range(10)))

    assert sorted(each.status_code for each in answers) == [201] * 3 + [422] * 7


def test_held_money(paypal, shop):
    ident, taken = paypal.paid("hold")
    assert (taken["status"], taken["status_details"]) == ("PENDING", {"reason": "PENDING_REVIEW"})
    refused = paypal.post(f"v2/payments/captures/{taken['id']}/refund")
    assert issue(refused) == (422, "PENDING_CAPTURE")
    wait_for(lambda: shop.events("PAYMENT.CAPTURE.COMPLETED", taken["id"]))
    now = paypal.get(f"v2/payments/captures/{taken['id']}").json()
    assert (now["status"], now["seller_receivable_breakdown"]["paypal_fee"]["value"]) == ("COMPLETED", "0.85")
    _, failed = paypal.paid("hold-failure")
    wait_for(lambda: shop.events("PAYMENT.CAPTURE.DENIED", failed["id"]))
    assert shop.events("CHECKOUT.ORDER.APPROVED", ident)
    assert shop.events("PAYMENT.CAPTURE.PENDING", taken["id"])


def test_the_wait_of_held_money_is_ended_by_hand(tmp_path):
    with running_bank(tmp_path, "--delayed-seconds", "3600") as url:
        slow = Client(url, tmp_path / "bank.sqlite3")
        for button, ends in (("hold", "COMPLETED"), ("hold-failure", "DECLINED")):
            _, taken = slow.paid(button)
            page = requests.get(f"{url}/paypal/", timeout=5).text
            assert f"captures/{taken['id']}/end-wait" in page
            assert f"captures/{taken['id']}/dispute" not in page

            assert slow.press(f"captures/{taken['id']}/end-wait").status_code == 303

            assert slow.get(f"v2/payments/captures/{taken['id']}").json()["status"] == ends
        assert slow.press("captures/NOPE/end-wait").status_code == 404


def test_a_dispute_from_its_opening_to_its_end(paypal, shop):
    _, taken = paypal.paid()
    for _ in range(2):
        paypal.press(f"captures/{taken['id']}/dispute")
    page = requests.get(f"{paypal.url}/paypal/", timeout=5).text
    (ident,) = re.findall(rf"(PP-D-\d+)<br><small>{taken['id']}", page)
    path = f"v1/customer/disputes/{ident}"
    part = paypal.post(f"v2/payments/captures/{taken['id']}/refund", {"amount": {**EURO, "value": "1.00"}})
    assert issue(part) == (422, "TRANSACTION_DISPUTED")
    assert paypal.post(f"{path}/provide-evidence", {"evidences": []}).status_code == 415

    def evidence(notes: str) -> requests.Response:
        body = json.dumps({"evidences": [{"evidence_type": "OTHER", "notes": notes}]})
        files = {"input": (None, body, "application/json"), "file1": ("proof.pdf", b"%PDF", "application/pdf")}
        own = {"Authorization": f"Bearer {paypal.token}"}
        return requests.post(f"{paypal.url}/{path}/provide-evidence", files=files, headers=own, timeout=5)

    assert evidence("n" * 2001).status_code == 400
    assert evidence("It was delivered.").status_code == 200
    found = paypal.get(path).json()
    assert (found["status"], found["evidences"][0]["notes"]) == ("UNDER_REVIEW", "It was delivered.")
    assert "<pre>It was delivered.</pre>" in requests.get(f"{paypal.url}/paypal/", timeout=5).text
    assert evidence("And more.").status_code == 422
    assert paypal.post(f"{path}/accept-claim", {"note": "well"}).status_code == 200
    assert paypal.post(f"{path}/accept-claim").status_code == 422
    paypal.press(f"disputes/{ident}/shop")
    ended = paypal.get(path).json()
    assert (ended["status"], ended["dispute_outcome"]["outcome_code"]) == ("RESOLVED", "ACCEPTED")
    assert ended["money_movements"][0]["type"] == "DEBIT"
    for kind in ("CREATED", "UPDATED", "RESOLVED"):
        assert wait_for(lambda kind=kind: shop.events(f"CUSTOMER.DISPUTE.{kind}", ident))


def test_money_that_never_came_in_cannot_be_disputed(paypal):
    _, taken = paypal.paid("hold")

    assert paypal.press(f"captures/{taken['id']}/dispute").status_code == 409
    assert paypal.press("captures/NOPE/dispute").status_code == 404


def verified(paypal: Client, body: bytes, headers: dict[str, str], **changes: str) -> str:
    meta = {
        "auth_algo": headers["PAYPAL-AUTH-ALGO"],
        "cert_url": headers["PAYPAL-CERT-URL"],
        "transmission_id": headers["PAYPAL-TRANSMISSION-ID"],
        "transmission_sig": headers["PAYPAL-TRANSMISSION-SIG"],
        "transmission_time": headers["PAYPAL-TRANSMISSION-TIME"],
        "webhook_id": WEBHOOK_ID,
    } | changes
    raw = json.dumps(meta)[:-1].encode() + b', "webhook_event": ' + body + b"}"
    own = {"Authorization": f"Bearer {paypal.token}", "Content-Type": "application/json"}
    answer = requests.post(f"{paypal.url}/v1/notifications/verify-webhook-signature", data=raw, headers=own, timeout=5)
    return str(answer.json()["verification_status"])


def test_deliveries_verify_and_forgeries_do_not(paypal, shop):
    ident, _ = paypal.paid()
    wait_for(lambda: shop.events("CHECKOUT.ORDER.APPROVED", ident))
    headers, body = next(each for each in shop.got if ident.encode() in each[1])

    assert verified(paypal, body, headers) == "SUCCESS"
    assert verified(paypal, body, headers, webhook_id="WHOTHER") == "FAILURE"
    assert verified(paypal, body, headers, cert_url="https://api.paypal.com/other") == "FAILURE"
    assert verified(paypal, body, headers, transmission_time="2026-01-01T00:00:00Z") == "FAILURE"
    assert verified(paypal, body.replace(b'"1.0"', b'"1.1"'), headers) == "FAILURE"
    respaced = json.dumps(json.loads(body), ensure_ascii=False).encode()
    assert verified(paypal, respaced, headers) == "FAILURE"


def test_the_bytes_of_a_member():
    inner = b'{"a":1.0,"b":{} ,"c":"\\u00e9 }, \\"webhook_event\\": 1"}'
    raw = b'{ "x": [1, {"webhook_event": 2}] , "webhook_event" :  ' + inner + b' , "y":null}'

    assert bank_paypal_events.member(raw, "webhook_event") == inner


def test_deliveries_come_again_until_2xx_and_by_hand(paypal, shop):
    shop.answers = [503, 302]
    ident, _ = paypal.paid()
    events = wait_for(lambda: paypal.rows("SELECT id FROM events WHERE object_id = ?", ident))
    wait_for(lambda: paypal.rows("SELECT 1 FROM events WHERE object_id = ? AND state = 'delivered'", ident))
    before = len(shop.events("CHECKOUT.ORDER.APPROVED", ident))
    requests.post(f"{paypal.url}/events/{events[0][0]}/resend", timeout=5)

    wait_for(lambda: len(shop.events("CHECKOUT.ORDER.APPROVED", ident)) > before)


def test_forged_deliveries_do_not_verify(tmp_path, shop):
    with running_bank(
        tmp_path, "--webhook-faults", '{"bad_signature":1}', "--seed", "1", paypal_webhook_url=shop.url
    ) as url:
        client = Client(url, tmp_path / "bank.sqlite3")
        ident = client.post("v2/checkout/orders", order()).json()["id"]
        client.press(f"checkoutnow/{ident}/approve")
        wait_for(lambda: len(shop.events("CHECKOUT.ORDER.APPROVED", ident)) == 2)
        verdicts = [verified(client, body, headers) for headers, body in shop.got if ident.encode() in body]

    assert verdicts == ["FAILURE", "SUCCESS"]


def test_the_report(paypal):
    ident, taken = paypal.paid()
    paypal.post(f"v2/payments/captures/{taken['id']}/refund", {"amount": {**EURO, "value": "5.00"}})

    def report(start: float, **more: Any) -> requests.Response:
        window = {"start_date": start, "end_date": time.time() + 60}
        query = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for name, at in window.items()} | more
        return paypal.get("v1/reporting/transactions?" + "&".join(f"{name}={at}" for name, at in query.items()))

    lines = [each["transaction_info"] for each in report(time.time() - 60).json()["transaction_details"]]
    mine = [each for each in lines if taken["id"] in {each["transaction_id"], each["paypal_reference_id"]}]
    assert [(each["transaction_event_code"], each["transaction_amount"]["value"]) for each in mine] == [
        ("T0006", "19.99"), ("T1107", "-5.00"),
    ]  # fmt: skip
    assert mine[0]["paypal_reference_id"] == ident
    one = report(time.time() - 60, page_size=1, page=2).json()
    assert (len(one["transaction_details"]), one["total_pages"]) == (1, len(lines))
    assert report(time.time() - 40 * 86400).status_code == 400
    assert paypal.get("v1/reporting/transactions").status_code == 400


def test_stripe_does_not_see_paypals_events(paypal):
    events = requests.get(f"{paypal.url}/v1/events", headers={"Authorization": "Bearer sk_test_tests"}, timeout=5)

    assert events.json()["data"] == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"--paypal-secret": ""}, "together"),
        ({"--paypal-client-id": "A" * 80}, "one of PayPal's own"),
        ({"--paypal-webhook-url": "https://127.0.0.1/webhooks/paypal/"}, "webhook address"),
        ({"--paypal-webhook-url": "http://shop.example.com/webhooks/paypal/"}, "webhook address"),
    ],
)
def test_it_refuses_to_start(tmp_path, changes, sentence):
    options = {
        "--port": str(free_port()),
        "--store": str(tmp_path / "x.sqlite3"),
        "--stripe-key": "sk_test_x",
        "--sendgrid-key": "SG.x",
        "--webhook-url": "http://127.0.0.1:8000/webhooks/stripe/",
        "--webhook-secret": "whsec_x",
        "--paypal-client-id": "paypal-demo",
        "--paypal-secret": "x",
        "--paypal-webhook-id": "WHDEMO",
        "--paypal-webhook-url": "http://127.0.0.1:8000/webhooks/paypal/",
    } | changes
    words = [word for pair in options.items() for word in pair]
    done = subprocess.run(
        [sys.executable, "-m", "unlockshop.demo.bank", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=10, check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert sentence in done.stderr
