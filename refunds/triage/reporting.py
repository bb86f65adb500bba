"""Puts together what the triage process says of one video."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

from refunds.triage import judging, measuring, reading
from refunds.triage.judging import Finding

STRIP_PICTURES: Final = 12
# Seconds of reading for a second of video: a minute of film is done in less than 35 seconds on a busy machine too.
READING_SHARE: Final = 0.35
READING_LEAST: Final = 12.0


def load(*, with_ocr: bool) -> Any | None:
    """Load all libraries; returns what reads digits, or None."""
    measuring.load()
    return reading.reader() if with_ocr else None


def report_on(source: IO[bytes], asked: Mapping[str, Any], ocr: Any | None) -> dict[str, Any]:
    """The report on a video, or why there is none, as plain JSON."""
    limits = measuring.Limits(float(asked["video_seconds"]), float(asked["work_seconds"]))
    try:
        found = measuring.measure(source, limits, keep_readable=ocr is not None)
    except measuring.NotAVideo as error:
        return {"refused": error.code}
    findings = judging.judge(
        found,
        short_side=int(asked["short_side"]),
        shortest=float(asked["shortest_seconds"]),
        longest=limits.video_seconds,
    )
    report: dict[str, Any] = {
        "kind": found.kind,
        "codec": found.codec,
        "width": found.width,
        "height": found.height,
        "seconds": round(found.seconds, 2),
        "frames": found.frames,
        "is_whole": found.is_whole,
        "light": round(sum(look.light for look in found.looks) / len(found.looks), 1),
        "sharp": round(sorted(look.sharp for look in found.looks)[len(found.looks) // 2], 1),
        "findings": [[each.code, round(each.begins, 2), round(each.ends, 2)] for each in findings],
        "pictures": [[round(at, 2), base64.b64encode(jpeg).decode()] for at, jpeg in _strip(found.pictures, findings)],
        "reading": "off",
        "imeis": {},
    }
    if ocr is not None:
        budget = min(float(asked["ocr_seconds"]), max(READING_LEAST, READING_SHARE * found.seconds))
        numbers, is_through = reading.read(ocr, found.readable, wanted=str(asked["wanted"]), seconds=budget)
        report.update(imeis=numbers, reading="done" if is_through else "stopped")
    return report


def _strip(pictures: Sequence[tuple[float, bytes]], findings: Sequence[Finding]) -> list[tuple[float, bytes]]:
    """A dozen pictures: evenly spread, and those just after a finding begins."""
    step = max(1, -(-len(pictures) // (STRIP_PICTURES - 4)))
    chosen = set(range(0, len(pictures), step))
    for finding in findings:
        later = [place for place, (at, _jpeg) in enumerate(pictures) if at >= finding.begins]
        if len(chosen) < STRIP_PICTURES and later:
            chosen.add(later[0])
    return [pictures[place] for place in sorted(chosen)]
