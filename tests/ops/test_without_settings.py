"""What must run on a fresh checkout, before anybody has made settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def manage(*args: str) -> subprocess.CompletedProcess[str]:
    """``manage.py`` with next to no environment."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {"IGNORE_DOTENV": "1"}
    return subprocess.run(
        [sys.executable, "manage.py", *args], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_scenarios_are_judged():
    done = manage("refund_scenarios", "refunds/scenarios/worked/scenarios_imeishop.yaml")

    assert (done.returncode, done.stderr) == (0, "")


def test_a_supplier_is_probed():
    done = manage("supplier_probe", "--kind", "dhru", "--url", "http://127.0.0.1:9", "--key", "k", "--allow-loopback")

    assert done.returncode == 3
    assert "nothing was sent" in done.stdout


@pytest.mark.parametrize("command", ["migrate", "ledger_check"])
def test_what_keeps_something_still_asks_for_keys(command):
    assert "SECRET_KEY" in manage(command).stderr
