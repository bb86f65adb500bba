"""Calls of the demo bank that are struck on purpose: the answer fails, and the effect is there or not as said."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.helpers.processes import ROOT, running_bank

SESSION = {
    "mode": "payment", "success_url": "http://127.0.0.1:8000/done",
    "line_items[0][quantity]": "1", "line_items[0][price_data][currency]": "eur",
    "line_items[0][price_data][unit_amount]": "1890", "line_items[0][price_data][product_data][name]": "Unlock",
}  # fmt: skip


def rows(folder: Path, table: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(next(folder.glob("*.sqlite3"))) as store:
        return store.execute(f"SELECT * FROM {table}").fetchall()


@pytest.mark.parametrize(
    ("fault", "made"), [("timeout_before", 0), ("timeout_after", 1), ("500_before", 0), ("500_after", 1)]
)
def test_a_struck_call_fails_with_or_without_effect_and_is_noted(tmp_path, fault, made):
    faults = json.dumps({fault: 1, "timeout_seconds": 0.05})
    with running_bank(tmp_path, "--api-faults", faults) as url:

        def call() -> int:
            auth = {"Authorization": "Bearer sk_test_tests"}
            return requests.post(f"{url}/v1/checkout/sessions", data=SESSION, headers=auth, timeout=5).status_code

        if fault.startswith("timeout"):
            with pytest.raises(requests.ConnectionError):
                call()
        else:
            assert call() == 500
        assert len(rows(tmp_path, "sessions")) == made
        assert [row[2:] for row in rows(tmp_path, "api_faults")] == [("begin", fault)]
        assert requests.get(f"{url}/healthz", timeout=5).status_code == 200


@pytest.mark.parametrize(
    "text",
    ["[]", '{"sometimes": 1}', '{"500_after": {"payout": 1}}', '{"500_after": 2}', '{"timeout_seconds": "long"}', "{"],
)
def test_faults_that_make_no_sense_are_refused(tmp_path, text):
    run = subprocess.run(
        [
            sys.executable, "-m", "unlockshop.demo.bank", "--stripe-key", "sk_test_x", "--sendgrid-key", "SG.x",
            "--webhook-secret", "whsec_x", "--webhook-url", "http://127.0.0.1:9/", "--store", str(tmp_path / "b"),
            "--api-faults", text,
        ],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip

    assert run.returncode == 2
    assert "did not start" in run.stderr
