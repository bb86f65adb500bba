"""Customers cancel: by the link in the confirmation, by answering it, and after a notice of delay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.factories import imei
from tests.helpers.demo import RunningDemo, running_demo
from tests.journeys import staff
from tests.journeys.bank import STRIPE
from tests.journeys.customer import order, wait_for_mail
from tests.journeys.scene import PATIENCE, Scene

pytestmark = pytest.mark.journey
# Held so long that a slow machine can press the link; checks are never held.
HOLD_SECONDS = 300
CHECK = "gsma-blacklist-pro"
# The demo supplier takes its time for a device whose digits 13 and 14 are these.
_slow = iter(range(510_080, 512_080, 100))


@pytest.fixture(scope="module")
def held_demo(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """A demo of its own, in which orders wait and the supplier is slow."""
    options = ("--supplier-options=--slow-seconds 3600", "--set", f"DEMO_HOLD_SECONDS={HOLD_SECONDS}")
    with running_demo(tmp_path_factory.mktemp("cancelling") / "demo", *options) as running:
        yield running


@pytest.fixture(scope="module")
def cookies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cookies of the signed-in member of staff are kept."""
    return tmp_path_factory.mktemp("staff") / "state.json"


@pytest.fixture
def scene(request: pytest.FixtureRequest, browser: Browser, held_demo: RunningDemo, cookies: Path) -> Iterator[Scene]:
    expect.set_options(timeout=PATIENCE)
    made = Scene(browser, held_demo, STRIPE, request.node.originalname.removeprefix("test_"), cookies)
    yield made
    for context in browser.contexts:
        context.close()
    assert not made.problems, made.problems


def link_in(text: str) -> str:
    return re.findall(r"http://\S+/cancel/\S+", text)[0]


def open_mail(scene: Scene, subject: str) -> Page:
    """The newest such mail in the mailbox's own page."""
    mail = wait_for_mail(scene.demo, scene.email, subject)
    scene.operator.goto(f"{scene.demo.addresses['mailbox']}{mail['id']}")
    return scene.operator


def test_cancelled_by_the_link_in_the_confirmation(scene: Scene) -> None:
    scene.to_payment_page()
    scene.pay()
    order_page = scene.customer.url.partition("?")[0]
    scene.customer.goto(link_in(scene.mail("thank you, your order is paid")))
    expect(scene.customer.get_by_role("main")).to_contain_text("Held until")
    scene.keep(scene.customer, "1-asked")

    scene.press("Yes, cancel the order")

    expect(scene.customer.get_by_role("status")).to_contain_text("The order is cancelled")
    scene.keep(scene.customer, "2-cancelled")
    scene.mail("your order is cancelled")
    scene.mail("refunded")
    scene.customer.goto(order_page)
    expect(scene.heading("Cancelled").first).to_be_visible()
    assert not scene.is_bought()


def test_cancelled_by_answering_the_confirmation(scene: Scene) -> None:
    scene.to_payment_page()
    scene.pay()
    order_page = scene.customer.url.partition("?")[0]
    mailbox = open_mail(scene, "thank you, your order is paid")
    mailbox.locator("textarea[name=text]").fill("When will it be done?")
    scene.keep(mailbox, "1-reply")
    mailbox.get_by_role("button", name="Send the reply").click()
    expect(mailbox.get_by_text("Your reply is on its way")).to_be_visible()
    assert "a person reads it" in scene.mail("about your mail")

    clerk = scene.clerk
    clerk.goto(f"{scene.demo.addresses['admin']}orders/inboundmail/?task=open")
    clerk.get_by_role("link", name=scene.email).first.click()
    expect(clerk.get_by_text("When will it be done?").first).to_be_visible()
    scene.keep(clerk, "2-task")

    mailbox = open_mail(scene, "thank you, your order is paid")
    mailbox.get_by_role("button", name="Send the reply").click()

    scene.mail("your order is cancelled")
    scene.mail("refunded")
    scene.customer.goto(order_page)
    expect(scene.heading("Cancelled").first).to_be_visible()
    assert not scene.is_bought()


def test_delayed_and_cancelled_by_the_link(scene: Scene) -> None:
    scene.device = imei(next(_slow))
    customer, clerk = scene.customer, scene.clerk
    order(customer, scene.demo, device=scene.device, email=scene.email, service=CHECK)
    scene.pay()
    order_page = customer.url.partition("?")[0]
    scene.until(customer.get_by_role("heading", name="Submitted / In process").first)
    assert scene.is_bought()

    staff.open_record(clerk, scene.demo, "orders/order", scene.number("U"))
    date = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    clerk.get_by_role("link", name="Tell of a delay", exact=True).click()
    clerk.get_by_label("New date (UTC)").fill(date)
    clerk.get_by_label("Why").fill("The manufacturer's server is down.")
    scene.keep(clerk, "1-form")
    clerk.get_by_role("button", name="Tell of a delay", exact=True).click()
    expect(clerk.get_by_text("The mail about it is on its way")).to_be_visible()
    scene.keep(clerk, "2-told")
    text = scene.mail("your order is delayed")
    assert "within 24 hours of receiving this mail" in text

    customer.goto(order_page)
    scene.until(customer.get_by_text("You can cancel until"))
    expect(customer.get_by_role("main")).to_contain_text("The manufacturer's server is down.")
    scene.keep(customer, "3-order")
    customer.goto(link_in(text))
    scene.keep(customer, "4-link")
    scene.press("Yes, cancel the order")

    expect(customer.get_by_role("status")).to_contain_text("DSIM-HOURS-3")
    scene.keep(customer, "5-cancelled")
    assert "We ask our supplier to stop" in scene.mail("your order is cancelled")
    scene.mail("refunded")
    clerk.reload()
    # This supplier's protocol cannot be asked: staff write to it.
    expect(clerk.get_by_text("To be written to the supplier by staff").first).to_be_visible()
    scene.keep(clerk, "6-staff")
