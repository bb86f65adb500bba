"""Whether the engine agrees with a scenario: decision, first reason, a clause, the sum, and every deadline named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from refunds.policy.assessing import assess
from refunds.policy.assessment import Assessment
from refunds.policy.profile import Profile
from refunds.policy.published import profiles
from refunds.scenarios.fields import names
from refunds.scenarios.reading import Scenario


@dataclass(frozen=True)
class Disagreement:
    """One field in which the engine's answer is not the expected one."""

    id: str
    field: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.id}: {self.field}: expected {self.expected}, got {self.got}"


def disagreements(scenario: Scenario, profile: Profile | None = None) -> list[Disagreement]:
    """Every field in which the engine differs from ``scenario``; ``profile`` takes the place of the published one."""
    answer = assess(scenario.facts, profile or profiles()[scenario.profile])
    return [Disagreement(scenario.id, *difference) for difference in _differences(scenario, answer)]


def _differences(scenario: Scenario, answer: Assessment) -> Iterator[tuple[str, str, str]]:
    expected, first = scenario.expected, answer.reasons[0]
    if answer.decision != expected.decision:
        yield "decision", expected.decision, answer.decision
    if expected.code is not None and first.code != expected.code:
        yield "reason", expected.code, first.code
    if expected.clauses and not set(expected.clauses) & set(first.clauses):
        yield "clauses", f"one of {names(expected.clauses)}", names(first.clauses)
    total = answer.refund.total if answer.refund else None
    if total != expected.total:
        yield "refund", str(expected.total), str(total)
    for name, at in expected.deadlines:
        found = answer.deadline(name)
        if found != at:
            yield f"deadline {name}", at.isoformat(), found.astimezone(at.tzinfo).isoformat() if found else "none"
