"""``python -m tests.helpers.icons``: the mark as pictures, for browsers, home screens and shared links.

Run it (``make icons``) whenever ``static/img/mark.svg`` changes: each PNG keeps the mark's digest, and a test looks.
"""

from __future__ import annotations

import hashlib
import io
import shutil

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, sync_playwright

from tests.helpers.demo import ROOT

FOLDER = ROOT / "static" / "img"
MARK = FOLDER / "mark.svg"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZES = {"icon-192.png": 192, "icon-512.png": 512}
TOUCH = 180
TOUCH_GROUND = "#ffffff"
ICO_SIZES = (16, 32, 48)


def source_digest() -> str:
    """Names the mark that pictures are made of."""
    return hashlib.sha256(MARK.read_bytes()).hexdigest()


def render(page: Page, size: int, room: int = 0, ground: str = "transparent") -> Image.Image:
    """The mark in a square of ``size`` pixels, with ``room`` around it."""
    page.set_viewport_size({"width": size, "height": size})
    inner = size - 2 * room
    picture = MARK.read_text().replace("<svg ", f'<svg style="display:block;width:{inner}px;height:{inner}px" ', 1)
    page.set_content(f'<body style="margin:{room}px;background:{ground}">{picture}')
    return Image.open(io.BytesIO(page.screenshot(omit_background=True)))


def main() -> None:
    """Write every picture."""
    known = PngInfo()
    known.add_text("Mark", source_digest())
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        for name, size in SIZES.items():
            render(page, size).save(FOLDER / name, pnginfo=known, optimize=True)
        touch = render(page, TOUCH, room=22, ground=TOUCH_GROUND).convert("RGB")
        touch.save(FOLDER / "apple-touch-icon.png", pnginfo=known, optimize=True)
        small = [render(page, size) for size in ICO_SIZES]
        small[-1].save(FOLDER / "favicon.ico", sizes=[(size, size) for size in ICO_SIZES], append_images=small[:-1])
        browser.close()


if __name__ == "__main__":
    main()
