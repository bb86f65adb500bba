"""Replies to mails in the demo mailbox: posted to the shop as SendGrid's Inbound Parse posts a mail that came in."""

from __future__ import annotations

import json
import sqlite3
from email.utils import formatdate
from typing import Final
from urllib.parse import parse_qs

from unlockshop.demo.bank_events import Channel, Outbox
from unlockshop.demo.bank_objects import new_id
from unlockshop.demo.bank_store import Json

CHANNEL: Final = "inbound"
BOUNDARY: Final = "xYzZY-demo-mailbox-xYzZY"
MOST_TEXT: Final = 10_000


def channel(url: str) -> Channel:
    """Where replies go."""
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "User-Agent": "Sendlib/1.0"}
    return Channel(url, lambda _body, _forged: headers)


def tell_reply(outbox: Outbox, db: sqlite3.Connection, row: Json, form: bytes) -> None:
    """Post what was typed below a mail; ``form`` is the browser's. Without a sender the reader of the mail replies."""
    given = parse_qs(form.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    text = given.get("text", [""])[0][:MOST_TEXT]
    sender = " ".join(given.get("from", [""])[0].split())[:254] or row["recipient"]
    ident = new_id("reply_")
    domain = sender.rpartition("@")[2]
    quoted = "".join(f"> {line}\r\n" for line in row["text"].splitlines())
    headers = [
        f"Date: {formatdate()}",
        f"From: {sender}",
        f"To: {row['reply_to']}",
        f"Message-ID: <{ident}@mailbox.demo>",
        *(["Auto-Submitted: auto-replied"] if given.get("automatic") else []),
    ]
    fields = {
        "headers": "\n".join(headers) + "\n",
        "dkim": f"{{@{domain} : pass}}",
        "to": row["reply_to"],
        "from": sender,
        "sender_ip": "127.0.0.1",
        "subject": f"Re: {row['subject']}",
        "text": f"{text}\r\n\r\nOn {formatdate()}, {row['sender']} wrote:\r\n{quoted}",
        "envelope": json.dumps({"to": [row["reply_to"]], "from": sender}),
        "attachments": "0",
        "charsets": json.dumps(dict.fromkeys(("to", "from", "subject", "text"), "UTF-8")),
        "SPF": "pass",
    }
    parts = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{_inner(value)}\r\n'
        for name, value in fields.items()
    )
    body = "".join([*parts, f"--{BOUNDARY}--\r\n"])
    outbox.queue(db, CHANNEL, ident, kind="reply", about=row["message_id"], body=body)


def _inner(value: str) -> str:
    """The value without what would end its part."""
    return value.replace(BOUNDARY, "")
