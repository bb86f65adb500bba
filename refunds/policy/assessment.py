"""What the engine answers: decision, reasons, money, deadlines, and the trail of clauses it tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from refunds.policy.codes import ARITHMETIC, Code, Decision
from unlockshop.kernel.money import Money


@dataclass(frozen=True)
class Reason:
    """A reason code with the clauses it rests on. ``details`` name what is missing, such as points of a video."""

    code: Code
    clauses: tuple[str, ...]
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Payout:
    """A part of what the customer gets, with the one place it goes to."""

    to: str
    amount: Money | None = None


@dataclass(frozen=True)
class Refund:
    """What goes back: ``choices`` are the places the customer may choose for money, ``fixed`` the parts "
    "without choice."""

    total: Money
    choices: tuple[str, ...]
    fixed: tuple[Payout, ...] = ()


@dataclass(frozen=True)
class Deadline:
    """A moment that counts for this claim, with its name."""

    name: str
    at: datetime


@dataclass(frozen=True)
class Tried:
    """A clause that was asked, for which rule, and whether it held."""

    clause: str
    rule: str
    held: bool


@dataclass(frozen=True)
class Assessment:
    """The answer to a claim. The first reason decided. ``next_step`` is where the customer is sent "
    "instead, if anywhere."""

    decision: Decision
    reasons: tuple[Reason, ...]
    refund: Refund | None
    deadlines: tuple[Deadline, ...]
    trail: tuple[Tried, ...]
    profile: str
    version: str
    next_step: str | None = None

    @property
    def code(self) -> Code:
        """The reason code that decided."""
        return self.reasons[0].code

    @property
    def needs_confirmation(self) -> bool:
        """Whether a person must confirm this denial before the customer hears it: it rests on more than arithmetic."""
        return self.decision == Decision.NOT_ELIGIBLE and self.code not in ARITHMETIC

    def deadline(self, name: str) -> datetime | None:
        """The deadline of that name."""
        return next((each.at for each in self.deadlines if each.name == name), None)
