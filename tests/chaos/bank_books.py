"""What the bank says at the end of a run, Stripe and PayPal read into the same shapes. Amounts in units."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

Row = dict[str, Any]

PAYPAL_PAID: Final = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
# How PayPal's outcomes are called in the shop.
OUTCOMES: Final = {
    "RESOLVED_SELLER_FAVOUR": "won", "RESOLVED_BUYER_FAVOUR": "lost", "CANCELED_BY_BUYER": "withdrawn",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment page or order: ``amount`` came in if ``is_paid``, of which the bank kept ``fee``."""

    provider: str
    ref: str
    charge_ref: str
    amount: Decimal
    currency: str
    is_paid: bool
    is_over: bool
    fee: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Given:
    """A refund; ``key`` is our row's id as the bank kept it, ``is_gone`` false when the money came back."""

    provider: str
    ref: str
    charge_ref: str
    key: str
    amount: Decimal
    currency: str
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Disputed:
    """A dispute: its state in the shop's words, and what it took (``withdrawn``) and cost (``fee``)."""

    provider: str
    ref: str
    charge_ref: str
    amount: Decimal
    currency: str
    state: str
    withdrawn: Decimal
    fee: Decimal


@dataclass
class Bank:
    """All rows of the bank."""

    taken: list[Taken] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    disputed: list[Disputed] = field(default_factory=list)
    warned: list[tuple[str, str]] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    api_faults: list[Row] = field(default_factory=list)
    mailbox: list[Row] = field(default_factory=list)

    def balance(self, provider: str, currency: str) -> Decimal:
        """What the shop has at a provider."""
        mine = (provider, currency)
        came = sum(t.amount - t.fee for t in self.taken if t.is_paid and (t.provider, t.currency) == mine)
        went = sum(g.amount for g in self.given if g.is_gone and (g.provider, g.currency) == mine)
        lost = sum(d.withdrawn + d.fee for d in self.disputed if (d.provider, d.currency) == mine)
        return Decimal(came - went - lost)


def read_bank(file: Path) -> Bank:
    """Read the bank's own file."""
    return Bank(
        taken=[*_sessions(file), *_paypal_orders(file)],
        given=[*_refunds(file), *_paypal_refunds(file)],
        disputed=[*_disputes(file), *_paypal_disputes(file)],
        warned=[(row["payment_intent"], row["id"]) for row in rows_of(file, "warnings")],
        events=rows_of(file, "events"),
        deliveries=rows_of(file, "deliveries"),
        answers=rows_of(file, "answers"),
        api_faults=rows_of(file, "api_faults"),
        mailbox=rows_of(file, "mails"),
    )


def _sessions(file: Path) -> Iterator[Taken]:
    fees = {charge["payment_intent"]: charge["fee"] for charge in rows_of(file, "charges")}
    for row in rows_of(file, "sessions"):
        intent, is_paid = row["payment_intent"] or "", row["payment_status"] == "paid"
        fee = _units(fees[intent]) if is_paid else Decimal(0)
        is_over = row["status"] != "open"
        amount, currency = _units(row["amount_total"]), row["currency"].upper()
        yield Taken("stripe", row["id"], intent, amount, currency, is_paid, is_over, fee)


def _paypal_orders(file: Path) -> Iterator[Taken]:
    captures = {row["order_id"]: json.loads(row["body"]) for row in rows_of(file, "paypal_captures")}
    for row in rows_of(file, "paypal_orders"):
        capture = captures.get(row["id"])
        money = (capture or json.loads(row["body"])["purchase_units"][0])["amount"]
        is_paid = capture is not None and capture["status"] in PAYPAL_PAID
        kept = capture["seller_receivable_breakdown"]["paypal_fee"]["value"] if is_paid and capture else "0"
        yield Taken(
            "paypal", row["id"], capture["id"] if capture else "", Decimal(money["value"]), money["currency_code"],
            is_paid, row["status"] in {"APPROVED", "COMPLETED"}, Decimal(kept),
        )  # fmt: skip


def _refunds(file: Path) -> Iterator[Given]:
    for row in rows_of(file, "refunds"):
        key = json.loads(row["body"])["metadata"].get("refund_id", "")
        is_gone = row["status"] == "succeeded"
        amount, currency = _units(row["amount"]), row["currency"].upper()
        yield Given("stripe", row["id"], row["payment_intent"], key, amount, currency, is_gone)


def _paypal_refunds(file: Path) -> Iterator[Given]:
    for row in rows_of(file, "paypal_refunds"):
        body = json.loads(row["body"])
        yield Given(
            "paypal", row["id"], row["capture"], body.get("custom_id", ""), Decimal(body["amount"]["value"]),
            body["amount"]["currency_code"], body["status"] == "COMPLETED",
        )  # fmt: skip


def _disputes(file: Path) -> Iterator[Disputed]:
    for row in rows_of(file, "disputes"):
        moves = json.loads(row["body"])["balance_transactions"]
        withdrawn, fee = -_units(sum(m["amount"] for m in moves)), _units(sum(m["fee"] for m in moves))
        amount, currency = _units(row["amount"]), row["currency"].upper()
        yield Disputed("stripe", row["id"], row["payment_intent"], amount, currency, row["status"], withdrawn, fee)


def _paypal_disputes(file: Path) -> Iterator[Disputed]:
    for row in rows_of(file, "paypal_disputes"):
        body = json.loads(row["body"])
        state = {"WAITING_FOR_SELLER_RESPONSE": "needs_response", "UNDER_REVIEW": "under_review"}.get(body["status"])
        taken = sum(Decimal(move["amount"]["value"]) for move in body.get("money_movements", []))
        money = body["dispute_amount"]
        yield Disputed(
            "paypal", row["id"], row["capture"], Decimal(money["value"]), money["currency_code"],
            state or OUTCOMES[body["dispute_outcome"]["outcome_code"]], Decimal(taken), Decimal(0),
        )  # fmt: skip


def _units(minor: int) -> Decimal:
    return Decimal(minor) / 100


def rows_of(file: Path, table: str) -> list[Row]:
    """Every row of a table of a double's own file."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)) as link:
        link.row_factory = sqlite3.Row
        return [dict(row) for row in link.execute(f"SELECT * FROM {table}")]
