"""PayPal's deliveries: what is refused unasked, what PayPal is asked byte by byte, and what an event is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from payments.providers import paypal_api
from payments.providers.base import NotAuthentic
from payments.providers.paypal import PayPalProvider
from payments.providers.paypal_webhook import is_paypal_certificate
from payments.states import Subject
from tests.helpers.hostile import Hostile, Said, hostile_server
from unlockshop.demo import bank_paypal_events
from unlockshop.kernel.errors import Retryable

PAYPAL = PayPalProvider()
SECRET, WEBHOOK_ID = "paypal-secret-tests", "WHTESTS"
TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 32400}
# Spaces, an empty object, 1.0, an escape and a repeated name: all of it would change in decoding and encoding again.
AWKWARD = (
    b'{ "id":"WH-1" ,"event_type":"CHECKOUT.ORDER.APPROVED","resource":{"id":"ORDER1","ratio":1.0,"e":1e2,"empty":{},'
    b'"list":[ ],"text":"\\u00e9\\/ \xc3\xa9","ratio":1.10}}'
)


def event(kind: str = "CHECKOUT.ORDER.APPROVED", resource: Any = None, **changes: Any) -> bytes:
    return json.dumps({"id": "WH-1", "event_type": kind, "resource": resource or {"id": "ORDER1"}, **changes}).encode()


def signed(
    body: bytes, *, secret: str = SECRET, webhook_id: str = WEBHOOK_ID, **changes: str | None
) -> dict[str, str]:
    made = {**bank_paypal_events.headers(secret, webhook_id, body), **changes}
    return {name: value for name, value in made.items() if value is not None}


@pytest.fixture
def verifier(settings: Any) -> Iterator[Hostile]:
    """A server that calls everything authentic; tests look at what it was asked."""
    with hostile_server() as made:
        made.answer = lambda asked: (
            Said(200, TOKEN) if "oauth2" in asked.path else Said(200, {"verification_status": "SUCCESS"})
        )
        settings.PAYPAL_API_BASE = made.url
        yield made


def test_an_authentic_delivery(bank):
    body = event()

    notice = PAYPAL.read_webhook(body, signed(body))

    assert (notice.event_id, notice.event_type) == ("WH-1", "CHECKOUT.ORDER.APPROVED")
    assert (notice.subject, notice.subject_ref) == (Subject.PAYMENT, "ORDER1")
    assert notice.payload == json.loads(body)


def test_header_names_have_no_case(bank):
    body = event()

    assert PAYPAL.read_webhook(body, {name.lower(): value for name, value in signed(body).items()})


def test_the_same_delivery_again_is_the_same_event(bank):  # S05
    body = event()
    headers = signed(body)

    assert PAYPAL.read_webhook(body, headers) == PAYPAL.read_webhook(body, headers)


def test_the_delivered_bytes_are_verified_as_they_are(bank):
    notice = PAYPAL.read_webhook(AWKWARD, signed(AWKWARD))

    assert notice.subject_ref == "ORDER1"
    again = json.dumps(json.loads(AWKWARD)).encode()
    with pytest.raises(NotAuthentic):
        PAYPAL.read_webhook(again, signed(AWKWARD))


def test_the_bytes_are_spliced_in(verifier):
    headers = signed(AWKWARD)
    PAYPAL.read_webhook(AWKWARD, headers)

    asked = verifier.asked[-1]
    assert asked.path == "/v1/notifications/verify-webhook-signature"
    assert asked.body.endswith(b', "webhook_event": ' + AWKWARD + b"}")
    assert {name: value for name, value in asked.json.items() if name != "webhook_event"} == {
        "auth_algo": "SHA256withRSA",
        "cert_url": headers["PAYPAL-CERT-URL"],
        "transmission_id": headers["PAYPAL-TRANSMISSION-ID"],
        "transmission_sig": headers["PAYPAL-TRANSMISSION-SIG"],
        "transmission_time": headers["PAYPAL-TRANSMISSION-TIME"],
        "webhook_id": "WHTESTS",
    }


BODY = event()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(BODY, signed(BODY, secret="another"), id="S02 wrong secret"),
        pytest.param(BODY.replace(b"ORDER1", b"ORDER2"), signed(BODY), id="S03 one byte changed"),
        pytest.param(
            BODY, signed(BODY, **{"PAYPAL-TRANSMISSION-TIME": "2001-01-01T00:00:00Z"}), id="S04 another time"
        ),
        pytest.param(BODY, signed(BODY, webhook_id="WHOTHER"), id="S06 S07 another mode, account or webhook"),
        pytest.param(BODY, signed(BODY, **{"PAYPAL-AUTH-ALGO": "none"}), id="another algorithm"),
        pytest.param(BODY, signed(BODY, **{"PAYPAL-TRANSMISSION-SIG": "x"}), id="garbage signature"),
    ],
)
def test_what_paypal_does_not_know_is_not_authentic(bank, body, headers):
    with pytest.raises(NotAuthentic):
        PAYPAL.read_webhook(body, headers)


NAMES = ["PAYPAL-AUTH-ALGO", "PAYPAL-CERT-URL", "PAYPAL-TRANSMISSION-ID", "PAYPAL-TRANSMISSION-SIG"]


@pytest.mark.parametrize("name", [*NAMES, "PAYPAL-TRANSMISSION-TIME"])
@pytest.mark.parametrize("value", [None, "", "a b", "é", "x" * 501, "a\r\nb"])
def test_a_missing_or_broken_header_asks_nobody(verifier, name, value):  # S01
    with pytest.raises(NotAuthentic):
        PAYPAL.read_webhook(BODY, signed(BODY, **{name: value}))

    assert verifier.asked == []


EVIL = [
    "http://api.paypal.com/cert",
    "https://paypal.com.evil.io/cert",
    "https://evil.io/api.paypal.com",
    "https://api.paypal.com.evil.io/",
    "https://evilpaypal.com/cert",
    "https://evil-paypal.com/cert",
    "https://paypal.com/cert",
    "https://api.paypal.com@evil.io/",
    "https://evil.io#.paypal.com/",
    "https://evil.io\\.paypal.com/",
    "https://evil.io?.paypal.com",
    "https://user:pw@api.paypal.com/",
    "https://api.paypal.com:8443/",
    "https://api.paypal.com:99999/",
    "https://.paypal.com/",
    "https://[::1].paypal.com/",
    "https://127.0.0.1/",
    "https://api.paypal.com./",
    "https://apı.paypal.com/",
    "//api.paypal.com/",
    "ftp://api.paypal.com/",
    "javascript://api.paypal.com/",
    "",
]


@pytest.mark.parametrize("url", EVIL)
def test_a_certificate_elsewhere_is_refused_and_never_fetched(verifier, monkeypatch, url):  # S08
    reached: list[Any] = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **_: reached.append(args) or [])
    with pytest.raises(NotAuthentic):
        PAYPAL.read_webhook(BODY, signed(BODY, **{"PAYPAL-CERT-URL": url}))

    assert (verifier.asked, reached) == ([], [])


@pytest.mark.parametrize(
    "url", ["https://api.paypal.com/v1/notifications/certs/CERT-1", "https://api.sandbox.paypal.com:443/x?y"]
)
def test_paypals_own_certificates(url):
    assert is_paypal_certificate(url)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no json", id="not json"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b'{"id": "WH-1"}', id="no type"),
        pytest.param(b'{"id": 1, "event_type": "x"}', id="a number as id"),
        pytest.param(b'{"id": "", "event_type": "x"}', id="an empty id"),
        pytest.param(event(id="w" * 300), id="an endless id"),
        pytest.param(event("T" * 121), id="an endless type"),
        pytest.param(b'{"id": "WH-1", "event_type": "x", "n": NaN}', id="NaN"),
        pytest.param(BODY + BODY, id="two values"),
        pytest.param(BODY + b', "verification_status": "SUCCESS"', id="a way out of the splice"),
        pytest.param(b'{}, "webhook_id": "OTHER", "webhook_event": ' + BODY, id="another way out"),
        pytest.param(BODY.decode().encode("utf-16"), id="utf-16"),
        pytest.param(b"\xef\xbb\xbf" + BODY, id="byte order mark"),
        pytest.param(b"\xff\xfe", id="not utf-8"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="S10 deep"),
    ],
)
def test_what_is_no_event_asks_nobody(verifier, body):
    with pytest.raises(NotAuthentic):
        PAYPAL.read_webhook(body, signed(body))

    assert verifier.asked == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said(200, {"verification_status": "FAILURE"}), NotAuthentic),
        (Said(200, {"verification_status": "success"}), NotAuthentic),
        (Said(200, {"verification_status": True}), NotAuthentic),
        (Said(200, {}), NotAuthentic),
        (Said(400, {"name": "VALIDATION_ERROR"}), NotAuthentic),
        (Said(422, {"name": "UNPROCESSABLE_ENTITY"}), NotAuthentic),
        (Said(401, {"name": "AUTHENTICATION_FAILURE"}), Retryable),
        (Said(403, {"name": "NOT_AUTHORIZED"}), Retryable),
        (Said(404, {"name": "RESOURCE_NOT_FOUND"}), Retryable),
        (Said(429, {}), Retryable),
        (Said(500, {}), Retryable),
        (Said(200, b"<html>"), Retryable),
        (Said(302, headers={"Location": "http://127.0.0.1:9/"}), Retryable),
        (Said(cut=True), Retryable),
    ],
)
def test_what_the_verification_answers(verifier, said, expected):
    verifier.answer = lambda asked: Said(200, TOKEN) if "oauth2" in asked.path else said

    with pytest.raises(expected):
        PAYPAL.read_webhook(BODY, signed(BODY))


def test_a_silent_verification_is_asked_again_later(verifier, monkeypatch):
    monkeypatch.setattr(paypal_api, "TIMEOUT", (1.0, 0.2))
    verifier.answer = lambda asked: Said(200, TOKEN) if "oauth2" in asked.path else Said(200, {}, hang_seconds=5)

    with pytest.raises(Retryable):
        PAYPAL.read_webhook(BODY, signed(BODY))


def test_a_dead_paypal_is_asked_again_later(settings):
    settings.PAYPAL_API_BASE = "http://127.0.0.1:9"

    with pytest.raises(Retryable):
        PAYPAL.read_webhook(BODY, signed(BODY))


RELATED = {"id": "CAP1", "supplementary_data": {"related_ids": {"order_id": "ORDER1"}}}
UP = {"id": "CAP1", "links": [{"rel": "up", "href": "https://api.paypal.com/v2/checkout/orders/ORDER1"}]}


@pytest.mark.parametrize(
    ("kind", "resource", "expected"),
    [
        ("CHECKOUT.ORDER.APPROVED", {"id": "ORDER1"}, (Subject.PAYMENT, "ORDER1")),
        ("CHECKOUT.ORDER.COMPLETED", {"id": "ORDER1"}, (Subject.PAYMENT, "ORDER1")),
        ("PAYMENT.CAPTURE.COMPLETED", RELATED, (Subject.PAYMENT, "ORDER1")),
        ("PAYMENT.CAPTURE.PENDING", UP, (Subject.PAYMENT, "ORDER1")),
        ("PAYMENT.CAPTURE.DENIED", RELATED, (Subject.PAYMENT, "ORDER1")),
        ("PAYMENT.CAPTURE.REVERSED", {"id": "CAP1"}, (Subject.NONE, "")),
        ("PAYMENT.CAPTURE.COMPLETED", {"links": "x", "supplementary_data": []}, (Subject.NONE, "")),
        ("PAYMENT.CAPTURE.REFUNDED", {"id": "REF1"}, (Subject.REFUND, "REF1")),
        ("PAYMENT.REFUND.FAILED", {"id": "REF1"}, (Subject.REFUND, "REF1")),
        ("CUSTOMER.DISPUTE.CREATED", {"dispute_id": "PP-D-1"}, (Subject.DISPUTE, "PP-D-1")),
        ("CUSTOMER.DISPUTE.RESOLVED", {"dispute_id": "../x"}, (Subject.NONE, "")),
        ("CHECKOUT.ORDER.APPROVED", {"id": {"a": 1}}, (Subject.NONE, "")),
        ("CHECKOUT.ORDER.APPROVED", ["ORDER1"], (Subject.NONE, "")),
        ("BILLING.PLAN.CREATED", {"id": "X"}, (Subject.NONE, "")),
    ],
)
def test_what_an_event_is_about(verifier, kind, resource, expected):
    body = event(kind, resource)

    notice = PAYPAL.read_webhook(body, signed(body))

    assert (notice.subject, notice.subject_ref) == expected
