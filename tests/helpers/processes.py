"""The demo supplier and the demo bank as real processes on free ports, for tests at the real HTTP edge."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "services" / "data" / "catalogue.yaml"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(url: str, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if requests.get(url, timeout=2).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(url)
        time.sleep(0.05)


@contextmanager
def running(module: str, *args: str, port: int | None = None) -> Iterator[str]:
    """``python -m module --port …`` until the block ends; gives its address."""
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", str(port), *args], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/healthz")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=15)


@contextmanager
def running_bank(
    folder: Path,
    *extra: str,
    webhook_url: str = "http://127.0.0.1:9/webhooks/stripe/",
    paypal_webhook_url: str = "http://127.0.0.1:9/webhooks/paypal/",
) -> Iterator[str]:
    """The demo bank and mailbox, with the keys of the test settings."""
    with running(
        "unlockshop.demo.bank",
        "--store", str(folder / "bank.sqlite3"), "--stripe-key", "sk_test_tests", "--sendgrid-key", "SG.tests",
        "--webhook-url", webhook_url, "--webhook-secret", "whsec_tests",
        "--paypal-client-id", "paypal-tests", "--paypal-secret", "paypal-secret-tests",
        "--paypal-webhook-id", "WHTESTS", "--paypal-webhook-url", paypal_webhook_url, *extra,
    ) as url:  # fmt: skip
        yield url


@contextmanager
def running_supplier(folder: Path, *extra: str) -> Iterator[str]:
    """The demo supplier; user ``demo``, key ``DEMO-KEY``."""
    with running(
        "unlockshop.demo.supplier",
        "--store", str(folder / "supplier.sqlite3"), "--catalogue", str(CATALOGUE), "--username", "demo",
        "--key", "DEMO-KEY", *extra,
    ) as url:  # fmt: skip
        yield url
