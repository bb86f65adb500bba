"""What the demo PayPal keeps, beside the Stripe tables in the bank's SQLite file, and how it says no.

Objects are kept as the JSON text the API answers (``body``) and, for the fields people search by, as plain columns.
Times are Unix seconds.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from unlockshop.demo.bank_store import Json, dumps

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS paypal_orders (id TEXT PRIMARY KEY, created REAL NOT NULL, status TEXT NOT NULL,
    custom_id TEXT, invoice_id TEXT, plan TEXT, context TEXT NOT NULL, body TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS paypal_captures (id TEXT PRIMARY KEY, created REAL NOT NULL, status TEXT NOT NULL,
    order_id TEXT NOT NULL, invoice_id TEXT, resolve_at REAL, resolve_to TEXT, body TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS paypal_captures_order ON paypal_captures (order_id)",
    """CREATE TABLE IF NOT EXISTS paypal_refunds (id TEXT PRIMARY KEY, created REAL NOT NULL, status TEXT NOT NULL,
    capture TEXT NOT NULL, body TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS paypal_refunds_capture ON paypal_refunds (capture)",
    """CREATE TABLE IF NOT EXISTS paypal_disputes (id TEXT PRIMARY KEY, created REAL NOT NULL, status TEXT NOT NULL,
    capture TEXT NOT NULL, body TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS paypal_requests (key TEXT PRIMARY KEY, created REAL NOT NULL, path TEXT NOT NULL,
    body_sha256 TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL, replays INTEGER NOT NULL DEFAULT 0)""",
    "CREATE TABLE IF NOT EXISTS paypal_tokens (token TEXT PRIMARY KEY, expires REAL NOT NULL)",
)
CURRENCIES = frozenset(
    """AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD
    USD""".split()  # noqa: SIM905 - a table
)
WHOLE = frozenset({"HUF", "JPY", "TWD"})
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_NAMES = {
    400: ("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication credentials.",
    ),
    403: ("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload's media type."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
}


class PayPalFault(Exception):
    """An answer with an error body in PayPal's shape. ``field`` is a JSON pointer; no ``issue``, no details.

    The published contract fixes the descriptions of most issues, so there is one only for issues it does not know.
    """

    def __init__(self, status: int, issue: str, description: str = "", field: str = "") -> None:
        name, message = _NAMES[status]
        super().__init__(issue or name)
        self.status = status
        detail = {"issue": issue, "description": description, "field": field}
        self.error: Json = {
            "name": name,
            "message": message,
            "debug_id": secrets.token_hex(7),
            "details": [{name: text for name, text in detail.items() if text}] if issue else [],
            "links": [],
        }


def missing() -> PayPalFault:
    """404: there is no such object."""
    return PayPalFault(404, "INVALID_RESOURCE_ID")


def new_id() -> str:
    """An id as PayPal gives to orders, captures and refunds."""
    return "".join(secrets.choice(_LETTERS) for _ in range(17))


def stamp(seconds: float, *, fraction: bool = False) -> str:
    """Unix seconds as PayPal writes times."""
    moment = datetime.fromtimestamp(int(seconds), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z" if fraction else "%Y-%m-%dT%H:%M:%SZ")


def money(value: Decimal, currency: str) -> Json:
    """An amount as the API shows it; rounded half up to what PayPal has of the currency."""
    exact = value.quantize(Decimal(1) if currency in WHOLE else Decimal("0.01"), rounding=ROUND_HALF_UP)
    return {"currency_code": currency, "value": f"{exact:f}"}


def value(amount: Json) -> Decimal:
    """The number in an amount."""
    return Decimal(amount["value"])


def load(db: sqlite3.Connection, table: str, ident: str) -> Json:
    """The object with this id, or PayPal's 404."""
    row = db.execute(f"SELECT body FROM paypal_{table} WHERE id = ?", (ident,)).fetchone()  # noqa: S608 - own names
    if row is None:
        raise missing()
    found: Json = json.loads(row["body"])
    return found


def many(db: sqlite3.Connection, table: str, where: str, *values: Any) -> list[Json]:
    """Objects in the order they were made; ``where`` is text of this program's own."""
    rows = db.execute(f"SELECT body FROM paypal_{table} WHERE {where} ORDER BY rowid", values)  # noqa: S608 - own text
    return [json.loads(row["body"]) for row in rows.fetchall()]


def save(db: sqlite3.Connection, table: str, ident: str, item: Json, **columns: str | float | None) -> None:
    """Write an object and the columns given; other columns of an object already there stay."""
    values: Json = {"status": item["status"], **columns, "body": dumps(item)}
    if db.execute(f"SELECT 1 FROM paypal_{table} WHERE id = ?", (ident,)).fetchone():  # noqa: S608 - own names
        sets = ", ".join(f"{name} = ?" for name in values)
        db.execute(f"UPDATE paypal_{table} SET {sets} WHERE id = ?", (*values.values(), ident))  # noqa: S608
        return
    names = ", ".join(values)
    marks = ", ".join("?" for _ in values)
    db.execute(f"INSERT INTO paypal_{table} (id, {names}) VALUES (?, {marks})", (ident, *values.values()))  # noqa: S608
