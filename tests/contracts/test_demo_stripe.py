"""What the demo bank answers as Stripe, held to the published contract, and what that lacks to the library's types."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import requests
import stripe

from tests.helpers.contracts import answer_problems, contract, problems
from tests.helpers.processes import running_bank
from unlockshop.demo import bank_stripe

CONTRACT = "stripe-2026-10.json"
KINDS: dict[str, tuple[str, type]] = {
    "checkout.session": ("obj_session_Session", stripe.checkout.Session),
    "payment_intent": ("obj_payment_intent_PaymentIntent", stripe.PaymentIntent),
    "charge": ("obj_charge_Charge", stripe.Charge),
    "refund": ("obj_refund_Refund", stripe.Refund),
    "dispute": ("obj_dispute_Dispute", stripe.Dispute),
    "event": ("obj_event_Event", stripe.Event),
    # The contract leaves these out.
    "balance_transaction": ("", stripe.BalanceTransaction),
    "radar.early_fraud_warning": ("", stripe.radar.EarlyFraudWarning),
    "item": ("", stripe.LineItem),
    "price": ("", stripe.Price),
    "webhook_endpoint": ("", stripe.WebhookEndpoint),
    "account": ("", stripe.Account),
}
SESSION = {
    "mode": "payment",
    "success_url": "http://127.0.0.1:8000/done",
    "cancel_url": "http://127.0.0.1:8000/cancelled",
    "customer_email": "buyer@example.test",
    "client_reference_id": "P-1",
    "metadata[reference]": "P-1",
    "payment_intent_data[metadata][reference]": "P-1",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "eur",
    "line_items[0][price_data][unit_amount]": "1890",
    "line_items[0][price_data][product_data][name]": "Unlock",
    "line_items[0][price_data][product_data][description]": "For one device",
}


class Walk:
    """Everything that was asked of the bank, in the order it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[requests.Response] = []

    def ask(self, method: str, path: str, key: str = "sk_test_tests", **fields: Any) -> Any:
        sent = {"params" if method == "GET" else "data": fields}
        answer = requests.request(
            method, f"{self.url}/v1/{path}", headers={"Authorization": f"Bearer {key}"}, timeout=5, **sent
        )
        self.answers.append(answer)
        return answer.json()

    def get(self, path: str, **fields: Any) -> Any:
        return self.ask("GET", path, **fields)

    def post(self, path: str, **fields: Any) -> Any:
        return self.ask("POST", path, **fields)

    def press(self, path: str) -> None:
        assert requests.post(f"{self.url}/{path}", allow_redirects=False, timeout=5).status_code < 400

    def session(self, button: str) -> Any:
        """A session after a button, as it stands when everything delayed is over."""
        made = self.post("checkout/sessions", **SESSION)
        self.press(f"pay/{made['id']}/{button}")
        self.get(f"checkout/sessions/{made['id']}")
        deadline = time.monotonic() + 10
        while True:
            found = self.get(f"checkout/sessions/{made['id']}", **{"expand[]": ["payment_intent", "line_items"]})
            if (found["payment_intent"] or {}).get("status") != "processing" or time.monotonic() > deadline:
                return found
            time.sleep(0.05)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The life of sessions, refunds and disputes at the bank, with every way that they end."""
    contract(CONTRACT)
    with running_bank(tmp_path_factory.mktemp("bank"), "--delayed-seconds", "0.2") as url:
        made = Walk(url)
        _sessions(made)
        _refunds(made)
        _disputes(made)
        _errors(made)
        for each in made.get("events", limit=100)["data"]:
            made.get(f"events/{each['id']}")
        yield made


def _sessions(walk: Walk) -> None:
    for button in ("pay", "decline", "delayed-success", "delayed-failure", "cancel"):
        found = walk.session(button)
        intent = found["payment_intent"]
        if intent is not None:
            walk.get(f"payment_intents/{intent['id']}")
            whole = walk.get(f"payment_intents/{intent['id']}", **{"expand[]": "latest_charge.balance_transaction"})
            if whole["latest_charge"] is not None:
                walk.get(f"charges/{whole['latest_charge']['id']}")
    walk.get(f"checkout/sessions/{found['id']}/line_items")
    walk.post(f"checkout/sessions/{found['id']}/expire")
    walk.get("checkout/sessions", limit=3)
    walk.get("account")
    walk.get("webhook_endpoints")


def _refunds(walk: Walk) -> None:
    intent = walk.session("pay")["payment_intent"]["id"]
    made = walk.post("refunds", payment_intent=intent, amount=500, reason="requested_by_customer")
    walk.get(f"balance_transactions/{made['balance_transaction']}")
    walk.press(f"refunds/{made['id']}/fail")
    walk.get(f"refunds/{made['id']}")
    walk.post("refunds", payment_intent=intent)
    walk.get("refunds", payment_intent=intent)
    walk.get("charges", payment_intent=intent)


def _disputes(walk: Walk) -> None:
    for end in ("for-shop", "for-customer", "close"):
        session = walk.session("pay")
        walk.press(f"pay/{session['id']}/dispute")
        walk.press(f"pay/{session['id']}/warning")
        (found,) = walk.get("disputes", payment_intent=session["payment_intent"]["id"])["data"]
        path = f"disputes/{found['id']}"
        walk.get(path)
        walk.post(path, **{"evidence[product_description]": "An unlock", "submit": "false"})
        walk.post(path, **{"evidence[service_date]": "2026-11-22"})
        walk.post(f"{path}/close") if end == "close" else walk.press(f"{path}/{end}")
        for movement in walk.get(path)["balance_transactions"]:
            walk.get(f"balance_transactions/{movement['id']}")
    (warning,) = walk.get("radar/early_fraud_warnings", payment_intent=session["payment_intent"]["id"])["data"]
    walk.get(f"radar/early_fraud_warnings/{warning['id']}")


def _errors(walk: Walk) -> None:
    session = walk.session("pay")
    intent = session["payment_intent"]["id"]
    walk.ask("GET", "refunds/re_none", key="sk_test_other")
    walk.get("refunds/re_none")
    walk.post("checkout/sessions", **{**SESSION, "mode": "paymnt"})
    walk.post(f"checkout/sessions/{session['id']}/expire")
    walk.post("refunds", payment_intent=intent, amount=999_999)
    walk.post("refunds", payment_intent=intent)
    walk.post("refunds", payment_intent=intent)
    walk.post("disputes/dp_none", submit="true")


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of the API within an answer, lists and events opened."""
    if isinstance(node, list):
        for each in node:
            yield from objects(each)
    elif isinstance(node, dict):
        if isinstance(node.get("object"), str) and node["object"] != "list":
            yield node
        for each in node.values():
            yield from objects(each)


def test_every_answer_has_the_published_form(walk):
    published = contract(CONTRACT)["paths"]
    patterns = [
        (method, re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
        for path, methods in published.items()
        for method in methods
    ]
    checked = 0
    for answer in walk.answers:
        method, path = answer.request.method.lower(), answer.url[len(walk.url) :].partition("?")[0]
        if any(each == method and re.fullmatch(pattern, path) for each, pattern in patterns):
            checked += 1
            assert answer_problems(answer, contract_name=CONTRACT) == [], f"{method} {path} {answer.status_code}"
    assert checked > 60


def test_every_object_has_the_published_form_wherever_it_stands(walk):
    seen = set()
    for answer in walk.answers:
        for found in objects(answer.json()):
            schema, typed = KINDS[found["object"]]
            seen.add(found["object"])
            assert not schema or problems(found, schema) == []
            assert set(found) <= set(typed.__annotations__), found["object"]

    assert seen == set(KINDS)


@pytest.mark.parametrize("kind", ["balance_transaction", "radar.early_fraud_warning", "webhook_endpoint"])
def test_objects_that_the_contract_leaves_out_have_every_field_of_the_library(walk, kind):
    typed = KINDS[kind][1].__annotations__
    needed = {name for name, each in typed.items() if type(None) not in get_args(each)} - {"OBJECT_NAME"}

    found = [each for answer in walk.answers for each in objects(answer.json()) if each["object"] == kind]

    assert found
    assert [needed - set(each) for each in found if needed - set(each)] == []


def test_every_address_was_asked(walk):
    asked = {(answer.request.method, answer.url[len(walk.url) :].partition("?")[0]) for answer in walk.answers}

    for method, pattern, _ in bank_stripe._ROUTES:
        assert any(each == method and pattern.fullmatch(path) for each, path in asked), pattern.pattern


def test_everything_that_can_become_of_an_object_was_seen(walk):
    found = [each for answer in walk.answers for each in objects(answer.json())]

    def states(kind: str, name: str) -> set[str]:
        return {each[name] for each in found if each["object"] == kind}

    assert states("checkout.session", "status") == {"open", "complete", "expired"}
    assert states("payment_intent", "status") == {"requires_payment_method", "processing", "succeeded"}
    assert states("refund", "status") == {"succeeded", "failed"}
    assert states("dispute", "status") == {"needs_response", "under_review", "won", "lost"}
    assert {answer.status_code for answer in walk.answers} == {200, 400, 401, 404}


def test_a_malformed_object_would_be_seen(walk):
    fixtures = contract("stripe-fixtures.json")["resources"]
    for name, fixture in fixtures.items():
        schema = KINDS[name][0]
        assert problems(fixture, schema) == []
        assert problems({**fixture, "created": "yesterday"}, schema) != []
        assert problems({**fixture, "object": "odd"}, schema) != []
