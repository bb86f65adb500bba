"""``manage.py clause_coverage``: where each clause of the register lives, and how many worked decisions prove it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from refunds.scenarios import files, reading
from refunds.scenarios.coverage import KINDS, Covered, coverage
from refunds.scenarios.fields import ScenarioError

DATA: Final = Path(settings.BASE_DIR) / "tests" / "data"


class Command(BaseCommand):
    help = (
        "Prints a table of every clause about refunds, cancelling and evidence: the rule or place that carries it "
        "out, and the worked decisions on either side of its edge. The exit status is 0 only if each has both. Needs "
        "no database. docs/clause-coverage.md is its output."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="scenario files; else the stored ones")
        parser.add_argument("--register", type=Path, default=DATA / "clause_kinds.txt", help="lines of id and kind")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            lines = options["register"].read_text(encoding="utf-8").splitlines()
            register = dict(line.split() for line in lines if line)
            paths = options["files"] or files.worked()
            scenarios = [reading.scenario(raw) for path in paths for raw in files.load(path)[0]]
            rows = coverage(register, scenarios)
        except (OSError, ValueError, KeyError, ScenarioError) as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error
        self.stdout.write("\n".join(_document(rows, len(scenarios))))
        if not all(row.is_covered for row in rows):
            sys.exit(1)


def _document(rows: Sequence[Covered], scenarios: int) -> Iterator[str]:
    yield "# Clause coverage"
    yield ""
    yield "Written by `manage.py clause_coverage`; a test keeps it true. Every clause about refunds, cancelling and"
    yield "evidence is behind a rule of the engine or lives where the table says. A case is a worked decision in"
    yield "`refunds/scenarios/worked`, judged by one of the clause's rules: on one side of its edge the clause holds,"
    yield "on the other it does not. *Named* counts the decisions that give it as a reason."
    yield ""
    yield "| kind | clauses | cases: holds | does not | without a side |"
    yield "|---|---|---|---|---|"
    for kind in KINDS:
        yield _total(kind, [row for row in rows if row.kind == kind])
    yield _total("all", rows)
    yield ""
    covered = sum(row.is_covered for row in rows)
    yield f"{scenarios} worked decisions; {covered} of {len(rows)} clauses with both sides."
    yield ""
    yield "| clause | kind | profiles | rules, or where it lives | holds | does not | named |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        names = ", ".join(row.profiles)
        yield f"| {row.id} | {row.kind} | {names} | {row.place} | {row.holds} | {row.does_not} | {row.named} |"


def _total(name: str, rows: Sequence[Covered]) -> str:
    holds, does_not = sum(row.holds for row in rows), sum(row.does_not for row in rows)
    return f"| {name} | {len(rows)} | {holds} | {does_not} | {sum(not row.is_covered for row in rows)} |"
