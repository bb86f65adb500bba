"""Browser journeys: the whole demo on free ports, and a real Chromium to walk through it.

Screenshots go to ``var/journeys``. Without Chromium the journeys are skipped; CI installs it.
``make test`` keeps a file's tests on one worker, so that a file starts one demo, not several.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.helpers.demo import ROOT, RunningDemo, running_demo
from tests.journeys import looking
from tests.journeys.states import Visit
from tests.refunds.test_overdue import LATE
from unlockshop.kernel import clock

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
# A delayed payment waits until the journey says that the bank has looked at it.
DELAYED_SECONDS = 3600
SCREENSHOTS = ROOT / "var" / "journeys"

# The browser driver keeps an event loop in this process; tests after it still speak to the database synchronously.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium on this machine."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


@pytest.fixture(scope="session")
def demo(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """The running demo, in a folder of its own; ``demo.addresses`` says where everything is."""
    delay = f"--bank-options=--delayed-seconds {DELAYED_SECONDS}"
    with running_demo(tmp_path_factory.mktemp("journeys") / "demo", delay, "--set", "DEMO_HOLD_SECONDS=0") as running:
        yield running


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all journeys; it never leaves this machine."""
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        quiet.append("--no-sandbox")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=quiet)
        yield started
        started.close()


@pytest.fixture(params=["phone", "desktop"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A fresh visitor at phone and at desktop size. A script error or a failed request of ours fails the journey."""
    size = PHONE if request.param == "phone" else DESKTOP
    context = browser.new_context(viewport=size, locale="en-GB", timezone_id="Europe/London")  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert not problems, problems


@pytest.fixture
def screenshot(request: pytest.FixtureRequest, page: Page) -> object:
    """``screenshot("name")`` saves the whole page under the journey's name."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    size = request.node.callspec.params.get("page", "page")

    def save(name: str) -> Path:
        path = SCREENSHOTS / f"{request.node.originalname}-{name}-{size}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return save


@pytest.fixture
def visit(browser: Browser, live_server: Any, settings: Any, tmp_path: Any) -> Iterator[Visit]:
    """A visitor with a phone who wants no motion, on a Friday on which one of the orders is late.

    What the content policy blocks fails the test.
    """
    settings.EVIDENCE_ROOT = str(tmp_path)
    context = browser.new_context(viewport=looking.PHONE, locale="en-GB", reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None)
    with clock.frozen(LATE):
        yield Visit(page, live_server.url)
    context.close()
    assert not problems, problems
