"""Reads IMEIs from pictures, with the libraries of the ``ocr`` extra. Without them nothing is read."""

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from refunds.triage.confining import THREADS

# Screens write an IMEI in one piece or with blanks, dashes or a stroke before the check digit.
DIGITS: Final = re.compile(r"(?<!\d)(?:\d[ \-/.]?){14}\d(?!\d)")
SIGHTINGS: Final = 2
MOST_NUMBERS: Final = 6
DETECTED_SIDE: Final = 480


def reader() -> Any | None:
    """What reads text from pictures, loaded; None where the extra is not installed."""
    try:
        from rapidocr import RapidOCR  # noqa: PLC0415 - an extra, slow to load
    except ImportError:
        return None
    logging.disable(logging.CRITICAL)
    ocr = RapidOCR(
        params={
            "Global.use_cls": False,
            "Global.log_level": "critical",
            "Det.limit_side_len": DETECTED_SIDE,
            "Det.limit_type": "max",
            "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "EngineConfig.onnxruntime.enable_cpu_mem_arena": False,
        }
    )
    # The first text that it meets makes it load more.
    sample = Image.new("RGB", (320, 96), "white")
    ImageDraw.Draw(sample).text((20, 20), "356938", font=ImageFont.load_default(size=48), fill="black")
    ocr(np.asarray(sample))
    return ocr


def read(
    ocr: Any, pictures: Sequence[tuple[float, bytes]], *, wanted: str, seconds: float
) -> tuple[dict[str, list[float]], bool]:
    """IMEIs with the times they were seen, and whether the look came to its end.

    Pictures are taken from all over the video first. It ends early once ``wanted`` was seen twice, and stops after
    ``seconds`` of work.
    """
    until = time.monotonic() + seconds
    seen: dict[str, list[float]] = {}
    for at, jpeg in spread(pictures):
        if time.monotonic() > until:
            return _trusted(seen), False
        with Image.open(io.BytesIO(jpeg)) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        texts = getattr(ocr(pixels), "txts", None) or ()
        for number in {number for text in texts for number in imeis_in(text)}:
            seen.setdefault(number, []).append(at)
        if len(seen.get(wanted, ())) >= SIGHTINGS:
            break
    return _trusted(seen), True


def imeis_in(text: str) -> list[str]:
    """The IMEIs in a line of text: fifteen digits whose last one fits the others."""
    found = [re.sub(r"\D", "", match) for match in DIGITS.findall(text)]
    return [number for number in found if _fits(number)]


def spread(pictures: Sequence[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    """The pictures in an order whose beginning already covers the whole video: every eighth, then those between."""
    order: list[int] = []
    for step in (8, 4, 2, 1):
        order += [place for place in range(0, len(pictures), step) if place not in set(order)]
    return [pictures[place] for place in order]


def _trusted(seen: dict[str, list[float]]) -> dict[str, list[float]]:
    """Numbers read twice; if there are none, those read once."""
    twice = {number: sorted(times) for number, times in seen.items() if len(times) >= SIGHTINGS}
    ranked = sorted((twice or seen).items(), key=lambda each: -len(each[1]))
    return {number: sorted(times)[:10] for number, times in ranked[:MOST_NUMBERS]}


def _fits(number: str) -> bool:
    """Luhn's check, and not one digit fifteen times."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(number)]
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0 and len(set(number)) > 1
