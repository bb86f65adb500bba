"""What the shop needs from any supplier, whatever protocol it speaks.

Adapters raise exactly ``Retryable`` (provably no effect), ``Refused`` (they said no, with a code of
``RefusalCode``) and ``OutcomeUnknown``. Nothing of HTTP, HTML or models crosses this line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from unlockshop.kernel.errors import Refused, Retryable, ShopError


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
    """One order for a supplier: only what the work needs, nothing about the customer.

    ``kind`` is the service's kind in the supplier's catalogue, for protocols that buy kinds in different ways.
    """

    reference: str
    service_id: str
    identifier: str
    fields: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""


@dataclass(frozen=True, slots=True)
class JobAccepted:
    """The supplier has the order under this id of its own."""

    supplier_order_id: str


class AlreadyThere(Refused):
    """A duplicate that the supplier refused, saying under which id of its own it has the order."""

    def __init__(self, message: str, *, supplier_order_id: str) -> None:
        super().__init__(message, code=RefusalCode.DUPLICATE)
        self.supplier_order_id = supplier_order_id


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
    """Where and as whom to speak to a supplier; what it has proven to support.

    ``dialect`` is one of the adapter's ``dialects``; empty means the protocol's usual one. ``deadline_seconds``
    bounds one whole call; None stands for the setting.
    """

    url: str
    username: str
    api_key: str
    sends_reference: bool = False
    allow_loopback: bool = False
    dialect: str = ""
    places_in_bulk: bool = False
    deadline_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CustomField:
    """A question of the supplier's own. ``name`` is the exact key to send the answer under."""

    name: str
    kind: str
    options: tuple[str, ...]
    description: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One service on offer. ``cost`` is in the account's currency; all texts are plain text.

    ``identifier_label`` is set when the service asks for something else than an IMEI.
    """

    service_id: str
    name: str
    group: str
    kind: str
    cost: Decimal | None
    time: str
    info: str
    requires: tuple[str, ...]
    custom_fields: tuple[CustomField, ...]
    identifier_label: str
    allows_letters: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a supplier's list of models, networks or the like; ``parent`` is its brand, country or group."""

    choice_id: str
    label: str
    parent: str


@dataclass(frozen=True, slots=True)
class ServiceDetails:
    """What a supplier tells about one service when asked for it; ``cost`` as in ``CatalogueEntry``."""

    name: str
    cost: Decimal | None
    time: str
    info: str
    requires: tuple[str, ...]
    model_ids: tuple[str, ...]
    provider_ids: tuple[str, ...]


class CancelAnswer(StrEnum):
    """What a supplier says to a request to cancel."""

    CANCELLED = "cancelled"
    ASKED = "asked"
    TOO_LATE = "too_late"


class Feature(StrEnum):
    """What a protocol has beyond buying and asking. Whether one supplier's answer can be relied on is measured."""

    FIND = "find"
    RECENT = "recent"
    STATUS_MANY = "status_many"
    CANCEL = "cancel"
    PLACE_MANY = "place_many"


class Unreadable(Retryable):
    """A question was answered with something that is not the protocol: a page, a broken body."""


class UnsupportedAction(Retryable):
    """The supplier does not know this kind of question. Nothing was done."""


YES, NO, UNPROVEN, UNCLEAR = "yes", "no", "unproven", "unclear"
"""What is known of a capability. Unproven: it is there, and only an order can show whether it works."""


@dataclass(slots=True)
class Exploration:
    """What a look around at a supplier found, buying nothing. ``endpoint`` is the one to use from now on.

    ``account`` and ``services`` are None where the supplier did not tell. ``dialects`` are those it was seen to
    understand, best first; empty when nothing told them apart, or the protocol has only one. ``capabilities`` says
    ``YES``, ``NO``, ``UNPROVEN`` or ``UNCLEAR`` of each name. ``problems`` are (step, error) as they came up.
    """

    endpoint: Endpoint
    account: Account | None = None
    services: list[CatalogueEntry] | None = None
    dialects: tuple[str, ...] = ()
    capabilities: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, ShopError]] = field(default_factory=list)


class SupplierClient(Protocol):
    """One supplier's API. ``exchanges`` collects what was said, for the log.

    ``find``, ``recent``, ``status_many`` and ``cancel`` are called only where ``features`` names them.
    """

    features: frozenset[Feature]
    exchanges: list[Exchange]

    def place(self, job: JobRequest, *, send_before: datetime | None = None) -> JobAccepted:
        """Buy. Not a byte is sent after ``send_before``; then it raises ``Retryable``."""

    def status(self, supplier_order_id: str) -> JobStatus:
        """Ask about one order. Any error here says nothing about the order."""

    def find(self, reference: str) -> list[str]:
        """The supplier's ids of all orders that carry our reference. Only where that is proven to work."""

    def recent(self, identifier: str, service_id: str, since: datetime, until: datetime) -> list[str]:
        """The supplier's ids of all our orders there for this device and service, placed within this time.

        Where the supplier's clock is not known to the hour, the time is taken wider: an id too many is better than
        one too few. Raises where the list may be cut short and holds none.
        """

    def account(self) -> Account:
        """Our credit."""

    def services(self) -> list[CatalogueEntry]:
        """All that this supplier sells. Raises rather than mistake a refusal for an empty catalogue."""

    def status_many(self, supplier_order_ids: Sequence[str]) -> dict[str, JobStatus]:
        """``status`` for many at once. An order that the answer leaves out, or tells unclearly, is missing here."""

    def cancel(self, supplier_order_id: str) -> CancelAnswer:
        """Ask the supplier to drop an order. Raises like ``status``: an error says nothing about the order."""
