"""Keeping child processes alive: start, wait until up, restart after a crash, stop in order.

Every child leads a session of its own, so that a Ctrl-C in the terminal reaches only the runner, and so that a
child's own children go with it. On Linux children also get SIGTERM when the runner itself dies by SIGKILL.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unlockshop.demo.run_plan import HOST, ROOT, Process
from unlockshop.demo.run_secrets import DemoError

MAX_LOG_BYTES: Final = 5 * 1024 * 1024
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 120.0
"""A child whose heart has not beaten for so long while the runner watched is replaced."""
CALM_SECONDS: Final = 60.0
"""A child that lived so long starts with the shortest back-off again."""
MAX_BACKOFF_SECONDS: Final = 30.0
_PR_SET_PDEATHSIG: Final = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Runs in a new child, before its program: ask the kernel for SIGTERM when the parent is gone."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def backoff_seconds(crashes: int) -> float:
    """Seconds to wait before start number ``crashes`` + 1: 0.5, 1, 2 … 30."""
    return float(min(MAX_BACKOFF_SECONDS, 0.5 * 2 ** min(crashes - 1, 10)))


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def port_is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
    return True


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2):
            return True
    except OSError:
        return False


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@dataclass(slots=True)
class Child:
    """A process of the plan and its present incarnation."""

    process: Process
    log: Path
    popen: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    crashes: int = 0
    start_again_at: float | None = None
    seen_beat: float = 0.0
    seen_beat_at: float = 0.0

    def start(self) -> None:
        """Start it; its output goes to the end of its log."""
        if self.process.heartbeat is not None:
            self.process.heartbeat.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(  # noqa: S603 - the plan's own commands
                self.process.command,
                env=dict(self.process.env),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - the runner has one thread
            )
        self.started_at = self.seen_beat_at = time.monotonic()
        self.seen_beat = 0.0
        self.start_again_at = None

    def is_up(self) -> bool:
        """Whether it does its work by now."""
        if self.process.heartbeat is not None:
            return self.process.heartbeat.exists()
        if self.process.url:
            return _answers(self.process.url)
        return self.process.port is None or _accepts(self.process.port)

    def silent_seconds(self) -> float:
        """Seconds of watching without a new sign of life. A suspended machine does not count."""
        if self.process.heartbeat is None:
            return 0.0
        with contextlib.suppress(OSError):
            beat = self.process.heartbeat.stat().st_mtime
            if beat != self.seen_beat:
                self.seen_beat, self.seen_beat_at = beat, time.monotonic()
        return time.monotonic() - self.seen_beat_at

    def signal(self, number: signal.Signals) -> None:
        """Signal it and everything it started."""
        if self.popen is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, number)

    def last_lines(self, count: int = 15) -> str:
        """The end of its log."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 8192))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-count:])


class Supervisor:
    """Looks after the children until it is told to stop."""

    def __init__(
        self,
        processes: Iterable[Process],
        logs: Path,
        *,
        say: Callable[[str], None],
        is_stopping: Callable[[], bool],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.children = [Child(process, logs / f"{process.name}.log") for process in processes]
        self._say = say
        self._is_stopping = is_stopping
        self._on_change = on_change
        for child in self.children:
            if child.log.exists() and child.log.stat().st_size > MAX_LOG_BYTES:
                os.truncate(child.log, 0)

    def pids(self) -> dict[str, int]:
        """The process ids by name, of those that run."""
        return {child.process.name: child.popen.pid for child in self.children if child.popen is not None}

    def wait_until_up(self, child: Child, *, seconds: float = START_SECONDS) -> None:
        """Return when it is up or the runner stops. Raises ``DemoError`` when it dies or takes too long."""
        deadline = time.monotonic() + seconds
        while not self._is_stopping():
            if child.popen is None or child.popen.poll() is not None:
                ended = how_it_ended(child.popen.returncode) if child.popen else "was not started"
                raise DemoError(f"{child.process.title} {ended}. The end of {child.log}:\n{child.last_lines()}")
            if child.is_up():
                return
            if time.monotonic() > deadline:
                raise DemoError(
                    f"{child.process.title} was not up after {seconds:.0f} seconds. "
                    f"The end of {child.log}:\n{child.last_lines()}"
                )
            time.sleep(0.1)

    def watch_once(self) -> None:
        """One look at every child: announce and replace those that died or fell silent."""
        for child in self.children:
            if child.start_again_at is not None:
                if time.monotonic() >= child.start_again_at:
                    child.start()
                    self._on_change()
                    self._say(f"{child.process.title}: started again.")
            elif child.popen is not None and child.popen.poll() is not None:
                self._crashed(child, how_it_ended(child.popen.returncode))
            elif child.silent_seconds() > SILENCE_SECONDS:
                child.signal(signal.SIGKILL)
                if child.popen is not None:
                    child.popen.wait()
                self._crashed(child, f"gave no sign of life for {SILENCE_SECONDS:.0f} seconds")

    def _crashed(self, child: Child, how: str) -> None:
        if time.monotonic() - child.started_at > CALM_SECONDS:
            child.crashes = 0
        child.crashes += 1
        # What the dead child had started must not hold its port or its work.
        child.signal(signal.SIGKILL)
        child.popen = None
        pause = backoff_seconds(child.crashes)
        child.start_again_at = time.monotonic() + pause
        self._on_change()
        self._say(f"{child.process.title} {how}; starting it again in {pause:g} s (see {child.log}).")

    def stop(self, *, seconds: float = STOP_SECONDS, is_urgent: Callable[[], bool] = lambda: False) -> None:
        """SIGTERM to all, last started first; SIGKILL to what is left after ``seconds`` or when it gets urgent."""
        running = [child for child in reversed(self.children) if child.popen is not None]
        for child in running:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while any(child.popen and child.popen.poll() is None for child in running):
            if time.monotonic() > deadline or is_urgent():
                break
            time.sleep(0.05)
        for child in running:
            child.signal(signal.SIGKILL)
            if child.popen is not None:
                child.popen.wait()
