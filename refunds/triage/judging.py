"""From numbers to findings. The thresholds were chosen on generated clips; real films will ask for others.

Each finding is a code with the seconds it is about. None of them is a verdict: a person looks at the video.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from refunds.triage.measuring import Measured, Second

DARK: Final = 35.0
# A bright screen in a dark room can be read: then the darkness is no fault.
DARK_BRIGHTEST: Final = 100.0
GLARING: Final = 235.0
SHARP: Final = 150.0
# Worse than this for so many seconds in a row is told; a moment of it is how people film.
TOLD_AFTER: Final = 3
CUT_LEAST: Final = 4.0
CUT_TIMES: Final = 6.0
NEIGHBOURS: Final = 15
GAP_SECONDS: Final = 1.0
FROZEN: Final = 0.02
FROZEN_SECONDS: Final = 4.0
MOST_TOLD: Final = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """A code of this module, and from when to when, in seconds."""

    code: str
    begins: float = 0.0
    ends: float = 0.0


def judge(measured: Measured, *, short_side: int, shortest: float, longest: float) -> list[Finding]:
    """What is worth telling.

    ``short_side`` in pixels is the least that the order's terms ask for, 0 for none; ``shortest`` and ``longest`` are
    seconds.
    """
    found = []
    if min(measured.width, measured.height) < short_side:
        found.append(Finding("low_resolution"))
    if measured.seconds < shortest:
        found.append(Finding("too_short", 0.0, measured.seconds))
    if measured.seconds > longest:
        found.append(Finding("too_long", longest, measured.seconds))
    found += _spans(measured.looks, "dark", lambda look: look.light < DARK and look.bright < DARK_BRIGHTEST)
    found += _spans(measured.looks, "glaring", lambda look: look.light > GLARING)
    found += _spans(measured.looks, "blurred", _is_blurred)
    found += _cuts(measured.moves)
    found += _gaps(measured.moves)
    found += _frozen(measured.moves)
    if measured.errors:
        found.append(Finding("damaged"))
    return found


def _is_blurred(look: Second) -> bool:
    """A dark or a glaring picture is never sharp; that it is dark is what helps the customer."""
    return look.sharp < SHARP and DARK <= look.light <= GLARING


def _spans(looks: Sequence[Second], code: str, is_bad: Callable[[Second], bool]) -> list[Finding]:
    """Runs of bad seconds; a short video is told of shorter runs."""
    least = min(TOLD_AFTER, max(1, len(looks) // 2))
    found: list[Finding] = []
    run: list[float] = []
    for look in [*looks, None]:
        if look is not None and is_bad(look):
            run.append(look.at)
            continue
        if len(run) >= least:
            found.append(Finding(code, run[0], run[-1] + 1))
        run = []
    return found[:MOST_TOLD]


def _cuts(moves: Sequence[tuple[float, float]]) -> list[Finding]:
    """Frames that differ from the one before far more than their neighbours do: a scene that changes at once."""
    found: list[Finding] = []
    differences = [difference for _at, difference in moves]
    for place, (at, difference) in enumerate(moves):
        if difference <= CUT_LEAST:
            continue
        around = differences[max(0, place - NEIGHBOURS) : place] + differences[place + 1 : place + 1 + NEIGHBOURS]
        if not around or difference <= CUT_TIMES * max(statistics.median(around), 0.25):
            continue
        if not found or at - found[-1].begins > 1:
            found.append(Finding("cut", at, at))
    return found[:MOST_TOLD]


def _gaps(moves: Sequence[tuple[float, float]]) -> list[Finding]:
    """Seconds without any picture."""
    times = [0.0, *(at for at, _difference in moves)]
    pairs = pairwise(times)
    return [Finding("gap", before, after) for before, after in pairs if after - before > GAP_SECONDS][:MOST_TOLD]


def _frozen(moves: Sequence[tuple[float, float]]) -> list[Finding]:
    """Stretches in which nothing moves at all, as when a photo is filed as a video."""
    found: list[Finding] = []
    began: float | None = None
    before = 0.0
    for at, difference in [*moves, (-1.0, 255.0)]:
        if difference > FROZEN:
            if began is not None and before - began >= FROZEN_SECONDS:
                found.append(Finding("frozen", began, before))
            began = None
        elif began is None:
            began = before
        before = at
    return found[:MOST_TOLD]
