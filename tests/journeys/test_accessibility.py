"""Every page in every state for everybody: axe-core without a violation, in light and dark, narrow and wide.

``test_order_accessibility.py`` looks at what comes after buying, so that two processes share the work.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys import looking
from tests.journeys.states import BEFORE_BUYING, Visit, check_state

pytestmark = pytest.mark.journey


@pytest.fixture
def empty(browser: Browser) -> Iterator[Page]:
    """A page of nobody's, to write mistakes on."""
    page = browser.new_page(viewport=looking.PHONE, reduced_motion="reduce")  # type: ignore[arg-type]
    yield page
    page.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", BEFORE_BUYING)
def test_everybody_can_use(visit: Visit, name: str) -> None:
    check_state(visit, name)


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

    assert words in " | ".join(looking.everything_wrong_with(empty))


def test_the_checks_find_nothing_where_nothing_is_wrong(empty: Page) -> None:
    style = "<style>button { min-height: 44px } :focus { outline: 3px solid #000 }</style>"
    good = f"{style}<main><h1>Page</h1><a href=/>First</a> <button>Second</button></main>"
    empty.set_content(f"<!doctype html><html lang=en><title>Right</title>{good}")

    assert looking.everything_wrong_with(empty) == []
