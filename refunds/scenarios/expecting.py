"""What a scenario says must come out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from refunds.policy.codes import Decision
from refunds.scenarios.fields import Fields, list_of, moment, money_in, one_of, text
from unlockshop.kernel.money import Money


@dataclass(frozen=True)
class Expected:
    """The part of an answer that must agree. ``total`` None: no refund."""

    decision: Decision
    code: str | None
    clauses: tuple[str, ...]
    total: Money | None
    deadlines: tuple[tuple[str, datetime], ...]


def expected(value: object, place: str) -> Expected:
    """The expectation of a scenario."""
    expect = Fields(value, place)
    reasons = expect.take("reasons", list_of(_reason))
    found = Expected(
        decision=Decision(expect.take("decision", one_of(*Decision))),
        code=reasons[0][0] if reasons else None,
        clauses=reasons[0][1] if reasons else (),
        total=expect.take("refund", _refund, None),
        deadlines=expect.take("deadlines", list_of(_deadline), ()),
    )
    for note in ("precedence", "literal_seed_reading"):
        expect.take(note, text, "")
    expect.finish()
    return found


def _reason(value: object, place: str) -> tuple[str, tuple[str, ...]]:
    reason = Fields(value, place)
    found = reason.take("code", text), reason.take("clauses", list_of(text))
    reason.finish()
    return found


def _refund(value: object, place: str) -> Money:
    refund = Fields(value, place)
    total = refund.take("total", money_in(refund.take("currency", text)))
    refund.take("destinations", list_of(lambda each, _place: each), ())
    refund.finish()
    return total


def _deadline(value: object, place: str) -> tuple[str, datetime]:
    deadline = Fields(value, place)
    found = deadline.take("name", text), deadline.take("at", moment)
    deadline.take("calc", Fields, None)
    deadline.take("arithmetic", text, "")
    deadline.finish()
    return found
