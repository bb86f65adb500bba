"""Every page in every state for everybody: axe-core without a violation, in light and dark, narrow and wide.

The clock stands on a Friday on which one of the orders is late.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys import looking
from tests.journeys.states import STATES, Visit
from tests.refunds.test_overdue import LATE
from unlockshop.kernel import clock

pytestmark = pytest.mark.journey

PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}


@pytest.fixture
def visit(browser: Browser, live_server: Any, settings: Any, tmp_path: Any) -> Iterator[Visit]:
    """A visitor with a phone who wants no motion. What the content policy blocks fails the test."""
    settings.EVIDENCE_ROOT = str(tmp_path)
    context = browser.new_context(viewport=PHONE, locale="en-GB", reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None)
    with clock.frozen(LATE):
        yield Visit(page, live_server.url)
    context.close()
    assert not problems, problems


@pytest.fixture
def empty(browser: Browser) -> Iterator[Page]:
    """A page of nobody's, to write mistakes on."""
    page = browser.new_page(viewport=PHONE, reduced_motion="reduce")  # type: ignore[arg-type]
    yield page
    page.close()


def everything_wrong_with(page: Page) -> list[str]:
    """In both schemes and sizes; all of axe's rules once, those that sizes and colours decide each time."""
    looking.prepare(page)
    found = looking.violations(page, "phone") + looking.look(page, "phone", "focus", "smallTargets", "moving")
    page.emulate_media(color_scheme="dark")
    found += looking.violations(page, "phone, dark", only=["color-contrast"])
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    found += looking.violations(page, "desk, dark", only=["color-contrast"])
    page.emulate_media(color_scheme="light")
    found += looking.violations(page, "desk", only=["color-contrast", "target-size", "link-in-text-block"])
    found += looking.look(page, "desk", "focus", "smallTargets")
    return found + looking.narrow(page)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STATES)
def test_everybody_can_use(visit: Visit, name: str) -> None:
    answers: list[int] = []
    visit.page.on("response", lambda got: answers.append(got.status) if got.request.is_navigation_request() else None)
    STATES[name](visit)

    assert (answers[-1] in {200, 409, 422}) != (name.startswith("error_") or name == "checkout_gone"), answers
    assert visit.page.title().startswith("Error: ") == name.endswith(("_a_mistake", "_mistakes", "_under_way"))
    assert everything_wrong_with(visit.page) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<input>", "phone: label: input"),
        ("<p style='color:#bbb'>pale</p>", "phone: color-contrast: p"),
        ("<div style='color:#111;background:#000'>dark</div>", "color-contrast"),
        ("<ol role=status><li>news</ol>", "phone: aria-allowed-role: ol"),
        ("<h1>one</h1><h3>three</h3>", "heading-order"),
        ("<button style='height:30px'>small</button>", "phone: only"),
        ("<a href=/ style='outline:none'>unseen</a>", "phone: focus is not visible: a 'unseen'"),
        (
            "<a href=/a style='outline:auto 3px;position:absolute;top:300px'>low</a><a href=/b>high</a>",
            "focus goes back",
        ),
        ("<a href=/a style='float:right'>second</a><a href=/b style='float:left'>first</a>", "focus goes back"),
        (
            "<p style='height:9em'></p><a href=/a>low</a><a href=/b style='position:absolute;top:0;right:0'>high</a>",
            "phone: focus",
        ),
        ("<button tabindex=3>pushy</button>", "jumps the queue: button 'pushy'"),
        ("<p style='transition: color 1s'>soft</p>", "moves: p 'soft'"),
        ("<p style='inline-size:30rem'>wide</p>", "320 px: scrolls sideways"),
        ("<p style='block-size:1.5em;overflow:hidden'>one two three four five six seven eight nine</p>", "is cut off"),
    ],
)
def test_the_checks_find_what_is_wrong(empty: Page, body: str, words: str) -> None:
    empty.set_content(f"<!doctype html><html lang=en><title>Wrong</title><main><h1>Page</h1>{body}</main>")

    assert words in " | ".join(everything_wrong_with(empty))


def test_the_checks_find_nothing_where_nothing_is_wrong(empty: Page) -> None:
    style = "<style>button { min-height: 44px } :focus { outline: 3px solid #000 }</style>"
    good = f"{style}<main><h1>Page</h1><a href=/>First</a> <button>Second</button></main>"
    empty.set_content(f"<!doctype html><html lang=en><title>Right</title>{good}")

    assert everything_wrong_with(empty) == []
