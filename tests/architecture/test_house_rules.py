"""Rules of the house that a reader of one file cannot see: held against the whole source."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from orders.events import EVENTS
from orders.models.mail import MailKind
from tests.helpers.sources import (
    APPS,
    ROOT,
    SURFACES,
    called_name,
    calls_of,
    domain_modules,
    imports_of,
    sources,
)

TEMPLATES = ROOT / "templates"
EVENT_KIND = re.compile(r"(?:order|attempt|supplier|mail|money|claim|result|certificate)\.[a-z_]+")
NETWORK = frozenset(
    {"aiohttp", "http.client", "http.server", "httpx", "paypalrestsdk", "python_http_client", "requests", "sendgrid",
     "smtplib", "socket", "stripe", "urllib.error", "urllib.request", "urllib3"}
)  # fmt: skip
ADAPTERS = ("services/suppliers/", "payments/providers/", "orders/sendgrid_", "unlockshop/demo/")


def test_timing_lives_in_columns_never_in_the_broker():
    found = [
        f"{path}:{call.lineno}"
        for path, tree in sources().items()
        for call in calls_of(tree)
        if {"countdown", "eta"} & {keyword.arg for keyword in call.keywords}
    ]

    assert found == []


def test_nothing_is_sent_to_the_broker_before_its_commit():
    """``work`` rings after the commit and the sweeps ring for rows that are committed; nobody else rings."""
    bells = {"delay", "delay_on_commit", "apply_async", "send_task", "signature"}
    found = {path for path, tree in sources().items() if any(called_name(call) in bells for call in calls_of(tree))}
    found = {path for path in found if not path.startswith("unlockshop/demo/")}

    assert found == {"unlockshop/kernel/work.py"}


def test_only_adapters_know_the_network():
    found = [
        f"{path}: {name}"
        for path, tree in sources().items()
        if not path.startswith(ADAPTERS)
        for name in imports_of(tree)
        if any(name == library or name.startswith(f"{library}.") for library in NETWORK)
    ]

    assert found == []


def test_rules_import_no_surface():
    """Forms, views, admin and tasks call domain modules, never the other way round."""
    found = [
        f"{path}: {name}"
        for path, tree in domain_modules().items()
        for name in imports_of(tree)
        if name.partition(".")[0] in APPS and SURFACES.intersection(name.split(".")[1:])
    ]

    assert found == []


def test_models_import_no_verbs():
    """A model knows states, its own app's models, lower apps' models and the kernel."""
    found = []
    for path, tree in sources().items():
        parts = Path(path).with_suffix("").parts
        if parts[0] not in APPS or parts[1] != "models":
            continue
        for name in imports_of(tree):
            app, _, rest = name.partition(".")
            if app in APPS and not {"models", "states"}.intersection(rest.split(".")):
                found.append(f"{path}: {name}")

    assert found == []


def test_every_event_kind_is_written_and_has_a_sentence_for_staff():
    trees = [tree for path, tree in domain_modules().items() if path != "orders/events.py"]
    crash_points = {ast.literal_eval(call.args[0]) for tree in trees for call in crashes_of(tree)}
    written = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and EVENT_KIND.fullmatch(node.value)
    } - crash_points

    assert written == set(EVENTS)
    for name, kind in EVENTS.items():
        assert str(kind.staff) % defaultdict(str), name
        assert isinstance(str(kind.customer) % defaultdict(str), str), name


def crashes_of(tree: ast.Module) -> Iterator[ast.Call]:
    return (call for call in calls_of(tree) if called_name(call) == "crash_here" and call.args)


def test_what_a_module_offers_says_what_it_is_for():
    found = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in domain_modules().items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]

    assert found == []


def test_every_page_extends_a_base_or_is_a_part_of_one():
    """Parts lie in a folder of parts, begin with ``_``, or are the news that htmx puts into a page."""
    found = []
    for path in sorted(TEMPLATES.rglob("*.html")):
        is_part = {"partials", "parts", "forms"}.intersection(path.parts) or path.name.startswith("_")
        is_whole = path.name == "base.html" or path.name.endswith("_news.html")
        extends = "{% extends " in path.read_text(encoding="utf-8").split("{% block", 1)[0]
        if bool(is_part or is_whole) == extends:
            found.append(str(path.relative_to(TEMPLATES)))

    assert found == []


@pytest.mark.parametrize("kind", MailKind.values)
def test_every_kind_of_mail_has_subject_text_and_html(kind):
    for name in ("subject.txt", "body.txt", "body.html"):
        assert (TEMPLATES / "emails" / kind / name).is_file()


def test_no_template_belongs_to_a_mail_that_nobody_sends():
    folders = {path.name for path in (TEMPLATES / "emails").iterdir() if path.is_dir()}

    assert folders == set(MailKind.values)


def test_orders_are_placed_one_by_one():
    """One lost answer to many placements would leave all of them uncertain (docs/suppliers.md)."""
    found = [
        f"{path}:{call.lineno}"
        for path, tree in sources().items()
        if path.startswith(("orders/", "payments/", "refunds/"))
        for call in calls_of(tree)
        if called_name(call) == "place_many"
    ]

    assert found == []
