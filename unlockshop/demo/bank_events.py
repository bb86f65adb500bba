"""Events: written with the change they report, then posted, signed, to the shop until it answers 2xx."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self
from urllib.parse import urlsplit

from unlockshop.demo.bank_objects import API_VERSION, new_id
from unlockshop.demo.bank_params import missing
from unlockshop.demo.bank_store import Json, Store, dumps

TIMEOUT_SECONDS = 20.0
GIVE_UP_SECONDS = 3 * 86400.0
MOST_BACKOFF_SECONDS = 60.0
WORKERS = 3


@dataclass(frozen=True, slots=True)
class WebhookFaults:
    """What may go wrong with deliveries. The rates are chances from 0 to 1 per event."""

    duplicate: float = 0.0
    max_copies: int = 2
    delay_seconds: float = 0.0
    drop: float = 0.0
    bad_signature: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """From JSON such as ``{"duplicate": 0.3}``; ValueError with a sentence when it makes no sense."""
        values = json.loads(text or "{}")
        if not isinstance(values, dict):
            raise ValueError("webhook faults must be a JSON object")  # noqa: TRY004 - a bad value
        known = {field.name for field in fields(cls)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown webhook fault {name!r}; known are {', '.join(sorted(known))}")
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"webhook fault {name!r} must be a number of at least 0")
            if name in {"duplicate", "drop", "bad_signature"} and value > 1:
                raise ValueError(f"webhook fault {name!r} is a chance from 0 to 1")
        if int(values.get("max_copies", 2)) != values.get("max_copies", 2) or values.get("max_copies", 2) < 2:
            raise ValueError("webhook fault 'max_copies' must be a whole number of at least 2")
        return cls(**values)


def signature(secret: str, body: bytes, moment: int) -> str:
    """The ``Stripe-Signature`` header: HMAC-SHA256 over ``{moment}.{body}``, moment in Unix seconds."""
    digest = hmac.new(secret.encode(), str(moment).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def backoff(attempts: int) -> float:
    """Seconds to wait after this many failed attempts: 1, 2, 4 … 60."""
    return float(min(MOST_BACKOFF_SECONDS, 2 ** min(attempts - 1, 10)))


@dataclass(frozen=True, slots=True)
class Channel:
    """Where the events of one provider go. ``headers`` signs a body, or forges the signature when told to."""

    url: str
    headers: Callable[[bytes, bool], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Job:
    """One copy of an event to post."""

    number: int
    event: str
    channel: str
    body: bytes
    forge: bool
    attempts: int
    queued_at: float


class Outbox:
    """The queue of events. ``enqueue`` runs inside the caller's transaction; threads deliver after it."""

    def __init__(self, store: Store, url: str, secret: str, faults: WebhookFaults, seed: int | None = None) -> None:
        self._store = store
        self._channels = {"stripe": Channel(url, lambda body, forged: _stripe_headers(secret, body, forged))}
        self._faults = faults
        self._seed = random.SystemRandom().getrandbits(63) if seed is None else seed
        self._in_flight: set[int] = set()

    def add_channel(self, name: str, channel: Channel) -> None:
        """Deliver the events recorded under ``name`` there."""
        self._channels[name] = channel

    def url_of(self, channel: str) -> str:
        """Where the events of a channel go."""
        return self._channels[channel].url

    def start(self) -> None:
        """Start the delivery threads."""
        for number in range(WORKERS):
            threading.Thread(target=self._work, name=f"webhooks-{number}", daemon=True).start()

    def enqueue(
        self,
        db: sqlite3.Connection,
        kind: str,
        item: Json,
        request: tuple[str | None, str | None] = (None, None),
    ) -> str:
        """Record an event about ``item`` as it is now; ``request`` is the API call's id and its key."""
        ident = new_id("evt_")
        body = {
            "id": ident,
            "object": "event",
            "api_version": API_VERSION,
            "created": int(time.time()),
            "data": {"object": item},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": request[0], "idempotency_key": request[1]},
            "type": kind,
        }
        self.queue(db, "stripe", ident, kind=kind, about=item["id"], body=dumps(body))
        return ident

    def queue(self, db: sqlite3.Connection, channel: str, ident: str, *, kind: str, about: str, body: str) -> None:
        """Record the event ``ident`` about the object ``about``, and as many copies of it as the faults say."""
        now = time.time()
        number = db.execute(
            "INSERT INTO events (id, channel, created, type, object_id, body, state, copies) "
            "VALUES (?, ?, ?, ?, ?, ?, '', 0)",
            (ident, channel, int(now), kind, about, body),
        ).lastrowid
        # Drawn per event number, so that a seed gives the same faults whatever the threads do.
        chance = random.Random(f"{self._seed}/{number}")
        faults = self._faults
        dropped = chance.random() < faults.drop
        copies = chance.randint(2, faults.max_copies) if chance.random() < faults.duplicate else 1
        forged = chance.random() < faults.bad_signature
        delays = [chance.uniform(0, faults.delay_seconds) for _ in range(copies)]
        db.execute(
            "UPDATE events SET state = ?, copies = ? WHERE number = ?",
            ("dropped" if dropped else "pending", 0 if dropped else copies, number),
        )
        if not dropped:
            db.executemany(
                "INSERT INTO deliveries (event, queued_at, due_at, forge) VALUES (?, ?, ?, ?)",
                [(ident, now, now + delay, int(forged and copy == 0)) for copy, delay in enumerate(delays)],
            )

    def resend(self, ident: str) -> None:
        """Queue one more copy of an event, whatever became of it before."""
        now = time.time()
        with self._store.write() as db:
            changed = db.execute(
                "UPDATE events SET copies = copies + 1, state = CASE WHEN state = 'delivered' THEN state "
                "ELSE 'pending' END WHERE id = ?",
                (ident,),
            ).rowcount
            if not changed:
                raise missing("event", ident)
            db.execute("INSERT INTO deliveries (event, queued_at, due_at) VALUES (?, ?, ?)", (ident, now, now))

    def _work(self) -> None:
        while not self._store.closing:
            seen = self._store.generation
            try:
                job, until = self._claim()
                if job is None:
                    self._store.wait(seen, until)
                    continue
                try:
                    self._deliver(job)
                finally:
                    self._in_flight.discard(job.number)
            except sqlite3.Error:
                if self._store.closing:
                    return
                time.sleep(0.5)  # a harness holds the file; the row is still due

    def _claim(self) -> tuple[Job | None, float | None]:
        """The next due copy, or the time (Unix s) at which the next one falls due."""
        with self._store.read() as db:
            rows = db.execute(
                "SELECT d.number, d.event, d.due_at, d.attempts, d.forge, d.queued_at FROM deliveries d "
                "WHERE d.due_at IS NOT NULL ORDER BY d.due_at LIMIT ?",
                (WORKERS + 1,),
            ).fetchall()
            row = next((row for row in rows if row["number"] not in self._in_flight), None)
            if row is None:
                return None, None
            if row["due_at"] > time.time():
                return None, row["due_at"]
            event = db.execute("SELECT channel, body FROM events WHERE id = ?", (row["event"],)).fetchone()
            self._in_flight.add(row["number"])
        return Job(
            row["number"],
            row["event"],
            event["channel"],
            event["body"].encode(),
            bool(row["forge"]),
            row["attempts"],
            row["queued_at"],
        ), None

    def _deliver(self, job: Job) -> None:
        forged_status = None
        if job.forge:
            forged_status, _ = self._post(job, forged=True)
        status, problem = self._post(job)
        now = time.time()
        attempts = job.attempts + 1
        good = status is not None and 200 <= status < 300
        late = now - job.queued_at > GIVE_UP_SECONDS
        with self._store.write() as db:
            answers = [(job.event, now, forged_status, 1)] if job.forge else []
            db.executemany(
                "INSERT INTO answers (event, at, status, forged) VALUES (?, ?, ?, ?)",
                [*answers, (job.event, now, status, 0)],
            )
            state = "delivered" if good else "given_up" if late else "pending"
            due = now + backoff(attempts) if state == "pending" else None
            db.execute(
                "UPDATE deliveries SET state = ?, due_at = ?, attempts = ?, forge = 0 WHERE number = ?",
                (state, due, attempts, job.number),
            )
            db.execute(
                "UPDATE events SET attempts = attempts + 1, last_status = ?, last_error = ?, "
                "forged = forged + ?, forged_accepted = forged_accepted + ?, "
                "delivered_copies = delivered_copies + ?, "
                "delivered_at = CASE WHEN ? THEN coalesce(delivered_at, ?) ELSE delivered_at END, "
                "state = CASE WHEN ? OR state = 'delivered' THEN 'delivered' WHEN ? THEN 'given_up' "
                "ELSE state END WHERE id = ?",
                (
                    status, problem, int(job.forge), int(forged_status is not None and forged_status < 300),
                    int(good), good, now, good, late, job.event,
                ),
            )  # fmt: skip

    def _post(self, job: Job, *, forged: bool = False) -> tuple[int | None, str]:
        """Post once, following no redirect. The status, or None and what went wrong."""
        channel = self._channels.get(job.channel)
        if channel is None:
            return None, f"nobody takes {job.channel} events"
        url = urlsplit(channel.url)
        link = http.client.HTTPConnection(url.hostname or "127.0.0.1", url.port or 80, timeout=TIMEOUT_SECONDS)
        path = url.path or "/"
        try:
            link.request(
                "POST",
                f"{path}?{url.query}" if url.query else path,
                body=job.body,
                headers={**channel.headers(job.body, forged), "Connection": "close"},
            )
            answer = link.getresponse()
            answer.read(65536)
        except (OSError, http.client.HTTPException) as error:
            return None, f"{type(error).__name__}: {error}"[:200]
        finally:
            link.close()
        return answer.status, "" if answer.status < 300 else f"answered {answer.status}"


def _stripe_headers(secret: str, body: bytes, forged: bool) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature("whsec_not_the_secret" if forged else secret, body, int(time.time())),
    }
