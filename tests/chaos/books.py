"""What everybody says at the end of a run: our database, and the supplier's and the bank's own files."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

Row = dict[str, Any]


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
    sessions: dict[str, Row] = field(default_factory=dict)
    bank_events: list[Row] = field(default_factory=list)
    bank_deliveries: list[Row] = field(default_factory=list)
    mailbox: list[Row] = field(default_factory=list)
    charges: list[Row] = field(default_factory=list)

    @property
    def paid_orders(self) -> list[Row]:
        """Orders that were ever paid."""
        return [order for order in self.orders.values() if order["paid_at"] is not None]

    def booked(self, payment_id: int, kind: str, account: str) -> list[Decimal]:
        """Amounts on an account by the postings of a kind for a payment."""
        ids = {p["id"] for p in self._postings[payment_id] if p["kind"] == kind}
        return [e["amount"] for e in self.entries if e["transaction_id"] in ids and e["account"] == account]

    def attempts_of(self, order_id: int) -> list[Row]:
        return self._by_order.get(order_id, [])

    def bought_for(self, order_id: int) -> list[Row]:
        """The supplier's orders that were placed for one of ours: by reference, or by device where none is sent."""
        return self._bought.get(order_id, [])

    def order_behind(self, supplier_order_id: str) -> int | None:
        """Our order for which the supplier took this one on; None when it is nobody's."""
        return self._owner.get(supplier_order_id)

    def join(self) -> None:
        """Find out which order each of the supplier's orders was placed for."""
        self._postings: dict[int, list[Row]] = defaultdict(list)
        for posting in self.postings:
            self._postings[posting["payment_id"]].append(posting)
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
    from payments.models import LedgerEntry, LedgerTransaction, Payment, WebhookDelivery  # noqa: PLC0415

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
        sessions={row["id"]: row for row in rows_of(folder / "bank.sqlite3", "sessions")},
        bank_events=rows_of(folder / "bank.sqlite3", "events"),
        bank_deliveries=rows_of(folder / "bank.sqlite3", "deliveries"),
        mailbox=rows_of(folder / "bank.sqlite3", "mails"),
        charges=rows_of(folder / "bank.sqlite3", "charges"),
    )
    books.events = defaultdict(list)
    for row in OrderEvent.objects.order_by("order_id", "seq").values():
        books.events[row["order_id"]].append(row)
    for mail in books.mailbox:
        mail["mail_id"] = json.loads(mail["custom_args"]).get("mail_id", "")
    books.join()
    return books


def rows_of(file: Path, table: str) -> list[Row]:
    """Every row of a table of a double's own file."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)) as link:
        link.row_factory = sqlite3.Row
        return [dict(row) for row in link.execute(f"SELECT * FROM {table}")]
