"""What everybody says at the end of a run: our database, and the supplier's and the bank's own files."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tests.chaos.bank_books import Bank, Row, read_bank, rows_of


@dataclass
class Books:
    """All rows of all sides, as dictionaries, and the joins that several checks need."""

    orders: dict[int, Row] = field(default_factory=dict)
    purchases: dict[int, Row] = field(default_factory=dict)
    attempts: list[Row] = field(default_factory=list)
    events: dict[int, list[Row]] = field(default_factory=dict)
    mails: list[Row] = field(default_factory=list)
    payments: dict[int, Row] = field(default_factory=dict)
    deliveries: list[Row] = field(default_factory=list)
    postings: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    sold: dict[str, Row] = field(default_factory=dict)
    placements: list[Row] = field(default_factory=list)
    refunds: dict[str, Row] = field(default_factory=dict)
    disputes: dict[str, Row] = field(default_factory=dict)
    packs: list[Row] = field(default_factory=list)
    warnings: list[Row] = field(default_factory=list)
    breaks: list[Row] = field(default_factory=list)
    passes: list[Row] = field(default_factory=list)
    bank: Bank = field(default_factory=Bank)
    desk: Counter[str] = field(default_factory=Counter)
    released: set[int] = field(default_factory=set)
    knocks: list[Row] = field(default_factory=list)

    @property
    def paid_orders(self) -> list[Row]:
        """Orders that were ever paid."""
        return [order for order in self.orders.values() if order["paid_at"] is not None]

    def booked(self, payment_id: int, kind: str, account: str) -> list[Decimal]:
        """Amounts on an account by the postings of a kind for a payment."""
        return [e["amount"] for e in self._lines[payment_id] if (e["kind"], e["account"]) == (kind, account)]

    def balance_of(self, payment_id: int, account: str) -> Decimal:
        """What all postings for a payment leave on an account."""
        return sum((e["amount"] for e in self._lines[payment_id] if e["account"] == account), Decimal(0))

    def booked_under(self, prefix: str, account: str) -> list[Decimal]:
        """Amounts on an account of the posting with this key, or of all that begin so where it ends with a colon."""
        is_group = prefix.endswith(":")
        return [
            entry["amount"]
            for entry in self.entries
            if entry["account"] == account
            and (entry["key"].startswith(prefix) if is_group else entry["key"] == prefix)
        ]

    def payment_behind(self, charge_ref: str) -> Row | None:
        """Our captured payment of a charge of the bank's."""
        return self._by_charge.get(charge_ref)

    def orders_of(self, purchase_id: int) -> list[Row]:
        return [order for order in self.orders.values() if order["purchase_id"] == purchase_id]

    def attempts_of(self, order_id: int) -> list[Row]:
        return self._by_order.get(order_id, [])

    def bought_for(self, order_id: int) -> list[Row]:
        """The supplier's orders that were placed for one of ours: by reference, or by device where none is sent."""
        return self._bought.get(order_id, [])

    def order_behind(self, supplier_order_id: str) -> int | None:
        """Our order for which the supplier took this one on; None when it is nobody's."""
        return self._owner.get(supplier_order_id)

    def join(self) -> None:
        """Find out which order each of the supplier's orders was placed for, and which payment each line is of."""
        postings = {posting["id"]: posting for posting in self.postings}
        self._lines: dict[int, list[Row]] = defaultdict(list)
        for entry in self.entries:
            posting = postings[entry["transaction_id"]]
            entry |= {"kind": posting["kind"], "key": posting["key"]}
            self._lines[posting["payment_id"]].append(entry)
        captured = [payment for payment in self.payments.values() if payment["state"] == "captured"]
        self._by_charge = {payment["charge_ref"]: payment for payment in captured}
        self._by_order: dict[int, list[Row]] = defaultdict(list)
        by_reference: dict[str, int] = {}
        by_device: dict[tuple[str, str], int] = {}
        for attempt in self.attempts:
            order_id = attempt["order_id"]
            self._by_order[order_id].append(attempt)
            by_reference[attempt["reference"]] = order_id
            by_device[self.orders[order_id]["identifier"], attempt["supplier_service_id"]] = order_id
        self._bought: dict[int, list[Row]] = defaultdict(list)
        self._owner: dict[str, int] = {}
        for ident, sold in self.sold.items():
            reference = sold["reference"]
            # Without the attempt's row the reference still begins with our order's number.
            owner = by_reference.get(reference) if reference else by_device.get((sold["imei"], sold["service_id"]))
            if owner is None:
                number = reference.rpartition("-")[0]
                owner = next((pk for pk, order in self.orders.items() if order["number"] == number), None)
            if owner is not None:
                self._owner[ident] = owner
                self._bought[owner].append(sold)


def read_books(folder: Path) -> Books:
    """Read all sides. Needs Django set up on the run's database."""
    from orders.models import Order, OrderEvent, OutgoingMail, Purchase, SupplierAttempt  # noqa: PLC0415
    from payments.models import (  # noqa: PLC0415
        Break,
        Dispute,
        EvidencePack,
        FraudWarning,
        LedgerEntry,
        LedgerTransaction,
        Payment,
        ReconciliationRun,
        Refund,
        WebhookDelivery,
    )  # fmt: skip

    books = Books(
        orders={row["id"]: row for row in Order.objects.order_by("pk").values()},
        purchases={row["id"]: row for row in Purchase.objects.values()},
        attempts=list(SupplierAttempt.objects.order_by("order_id", "n").values()),
        mails=list(OutgoingMail.objects.order_by("pk").values()),
        payments={row["id"]: row for row in Payment.objects.order_by("pk").values()},
        deliveries=list(WebhookDelivery.objects.order_by("pk").values()),
        postings=list(LedgerTransaction.objects.order_by("pk").values()),
        entries=list(LedgerEntry.objects.order_by("pk").values()),
        sold={str(row["id"]): row for row in rows_of(folder / "supplier.sqlite3", "orders")},
        placements=rows_of(folder / "supplier.sqlite3", "placements"),
        refunds={str(row["id"]): row for row in Refund.objects.order_by("created_at").values()},
        disputes={row["provider_ref"]: row for row in Dispute.objects.values()},
        warnings=list(FraudWarning.objects.values()),
        packs=list(EvidencePack.objects.values()),
        breaks=list(Break.objects.filter(closed_at=None).values()),
        passes=list(ReconciliationRun.objects.values()),
        bank=read_bank(folder / "bank.sqlite3"),
        knocks=_lines_of(folder / "strangers.jsonl"),
    )
    books.events = defaultdict(list)
    for row in OrderEvent.objects.order_by("order_id", "seq").values():
        books.events[row["order_id"]].append(row)
    for line in _lines_of(folder / "staff.jsonl"):
        books.desk[line["what"]] += 1
        if line["what"] == "orders released":
            books.released.add(line["purchase"])
    for mail in books.bank.mailbox:
        mail["mail_id"] = json.loads(mail["custom_args"]).get("mail_id", "")
    books.join()
    return books


def _lines_of(file: Path) -> list[Row]:
    """A log of one JSON object a line; a process that was killed may have left half a line."""
    found = []
    for line in file.read_text().splitlines() if file.exists() else []:
        with suppress(ValueError):
            found.append(json.loads(line))
    return found
