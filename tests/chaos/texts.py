"""Comparing texts across HTML, line breaks and encodings, and reading logs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import Final

_SCRIPT = re.compile(r"<script.*?</script>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")

_PREFIX = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ [A-Z]+ [\w.]+ ")

# Tracebacks that the faults themselves cause: the last line, and a file that must be among the frames.
EXPECTED: Final = (
    (re.compile(r"^billiard\.exceptions\.WorkerLostError: "), ""),
    (re.compile(r"^billiard\.einfo\.ExceptionWithTraceback"), "billiard/pool.py"),
    (re.compile(r"^BrokenPipeError: "), "billiard/process.py"),  # a pool child whose parent was killed
    # The broker was restarted.
    (re.compile(r"^redis\.exceptions\.ConnectionError: "), "redis/"),
    (re.compile(r"^(ConnectionRefusedError|ConnectionResetError|BrokenPipeError): "), "redis/"),
    (re.compile(r"^kombu\.exceptions\.OperationalError: "), "kombu/"),
    (re.compile(r"^amqp\.exceptions\.RecoverableConnectionError: channel disconnected"), "kombu/common.py"),
    # The clock's message found no broker; the next one follows a second later.
    (re.compile(r"^celery\.beat\.SchedulingError: .*(Connection|Broken pipe|Error \d+ while )"), "celery/beat.py"),
    (re.compile(r"^IndexError: pop from empty list"), "kombu/transport/virtual/base.py"),
    (re.compile(r"^AttributeError: 'NoneType' object has no attribute 'hostname'"), "kombu/transport/redis.py"),
)


def same_text(supplier: str, ours: str, *, within: bool = False) -> bool:
    """Whether two texts say the same, letters and digits compared; ``within``: the first is part of the second."""
    one, other = _letters(supplier), _letters(ours)
    return bool(one) and (one in other if within else one == other)


def _letters(text: str) -> str:
    plain = unescape(_TAG.sub(" ", _SCRIPT.sub(" ", text)))
    return "".join(c for c in plain.casefold() if c.isalnum())


def tracebacks(logs: Iterable[Path]) -> Iterator[str]:
    """File and last line of every traceback in the logs that no fault explains."""
    for log in logs:
        lines = [_PREFIX.sub("", line) for line in log.read_text(errors="replace").splitlines()]
        for start, line in enumerate(lines):
            if not line.lstrip().startswith("Traceback (most recent call last)"):
                continue
            frames, last = _read(lines[start + 1 :])
            if not any(pattern.match(last) and file in frames for pattern, file in EXPECTED):
                yield f"{log.name}: {last[:200]}"


def _read(lines: list[str]) -> tuple[str, str]:
    """The frames of a traceback, and the line that names the exception: the first that is not indented."""
    for count, line in enumerate(lines):
        if line.strip(" |+-") and not line.startswith((" ", "\t")):
            return "\n".join(lines[:count]), line.strip()
    return "\n".join(lines), "(cut off)"
