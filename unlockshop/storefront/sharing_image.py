"""The picture that goes with a shared link: the shop's mark, a name, no price (a price would be old by tomorrow).

Drawn once for each text and kept in the cache. The letters come from the font of the evidence packs; a name that it
cannot write gets the shop's own picture.
"""

from __future__ import annotations

import hashlib
import io
import logging
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.cache import cache
from django.urls import reverse

from payments.paper import FONT
from services.models import Service

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

logger = logging.getLogger(__name__)

WIDTH: Final = 1200
HEIGHT: Final = 630
MARGIN: Final = 80
MAX_LINES: Final = 4
SIZES: Final = (84, 72, 62, 54, 46)
COLOURS: Final = 64
KEPT_SECONDS: Final = 7 * 24 * 3600
DESIGN: Final = "1"
"""Changes with how the picture looks, so that an older one is not served any more."""

GROUND: Final = "#074738"
BAND: Final = "#5ecfb0"
INK: Final = "#ffffff"
INK_MUTED: Final = "#b9ddd2"
MARK: Final = Path(settings.BASE_DIR) / "static" / "img" / "icon-512.png"


def shop_address() -> str:
    """The path of the shop's picture; it changes with what the picture says."""
    return f"{reverse('sharing-image')}?v={digest_of(settings.SHOP_NAME, '')[:12]}"


def address_of(service: Service) -> str:
    """The path of the picture of a service that was loaded with its category."""
    digest = digest_of(service.name, service.category.name)
    return f"{reverse('sharing-image-of', args=[service.slug])}?v={digest[:12]}"


def digest_of(title: str, above: str) -> str:
    """Names the picture that says these words."""
    return hashlib.sha256("\x00".join((DESIGN, settings.SHOP_NAME, title, above)).encode()).hexdigest()


def picture(title: str, above: str) -> bytes:
    """The picture as PNG of 1200 x 630: ``title`` large, ``above`` small. Drawn again where the cache is down."""
    name = f"sharing-image:{digest_of(title, above)}"
    try:
        kept: bytes | None = cache.get(name)
    except Exception as error:
        logger.warning("sharing image not looked up: %s", type(error).__name__)
        kept = None
    if kept:
        return kept
    drawn = draw(_line(title), _line(above))
    try:
        cache.set(name, drawn, KEPT_SECONDS)
    except Exception as error:
        logger.warning("sharing image not kept: %s", type(error).__name__)
    return drawn


def draw(title: str, above: str) -> bytes:
    """The picture as PNG, drawn now."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 - heavy, and needed by few requests

    if not _can_write(title + above):
        title, above = settings.SHOP_NAME, ""
    page = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, HEIGHT - 16, WIDTH, HEIGHT), fill=BAND)
    with Image.open(MARK) as mark:
        small = mark.convert("RGBA").resize((96, 96), Image.Resampling.LANCZOS)
    pen.rounded_rectangle((MARGIN - 12, 60, MARGIN + 108, 180), radius=24, fill=INK)
    page.paste(small, (MARGIN, 72), small)
    if title != settings.SHOP_NAME:
        pen.text((MARGIN + 140, 120), _shortened(settings.SHOP_NAME, 40), font=_font(44), fill=INK, anchor="lm")
    lines, size = _fitted(title, pen)
    top = HEIGHT - 70 - len(lines) * int(size * 1.2)
    if above:
        pen.text((MARGIN, top - 24), _shortened(above, 60), font=_font(34), fill=INK_MUTED, anchor="ls")
    for number, line in enumerate(lines):
        where = (MARGIN, top + number * int(size * 1.2))
        pen.text(where, line, font=_font(size), fill=INK, stroke_width=1, stroke_fill=INK)
    kept = io.BytesIO()
    page.quantize(COLOURS).save(kept, "PNG", optimize=True)
    return kept.getvalue()


def _fitted(title: str, pen: ImageDraw.ImageDraw) -> tuple[list[str], int]:
    """The title in lines and the largest size in which they fit; cut where even the smallest is too large."""
    for size in SIZES:
        lines = _wrapped(title, pen, size)
        if len(lines) <= MAX_LINES:
            break
    else:
        lines = [*lines[: MAX_LINES - 1], f"{lines[MAX_LINES - 1][:-1]}…"]
    return lines, size


def _wrapped(title: str, pen: ImageDraw.ImageDraw, size: int) -> list[str]:
    """The title broken between words, and within a word that is longer than a line."""
    font, most = _font(size), WIDTH - 2 * MARGIN
    lines = [""]
    for word in title.split():
        joined = f"{lines[-1]} {word}".strip()
        if pen.textlength(joined, font=font) <= most:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for char in word:
            if pen.textlength(lines[-1] + char, font=font) > most:
                lines.append("")
            lines[-1] += char
    return lines


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _line(text: str) -> str:
    """Text as one line, without characters that show nothing or turn the writing round."""
    shown = "".join(" " if unicodedata.category(char).startswith(("C", "Z")) else char for char in text)
    return " ".join(unicodedata.normalize("NFC", shown).split())


def _can_write(text: str) -> bool:
    """Whether the font has every letter: one that it lacks looks like any other that it lacks."""
    missing = _outline("\U0010fffd")
    return all(char == " " or _outline(char) != missing for char in set(text))


@lru_cache(maxsize=1024)
def _outline(char: str) -> bytes:
    mask = _font(24).getmask(char)
    return bytes(mask) + repr(mask.size).encode()


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont  # noqa: PLC0415 - heavy, and needed by few requests

    return ImageFont.truetype(str(FONT), size)
