"""What the demo bank answers as PayPal, held to the published contract: here, and by prism standing before it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from payments.providers import paypal_api
from payments.providers.base import FactState, NotAuthentic, RefundFactState
from payments.states import DisputeState
from tests.contracts import operations, validators
from tests.contracts.operations import PAYPAL, PAYPAL_CALLS, request
from tests.contracts.validators import Validator
from tests.demo.test_bank_paypal import Client, Shop, order, wait_for
from tests.helpers.contracts import answer_problems, contract, problems
from tests.helpers.processes import running_bank
from unlockshop.demo import bank_paypal_api

CONTRACT = "paypal.json"
EURO = {"currency_code": "EUR", "value": "5.00"}
EVIDENCE = json.dumps({"evidences": [{"evidence_type": "OTHER", "notes": "It was delivered."}]})
SIGNATURE = "PAYPAL-TRANSMISSION-SIG"
NOT_IN_THE_CONTRACT = "/v1/reporting/transactions"
# PayPal answers so; its contract has no word for it.
UNKNOWN_ISSUE = "PAYPAL_REQUEST_ID_PREVIOUSLY_USED"


class Walk(Client):
    """A client that keeps every answer."""

    def __init__(self, url: str, store: Path) -> None:
        self.answers: list[requests.Response] = []
        super().__init__(url, store)

    def kept(self, answer: requests.Response) -> requests.Response:
        self.answers.append(answer)
        return answer

    def grant(self, *auth: str, kind: str = "client_credentials") -> requests.Response:
        return self.kept(super().grant(*auth, kind=kind))

    def get(self, path: str) -> requests.Response:
        return self.kept(super().get(path))

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        return self.kept(super().post(path, body, **headers))

    def send(self, path: str, **sent: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **sent.pop("headers", {})}
        return self.kept(requests.post(f"{self.url}/{path}", headers=headers, timeout=5, **sent))


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Walk]:
    """The life of orders, captures, refunds and disputes at the bank, with every way that they end."""
    contract(CONTRACT)
    folder = tmp_path_factory.mktemp("bank")
    with running_bank(folder, "--delayed-seconds", "0.2", paypal_webhook_url=shop.url) as url:
        made = Walk(url, folder / "bank.sqlite3")
        capture = _orders(made)
        _refunds(made, capture)
        _held(made)
        _disputes(made, capture)
        _errors(made)
        _verify(made, shop)
        yield made


def _orders(walk: Walk) -> str:
    """The id of the capture that came of it."""
    walk.post("v2/checkout/orders", order(), Prefer="return=minimal")
    path = f"v2/checkout/orders/{walk.post('v2/checkout/orders', order()).json()['id']}"
    walk.post(f"{path}/capture")
    for button in ("decline", "approve"):
        walk.press(f"checkoutnow/{path.rpartition('/')[2]}/{button}")
        walk.get(path)
        walk.post(f"{path}/capture")
    walk.post(f"{path}/capture")
    ident: str = walk.get(path).json()["purchase_units"][0]["payments"]["captures"][0]["id"]
    return ident


def _refunds(walk: Walk, capture: str) -> None:
    path = f"v2/payments/captures/{capture}"
    walk.get(path)
    texts = {"custom_id": "41", "invoice_id": "41", "note_to_payer": "Not delivered"}
    made = walk.post(f"{path}/refund", {"amount": EURO, **texts}).json()["id"]
    walk.get(f"v2/payments/refunds/{made}")
    walk.get(path)
    for value in ("50.00", 5.0, "0.00", "1.001", "1,00"):
        walk.post(f"{path}/refund", {"amount": {**EURO, "value": value}})
    walk.post(f"{path}/refund", {"amount": {**EURO, "currency_code": "USD"}})
    walk.press(f"refunds/{made}/fail")
    walk.get(f"v2/payments/refunds/{made}")
    _, other = walk.paid()
    for _again in range(2):
        walk.post(f"v2/payments/captures/{other['id']}/refund")
    walk.get(f"v2/payments/captures/{other['id']}")


def _held(walk: Walk) -> None:
    for button, end in (("hold", "COMPLETED"), ("hold-failure", "DECLINED")):
        ident, taken = walk.paid(button)
        path = f"v2/payments/captures/{taken['id']}"
        walk.post(f"{path}/refund")
        wait_for(lambda path=path, end=end: walk.get(path).json()["status"] == end)
        walk.get(f"v2/checkout/orders/{ident}")


def _disputes(walk: Walk, capture: str) -> None:
    path = f"v1/customer/disputes/{_disputed(walk, capture)}"
    walk.get(path)
    for _again in range(2):
        walk.send(f"{path}/provide-evidence", files={"input": (None, EVIDENCE, "application/json")})
    walk.send(f"{path}/provide-evidence", files={"input": (None, "[]", "application/json")})
    walk.get(path)
    walk.post(f"v2/payments/captures/{capture}/refund", {"amount": EURO})
    for _again in range(2):
        walk.post(f"{path}/accept-claim")
    walk.get(path)
    for button in ("shop", "buyer", "withdraw"):
        ident = _disputed(walk, walk.paid()[1]["id"])
        walk.press(f"disputes/{ident}/{button}")
        walk.get(f"v1/customer/disputes/{ident}")
        walk.get("v1/customer/disputes?page_size=50")


def _disputed(walk: Walk, capture: str) -> str:
    walk.press(f"captures/{capture}/dispute")
    page = requests.get(f"{walk.url}/paypal/", timeout=5).text
    (ident,) = re.findall(rf"(PP-D-\d+)<br><small>{capture}", page)
    return str(ident)


def _errors(walk: Walk) -> None:
    for path in (
        "v2/checkout/orders/NONE",
        "v2/payments/captures/NONE",
        "v2/payments/refunds/NONE",
        "v1/customer/disputes/NONE",
    ):
        walk.get(path)
        walk.kept(requests.get(f"{walk.url}/{path}", timeout=5))
    amount = {"currency_code": "EUR", "value": "19.99"}
    for changes in (
        {"amount": {**amount, "value": "19,99"}}, {"amount": amount}, {"soft_descriptor": "X" * 30},
        {"amount": {**amount, "currency_code": "KWD"}}, {"amount": {**amount, "value": "0.00"}},
        {"amount": {**amount, "value": "19.999"}}, {"amount": {"currency_code": "JPY", "value": "1.50"}},
        {"amount": None},
    ):  # fmt: skip
        walk.post("v2/checkout/orders", order(**changes))
    for _again in range(2):
        walk.post("v2/checkout/orders", order(), PayPal_Request_Id="the same")


def _verify(walk: Walk, shop: Shop) -> None:
    wait_for(lambda: shop.got)
    headers, body = shop.got[0]
    meta = {
        name.lower().removeprefix("paypal-").replace("-", "_"): headers[name]
        for name in headers
        if name.startswith("PAYPAL-")
    }
    for webhook_id in ("WHTESTS", "WHOTHER"):
        raw = json.dumps({**meta, "webhook_id": webhook_id})[:-1].encode() + b', "webhook_event": ' + body + b"}"
        walk.send("v1/notifications/verify-webhook-signature", data=raw, headers={"Content-Type": "application/json"})
    walk.post("v1/notifications/verify-webhook-signature", {})
    start, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + shift)) for shift in (-60, 60))
    walk.get("v1/notifications/webhooks")
    walk.get(f"v1/reporting/transactions?start_date={start}&end_date={end}")


def test_every_answer_has_the_published_form(walk):
    unknown = 0
    for answer in walk.answers:
        if NOT_IN_THE_CONTRACT in answer.url:
            continue
        found = answer_problems(answer, contract_name=CONTRACT)
        if UNKNOWN_ISSUE in answer.text:
            unknown += 1
            assert len(found) == 1
            continue
        assert found == [], f"{answer.request.method} {answer.url} {answer.status_code}"
    assert (unknown, len(walk.answers) > 70) == (1, True)


def test_every_address_was_asked(walk):
    asked = {(answer.request.method, answer.url[len(walk.url) :].partition("?")[0]) for answer in walk.answers}

    assert ("POST", "/v1/oauth2/token") in asked
    for method, pattern, _ in bank_paypal_api._ROUTES:
        assert any(each == method and pattern.fullmatch(path) for each, path in asked), pattern.pattern


def test_everything_that_can_become_of_an_object_was_seen(walk):
    def states(path: str) -> set[str]:
        return {each.json()["status"] for each in walk.answers if each.ok and re.search(rf"/{path}/[\w-]+$", each.url)}

    assert states("orders") == {"APPROVED", "COMPLETED"}
    assert states("captures") == {"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED", "PENDING", "DECLINED"}
    assert states("refunds") == {"COMPLETED", "FAILED"}
    assert states("disputes") == {"WAITING_FOR_SELLER_RESPONSE", "UNDER_REVIEW", "RESOLVED"}
    assert {each.status_code for each in walk.answers} == {200, 201, 400, 401, 404, 422}


def test_every_event_has_the_published_form(walk, shop):
    events = wait_for(lambda: len(shop.got) > 15 and [json.loads(body) for _, body in shop.got])

    assert {each["event_type"] for each in events} >= {
        "CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.DENIED",
        "PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.FAILED", "CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.UPDATED",
    }  # fmt: skip
    for each in events:
        assert problems(each, "whk_event", contract_name=CONTRACT) == [], each["event_type"]


def test_a_malformed_answer_would_be_seen(walk):
    found = next(each.json() for each in walk.answers if "/captures/" in each.url and each.ok)

    assert problems(found, "pay_capture", contract_name=CONTRACT) == []
    for changes in ({"status": "ODD"}, {"amount": {"currency_code": "EUR", "value": 5}}, {"links": [{"href": "x"}]}):
        assert problems({**found, **changes}, "pay_capture", contract_name=CONTRACT) != []


def test_the_adapter_and_the_demo_speak_the_contract_through_prism(tmp_path, settings, shop):
    """Whatever breaks the contract, a question or an answer, prism turns into an error."""
    validators.program("prism")
    with (
        running_bank(tmp_path, paypal_webhook_url=shop.url) as bank,
        validators.prism(tmp_path, CONTRACT, upstream=bank) as validator,
    ):
        settings.PAYPAL_API_BASE = validator.url
        paypal_api._api.cache_clear()
        ref = PAYPAL.begin(request()).provider_ref
        press(f"{bank}/paypal/checkoutnow/{ref}/approve")
        fact = PAYPAL.fetch(ref)
        assert (fact.state, fact.charge_ref is not None) == (FactState.CAPTURED, True)
        assert PAYPAL.fee(fact.charge_ref).amount > 0
        refund = PAYPAL.refund(operations.refund(fact.charge_ref))
        assert PAYPAL.fetch_refund(refund.provider_ref).state == RefundFactState.SUCCEEDED
        assert PAYPAL.refunds_of(fact.charge_ref) == [refund]
        # The report is asked up to the last full second.
        wait_for(lambda: fact.charge_ref in {each.charge_ref for each in PAYPAL.payments_since(operations.since())})
        assert [each.provider_ref for each in PAYPAL.webhook_endpoints()] == ["WHTESTS"]
        press(f"{bank}/paypal/captures/{fact.charge_ref}/dispute")
        assert "PP-D-10001" in list(PAYPAL.disputes_since(operations.since()))
        assert PAYPAL.submit_evidence("PP-D-10001", {"OTHER": "It was delivered."}).state == DisputeState.UNDER_REVIEW
        # The contract takes no signature that begins with + or /, as one in 32 does.
        headers, body = wait_for(lambda: [each for each in shop.got if re.match(r"\w", each[0][SIGNATURE])])[0]
        _check_deliveries(settings, bank, validator, headers, body)

        asked = {name for name, each in PAYPAL_CALLS.items() if any(each.is_in(one) for one in validator.seen)}
        assert asked == set(PAYPAL_CALLS)
        assert [each.faults for each in validator.seen if each.faults] == []


def _check_deliveries(settings: Any, bank: str, validator: Validator, headers: dict[str, str], body: bytes) -> None:
    """prism cannot be asked whether a delivery is genuine.

    It decodes bodies and encodes them again, and a signature covers the delivered bytes: what was encoded differently
    must fail, and passes. Only the bank itself, which sees the bytes, can say so.
    """
    other = json.dumps(json.loads(body), ensure_ascii=False, indent=1).encode()
    ident = json.loads(body)["id"]
    assert PAYPAL.read_webhook(other, headers).event_id == ident
    settings.PAYPAL_API_BASE = bank
    assert PAYPAL.read_webhook(body, headers).event_id == ident
    with pytest.raises(NotAuthentic):
        PAYPAL.read_webhook(other, headers)
    settings.PAYPAL_API_BASE = validator.url


def press(address: str) -> None:
    requests.post(address, allow_redirects=False, timeout=5).raise_for_status()
