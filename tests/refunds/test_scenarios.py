"""The engine against worked decisions on both sides of every edge, and with single clauses turned round."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from refunds.policy.published import profiles
from refunds.scenarios import arithmetic, files, reading
from refunds.scenarios.comparing import disagreements
from refunds.scenarios.reading import Scenario
from tests.helpers.scenarios import all_scenarios, scenarios, single_clauses, unnoticed

SHARED = Path(__file__).resolve().parents[2].parent / "shared/mission/scenarios/scenarios.yaml"
NAMES = sorted(profiles())


def ids(scenario: Scenario) -> str:
    return f"{scenario.profile}-{scenario.id}"


@pytest.mark.parametrize("scenario", all_scenarios(), ids=ids)
def test_the_engine_agrees(scenario):
    assert disagreements(scenario) == []


@pytest.mark.skipif(not SHARED.is_file(), reason="the shared scenarios are not here; the repository has its own copy")
def test_the_engine_agrees_with_the_shared_file():
    found, sums = files.load(SHARED)

    assert [each for raw in found for each in disagreements(reading.scenario(raw))] == []
    assert [case for case in map(arithmetic.case, sums) if case[0] != case[1]] == []


def sums() -> Iterator[object]:
    for path in files.worked():
        yield from files.load(path)[1]


def test_the_arithmetic_cases_come_out():
    cases = [arithmetic.case(raw) for raw in sums()]

    assert len(cases) >= 5
    assert [(expected, got) for expected, got in cases if expected != got] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_clause_turned_round_is_noticed(name):
    assert unnoticed(name) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_clause_has_a_scenario_on_either_side(name):
    found = [
        f"{rule.name}: {clause.id} is never {missing}"
        for rule, _number, clause in single_clauses(profiles()[name])
        if (missing := {True, False} - {clause.holds(scenario.facts) for scenario in scenarios(name)})
    ]

    assert found == []


def test_no_id_is_used_twice():
    found = [scenario.id for scenario in all_scenarios()]

    assert len(found) == len(set(found))
