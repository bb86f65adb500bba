"""What the triage process may say. A decoder that was taken over could say anything: only this form is believed."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from refunds.triage.kinds import CONTENT_TYPES

# Codes of findings, in the order in which they are told.
FINDINGS: Final = (
    *("too_short", "too_long", "low_resolution", "dark", "glaring", "blurred"),
    *("cut", "gap", "frozen", "damaged"),
)
# Codes of videos that could not be looked at.
REFUSALS: Final = ("unknown_kind", "unreadable", "no_picture", "unknown_codec", "too_many_pixels")
READINGS: Final = ("off", "done", "stopped")
MOST_FINDINGS: Final = 60
MOST_PICTURES: Final = 12
MOST_PICTURE_BYTES: Final = 64 * 1024
MOST_NUMBERS: Final = 6
MOST_TIMES: Final = 10
LONGEST: Final = 24 * 3600.0
IMEI: Final = re.compile(r"\d{15}")
CODEC: Final = re.compile(r"[a-z0-9_]{2,16}")


class NotAReport(Exception):
    """The process said something else than a report."""


@dataclass(frozen=True, slots=True)
class Report:
    """``facts`` is plain JSON for the database; ``pictures`` are (seconds, JPEG) for the filmstrip."""

    facts: dict[str, Any]
    pictures: list[tuple[float, bytes]]


def checked(said: object) -> Report:
    """The report in what the process said. Raises ``NotAReport``."""
    try:
        return _checked(said)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise NotAReport(str(error)) from error


def _checked(said: object) -> Report:
    if not isinstance(said, dict):
        raise NotAReport("no object")
    took = {"seconds": _number(said["took"]["seconds"]), "peak_kib": int(_number(said["took"]["peak_kib"], 2**31))}
    if "refused" in said:
        return Report({"refused": _one_of(said["refused"], REFUSALS), "took": took}, [])
    facts = {
        "kind": _one_of(said["kind"], CONTENT_TYPES),
        "codec": _like(CODEC, said["codec"]),
        "width": int(_number(said["width"], 65535)),
        "height": int(_number(said["height"], 65535)),
        "seconds": _number(said["seconds"]),
        "frames": int(_number(said["frames"], 10**7)),
        "is_whole": said["is_whole"] is True,
        "light": _number(said["light"]),
        "sharp": _number(said["sharp"], 10**9),
        "findings": [_finding(each) for each in said["findings"][:MOST_FINDINGS]],
        "reading": _one_of(said["reading"], READINGS),
        "imeis": _imeis(said["imeis"]),
        "took": took,
    }
    pictures = [_picture(each) for each in said["pictures"][:MOST_PICTURES]]
    return Report(facts, pictures)


def _finding(said: Any) -> dict[str, Any]:
    code, begins, ends = said
    return {"code": _one_of(code, FINDINGS), "begins": _number(begins), "ends": _number(ends)}


def _picture(said: Any) -> tuple[float, bytes]:
    at, text = said
    if len(text) > MOST_PICTURE_BYTES * 4 // 3 + 4:
        raise ValueError("a large picture")
    jpeg = base64.b64decode(text, validate=True)
    if not jpeg.startswith(b"\xff\xd8\xff"):
        raise ValueError("no JPEG")
    return _number(at), jpeg


def _imeis(said: Mapping[str, Any]) -> dict[str, list[float]]:
    pairs = list(said.items())[:MOST_NUMBERS]
    return {_like(IMEI, number): [_number(at) for at in times[:MOST_TIMES]] for number, times in pairs}


def _number(said: Any, most: float = LONGEST) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said) or not 0 <= said <= most:
        raise ValueError("no number in its range")
    return float(said)


def _one_of(said: Any, known: Any) -> str:
    if not isinstance(said, str) or said not in known:
        raise ValueError("an unknown word")
    return said


def _like(pattern: re.Pattern[str], said: Any) -> str:
    if not isinstance(said, str) or not pattern.fullmatch(said):
        raise ValueError("an unknown word")
    return said
