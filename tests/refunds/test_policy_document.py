"""The tables in docs/refund-policy.md are what the profiles are; the clause register is covered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from refunds.policy.elsewhere import ELSEWHERE
from refunds.policy.profile import Profile
from refunds.policy.published import profiles
from tests.helpers.scenarios import DATA, scenarios

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "refund-policy.md"
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"


def tables() -> str:
    """The tables as they must stand in the document."""
    shops = profiles().values()
    lines = ["| profile | version | calendar | clauses | rules |", "|---|---|---|---|---|"]
    lines += [
        f"| {shop.name} | {shop.version} | {shop.numbers.calendar_name} | {len(shop.clauses)} "
        f"| {len(list(shop.all_rules()))} |"
        for shop in shops
    ]
    for shop in shops:
        lines += ["", f"### {shop.name}", "", "| clause | decides | cases: holds, does not |", "|---|---|---|"]
        lines += rows(shop)
    return "\n".join(lines)


def rows(shop: Profile) -> Iterator[str]:
    for clause_id in sorted(shop.clauses):
        rules = [rule for rule in shop.all_rules() if clause_id in rule.ids]
        clauses = [clause for rule in rules for clause in rule.clauses if clause.id == clause_id]
        holds = sum(any(clause.holds(each.facts) for clause in clauses) for each in scenarios(shop.name))
        others = len(scenarios(shop.name)) - holds
        yield f"| {clause_id} | {', '.join(rule.name.replace('_', ' ') for rule in rules)} | {holds}, {others} |"


def test_the_document_has_the_tables():
    written = DOCUMENT.read_text(encoding="utf-8")
    between = written.partition(BEGIN)[2].partition(END)[0].strip()

    assert between == tables()


def test_every_clause_about_refunds_is_a_rule_or_has_its_place():
    register = (DATA / "refund_clauses.txt").read_text(encoding="utf-8").split()
    deciding = {each for shop in profiles().values() for each in shop.clauses}

    assert len(register) == len(set(register)) == 144
    assert set(register) - deciding - set(ELSEWHERE) == set()


def test_no_clause_is_invented():
    register = set((DATA / "refund_clauses.txt").read_text(encoding="utf-8").split())
    deciding = {each for shop in profiles().values() for each in shop.clauses}

    assert {each for each in deciding - register if not each.startswith("HOUSE-")} == set()
