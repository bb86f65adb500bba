"""A profile: one shop's numbers turned into rules. Versions that were published never change (``fingerprint``)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from functools import cached_property, partial
from typing import Any

from django.utils.translation import override

from refunds.policy.clause import BarRule, Clause, Predicate, Rule
from refunds.policy.facts import KINDS, Kind
from refunds.policy.numbers import Ids, Numbers, ids_for
from refunds.policy.points import bar_applies, has_ground, lacks_condition, lacks_detail, video_lacks
from refunds.policy.predicates import PREDICATES
from refunds.policy.roles import Role


@dataclass(frozen=True, repr=False)
class Profile:
    """A published set of clauses. Rules are found by question and kind of service; a question may have no rule."""

    numbers: Numbers
    rules: Mapping[tuple[Role, Kind], Rule]
    bars: Mapping[Kind, tuple[BarRule, ...]]
    non_grounds: Mapping[str, Rule]
    video_points: Mapping[str, Rule]
    price_details: Mapping[str, Rule]
    price_conditions: Mapping[str, Rule]

    @property
    def name(self) -> str:
        """Such as "default"."""
        return self.numbers.name

    @property
    def version(self) -> str:
        """Such as "2026-11"."""
        return self.numbers.version

    def rule(self, role: Role, kind: Kind) -> Rule | None:
        """The rule that answers ``role`` for a kind of service; None where these terms have none."""
        return self.rules.get((role, kind))

    def __repr__(self) -> str:
        return f"Profile({self.name!r}, {self.version!r})"

    def all_rules(self) -> Iterator[Rule]:
        """Every rule once."""
        seen: set[str] = set()
        bars = (bar.rule for bars in self.bars.values() for bar in bars)
        tables = (self.non_grounds, self.video_points, self.price_details, self.price_conditions)
        for rule in (*self.rules.values(), *bars, *(rule for table in tables for rule in table.values())):
            if rule.name not in seen:
                seen.add(rule.name)
                yield rule

    @cached_property
    def clauses(self) -> Mapping[str, Clause]:
        """Every deciding clause by id: the terms as people read them."""
        return {clause.id: clause for rule in self.all_rules() for clause in rule.clauses}

    def with_rule(self, changed: Rule) -> Profile:
        """The same profile with the rule of that name changed: for trying what a change would do."""

        def swap(rule: Rule) -> Rule:
            return changed if rule.name == changed.name else rule

        def swap_all(table: Mapping[Any, Rule]) -> dict[Any, Rule]:
            return {key: swap(rule) for key, rule in table.items()}

        return replace(
            self,
            rules=swap_all(self.rules),
            bars={kind: tuple(replace(bar, rule=swap(bar.rule)) for bar in bars) for kind, bars in self.bars.items()},
            non_grounds=swap_all(self.non_grounds),
            video_points=swap_all(self.video_points),
            price_details=swap_all(self.price_details),
            price_conditions=swap_all(self.price_conditions),
        )

    def fingerprint(self) -> str:
        """SHA-256 over all numbers and the English sentences: what a published version is pinned by."""
        with override("en"):
            sentences = {name: clause.sentence for name, clause in sorted(self.clauses.items())}
        content = json.dumps([_plain(self.numbers), sentences], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()


def publish(numbers: Numbers) -> Profile:
    """The profile that ``numbers`` describe. Raises ``KeyError`` for a rule that has no predicate."""
    make = partial(_rule, numbers)
    price = numbers.price_match
    return Profile(
        numbers=numbers,
        rules=dict(_role_rules(numbers)),
        bars={kind: tuple(_bars(numbers, kind)) for kind in KINDS},
        non_grounds={
            each.ground: make(f"ground {each.ground}", each.clauses, partial(has_ground, each.ground))
            for each in numbers.non_grounds
        },
        video_points=_points(make, "video", numbers.evidence.shows, video_lacks),
        price_details=_points(make, "price detail", price.details if price else {}, lacks_detail),
        price_conditions=_points(make, "price condition", price.conditions if price else {}, lacks_condition),
    )


def _rule(numbers: Numbers, name: str, ids: Ids, predicate: Predicate) -> Rule:
    return Rule(name, tuple(Clause(each, numbers, predicate) for each in ids))


def _points(
    make: Callable[[str, Ids, Predicate], Rule], what: str, table: Mapping[str, Ids], lacks: Callable[..., bool]
) -> dict[str, Rule]:
    return {point: make(f"{what} {point}", ids, partial(lacks, point)) for point, ids in table.items()}


def _role_rules(numbers: Numbers) -> Iterator[tuple[tuple[Role, Kind], Rule]]:
    for role, ids in numbers.decided_by.items():
        for kind in KINDS:
            chosen = ids_for(ids, kind)
            name = f"{role}/{kind}" if isinstance(ids, Mapping) else str(role)
            if chosen:
                yield (role, kind), _rule(numbers, name, chosen, PREDICATES[role])


def _bars(numbers: Numbers, kind: Kind) -> Iterator[BarRule]:
    for bar in numbers.bars:
        if chosen := ids_for(bar.clauses, kind):
            name = f"bar {bar.fact}/{kind}" if isinstance(bar.clauses, Mapping) else f"bar {bar.fact}"
            rule = _rule(numbers, name, chosen, partial(bar_applies, bar))
            yield BarRule(bar, rule)


def _plain(value: object) -> object:
    """Data as JSON has it; sets in order."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
