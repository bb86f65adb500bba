"""What a first visit costs in Chromium: bytes, requests, hosts, and when the largest piece of the page is painted."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_LARGEST = """() => new Promise(done => {
    new PerformanceObserver(list => done(list.getEntries().at(-1).startTime))
        .observe({type: 'largest-contentful-paint', buffered: true});
    setTimeout(() => done(0), 3000);
})"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit with nothing in the browser's cache. ``kilobytes`` are compressed, the page itself as by a proxy."""

    kilobytes: float
    requests: int
    strangers: int
    largest: float


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser until the block ends."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def visit(browser: Any, url: str) -> Visit:
    """Open the address in a browser that knows nothing."""
    context = browser.new_context()
    page = context.new_page()
    found: list[Any] = []

    def note(request: Any) -> None:
        found.append(request)

    page.on("requestfinished", note)
    page.goto(url, wait_until="networkidle")
    largest = float(page.evaluate(_LARGEST))
    here = urlsplit(url).netloc
    size = sum(_compressed(request) for request in found)
    strangers = {urlsplit(request.url).netloc for request in found} - {here}
    context.close()
    return Visit(size / 1024, len(found), len(strangers), largest)


def _compressed(request: Any) -> int:
    """Bytes on the wire, or what a proxy's compression makes of a body that the app sends as it is."""
    answer = request.response()
    sizes = request.sizes()
    if answer is None or answer.header_value("content-encoding"):
        return int(sizes["responseBodySize"])
    kind = answer.header_value("content-type") or ""
    body = answer.body()
    return len(gzip.compress(body, 6)) if kind.startswith(("text/", "image/svg", "application/j")) else len(body)
