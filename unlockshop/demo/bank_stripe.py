"""The part of the Stripe API the shop uses: authentication, idempotency keys, routes, expansion, lists."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import sqlite3
import time
from collections.abc import Callable
from email.message import Message

from unlockshop.demo import bank_checks, bank_objects
from unlockshop.demo.bank_disputes import Disputes, is_charged_back
from unlockshop.demo.bank_flow import Bank
from unlockshop.demo.bank_http import Answer, Request, json_answer
from unlockshop.demo.bank_lookup import balance_transaction, expand, lines, must
from unlockshop.demo.bank_params import Fields, StripeFault, parse_form
from unlockshop.demo.bank_store import Json, dumps

_LIST = frozenset({"limit", "starting_after", "ending_before", "expand", "created"})
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Call:
    """One API call under way: its parameters, its id, and the database in a transaction."""

    def __init__(self, db: sqlite3.Connection, given: Json, request_id: str, key: str | None) -> None:
        self.db = db
        self.given = Fields(given)
        self.caller = (request_id, key)


Endpoint = Callable[["StripeApi", Call, str], Json]


class StripeApi:
    """Answers ``/v1/...``."""

    def __init__(self, bank: Bank, disputes: Disputes, key: str) -> None:
        self._bank = bank
        self._disputes = disputes
        self._key = key

    def handle(self, request: Request) -> Answer:
        """Answer one request; faults become Stripe-shaped errors."""
        request_id = bank_objects.new_id("req_", 14)
        headers = {"Request-Id": request_id, "Stripe-Version": bank_objects.API_VERSION}
        try:
            self._check_key(request.headers)
            endpoint, ident = _route(request)
            self._bank.settle_if_due()
            if request.method == "POST":
                return self._post(request, endpoint, ident, headers)
            with self._bank.store.read() as db:
                call = Call(db, parse_form(request.query), request_id, None)
                return json_answer(200, self._finish(call, endpoint(self, call, ident)), headers)
        except StripeFault as fault:
            return json_answer(fault.status, {"error": fault.error}, headers)

    def _check_key(self, headers: Message) -> None:
        scheme, _, value = headers.get("Authorization", "").partition(" ")
        given = value.strip()
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                given = ""
        if given.startswith(("sk_live", "rk_live")):
            raise StripeFault("A live key reached the demo bank; it is refused.", status=401)
        if not given:
            raise StripeFault("You did not provide an API key.", status=401)
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            shown = f"{given[:8]}***{given[-4:]}" if len(given) > 16 else "***"
            raise StripeFault(f"Invalid API Key provided: {shown}", status=401)

    def _post(self, request: Request, endpoint: Endpoint, ident: str, headers: dict[str, str]) -> Answer:
        """Run a POST in one transaction together with the record of its idempotency key."""
        key = request.headers.get("Idempotency-Key")
        if key is not None and not 0 < len(key) <= 255:
            raise StripeFault("Idempotency keys have 1 to 255 characters.", kind="idempotency_error")
        try:
            text = request.body.decode()
        except UnicodeDecodeError:
            raise StripeFault("Invalid request body: not UTF-8") from None
        given = parse_form(text)
        digest = hashlib.sha256(dumps(sorted(_flat(given))).encode()).hexdigest()
        with self._bank.store.write() as db:
            if key is not None:
                headers["Idempotency-Key"] = key
                old = db.execute("SELECT * FROM idempotency WHERE key = ?", (key,)).fetchone()
                if old is not None:
                    return _replay(db, old, request.path, digest, headers)
            call = Call(db, given, headers["Request-Id"], key)
            db.execute("SAVEPOINT work")
            try:
                status, body = 200, dumps(self._finish(call, endpoint(self, call, ident)))
            except StripeFault as fault:
                db.execute("ROLLBACK TO work")
                status, body = fault.status, dumps({"error": fault.error})
            db.execute("RELEASE work")
            if key is not None:
                db.execute(
                    "INSERT INTO idempotency (key, created, path, params_sha256, request_id, status, body) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (key, time.time(), request.path, digest, headers["Request-Id"], status, body),
                )
        return Answer(status, body.encode(), "application/json", headers)

    # Endpoints

    def create_session(self, call: Call, _: str) -> Json:
        """POST /v1/checkout/sessions"""
        now = int(time.time())
        return self._bank.create_session(call.db, bank_checks.new_session(call.given, now), now)

    def expire_session(self, call: Call, ident: str) -> Json:
        """POST /v1/checkout/sessions/{id}/expire"""
        call.given.only(frozenset({"expand"}))
        return self._bank.expire(call.db, must(call.db, "sessions", ident), call.caller)

    def session_lines(self, call: Call, ident: str) -> Json:
        """GET /v1/checkout/sessions/{id}/line_items"""
        call.given.only(_LIST)
        return lines(call.db, must(call.db, "sessions", ident))

    def create_refund(self, call: Call, _: str) -> Json:
        """POST /v1/refunds"""
        intent_id, charge_id, amount, reason, metadata = bank_checks.new_refund(call.given)
        if intent_id is not None:
            charge_id = must(call.db, "payment_intents", intent_id, "payment_intent")["latest_charge"]
            if charge_id is None:
                raise StripeFault(
                    f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
                    code="payment_intent_unexpected_state",
                    param="payment_intent",
                )
        charge = must(call.db, "charges", charge_id or "", "charge")
        if is_charged_back(call.db, charge["id"]):
            raise StripeFault(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.",
                code="charge_disputed",
                param="charge",
            )
        return self._bank.refund(call.db, charge, amount=amount, reason=reason, metadata=metadata, caller=call.caller)

    def update_dispute(self, call: Call, ident: str) -> Json:
        """POST /v1/disputes/{id}"""
        return self._disputes.answer(call.db, must(call.db, "disputes", ident), call.given, call.caller)

    def close_dispute(self, call: Call, ident: str) -> Json:
        """POST /v1/disputes/{id}/close"""
        call.given.only(frozenset({"expand"}))
        return self._disputes.accept(call.db, must(call.db, "disputes", ident), call.caller)

    def account(self, call: Call, _: str) -> Json:
        """GET /v1/account"""
        call.given.only(frozenset({"expand"}))
        return {
            "id": "acct_demo0000000000",
            "object": "account",
            "business_profile": {"name": "Demo shop", "url": None},
            "charges_enabled": True,
            "country": "DE",
            "default_currency": "eur",
            "details_submitted": True,
            "email": None,
            "payouts_enabled": False,
            "settings": {"card_payments": {"statement_descriptor_prefix": self._bank.prefix}},
            "type": "standard",
        }

    def webhook_endpoints(self, call: Call, path: str) -> Json:
        """GET /v1/webhook_endpoints: the one that the bank was started with, for every event."""
        call.given.only(_LIST)
        return bank_objects.page_list(path, [bank_objects.webhook_endpoint(self._bank.outbox.url_of("stripe"))])

    def balance_transaction(self, call: Call, ident: str) -> Json:
        """GET /v1/balance_transactions/{id}"""
        return balance_transaction(call.db, ident)

    def _finish(self, call: Call, item: Json) -> Json:
        for path in call.given.words("expand"):
            expand(call.db, item, path, path)
        return item


def _replay(db: sqlite3.Connection, old: sqlite3.Row, path: str, digest: str, headers: dict[str, str]) -> Answer:
    if old["path"] != path or old["params_sha256"] != digest:
        what = "endpoint" if old["path"] != path else "parameters"
        raise StripeFault(
            f"Keys for idempotent requests can only be used with the same {what} they were first used with. "
            f"Try using a key other than '{old['key']}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    db.execute("UPDATE idempotency SET replays = replays + 1 WHERE key = ?", (old["key"],))
    headers |= {"Idempotent-Replayed": "true", "Original-Request": old["request_id"]}
    return Answer(old["status"], old["body"].encode(), "application/json", headers)


def _flat(value: object, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{path}[{key}]")]
    return [(path, str(value))]


def _get(table: str) -> Endpoint:
    """GET of one object by its id."""

    def endpoint(_: StripeApi, call: Call, ident: str) -> Json:
        call.given.only(frozenset({"expand"}))
        found = must(call.db, table, ident)
        if table == "events":
            state = call.db.execute("SELECT state FROM events WHERE id = ?", (ident,)).fetchone()["state"]
            found["pending_webhooks"] = int(state == "pending")
        return found

    return endpoint


def _many(table: str, *filters: str) -> Endpoint:
    """GET of a list, newest first, by ``filters`` (columns) and by ``created`` (Unix s)."""

    def endpoint(_: StripeApi, call: Call, path: str) -> Json:
        given = call.given
        given.only(_LIST | frozenset(filters))
        limit = min(given.integer("limit", least=1) or 10, 100)
        wheres, values = ["channel = 'stripe'" if table == "events" else "1"], list[str | int]()
        for name in filters:
            value = given.text(name)
            if value is not None:
                wheres.append(f"{name} = ?")
                values.append(value)
        created = given.inner("created")
        created.only(frozenset(_COMPARE))
        for name, sign in _COMPARE.items():
            moment = created.integer(name)
            if moment is not None:
                wheres.append(f"created {sign} ?")
                values.append(moment)
        for name, sign in (("starting_after", "<"), ("ending_before", ">")):
            other = given.text(name)
            if other is not None:
                must(call.db, table, other, name)
                wheres.append(f"rowid {sign} (SELECT rowid FROM {table} WHERE id = ?)")  # noqa: S608 - own names
                values.append(other)
        order = "ASC" if "ending_before" in given else "DESC"
        rows = call.db.execute(
            f"SELECT body FROM {table} WHERE {' AND '.join(wheres)} ORDER BY rowid {order} LIMIT ?",  # noqa: S608
            (*values, limit + 1),
        ).fetchall()
        bodies = [json.loads(row["body"]) for row in rows[:limit]]
        if order == "ASC":
            bodies.reverse()
        return bank_objects.page_list(path, bodies, has_more=len(rows) > limit)

    return endpoint


_ROUTES: tuple[tuple[str, re.Pattern[str], Endpoint], ...] = tuple(
    (method, re.compile(f"/v1/{path}"), endpoint)
    for method, path, endpoint in (
        ("POST", "checkout/sessions", StripeApi.create_session),
        ("GET", "checkout/sessions", _many("sessions", "payment_intent", "status")),
        ("GET", "checkout/sessions/([^/]+)", _get("sessions")),
        ("GET", "checkout/sessions/([^/]+)/line_items", StripeApi.session_lines),
        ("POST", "checkout/sessions/([^/]+)/expire", StripeApi.expire_session),
        ("GET", "payment_intents/([^/]+)", _get("payment_intents")),
        ("GET", "charges", _many("charges", "payment_intent")),
        ("GET", "charges/([^/]+)", _get("charges")),
        ("POST", "refunds", StripeApi.create_refund),
        ("GET", "refunds", _many("refunds", "payment_intent", "charge")),
        ("GET", "refunds/([^/]+)", _get("refunds")),
        ("GET", "disputes", _many("disputes", "payment_intent", "charge")),
        ("GET", "disputes/([^/]+)", _get("disputes")),
        ("POST", "disputes/([^/]+)", StripeApi.update_dispute),
        ("POST", "disputes/([^/]+)/close", StripeApi.close_dispute),
        ("GET", "radar/early_fraud_warnings", _many("warnings", "payment_intent", "charge")),
        ("GET", "radar/early_fraud_warnings/([^/]+)", _get("warnings")),
        ("GET", "events", _many("events", "type")),
        ("GET", "events/([^/]+)", _get("events")),
        ("GET", "balance_transactions/([^/]+)", StripeApi.balance_transaction),
        ("GET", "webhook_endpoints", StripeApi.webhook_endpoints),
        ("GET", "account", StripeApi.account),
    )
)


def _route(request: Request) -> tuple[Endpoint, str]:
    """The endpoint of a request, with the id from its path (of a list: the path)."""
    for method, pattern, endpoint in _ROUTES:
        match = pattern.fullmatch(request.path)
        if match is not None and method == request.method:
            return endpoint, match[1] if match.groups() else request.path
    raise StripeFault(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)
