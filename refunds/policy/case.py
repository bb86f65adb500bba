"""A claim while it is being decided: facts and profile, and the trail of clauses asked so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from refunds.policy.assessment import Payout, Reason, Tried
from refunds.policy.clause import Rule
from refunds.policy.codes import Code, Decision
from refunds.policy.facts import OrderFacts
from refunds.policy.numbers import Ids, Numbers, ids_for
from refunds.policy.profile import Profile
from refunds.policy.roles import Role


@dataclass(frozen=True)
class Verdict:
    """A decision before money and deadlines are worked out. ``amount`` None: all that was paid."""

    decision: Decision
    reasons: tuple[Reason, ...]
    amount: Decimal | None = None
    payouts: tuple[Payout, ...] | None = None
    extra_choices: tuple[str, ...] = ()
    next_step: str | None = None

    def also(self, *reasons: Reason) -> Verdict:
        """The same verdict with further reasons behind the one that decided."""
        return replace(self, reasons=(*self.reasons, *reasons))


@dataclass(frozen=True)
class Case:
    """One claim under one profile. Only ``trail`` grows."""

    facts: OrderFacts
    profile: Profile
    trail: list[Tried] = field(default_factory=list)

    @property
    def numbers(self) -> Numbers:
        """The profile's numbers."""
        return self.profile.numbers

    def rule(self, role: Role) -> Rule | None:
        """The profile's rule for a question, for this kind of service."""
        return self.profile.rule(role, self.facts.kind)

    def has(self, role: Role) -> bool:
        """Whether the profile has a rule for a question at all."""
        return self.rule(role) is not None

    def holds(self, role: Role) -> bool:
        """Whether the profile has a rule for a question and all its clauses hold."""
        rule = self.rule(role)
        return rule is not None and self.asks(rule)

    def fails(self, role: Role) -> bool:
        """Whether the profile has a rule for a question and it does not hold."""
        rule = self.rule(role)
        return rule is not None and not self.asks(rule)

    def asks(self, rule: Rule) -> bool:
        """Whether all clauses of ``rule`` hold; what was asked goes into the trail."""
        for clause in rule.clauses:
            held = clause.holds(self.facts)
            self.trail.append(Tried(clause.id, rule.name, held))
            if not held:
                return False
        return True

    def reason(self, code: Code, *ids: Ids, details: tuple[str, ...] = ()) -> Reason:
        """A reason with the deciding clauses first, then those that the profile cites with the code."""
        cited = ids_for(self.numbers.cites.get(code, ()), self.facts.kind)
        return Reason(code, tuple(dict.fromkeys((*(each for some in ids for each in some), *cited))), details)

    def verdict(self, decision: Decision, code: Code, *roles: Role, next_step: str | None = None) -> Verdict:
        """A verdict that rests on the rules for ``roles``."""
        rules = (self.rule(role) for role in roles)
        reason = self.reason(code, *(rule.ids for rule in rules if rule))
        return Verdict(decision, (reason,), next_step=next_step)


# A step looks at a case and decides it, or leaves it to the next step.
Step = Callable[[Case], Verdict | None]


def first_of(case: Case, steps: tuple[Step, ...]) -> Verdict | None:
    """The verdict of the first step that has one."""
    for step in steps:
        if (verdict := step(case)) is not None:
            return verdict
    return None
