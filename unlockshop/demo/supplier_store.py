"""What the demo supplier remembers: one SQLite file, in write-ahead mode, flushed on every commit.

Test harnesses read this file directly, and ``python -m unlockshop.demo.supplier_store --dump FILE`` prints
one JSON object per order. The tables ``orders`` and ``placements`` are an interface; see ``SCHEMA``.
Moments are ISO 8601 in UTC except ``starts_at`` and ``ready_at`` (Unix seconds). Money is EUR cents.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START_CREDIT_CENTS = 10_000_000
FIRST_ORDER_ID = 700_001
PENDING, IN_PROCESS, REJECTED, SUCCESS = 0, 1, 3, 4
"""STATUS values (section 5 of the protocol notes)."""
CANCELLED = "Cancelled on request"

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    credit_cents INTEGER NOT NULL CHECK (credit_cents >= 0)
);
-- One row for each order the supplier took on. id is the REFERENCEID, reference is the caller's own.
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    imei TEXT NOT NULL,             -- the identifier as ordered: IMEI, serial or phone number
    service_id TEXT NOT NULL,
    reference TEXT NOT NULL,        -- the caller's REFERENCE, may be empty, not unique
    fields TEXT NOT NULL,           -- every other input, a JSON object
    status INTEGER NOT NULL,        -- 0 and 1 pending, 3 rejected, 4 success
    code TEXT NOT NULL,             -- result or reject reason, empty while pending
    behaviour TEXT NOT NULL,        -- slug of the behaviour table, or "fast"
    cost_cents INTEGER NOT NULL,    -- charged at placement, returned on rejection
    answer_imei TEXT NOT NULL,      -- the IMEI that status answers carry
    final_status INTEGER NOT NULL,  -- what the order becomes at ready_at
    final_code TEXT NOT NULL,
    starts_at REAL NOT NULL,
    ready_at REAL,                  -- NULL: decided by the number of status calls, not by time
    polls INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    panel TEXT NOT NULL DEFAULT 'dhru'  -- the wire it came by: dhru, unlockbase or rest_check
);
CREATE INDEX IF NOT EXISTS orders_due ON orders (starts_at) WHERE status < 3;
CREATE INDEX IF NOT EXISTS orders_imei ON orders (imei);
CREATE INDEX IF NOT EXISTS orders_reference ON orders (reference);
-- One row for each place call (each row of a bulk call), whatever became of it.
CREATE TABLE IF NOT EXISTS placements (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    imei TEXT NOT NULL,
    service_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    outcome TEXT NOT NULL,          -- accepted (an order exists), refused (ERROR answer), dropped (neither)
    behaviour TEXT NOT NULL,        -- slug, or "" when the request was refused before the table was asked
    order_id INTEGER REFERENCES orders (id)
);
CREATE INDEX IF NOT EXISTS placements_imei ON placements (imei);
"""
_FLAPS = (SUCCESS, IN_PROCESS, PENDING, IN_PROCESS)


def utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order about to be written. ``seconds`` until it is final; None when status calls decide."""

    order_id: int
    imei: str
    service_id: str
    reference: str
    fields: dict[str, str]
    behaviour: str
    cost_cents: int
    answer_imei: str
    final_status: int
    final_code: str
    seconds: float | None
    panel: str = "dhru"


class Store:
    """One connection, shared by all threads under one lock. Every method is a transaction of its own,
    except between the lines of ``with store.transaction():``, which makes one of them all."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(SCHEMA)
        if "panel" not in {column["name"] for column in self._db.execute("PRAGMA table_info(orders)")}:
            self._db.execute("ALTER TABLE orders ADD COLUMN panel TEXT NOT NULL DEFAULT 'dhru'")
        self._db.execute("INSERT OR IGNORE INTO account VALUES (1, ?)", (START_CREDIT_CENTS,))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and durable on leaving the outermost block."""
        with self._lock:
            if self._depth:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                self._db.execute("COMMIT")
            finally:
                self._depth = 0
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _all(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def credit_cents(self) -> int:
        return int(self._all("SELECT credit_cents FROM account")[0][0])

    def tries(self, imei: str) -> int:
        """How many place calls for this identifier reached the behaviour table so far."""
        query = "SELECT count(*) FROM placements WHERE imei = ? AND behaviour <> ''"
        return int(self._all(query, imei)[0][0])

    def has(self, imei: str, service_id: str) -> bool:
        """Whether this device was ever taken on for this service."""
        return bool(self._all("SELECT 1 FROM orders WHERE imei = ? AND service_id = ? LIMIT 1", imei, service_id))

    def next_order_id(self) -> int:
        return int(self._all("SELECT coalesce(max(id) + 1, ?) FROM orders", FIRST_ORDER_ID)[0][0])

    def log_placement(
        self,
        *,
        imei: str,
        service_id: str,
        reference: str,
        outcome: str,
        behaviour: str,
        order_id: int | None,
    ) -> None:
        with self.transaction():
            self._db.execute(
                "INSERT INTO placements (at, imei, service_id, reference, outcome, behaviour, order_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (utc_now(), imei, service_id, reference, outcome, behaviour, order_id),
            )

    def insert(self, order: NewOrder) -> None:
        """Write the order and charge its cost."""
        now = time.time()
        values = {
            "id": order.order_id,
            "imei": order.imei,
            "service_id": order.service_id,
            "reference": order.reference,
            "fields": json.dumps(order.fields, ensure_ascii=False),
            "status": PENDING,
            "code": "",
            "behaviour": order.behaviour,
            "cost_cents": order.cost_cents,
            "answer_imei": order.answer_imei,
            "final_status": order.final_status,
            "final_code": order.final_code,
            "starts_at": now + (order.seconds or 0) / 2,
            "ready_at": None if order.seconds is None else now + order.seconds,
            "created_at": utc_now(),
            "panel": order.panel,
        }
        columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        with self.transaction():
            self._db.execute(f"INSERT INTO orders ({columns}) VALUES ({marks})", values)  # noqa: S608 - own names
            self._charge(order.cost_cents)

    def _charge(self, cents: int) -> None:
        self._db.execute("UPDATE account SET credit_cents = credit_cents - ?", (cents,))

    def settle(self) -> None:
        """Move every order that is due to its next status; a rejection returns its cost."""
        now = time.time()
        due = "status < 3 AND ready_at IS NOT NULL AND starts_at <= ? AND (status = 0 OR ready_at <= ?)"
        with self._lock:
            if not self._all(f"SELECT 1 FROM orders WHERE {due} LIMIT 1", now, now):  # noqa: S608 - own text
                return
            with self.transaction():
                ended = self._all("SELECT * FROM orders WHERE status < 3 AND ready_at <= ?", now)
                for order in ended:
                    self._finish(order)
                self._db.execute(
                    "UPDATE orders SET status = 1 WHERE status = 0 AND ready_at IS NOT NULL AND starts_at <= ?",
                    (now,),
                )

    def _finish(self, order: sqlite3.Row) -> None:
        self._db.execute("UPDATE orders SET status = final_status, code = final_code WHERE id = ?", (order["id"],))
        if order["final_status"] == REJECTED:
            self._charge(-order["cost_cents"])

    def status(self, order_id: str) -> dict[str, Any] | None:
        """The answer of one status call, with members IMEI, STATUS, CODE; None when the order is unknown.

        A flapping order counts its calls: 1, 0, 1, then 4 (and there it ends in the file), and so round again.
        """
        if not (order_id.isascii() and order_id.isdecimal() and len(order_id) <= 15):
            return None
        self.settle()
        with self.transaction():
            found = self._all("SELECT * FROM orders WHERE id = ?", int(order_id))
            if not found:
                return None
            order = found[0]
            shown, code = order["status"], order["code"]
            if order["ready_at"] is None:
                polls = order["polls"] + 1
                self._db.execute("UPDATE orders SET polls = ? WHERE id = ?", (polls, order["id"]))
                shown = _FLAPS[polls % len(_FLAPS)]
                code = order["final_code"] if shown == SUCCESS else ""
                if shown == SUCCESS:
                    self._finish(order)
        return {"IMEI": order["answer_imei"], "STATUS": shown, "CODE": code}

    def service_of(self, order_id: str) -> str:
        """The service of an order; empty when it is unknown."""
        if not (order_id.isascii() and order_id.isdecimal() and len(order_id) <= 15):
            return ""
        found = self._all("SELECT service_id FROM orders WHERE id = ?", int(order_id))
        return str(found[0][0]) if found else ""

    def cancel(self, order_id: int) -> bool:
        """End an order that is not final yet as rejected, ``CANCELLED`` its reason; its cost is returned."""
        self.settle()
        with self.transaction():
            found = self._all("SELECT * FROM orders WHERE id = ? AND status < 3", order_id)
            for order in found:
                self._db.execute(
                    "UPDATE orders SET status = ?, code = ?, ready_at = ? WHERE id = ?",
                    (REJECTED, CANCELLED, time.time(), order_id),
                )
                self._charge(-order["cost_cents"])
        return bool(found)

    def of_panel(self, panel: str, order_id: str = "") -> list[sqlite3.Row]:
        """Orders that came by one wire, newest first, at most 5,000; only the one with ``order_id`` if given.

        An order of the behaviour "flapping" looks pending here for ever: lists count no status calls.
        """
        self.settle()
        query = "SELECT * FROM orders WHERE panel = ? AND (? = '' OR id = ?) ORDER BY id DESC LIMIT 5000"
        number = int(order_id) if order_id.isascii() and order_id.isdecimal() and len(order_id) <= 15 else 0
        return self._all(query, panel, order_id, number)

    def find(self, *, reference: str = "", imei: str = "") -> list[sqlite3.Row]:
        """Orders of the Dhru wire by the caller's reference and/or the identifier, oldest first, at most 500."""
        self.settle()
        wanted = "panel = 'dhru' AND (? = '' OR reference = ?) AND (? = '' OR imei = ?)"
        query = f"SELECT * FROM orders WHERE {wanted} ORDER BY id LIMIT 500"  # noqa: S608 - own text
        return self._all(query, reference, reference, imei, imei)

    def latest(self, count: int) -> list[sqlite3.Row]:
        """The newest orders first."""
        self.settle()
        return self._all("SELECT * FROM orders ORDER BY id DESC LIMIT ?", count)


def dump(path: Path) -> Iterator[dict[str, Any]]:
    """Every order of a store file, oldest first; safe while the supplier runs."""
    columns = ("id", "imei", "service_id", "reference", "status", "created_at")
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        query = f"SELECT {', '.join(columns)} FROM orders ORDER BY id"  # noqa: S608 - fixed names
        for found in connection.execute(query):
            yield dict(zip(columns, found, strict=True))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Print the demo supplier's orders, one JSON object a line.")
    parser.add_argument("--dump", type=Path, required=True, metavar="FILE", help="the store file to read")
    for order in dump(parser.parse_args(arguments).dump):
        print(json.dumps(order, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
