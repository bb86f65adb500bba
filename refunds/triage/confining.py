"""Limits that the process sets itself, so that a hostile video finds little to use up and nothing to reach."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Final

# Address space, not memory in use: libraries and thread stacks count. What reads digits maps more.
ADDRESS_SPACE: Final = 2 << 30
ADDRESS_SPACE_WITH_OCR: Final = 4 << 30
THREADS: Final = 2
# Opened here: later nothing can be opened.
_STATUS: Final = Path("/proc/self/status").open(encoding="ascii")  # noqa: SIM115 - for the life of the process


def confine(*, cpu_seconds: int, address_space: int) -> None:
    """Bound processor time and memory; write no file and no core. For the rest of the process's life."""
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    _limit(resource.RLIMIT_AS, address_space)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    os.nice(5)


def close_the_door() -> None:
    """From here on no file, device or socket can be opened: all that is needed must be open and loaded."""
    used = max((int(each.name) for each in Path("/dev/fd").iterdir()), default=63)
    _limit(resource.RLIMIT_NOFILE, used)


def peak_kib() -> int:
    """The most memory that the process has held so far, in KiB.

    ``getrusage`` would count what its parent held when it was started.
    """
    _STATUS.seek(0)
    found = [line.split()[1] for line in _STATUS if line.startswith("VmHWM:")]
    return int(found[0])


def _limit(what: int, amount: int) -> None:
    _soft, hard = resource.getrlimit(what)
    ceiling = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
    resource.setrlimit(what, (ceiling, ceiling))
