"""Starts the triage process for one video, waits so long and no longer, and checks what it says."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from refunds.triage.report import NotAReport, Report, checked

ROOT: Final = Path(__file__).resolve().parents[2]
# A dozen pictures and the numbers; more than this is no report.
MOST_OUTPUT: Final = 2 * 1024 * 1024

# A shorter video cannot show all that is asked for.
SHORTEST_SECONDS: Final = 10.0


class Failed(Exception):
    """The process gave no report; ``code`` is ``timed_out``, ``crashed`` or ``garbled``."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look for in a video.

    ``short_side`` in pixels is the least that the terms ask for, 0 for none; ``wanted`` the order's IMEI or empty.
    Seconds: less than ``shortest_seconds`` is told, ``video_seconds`` of the video are looked at, decoding works for
    ``work_seconds`` at most and reading digits for ``ocr_seconds``; after ``wall_seconds`` the process is killed.
    """

    short_side: int = 0
    wanted: str = ""
    with_ocr: bool = False
    shortest_seconds: float = SHORTEST_SECONDS
    video_seconds: float = 300
    work_seconds: float = 60
    ocr_seconds: float = 40
    wall_seconds: float = 120


def look(video: Path, asked: Asked) -> Report:
    """The report on a video. The process gets the open file, no secrets of ours, and no time to spare.

    Raises ``Failed``; whatever happened in the process ended with it. ``FileNotFoundError`` where there is no file.
    """
    settings = {
        "short_side": asked.short_side,
        "wanted": asked.wanted,
        "ocr": asked.with_ocr,
        "shortest_seconds": asked.shortest_seconds,
        "video_seconds": asked.video_seconds,
        "work_seconds": asked.work_seconds,
        "ocr_seconds": asked.ocr_seconds,
        "cpu_seconds": round(asked.wall_seconds * 2),
    }
    command = [sys.executable, "-B", "-m", "refunds.triage", json.dumps(settings)]
    with video.open("rb") as source:
        process = subprocess.Popen(  # noqa: S603 - our own module, with settings of ours
            command,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=_environment(),
            start_new_session=True,
        )
    try:
        said, complaints = _hear(process, asked.wall_seconds)
    finally:
        _kill(process)
    if process.returncode != 0:
        raise Failed("crashed", f"exit {process.returncode} {complaints[-300:].decode(errors='replace')}")
    try:
        return checked(json.loads(said))
    except (ValueError, RecursionError, NotAReport) as error:
        raise Failed("garbled", str(error)) from error


def _hear(process: subprocess.Popen[bytes], seconds: float) -> tuple[bytes, bytes]:
    """What the process writes to either pipe until it ends: no longer and no more than a report's worth."""
    until = time.monotonic() + seconds
    heard = {process.stdout: b"", process.stderr: b""}
    with selectors.DefaultSelector() as waiting:
        for pipe in heard:
            assert pipe is not None
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map():
            left = until - time.monotonic()
            ready = waiting.select(left) if left > 0 else []
            if not ready:
                raise Failed("timed_out")
            for key, _events in ready:
                piece = os.read(key.fd, 65536)
                heard[key.fileobj] += piece  # type: ignore[index]
                if not piece:
                    waiting.unregister(key.fileobj)
            if max(map(len, heard.values())) > MOST_OUTPUT:
                raise Failed("garbled", "too long")
    try:
        process.wait(max(0.1, until - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise Failed("timed_out") from error
    return heard[process.stdout], heard[process.stderr]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it may have started; it leads a group of its own."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait()


def _environment() -> dict[str, str]:
    """None of the shop's settings and keys; one thread for the arithmetic, which gains nothing from more."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
