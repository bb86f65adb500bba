"""The main job: a stranger orders an unlock, pays, and receives the result."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.factories import imei
from tests.helpers.demo import RunningDemo
from tests.journeys.customer import order, wait_for_mails

pytestmark = pytest.mark.journey

Shot = Callable[[str], Path]
expect.set_options(timeout=15_000)


def size_of(page: Page) -> str:
    return "phone" if page.viewport_size and page.viewport_size["width"] < 500 else "desktop"


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
