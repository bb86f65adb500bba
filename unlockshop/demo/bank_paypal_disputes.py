"""Disputes at the demo PayPal: the buyer opens one on the bank's page, the shop answers, the page decides."""

from __future__ import annotations

import sqlite3
import time
from datetime import datetime

from unlockshop.demo import bank_paypal_objects as shapes
from unlockshop.demo.bank_paypal_flow import PayPal
from unlockshop.demo.bank_paypal_store import PayPalFault, load, many, save, stamp
from unlockshop.demo.bank_store import Json

OUTCOMES = {
    "shop": "RESOLVED_SELLER_FAVOUR",
    "buyer": "RESOLVED_BUYER_FAVOUR",
    "withdraw": "CANCELED_BY_BUYER",
}

# What a list shows of each.
LISTED = ("dispute_id", "create_time", "update_time", "reason", "status", "dispute_amount")


def updated(found: Json) -> float:
    """When a dispute last changed, Unix seconds."""
    return datetime.fromisoformat(found["update_time"]).timestamp()


class Disputes:
    """The rules of disputes."""

    def __init__(self, paypal: PayPal) -> None:
        self._paypal = paypal

    def open(self, capture_id: str) -> str:
        """The buyer disputes a payment that came in; its id. One dispute at a time."""
        with self._paypal.store.write() as db:
            taken = load(db, "captures", capture_id)
            going = many(db, "disputes", "capture = ? AND status != 'RESOLVED'", capture_id)
            if going:
                return str(going[0]["dispute_id"])
            if taken["status"] not in {"COMPLETED", "PARTIALLY_REFUNDED"}:
                raise PayPalFault(422, "TRANSACTION_NOT_DISPUTABLE", "There is no money to dispute.")
            count = db.execute("SELECT count(*) AS number FROM paypal_disputes").fetchone()["number"]
            made = shapes.dispute(self._paypal.public_url, 10_001 + count, taken)
            save(db, "disputes", made["dispute_id"], made, created=time.time(), capture=capture_id)
            self._paypal.tell(db, "CUSTOMER.DISPUTE.CREATED", made)
            return str(made["dispute_id"])

    def evidence(self, db: sqlite3.Connection, ident: str, given: list[Json]) -> Json:
        """The shop's answer, once; from then on PayPal reviews."""
        found = load(db, "disputes", ident)
        if found["status"] != "WAITING_FOR_SELLER_RESPONSE":
            raise PayPalFault(422, "ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE")
        now = stamp(time.time(), fraction=True)
        found |= {
            "status": "UNDER_REVIEW",
            "update_time": now,
            "evidences": [{**each, "source": "SUBMITTED_BY_SELLER", "date": now} for each in given],
        }
        found.pop("seller_response_due_date", None)
        save(db, "disputes", ident, found)
        self._paypal.tell(db, "CUSTOMER.DISPUTE.UPDATED", found)
        return {"links": [shapes.link(self._paypal.public_url, f"v1/customer/disputes/{ident}", "self")]}

    def accept(self, db: sqlite3.Connection, ident: str) -> Json:
        """The shop gives in."""
        found = load(db, "disputes", ident)
        if found["status"] == "RESOLVED":
            raise PayPalFault(422, "ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE")
        self._resolve(db, found, "ACCEPTED")
        return {"links": [shapes.link(self._paypal.public_url, f"v1/customer/disputes/{ident}", "self")]}

    def decide(self, ident: str, button: str) -> None:
        """A button of the page. A dispute is decided once only."""
        with self._paypal.store.write() as db:
            found = load(db, "disputes", ident)
            if found["status"] != "RESOLVED":
                self._resolve(db, found, OUTCOMES[button])

    def _resolve(self, db: sqlite3.Connection, found: Json, outcome: str) -> None:
        now = stamp(time.time(), fraction=True)
        found |= {"status": "RESOLVED", "update_time": now, "dispute_outcome": {"outcome_code": outcome}}
        found.pop("seller_response_due_date", None)
        if outcome in {"RESOLVED_BUYER_FAVOUR", "ACCEPTED"}:
            found["dispute_outcome"]["amount_refunded"] = found["dispute_amount"]
            found["money_movements"] = [
                {
                    "affected_party": "SELLER",
                    "amount": found["dispute_amount"],
                    "initiated_time": now,
                    "type": "DEBIT",
                    "reason": "DISPUTE_SETTLEMENT",
                }
            ]
        save(db, "disputes", found["dispute_id"], found)
        self._paypal.tell(db, "CUSTOMER.DISPUTE.RESOLVED", found)
