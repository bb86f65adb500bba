"""What staff do in the admin, in a browser, by the words that they read there."""

from __future__ import annotations

from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.helpers.demo import RunningDemo


def sign_in(page: Page, demo: RunningDemo) -> None:
    """As the demo's member of staff."""
    page.goto(demo.addresses["admin"])
    page.get_by_label("E-mail").fill(demo.addresses["staff_email"])
    page.get_by_label("Password").fill(demo.addresses["staff_password"])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Waits for you")).to_be_visible()


def open_record(page: Page, demo: RunningDemo, kind: str, term: str) -> None:
    """The newest record of ``app/model`` that the search finds."""
    page.goto(f"{demo.addresses['admin']}{kind}/?{urlencode({'q': term})}")
    page.get_by_role("rowheader").get_by_role("link").first.click()
    expect(page.get_by_role("link", name="History")).to_be_attached()


def act(page: Page, action: str, **fields: str) -> None:
    """Press a button of the record, fill its form in by label, and send it."""
    page.get_by_role("link", name=action, exact=True).click()
    for label, text in fields.items():
        field = page.get_by_label(label.replace("_", " "))
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(label=text)
        else:
            field.fill(text)
    page.get_by_role("button", name=action, exact=True).click()


def _open_supplier(page: Page, demo: RunningDemo) -> None:
    page.goto(f"{demo.addresses['admin']}services/supplier/")
    page.get_by_role("link", name="Demo supplier").click()


def pause_supplier(page: Page, demo: RunningDemo) -> None:
    """No paid order is forwarded from now on."""
    _open_supplier(page, demo)
    act(page, "Pause", Hours="1", Reason="A journey of the tests.")
    expect(page.get_by_text("gets no new orders before")).to_be_visible()


def end_pause(page: Page, demo: RunningDemo) -> None:
    """Orders are forwarded again."""
    _open_supplier(page, demo)
    act(page, "End the pause", Reason="The journey is over.")
    expect(page.get_by_text("takes orders again")).to_be_visible()
