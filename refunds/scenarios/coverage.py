"""Which clause of the register is behind which rule, and how many worked decisions stand on each side of its edge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from refunds.policy.assessing import assess
from refunds.policy.assessment import Assessment
from refunds.policy.elsewhere import ELSEWHERE
from refunds.policy.published import profiles
from refunds.scenarios.reading import Scenario

# The clauses of these kinds are counted: refunds, cancelling and evidence.
KINDS: Final = ("refund-grant", "refund-deny", "cancellation", "evidence")
_Shows = Callable[[Scenario, Assessment], bool]


@dataclass(frozen=True, slots=True)
class Covered:
    """One clause: the rules or the place that carry it out, by profile, and its cases on both sides.

    ``named`` counts the decisions that name it among their reasons.
    """

    id: str
    kind: str
    profiles: tuple[str, ...]
    place: str
    holds: int
    does_not: int
    named: int

    @property
    def is_covered(self) -> bool:
        """At least one case on each side of the edge, so two at least."""
        return self.holds >= 1 and self.does_not >= 1


def coverage(register: Mapping[str, str], scenarios: Sequence[Scenario]) -> list[Covered]:
    """The clauses of ``register`` (id to kind) in its order. Raises ``KeyError`` for one that lives nowhere."""
    answers = [(each, assess(each.facts, profiles()[each.profile])) for each in scenarios]
    return [_covered(clause, kind, answers) for clause, kind in register.items()]


def _covered(clause: str, kind: str, answers: Sequence[tuple[Scenario, Assessment]]) -> Covered:
    names = tuple(name for name, shop in profiles().items() if clause in shop.clauses)
    named = sum(any(clause in reason.clauses for reason in answer.reasons) for _scenario, answer in answers)
    if names:
        sides = [side for name in names for side in _sides(clause, name, answers)]
        rules = sorted({rule.name for name in names for rule in profiles()[name].all_rules() if clause in rule.ids})
        place = ", ".join(rules).replace("_", " ")
    else:
        name, shows = _SHOWN[clause]
        names, place = (name,), ELSEWHERE[clause]
        sides = [shows(scenario, answer) for scenario, answer in answers if scenario.profile == name]
    return Covered(clause, kind, names, place, sides.count(True), sides.count(False), named)


def _sides(clause: str, name: str, answers: Iterable[tuple[Scenario, Assessment]]) -> Iterator[bool]:
    """For each case of the profile and each rule with the clause: whether the clause holds there."""
    ours = [each for rule in profiles()[name].all_rules() for each in rule.clauses if each.id == clause]
    for scenario, _answer in answers:
        if scenario.profile == name:
            yield from (each.holds(scenario.facts) for each in ours)


def _has_deadline(name: str, kind: str, scenario: Scenario, answer: Assessment) -> bool:
    return answer.deadline(name) is not None and kind in {"", scenario.facts.kind}


def _came_by_mail(scenario: Scenario, _answer: Assessment) -> bool:
    return scenario.facts.claim.channel == "email"


def _names(clause: str, _scenario: Scenario, answer: Assessment) -> bool:
    return any(clause in reason.clauses for reason in answer.reasons)


# Clauses that decide nothing: the profile in whose cases they show, and how.
_SHOWN: Final[Mapping[str, tuple[str, _Shows]]] = {
    "IMEIORG-8.T1": ("imei_org", partial(_names, "IMEIORG-8.T1")),
    "IMEIORG-8.T2": ("imei_org", partial(_has_deadline, "visible_by", "")),
    "IMEIORG-11.2b": ("imei_org", partial(_has_deadline, "replacement_due", "")),
    "IMEISERVER-3.3": ("imei_server", partial(_has_deadline, "process_by", "")),
    "IMEISERVER-3.4": ("imei_server", _came_by_mail),
    "DSIM-UNLOCK-R1": ("doctorsim", partial(_has_deadline, "process_by", "unlock")),
    "DSIM-UNLOCK-R2": ("doctorsim", partial(_has_deadline, "posted_latest", "unlock")),
    "DSIM-CHECK-R2": ("doctorsim", partial(_has_deadline, "posted_latest", "check")),
    "DSIM-TOPUP-R2": ("doctorsim", partial(_has_deadline, "posted_latest", "topup")),
    "IMEISHOP-12b": ("imeishop", partial(_names, "IMEISHOP-12b")),
}
