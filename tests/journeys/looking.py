"""What a person with a screen reader, a keyboard, a narrow screen or large text would stumble over, found by script.

Each function looks at the page as it is and returns sentences, none where all is well. Scripts run through the
browser's debugger, so that the page's own content policy stays as strict as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SCRIPT = Path(__file__).with_suffix(".js").read_text()
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
UNFOLD = "document.querySelectorAll('main details').forEach((each) => { each.open = true; })"
PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}
Look = Literal["sideways", "cutOff", "smallTargets", "moving", "focus"]


def prepare(page: Page) -> None:
    """Everything on the page unfolded, and the checkers loaded; the last key pressed was one of the keyboard's."""
    page.evaluate(AXE_SCRIPT)
    page.evaluate(SCRIPT)
    page.evaluate(UNFOLD)
    page.keyboard.press("Shift")


def violations(
    page: Page, where: str, *, only: list[str] | None = None, known: frozenset[str] = frozenset()
) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA and best practices; ``only`` some rules, ``known`` ones left out."""
    found = page.evaluate("([tags, rules]) => looking.violations(tags, rules)", [STANDARDS, only])
    return [f"{where}: {rule}: {target}: {summary}" for rule, target, summary in found if rule not in known]


def look(page: Page, where: str, *what: Look) -> list[str]:
    """What the page's own layout shows."""
    return [f"{where}: {each}" for name in what for each in page.evaluate(f"looking.{name}()")]


def narrow(page: Page) -> list[str]:
    """At 320 px, as it is and with the reader's own spacing."""
    page.set_viewport_size({"width": 320, "height": 800})
    found = look(page, "320 px", "sideways")
    page.evaluate("looking.space(true)")
    found += look(page, "320 px, spaced", "sideways", "cutOff")
    page.evaluate("looking.space(false)")
    return found


def everything_wrong_with(page: Page) -> list[str]:
    """In both schemes and sizes; all of axe's rules once, those that sizes and colours decide each time."""
    prepare(page)
    found = violations(page, "phone") + look(page, "phone", "focus", "smallTargets", "moving")
    page.emulate_media(color_scheme="dark")
    found += violations(page, "phone, dark", only=["color-contrast"])
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    found += violations(page, "desk, dark", only=["color-contrast"])
    page.emulate_media(color_scheme="light")
    found += violations(page, "desk", only=["color-contrast", "target-size", "link-in-text-block"])
    found += look(page, "desk", "focus", "smallTargets")
    return found + narrow(page)
