"""What the settings make of the providers' variables and of the demo, each time in a fresh process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers.processes import ROOT

BASE = {
    "IGNORE_DOTENV": "1",
    "SECRET_KEY": "x" * 50,
    "FIELD_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "PATH": "/usr/bin:/bin",
}
KEYS = {"PAYPAL_CLIENT_ID": "id", "PAYPAL_SECRET": "secret", "PAYPAL_WEBHOOK_ID": "WH1"}
DEMO = {"DEMO": "True", "DEMO_WITHOUT_DEBUG": "True"}
SHOW = "from unlockshop import settings as s; print(sorted(s.PAYMENT_PROVIDERS), s.PAYPAL_API_BASE, s.PAYMENTS_LIVE)"


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=BASE | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "['stripe'] https://api-m.sandbox.paypal.com False"),
        (KEYS, "['paypal', 'stripe'] https://api-m.sandbox.paypal.com False"),
        (KEYS | {"PAYPAL_LIVE": "True"}, "['paypal', 'stripe'] https://api-m.paypal.com True"),
        (
            KEYS | DEMO | {"PAYPAL_API_BASE": "http://127.0.0.1:8002/"},
            "['paypal', 'stripe'] http://127.0.0.1:8002 False",
        ),
    ],
)
def test_paypal_is_offered_once_it_has_keys(environment, said):
    done = run(**environment)

    assert (done.stdout.strip(), done.stderr) == (said, "")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"PAYPAL_CLIENT_ID": "id"}, "are needed as well"),
        (KEYS | DEMO | {"PAYPAL_LIVE": "True"}, "DEMO refuses"),
        (KEYS | DEMO | {"PAYPAL_API_BASE": "https://api-m.paypal.com"}, "DEMO refuses"),
        (DEMO | {"STRIPE_API_KEY": "sk_live_x"}, "DEMO refuses"),
        (DEMO | {"STRIPE_API_KEY": "rk_live_x"}, "DEMO refuses"),
        ({"DEMO": "True"}, "needs DEMO_WITHOUT_DEBUG"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:8002"}, "but DEMO is not"),
        ({"SENDGRID_HOST": "http://127.0.0.1:8002"}, "but DEMO is not"),
        (KEYS | {"PAYPAL_API_BASE": "http://127.0.0.1:8002"}, "PAYPAL_API_BASE must be"),
        (KEYS | {"PAYPAL_API_BASE": "https://api-m.paypal.com"}, "PAYPAL_API_BASE must be"),
        (KEYS | {"PAYPAL_API_BASE": "https://api-m.paypal.com.evil.io"}, "PAYPAL_API_BASE must be"),
        (KEYS | {"STRIPE_API_KEY": "sk_live_x"}, "both be live or both"),
        (KEYS | {"STRIPE_API_KEY": "sk_test_x", "PAYPAL_LIVE": "True"}, "both be live or both"),
    ],
)
def test_what_does_not_fit_together_does_not_start(environment, sentence):
    done = run(**environment)

    assert done.returncode == 1
    assert sentence in done.stderr
