"""The part of PayPal's API the shop uses: tokens, request ids, routes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs

from unlockshop.demo import bank_paypal_checks, bank_paypal_events
from unlockshop.demo.bank_http import Answer, Request, json_answer
from unlockshop.demo.bank_paypal_disputes import LISTED, Disputes, updated
from unlockshop.demo.bank_paypal_flow import PayPal
from unlockshop.demo.bank_paypal_objects import transaction
from unlockshop.demo.bank_paypal_store import PayPalFault, load, many
from unlockshop.demo.bank_store import Json, dumps

TOKEN_SECONDS = 32400
_PREFIXES = ("/v2/", "/v1/oauth2/", "/v1/customer/", "/v1/notifications/", "/v1/reporting/")
# PayPal keeps request ids six hours for orders, 45 days for payments.
_ORDER_KEY_SECONDS = 6 * 3600
_PAYMENT_KEY_SECONDS = 45 * 86400
_MOST_KEY = 108
_MOST_REPORT_SECONDS = 31 * 86400
_MOST_PAGE = 500
_MOST_DISPUTES = 50


@dataclass(frozen=True, slots=True)
class Keys:
    """What the shop calls itself with, and what its deliveries are signed for."""

    client_id: str
    secret: str
    webhook_id: str


Endpoint = Callable[["PayPalApi", sqlite3.Connection, Request, str], tuple[int, Json]]


class PayPalApi:
    """Answers PayPal's addresses."""

    def __init__(self, paypal: PayPal, disputes: Disputes, keys: Keys) -> None:
        self._paypal = paypal
        self._disputes = disputes
        self._keys = keys

    @staticmethod
    def takes(path: str) -> bool:
        """Whether an address is PayPal's and not Stripe's."""
        return path.startswith(_PREFIXES)

    def handle(self, request: Request) -> Answer:
        """Answer one request; faults become PayPal-shaped errors."""
        headers = {"Paypal-Debug-Id": secrets.token_hex(7)}
        try:
            if request.path == "/v1/oauth2/token" and request.method == "POST":
                return self._token(request)
            self._check_token(request)
            endpoint, ident = _route(request)
            self._paypal.settle_if_due()
            if request.method == "POST":
                return self._post(request, endpoint, ident, headers)
            with self._paypal.store.read() as db:
                status, found = endpoint(self, db, request, ident)
            return json_answer(status, found, headers)
        except PayPalFault as fault:
            return json_answer(fault.status, fault.error, headers | {"Paypal-Debug-Id": fault.error["debug_id"]})

    def _token(self, request: Request) -> Answer:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            given = b""
        wanted = f"{self._keys.client_id}:{self._keys.secret}".encode()
        if scheme.lower() != "basic" or not hmac.compare_digest(given, wanted):
            return json_answer(401, {"error": "invalid_client", "error_description": "Client Authentication failed"})
        if parse_qs(request.body.decode("ascii", "replace")).get("grant_type") != ["client_credentials"]:
            return json_answer(400, {"error": "unsupported_grant_type", "error_description": "Grant Type is missing"})
        token = f"A21.demo-{secrets.token_urlsafe(30)}"
        with self._paypal.store.write() as db:
            db.execute("DELETE FROM paypal_tokens WHERE expires < ?", (time.time(),))
            db.execute("INSERT INTO paypal_tokens VALUES (?, ?)", (token, time.time() + TOKEN_SECONDS))
        found = {
            "scope": "https://uri.paypal.com/services/payments/payment",
            "access_token": token,
            "token_type": "Bearer",
            "app_id": "APP-DEMO",
            "expires_in": TOKEN_SECONDS,
            "nonce": secrets.token_hex(8),
        }
        return json_answer(200, found)

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        with self._paypal.store.read() as db:
            row = db.execute("SELECT expires FROM paypal_tokens WHERE token = ?", (token,)).fetchone()
        if scheme.lower() != "bearer" or row is None or row["expires"] < time.time():
            raise PayPalFault(401, "")

    def _post(self, request: Request, endpoint: Endpoint, ident: str, headers: dict[str, str]) -> Answer:
        """Run a POST in one transaction with the record of its request id. Only what succeeded is replayed."""
        key = request.headers.get("PayPal-Request-Id", "")
        if len(key) > _MOST_KEY:
            raise PayPalFault(400, "INVALID_STRING_LENGTH", field="/PayPal-Request-Id")
        digest = hashlib.sha256(request.body).hexdigest()
        life = _ORDER_KEY_SECONDS if "/checkout/" in request.path else _PAYMENT_KEY_SECONDS
        with self._paypal.store.write() as db:
            if key:
                db.execute("DELETE FROM paypal_requests WHERE key = ? AND created < ?", (key, time.time() - life))
                old = db.execute("SELECT * FROM paypal_requests WHERE key = ?", (key,)).fetchone()
                if old is not None:
                    if (old["path"], old["body_sha256"]) != (request.path, digest):
                        raise PayPalFault(422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED", "Used with other parameters.")
                    db.execute("UPDATE paypal_requests SET replays = replays + 1 WHERE key = ?", (key,))
                    return Answer(old["status"], old["answer"].encode(), "application/json", headers)
            status, found = endpoint(self, db, request, ident)
            answer = dumps(found)
            if key and status < 300:
                db.execute(
                    "INSERT INTO paypal_requests (key, created, path, body_sha256, status, answer) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (key, time.time(), request.path, digest, status, answer),
                )
        return Answer(status, answer.encode(), "application/json", headers)

    # Endpoints

    def create_order(self, db: sqlite3.Connection, request: Request, _: str) -> tuple[int, Json]:
        """POST /v2/checkout/orders"""
        asked = bank_paypal_checks.new_order(_json(request))
        made = self._paypal.create_order(db, asked)
        return (200 if asked.has_source else 201), _shown(request, made)

    def order(self, db: sqlite3.Connection, _: Request, ident: str) -> tuple[int, Json]:
        """GET /v2/checkout/orders/{id}"""
        return 200, self._paypal.order(db, ident)

    def capture_order(self, db: sqlite3.Connection, request: Request, ident: str) -> tuple[int, Json]:
        """POST /v2/checkout/orders/{id}/capture"""
        _json(request)
        found = self._paypal.capture(db, ident)
        if found["status"] != "COMPLETED":
            # The order has changed although the call failed, so this fault must not undo the transaction.
            fault = PayPalFault(422, "INSTRUMENT_DECLINED")
            return fault.status, fault.error
        return 201, _shown(request, found)

    def capture(self, db: sqlite3.Connection, _: Request, ident: str) -> tuple[int, Json]:
        """GET /v2/payments/captures/{id}"""
        return 200, load(db, "captures", ident)

    def refund_capture(self, db: sqlite3.Connection, request: Request, ident: str) -> tuple[int, Json]:
        """POST /v2/payments/captures/{id}/refund"""
        asked = bank_paypal_checks.new_refund(_json(request))
        return 201, _shown(request, self._paypal.refund(db, ident, asked))

    def refund(self, db: sqlite3.Connection, _: Request, ident: str) -> tuple[int, Json]:
        """GET /v2/payments/refunds/{id}"""
        return 200, load(db, "refunds", ident)

    def disputes(self, db: sqlite3.Connection, request: Request, _: str) -> tuple[int, Json]:
        """GET /v1/customer/disputes"""
        size = _number(request, "page_size", 10, most=_MOST_DISPUTES)
        begin = _number(request, "next_page_token", 1) - 1
        since = _time(request, "update_time_after") if request.first("update_time_after") else 0.0
        found = [each for each in many(db, "disputes", "1") if updated(each) >= since]
        items = [{name: each[name] for name in LISTED} for each in found[begin : begin + size]]
        base = f"{self._paypal.public_url}/v1/customer/disputes"
        links = [{"href": base, "rel": "self", "method": "GET"}]
        if len(found) > begin + size:
            query = f"page_size={size}&next_page_token={begin + size + 1}"
            links.append({"href": f"{base}?{query}", "rel": "next", "method": "GET"})
        return 200, {"items": items, "links": links} if items else {"links": links}

    def dispute(self, db: sqlite3.Connection, _: Request, ident: str) -> tuple[int, Json]:
        """GET /v1/customer/disputes/{id}"""
        return 200, load(db, "disputes", ident)

    def provide_evidence(self, db: sqlite3.Connection, request: Request, ident: str) -> tuple[int, Json]:
        """POST /v1/customer/disputes/{id}/provide-evidence"""
        given = bank_paypal_checks.evidences(request.headers.get("Content-Type", ""), request.body)
        return 200, self._disputes.evidence(db, ident, given)

    def accept_claim(self, db: sqlite3.Connection, _: Request, ident: str) -> tuple[int, Json]:
        """POST /v1/customer/disputes/{id}/accept-claim"""
        return 200, self._disputes.accept(db, ident)

    def verify(self, _: sqlite3.Connection, request: Request, __: str) -> tuple[int, Json]:
        """POST /v1/notifications/verify-webhook-signature"""
        status = bank_paypal_events.verify(self._keys.secret, _json(request), request.body)
        return 200, {"verification_status": status}

    def webhooks(self, _: sqlite3.Connection, __: Request, ___: str) -> tuple[int, Json]:
        """GET /v1/notifications/webhooks: the one that the bank was started with, for every event."""
        url = self._paypal.outbox.url_of("paypal")
        return 200, {"webhooks": [{"id": self._keys.webhook_id, "url": url, "event_types": [{"name": "*"}]}]}

    def transactions(self, db: sqlite3.Connection, request: Request, _: str) -> tuple[int, Json]:
        """GET /v1/reporting/transactions"""
        start, end = _time(request, "start_date"), _time(request, "end_date")
        if end - start > _MOST_REPORT_SECONDS:
            raise PayPalFault(400, "INVALID_REQUEST", "Date range is greater than 31 days.", "/end_date")
        size, number = _number(request, "page_size", 100, most=_MOST_PAGE), _number(request, "page", 1)
        within = "created BETWEEN ? AND ?"
        taken = many(db, "captures", within, start, end)
        found = [transaction(each, "T0006", order_id=_order_id(each)) for each in taken]
        for each in many(db, "refunds", f"{within} AND status = 'COMPLETED'", start, end):
            capture_id = each["links"][-1]["href"].rpartition("/")[2]
            found.append(transaction(each, "T1107", sign="-", capture_id=capture_id))
        return 200, {
            "transaction_details": found[(number - 1) * size : number * size],
            "page": number,
            "total_items": len(found),
            "total_pages": -(-len(found) // size),
        }


def _order_id(taken: Json) -> str:
    ident: str = taken["supplementary_data"]["related_ids"]["order_id"]
    return ident


def _json(request: Request) -> Json:
    if request.headers.get_content_type() != "application/json":
        raise PayPalFault(415, "UNSUPPORTED_MEDIA_TYPE")
    return bank_paypal_checks.parsed(request.body)


def _shown(request: Request, found: Json) -> Json:
    """The whole object, or as little as PayPal shows who does not ask for it."""
    if "representation" in request.headers.get("Prefer", ""):
        return found
    return {name: found[name] for name in ("id", "status", "payment_source", "links") if name in found}


def _time(request: Request, name: str) -> float:
    try:
        return datetime.fromisoformat(request.first(name)).timestamp()
    except ValueError:
        raise PayPalFault(400, "INVALID_REQUEST", "Not a time.", f"/{name}") from None


def _number(request: Request, name: str, default: int, *, most: int = 10**9) -> int:
    text = request.first(name) or str(default)
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text) or int(text) > most:
        raise PayPalFault(400, "INVALID_REQUEST", "Not a number in range.", f"/{name}")
    return int(text)


_ROUTES: tuple[tuple[str, re.Pattern[str], Endpoint], ...] = tuple(
    (method, re.compile(path), endpoint)
    for method, path, endpoint in (
        ("POST", "/v2/checkout/orders", PayPalApi.create_order),
        ("GET", "/v2/checkout/orders/([^/]+)", PayPalApi.order),
        ("POST", "/v2/checkout/orders/([^/]+)/capture", PayPalApi.capture_order),
        ("GET", "/v2/payments/captures/([^/]+)", PayPalApi.capture),
        ("POST", "/v2/payments/captures/([^/]+)/refund", PayPalApi.refund_capture),
        ("GET", "/v2/payments/refunds/([^/]+)", PayPalApi.refund),
        ("GET", "/v1/customer/disputes", PayPalApi.disputes),
        ("GET", "/v1/customer/disputes/([^/]+)", PayPalApi.dispute),
        ("POST", "/v1/customer/disputes/([^/]+)/provide-evidence", PayPalApi.provide_evidence),
        ("POST", "/v1/customer/disputes/([^/]+)/accept-claim", PayPalApi.accept_claim),
        ("POST", "/v1/notifications/verify-webhook-signature", PayPalApi.verify),
        ("GET", "/v1/notifications/webhooks", PayPalApi.webhooks),
        ("GET", "/v1/reporting/transactions", PayPalApi.transactions),
    )
)


def _route(request: Request) -> tuple[Endpoint, str]:
    if request.method == "GET" and request.body:
        raise PayPalFault(400, "INVALID_REQUEST", "A GET has no body.")
    for method, pattern, endpoint in _ROUTES:
        match = pattern.fullmatch(request.path)
        if match is not None and method == request.method:
            return endpoint, match[1] if match.groups() else ""
    raise PayPalFault(404, "RESOURCE_NOT_FOUND", f"Nothing at {request.method} {request.path}.")
