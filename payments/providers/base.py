"""What the shop needs from any payment provider.

Adapters raise exactly ``Retryable`` (provably no effect), ``Refused`` and ``OutcomeUnknown``; webhook readers raise
``NotAuthentic``. Minor units exist only inside adapters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

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
    """A payment as the provider has it on its books, fetched from its API."""

    provider_ref: str
    charge_ref: str | None
    state: FactState
    money: Money
    reference: str
    is_live: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """An authentic webhook event. ``provider_ref`` names the payment it is about; None when it is about none."""

    event_id: str
    event_type: str
    provider_ref: str | None
    changes_payment: bool
    payload: Mapping[str, Any]


class PaymentProvider(Protocol):
    """One provider."""

    name: str

    def begin(self, request: PaymentRequest) -> Begun:
        """Ask the provider to collect. The same request again gives the same answer."""

    def fetch(self, provider_ref: str) -> PaymentFact:
        """The payment as it stands there now."""

    def close(self, provider_ref: str) -> None:
        """Stop waiting for the customer, so that nothing can be paid late. Does nothing when it is over."""

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Verify and read a delivery; raises ``NotAuthentic``."""
