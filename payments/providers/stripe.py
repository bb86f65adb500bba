"""Stripe hosted Checkout through the ``stripe`` library.

Cards are typed on Stripe's page, never here. ``STRIPE_API_BASE`` may point at the demo bank.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import stripe
from django.conf import settings

from payments.providers.base import Begun, FactState, NotAuthentic, Notice, PaymentFact, PaymentRequest
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable
from unlockshop.kernel.money import MoneyError, from_minor

TIMEOUT_SECONDS: Final = 15
NETWORK_RETRIES: Final = 2
TOLERANCE_SECONDS: Final = 300
MAX_FUTURE_SECONDS: Final = 300
SESSION_EVENTS: Final = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
    }
)


class StripeProvider:
    """Adapter for Checkout Sessions; a payment's ``provider_ref`` is the session's id."""

    name = "stripe"

    def begin(self, request: PaymentRequest) -> Begun:
        """Create the Checkout Session, keyed by ``request.key``."""
        metadata = {"reference": request.reference}
        params: dict[str, Any] = {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": request.money.currency.lower(),
                        "unit_amount": request.money.minor,
                        "product_data": {"name": request.description},
                    },
                }
            ],
            "client_reference_id": request.reference,
            "customer_email": request.email,
            "metadata": metadata,
            "payment_intent_data": {
                "metadata": metadata,
                "statement_descriptor_suffix": request.statement_descriptor,
            },
            "success_url": request.success_url,
            "cancel_url": request.cancel_url,
            "expires_at": int(request.expires_at.timestamp()),
        }
        session = _call(lambda client: client.v1.checkout.sessions.create(params, {"idempotency_key": request.key}))
        return Begun(provider_ref=str(session["id"]), url=str(session["url"]))

    def fetch(self, provider_ref: str) -> PaymentFact:
        """The session as Stripe has it now."""
        session = _call(
            lambda client: client.v1.checkout.sessions.retrieve(provider_ref, {"expand": ["payment_intent"]})
        )
        try:
            return _fact(session)
        except (KeyError, TypeError, MoneyError) as error:
            raise OutcomeUnknown(f"Stripe's session {provider_ref} is not readable: {error}") from error

    def close(self, provider_ref: str) -> None:
        """Expire the session; Stripe refuses that for one that is over already, which is fine."""
        try:
            _call(lambda client: client.v1.checkout.sessions.expire(provider_ref))
        except Refused:
            return

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Verify signature and age (either way, 300 s), then read the event."""
        signature = headers.get("Stripe-Signature", "")
        if not settings.STRIPE_WEBHOOK_SECRET:
            raise NotAuthentic("no webhook secret is set, and an empty one is no secret")
        try:
            text = body.decode("utf-8")
            stripe.WebhookSignature.verify_header(text, signature, settings.STRIPE_WEBHOOK_SECRET, TOLERANCE_SECONDS)
            _refuse_future(signature)
            event = json.loads(text, parse_constant=_refuse_constant)
            event_id, event_type = _name(event["id"], 255), _name(event["type"], 120)
            subject = event["data"]["object"]
            is_session = event_type in SESSION_EVENTS and isinstance(subject, dict)
            ref = _name(subject["id"], 255) if is_session else None
        except stripe.SignatureVerificationError as error:
            raise NotAuthentic(str(error)) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NotAuthentic(f"not a Stripe event: {type(error).__name__}") from error
        return Notice(event_id, event_type, ref, is_session, event)


def _name(value: Any, longest: int) -> str:
    """An id or a type of Stripe's: short, printable text, which every database can store."""
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= longest:
        raise ValueError("bad id or type")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_future(signature: str) -> None:
    """The library accepts timestamps from the future; a signed event of next year is not one of Stripe's."""
    stamps = [part[2:] for part in signature.split(",") if part.startswith("t=")]
    if int(stamps[0]) > clock.now().timestamp() + MAX_FUTURE_SECONDS:
        raise NotAuthentic("timestamp in the future")


def _fact(session: dict[str, Any]) -> PaymentFact:
    intent = session.get("payment_intent")
    return PaymentFact(
        provider_ref=str(session["id"]),
        charge_ref=str(intent["id"]) if isinstance(intent, dict) else intent,
        state=_state(session, intent),
        money=from_minor(session["amount_total"], str(session["currency"])),
        reference=str((session.get("metadata") or {}).get("reference", "")),
        is_live=bool(session["livemode"]),
    )


def _state(session: dict[str, Any], intent: Any) -> FactState:
    if session["payment_status"] in {"paid", "no_payment_required"}:
        return FactState.CAPTURED
    if session["status"] == "expired":
        return FactState.EXPIRED
    if session["status"] == "open":
        return FactState.OPEN
    # Complete but unpaid: a delayed method. It has failed once its intent asks for another method or is cancelled.
    if isinstance(intent, dict) and intent.get("status") in {"requires_payment_method", "canceled"}:
        return FactState.FAILED
    return FactState.PENDING


def _client() -> stripe.StripeClient:
    addresses = {"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {}
    return stripe.StripeClient(
        settings.STRIPE_API_KEY,
        base_addresses=addresses,  # type: ignore[arg-type]
        max_network_retries=NETWORK_RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
    )


def _call(ask: Any) -> dict[str, Any]:
    """Run one API call; the library's own retries repeat the same idempotency key."""
    try:
        answer: dict[str, Any] = ask(_client()).to_dict()
    except stripe.RateLimitError as error:
        raise Retryable("Stripe asks to slow down") from error
    except (
        stripe.InvalidRequestError,
        stripe.AuthenticationError,
        stripe.PermissionError,
        stripe.IdempotencyError,
    ) as error:
        raise Refused(
            f"Stripe refused: {error.user_message or type(error).__name__}", code=error.code or "refused"
        ) from error
    except stripe.StripeError as error:
        raise OutcomeUnknown(f"no clear answer from Stripe: {type(error).__name__}") from error
    return answer
