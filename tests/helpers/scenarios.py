"""Scenario files and the mutation of single clauses, for the tests of the refund engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from refunds.policy.clause import Clause, Predicate, Rule
from refunds.policy.profile import Profile
from refunds.policy.published import profiles
from refunds.scenarios import files, reading
from refunds.scenarios.comparing import disagreements
from refunds.scenarios.reading import Scenario

DATA = Path(__file__).resolve().parents[1] / "data"


@cache
def scenarios(profile: str) -> tuple[Scenario, ...]:
    """Every scenario of the repository under one profile."""
    return tuple(each for each in all_scenarios() if each.profile == profile)


@cache
def all_scenarios() -> tuple[Scenario, ...]:
    """Every scenario of the repository."""
    return tuple(reading.scenario(raw) for path in files.worked() for raw in files.load(path)[0])


def flipped(rule: Rule, number: int) -> Rule:
    """The rule with the predicate of one clause turned round."""
    clause = rule.clauses[number]
    turned = replace(clause, predicate=_opposite(clause.predicate))
    return replace(rule, clauses=(*rule.clauses[:number], turned, *rule.clauses[number + 1 :]))


def _opposite(predicate: Predicate) -> Predicate:
    return lambda facts, numbers: not predicate(facts, numbers)


def single_clauses(profile: Profile) -> Iterator[tuple[Rule, int, Clause]]:
    """Every clause of every rule of a profile."""
    for rule in profile.all_rules():
        for number, clause in enumerate(rule.clauses):
            yield rule, number, clause


def unnoticed(name: str) -> list[str]:
    """The clauses of a profile whose opposite no scenario would notice."""
    profile = profiles()[name]
    return [
        f"{rule.name}: {clause.id}"
        for rule, number, clause in single_clauses(profile)
        if not _is_noticed(name, profile.with_rule(flipped(rule, number)))
    ]


def _is_noticed(name: str, profile: Profile) -> bool:
    return any(disagreements(scenario, profile) for scenario in scenarios(name))
