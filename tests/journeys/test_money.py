"""Money on its way in and back, for each provider: declined, late, refunded, returned, disputed."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pypdf
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.demo import ROOT, RunningDemo
from tests.journeys import staff
from tests.journeys.bank import PAYPAL, STRIPE, Provider
from tests.journeys.customer import pay
from tests.journeys.scene import PATIENCE, Scene
from unlockshop.demo.run_plan import Plan, Ports
from unlockshop.demo.run_secrets import load_secrets

pytestmark = pytest.mark.journey
DISPUTE = re.compile(r"^(dp_\w+|PP-D-\d+)$")
REFUND = re.compile(r"^(re_\w+|[0-9A-Z]{17})$")


@pytest.fixture(scope="module")
def cookies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cookies of the signed-in member of staff are kept."""
    return tmp_path_factory.mktemp("staff") / "state.json"


@pytest.fixture(params=[STRIPE, PAYPAL], ids=["stripe", "paypal"])
def scene(request: pytest.FixtureRequest, browser: Browser, demo: RunningDemo, cookies: Path) -> Iterator[Scene]:
    expect.set_options(timeout=PATIENCE)
    provider: Provider = request.param
    made = Scene(browser, demo, provider, request.node.originalname.removeprefix("test_"), cookies)
    yield made
    for context in browser.contexts:
        context.close()
    assert not made.problems, made.problems


def test_declined_then_cancelled_then_paid(scene: Scene) -> None:
    customer, provider = scene.customer, scene.provider
    scene.to_payment_page()
    scene.keep(customer, "1-payment-page")

    scene.press(provider.decline)
    expect(customer.get_by_role("alert").filter(has_text="declined")).to_contain_text("Nothing was charged")
    scene.keep(customer, "2-declined")
    if provider is PAYPAL:
        pay(customer, provider.way)
    scene.press("Cancel")
    expect(customer.get_by_role("alert")).to_contain_text("You left the payment page. Nothing was charged")
    expect(scene.heading("Not paid yet")).to_be_visible()
    scene.keep(customer, "3-cancelled")
    assert not scene.is_bought()

    pay(customer, provider.way)
    scene.pay()
    scene.mail("thank you, your order is paid")


def test_a_late_payment_arrives(scene: Scene) -> None:
    scene.to_payment_page()
    scene.press(scene.provider.later)
    expect(scene.heading("Your bank is still confirming")).to_be_visible()
    scene.keep(scene.customer, "1-at-the-bank")
    assert not scene.is_bought()

    scene.provider.end_wait(scene.operator, scene.demo, scene.number("P"))

    scene.is_paid()  # the page goes on by itself
    scene.mail("thank you, your order is paid")
    scene.keep(scene.customer, "2-paid")


def test_a_late_payment_fails_and_another_is_made(scene: Scene) -> None:
    customer = scene.customer
    scene.to_payment_page()
    scene.press(scene.provider.later_fails)
    expect(scene.heading("Your bank is still confirming")).to_be_visible()
    number = scene.number("P")
    customer.goto("about:blank")  # the customer is away when it fails

    scene.provider.end_wait(scene.operator, scene.demo, number)
    mail = scene.mail("the payment did not go through")
    assert "Nothing was charged" in mail
    customer.goto(re.findall(r"http://\S+/purchases/\S+", mail)[0])
    expect(customer.get_by_role("alert")).to_contain_text("Your last payment did not go through. Nothing was charged")
    scene.keep(customer, "1-purchase")
    customer.get_by_role("link", name=re.compile("^U-")).click()
    expect(customer.get_by_role("main")).to_contain_text("Your last payment did not go through")
    scene.keep(customer, "2-order")
    assert not scene.is_bought()

    customer.get_by_role("link", name="Pay for the purchase").click()
    pay(customer, scene.provider.way)
    scene.pay()
    scene.mail("thank you, your order is paid")


def test_refunded_in_parts_and_one_comes_back(scene: Scene) -> None:
    customer, clerk = scene.customer, scene.clerk
    scene.to_payment_page()
    scene.pay()
    number, order_page = scene.number("P"), customer.url.partition("?")[0]
    scene.mail("completed, your result is ready")

    staff.open_record(clerk, scene.demo, "payments/payment", number)
    payment_page = clerk.url
    scene.keep(clerk, "1-payment")
    clerk.get_by_role("link", name="Refund", exact=True).click()
    scene.keep(clerk, "2-form")
    clerk.goto(payment_page)
    goodwill = "Goodwill: no rule demands it"
    staff.act(clerk, "Refund", Amount="5.00", Rule=goodwill, Reason="It took us too long.")
    expect(clerk.get_by_text("5.00 EUR are on their way back.")).to_be_visible()
    mail = scene.mail("€5.00 refunded")
    assert "A goodwill refund, which no rule demanded. It took us too long." in mail
    staff.act(clerk, "Refund", Rule=goodwill, Reason="The rest as well.")
    expect(clerk.get_by_text("13.90 EUR are on their way back.")).to_be_visible()
    scene.mail("€13.90 refunded")

    customer.goto(order_page)
    refunds = customer.get_by_role("region", name="Refunds").get_by_role("listitem")
    expect(refunds).to_have_count(2)
    expect(refunds.filter(has_text="€5.00")).to_contain_text("It took us too long.")
    scene.keep(customer, "3-order")
    customer.get_by_role("link", name=number).click()
    expect(scene.heading("Refunded")).to_be_visible()
    scene.keep(customer, "4-purchase")

    clerk.goto(payment_page)
    clerk.get_by_role("link", name="13.90 EUR").click()
    reference = clerk.get_by_role("definition").get_by_text(REFUND).inner_text()
    scene.provider.let_refund_fail(scene.operator, scene.demo, reference)
    scene.keep(scene.operator, "5-bank")
    scene.mail("the refund of €13.90 came back to us")
    customer.reload()
    expect(scene.heading("Paid, partly refunded")).to_be_visible()
    expect(customer.get_by_role("region", name="Refunds")).to_contain_text("The money is still yours")
    scene.keep(customer, "6-came-back")

    clerk.goto(scene.demo.addresses["admin"])
    scene.keep(clerk, "7-waiting")
    clerk.get_by_role("link", name="Refunds that failed or are stuck").click()
    clerk.get_by_role("row").filter(has_text=number).get_by_role("link").first.click()
    expect(clerk.get_by_text("It had gone out and came back")).to_be_visible()
    scene.keep(clerk, "8-refund")
    staff.act(clerk, "Refund again", Why="The bank has opened a new account.")
    expect(clerk.get_by_text("13.90 EUR are on their way back once more.")).to_be_visible()
    customer.reload()
    expect(customer.get_by_role("region", name="Refunds").get_by_role("listitem")).to_have_count(3)
    clerk.goto(f"{scene.demo.addresses['admin']}payments/refund/?waiting=yes")
    expect(clerk.get_by_role("row").filter(has_text=number)).to_have_count(0)


def test_disputed_answered_and_won(scene: Scene) -> None:
    customer, clerk, provider = scene.customer, scene.clerk, scene.provider
    reference = dispute(scene)
    expect(customer.get_by_role("main")).to_contain_text("The payment was disputed at the bank")
    scene.keep(customer, "1-on-hold")
    number, order_number = scene.number("P"), scene.number("U")

    clerk.goto(scene.demo.addresses["admin"])
    task = clerk.get_by_role("row").filter(has_text="Disputes to answer")
    expect(task).to_contain_text("next due")
    scene.keep(clerk, "2-waiting")
    task.get_by_role("link").click()
    clerk.get_by_role("link", name=reference).click()
    expect(clerk.get_by_text(re.compile(r"Our answer is due in \d+ d"))).to_be_visible()
    staff.act(clerk, "Assemble evidence", Reason="The bank asks.")
    expect(clerk.get_by_text("A pack is assembled. Read it before you submit it.")).to_be_visible()
    scene.keep(clerk, "3-dispute")
    assert order_number in downloaded_pdf(clerk)
    clerk.get_by_role("link", name="Review and submit").click()
    scene.keep(clerk, "4-submit")
    clerk.go_back()
    staff.act(clerk, "Review and submit", Number_of_the_disputed_purchase=number)
    expect(clerk.get_by_text("The evidence is submitted. The bank decides.")).to_be_visible()

    row = provider.disputed(scene.operator, scene.demo, reference)
    row.get_by_text("texts, submitted").click()
    expect(row).to_contain_text(order_number)
    scene.keep(scene.operator, "5-bank")
    assert not scene.is_bought()
    provider.decide(scene.operator, scene.demo, reference, for_shop=True)

    scene.until(scene.heading("Completed"))  # the order went on
    scene.until(clerk.get_by_text("Won", exact=True))
    scene.keep(clerk, "6-won")


def test_disputed_and_lost(scene: Scene) -> None:
    customer, clerk = scene.customer, scene.clerk
    reference = dispute(scene)
    scene.provider.decide(scene.operator, scene.demo, reference, for_shop=False)
    scene.until(clerk.get_by_text("Lost", exact=True))
    scene.keep(clerk, "1-lost")

    staff.open_record(clerk, scene.demo, "orders/order", scene.number("U"))
    staff.act(clerk, "Cancel the order", Reason="The bank decided for the customer.")

    scene.until(scene.heading("Cancelled"))
    expect(customer.get_by_role("main")).to_contain_text("The bank decides about that money")
    scene.keep(customer, "2-cancelled")
    assert "owed back" not in scene.mail("your order is cancelled")
    assert not scene.is_bought()


def dispute(scene: Scene) -> str:
    """A paid order that its customer disputes before it is forwarded; the dispute's id, its page open for staff."""
    with scene.supplier_paused():
        scene.to_payment_page()
        scene.pay()
        scene.provider.open_dispute(scene.operator, scene.demo, scene.number("P"))
        scene.until(scene.heading("On hold, with our staff"))
    staff.open_record(scene.clerk, scene.demo, "payments/dispute", scene.number("P"))
    return scene.clerk.get_by_role("definition").get_by_text(DISPUTE).inner_text()


def downloaded_pdf(clerk: Page) -> str:
    """What the evidence pack says, as saved from the dispute's page."""
    with clerk.expect_download() as download:
        clerk.get_by_role("link", name="PDF").click()
    found = Path(download.value.path()).read_bytes()
    assert found.startswith(b"%PDF-")
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(found)).pages)


def test_the_books_are_in_order(demo: RunningDemo) -> None:
    """After all of the above; run alone, of an empty shop."""
    port = urlsplit(demo.addresses["shop"]).port
    assert port is not None
    plan = Plan(data=demo.data, ports=Ports(port), secrets=load_secrets(demo.data))
    command = [sys.executable, "manage.py", "ledger_check"]
    done = subprocess.run(
        command, cwd=ROOT, env=plan.environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert "the books are in order" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
