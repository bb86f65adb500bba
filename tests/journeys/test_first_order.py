"""The main job: a stranger orders an unlock, pays, and receives the result."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.factories import imei
from tests.helpers.demo import RunningDemo

pytestmark = pytest.mark.journey

SERVICE = "att-us-iphone-clean"
Shot = Callable[[str], Path]
expect.set_options(timeout=15_000)


def size_of(page: Page) -> str:
    return "phone" if page.viewport_size and page.viewport_size["width"] < 500 else "desktop"


def mails(demo: RunningDemo, to: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(
        demo.addresses["mailbox"].rstrip("/") + ".json", params={"to": to}, timeout=10
    ).json()
    return found


def wait_for_mails(demo: RunningDemo, to: str, count: int, *, seconds: float = 60) -> list[dict[str, Any]]:
    deadline = time.monotonic() + seconds
    while len(found := mails(demo, to)) < count:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found


def order(
    page: Page, demo: RunningDemo, *, device: str, email: str, way: str = "by card", shot: Shot | None = None
) -> None:
    """From the home page to the payment page."""
    keep = shot or (lambda _name: Path())
    page.goto(demo.addresses["shop"])
    keep("1-home")
    page.goto(demo.addresses["shop"] + f"services/{SERVICE}/")
    page.locator("[name=identifier]").fill(device)
    keep("2-service")
    page.get_by_role("button", name="Continue").click()
    page.locator("[name=email]").fill(email)
    for box in page.get_by_role("checkbox").all():
        box.check()
    keep("3-details")
    page.get_by_role("button", name="Continue").click()
    keep("4-check")
    page.get_by_role("button", name=re.compile(f"^Pay .* {way}$")).click()
    page.wait_for_url(re.compile(r"/pay/|/paypal/"))
    keep("5-payment")


def test_order_pay_receive(page: Page, demo: RunningDemo, screenshot: Shot) -> None:
    who = size_of(page)
    email, device = f"ada-{who}@example.com", imei(200_000 + len(who))

    order(page, demo, device=device, email=email, shot=screenshot)
    page.get_by_role("button", name="Pay now").click()
    page.wait_for_url(re.compile(r"/(orders|purchases)/"))
    screenshot("6-paid")
    confirmation, result = sorted(wait_for_mails(demo, email, 2), key=lambda mail: mail["id"])

    assert {confirmation["recipient"], result["recipient"]} == {email}
    link = re.search(r"http://\S+/orders/\S+", result["text"])
    assert link is not None, result["text"]
    page.goto(link[0])
    expect(page.locator("body")).to_contain_text("Completed")
    screenshot("7-order")
    page.get_by_role("button", name=re.compile("Show")).or_(
        page.get_by_role("link", name=re.compile("Show"))
    ).first.click()
    expect(page.locator("body")).to_contain_text("manufacturer server")
    screenshot("8-result")

    page.goto(demo.addresses["tracker"])
    page.get_by_role("textbox").first.fill(device)
    page.get_by_role("main").get_by_role("button").first.click()
    expect(page.locator("body")).to_contain_text("Completed")
    assert email not in page.content()
    screenshot("9-tracker")


def test_a_declined_card_charges_nothing(page: Page, demo: RunningDemo, screenshot: Shot) -> None:
    who = size_of(page)
    email = f"ben-{who}@example.com"

    order(page, demo, device=imei(300_000 + len(who)), email=email)
    page.get_by_role("button", name="Decline the card").click()
    expect(page.locator("body")).to_contain_text("Nothing was charged")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(re.compile(r"/purchases/"))
    screenshot("1-cancelled")

    assert mails(demo, email) == []


def test_paypal_pays_as_well(page: Page, demo: RunningDemo, screenshot: Shot) -> None:
    who = size_of(page)
    email = f"cleo-{who}@example.com"

    order(page, demo, device=imei(400_000 + len(who)), email=email, way="with PayPal")
    screenshot("1-paypal")
    page.get_by_role("button", name="Approve and pay").click()
    page.wait_for_url(re.compile(r"/(orders|purchases)/"))
    screenshot("2-paid")

    found = wait_for_mails(demo, email, 2)
    assert {mail["recipient"] for mail in found} == {email}
