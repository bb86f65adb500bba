"""PayPal's events: what they look like, how a delivery is signed, and how a signature is verified.

PayPal signs with RSA; the demo signs with HMAC-SHA256 over the same text, ``transmission id|time|webhook id|crc32``,
where crc32 is taken of the delivered bytes, and verifies by computing it again over the bytes that came back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
import zlib

from unlockshop.demo.bank_events import Channel
from unlockshop.demo.bank_paypal_store import PayPalFault, new_id, stamp
from unlockshop.demo.bank_store import Json, dumps

CERT_URL = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-demo"
ALGORITHM = "SHA256withRSA"
_SPACE = re.compile(r"[ \t\r\n]*")


def event(kind: str, resource_type: str, resource: Json, summary: str) -> tuple[str, str]:
    """A new event's id and its body as it will be delivered."""
    ident = f"WH-{new_id()}-{new_id()}"
    body = {
        "id": ident,
        "event_version": "1.0",
        "create_time": stamp(time.time(), fraction=True),
        "resource_type": resource_type,
        "resource_version": "2.0",
        "event_type": kind,
        "summary": summary,
        "resource": resource,
        "links": [],
    }
    return ident, dumps(body)


def sign(secret: str, webhook_id: str, body: bytes, *, ident: str, moment: str) -> str:
    """The transmission signature of a body, in base64."""
    text = f"{ident}|{moment}|{webhook_id}|{zlib.crc32(body)}"
    return base64.b64encode(hmac.new(_key(secret), text.encode(), hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    return hashlib.sha256(b"paypal webhooks|" + secret.encode()).digest()


def headers(secret: str, webhook_id: str, body: bytes, *, forged: bool = False) -> dict[str, str]:
    """The headers of a delivery made now."""
    ident, moment = str(uuid.uuid4()), stamp(time.time())
    return {
        "Content-Type": "application/json",
        "User-Agent": "PayPal/AUHD-214.0-58862432",
        "PAYPAL-AUTH-ALGO": ALGORITHM,
        "PAYPAL-CERT-URL": CERT_URL,
        "PAYPAL-TRANSMISSION-ID": ident,
        "PAYPAL-TRANSMISSION-SIG": sign(
            "not the secret" if forged else secret, webhook_id, body, ident=ident, moment=moment
        ),
        "PAYPAL-TRANSMISSION-TIME": moment,
    }


def channel(url: str, secret: str, webhook_id: str) -> Channel:
    """Where the outbox delivers PayPal's events."""
    return Channel(url, lambda body, forged: headers(secret, webhook_id, body, forged=forged))


def verify(secret: str, given: Json, raw: bytes) -> str:
    """``SUCCESS`` or ``FAILURE`` for a body of verify-webhook-signature; ``raw`` is that body as it came in."""
    for name in ("auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time", "webhook_id"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise PayPalFault(400, "MISSING_REQUIRED_PARAMETER", field=f"/{name}")
    if not isinstance(given.get("webhook_event"), dict):
        raise PayPalFault(400, "MISSING_REQUIRED_PARAMETER", field="/webhook_event")
    expected = sign(
        secret,
        given["webhook_id"],
        member(raw, "webhook_event"),
        ident=given["transmission_id"],
        moment=given["transmission_time"],
    )
    is_ours = given["cert_url"] == CERT_URL and given["auth_algo"] == ALGORITHM
    same = hmac.compare_digest(expected.encode(), given["transmission_sig"].encode())
    return "SUCCESS" if is_ours and same else "FAILURE"


def member(raw: bytes, wanted: str) -> bytes:
    """The bytes of one member of a JSON object, exactly as they are written there."""
    text = raw.decode()
    decoder = json.JSONDecoder()
    place = _after_space(text, _after_space(text, 0) + 1)
    found = b""
    while text[place] != "}":
        name, place = decoder.raw_decode(text, place)
        start = _after_space(text, _after_space(text, place) + 1)
        _, place = decoder.raw_decode(text, start)
        if name == wanted:
            found = text[start:place].encode()
        place = _after_space(text, place)
        if text[place] == ",":
            place = _after_space(text, place + 1)
    return found


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
