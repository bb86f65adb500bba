"""The whole way to the payment page with a keyboard alone, and what moves the focus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import factories

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[360, 1280])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": request.param, "height": 800}, locale="en-GB")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def tab_to(page: Page, selector: str) -> None:
    """Tab until the focus is there; what has it on the way is in view."""
    for _ in range(80):
        page.keyboard.press("Tab")
        is_there, is_in_view = page.evaluate(
            """(selector) => {
              const el = document.activeElement, box = el.getBoundingClientRect();
              return [el.matches(selector), box.bottom > 0 && box.top < innerHeight && box.width > 0];
            }""",
            selector,
        )
        assert is_in_view or page.evaluate("document.activeElement === document.body"), page.url
        if is_there:
            return
    raise AssertionError(f"the focus never came to {selector} on {page.url}")


def test_from_the_first_page_to_the_payment_page(page: Page, live_server: Any, bank: str, settings: Any) -> None:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    form_action = [*directives["form-action"], bank]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {**directives, "form-action": form_action}}
    settings.BASE_URL = live_server.url
    service = factories.make_service(name="AT&T USA iPhone")

    page.goto(live_server.url)
    tab_to(page, "header a[href='/services/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/services/")
    tab_to(page, f"a[href='{service.get_absolute_url()}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{service.get_absolute_url()}")
    tab_to(page, "[name=identifier]")
    page.keyboard.type(factories.IMEI)
    page.keyboard.press("Enter")
    page.wait_for_url("**/details/")
    tab_to(page, "[name=email]")
    page.keyboard.type(factories.ADA)
    for _ in page.locator("main input[type=checkbox]").all():
        tab_to(page, "input[type=checkbox]:not(:checked)")
        page.keyboard.press("Space")
    tab_to(page, "main form button[type=submit]")
    page.keyboard.press("Space")
    page.wait_for_url("**/check/")
    tab_to(page, "main form button[name=provider]")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(re.escape(bank)))
    expect(page.get_by_role("button", name="Pay now")).to_be_visible()


def test_the_skip_link_leads_past_the_header(page: Page, live_server: Any) -> None:
    page.goto(live_server.url)

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    assert page.evaluate("document.activeElement !== document.querySelector('main')")


def test_after_a_mistake_the_summary_has_the_focus_and_leads_to_the_field(page: Page, live_server: Any) -> None:
    service = factories.make_service()
    page.goto(live_server.url + service.get_absolute_url())
    page.locator("[name=identifier]").focus()
    page.keyboard.type("123")
    page.keyboard.press("Enter")

    expect(page.locator(".error-summary")).to_be_focused()
    assert page.title().startswith("Error: ")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    field = page.locator("[name=identifier]")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("123")
    described = (field.get_attribute("aria-describedby") or "").split()
    assert any("error" in each for each in described)
    assert all(page.locator(f"[id='{each}']").count() == 1 for each in described)
