"""Answers that PayPal should never give, and networks that break: what the adapter makes of them."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from payments.providers import paypal_api
from payments.providers.base import FactState
from payments.providers.paypal import PayPalProvider
from payments.states import DisputeState
from tests.helpers.hostile import Asked, Hostile, Said, hostile_server
from tests.payments.test_paypal import euros, order_of, request
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

PAYPAL = PayPalProvider()
TOKEN = {"access_token": "A21.top-secret-token", "token_type": "Bearer", "expires_in": 32400}
ORDER = "5O190127TN364715T"
GRANTED = Said(200, TOKEN)
CAPTURE = "3C679366HH908993F"


@pytest.fixture
def server(settings: Any) -> Iterator[Hostile]:
    with hostile_server() as made:
        settings.PAYPAL_API_BASE = made.url
        yield made


def saying(server: Hostile, *answers: Said, token: Said = GRANTED) -> None:
    """Tokens are given out; every other call gets the next answer, and the last one for ever."""
    left = list(answers)

    def answer(asked: Asked) -> Said:
        if asked.path == "/v1/oauth2/token":
            return token
        return left.pop(0) if len(left) > 1 else left[0]

    server.answer = answer


def calls(server: Hostile) -> list[Asked]:
    return [asked for asked in server.asked if asked.path != "/v1/oauth2/token"]


def fault(issue: str, **extra: Any) -> dict[str, Any]:
    return {"name": "X", "details": [{"issue": issue}], "debug_id": "abc123", **extra}


def order(status: str, *captures: dict[str, Any], **extra: Any) -> dict[str, Any]:
    unit: dict[str, Any] = {"custom_id": "P-1", "amount": {"currency_code": "EUR", "value": "18.90"}}
    if captures:
        unit["payments"] = {"captures": list(captures)}
    return {"id": ORDER, "status": status, "purchase_units": [unit], **extra}


def capture(status: str, value: Any = "18.90") -> dict[str, Any]:
    return {"id": CAPTURE, "status": status, "amount": {"currency_code": "EUR", "value": value}}


# Faults of the protocol


def test_a_token_that_is_refused_for_ever_costs_two_calls(server):
    saying(server, Said(401, {"name": "AUTHENTICATION_FAILURE"}))

    with pytest.raises(Refused) as caught:
        PAYPAL.fetch(ORDER)

    assert caught.value.code == "authentication_failure"
    assert len(calls(server)) == 2
    assert len(server.asked) == 4


def test_a_token_refused_once_is_renewed(server):
    saying(server, Said(401, {}), Said(200, order("CREATED")))

    assert PAYPAL.fetch(ORDER).state == FactState.OPEN
    assert [asked.path for asked in server.asked].count("/v1/oauth2/token") == 2


def test_a_token_is_kept(server):
    saying(server, Said(200, order("CREATED")))

    for _ in range(3):
        PAYPAL.fetch(ORDER)

    assert [asked.path for asked in server.asked].count("/v1/oauth2/token") == 1


def test_a_get_has_no_body_and_no_content_type(server):
    saying(server, Said(200, order("CREATED")))
    PAYPAL.fetch(ORDER)

    (asked,) = calls(server)

    assert (asked.method, asked.body) == ("GET", b"")
    assert "content-type" not in asked.headers


def test_a_refund_carries_its_key(server):
    saying(server, Said(201, {**capture("COMPLETED", "5.00"), "id": "R1"}))
    sent = order_of(CAPTURE)
    PAYPAL.refund(sent)

    (asked,) = calls(server)

    assert asked.headers["paypal-request-id"] == sent.key
    assert asked.json == {
        "amount": {"currency_code": "EUR", "value": "5.00"},
        "custom_id": sent.key,
        "invoice_id": sent.key,
        "note_to_payer": "Not found at the maker",
    }


def test_a_capture_has_one_request_id(server):
    saying(server, Said(200, order("APPROVED")), Said(201, order("COMPLETED", capture("COMPLETED"))))

    assert PAYPAL.fetch(ORDER).charge_ref == CAPTURE

    asked = calls(server)[-1]
    assert (asked.path, asked.body) == (f"/v2/checkout/orders/{ORDER}/capture", b"{}")
    assert asked.headers["paypal-request-id"] == f"capture-{ORDER}"


HTML = "<html>Sorry, the page …</html>".encode()


@pytest.mark.parametrize(
    ("said", "expected", "code"),
    [
        pytest.param(Said(400, fault("INVALID_STRING_LENGTH")), Refused, "invalid_string_length", id="400"),
        pytest.param(Said(400, HTML, kind="text/html"), Refused, "http_400", id="400 as a page"),
        pytest.param(Said(400, b"\xff\xfe"), Refused, "http_400", id="400 as bytes"),
        pytest.param(Said(400, fault("<script>")), Refused, "x", id="an issue that is no name"),
        pytest.param(Said(403, {"name": "NOT_AUTHORIZED"}), Refused, "not_authorized", id="403"),
        pytest.param(Said(404, fault("INVALID_RESOURCE_ID")), Refused, "resource_not_found", id="404"),
        pytest.param(Said(415, fault("UNSUPPORTED")), Refused, "unsupported", id="415"),
        pytest.param(Said(422, fault("CAPTURE_FULLY_REFUNDED")), Refused, "capture_fully_refunded", id="422"),
        pytest.param(Said(409, fault("PREVIOUS_REQUEST_IN_PROGRESS")), OutcomeUnknown, "", id="409 in progress"),
        pytest.param(Said(408, b""), OutcomeUnknown, "", id="408"),
        pytest.param(Said(429, fault("RATE_LIMIT_REACHED")), Retryable, "", id="429"),
        pytest.param(Said(500, fault("INTERNAL")), OutcomeUnknown, "", id="500"),
        pytest.param(Said(503, HTML, kind="text/html"), OutcomeUnknown, "", id="503 as a page"),
        pytest.param(Said(200, HTML, kind="text/html"), OutcomeUnknown, "", id="200 as a page"),
        pytest.param(Said(200, b""), OutcomeUnknown, "", id="200 and nothing"),
        pytest.param(Said(200, b"[]"), OutcomeUnknown, "", id="a list"),
        pytest.param(Said(200, b"[" * 100_000), OutcomeUnknown, "", id="deep"),
        pytest.param(Said(200, b"\xff\xfe{}"), OutcomeUnknown, "", id="not utf-8"),
        pytest.param(Said(200, b" " * 3_000_000), OutcomeUnknown, "", id="endless"),
        pytest.param(Said(200, {"id": "R1", "status": "STRANGE"}), OutcomeUnknown, "", id="unknown state"),
        pytest.param(Said(cut=True), OutcomeUnknown, "", id="cut after sending"),
    ],
)
def test_what_an_answer_means(server, said, expected, code):
    saying(server, said)

    with pytest.raises(expected) as caught:
        PAYPAL.refund(order_of(CAPTURE))

    assert type(caught.value) in {expected, paypal_api.PayPalRefused}
    assert getattr(caught.value, "code", "") == code
    assert len(calls(server)) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server, status):
    with hostile_server() as elsewhere:
        saying(server, Said(status, headers={"Location": f"{elsewhere.url}/v2/x"}))

        with pytest.raises(OutcomeUnknown):
            PAYPAL.refund(order_of(CAPTURE))

        assert (len(calls(server)), elsewhere.asked) == (1, [])


def test_silence_after_sending_is_unknown(server, monkeypatch):
    monkeypatch.setattr(paypal_api, "TIMEOUT", (1.0, 0.2))
    saying(server, Said(200, {}, hang_seconds=5))

    with pytest.raises(OutcomeUnknown):
        PAYPAL.refund(order_of(CAPTURE))

    assert len(calls(server)) == 1


def test_a_slow_trickle_ends(server, monkeypatch):
    monkeypatch.setattr(paypal_api, "DEADLINE_SECONDS", -1.0)
    saying(server, Said(200, order("CREATED")))

    with pytest.raises(Retryable, match="no access token"):
        PAYPAL.fetch(ORDER)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "http://no-such-host.invalid", "http://[", "ftp://127.0.0.1"]
)
def test_what_was_never_sent_may_be_sent_again(settings, address):
    settings.PAYPAL_API_BASE = address

    with pytest.raises(Retryable):
        PAYPAL.refund(order_of(CAPTURE))


def test_no_connection_for_the_call_itself(server, settings, monkeypatch):
    saying(server, Said(200, {}))
    monkeypatch.setattr(paypal_api.PayPalApi, "_token", lambda _self: TOKEN)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.PAYPAL_API_BASE = f"http://127.0.0.1:{probe.getsockname()[1]}"

    with pytest.raises(Retryable, match="no connection"):
        PAYPAL.refund(order_of(CAPTURE))


@pytest.mark.parametrize(
    "token",
    [
        Said(500, b""),
        Said(429, b""),
        Said(200, HTML),
        Said(200, {}),
        Said(200, {"access_token": "x"}),
        Said(200, b"[]"),
        Said(302, headers={"Location": "http://127.0.0.1:9/"}),
        Said(cut=True),
    ],
)
def test_without_a_token_nothing_was_asked(server, token):
    saying(server, Said(200, {}), token=token)

    with pytest.raises(Retryable):
        PAYPAL.refund(order_of(CAPTURE))

    assert calls(server) == []


def test_nothing_secret_is_logged(server, settings, caplog):
    logging.getLogger("paypalrestsdk").setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG):
            saying(server, Said(422, fault("INSTRUMENT_DECLINED")))
            with pytest.raises(Refused) as caught:
                PAYPAL.refund(order_of(CAPTURE))
    finally:
        logging.getLogger("paypalrestsdk").setLevel(logging.WARNING)

    told = caplog.text + str(caught.value)
    assert settings.PAYPAL_SECRET not in told
    assert TOKEN["access_token"] not in told
    assert "Basic " not in told


# Facts


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (order("CREATED"), FactState.OPEN),
        (order("PAYER_ACTION_REQUIRED"), FactState.OPEN),
        (order("VOIDED"), FactState.EXPIRED),
        (order("COMPLETED", capture("COMPLETED")), FactState.CAPTURED),
        (order("COMPLETED", capture("REFUNDED")), FactState.CAPTURED),
        (order("COMPLETED", capture("PARTIALLY_REFUNDED")), FactState.CAPTURED),
        (order("COMPLETED", capture("PENDING")), FactState.PENDING),
        (order("COMPLETED", capture("DECLINED")), FactState.FAILED),
        (order("COMPLETED", capture("FAILED")), FactState.FAILED),
        (order("COMPLETED", capture("DECLINED"), capture("COMPLETED")), FactState.CAPTURED),
        (order("CREATED", create_time="2001-01-01T00:00:00Z"), FactState.EXPIRED),
    ],
)
def test_states(server, found, state):
    saying(server, Said(200, found))

    fact = PAYPAL.fetch(ORDER)

    assert (fact.state, fact.money, fact.reference) == (state, euros("18.90"), "P-1")


@pytest.mark.parametrize(
    ("issue", "state"),
    [
        ("INSTRUMENT_DECLINED", FactState.OPEN),
        ("PAYER_ACTION_REQUIRED", FactState.OPEN),
        ("TRANSACTION_REFUSED", FactState.FAILED),
        ("ORDER_EXPIRED", FactState.EXPIRED),
        ("DUPLICATE_INVOICE_ID", FactState.EXPIRED),
    ],
)
def test_a_refused_capture(server, issue, state):
    saying(server, Said(200, order("APPROVED")), Said(422, fault(issue)))

    assert PAYPAL.fetch(ORDER).state == state


def test_a_capture_refused_for_another_reason_is_told(server):
    saying(server, Said(200, order("APPROVED")), Said(422, fault("PAYEE_ACCOUNT_RESTRICTED")))

    with pytest.raises(Refused) as caught:
        PAYPAL.fetch(ORDER)

    assert caught.value.code == "payee_account_restricted"


@pytest.mark.parametrize("value", [18.9, "NaN", "1e309", "Infinity", "18.901", "١٨.٩٠", "", None, "9" * 30, " 1"])
def test_an_amount_that_is_none_tells_nothing(server, value):
    saying(server, Said(200, order("COMPLETED", capture("COMPLETED", value))))

    with pytest.raises(OutcomeUnknown):
        PAYPAL.fetch(ORDER)


def test_an_approval_page_is_a_web_page(server):
    links = [{"rel": "payer-action", "href": "javascript:alert(1)"}]
    saying(server, Said(200, {"id": ORDER, "links": links}))

    with pytest.raises(OutcomeUnknown):
        PAYPAL.begin(request())


@pytest.mark.parametrize(
    ("found", "state", "withdrawn"),
    [
        ({"status": "OPEN"}, DisputeState.NEEDS_RESPONSE, False),
        ({"status": "WAITING_FOR_BUYER_RESPONSE"}, DisputeState.UNDER_REVIEW, False),
        ({"status": "SOMETHING_NEW"}, DisputeState.UNDER_REVIEW, False),
        ({"status": "RESOLVED", "dispute_outcome": {"outcome_code": "ACCEPTED"}}, DisputeState.LOST, True),
        ({"status": "RESOLVED", "dispute_outcome": {"outcome_code": "RESOLVED_WITH_PAYOUT"}}, DisputeState.WON, False),
        ({"status": "RESOLVED"}, DisputeState.WITHDRAWN, False),
    ],
)
def test_disputes(server, found, state, withdrawn):
    whole = {
        "dispute_id": "PP-D-1",
        "dispute_amount": {"currency_code": "EUR", "value": "18.90"},
        "disputed_transactions": [{"seller_transaction_id": CAPTURE}],
        **found,
    }
    saying(server, Said(200, whole))

    fact = PAYPAL.fetch_dispute("PP-D-1")

    assert (fact.state, fact.funds_withdrawn) == (state, withdrawn)


def test_a_new_outcome_is_told_by_the_money(server):
    amount = {"currency_code": "EUR", "value": "18.90"}
    debit = {"affected_party": "SELLER", "type": "DEBIT", "reason": "DISPUTE_SETTLEMENT", "amount": amount}
    whole = {
        "dispute_id": "PP-D-1",
        "dispute_amount": amount,
        "disputed_transactions": [{"seller_transaction_id": CAPTURE}],
        "status": "RESOLVED",
        "dispute_outcome": {"outcome_code": "SOMETHING_NEW"},
        "money_movements": [debit],
    }
    saying(server, Said(200, whole), Said(200, {**whole, "money_movements": [debit, {**debit, "type": "CREDIT"}]}))

    taken, given_back = PAYPAL.fetch_dispute("PP-D-1"), PAYPAL.fetch_dispute("PP-D-1")

    assert (taken.state, taken.funds_withdrawn) == (DisputeState.LOST, True)
    assert (given_back.state, given_back.funds_withdrawn) == (DisputeState.WITHDRAWN, False)


def test_evidence_goes_as_multipart_with_a_json_part(server):
    saying(server, Said(200, {}), Said(429, {}))

    with pytest.raises(OutcomeUnknown, match="was sent"):
        PAYPAL.submit_evidence("PP-D-1", {"RETURN_POLICY": "No returns.", "log": "x" * 4100})

    sent = calls(server)[0]
    assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="input"\r\nContent-Type: application/json\r\n' in sent.body
    evidences = json.loads(sent.body.split(b"\r\n\r\n")[1].split(b"\r\n--")[0])["evidences"]
    assert [(each["evidence_type"], len(each["notes"])) for each in evidences] == [
        ("RETURN_POLICY", 11), ("OTHER", 2000), ("OTHER", 2000), ("OTHER", 105),
    ]  # fmt: skip


# Reconciliation


def test_without_the_permission_reconciliation_says_so(server):
    saying(server, Said(403, {"name": "NOT_AUTHORIZED"}))

    with pytest.raises(Refused) as caught:
        list(PAYPAL.payments_since(clock.now() - timedelta(hours=72)))

    assert caught.value.code == "not_permitted"


def info(ident: str, **changes: Any) -> dict[str, Any]:
    """A line of PayPal's report."""
    amount = {"currency_code": "EUR", "value": "7.00"}
    line = {"transaction_id": ident, "transaction_event_code": "T0000", "transaction_status": "S"}
    return {"transaction_info": {**line, "transaction_amount": amount, **changes}}


@pytest.mark.parametrize(("failing", "found"), [(1, ["GIFT"]), (2, ["GIFT"]), (3, [])])
def test_a_capture_that_is_not_shown_keeps_back_no_other(server, failing, found):
    report = {"transaction_details": [info(f"C{n}") for n in range(failing)] + [info("GIFT")], "total_pages": 1}
    saying(server, Said(200, report), *failing * [Said(500, {})], Said(404, fault("INVALID_RESOURCE_ID")))
    seen = []

    def read() -> None:
        for fact in PAYPAL.payments_since(clock.now() - timedelta(hours=72)):
            seen.append(fact.provider_ref)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(OutcomeUnknown):
        read()
    assert seen == found


def test_money_sent_without_an_order_is_reported_too(server):
    lines = [
        info("GIFT"),
        info("GIFT"),
        info("PAYOUT", transaction_amount={"currency_code": "EUR", "value": "-7.00"}),
        info("REFUND", transaction_event_code="T1107"),
        info("DENIED", transaction_status="D"),
    ]
    report = {"transaction_details": lines, "total_pages": 1}
    saying(server, Said(200, report), Said(404, fault("INVALID_RESOURCE_ID")))

    (fact,) = PAYPAL.payments_since(clock.now() - timedelta(hours=72))

    assert (fact.provider_ref, fact.charge_ref, fact.state) == ("GIFT", "GIFT", FactState.CAPTURED)
    assert (fact.money, fact.reference) == (euros("7.00"), "")
