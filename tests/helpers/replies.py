"""Posts as SendGrid's Inbound Parse makes them."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from orders.models import Purchase
from orders.reply_addresses import address_of
from tests import factories

SECRET = "a-long-random-word"
ADDRESS = f"/webhooks/sendgrid/inbound/{SECRET}/"
DOMAIN = "reply.unlockshop.example"
HEADERS = "Received: by mx.example\nDate: Mon, 23 Nov 2026 12:00:00 +0000\nMIME-Version: 1.0\n"


def reply(purchase: Purchase | None = None, text: str = "cancel", **changes: Any) -> dict[str, Any]:
    """The fields of a post: a reply to the purchase's confirmation. ``headers`` adds to the mail's own."""
    to = address_of(purchase) if purchase else f"nobody@{DOMAIN}"
    sender = changes.pop("sender", factories.ADA)
    more = changes.pop("headers", f"Message-ID: <{abs(hash((to, text)))}@mail.example>\n")
    envelope = {"to": [changes.pop("to", to)], "from": changes.pop("envelope_from", sender)}
    return {
        "headers": f"{HEADERS}{more}", "dkim": "{@example.com : pass}", "SPF": "pass", "to": to,
        "from": f"Ada <{sender}>", "sender_ip": "192.0.2.3", "subject": "Re: thank you, your order is paid",
        "text": text, "html": f"<p>{text}</p>", "envelope": json.dumps(envelope), "attachments": "0",
        "charsets": json.dumps({"to": "UTF-8", "subject": "UTF-8", "from": "UTF-8", "text": "UTF-8"}), **changes,
    }  # fmt: skip


def post(client: Client, fields: dict[str, Any], address: str = ADDRESS) -> Any:
    """Post the fields as SendGrid does."""
    return client.post(address, fields)
