"""Events of the demo mailbox: signed as SendGrid signs them, told once the mail is taken and when somebody presses."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
import time
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from unlockshop.demo.bank_events import Channel, Outbox
from unlockshop.demo.bank_objects import new_id
from unlockshop.demo.bank_store import Json, dumps

CHANNEL: Final = "sendgrid"
# What the mailbox's buttons tell, and what a mail server would have said.
PRESSED: Final[dict[str, Json]] = {
    "open": {"event": "open", "sg_machine_open": False},
    "bounce": {
        "event": "bounce", "type": "bounce", "status": "5.1.1", "bounce_classification": "Invalid Address",
        "reason": "550 5.1.1 The email account that you tried to reach does not exist.",
    },
    "block": {
        "event": "bounce", "type": "blocked", "status": "4.7.0", "bounce_classification": "Reputation",
        "reason": "421 4.7.0 Too many messages from this sender, try again later.",
    },
    "drop": {"event": "dropped", "status": "5.0.0", "reason": "Bounced Address"},
    "spam": {"event": "spamreport"},
}  # fmt: skip


def private_key(seed: str) -> ec.EllipticCurvePrivateKey:
    """The key that belongs to ``seed``, always the same one."""
    number = int.from_bytes(hashlib.sha512(f"mail events {seed}".encode()).digest())
    most = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550  # the order of P-256
    return ec.derive_private_key(number % (most - 1) + 1, ec.SECP256R1())


def public_key(seed: str) -> str:
    """What the shop verifies with, in the form in which SendGrid shows it."""
    der = private_key(seed).public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    return base64.b64encode(der).decode()


def headers(seed: str, body: bytes, moment: int) -> dict[str, str]:
    """The headers of one post made at ``moment``, in Unix seconds."""
    signed = private_key(seed).sign(str(moment).encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "Content-Type": "application/json",
        "User-Agent": "SendGrid Event API",
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signed).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": str(moment),
    }


def channel(url: str, seed: str) -> Channel:
    """Where the mailbox's events go."""
    return Channel(url, lambda body, forged: headers(f"{seed}{'?' if forged else ''}", body, int(time.time())))


def tell_taken(outbox: Outbox, db: sqlite3.Connection, row: Json) -> None:
    """Every mail that is taken is delivered at once: two events in one post."""
    _queue(outbox, db, row, {"event": "processed"}, {"event": "delivered", "response": "250 OK"})


def tell_pressed(outbox: Outbox, db: sqlite3.Connection, row: Json, button: str) -> None:
    """What a button of the mailbox lets happen."""
    _queue(outbox, db, row, PRESSED[button])


def _queue(outbox: Outbox, db: sqlite3.Connection, row: Json, *facts: Json) -> None:
    common = {
        **json.loads(row["custom_args"]),
        "email": row["recipient"],
        "timestamp": int(time.time()),
        "smtp-id": f"<{row['message_id']}@mailbox.demo>",
        "sg_message_id": f"{row['message_id']}.recvd-demo-0",
        "category": json.loads(row["categories"]),
    }
    told = [{**common, **fact, "sg_event_id": new_id("", 22)} for fact in facts]
    kind = "+".join(fact["event"] for fact in told)
    outbox.queue(db, CHANNEL, new_id("mail_"), kind=kind, about=row["message_id"], body=dumps(told))
