"""``refund_scenarios`` on good, wrong and hostile files: always a clear line, never a traceback, no database."""

from __future__ import annotations

import copy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from refunds.policy.published import profiles
from refunds.scenarios.files import WORKED

SCENARIO = yaml.safe_load((WORKED / "scenarios_imeishop.yaml").read_text(encoding="utf-8"))["scenarios"][0]
SUM = {
    "name": "one day",
    "calc": {"fn": "business_days_end", "start": "2026-03-10T15:00:00+01:00", "n": 1, "calendar": "madrid"},
    "at": "2026-03-11T22:00:00+01:00",
}


def run(*paths: Path) -> tuple[int, list[str]]:
    out, status = StringIO(), 0
    try:
        call_command("refund_scenarios", *map(str, paths), stdout=out)
    except SystemExit as stop:
        status = int(str(stop.code))
    return status, out.getvalue().splitlines()


def written(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return path


def changed(**changes: Any) -> dict[str, Any]:
    """The scenario with values put in place by path, such as facts__customer__country."""
    found = copy.deepcopy(SCENARIO)
    for path, value in changes.items():
        *folders, last = path.split("__")
        place: Any = found
        for folder in folders:
            place = place[folder]
        if value is KeyError:
            del place[last]
        else:
            place[last] = value
    return found


def test_files_that_agree(tmp_path):
    first = written(tmp_path / "a.yaml", {"scenarios": [SCENARIO]})
    second = written(tmp_path / "b.yaml", {"arithmetic_cases": [SUM]})

    assert run(first, second) == (0, ["arithmetic: 1 of 1 agree", "1 of 1 agree"])


def test_each_difference_is_a_line(tmp_path):
    wrong = changed(
        expect__decision="eligible",
        expect__reasons=[{"code": "G_UNAVAILABLE", "clauses": ["IMEISHOP-7"]}],
        expect__refund={"total": "12.00", "currency": "USD", "destinations": []},
        expect__deadlines=[{"name": "hard_cap", "at": "2026-03-10T15:00:00+01:00"}],
    )
    path = written(
        tmp_path / "a.yaml", {"scenarios": [wrong], "arithmetic_cases": [{**SUM, "at": "2026-03-12T22:00:00+01:00"}]}
    )

    status, lines = run(path)

    name = SCENARIO["id"]
    assert status == 1
    assert lines == [
        f"{name}: decision: expected eligible, got not_eligible",
        f"{name}: reason: expected G_UNAVAILABLE, got D_ALREADY_REFUNDED",
        f"{name}: clauses: expected one of IMEISHOP-7, got HOUSE-REFUNDED-ONCE",
        f"{name}: refund: expected 12.00 USD, got None",
        f"{name}: deadline hard_cap: expected 2026-03-10T15:00:00+01:00, got none",
        "one day: at: expected 2026-03-12T22:00:00+01:00, got 2026-03-11T22:00:00+01:00",
        "arithmetic: 0 of 1 agree",
        "0 of 1 agree",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surprise": 1}, "entry: unknown 'surprise'"),
        ({"facts__surprise": 1}, "facts: unknown 'surprise'"),
        ({"facts__customer__country": False}, "facts.customer.country: must be a text, not False"),
        ({"facts__customer__country": "Spain"}, "two capital letters"),
        ({"facts__customer__consumer": "yes"}, "facts.customer.consumer: must be true or false"),
        ({"facts__customer": []}, "facts.customer: must be a mapping, not a list"),
        ({"facts__service__price": "12.001"}, "facts.service.price: 12.001 has more digits"),
        ({"facts__service__price": "-1"}, "must be an amount from 0 up"),
        ({"facts__service__price": "NaN"}, "must be an amount from 0 up"),
        ({"facts__service__price": "1e30"}, "out of range"),
        ({"facts__service__currency": "XXX"}, "unknown currency"),
        ({"facts__service__kind": "repair"}, "facts.service.kind: must be one of check, topup, unlock"),
        ({"facts__service__delivery": {"guaranteed_business_hours": 10**9}}, "must be a whole number from 0 to 5000"),
        (
            {"facts__payment__tenders": [{"source": "card", "amount": "12.00", "currency": "EUR"}]},
            "must be the service",
        ),
        ({"facts__history": KeyError}, "facts.history: is missing"),
        (
            {"facts__history": [{"state": "flown", "at": "2026-03-10T15:00:00+01:00"}]},
            "facts.history[0].state: must be",
        ),
        ({"facts__history": [{"state": "paid", "at": "2026-03-10T15:00:00"}]}, "with an offset"),
        ({"facts__history": [{"state": "paid", "at": "0001-01-01T00:00:00+14:00"}]}, "between 2000 and 2100"),
        ({"facts__history": [{}] * 300}, "must be a list of at most 200 entries"),
        ({"facts__supplier__outcome": "completed"}, "facts.supplier.outcome: completed is not in the history"),
        ({"claim__type": "wish"}, "claim.type: must be one of"),
        ({"claim__received_at": KeyError}, "claim.received_at: is missing"),
        ({"claim__ground": "x" * 5000}, "claim.ground: must be a text"),
        ({"expect__decision": "maybe"}, "expect.decision: must be one of"),
        ({"profile": "nobody"}, "profile: must be one of default"),
    ],
)
def test_a_bad_scenario_is_named_and_the_others_are_decided(tmp_path, change, message):
    good = changed(id="good")
    path = written(tmp_path / "a.yaml", {"scenarios": [changed(**change), good, "text", None]})

    status, lines = run(path)

    assert status == 1
    assert lines[0].startswith(f"{SCENARIO['id']}: cannot be read: ")
    assert message in lines[0]
    assert lines[1:] == [
        "entry 3: cannot be read: entry: must be a mapping, not 'text'",
        "entry 4: cannot be read: entry: must be a mapping, not None",
        "1 of 4 agree",
    ]


def test_an_id_may_be_used_once(tmp_path):
    assert run(written(tmp_path / "a.yaml", {"scenarios": [SCENARIO, SCENARIO]})) == (
        1,
        [f"{SCENARIO['id']}: id: is used twice", "1 of 2 agree"],
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "must be a mapping"),
        ("scenarios: []", "holds no scenarios"),
        ("scenarios: 5", "scenarios: must be a list"),
        ("tests: []", "unknown 'tests'"),
        ("scenarios: [", "is not valid YAML"),
        ("scenarios: [{at: 2026-13-40T00:00:00Z}]", "is not valid YAML"),
        ("scenarios: [{a: 1, a: 2}]", "'a' is given twice"),
        ("a: &a {b: 1}\nscenarios: [{<<: *a}]", "merge keys are not read"),
        ("!!python/object/apply:os.system ['true']", "is not valid YAML"),
        ("[" * 100_000, "nested"),
        ("x: " + "9" * 10_000, "YAML"),
        ("\x00", "is not valid YAML"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, message):
    status, lines = run(written(tmp_path / "a.yaml", content))

    assert status == 1
    assert lines[0].startswith(f"{tmp_path / 'a.yaml'}: ")
    assert message in lines[0]
    assert lines[1:] == ["0 of 0 agree"]


def test_aliases_do_not_grow(tmp_path):
    """Ten levels of ten aliases would be ten thousand million entries if anything unfolded them."""
    levels = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 11)]
    content = "\n".join(["meta:", *(f"  {line}" for line in levels), "scenarios: [{id: big, profile: *a10}]"])

    assert run(written(tmp_path / "a.yaml", content)) == (
        1,
        [
            f"big: cannot be read: profile: must be one of {', '.join(sorted(profiles()))}, not a list",
            "0 of 1 agree",
        ],
    )


def test_files_that_cannot_be_opened(tmp_path):
    large, binary = tmp_path / "large.yaml", tmp_path / "binary.yaml"
    large.write_bytes(b"#" * (9 * 1024 * 1024))
    binary.write_bytes(b"\xff\xfe\x00")

    status, lines = run(large, binary, tmp_path / "missing.yaml", tmp_path)

    assert status == 1
    assert [line.rpartition(": ")[2] for line in lines] == [
        "is larger than 8 MB",
        "is not UTF-8 text",
        "No such file or directory",
        "Is a directory",
        "0 of 0 agree",
    ]


@pytest.mark.parametrize(
    "calc",
    [
        {"fn": "tomorrow"},
        {"fn": "elapsed_end", "start": "2026-03-10T15:00:00+01:00"},
        {"fn": "elapsed_end", "start": "2026-03-10T15:00:00+01:00", "seconds": -1},
        {"fn": "months_end", "start": "2026-03-10T15:00:00+01:00", "n": 10_000, "tz": "Europe/Madrid", "x": 1},
        {"fn": "months_end", "start": "2099-03-10T15:00:00+01:00", "n": 10**9, "tz": "Europe/Madrid"},
        {"fn": "months_end", "start": "2026-03-10T15:00:00+01:00", "n": 1, "tz": "../../etc/passwd"},
        {"fn": "withdrawal_end", "start": "2026-03-10T15:00:00+01:00", "n": 1, "calendar": "mars"},
    ],
)
def test_a_sum_that_cannot_be_computed_is_named(tmp_path, calc):
    path = written(tmp_path / "a.yaml", {"arithmetic_cases": [{**SUM, "calc": calc}]})

    status, lines = run(path)

    assert status == 1
    assert lines[0].startswith("one day: cannot be read: calc")


def test_a_file_must_be_named():
    with pytest.raises(CommandError):
        call_command("refund_scenarios")
