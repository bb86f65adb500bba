"""API calls that go wrong on purpose: no answer or a 500, each before or after the call had its effect."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Final

from unlockshop.demo.bank_http import Answer, Request, json_answer
from unlockshop.demo.bank_store import Store

RATES: Final = ("timeout_before", "timeout_after", "500_before", "500_after")
# The calls that move money or cannot be taken back.
CALLS: Final = tuple(
    (name, re.compile(path))
    for name, path in (
        ("begin", r"/v1/checkout/sessions|/v2/checkout/orders"),
        ("capture", r"/v2/checkout/orders/[^/]+/capture"),
        ("refund", r"/v1/refunds|/v2/payments/captures/[^/]+/refund"),
        ("evidence", r"/v1/disputes/[^/]+|/v1/customer/disputes/[^/]+/provide-evidence"),
    )
)


class ApiFaults:
    """Chances from 0 to 1 per call, from JSON such as ``{"timeout_after": 0.05, "timeout_seconds": 5}``.

    A chance may be given per kind of call instead: ``{"500_after": {"refund": 0.1}}``.
    """

    def __init__(self, text: str = "", seed: int | None = None) -> None:
        values = json.loads(text or "{}")
        if not isinstance(values, dict):
            raise ValueError("API faults must be a JSON object")  # noqa: TRY004 - a bad value
        self._hang_seconds = _number("timeout_seconds", values.pop("timeout_seconds", 20.0))
        self._rates = {name: _per_call(name, value) for name, value in values.items()}
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def around(self, store: Store, request: Request, respond: Callable[[Request], Answer]) -> Answer:
        """Answer a request, unless it is struck; every strike is noted in the table ``api_faults``."""
        call = _call_of(request)
        struck = self._draw(call) if call else ""
        if not struck:
            return respond(request)
        with store.write() as db:
            db.execute("INSERT INTO api_faults (at, call, fault) VALUES (?, ?, ?)", (time.time(), call, struck))
        if struck.endswith("_after"):
            respond(request)
        if struck.startswith("timeout"):
            return Answer(504, hang_seconds=self._hang_seconds)
        return json_answer(500, {"error": {"type": "api_error", "message": "struck on purpose"}})

    def _draw(self, call: str) -> str:
        with self._lock:
            chance = self._random.random()
        for name in RATES:
            chance -= self._rates.get(name, {}).get(call, 0.0)
            if chance < 0:
                return name
        return ""


def _per_call(name: str, value: object) -> dict[str, float]:
    """The chance of a fault for each kind of call; ValueError with a sentence when it makes no sense."""
    if name not in RATES:
        raise ValueError(f"unknown API fault {name!r}; known are {', '.join(RATES)}, timeout_seconds")
    calls = [call for call, _path in CALLS]
    found = value if isinstance(value, dict) else dict.fromkeys(calls, value)
    if not set(found) <= set(calls):
        raise ValueError(f"API fault {name!r} is of a call; known are {', '.join(calls)}")
    rates = {call: _number(name, rate) for call, rate in found.items()}
    if any(rate > 1 for rate in rates.values()):
        raise ValueError(f"API fault {name!r} is a chance from 0 to 1")
    return rates


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"API fault {name!r} must be a number of at least 0")
    return float(value)


def _call_of(request: Request) -> str:
    """Which of the calls a request is, or the empty text."""
    if request.method != "POST":
        return ""
    return next((name for name, path in CALLS if path.fullmatch(request.path)), "")
