"""docs/security-cases.md tells the truth: every case is there, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([SMP]\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
WANTED = [*(f"S{n:02}" for n in range(1, 26)), *(f"M{n}" for n in range(1, 19)), *(f"P{n}" for n in range(1, 6))]
WANTED += [f"S{n}" for n in range(78, 89)]
MISSING = {"S19", "S20", "M9", "M10", "M15"}


def rows() -> list[tuple[str, str, str]]:
    return ROW.findall((ROOT / "docs" / "security-cases.md").read_text(encoding="utf-8"))


def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_case_is_there_once():
    assert [case for case, _what, _proof in rows()] == WANTED


def test_every_named_test_exists():
    named = {found for _case, _what, proof in rows() for found in NAMED.findall(proof)}
    assert len(named) > 40
    assert [f"{path}::{name}" for path, name in sorted(named) if name not in functions_in(path)] == []


def test_every_case_is_proved_or_says_why_not():
    for case, _what, proof in rows():
        if case in MISSING:
            assert proof.startswith("not in the shop: there ")
        else:
            assert NAMED.sub("", proof).strip(", ") == "", case
            assert NAMED.findall(proof), case


def test_what_is_not_in_the_shop_is_not_in_the_shop():
    """Whoever adds one of these proves its cases."""
    names = {model.__name__.lower() for model in apps.get_models()}
    assert [name for name in names if re.search("wallet|coupon|voucher|credit", name)] == []
