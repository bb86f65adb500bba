"""From the IMEI on the first page to a service that fits, and on to its checkout; by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from services.identifier_rules import with_check_digit
from tests.helpers.demo import RunningDemo

pytestmark = pytest.mark.journey

Shot = Callable[[str], Path]
# The TAC of a Galaxy S22 in the demo's own file.
SAMSUNG = "35990201"


def test_from_the_imei_to_the_checkout(page: Page, demo: RunningDemo, screenshot: Shot) -> None:
    device = with_check_digit(f"{SAMSUNG}{(page.viewport_size or {})['width']:06d}")
    page.goto(demo.addresses["shop"])
    screenshot("1-home")
    page.get_by_label("Your phone's IMEI").focus()
    page.keyboard.type(device)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Samsung Galaxy S22")
    assert device not in page.url
    assert device not in page.content()
    expect(page.get_by_role("heading", name=re.compile("Check first"))).to_be_visible()
    screenshot("2-device")

    page.locator("section[aria-labelledby=unlocks] article h2 a").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[name=identifier]")).to_have_value(device)
    for answer in page.locator("main form select").all():
        answer.select_option(index=1)
    for answer in page.locator("main form input[name^=answer_]").all():
        answer.fill("EE")
    page.get_by_role("button", name="Continue").press("Enter")
    page.wait_for_url(re.compile("/details/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Your details")


def test_filters_change_the_list_and_its_address(page: Page, demo: RunningDemo, screenshot: Shot) -> None:
    page.goto(demo.addresses["shop"] + "services/?brand=Samsung")
    before = page.locator("#count").inner_text()
    page.locator("summary", has_text="Filters").press("Enter")
    page.get_by_label("Kind of work").select_option("check")
    page.wait_for_url(re.compile("kind=check"))
    expect(page.locator("#count")).not_to_have_text(before)
    expect(page.get_by_role("link", name="Remove: Kind of work: Check")).to_be_visible()
    screenshot("1-filtered")
    page.get_by_role("link", name="Remove: Brand: Samsung").press("Enter")
    expect(page.get_by_role("link", name="Remove: Brand: Samsung")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("link", name="Remove: Brand: Samsung")).to_be_visible()
