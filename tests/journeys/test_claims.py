"""A code that does not work: the customer claims, staff decide in the admin, and the mails say what and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.helpers.demo import RunningDemo
from tests.journeys import staff
from tests.journeys.bank import STRIPE
from tests.journeys.scene import PATIENCE, Scene

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def cookies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cookies of the signed-in member of staff are kept."""
    return tmp_path_factory.mktemp("staff") / "state.json"


@pytest.fixture
def scene(request: pytest.FixtureRequest, browser: Browser, demo: RunningDemo, cookies: Path) -> Iterator[Scene]:
    expect.set_options(timeout=PATIENCE)
    made = Scene(browser, demo, STRIPE, request.node.originalname.removeprefix("test_"), cookies)
    yield made
    for context in browser.contexts:
        context.close()
    assert not made.problems, made.problems


def claim(scene: Scene) -> str:
    """A completed order and the claim that its code does not work; returns the order's number."""
    customer = scene.customer
    scene.to_payment_page()
    scene.pay()
    number = scene.number("U")
    scene.mail("completed, your result is ready")
    customer.get_by_role("link", name="Problem with this order").click()
    scene.keep(customer, "1-reasons")
    customer.get_by_role("link", name="The code or unlock does not work").click()
    expect(customer.get_by_role("region", name="What the rules say now")).to_contain_text("H_EVIDENCE_REQUIRED")
    changes = customer.get_by_role("region", name="What would get you your money back")
    expect(changes).to_contain_text("A video that shows")
    scene.keep(customer, "2-rules-and-form")
    customer.get_by_role("textbox", name="What happened").fill("The phone says: code error.")
    customer.get_by_role("button", name="Send the claim").click()
    expect(scene.heading("Waiting for you")).to_be_visible()
    scene.keep(customer, "3-claim")
    assert "The rules ask for evidence first" in scene.mail("Please send us evidence")
    staff.open_record(scene.clerk, scene.demo, "refunds/claim", number)
    return number


def test_a_claim_is_approved_and_paid(scene: Scene) -> None:
    clerk, customer = scene.clerk, scene.customer
    number = claim(scene)
    scene.keep(clerk, "4-staff-page")

    staff.act(clerk, "Approve", Reason="The supplier sent a wrong code.")

    expect(clerk.get_by_text("18.90 EUR go back, and the customer is told.")).to_be_visible()
    scene.keep(clerk, "5-approved")
    answer = scene.mail(f"{number}: Your claim is approved")
    assert "The supplier sent a wrong code." in answer
    assert "(IMEIORG-8.3)" in answer
    assert "The supplier sent a wrong code." in scene.mail("€18.90 refunded")
    scene.until(customer.get_by_role("heading", name="Approved and settled"))
    scene.keep(customer, "6-settled")


def test_a_claim_is_denied_by_a_fact(scene: Scene) -> None:
    clerk, customer = scene.clerk, scene.customer
    number = claim(scene)

    staff.act(clerk, "Deny", Reason="We do not believe it.")
    expect(clerk.get_by_text("Record the established fact that the denial rests on first.")).to_be_visible()
    staff.act(
        clerk, "Record a fact", Fact="Unlocked already", How_firm="Established", Evidence="Carrier report of today."
    )
    expect(clerk.get_by_text("Recorded: Unlocked already")).to_be_visible()
    staff.act(clerk, "Deny", Reason="The carrier had unlocked it before you ordered.")

    expect(clerk.get_by_text("Denied by D_ALREADY_UNLOCKED")).to_be_visible()
    scene.keep(clerk, "4-denied")
    answer = scene.mail(f"{number}: Your claim is not approved")
    for part in ("The carrier had unlocked it", "(IMEIORG-8.4)", "D_ALREADY_UNLOCKED"):
        assert part in answer
    customer.reload()
    expect(scene.heading("Denied")).to_be_visible()
    scene.keep(customer, "5-claim")
