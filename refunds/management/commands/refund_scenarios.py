"""``manage.py refund_scenarios``: hold the refund engine against files of worked decisions."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from refunds import policy_versions, stored_scenarios
from refunds.scenarios import arithmetic, comparing, files, reading
from refunds.scenarios.fields import ScenarioError


class Command(BaseCommand):
    help = (
        "Decides every scenario in the files and prints where the answer differs, one line each. The last line says "
        "how many agree; the exit status is 0 only if all do. Needs no database, but with --stored: then the "
        "scenarios that staff keep are decided too, by the rules in force."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
        parser.add_argument("--stored", action="store_true", help="decide the scenarios that staff keep as well")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["files"] and not options["stored"]:
            raise CommandError("name a file, or say --stored")
        agreeing = total = 0
        is_good = True
        for path in options["files"]:
            try:
                scenarios, sums = files.load(path)
            except ScenarioError as error:
                self.stdout.write(f"{path}: {error}")
                is_good = False
                continue
            complaints = [list(each) for each in _scenarios(scenarios)]
            agreeing += complaints.count([])
            total += len(complaints)
            wrong_sums = [list(each) for each in _sums(sums)]
            is_good = is_good and not any(wrong_sums)
            for line in (line for lines in (*complaints, *wrong_sums) for line in lines):
                self.stdout.write(line)
            if sums:
                self.stdout.write(f"arithmetic: {wrong_sums.count([])} of {len(sums)} agree")
        if options["stored"]:
            for found in _stored():
                total += 1
                agreeing += not found
                for line in found:
                    self.stdout.write(line)
        self.stdout.write(f"{agreeing} of {total} agree")
        if agreeing < total or not is_good:
            sys.exit(1)


def _stored() -> Iterator[list[str]]:
    """For each scenario that staff keep and that counts, where the rules in force differ."""
    for scenario in stored_scenarios.active():
        in_force = policy_versions.profile(scenario.profile)
        yield [str(each) for each in comparing.disagreements(scenario, in_force)]


def _scenarios(entries: list[object]) -> Iterator[Iterator[str]]:
    seen: set[str] = set()
    for number, raw in enumerate(entries, start=1):
        name = files.name_of(raw, number)
        yield _scenario(raw, name, is_repeated=name in seen)
        seen.add(name)


def _scenario(raw: object, name: str, *, is_repeated: bool) -> Iterator[str]:
    if is_repeated:
        yield f"{name}: id: is used twice"
        return
    try:
        yield from map(str, comparing.disagreements(reading.scenario(raw)))
    except ScenarioError as error:
        yield f"{name}: cannot be read: {error}"


def _sums(entries: list[object]) -> Iterator[Iterator[str]]:
    for number, raw in enumerate(entries, start=1):
        yield _sum(raw, files.name_of(raw, number))


def _sum(raw: object, name: str) -> Iterator[str]:
    try:
        expected, got = arithmetic.case(raw)
    except ScenarioError as error:
        yield f"{name}: cannot be read: {error}"
        return
    if expected != got:
        yield f"{name}: at: expected {expected.isoformat()}, got {got.isoformat()}"
