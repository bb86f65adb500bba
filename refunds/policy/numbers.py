"""The shape of a profile's data: every number, switch and table that a shop's refund terms are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from refunds.policy.codes import Code, Decision
from refunds.policy.facts import Kind
from refunds.policy.roles import Role
from unlockshop.kernel import calendars
from unlockshop.kernel.calendars import BusinessCalendar

# Clause ids, alike for every kind of service or by kind.
Ids = tuple[str, ...]
IdsByKind = Ids | Mapping[Kind, Ids]

EEA_AND_UK: Final = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IS", "IT",
        "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cancellation:
    """When an order can be called off. ``after_dispatch``: refuse, or ask the supplier."""

    after_dispatch: Literal["refuse", "ask_supplier"]
    refusal: Code | None
    window_minutes: int = 0
    window_kinds: tuple[Kind, ...] = ("unlock",)
    ends_with_completion: bool = False
    delay_notice_hours: int | None = None
    replacement_hours: int | None = None


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """The right to withdraw without a reason. ``regions`` None: everybody has it."""

    days: int = 14
    regions: frozenset[str] | None = EEA_AND_UK
    consumers_only: bool = True
    rolls_forward: bool = True


@dataclass(frozen=True, kw_only=True)
class DeliveryTerms:
    """What being late means. ``hard_cap_days`` are business days on top of the stated time."""

    guaranteed: bool = False
    notice_replaces_deadline: bool = False
    hard_cap_days: int | None = None
    hard_cap_is_automatic: bool = False
    stuck_factor: int | None = None


@dataclass(frozen=True, kw_only=True)
class ClaimTerms:
    """Within which days something must be asked, reported or sent in."""

    request_days: int | None = None
    notify_days: int | None = None
    notify_late: Decision = Decision.NOT_ELIGIBLE
    evidence_days: int = 14
    reminder_days: tuple[int, ...] = ()
    contest_hours: int | None = None


@dataclass(frozen=True, kw_only=True)
class EvidenceTerms:
    """What a video must show; ``shows`` maps each point to the clauses that ask for it."""

    shows: Mapping[str, Ids] = field(default_factory=dict)
    min_short_side: int | None = None
    small_is_fine_if_legible: bool = False
    confirmed_failure: Literal["refund", "second_code"] = "refund"


@dataclass(frozen=True, kw_only=True)
class RefundTerms:
    """Where money goes back and how fast. Posting times are (hours, hours) or (hours, business days) by kind."""

    destinations: tuple[str, ...]
    process_business_days: int | None = None
    process_calendar_days: int | None = None
    visible_days: int | None = None
    posted_after_hours: int | None = None
    posted_within_hours: Mapping[Kind, int] = field(default_factory=dict)
    posted_within_business_days: Mapping[Kind, int] = field(default_factory=dict)
    bank_countries: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """The request to verify an order that does not move. ``required``: without it nothing is decided."""

    service_code: str
    required: bool
    answer_days: int
    silence: Decision


@dataclass(frozen=True, kw_only=True)
class Disputes:
    """What staff must do by when after a dispute at the payment provider."""

    premature_hours: int | None = None
    escalate_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class PriceMatchTerms:
    """The best-price promise: asked within ``hours``; the other site updated within ``site_months``."""

    hours: int
    site_months: int
    details: Mapping[str, Ids]
    conditions: Mapping[str, Ids]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """An established fact that defeats claims, where its conditions hold. ``causal_kinds``: only for failed codes."""

    fact: str
    code: Code
    clauses: IdsByKind
    outcomes: tuple[str, ...] | None = None
    grounds: tuple[str, ...] | None = None
    clean_scope_only: bool = False
    causal_kinds: tuple[Kind, ...] = ()
    person_decides: bool = False
    next_step: str | None = None


@dataclass(frozen=True, kw_only=True)
class NonGround:
    """A reason that is not enough by itself and never defeats another one."""

    ground: str
    code: Code
    clauses: Ids
    next_step: str | None = None


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """One shop's refund terms as data. ``decided_by`` names the clauses behind each rule; a rule without is not there.

    ``outcomes`` says what follows from how an order ended; None means that a person looks into it first.
    """

    name: str
    version: str
    effective_on: date
    calendar_name: str
    cancellation: Cancellation
    withdrawal: Withdrawal
    delivery: DeliveryTerms
    claims: ClaimTerms
    evidence: EvidenceTerms
    outcomes: Mapping[str, Decision | None]
    refund: RefundTerms
    disputes: Disputes
    bars: tuple[Bar, ...]
    non_grounds: tuple[NonGround, ...]
    decided_by: Mapping[Role, IdsByKind]
    cites: Mapping[Code, IdsByKind]
    stuck: Stuck | None = None
    price_match: PriceMatchTerms | None = None

    @property
    def calendar(self) -> BusinessCalendar:
        """The calendar in whose zone and hours the profile counts."""
        return calendars.named(self.calendar_name)

    @property
    def long_guarantee_hours(self) -> int:
        """Guarantees longer than this begin on the next business day."""
        return calendars.LONG_GUARANTEE_HOURS

    @property
    def bank_countries_text(self) -> str:
        """The countries that transfers can go to."""
        return ", ".join(self.refund.bank_countries or ())


def ids_for(ids: IdsByKind, kind: Kind) -> Ids:
    """The clause ids for one kind of service."""
    return ids.get(kind, ()) if isinstance(ids, Mapping) else ids
