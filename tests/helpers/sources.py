"""The shop's own source as syntax trees, for tests that hold it to the rules of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "services", "orders", "payments", "refunds")
PACKAGES = (*APPS, "unlockshop")
# What a person or a machine touches. Everything else in an app is a model or a domain module.
SURFACES = frozenset({"admin", "apps", "forms", "management", "migrations", "tasks", "templatetags", "urls", "views"})


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of the shop but its migrations, by path below the repository."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
        for path in files
        if "migrations" not in path.parts
    }


def domain_modules() -> dict[str, ast.Module]:
    """Models and domain modules: of the apps what is no surface, and the kernel."""
    return {path: tree for path, tree in sources().items() if is_domain(path)}


def is_domain(path: str) -> bool:
    """Whether the module holds rules: not a form, view, task or other surface, and not the storefront."""
    parts = Path(path).with_suffix("").parts
    if parts[0] in APPS:
        return parts[-1] != "__init__" and not SURFACES.intersection(parts[1:])
    return parts[:2] == ("unlockshop", "kernel") and parts[-1] not in {"apps", "__init__"}


def imports_of(tree: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports, wherever in it; ``from a import b`` counts as ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls_of(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call in a module."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called_name(call: ast.Call) -> str:
    """``update`` of ``rows.update(…)`` and of ``update(…)``."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
