"""What the demo bank does with sessions, payments and refunds, and which events it tells the shop.

Every method that changes something works inside one write transaction (``db``), so that the change and its
events are stored together or not at all. Times are Unix seconds, amounts minor units.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from dataclasses import dataclass
from typing import Any

from unlockshop.demo import bank_objects as shapes
from unlockshop.demo.bank_events import Outbox
from unlockshop.demo.bank_params import StripeFault, missing
from unlockshop.demo.bank_store import Json, Store, dumps, load, save

BUTTONS = ("pay", "decline", "delayed-success", "delayed-failure", "cancel")
Caller = tuple[str | None, str | None]
NOBODY: Caller = (None, None)
_DECLINED: Json = {
    "charge": None,
    "code": "card_declined",
    "decline_code": "generic_decline",
    "doc_url": "https://stripe.com/docs/error-codes/card-declined",
    "message": "Your card was declined.",
    "type": "card_error",
}
_DEBIT_FAILED: Json = {
    "code": "payment_intent_payment_attempt_failed",
    "message": "The bank debit failed: the account has not enough funds.",
    "type": "invalid_request_error",
}


@dataclass(frozen=True, slots=True)
class NewSession:
    """A checked request for a session: API fields, lines, and what goes to the payment intent."""

    fields: dict[str, Any]
    lines: list[Json]
    intent: Json


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button did: go to ``target``, or show the page of ``session`` again with ``notice``."""

    session: Json
    target: str | None = None
    notice: str = ""


class Bank:
    """The rules of the demo bank."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        *,
        public_url: str,
        delayed_seconds: float,
        prefix: str = "UNLOCKSHOP",
    ) -> None:
        self.store = store
        self.outbox = outbox
        self.public_url = public_url
        self.delayed_seconds = delayed_seconds
        self.prefix = prefix

    def start(self) -> None:
        """Start the thread that expires sessions and resolves delayed payments in time."""
        threading.Thread(target=self._tick, name="clock", daemon=True).start()

    def descriptor(self, suffix: str | None) -> str:
        """What the card statement shows, at most 22 characters."""
        return f"{self.prefix}* {suffix}"[:22] if suffix else self.prefix[:22]

    # Sessions

    def create_session(self, db: sqlite3.Connection, order: NewSession, now: int) -> Json:
        """Store a new open session."""
        found = shapes.session(now, self.public_url, **order.fields)
        save(db, "sessions", found, line_items=dumps(order.lines), intent_data=dumps(order.intent))
        return found

    def expire(self, db: sqlite3.Connection, found: Json, caller: Caller = NOBODY) -> Json:
        """Close an open session without payment."""
        if found["status"] != "open":
            raise StripeFault(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of {found['status']}."
            )
        found |= {"status": "expired", "url": None}
        save(db, "sessions", found)
        intent = load(db, "payment_intents", found["payment_intent"] or "")
        if intent is not None:
            intent |= {
                "status": "canceled",
                "canceled_at": int(time.time()),
                "cancellation_reason": "automatic",
            }
            save(db, "payment_intents", intent)
        self.outbox.enqueue(db, "checkout.session.expired", found, caller)
        return found

    def press(self, ident: str, button: str) -> Pressed:
        """Carry out a button of the hosted page. Pressing again after a payment charges nothing."""
        with self.store.write() as db:
            now = time.time()
            self.settle(db, now)
            found = load(db, "sessions", ident)
            if found is None:
                raise missing("checkout.session", ident)
            if found["status"] == "complete":
                return Pressed(found, target=success_target(found))
            if found["status"] == "expired":
                return Pressed(found)
            if button == "cancel":
                return Pressed(found, target=found["cancel_url"])
            intent = self._intent(db, found, int(now))
            if button == "decline":
                intent |= {"status": "requires_payment_method", "last_payment_error": _DECLINED}
                save(db, "payment_intents", intent)
                save(db, "sessions", found)
                self.outbox.enqueue(db, "payment_intent.payment_failed", intent)
                return Pressed(found, notice="Your card was declined. Nothing was charged.")
            found |= {"status": "complete", "url": None, "customer_details": _buyer(found)}
            if button == "pay":
                self._succeed(db, found, intent, "card", int(now))
                save(db, "sessions", found)
                self.outbox.enqueue(db, "checkout.session.completed", found)
                return Pressed(found, target=success_target(found))
            intent |= {
                "status": "processing",
                "last_payment_error": None,
                "payment_method": shapes.new_id("pm_"),
            }
            save(db, "payment_intents", intent)
            outcome = "paid" if button == "delayed-success" else "failed"
            save(db, "sessions", found, resolve_at=now + self.delayed_seconds, resolve_to=outcome)
            self.outbox.enqueue(db, "checkout.session.completed", found)
            return Pressed(found, target=success_target(found))

    def _intent(self, db: sqlite3.Connection, found: Json, now: int) -> Json:
        """The session's payment intent; the first attempt makes it, later attempts use it again."""
        intent = load(db, "payment_intents", found["payment_intent"] or "")
        if intent is None:
            row = db.execute("SELECT intent_data FROM sessions WHERE id = ?", (found["id"],)).fetchone()
            intent = shapes.payment_intent(
                now,
                amount=found["amount_total"],
                currency=found["currency"],
                **json.loads(row["intent_data"]),
            )
            save(db, "payment_intents", intent, session=found["id"])
            found["payment_intent"] = intent["id"]
        return intent

    def _succeed(self, db: sqlite3.Connection, found: Json, intent: Json, method: str, now: int) -> None:
        """Charge the intent, mark the (not yet saved) session paid, and tell the shop of the payment."""
        intent["payment_method"] = intent["payment_method"] or shapes.new_id("pm_")
        charge = shapes.charge(
            now,
            intent,
            found["customer_email"],
            method,
            self.descriptor(intent["statement_descriptor_suffix"]),
        )
        intent |= {
            "status": "succeeded",
            "amount_received": intent["amount"],
            "latest_charge": charge["id"],
            "last_payment_error": None,
        }
        found["payment_status"] = "paid"
        save(db, "charges", charge, fee=shapes.fee(charge["amount"]))
        save(db, "payment_intents", intent)
        self.outbox.enqueue(db, "charge.succeeded", charge)
        self.outbox.enqueue(db, "payment_intent.succeeded", intent)

    # Time

    def settle(self, db: sqlite3.Connection, now: float) -> None:
        """Do what time has made due: expire open sessions, end delayed payments."""
        for row in db.execute(
            "SELECT body FROM sessions WHERE status = 'open' AND expires_at <= ?", (int(now),)
        ).fetchall():
            self.expire(db, json.loads(row["body"]))
        for row in db.execute("SELECT body, resolve_to FROM sessions WHERE resolve_at <= ?", (now,)).fetchall():
            found = json.loads(row["body"])
            intent = self._intent(db, found, int(now))
            if row["resolve_to"] == "paid":
                self._succeed(db, found, intent, "sepa_debit", int(now))
                self.outbox.enqueue(db, "checkout.session.async_payment_succeeded", found)
            else:
                intent |= {
                    "status": "requires_payment_method",
                    "payment_method": None,
                    "last_payment_error": _DEBIT_FAILED,
                }
                save(db, "payment_intents", intent)
                self.outbox.enqueue(db, "payment_intent.payment_failed", intent)
                self.outbox.enqueue(db, "checkout.session.async_payment_failed", found)
            save(db, "sessions", found, resolve_at=None, resolve_to=None)

    def end_wait(self, ident: str) -> None:
        """A delayed payment ends now, as it was going to. One that waits for nothing stays as it is."""
        with self.store.write() as db:
            now = time.time()
            db.execute("UPDATE sessions SET resolve_at = ? WHERE id = ? AND resolve_at IS NOT NULL", (now, ident))
            self.settle(db, now)

    def settle_if_due(self) -> None:
        """``settle`` in its own transaction, but only when there is something to do."""
        until = self._next_due()
        if until is not None and until <= time.time():
            with self.store.write() as db:
                self.settle(db, time.time())

    def _next_due(self) -> float | None:
        with self.store.read() as db:
            row = db.execute(
                "SELECT min(at) AS at FROM (SELECT min(expires_at) AS at FROM sessions WHERE status = 'open' "
                "UNION ALL SELECT min(resolve_at) FROM sessions WHERE resolve_at IS NOT NULL)"
            ).fetchone()
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

    # Refunds

    def refund(
        self,
        db: sqlite3.Connection,
        charge: Json,
        *,
        amount: int | None,
        reason: str | None,
        metadata: dict[str, str],
        caller: Caller,
    ) -> Json:
        """Give back ``amount`` of a charge, or all that is left of it; never more than that."""
        left = charge["amount"] - charge["amount_refunded"]
        if left == 0:
            raise StripeFault(
                f"Charge {charge['id']} has already been refunded.",
                code="charge_already_refunded",
                param="charge",
            )
        currency = charge["currency"]
        check_step(amount or left, currency, "amount")
        if amount is not None and amount > left:
            raise StripeFault(
                f"Refund amount ({shapes.money(amount, currency)}) is greater than unrefunded amount "
                f"on charge ({shapes.money(left, currency)})",
                param="amount",
            )
        made = shapes.refund(int(time.time()), charge, amount or left, reason, metadata)
        save(db, "refunds", made)
        self._count_refund(db, charge, made["amount"])
        self.outbox.enqueue(db, "charge.refunded", charge, caller)
        self.outbox.enqueue(db, "refund.created", made, caller)
        return made

    def fail_refund(self, ident: str) -> None:
        """The refund comes back days later: the money is the shop's again. Once only."""
        with self.store.write() as db:
            made = load(db, "refunds", ident)
            if made is None:
                raise missing("refund", ident)
            if made["status"] == "failed":
                return
            made |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
            save(db, "refunds", made)
            charge = load(db, "charges", made["charge"])
            if charge is not None:
                self._count_refund(db, charge, -made["amount"])
            self.outbox.enqueue(db, "refund.updated", made)
            self.outbox.enqueue(db, "refund.failed", made)

    def _count_refund(self, db: sqlite3.Connection, charge: Json, amount: int) -> None:
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        save(db, "charges", charge)


def check_step(amount: int, currency: str, param: str) -> None:
    """Some currencies are counted finer than they are moved."""
    step = shapes.step(currency)
    if amount % step:
        raise StripeFault(
            f"Invalid amount: in {currency.upper()} it must be divisible by {step}.",
            code="amount_invalid",
            param=param,
        )


def success_target(found: Json) -> str:
    """The success address with the session's id filled in."""
    address: str = found["success_url"]
    return address.replace("{CHECKOUT_SESSION_ID}", found["id"])


def _buyer(found: Json) -> Json:
    return {
        "address": None, "business_name": None, "email": found["customer_email"], "individual_name": None,
        "name": None, "phone": None, "tax_exempt": "none", "tax_ids": [],
    }  # fmt: skip
