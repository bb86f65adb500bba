"""Proof that a worker or beat really works: a file touched by what it does, and a probe that looks at its age.

Beat touches it after each message it could publish, a worker after each task it finished. Since beat rings the
sweeps every few seconds, a fresh file on a worker means that beat, broker and worker all do their part. A process
that is connected but silent shows as stale, which a look at the process list would not tell.

``HEARTBEAT_FILE`` names the file; without it nothing is written. The probe, for containers and for the demo:

    python -m unlockshop.heartbeat --max-age 120
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "HEARTBEAT_FILE"
_EVERY_SECONDS: Final = 1.0


class Heart:
    """Touches one file, at most once a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._touched = float("-inf")

    def beat(self, **_signal: Any) -> None:
        """Note that something was done just now. A full disk must not fail a task."""
        moment = time.monotonic()
        if moment - self._touched < _EVERY_SECONDS:
            return
        self._touched = moment
        with contextlib.suppress(OSError):
            self._path.touch()


def connect() -> None:
    """Listen to Celery's signals in this process, if ``HEARTBEAT_FILE`` is set."""
    path = os.environ.get(VARIABLE, "")
    if not path:
        return
    from celery import signals  # noqa: PLC0415 - the probe below must start fast

    heart = Heart(Path(path))
    signals.task_postrun.connect(heart.beat, weak=False)
    signals.beat_init.connect(lambda **_: signals.after_task_publish.connect(heart.beat, weak=False), weak=False)


def age_seconds(path: Path) -> float | None:
    """Seconds since the last sign of life; None when there was none yet."""
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return None


def end_stale(pid_file: Path, *, is_urgent: bool) -> None:
    """SIGTERM, or SIGKILL when it is urgent, to the process whose id the file holds."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text(encoding="ascii").strip())
        if pid > 0:
            os.kill(pid, signal.SIGKILL if is_urgent else signal.SIGTERM)


def main(arguments: list[str] | None = None) -> int:
    """The probe: 0 when the file is fresh, 1 when it is stale or missing."""
    parser = argparse.ArgumentParser(description="Is this container's worker or beat alive?")
    parser.add_argument("--file", default=os.environ.get(VARIABLE, ""))
    parser.add_argument("--max-age", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--pid-file", type=Path, help="end the process named there when it is stale")
    options = parser.parse_args(arguments)
    if not options.file:
        parser.error(f"give --file or set {VARIABLE}")
    age = age_seconds(Path(options.file))
    if age is None:
        sys.stdout.write("no sign of life yet\n")
        return 1
    sys.stdout.write(f"last sign of life {age:.0f} s ago\n")
    if age <= options.max_age:
        return 0
    if options.pid_file is not None:
        end_stale(options.pid_file, is_urgent=age > 2 * options.max_age)
    return 1


if __name__ == "__main__":
    sys.exit(main())
