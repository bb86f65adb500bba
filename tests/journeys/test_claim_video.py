"""A code that does not work: the claim, the film sent for it, what the machine says, and what staff see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.helpers import clips
from tests.helpers.demo import RunningDemo
from tests.journeys import staff
from tests.journeys.bank import STRIPE
from tests.journeys.scene import PATIENCE, Scene

pytestmark = pytest.mark.journey


@pytest.fixture
def scene(browser: Browser, demo: RunningDemo, tmp_path: Path) -> Iterator[Scene]:
    expect.set_options(timeout=PATIENCE)
    made = Scene(browser, demo, STRIPE, "claim_video", tmp_path / "state.json")
    yield made
    for context in browser.contexts:
        context.close()
    assert not made.problems, made.problems


def test_a_film_is_sent_looked_at_and_watched(scene: Scene, tmp_path: Path) -> None:
    dark = clips.between(3, 9, clips.darker, base=partial(clips.scene, imei=scene.device))
    film = clips.write(tmp_path / "dark.mp4", dark, seconds=12)
    good = clips.write(tmp_path / "good.mp4", partial(clips.scene, imei=scene.device), seconds=12)
    customer = scene.customer
    scene.to_payment_page()
    scene.pay()
    number = scene.number("U")
    scene.until(customer.get_by_role("button", name="Show result"))
    order = re.sub(r"[?#].*", "", customer.url)

    customer.goto(order + "claims/new/not_working/")
    customer.get_by_role("main").get_by_role("button").last.click()
    expect(customer.get_by_role("link", name="Send a video")).to_be_visible()
    scene.keep(customer, "1-claim")
    customer.get_by_role("link", name="Send a video").click()
    scene.keep(customer, "2-what-to-film")

    # The connection breaks at the second piece; the script goes on by itself.
    broken: list[str] = []

    def break_once(route: Route) -> None:
        if route.request.method == "PATCH" and route.request.headers.get("upload-offset") != "0" and not broken:
            broken.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    customer.route("**/videos/**", break_once)
    customer.get_by_label("Video file").set_input_files(film)
    customer.get_by_role("button", name="Send video").click()
    expect(customer.get_by_text("It is too dark at 0:03. Please film again with more light.")).to_be_visible()
    assert broken
    scene.problems[:] = [each for each in scene.problems if "net::ERR_FAILED" not in each]
    scene.keep(customer, "3-too-dark")
    customer.get_by_label("Video file").set_input_files(good)
    customer.get_by_role("button", name="Send video").click()
    expect(customer.get_by_text("Length, light and focus are fine.")).to_be_visible()
    customer.get_by_role("link", name="Back to the claim").click()
    expect(customer.get_by_text("Length, light and focus are fine.")).to_be_visible()
    scene.keep(customer, "4-claim-with-videos")

    clerk = scene.clerk
    clerk.goto(scene.demo.addresses["admin"] + "refunds/claim/?waits=staff")
    expect(clerk.get_by_role("heading", name="Waiting for us, by kind and age")).to_be_visible()
    scene.keep(clerk, "5-queue")
    staff.open_record(clerk, scene.demo, "refunds/claim", number)
    claim = clerk.url
    scene.keep(clerk, "6-claim")
    clerk.get_by_role("link", name="Review the video", exact=True).click()
    scene.keep(clerk, "7-tick-list")
    for point in clerk.get_by_role("checkbox").all():
        point.check()
    clerk.get_by_label("IMEI seen in the video").fill(f"{scene.device[:6]} {scene.device[6:]}")
    clerk.get_by_label("What you saw").fill("It says code error.")
    clerk.get_by_role("button", name="Review the video", exact=True).click()
    expect(clerk.get_by_text("The video shows all it must, with the IMEI of the order.").first).to_be_visible()
    scene.keep(clerk, "8-reviewed")
    staff.act(clerk, "Approve", Reason="The video shows it.")
    expect(clerk.get_by_text("go back, and the customer is told").first).to_be_visible()
    assert clerk.url.startswith(claim.partition("?")[0])
    staff.open_record(clerk, scene.demo, "refunds/claimvideo", number)
    player = clerk.locator("video").element_handle()
    clerk.wait_for_function("player => player.readyState >= 2", arg=player)
    clerk.evaluate("player => { player.currentTime = 8 }", player)
    clerk.wait_for_function("player => player.currentTime >= 8 && !player.seeking", arg=player)
    scene.keep(clerk, "9-staff-good")
    staff.act(clerk, "Delete the video", Reason="It shows somebody's child.")
    expect(clerk.get_by_text("The video is deleted").first).to_be_visible()
    clerk.goto(clerk.url)
    expect(clerk.get_by_text("It shows somebody's child.")).to_be_visible()


def test_without_scripts_the_form_sends_it_whole(scene: Scene, browser: Browser, tmp_path: Path) -> None:
    film = clips.write(tmp_path / "good.mp4", seconds=11, rate=6)
    customer = scene.customer
    scene.to_payment_page()
    scene.pay()
    scene.until(customer.get_by_role("button", name="Show result"))
    order = re.sub(r"[?#].*", "", customer.url)
    plain = browser.new_context(java_script_enabled=False).new_page()

    plain.goto(order + "claims/new/not_working/")
    plain.get_by_role("main").get_by_role("button").last.click()
    plain.get_by_role("link", name="Send a video").click()
    plain.get_by_label("Video file").set_input_files(film)
    plain.get_by_role("button", name="Send video").click()

    expect(plain.get_by_role("heading", name="Videos you sent")).to_be_visible()
    scene.until(plain.get_by_text("Length, light and focus are fine."))
