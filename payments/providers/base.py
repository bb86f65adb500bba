"""What the shop needs from any payment provider.

Adapters raise exactly ``Retryable`` (provably no effect), ``Refused`` and ``OutcomeUnknown``; webhook readers raise
``NotAuthentic``. Minor units exist only inside adapters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from payments.states import DisputeState, Subject
from unlockshop.kernel.errors import ShopError
from unlockshop.kernel.money import Money


class NotAuthentic(ShopError):
    """A webhook whose signature, age or form is not what the provider sends. Nothing of it is stored."""


class FactState(StrEnum):
    """What the provider says about a payment now."""

    OPEN = "open"
    PENDING = "pending"
    CAPTURED = "captured"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What to collect: ``key`` is the idempotency key, ``reference`` the purchase's public number."""

    key: str
    reference: str
    money: Money
    description: str
    email: str
    language: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    statement_descriptor: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The provider waits for the customer at ``url``."""

    provider_ref: str
    url: str


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """A payment as the provider has it on its books, fetched from its API.

    ``is_declined``: the customer's means of payment was just refused, and the page stays open for another.
    """

    provider_ref: str
    charge_ref: str | None
    state: FactState
    money: Money
    reference: str
    is_live: bool
    is_declined: bool = False


class RefundFactState(StrEnum):
    """What the provider says about a refund now."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What to give back: ``key`` is our refund row's id and the idempotency key."""

    key: str
    charge_ref: str
    money: Money
    reason: str


@dataclass(frozen=True, slots=True)
class RefundFact:
    """A refund as the provider has it. ``key`` is our row's id where the provider kept it, else empty."""

    provider_ref: str
    charge_ref: str
    key: str
    state: RefundFactState
    money: Money
    failure: str = ""


@dataclass(frozen=True, slots=True)
class DisputeFact:
    """A dispute as the provider has it. ``funds_withdrawn``: its amount is not with us at this moment.

    ``fee`` is what the dispute has cost so far; ``has_our_evidence`` says that our answer has arrived.
    """

    provider_ref: str
    charge_ref: str
    state: DisputeState
    money: Money
    reason: str
    status: str
    respond_by: datetime | None
    funds_withdrawn: bool
    fee: Money | None = None
    has_our_evidence: bool = False


@dataclass(frozen=True, slots=True)
class WarningFact:
    """A bank's early warning that a payment may be fraud, as the provider has it."""

    provider_ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class EndpointFact:
    """An address that the provider sends events to, as configured there. The event ``*`` stands for all of them."""

    provider_ref: str
    url: str
    events: frozenset[str]
    is_enabled: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """An authentic webhook event, and which object of the provider it is about.

    ``doubt`` says why it cannot be meant for this shop (another mode, another account); empty for every other.
    """

    event_id: str
    event_type: str
    subject: Subject
    subject_ref: str
    payload: Mapping[str, Any]
    doubt: str = ""


class PaymentProvider(Protocol):
    """One provider. ``webhook_events`` are those that a webhook endpoint there should be asked for."""

    name: str
    webhook_events: frozenset[str]

    def step(self, currency: str) -> Decimal | None:
        """The smallest amount of ``currency`` that it moves, such as 0.01; None where it does not take it."""

    def begin(self, request: PaymentRequest) -> Begun:
        """Ask the provider to collect. The same request again gives the same answer."""

    def fetch(self, provider_ref: str) -> PaymentFact:
        """The payment as it stands there now. Collects it first where the customer has approved it."""

    def close(self, provider_ref: str) -> None:
        """Stop waiting for the customer, so that nothing is paid twice or late. Does nothing when it is over."""

    def fee(self, charge_ref: str) -> Money | None:
        """What the provider kept of a captured payment; None while it does not say.

        Where it converts, this is in the currency of our account there.
        """

    def refund(self, order: RefundOrder) -> RefundFact:
        """Give money back. The same order again, within 23 hours, gives the same answer."""

    def fetch_refund(self, provider_ref: str) -> RefundFact:
        """The refund as it stands there now."""

    def refunds_of(self, charge_ref: str) -> list[RefundFact]:
        """Every refund of a payment that the provider knows, also those made in its own pages."""

    def fetch_dispute(self, provider_ref: str) -> DisputeFact:
        """The dispute as it stands there now."""

    def disputes_since(self, moment: datetime) -> Iterator[str]:
        """The ids of disputes there that were opened since ``moment``, for reconciliation."""

    def submit_evidence(self, provider_ref: str, fields: Mapping[str, str]) -> DisputeFact:
        """Answer a dispute, once and for good."""

    def warnings_of(self, charge_ref: str) -> list[WarningFact]:
        """Early fraud warnings about a payment; none where the provider has no such thing."""

    def warned_since(self, moment: datetime) -> Iterator[str]:
        """The charges there that were warned about since ``moment``, for reconciliation."""

    def payments_since(self, moment: datetime) -> Iterator[PaymentFact]:
        """Every payment there that was begun or captured since ``moment``, for reconciliation."""

    def webhook_endpoints(self) -> list[EndpointFact]:
        """Where the provider sends events of this account."""

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Verify and read a delivery; raises ``NotAuthentic``, or ``Retryable`` when it cannot be verified now."""
