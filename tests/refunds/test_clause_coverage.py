"""docs/clause-coverage.md is what the engine and its cases are, and no clause is without a case on either side."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from refunds.scenarios.coverage import KINDS, coverage
from refunds.scenarios.files import WORKED
from tests.helpers.scenarios import DATA, all_scenarios

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared/mission/clauses.yaml"
REGISTER = dict(line.split() for line in (DATA / "clause_kinds.txt").read_text(encoding="utf-8").splitlines())


def printed(*args: str) -> str:
    out = StringIO()
    call_command("clause_coverage", *args, stdout=out)
    return out.getvalue()


def test_the_document_is_what_the_command_prints():
    assert (ROOT / "docs" / "clause-coverage.md").read_text(encoding="utf-8") == printed()


def test_every_clause_has_a_case_on_either_side():
    rows = coverage(REGISTER, all_scenarios())

    assert [row.id for row in rows if row.holds < 1 or row.does_not < 1] == []
    assert [row.id for row in rows if not row.place or not row.profiles] == []
    assert "118 of 118 clauses with both sides" in printed()


def test_the_register_is_part_of_the_refund_clauses():
    known = set((DATA / "refund_clauses.txt").read_text(encoding="utf-8").split())

    assert set(REGISTER) <= known
    assert Counter(REGISTER.values()) == {"refund-grant": 21, "refund-deny": 70, "cancellation": 13, "evidence": 14}


@pytest.mark.skipif(not SHARED.is_file(), reason="the clauses are not here; the repository has their ids")
def test_no_clause_of_these_kinds_is_missing():
    clauses = yaml.safe_load(SHARED.read_text(encoding="utf-8"))["clauses"]

    assert {each["id"]: each["kind"] for each in clauses if each["kind"] in KINDS} == REGISTER


def test_a_clause_without_cases_fails(tmp_path: Path):
    stored = yaml.safe_load((WORKED / "scenarios_default.yaml").read_text(encoding="utf-8"))
    few = tmp_path / "few.yaml"
    few.write_text(yaml.safe_dump({"scenarios": stored["scenarios"][:1]}), encoding="utf-8")

    with pytest.raises(SystemExit):
        printed(str(few))


def test_a_clause_that_lives_nowhere_is_an_error(tmp_path: Path):
    register = tmp_path / "register.txt"
    register.write_text("IMEIORG-99 refund-deny\n", encoding="utf-8")

    with pytest.raises(CommandError, match="IMEIORG-99"):
        printed("--register", str(register))
    with pytest.raises(CommandError, match="FileNotFoundError"):
        printed("--register", str(tmp_path / "none"))
