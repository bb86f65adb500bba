"""Who takes part in a journey about money: the customer, the bank's operator, a member of staff."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.factories import imei
from tests.helpers.demo import RunningDemo
from tests.journeys import staff
from tests.journeys.bank import STRIPE, Provider
from tests.journeys.conftest import SCREENSHOTS
from tests.journeys.customer import NUMBER, order, wait_for_mail
from unlockshop.demo.supplier_store import dump

PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1180, height=850)
PATIENCE = 45_000
"""Milliseconds. A wait ends when the page is as awaited; this is for machines that do much else."""

_serials = iter(range(500_000, 500_080))


@dataclass
class Scene:
    """One journey. Each person has a browser of their own, opened when first needed."""

    browser: Browser
    demo: RunningDemo
    provider: Provider
    name: str
    cookies: Path
    device: str = field(default_factory=lambda: imei(next(_serials)))
    problems: list[str] = field(default_factory=list)

    @property
    def email(self) -> str:
        return f"{self.name}-{self.provider.name}@example.com".replace("_", "-")

    @cached_property
    def customer(self) -> Page:
        """On a phone with one provider, at a desk with the other."""
        return self.visit(PHONE if self.provider is STRIPE else DESK)

    @cached_property
    def operator(self) -> Page:
        """Who plays the bank."""
        return self.visit(DESK)

    @cached_property
    def clerk(self) -> Page:
        """A member of staff; the first one of all journeys signs in."""
        if self.cookies.exists():
            return self.visit(DESK, storage_state=self.cookies)
        page = self.visit(DESK)
        staff.sign_in(page, self.demo)
        page.context.storage_state(path=self.cookies)
        return page

    def visit(self, size: ViewportSize, **options: Path) -> Page:
        """A fresh visitor, whose script errors and failed requests fail the journey."""
        context = self.browser.new_context(
            viewport=size,
            locale="en-GB",
            timezone_id="Europe/London",
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda said: self.problems.append(said.text) if said.type == "error" else None)
        return page

    def keep(self, page: Page, name: str) -> None:
        """Save the page as a phone and as a desk show it."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        before = page.viewport_size or DESK
        for size in (PHONE, DESK):
            page.set_viewport_size(size)
            file = f"{self.name}-{self.provider.name}-{name}-{size['width']}.png"
            page.screenshot(path=SCREENSHOTS / file, full_page=True)
        page.set_viewport_size(before)

    def to_payment_page(self) -> None:
        """The customer orders, and stands before the provider's page."""
        order(self.customer, self.demo, device=self.device, email=self.email, way=self.provider.way)

    def press(self, button: str) -> None:
        """The customer presses a button of the provider's page."""
        self.customer.get_by_role("button", name=button).click()

    def pay(self) -> None:
        """The customer pays and is thanked."""
        self.press(self.provider.pay)
        self.is_paid()

    def is_paid(self) -> None:
        thanks = self.customer.get_by_role("status").filter(has_text="Thank you. Your order is paid.")
        expect(thanks).to_be_visible()

    def heading(self, text: str) -> Locator:
        """What the customer's page says in large letters."""
        return self.customer.get_by_role("heading", name=text, exact=True)

    def number(self, kind: str) -> str:
        """The public number of the purchase (P) or order (U) on the customer's page."""
        expect(self.customer.get_by_role("main")).to_contain_text(re.compile(rf"\b{kind}-[0-9A-Z]"))
        found = NUMBER.findall(self.customer.get_by_role("main").inner_text())
        return next(number for number in found if number.startswith(kind))

    def mail(self, subject: str) -> str:
        """The text of the newest mail to the customer with such a subject, once it is there."""
        return str(wait_for_mail(self.demo, self.email, subject)["text"])

    def is_bought(self) -> bool:
        """Whether the supplier was ever given the device."""
        return any(each["imei"] == self.device for each in dump(self.demo.data / "supplier.sqlite3"))

    @contextmanager
    def supplier_paused(self) -> Iterator[None]:
        """No paid order is forwarded."""
        staff.pause_supplier(self.clerk, self.demo)
        try:
            yield
        finally:
            staff.end_pause(self.clerk, self.demo)

    def until(self, awaited: Locator) -> None:
        """Load a page again until it says so; for staff pages, and for the customer's after its first haste."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not awaited.count():
            assert time.monotonic() < deadline, f"{awaited} never came up on {awaited.page.url}"
            awaited.page.wait_for_timeout(200)
            awaited.page.reload()
