"""A clause: a sentence for people and a predicate for the engine, over one and the same set of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from refunds.policy.rendering import clause_text

if TYPE_CHECKING:
    from refunds.policy.facts import OrderFacts
    from refunds.policy.numbers import Bar, Numbers

Predicate = Callable[["OrderFacts", "Numbers"], bool]


@dataclass(frozen=True)
class Clause:
    """One rule of the terms. ``sentence`` and ``holds`` read the same ``numbers``: they cannot drift apart."""

    id: str
    numbers: Numbers
    predicate: Predicate

    @property
    def sentence(self) -> str:
        """The rule as the customer reads it, in the active language."""
        return clause_text(self.id, self.numbers)

    def holds(self, facts: OrderFacts) -> bool:
        """Whether the clause speaks to these facts."""
        return self.predicate(facts, self.numbers)


@dataclass(frozen=True)
class Rule:
    """Clauses that decide one question together: the rule holds when all of them do. ``name`` is unique "
    "in a profile."""

    name: str
    clauses: tuple[Clause, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the deciding clauses."""
        return tuple(clause.id for clause in self.clauses)


@dataclass(frozen=True)
class BarRule:
    """A fact that, once established, defeats a claim: its entry in the profile's table, and the rule made of it."""

    bar: Bar
    rule: Rule
