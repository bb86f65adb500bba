"""What the demo PayPal does with orders, captures and refunds, and which events it tells the shop.

Every method that changes something works inside one write transaction (``db``), so that the change and its events are
stored together or not at all.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from decimal import Decimal

from unlockshop.demo import bank_paypal_objects as shapes
from unlockshop.demo.bank_events import Outbox
from unlockshop.demo.bank_paypal_checks import NewOrder
from unlockshop.demo.bank_paypal_events import event
from unlockshop.demo.bank_paypal_store import (
    SCHEMA,
    PayPalFault,
    load,
    many,
    missing,
    money,
    new_id,
    save,
    stamp,
    value,
)
from unlockshop.demo.bank_store import Json, Store, dumps

ORDER_LIFE_SECONDS = 6 * 3600
# What the buttons of the approval page make of the capture that follows.
PLANS = {"approve": "complete", "hold": "hold", "hold-failure": "hold-failure", "decline": "decline"}
WAITING = frozenset({"CREATED", "PAYER_ACTION_REQUIRED"})
_PAID = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})


class PayPal:
    """The rules of the demo PayPal."""

    def __init__(self, store: Store, outbox: Outbox, *, public_url: str, delayed_seconds: float) -> None:
        self.store = store
        self.outbox = outbox
        self.public_url = public_url
        self.delayed_seconds = delayed_seconds
        with store.write() as db:
            for statement in SCHEMA:
                db.execute(statement)

    def start(self) -> None:
        """Start the thread that ends held payments in time."""
        threading.Thread(target=self._tick, name="paypal-clock", daemon=True).start()

    def tell(self, db: sqlite3.Connection, kind: str, resource: Json) -> None:
        """Record an event about an object as it is now."""
        resource_type = kind.split(".")[1].lower() if not kind.startswith("CHECKOUT") else "checkout-order"
        if kind in {"PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.FAILED"}:
            resource_type = "refund"
        about = resource.get("id") or resource["dispute_id"]
        ident, body = event(kind, resource_type, resource, f"{resource_type} {about}: {kind.lower()}")
        self.outbox.queue(db, "paypal", ident, kind=kind, about=about, body=body)

    # Orders

    def create_order(self, db: sqlite3.Connection, asked: NewOrder) -> Json:
        """Store a new order that waits for its buyer."""
        made = shapes.order(self.public_url, new_id(), asked.unit, has_source=asked.has_source)
        context = {"return_url": asked.return_url, "cancel_url": asked.cancel_url, "brand": asked.brand}
        unit = asked.unit
        save(
            db, "orders", made["id"], made, created=time.time(), context=dumps(context),
            custom_id=unit.get("custom_id"), invoice_id=unit.get("invoice_id"),
        )  # fmt: skip
        return made

    def order(self, db: sqlite3.Connection, ident: str) -> Json:
        """An order with its captures and refunds. One that nobody paid for in six hours is gone."""
        found = load(db, "orders", ident)
        captures = many(db, "captures", "order_id = ?", ident)
        if not captures:
            made = db.execute("SELECT created FROM paypal_orders WHERE id = ?", (ident,)).fetchone()["created"]
            if made < time.time() - ORDER_LIFE_SECONDS:
                raise missing()
            return found
        refunds = [refund for each in captures for refund in many(db, "refunds", "capture = ?", each["id"])]
        payments = {"captures": captures} | ({"refunds": refunds} if refunds else {})
        found["purchase_units"][0]["payments"] = payments
        return found

    def press(self, ident: str, button: str) -> bool:
        """Carry out a button of the approval page; False when the order no longer waits for its buyer."""
        with self.store.write() as db:
            found = self.order(db, ident)
            if found["status"] not in WAITING:
                return False
            found |= {"status": "APPROVED", "payer": shapes.PAYER}
            save(db, "orders", ident, found, plan=PLANS[button])
            self.tell(db, "CHECKOUT.ORDER.APPROVED", found)
            return True

    def capture(self, db: sqlite3.Connection, ident: str) -> Json:
        """Take the money of an approved order, as its buyer's button has planned."""
        found = self.order(db, ident)
        if many(db, "captures", "order_id = ?", ident):
            raise PayPalFault(422, "ORDER_ALREADY_CAPTURED")
        if found["status"] != "APPROVED":
            raise PayPalFault(422, "ORDER_NOT_APPROVED")
        row = db.execute("SELECT plan, invoice_id FROM paypal_orders WHERE id = ?", (ident,)).fetchone()
        if row["invoice_id"] and self._is_paid(db, row["invoice_id"]):
            raise PayPalFault(422, "DUPLICATE_INVOICE_ID")
        plan = row["plan"]
        if plan == "decline":
            # The buyer has to choose another means of payment, on the same page.
            found["status"] = "PAYER_ACTION_REQUIRED"
            save(db, "orders", ident, found, plan=None)
            return found
        taken = shapes.capture(self.public_url, found, status="PENDING")
        columns: dict[str, str | float | None] = {
            "created": time.time(), "order_id": ident, "invoice_id": row["invoice_id"],
        }  # fmt: skip
        if plan == "complete":
            shapes.completed(taken)
        else:
            columns |= {"resolve_at": time.time() + self.delayed_seconds, "resolve_to": plan}
        save(db, "captures", taken["id"], taken, **columns)
        found |= {"status": "COMPLETED", "update_time": stamp(time.time())}
        save(db, "orders", ident, found)
        self.tell(db, f"PAYMENT.CAPTURE.{taken['status']}", taken)
        return self.order(db, ident)

    def _is_paid(self, db: sqlite3.Connection, invoice_id: str) -> bool:
        others = many(db, "captures", "invoice_id = ?", invoice_id)
        return any(each["status"] in _PAID | {"PENDING"} for each in others)

    # Refunds

    def refund(self, db: sqlite3.Connection, capture_id: str, asked: Json) -> Json:
        """Give back what was asked, or all that is left; never more than that."""
        taken = load(db, "captures", capture_id)
        if taken["status"] == "PENDING":
            raise PayPalFault(422, "PENDING_CAPTURE")
        if taken["status"] not in _PAID:
            raise PayPalFault(422, "REFUND_NOT_ALLOWED")
        left = value(taken["amount"]) - self._refunded(db, capture_id)
        if left <= 0:
            raise PayPalFault(422, "CAPTURE_FULLY_REFUNDED")
        currency = taken["amount"]["currency_code"]
        amount = asked.pop("amount", None) or money(left, currency)
        if amount["currency_code"] != currency:
            raise PayPalFault(422, "REFUND_CAPTURE_CURRENCY_MISMATCH", field="/amount/currency_code")
        if value(amount) > left:
            raise PayPalFault(422, "REFUND_AMOUNT_EXCEEDED", field="/amount/value")
        if value(amount) < left and many(db, "disputes", "capture = ? AND status != 'RESOLVED'", capture_id):
            raise PayPalFault(422, "TRANSACTION_DISPUTED")
        if asked.get("invoice_id") and self._is_paid(db, asked["invoice_id"]):
            raise PayPalFault(422, "DUPLICATE_INVOICE_ID")
        made = shapes.refund(self.public_url, taken, amount, asked)
        save(db, "refunds", made["id"], made, created=time.time(), capture=capture_id)
        self._count_refunds(db, taken)
        self.tell(db, "PAYMENT.CAPTURE.REFUNDED", made)
        return made

    def fail_refund(self, ident: str) -> None:
        """The refund comes back days later: the money is the shop's again. Once only."""
        with self.store.write() as db:
            made = load(db, "refunds", ident)
            if made["status"] == "FAILED":
                return
            made |= {"status": "FAILED", "update_time": stamp(time.time())}
            capture_id = db.execute("SELECT capture FROM paypal_refunds WHERE id = ?", (ident,)).fetchone()["capture"]
            save(db, "refunds", ident, made)
            self._count_refunds(db, load(db, "captures", capture_id))
            self.tell(db, "PAYMENT.REFUND.FAILED", made)

    def _refunded(self, db: sqlite3.Connection, capture_id: str) -> Decimal:
        made = many(db, "refunds", "capture = ? AND status != 'FAILED'", capture_id)
        return sum((value(each["amount"]) for each in made), Decimal(0))

    def _count_refunds(self, db: sqlite3.Connection, taken: Json) -> None:
        given = self._refunded(db, taken["id"])
        full = given == value(taken["amount"])
        taken["status"] = "REFUNDED" if full else "PARTIALLY_REFUNDED" if given else "COMPLETED"
        save(db, "captures", taken["id"], taken)

    # Time

    def end_wait(self, ident: str) -> None:
        """A held payment ends now, as it was going to. One that is not held stays as it is."""
        with self.store.write() as db:
            load(db, "captures", ident)
            held = "UPDATE paypal_captures SET resolve_at = ? WHERE id = ? AND resolve_at IS NOT NULL"
            db.execute(held, (time.time(), ident))
        self.settle_if_due()

    def settle_if_due(self) -> None:
        """End the held payments whose time has come, in a transaction of its own."""
        until = self._next_due()
        if until is None or until > time.time():
            return
        with self.store.write() as db:
            rows = db.execute("SELECT id, resolve_to FROM paypal_captures WHERE resolve_at <= ?", (time.time(),))
            for row in rows.fetchall():
                taken = load(db, "captures", row["id"])
                if row["resolve_to"] == "hold":
                    shapes.completed(taken)
                else:
                    taken |= {"status": "DECLINED", "update_time": stamp(time.time())}
                    taken.pop("status_details", None)
                save(db, "captures", row["id"], taken, resolve_at=None, resolve_to=None)
                outcome = "COMPLETED" if taken["status"] == "COMPLETED" else "DENIED"
                self.tell(db, f"PAYMENT.CAPTURE.{outcome}", taken)

    def _next_due(self) -> float | None:
        with self.store.read() as db:
            row = db.execute("SELECT min(resolve_at) AS at FROM paypal_captures").fetchone()
        return None if row["at"] is None else float(row["at"])

    def _tick(self) -> None:
        while not self.store.closing:
            seen = self.store.generation
            try:
                self.settle_if_due()
                self.store.wait(seen, self._next_due())
            except sqlite3.Error:
                if self.store.closing:
                    return
                time.sleep(0.5)  # a harness holds the file; what is due stays due
