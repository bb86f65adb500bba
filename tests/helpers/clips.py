"""Makes short videos of a phone on a desk, good ones and ones with a fault, with the library that reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

IMEI = "356938035643809"
OPTIONS = {
    "libx264": {"preset": "ultrafast", "crf": "26"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
}
Drawn = Callable[[float], Image.Image]


@functools.cache
def _desk(width: int, height: int, seed: int) -> Image.Image:
    """A rough surface: large and small patches, so that it has edges of every size."""
    source = np.random.default_rng(seed)
    coarse = Image.fromarray(source.integers(60, 190, (height // 40, width // 40, 3), dtype=np.uint8))
    fine = source.integers(-25, 25, (height, width, 1))
    pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16) + fine
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def scene(
    at: float, *, width: int = 1280, height: int = 720, imei: str = IMEI, seed: int = 1, shift: int = 0
) -> Image.Image:
    """The phone at a moment: held by hand, so it sways; it shows ``imei`` unless that is empty."""
    picture = _desk(width, height, seed).copy()
    short = min(width, height)
    sway = round(short * 0.01 * np.sin(at * 2.1)) + shift
    left, top = width // 2 - short // 3 + sway, height // 8 + round(short * 0.008 * np.cos(at * 1.7))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((left, top, left + short * 2 // 3, top + height * 3 // 4), short // 20, fill=(15, 15, 20))
    inside = (
        left + short // 40,
        top + short // 40,
        left + short * 2 // 3 - short // 40,
        top + height * 3 // 4 - short // 40,
    )
    draw.rectangle(inside, fill=(245, 245, 245))
    font = ImageFont.load_default(size=short // 20)
    draw.text((inside[0] + short // 30, inside[1] + short // 12), "*#06#", font=font, fill=(10, 10, 10))
    if imei:
        draw.text((inside[0] + short // 30, inside[1] + short // 5), "IMEI", font=font, fill=(10, 10, 10))
        draw.text((inside[0] + short // 30, inside[1] + short // 3.5), imei, font=font, fill=(10, 10, 10))
    # A clock that runs: on a real screen something always does.
    draw.text((inside[0] + short // 30, inside[3] - short // 8), f"{at:05.1f}", font=font, fill=(60, 60, 60))
    return picture


def write(
    path: Path,
    drawn: Drawn = scene,
    *,
    seconds: float = 12,
    rate: int = 12,
    container: str = "mp4",
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    metadata: Mapping[str, str] | None = None,
    missing: tuple[float, float] = (0.0, 0.0),
) -> Path:
    """Encode ``drawn(t)`` for so many seconds; between the two ``missing`` ones there are no pictures."""
    first = drawn(0.0)
    with av.open(str(path), "w", format=container) as out:
        out.metadata.update(metadata or {})
        stream: Any = out.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, pix_fmt
        stream.options = OPTIONS.get(codec, {})
        stream.codec_context.time_base = Fraction(1, rate)
        kept = [n for n in range(round(seconds * rate)) if not missing[0] <= n / rate < missing[1]]
        for number in kept:
            frame = av.VideoFrame.from_image(drawn(number / rate))
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def between(begins: float, ends: float, change: Callable[[Image.Image], Image.Image], base: Drawn = scene) -> Drawn:
    """``base``, changed for a while."""
    return lambda at: change(base(at)) if begins <= at < ends else base(at)


def darker(picture: Image.Image) -> Image.Image:
    return picture.point(lambda value: value * 0.12)


def blurred(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(7))


def glaring(picture: Image.Image) -> Image.Image:
    return picture.point(lambda value: 238 + value * 0.06)


def cut_at(moment: float, **other: Any) -> Drawn:
    """From ``moment`` on another scene: another desk (``seed``), or the phone elsewhere (``shift``)."""
    return lambda at: scene(at, **other) if at >= moment else scene(at)


def still_from(moment: float, until: float) -> Drawn:
    """The picture stands still for a while."""
    return lambda at: scene(moment if moment <= at < until else at)


def damage(path: Path) -> Path:
    """Overwrite a part of the middle of a file, as a bad cable or disk does."""
    body = bytearray(path.read_bytes())
    middle = len(body) // 2
    body[middle : middle + 20_000] = b"\xff" * 20_000
    path.write_bytes(body)
    return path
