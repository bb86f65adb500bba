"""What only a browser shows: Back after a mistake, and times in the visitor's own zone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.factories import imei
from tests.helpers.demo import ROOT, RunningDemo
from tests.journeys.conftest import DESKTOP, PHONE

pytestmark = pytest.mark.journey

SERVICE = "att-us-iphone-clean"
TIMES = """<!doctype html><meta charset="utf-8"><script type="module" src="/site.js"></script>
<p><time datetime="2026-11-23T22:30:00Z">23 Nov 2026, 22:30 UTC</time></p>
<p><time datetime="2026-11-23">23 Nov 2026</time></p><div id="new"></div>"""


@pytest.fixture(params=["phone", "desktop"])
def visitor(request: pytest.FixtureRequest, browser: Browser) -> object:
    """A page whose console may report refused forms (422)."""
    context = browser.new_context(
        viewport=PHONE if request.param == "phone" else DESKTOP,  # type: ignore[arg-type]
        locale="de-DE",
        timezone_id="Asia/Tokyo",
    )
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def test_back_after_a_corrected_mistake(visitor: Page, demo: RunningDemo) -> None:
    page, serial = visitor, 300_000 + (visitor.viewport_size or {})["width"]
    page.goto(demo.addresses["shop"] + f"services/{SERVICE}/")
    page.locator("[name=identifier]").fill("12345")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".error-summary")).to_be_visible()
    page.locator("[name=identifier]").fill(imei(serial))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile("/details/"))
    page.locator("[name=email]").fill("nobody")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".error-summary")).to_be_visible()
    page.locator("[name=email]").fill("ada@example.com")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile("/check/"))

    page.go_back()
    expect(page.locator("h1")).to_have_text("Your details")
    expect(page.locator("[name=email]")).to_be_visible()
    page.go_back()
    expect(page.locator("h1")).to_have_text("Your details")
    page.go_back()
    expect(page.locator("[name=identifier]")).to_be_visible()
    page.go_back()
    expect(page.locator("[name=identifier]")).to_be_visible()


def test_times_are_the_visitors(visitor: Page) -> None:
    def answer(route: Route) -> None:
        if route.request.url.endswith("/site.js"):
            script = (ROOT / "static" / "js" / "site.js").read_text()
            route.fulfill(body=script, content_type="text/javascript")
        else:
            route.fulfill(body=TIMES, content_type="text/html")

    visitor.route("**/*", answer)
    visitor.goto("http://shop.example/")
    moment, day = visitor.locator("time").nth(0), visitor.locator("time").nth(1)
    expect(moment).to_have_text(re.compile(r"24\. Nov\.? 2026, 07:30 (GMT\+9|JST)"))
    expect(moment).to_have_attribute("title", "23 Nov 2026, 22:30 UTC")
    expect(moment).to_have_attribute("datetime", "2026-11-23T22:30:00Z")
    expect(day).to_have_text("23 Nov 2026")

    visitor.evaluate(
        """() => {
          document.querySelector("#new").innerHTML = '<time datetime="2026-11-23T00:00:00Z">UTC text</time>';
          document.querySelector("#new").dispatchEvent(new CustomEvent("htmx:load", { bubbles: true }));
        }"""
    )
    expect(visitor.locator("#new time")).to_have_text(re.compile("09:00"))
    expect(visitor.locator("#new time")).to_have_attribute("title", "UTC text")
    expect(moment).to_have_attribute("title", "23 Nov 2026, 22:30 UTC")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", r"(Nov 24, 2026|24 Nov 2026), 07:30 AM"),
        ("es", r"24 nov 2026, 0?7:30"),
        ("ar", r"24 نوفمبر 2026.*07:30"),
    ],
)
def test_times_speak_the_language_of_the_page_and_not_of_the_browser(visitor: Page, language: str, words: str) -> None:
    page = TIMES.replace("<!doctype html>", f'<!doctype html><html lang="{language}">')
    script = (ROOT / "static" / "js" / "site.js").read_text()
    visitor.route("**/*", lambda route: route.fulfill(body=page, content_type="text/html; charset=utf-8"))
    visitor.route(
        "**/site.js", lambda route: route.fulfill(body=script, content_type="text/javascript; charset=utf-8")
    )

    visitor.goto("http://shop.example/")

    expect(visitor.locator("html")).to_have_attribute("lang", language)
    expect(visitor.locator("time").nth(0)).to_have_text(re.compile(words))
