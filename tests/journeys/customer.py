"""What customers do in a browser, and what reaches their mailbox."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Page

from tests.helpers.demo import RunningDemo

SERVICE = "att-us-iphone-clean"
NUMBER = re.compile(r"\b[PU]-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]\b")


def mails(demo: RunningDemo, to: str) -> list[dict[str, Any]]:
    """Everything sent to an address, oldest first."""
    address = demo.addresses["mailbox"].rstrip("/") + ".json"
    found: list[dict[str, Any]] = requests.get(address, params={"to": to}, timeout=10).json()
    return sorted(found, key=lambda mail: mail["id"])


def wait_for_mails(demo: RunningDemo, to: str, count: int, *, seconds: float = 60) -> list[dict[str, Any]]:
    """As many mails as that, or a failure."""
    deadline = time.monotonic() + seconds
    while len(found := mails(demo, to)) < count:
        assert time.monotonic() < deadline, found
        time.sleep(0.25)
    return found


def wait_for_mail(demo: RunningDemo, to: str, subject: str, *, seconds: float = 60) -> dict[str, Any]:
    """The newest mail whose subject says that."""
    deadline = time.monotonic() + seconds
    while not (found := [mail for mail in mails(demo, to) if subject in mail["subject"]]):
        assert time.monotonic() < deadline, [mail["subject"] for mail in mails(demo, to)]
        time.sleep(0.25)
    return found[-1]


def order(
    page: Page,
    demo: RunningDemo,
    *,
    device: str,
    email: str,
    way: str = "by card",
    service: str = SERVICE,
    shot: Callable[[str], Path] | None = None,
) -> None:
    """To the payment page; with ``shot`` from the home page on."""
    keep = shot or (lambda _name: Path())
    if shot is not None:
        page.goto(demo.addresses["shop"])
        keep("1-home")
    page.goto(demo.addresses["shop"] + f"services/{service}/")
    page.locator("[name=identifier]").fill(device)
    keep("2-service")
    page.get_by_role("button", name="Continue").click()
    page.locator("[name=email]").fill(email)
    for box in page.get_by_role("checkbox").all():
        box.check()
    keep("3-details")
    page.get_by_role("button", name="Continue").click()
    keep("4-check")
    pay(page, way)
    keep("5-payment")


def pay(page: Page, way: str) -> None:
    """From the shop's pay button to the provider's page."""
    page.get_by_role("button", name=re.compile(f"^Pay .* {way}$")).click()
    page.wait_for_url(re.compile(r"/pay/|/paypal/"))
