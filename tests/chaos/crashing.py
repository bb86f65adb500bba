"""Crash points that are counted: one line in ``CHAOS_CRASH_LOG`` before the process kills itself."""

from __future__ import annotations

import os
import random
import signal

from unlockshop.kernel import crash

_random = random.SystemRandom()


def crash_here(name: str) -> None:
    """As ``unlockshop.kernel.crash.crash_here``, but leaving a trace behind."""
    chance = crash._points().get(name)
    if not chance or _random.random() >= chance:
        return
    log = os.open(os.environ["CHAOS_CRASH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(log, f"{name}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


if "CHAOS_CRASH_LOG" in os.environ:
    crash.crash_here = crash_here
