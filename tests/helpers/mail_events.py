"""Posts as SendGrid's Event Webhook makes them, signed by the demo's own hand and not by the library that verifies."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from orders.models import OutgoingMail
from unlockshop.demo import mail_events
from unlockshop.kernel import clock

SEED = "tests"
ADDRESS = "/webhooks/sendgrid/"
BOUNCE = {
    "event": "bounce",
    "type": "bounce",
    "status": "5.1.1",
    "reason": "550 5.1.1 no such user",
}


def event(mail: OutgoingMail | None = None, **changes: Any) -> dict[str, Any]:
    """One event about a mail; delivered unless told."""
    values = {
        "event": "delivered",
        "email": mail.to if mail else "somebody@example.com",
        "timestamp": int(clock.now().timestamp()),
        "sg_event_id": f"event-{mail.pk if mail else 0}-{changes.get('event', 'delivered')}",
        "sg_message_id": "abc.recvd-1-2",
        "ip": "192.0.2.9",
        "useragent": "a reader's program",
    }
    return {**values, **({"mail_id": mail.key} if mail else {}), **changes}


def post(client: Any, events: Any, *, seed: str = SEED, age: timedelta = timedelta(), **extra: str) -> Any:
    """A signed post; ``events`` is the list, or the raw body."""
    body = events if isinstance(events, bytes) else (json.dumps(events) + "\r\n").encode()
    moment = int((clock.now() - age).timestamp())
    return send(client, body, {**mail_events.headers(seed, body, moment), **extra})


def send(client: Any, body: bytes, headers: dict[str, str]) -> Any:
    """A post with these headers, whoever made them."""
    kind = headers.get("Content-Type", "application/json")
    rest = {name: value for name, value in headers.items() if name != "Content-Type"}
    return client.post(ADDRESS, body, content_type=kind, headers=rest)
