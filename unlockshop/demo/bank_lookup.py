"""Finding stored objects, and putting objects in the place of their ids."""

from __future__ import annotations

import json
import sqlite3

from unlockshop.demo import bank_objects
from unlockshop.demo.bank_params import StripeFault, missing
from unlockshop.demo.bank_store import Json, load

_EXPANDABLE = {"payment_intent": "payment_intents", "latest_charge": "charges", "charge": "charges"}
_KINDS = {
    "sessions": "checkout.session", "payment_intents": "payment_intent", "charges": "charge",
    "refunds": "refund", "events": "event", "disputes": "dispute", "warnings": "radar.early_fraud_warning",
}  # fmt: skip


def must(db: sqlite3.Connection, table: str, ident: str, param: str = "id") -> Json:
    """The object with this id, or Stripe's 404."""
    found = load(db, table, ident)
    if found is None:
        raise missing(_KINDS[table], ident, param)
    return found


def lines(db: sqlite3.Connection, session: Json) -> Json:
    """The line items of a session, as a list object. The product's description is for the payment page alone."""
    row = db.execute("SELECT line_items FROM sessions WHERE id = ?", (session["id"],)).fetchone()
    shown = [
        {name: value for name, value in line.items() if name != "product_description"}
        for line in json.loads(row["line_items"])
    ]
    return bank_objects.page_list(f"/v1/checkout/sessions/{session['id']}/line_items", shown)


def balance_transaction(db: sqlite3.Connection, ident: str) -> Json:
    """The balance transaction of the charge, refund or dispute that names it."""
    row = db.execute(
        "SELECT body FROM charges WHERE balance_transaction = ? "
        "UNION ALL SELECT body FROM refunds WHERE balance_transaction = ?",
        (ident, ident),
    ).fetchone()
    if row is None:
        for other in db.execute("SELECT body FROM disputes"):
            for movement in json.loads(other["body"])["balance_transactions"]:
                if movement["id"] == ident:
                    found: Json = movement
                    return found
        raise missing("balance_transaction", ident)
    return bank_objects.balance_transaction(ident, json.loads(row["body"]))


def expand(db: sqlite3.Connection, item: Json, path: str, whole: str) -> None:
    """Put objects in the place of ids along a path such as ``data.payment_intent.latest_charge``."""
    head, _, rest = path.partition(".")
    if head == "data" and item.get("object") == "list" and rest:
        for entry in item["data"]:
            expand(db, entry, rest, whole)
        return
    if head == "line_items" and item.get("object") == "checkout.session":
        item[head] = lines(db, item)
    elif head == "balance_transaction" and isinstance(item.get(head), str):
        item[head] = balance_transaction(db, item[head])
    elif head in _EXPANDABLE and isinstance(item.get(head), str):
        item[head] = must(db, _EXPANDABLE[head], item[head])
    elif head not in {*_EXPANDABLE, "balance_transaction"} or head not in item:
        raise StripeFault(f"This property cannot be expanded ({whole}).", param="expand")
    if rest and isinstance(item[head], dict):
        expand(db, item[head], rest, whole)
