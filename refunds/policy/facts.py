"""Everything a decision may rest on, frozen. Every moment is aware; a claim is judged at ``claim.received_at``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Final, Literal

from unlockshop.kernel.money import Money

Kind = Literal["unlock", "check", "topup"]
ClaimType = Literal[
    "cancel", "refund", "correction", "price_match", "additional_payment", "wallet_withdrawal", "dispute",
    "supplier_event",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = ("unlock", "check", "topup")

OUTCOMES: Final = frozenset(
    {"completed", "unavailable", "not_found", "check_unavailable", "topup_failed", "supplier_cancelled", "refused"}
)
AT_WORK: Final = frozenset({"queued", "dispatched", "reprocessing"})
STATES: Final = OUTCOMES | AT_WORK | {"submitted", "paid", "delayed", "refunded"}
# States that only an order which left for the supplier can reach.
LEFT_THE_SHOP: Final = (OUTCOMES - {"refused"}) | {"dispatched", "reprocessing"}
CREDITS: Final = frozenset({"credits", "promo_credits"})


@dataclass(frozen=True)
class Customer:
    """Who ordered. ``withdrawal_waiver``: asked at checkout that work starts at once, giving up the "
    "right to withdraw."""

    country: str
    consumer: bool
    withdrawal_waiver: bool
    email_matches_order: bool


@dataclass(frozen=True)
class Delivery:
    """The delivery times told when the service was bought; None where there is none.

    ``promised_until`` and ``due_at`` are the ends of the guarantee and of the time told since, where the order has
    its own clocks; without them both are counted from when it was placed and paid.
    """

    average_business_hours: int | None = None
    guaranteed_business_hours: int | None = None
    guaranteed_business_days: int | None = None
    estimated_business_days: int | None = None
    promised_until: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True)
class Service:
    """What was bought. ``scope`` is "any" when the service accepts devices that are reported lost or stolen."""

    kind: Kind
    scope: Literal["clean", "any"]
    price: Money
    delivery: Delivery


@dataclass(frozen=True)
class Tender:
    """One part of the payment."""

    source: str
    amount: Money


@dataclass(frozen=True)
class Dispute:
    """A dispute or chargeback at the payment provider."""

    opened_at: datetime
    closed_at: datetime | None
    payout_to_buyer: bool


@dataclass(frozen=True)
class Payment:
    """How the order was paid and whether money can go back there."""

    method: str
    tenders: tuple[Tender, ...]
    destination_status: Literal["ok", "impossible"]
    dispute: Dispute | None = None
    bank_country: str | None = None


@dataclass(frozen=True)
class Event:
    """A state that the order reached."""

    state: str
    at: datetime


@dataclass(frozen=True)
class Supplier:
    """What the supplier said: about a cancellation, and about a delivered code that was checked again."""

    cancel_response: Literal["pending", "approved", "rejected"] | None = None
    code_recheck: Literal["wrong_confirmed"] | None = None


@dataclass(frozen=True)
class Established:
    """A proven fact: who recorded it, and whether it is why the order took so long."""

    fact: str
    by: str
    caused_delay: bool = False


@dataclass(frozen=True)
class Video:
    """A video proof as probed and as ticked by the reviewer."""

    width: int
    height: int
    duration_s: Decimal
    continuous: bool
    imei: bool
    imei_matches: bool
    code_entry: bool
    keys_visible: bool
    screen_text: bool
    device_always: bool
    in_focus: bool
    good_light: bool
    follows_instructions: bool
    restore_activate: bool
    review: Literal["pending", "failure_confirmed", "customer_error"]


@dataclass(frozen=True)
class Delay:
    """A delay told to the customer. ``new_date`` None: no date known. The mail counts from its delivery."""

    mail_delivered_at: datetime | None
    new_date: datetime | None


@dataclass(frozen=True)
class PriceMatch:
    """A cheaper offer found elsewhere, as sent in and as checked by staff (None: not checked)."""

    request_id: str | None
    url: str | None
    screenshot: bool | None
    company: str | None
    tax_no: str | None
    total_incl_taxes_fees: bool | None
    public_price: bool | None
    registered_company: bool | None
    legal_fiscal_ok: bool | None
    issues_invoices: bool | None
    comparable_service: bool | None
    site_updated_on: date | None
    competitor_price: Money | None


@dataclass(frozen=True)
class Claim:
    """What is asked, why, by whom, and when it came in."""

    type: ClaimType
    ground: str | None
    received_at: datetime
    actor: str
    channel: str


@dataclass(frozen=True)
class OrderFacts:
    """One order and one claim on it. Properties look at the order as it was when the claim came in."""

    customer: Customer
    service: Service
    payment: Payment
    history: tuple[Event, ...]
    supplier: Supplier
    claim: Claim
    established: tuple[Established, ...] = ()
    alleged: frozenset[str] = frozenset()
    video: Video | None = None
    delay: Delay | None = None
    evidence_requested_at: datetime | None = None
    verification_submitted_at: datetime | None = None
    investigation: Literal["customer_error", "no_customer_error", "wrong_rejection_eligible"] | None = None
    price_match: PriceMatch | None = None
    new_price: Money | None = None
    wallet_available: Money | None = None
    requested: Money | None = None
    status_changed_at: datetime | None = None
    received_value: Money | None = None
    shop_fault: bool = False
    fraud_suspected: bool = False
    abuse_flag: bool = False
    credit_abuse: bool = False
    duplicate_tickets: int = 0
    additional_payment_state: str | None = None
    closed_days: frozenset[date] = frozenset()

    @property
    def moment(self) -> datetime:
        """When the claim came in: the moment of judgement."""
        return self.claim.received_at

    @property
    def kind(self) -> Kind:
        """Unlock, check or top-up."""
        return self.service.kind

    @cached_property
    def so_far(self) -> tuple[Event, ...]:
        """The history up to the moment of judgement, in order of time."""
        known = (event for event in self.history if event.at <= self.moment)
        return tuple(sorted(known, key=lambda event: event.at))

    def first(self, *states: str) -> datetime | None:
        """When the order first reached one of ``states``; None if it had not."""
        return next((event.at for event in self.so_far if event.state in states), None)

    @cached_property
    def paid_at(self) -> datetime | None:
        """When the money had arrived."""
        return self.first("paid")

    @cached_property
    def started_at(self) -> datetime:
        """Where every period begins: when the order was both placed and paid."""
        return max(filter(None, (self.first("submitted"), self.paid_at)), default=self.moment)

    @cached_property
    def is_dispatched(self) -> bool:
        """Whether the order had left for the supplier."""
        return self.first(*LEFT_THE_SHOP) is not None

    @cached_property
    def ended(self) -> Event | None:
        """The last outcome, unless the order was sent out again after it."""
        for event in reversed(self.so_far):
            if event.state in OUTCOMES:
                return event
            if event.state in AT_WORK:
                return None
        return None

    @property
    def outcome(self) -> str | None:
        """How the order had ended; None while it was open."""
        return self.ended.state if self.ended else None

    @cached_property
    def completed_at(self) -> datetime | None:
        """When the result was delivered."""
        return self.ended.at if self.ended and self.ended.state == "completed" else None

    @cached_property
    def is_refunded(self) -> bool:
        """Whether the money went back, by the shop or through a dispute; also when that came after the claim."""
        dispute = self.payment.dispute
        paid_out = dispute is not None and dispute.payout_to_buyer
        return paid_out or any(event.state == "refunded" for event in self.history)

    @cached_property
    def captured(self) -> Money:
        """What came in and has not gone back."""
        return self.sum_of(self.payment.tenders if self.paid_at and not self.is_refunded else ())

    def sum_of(self, tenders: Iterable[Tender]) -> Money:
        """The sum of some parts of the payment."""
        amount = sum((tender.amount.amount for tender in tenders), Decimal(0))
        return Money(amount, self.service.price.currency)

    @cached_property
    def proven(self) -> frozenset[str]:
        """The names of the established facts."""
        return frozenset(fact.fact for fact in self.established)
