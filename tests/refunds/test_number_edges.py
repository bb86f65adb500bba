"""Each clause matters and each number is exact: switched off, or one more or less, some worked decision disagrees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from refunds.policy.assessing import assess
from refunds.policy.measures import measured
from refunds.policy.numbers import Numbers
from refunds.policy.profile import Profile, publish
from refunds.policy.published import profiles
from refunds.scenarios.comparing import disagreements
from tests.helpers.scenarios import scenarios, single_clauses

NAMES = sorted(profiles())

# Numbers that no worked decision can hold from one side, and why; what they do is proved below.
NOT_BY_DECISIONS = {
    "default refund.process_calendar_days -1": "three business days are over sooner unless the shop closes besides",
    "default refund.process_calendar_days +1": "three business days are over sooner unless the shop closes besides",
    "default evidence.min_short_side +1": "one more request among those for an illegible video",
    "imeishop claims.evidence_days -1": "these terms never ask for a video",
    "imeishop claims.evidence_days +1": "these terms never ask for a video",
}


def is_noticed(name: str, profile: Profile) -> bool:
    return any(disagreements(scenario, profile) for scenario in scenarios(name))


def shifted(numbers: Numbers) -> Iterator[tuple[str, Numbers]]:
    """The terms with one number one off, under a name for each."""
    for measure, value in measured(numbers):
        part, field = measure.path.split(".")
        for step in (-1, 1):
            holder = replace(getattr(numbers, part), **{field: value + step})
            yield f"{numbers.name} {measure.path} {step:+}", replace(numbers, **{part: holder})
    refund = numbers.refund
    for field in ("posted_within_hours", "posted_within_business_days"):
        table = getattr(refund, field)
        for kind, value in table.items():
            for step in (-1, 1):
                off = replace(refund, **{field: {**table, kind: value + step}})
                yield f"{numbers.name} {field} {kind} {step:+}", replace(numbers, refund=off)
    days = numbers.claims.reminder_days
    for n, value in enumerate(days):
        for step in (-1, 1):
            off = (*days[:n], value + step, *days[n + 1 :])
            claims = replace(numbers.claims, reminder_days=off)
            yield f"{numbers.name} reminder {n + 1} {step:+}", replace(numbers, claims=claims)


@pytest.mark.parametrize("name", NAMES)
def test_a_clause_switched_off_is_noticed(name):
    profile = profiles()[name]
    survivors = []
    for rule, number, clause in single_clauses(profile):
        off = replace(clause, predicate=lambda _facts, _numbers: False)
        changed = replace(rule, clauses=(*rule.clauses[:number], off, *rule.clauses[number + 1 :]))
        if not is_noticed(name, profile.with_rule(changed)):
            survivors.append(f"{rule.name}: {clause.id}")

    assert survivors == []


@pytest.mark.parametrize("name", NAMES)
def test_a_number_one_off_is_noticed(name):
    survivors = [what for what, off in shifted(profiles()[name].numbers) if not is_noticed(name, publish(off))]

    assert survivors == [what for what, _off in shifted(profiles()[name].numbers) if what in NOT_BY_DECISIONS]


def test_terms_are_judged_the_same_when_made_anew():
    """Else the numbers above would be noticed for another reason than the number."""
    for name in NAMES:
        assert not is_noticed(name, publish(profiles()[name].numbers))


def test_money_leaves_within_seven_days_though_the_shop_is_closed():
    scenario = next(each for each in scenarios("default") if each.id == "ED-DF-05")
    week = frozenset(date(2026, 3, day) for day in range(16, 21))

    told = assess(replace(scenario.facts, closed_days=week), profiles()["default"]).deadline("process_by")

    assert told.isoformat() == "2026-03-20T23:59:59+01:00"


@pytest.mark.parametrize(("short_side", "is_asked"), [(719, True), (720, False)])
def test_an_illegible_video_is_asked_for_again_in_720_pixels(short_side, is_asked):
    scenario = next(each for each in scenarios("default") if each.facts.video is not None)
    video = replace(scenario.facts.video, width=1280, height=short_side, screen_text=False)
    facts = replace(scenario.facts, video=video, established=(), alleged=frozenset())

    answer = assess(facts, profiles()["default"])

    assert answer.code == "H_EVIDENCE_INSUFFICIENT"
    assert ("resolution" in answer.reasons[0].details, "IMEISERVER-4.1a" in answer.reasons[0].clauses) == (
        is_asked, is_asked,
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_bar_that_does_not_speak_of_clean_services_bars_in_all(name):
    bars = {bar.fact for bar in profiles()[name].numbers.bars if not bar.clean_scope_only}
    codes = {bar.code for bar in profiles()[name].numbers.bars if bar.fact in bars}
    tried = 0
    for scenario in scenarios(name):
        facts = scenario.facts
        if scenario.expected.code in codes and facts.proven and facts.proven <= bars:
            tried += 1
            other = replace(facts, service=replace(facts.service, scope="any"))
            assert assess(other, profiles()[name]).code == scenario.expected.code, scenario.id
    assert tried
