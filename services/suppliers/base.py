"""What the shop needs from any supplier, whatever protocol it speaks.

Adapters raise exactly ``Retryable`` (provably no effect), ``Refused`` (they said no, with a code of
``RefusalCode``) and ``OutcomeUnknown``. Nothing of HTTP, HTML or models crosses this line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class RefusalCode(StrEnum):
    """Why a supplier said no. The first group is about the supplier, not about the order."""

    AUTH = "auth"
    IP = "ip"
    FUNDS = "funds"
    RATE = "rate"
    MAINTENANCE = "maintenance"
    DUPLICATE = "duplicate"
    INPUT = "input"
    SERVICE_GONE = "service_gone"


# The supplier takes nobody's order just now; the same order goes through later.
SUPPLIER_SIDE = frozenset(
    {RefusalCode.AUTH, RefusalCode.IP, RefusalCode.FUNDS, RefusalCode.RATE, RefusalCode.MAINTENANCE}
)


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One order for a supplier: only what the work needs, nothing about the customer."""

    reference: str
    service_id: str
    identifier: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobAccepted:
    """The supplier has the order under this id of its own."""

    supplier_order_id: str


class JobState(StrEnum):
    """What a supplier says about an order."""

    PENDING = "pending"
    DONE = "done"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """An answer about one order. ``text`` is plain text: the result, or the reason. ``identifier`` may be empty."""

    state: JobState
    text: str = ""
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One raw question and answer, secrets masked and sizes bounded, for staff to read."""

    purpose: str
    request: str
    response: str
    http_status: int | None
    error: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Account:
    """Our account at a supplier."""

    credit: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and as whom to speak to a supplier; what it has proven to support."""

    url: str
    username: str
    api_key: str
    sends_reference: bool = False
    allow_loopback: bool = False


class SupplierClient(Protocol):
    """One supplier's API. ``exchanges`` collects what was said, for the log."""

    exchanges: list[Exchange]

    def place(self, job: JobRequest, *, send_before: datetime | None = None) -> JobAccepted:
        """Buy. Not a byte is sent after ``send_before``; then it raises ``Retryable``."""

    def status(self, supplier_order_id: str) -> JobStatus:
        """Ask about one order. Any error here says nothing about the order."""

    def find(self, reference: str) -> list[str]:
        """The supplier's ids of all orders that carry our reference. Only where that is proven to work."""

    def account(self) -> Account:
        """Our credit."""
