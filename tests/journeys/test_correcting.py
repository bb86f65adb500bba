"""A customer mistypes a number, sees it on the order's page, and corrects it before it leaves for the supplier."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.factories import imei
from tests.helpers.demo import RunningDemo
from tests.journeys.bank import STRIPE
from tests.journeys.scene import PATIENCE, Scene
from unlockshop.demo.supplier_store import dump

pytestmark = pytest.mark.journey
RIGHT = imei(510_001)


@pytest.fixture
def scene(browser: Browser, demo: RunningDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    expect.set_options(timeout=PATIENCE)
    cookies: Path = tmp_path_factory.mktemp("staff") / "state.json"
    made = Scene(browser, demo, STRIPE, "correcting", cookies, device=imei(510_000))
    yield made
    for context in browser.contexts:
        context.close()
    unexpected = [each for each in made.problems if "422" not in each]  # the browser notes a refused form
    assert not unexpected, unexpected


def test_a_mistyped_number_is_corrected_before_it_leaves(scene: Scene) -> None:
    page = scene.customer
    with scene.supplier_paused():
        scene.to_payment_page()
        scene.pay()
        if "/orders/" not in page.url:
            page.get_by_role("link", name=scene.number("U")).first.click()
        page.get_by_role("link", name="Something is wrong? Correct it").click()
        field = page.get_by_role("main").locator("[name=identifier]")
        expect(field).to_have_value(scene.device)
        scene.keep(page, "1-form")

        field.fill("35 1234")
        page.get_by_role("button", name="Correct the order").click()
        expect(page.get_by_role("alert").filter(has_text="There is a problem")).to_be_visible()
        scene.keep(page, "2-refused")

        field.fill(RIGHT)
        page.get_by_role("button", name="Correct the order").click()
        expect(page.get_by_role("status").filter(has_text="The order is corrected")).to_be_visible()
        expect(page.get_by_role("main")).to_contain_text(f"{RIGHT[:2]}-{RIGHT[2:8]}-{RIGHT[8:14]}-{RIGHT[14]}")
        scene.keep(page, "3-corrected")
        assert "corrected before it left" in scene.mail("your order is corrected")
        assert not {RIGHT, scene.device} & devices_at_supplier(scene)


def devices_at_supplier(scene: Scene) -> set[str]:
    """Every device that the supplier was given."""
    return {each["imei"] for each in dump(scene.demo.data / "supplier.sqlite3")}
