"""The demo bank's own SQLite file: one connection, one lock, write-ahead log.

Readers outside the process (test harnesses, the ``sqlite3`` shell) may look at any time. Every object of the
Stripe API is kept twice in its row: as the JSON text the API answers (``body``) and, for the fields people
search by, as plain columns. ``save`` keeps both in step. Times are Unix seconds, amounts are minor units.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    payment_status TEXT NOT NULL,
    amount_total INTEGER NOT NULL,
    currency TEXT NOT NULL,
    payment_intent TEXT,
    client_reference_id TEXT,
    customer_email TEXT,
    body TEXT NOT NULL,
    line_items TEXT NOT NULL DEFAULT '[]',
    intent_data TEXT NOT NULL DEFAULT '{}',
    resolve_at REAL,
    resolve_to TEXT
);
CREATE INDEX IF NOT EXISTS sessions_due ON sessions (expires_at) WHERE status = 'open';
CREATE INDEX IF NOT EXISTS sessions_resolve ON sessions (resolve_at) WHERE resolve_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS sessions_intent ON sessions (payment_intent);
CREATE TABLE IF NOT EXISTS payment_intents (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    status TEXT NOT NULL,
    amount INTEGER NOT NULL,
    amount_received INTEGER NOT NULL,
    currency TEXT NOT NULL,
    latest_charge TEXT,
    session TEXT,
    body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS charges (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    status TEXT NOT NULL,
    amount INTEGER NOT NULL,
    amount_refunded INTEGER NOT NULL,
    currency TEXT NOT NULL,
    payment_intent TEXT NOT NULL,
    balance_transaction TEXT UNIQUE,
    fee INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS charges_intent ON charges (payment_intent);
CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    status TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    payment_intent TEXT NOT NULL,
    charge TEXT NOT NULL,
    balance_transaction TEXT UNIQUE,
    reason TEXT,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_intent ON refunds (payment_intent);
CREATE TABLE IF NOT EXISTS disputes (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    status TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    payment_intent TEXT NOT NULL,
    charge TEXT NOT NULL,
    reason TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS disputes_charge ON disputes (charge);
CREATE TABLE IF NOT EXISTS warnings (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    payment_intent TEXT NOT NULL,
    charge TEXT NOT NULL,
    fraud_type TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY,
    created REAL NOT NULL,
    path TEXT NOT NULL,
    params_sha256 TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    replays INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL DEFAULT 'stripe',
    created INTEGER NOT NULL,
    type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    copies INTEGER NOT NULL,
    delivered_copies INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    forged INTEGER NOT NULL DEFAULT 0,
    forged_accepted INTEGER NOT NULL DEFAULT 0,
    delivered_at REAL,
    last_status INTEGER,
    last_error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS events_object ON events (object_id);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL REFERENCES events (id),
    queued_at REAL NOT NULL,
    due_at REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    forge INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'pending'
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS answers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    at REAL NOT NULL,
    status INTEGER,
    forged INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS api_faults (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    call TEXT NOT NULL,
    fault TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    created REAL NOT NULL,
    sender TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    recipient TEXT NOT NULL,
    recipients TEXT NOT NULL,
    reply_to TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    custom_args TEXT NOT NULL,
    categories TEXT NOT NULL,
    headers TEXT NOT NULL
);
"""

# Which fields of an API object are also plain columns.
COLUMNS: dict[str, tuple[str, ...]] = {
    "sessions": (
        "created", "expires_at", "status", "payment_status", "amount_total", "currency", "payment_intent",
        "client_reference_id", "customer_email",
    ),
    "payment_intents": ("created", "status", "amount", "amount_received", "currency", "latest_charge"),
    "charges": (
        "created", "status", "amount", "amount_refunded", "currency", "payment_intent", "balance_transaction",
    ),
    "refunds": (
        "created", "status", "amount", "currency", "payment_intent", "charge", "balance_transaction",
        "reason",
    ),
    "disputes": ("created", "status", "amount", "currency", "payment_intent", "charge", "reason"),
    "warnings": ("created", "payment_intent", "charge", "fraud_type"),
}  # fmt: skip


def dumps(value: object) -> str:
    """Compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Store:
    """The database of one bank process. Use ``write()`` for a transaction and ``read()`` for a look."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA cache_size=-256")
        self._db.executescript(SCHEMA)
        if "channel" not in {row["name"] for row in self._db.execute("PRAGMA table_info(events)")}:
            self._db.execute("ALTER TABLE events ADD COLUMN channel TEXT NOT NULL DEFAULT 'stripe'")
        self._lock = threading.Lock()
        self._news = threading.Condition()
        self._generation = 0
        self.closing = False

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One write transaction; an exception undoes all of it. Waiting threads are told after the commit."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        self._tell()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The connection for reading only."""
        with self._lock:
            yield self._db

    def _tell(self) -> None:
        with self._news:
            self._generation += 1
            self._news.notify_all()

    @property
    def generation(self) -> int:
        """Counts commits: remember it before looking for work, hand it to ``wait``."""
        return self._generation

    def wait(self, seen: int, until: float | None, longest: float = 5.0) -> None:
        """Sleep until something was written after ``seen``, ``until`` (Unix s) or ``longest`` seconds."""
        seconds = longest if until is None else min(longest, max(0.01, until - time.time()))
        with self._news:
            self._news.wait_for(lambda: self._generation != seen or self.closing, timeout=seconds)

    def close(self) -> None:
        """Wake every waiting thread for the last time and close the file."""
        self.closing = True
        self._tell()
        with self._lock:
            self._db.close()


def load(db: sqlite3.Connection, table: str, ident: str) -> Json | None:
    """The API object with this id, or None."""
    row = db.execute(f"SELECT body FROM {table} WHERE id = ?", (ident,)).fetchone()  # noqa: S608 - own table names
    if row is None:
        return None
    found: Json = json.loads(row["body"])
    return found


def save(db: sqlite3.Connection, table: str, item: Json, **private: str | float | None) -> None:
    """Write an API object and its columns; ``private`` columns are not part of what the API shows."""
    values: Json = {name: item[name] for name in COLUMNS[table]}
    values |= private
    values["body"] = dumps(item)
    names = ", ".join(values)
    marks = ", ".join("?" for _ in values)
    changes = ", ".join(f"{name} = excluded.{name}" for name in values)
    db.execute(
        f"INSERT INTO {table} (id, {names}) VALUES (?, {marks}) ON CONFLICT (id) DO UPDATE SET {changes}",  # noqa: S608
        (item["id"], *values.values()),
    )
