"""PayPal's deliveries: what must be there before anybody is asked, and what an event is about.

Authenticity is PayPal's word: the delivered bytes are spliced as they are into a call of verify-webhook-signature,
because decoding and encoding again would change what the signature covers. The certificate's address comes with the
delivery, from whoever sent it; it is never fetched, only checked and passed on. The library's ``WebhookEvent.verify``
fetches it and must not be used.

PayPal repeats a delivery for three days under its first time, so an old one is no sign of a fraud: there is no age
limit, and a replay is one more delivery of an event that is stored once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from payments.providers import paypal_api, paypal_facts
from payments.providers.base import EndpointFact, NotAuthentic, Notice
from payments.states import Subject

VERIFY_PATH: Final = "v1/notifications/verify-webhook-signature"
EVENTS: Final = frozenset(
    {
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.PENDING",
        "PAYMENT.CAPTURE.DENIED",
        "PAYMENT.CAPTURE.REFUNDED",
        "PAYMENT.CAPTURE.REVERSED",
        "CUSTOMER.DISPUTE.CREATED",
        "CUSTOMER.DISPUTE.UPDATED",
        "CUSTOMER.DISPUTE.RESOLVED",
    }
)
# Our names in the call, PayPal's headers, and how long each may be.
_HEADERS: Final = {
    "auth_algo": ("paypal-auth-algo", 100),
    "cert_url": ("paypal-cert-url", 500),
    "transmission_id": ("paypal-transmission-id", 50),
    "transmission_sig": ("paypal-transmission-sig", 500),
    "transmission_time": ("paypal-transmission-time", 100),
}
_PLAIN: Final = re.compile(r"[\x21-\x7e]+")
_HOST: Final = re.compile(r"(?:[a-z0-9-]+\.)+paypal\.com")


def meta(headers: Mapping[str, str], webhook_id: str) -> dict[str, str]:
    """What the verification call wants besides the event. Raises ``NotAuthentic``; nothing is sent anywhere."""
    given = {name.lower(): value for name, value in headers.items()}
    found = {}
    for ours, (theirs, longest) in _HEADERS.items():
        value = given.get(theirs, "")
        if len(value) > longest or not _PLAIN.fullmatch(value):
            raise NotAuthentic(f"the header {theirs} is missing or malformed")
        found[ours] = value
    if not is_paypal_certificate(found["cert_url"]):
        raise NotAuthentic("the certificate is not at PayPal's")
    return {**found, "webhook_id": webhook_id}


def is_paypal_certificate(url: str) -> bool:
    """Whether an address is https at a host under paypal.com, with nothing that readers could read differently."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_plain = "\\" not in url and "@" not in parts.netloc and _PLAIN.fullmatch(url) is not None
    return (
        is_plain
        and parts.scheme == "https"
        and port in {None, 443}
        and _HOST.fullmatch(parts.hostname or "") is not None
    )


def event(body: bytes) -> dict[str, Any]:
    """The event, if the body is exactly one JSON object that names itself. Raises ``NotAuthentic``."""
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        ident, kind = found["id"], found["event_type"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotAuthentic(f"not a PayPal event: {type(error).__name__}") from error
    if not isinstance(ident, str) or not isinstance(kind, str):
        raise NotAuthentic("not a PayPal event: bad id or type")
    if not 0 < len(ident) <= 255 or not 0 < len(kind) <= 120:
        raise NotAuthentic("not a PayPal event: bad id or type")
    return dict(found)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def splice(found: Mapping[str, str], body: bytes) -> bytes:
    """The body of the verification call, with the delivered bytes unchanged inside."""
    return json.dumps(found)[:-1].encode() + b', "webhook_event": ' + body + b"}"


def endpoints(found: Mapping[str, Any]) -> list[EndpointFact]:
    """The configured webhooks. Raises one of ``paypal_facts.UNREADABLE``."""
    return [
        EndpointFact(
            str(each["id"]), str(each["url"]), frozenset(str(kind["name"]) for kind in each["event_types"]), True
        )
        for each in found["webhooks"]
    ]


def notice(found: Mapping[str, Any]) -> Notice:
    """Which of our objects an event is about. One that names none we could ask for is of no concern."""
    resource = found.get("resource")
    subject, ref = _subject(str(found["event_type"]), resource if isinstance(resource, dict) else {})
    if not paypal_api.is_ref(ref):
        subject, ref = Subject.NONE, ""
    return Notice(str(found["id"]), str(found["event_type"]), subject, str(ref), found)


def _subject(kind: str, resource: dict[str, Any]) -> tuple[Subject, Any]:
    if kind == "PAYMENT.CAPTURE.REFUNDED" or kind.startswith("PAYMENT.REFUND."):
        return Subject.REFUND, resource.get("id")
    if kind.startswith("PAYMENT.CAPTURE."):
        try:
            return Subject.PAYMENT, paypal_facts.order_of(resource)
        except paypal_facts.UNREADABLE:
            return Subject.NONE, ""
    if kind.startswith("CHECKOUT.ORDER."):
        return Subject.PAYMENT, resource.get("id")
    if kind.startswith("CUSTOMER.DISPUTE."):
        return Subject.DISPUTE, resource.get("dispute_id")
    return Subject.NONE, ""
