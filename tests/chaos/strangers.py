"""Somebody who posts to the shop's webhook addresses what the bank did not send, or sent long ago."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Final

import requests

from tests.chaos.world import KEYS, answers
from unlockshop.demo import bank_paypal_events
from unlockshop.demo.bank_events import signature

EVERY_SECONDS: Final = 0.8
OLD_SECONDS: Final = 400
# What each kind must be answered. PayPal's deliveries have no age limit; one is stored once, however often it comes.
KINDS: Final = {
    ("stripe", "forged"): 400, ("stripe", "tampered"): 400, ("stripe", "old"): 400, ("stripe", "again"): 200,
    ("paypal", "forged"): 400, ("paypal", "tampered"): 400, ("paypal", "again"): 200,
}  # fmt: skip


class Stranger:
    """Knocks now and then; what was answered goes to ``strangers.jsonl``."""

    def __init__(self, folder: Path, web: str, bank: str, *, seed: int) -> None:
        self._log = folder / "strangers.jsonl"
        self._store = folder / "bank.sqlite3"
        self._web = web
        self._bank = bank
        self._rng = random.Random(f"stranger:{seed}")

    def knock_until(self, is_over: Callable[[], bool]) -> None:
        """Go on until it is over."""
        while not is_over():
            time.sleep(EVERY_SECONDS)
            provider, kind = self._rng.choice(list(KINDS))
            event = self._event(provider)
            # The shop has PayPal verify a delivery, so while the bank is down it can only say: try again.
            if event is not None and (provider == "stripe" or answers(f"{self._bank}/healthz")):
                self._knock(provider, kind, *event)

    def _event(self, provider: str) -> tuple[str, bytes] | None:
        """An event that the shop has stored."""
        with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True, timeout=20)) as store:
            rows = store.execute(
                "SELECT id, body FROM events WHERE channel = ? AND state = 'delivered'", (provider,)
            ).fetchall()
        if not rows:
            return None
        ident, body = self._rng.choice(rows)
        return ident, body.encode()

    def _knock(self, provider: str, kind: str, ident: str, body: bytes) -> None:
        signed = body
        if kind in {"forged", "tampered"}:
            invented = f"forged-{self._rng.randrange(10**9)}"
            body = body.replace(ident.encode(), invented.encode())
            ident = invented
        if kind == "forged":
            signed = body
        if provider == "stripe":
            secret = "whsec_guessed" if kind == "forged" else KEYS["webhook"]
            moment = int(time.time()) - (OLD_SECONDS if kind == "old" else 0)
            headers = {"Stripe-Signature": signature(secret, signed, moment)}
        else:
            keys = KEYS["paypal_secret"], KEYS["paypal_webhook"]
            headers = bank_paypal_events.headers(*keys, signed, forged=kind == "forged")
        try:
            status = requests.post(
                f"{self._web}/webhooks/{provider}/",
                data=body,
                headers={**headers, "Content-Type": "application/json"},
                timeout=15,
            ).status_code
        except requests.RequestException:
            status = 0
        if provider == "paypal" and status == HTTPStatus.SERVICE_UNAVAILABLE and not answers(f"{self._bank}/healthz"):
            return  # the bank went down between our look at it and the shop's question
        line = {"provider": provider, "kind": kind, "event": ident, "status": status, "wanted": KINDS[provider, kind]}
        with self._log.open("a") as log:
            log.write(json.dumps(line) + "\n")
