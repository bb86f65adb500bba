"""What the triage of a video costs: ``python -m tests.bench.triage [--ocr] [--seconds 60]``.

Prints the findings for each generated fault, then seconds of work per minute of video and peak memory for clips of
several sizes. With ``--ocr`` (needs the ``ocr`` extra) also IMEIs, for a clip that shows one and one that does not.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from refunds.triage.running import Asked, look
from tests.helpers import clips

# By name: what is drawn, how it is written, and whether its file is damaged afterwards.
FAULTS: dict[str, tuple[clips.Drawn, dict[str, Any], bool]] = {
    "good": (clips.scene, {}, False),
    "low_resolution": (partial(clips.scene, width=854, height=480), {}, False),
    "dark": (clips.between(4, 9, clips.darker), {}, False),
    "blurred": (clips.between(4, 9, clips.blurred), {}, False),
    "glaring": (clips.between(4, 9, clips.glaring), {}, False),
    "cut": (clips.cut_at(6, seed=2), {}, False),
    "cut (phone moved)": (clips.cut_at(6, shift=140), {}, False),
    "frozen": (clips.still_from(3, 9), {}, False),
    "too_short": (clips.scene, {"seconds": 6}, False),
    "too_long": (clips.scene, {"seconds": 20}, False),
    "gap": (clips.scene, {"missing": (4, 7)}, False),
    "damaged": (clips.scene, {}, True),
}
SIZES = {"1280x720": (1280, 720), "1920x1080": (1920, 1080), "3840x2160": (3840, 2160)}


def main() -> None:
    """Run it all and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ocr", action="store_true")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--sizes", nargs="*", default=["1280x720", "1920x1080"])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip"
        for name, (drawn, written, is_damaged) in FAULTS.items():
            clips.write(clip, drawn, **written)
            if is_damaged:
                clips.damage(clip)
            report = look(clip, Asked(short_side=720, video_seconds=15)).facts
            print(f"{name:20}", [(each["code"], each["begins"]) for each in report["findings"]])
        for name in asked.sizes:
            width, height = SIZES[name]
            for imei in (clips.IMEI, "") if asked.ocr else (clips.IMEI,):
                cost(clip, name, partial(clips.scene, width=width, height=height, imei=imei), asked)


def cost(clip: Path, name: str, drawn: clips.Drawn, asked: argparse.Namespace) -> None:
    """One clip of so many seconds at 30 pictures a second."""
    clips.write(clip, drawn, seconds=asked.seconds, rate=30)
    for with_ocr in {False, asked.ocr}:
        began = time.monotonic()
        report = look(clip, Asked(with_ocr=with_ocr, wanted=clips.IMEI, wall_seconds=600, ocr_seconds=300)).facts
        spent = (time.monotonic() - began) * 60 / asked.seconds
        read = f"{report['reading']} {report['imeis']}" if with_ocr else "not read"
        print(f"{name} {asked.seconds} s: {spent:.1f} s a minute, {report['took']['peak_kib'] // 1024} MiB, {read}")


if __name__ == "__main__":
    main()
