"""Stripe hosted Checkout through the ``stripe`` library.

Cards are typed on Stripe's page, never here. ``STRIPE_API_BASE`` may point at the demo bank.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import stripe
from django.conf import settings

from payments.providers import stripe_disputes, stripe_money, stripe_refunds
from payments.providers.base import (
    Begun,
    DisputeFact,
    EndpointFact,
    FactState,
    NotAuthentic,
    Notice,
    PaymentFact,
    PaymentRequest,
    RefundFact,
    RefundOrder,
    WarningFact,
)
from payments.states import Subject
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable
from unlockshop.kernel.money import EXPONENTS, Money, MoneyError

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
# ``charge.refunded`` carries a charge; the refund's own event comes beside it.
REFUND_EVENTS: Final = frozenset({"refund.created", "refund.updated", "refund.failed"})
DISPUTE_PREFIX: Final = "charge.dispute."
DISPUTE_EVENTS: Final = frozenset(
    DISPUTE_PREFIX + name for name in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
)
WARNING_EVENT: Final = "radar.early_fraud_warning.created"


class StripeProvider:
    """Adapter for Checkout Sessions; a payment's ``provider_ref`` is the session's id."""

    name = "stripe"
    webhook_events = SESSION_EVENTS | REFUND_EVENTS | DISPUTE_EVENTS | {WARNING_EVENT}

    def step(self, currency: str) -> Decimal | None:
        """Stripe takes every currency that the shop knows."""
        return stripe_money.step(currency) if currency in EXPONENTS else None

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
                        "unit_amount": stripe_money.minor(request.money),
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

    def fee(self, charge_ref: str) -> Money | None:
        """The fee on the balance transaction of the payment's charge; None while there is none."""
        expand = {"expand": ["latest_charge.balance_transaction"]}
        intent = _call(lambda client: client.v1.payment_intents.retrieve(charge_ref, expand))
        charge = intent.get("latest_charge")
        balance = charge.get("balance_transaction") if isinstance(charge, dict) else None
        if not isinstance(balance, dict):
            return None
        return stripe_money.read(balance["fee"], str(balance["currency"]))

    def refund(self, order: RefundOrder) -> RefundFact:
        """Give money back, keyed by the refund row's id."""
        return stripe_refunds.refund(_call, order)

    def fetch_refund(self, provider_ref: str) -> RefundFact:
        """The refund as Stripe has it now."""
        return stripe_refunds.fetch_refund(_call, provider_ref)

    def refunds_of(self, charge_ref: str) -> list[RefundFact]:
        """Every refund of a payment."""
        return stripe_refunds.refunds_of(_call, charge_ref)

    def fetch_dispute(self, provider_ref: str) -> DisputeFact:
        """The dispute as Stripe has it now."""
        return stripe_disputes.fetch_dispute(_call, provider_ref)

    def disputes_since(self, moment: datetime) -> Iterator[str]:
        """Every dispute opened since ``moment``."""
        return stripe_disputes.disputes_since(_call, moment)

    def submit_evidence(self, provider_ref: str, fields: Mapping[str, str]) -> DisputeFact:
        """Answer a dispute, once and for good."""
        return stripe_disputes.submit_evidence(_call, provider_ref, fields)

    def warnings_of(self, charge_ref: str) -> list[WarningFact]:
        """Early fraud warnings about a payment."""
        return stripe_disputes.warnings_of(_call, charge_ref)

    def warned_since(self, moment: datetime) -> Iterator[str]:
        """Every payment that was warned about since ``moment``."""
        return stripe_disputes.warned_since(_call, moment)

    def payments_since(self, moment: datetime) -> Iterator[PaymentFact]:
        """Every Checkout Session made since ``moment``."""
        params: dict[str, Any] = {
            "created": {"gte": int(moment.timestamp())}, "limit": 100, "expand": ["data.payment_intent"],
        }  # fmt: skip
        while True:
            page = _call(lambda client, asked=dict(params): client.v1.checkout.sessions.list(asked))
            yield from (_fact(session) for session in page["data"])
            if not page.get("has_more") or not page["data"]:
                return
            params["starting_after"] = page["data"][-1]["id"]

    def webhook_endpoints(self) -> list[EndpointFact]:
        """The webhook endpoints of the account in the key's mode."""
        listed = _call(lambda client: client.v1.webhook_endpoints.list({"limit": 100}))
        try:
            return [_endpoint(row) for row in listed["data"]]
        except (KeyError, TypeError) as error:
            raise OutcomeUnknown(f"Stripe's webhook endpoints are not readable: {error!r}") from error

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
            subject, ref = _subject(event_type, event["data"]["object"])
        except stripe.SignatureVerificationError as error:
            raise NotAuthentic(str(error)) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NotAuthentic(f"not a Stripe event: {type(error).__name__}") from error
        return Notice(event_id, event_type, subject, ref, event, _doubt(event))


def _endpoint(row: Mapping[str, Any]) -> EndpointFact:
    events = frozenset(str(each) for each in row["enabled_events"])
    return EndpointFact(str(row["id"]), str(row["url"]), events, is_enabled=row["status"] == "enabled")


def _subject(event_type: str, thing: Mapping[str, Any]) -> tuple[Subject, str]:
    """Which object the event is about."""
    if event_type in SESSION_EVENTS:
        return Subject.PAYMENT, _name(thing["id"], 255)
    if event_type in REFUND_EVENTS:
        return Subject.REFUND, _name(thing["id"], 255)
    if event_type.startswith(DISPUTE_PREFIX):
        return Subject.DISPUTE, _name(thing["id"], 255)
    if event_type == WARNING_EVENT:
        return Subject.WARNING, _name(thing["payment_intent"], 255)
    return Subject.NONE, ""


def _doubt(event: Mapping[str, Any]) -> str:
    """Why an event is not about this shop's money: the library checks neither mode nor account."""
    if bool(event.get("livemode")) != settings.PAYMENTS_LIVE:
        return "an event of live mode" if event.get("livemode") else "an event of test mode"
    if event.get("account"):
        return f"an event of the account {event['account']}"
    return ""


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
        money=stripe_money.read(session["amount_total"], str(session["currency"])),
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


@lru_cache(maxsize=4)
def _client(key: str, address: str) -> stripe.StripeClient:
    """One for the process: its connections, one for each thread, stay open, and no call begins with a handshake."""
    return stripe.StripeClient(
        key,
        base_addresses={"api": address} if address else {},
        max_network_retries=NETWORK_RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
    )


def _call(ask: Any) -> dict[str, Any]:
    """Run one API call; the library's own retries repeat the same idempotency key."""
    try:
        answer: dict[str, Any] = ask(_client(settings.STRIPE_API_KEY, settings.STRIPE_API_BASE)).to_dict()
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
