"""Disputes and early fraud warnings at the demo bank: opened and decided by its operator, answered by the shop.

Opening one takes the disputed amount and a fee from the shop's balance at once; deciding it for the shop brings the
amount back, never the fee. Evidence is staged as often as the shop likes and submitted once.
"""

from __future__ import annotations

import json
import sqlite3
import time

from unlockshop.demo.bank_flow import NOBODY, Bank, Caller
from unlockshop.demo.bank_objects import money, new_id
from unlockshop.demo.bank_params import Fields, StripeFault, missing
from unlockshop.demo.bank_store import Json, load, save

FEE = 2000
DAYS_TO_ANSWER = 9
MOST_TEXT = 20_000
MOST_TEXT_TOGETHER = 150_000
OPEN = ("needs_response", "under_review")
SHORT_TEXTS = (
    "billing_address", "customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_id",
    "service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number",
)  # fmt: skip
LONG_TEXTS = (
    "access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "duplicate_charge_explanation", "product_description", "refund_policy_disclosure",
    "refund_refusal_explanation", "uncategorized_text",
)  # fmt: skip
FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation",
    "receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
_UPDATE = frozenset({"evidence", "expand", "intended_submission_method", "metadata", "submit"})


class Disputes:
    """The rules of disputes."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    def open(self, session_id: str, *, now: int | None = None) -> Json:
        """The customer disputes a paid session's charge: the money is gone until the bank has decided."""
        moment = now or int(time.time())
        with self.bank.store.write() as db:
            charge = _charge(db, session_id)
            if charge["disputed"]:
                raise StripeFault("This payment is disputed already.", code="charge_disputed")
            amount = charge["amount"] - charge["amount_refunded"]
            if amount == 0:
                raise StripeFault("This payment was refunded; nothing is left to dispute.")
            made = dispute(moment, charge, amount)
            made["balance_transactions"].append(_movement(moment, made, -amount, FEE))
            save(db, "disputes", made)
            charge["disputed"] = True
            save(db, "charges", charge)
            self._tell(db, "created", made)
            self._tell(db, "funds_withdrawn", made)
        return made

    def warn(self, session_id: str) -> Json:
        """The card's bank warns that a paid session may be fraud. No money moves."""
        with self.bank.store.write() as db:
            charge = _charge(db, session_id)
            made = {
                "id": new_id("issfr_"),
                "object": "radar.early_fraud_warning",
                "actionable": not charge["refunded"] and not charge["disputed"],
                "charge": charge["id"],
                "created": int(time.time()),
                "fraud_type": "made_with_stolen_card",
                "livemode": False,
                "payment_intent": charge["payment_intent"],
            }
            save(db, "warnings", made)
            self.bank.outbox.enqueue(db, "radar.early_fraud_warning.created", made)
        return made

    def answer(self, db: sqlite3.Connection, found: Json, given: Fields, caller: Caller) -> Json:
        """Stage evidence, or submit it, once and for good; ``submit`` is the default, as at Stripe."""
        given.only(_UPDATE)
        texts = _evidence(given.inner("evidence"))
        is_final = given.choice("submit", ("true", "false")) != "false"
        if found["status"] != "needs_response":
            raise StripeFault(
                f"This dispute has a status of {found['status']}; its evidence cannot be changed any more.",
                code="dispute_not_editable",
            )
        evidence = found["evidence"] | texts
        if sum(len(text) for text in evidence.values() if isinstance(text, str)) > MOST_TEXT_TOGETHER:
            raise StripeFault("All evidence together may have 150,000 characters.", param="evidence")
        found |= {"evidence": evidence, "metadata": found["metadata"] | given.metadata()}
        details = found["evidence_details"]
        details["has_evidence"] = any(evidence[name] for name in (*SHORT_TEXTS, *LONG_TEXTS))
        if is_final:
            found["status"] = "under_review"
            details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
        save(db, "disputes", found)
        self._tell(db, "updated", found, caller)
        return found

    def accept(self, db: sqlite3.Connection, found: Json, caller: Caller) -> Json:
        """The shop gives in."""
        if found["status"] not in OPEN:
            raise StripeFault("This dispute is already closed.", code="dispute_not_editable")
        self._close(db, found, "lost", caller)
        return found

    def decide(self, ident: str, *, for_shop: bool) -> Json:
        """The bank decides. A second decision changes nothing."""
        with self.bank.store.write() as db:
            found = load(db, "disputes", ident)
            if found is None:
                raise missing("dispute", ident)
            if found["status"] in OPEN:
                if for_shop:
                    found["balance_transactions"].append(_movement(int(time.time()), found, found["amount"], 0))
                    self._tell(db, "funds_reinstated", found)
                self._close(db, found, "won" if for_shop else "lost", NOBODY)
        return found

    def _close(self, db: sqlite3.Connection, found: Json, status: str, caller: Caller) -> None:
        found["status"] = status
        save(db, "disputes", found)
        self._tell(db, "closed", found, caller)

    def _tell(self, db: sqlite3.Connection, what: str, found: Json, caller: Caller = NOBODY) -> None:
        self.bank.outbox.enqueue(db, f"charge.dispute.{what}", found, caller)


def dispute(now: int, charge: Json, amount: int) -> Json:
    """A new dispute of ``amount`` minor units of a charge."""
    return {
        "id": new_id("dp_"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(sorted((*SHORT_TEXTS, *LONG_TEXTS, *FILES))), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + DAYS_TO_ANSWER * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "10.4"},
            "type": "card",
        },
        "reason": "fraudulent",
        "status": "needs_response",
    }


def _movement(now: int, found: Json, amount: int, fee: int) -> Json:
    """What the dispute did to the shop's balance, in minor units."""
    described = "Chargeback withdrawal" if amount < 0 else "Chargeback reversal"
    details = [{"amount": fee, "currency": found["currency"], "type": "stripe_fee", "description": "Dispute fee"}]
    return {
        "id": new_id("txn_"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now,
        "balance_type": "payments",
        "created": now,
        "currency": found["currency"],
        "description": f"{described} for {found['charge']}: {money(abs(amount), found['currency'])}",
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
        "source": found["id"],
        "status": "available",
        "type": "adjustment",
    }


def is_charged_back(db: sqlite3.Connection, charge_id: str) -> bool:
    """Whether a dispute of the charge is open or lost: its money cannot be refunded as well."""
    rows = db.execute("SELECT body FROM disputes WHERE charge = ?", (charge_id,)).fetchall()
    return any(json.loads(row["body"])["status"] != "won" for row in rows)


def _charge(db: sqlite3.Connection, session_id: str) -> Json:
    session = load(db, "sessions", session_id)
    if session is None:
        raise missing("checkout.session", session_id)
    intent = load(db, "payment_intents", session["payment_intent"] or "") or {}
    charge = load(db, "charges", intent.get("latest_charge") or "")
    if charge is None:
        raise StripeFault("Nothing was paid here.")
    return charge


def _evidence(given: Fields) -> dict[str, str]:
    """The checked texts; documents are refused, because the bank stores no files."""
    for name in FILES:
        if name in given:
            raise StripeFault("The demo bank takes no files.", param=given.name(name))
    given.only(frozenset({*SHORT_TEXTS, *LONG_TEXTS}))
    limits = dict.fromkeys(SHORT_TEXTS, 5000) | dict.fromkeys(LONG_TEXTS, MOST_TEXT)
    texts = {name: given.text(name, most=most) for name, most in limits.items()}
    return {name: text for name, text in texts.items() if text is not None}
