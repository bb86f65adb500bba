"""The processes of a run: started in groups of their own, started again when they die, never left behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

ROOT: Final = Path(__file__).resolve().parents[2]
RESTARTS_CAP: Final = 400
START_SECONDS: Final = 4.0
# In the environment of everything that a run starts: the log of the child it belongs to.
MARK: Final = "CHAOS_CHILD"
STILLBORN_CAP: Final = 5
_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class HarnessError(RuntimeError):
    """The run itself went wrong; nothing can be said about the shop."""


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent ends; Linux only."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One command that is to run. ``stopped`` means that it shall stay down for now."""

    def __init__(self, name: str, command: Sequence[str], env: dict[str, str], log: Path) -> None:
        self.name = name
        self.command = list(command)
        self.env = env
        self.log = log
        self.stopped = True
        self.starts = 0
        self.started_at = 0.0
        self.stillborn = 0
        # What it writes once it is at work, and where in its log this start begins.
        self.ready_mark = b""
        self.log_start = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.groups: set[int] = set()

    def start(self) -> None:
        """Start it, in a process group of its own that dies with this harness."""
        self.stopped = False
        self.starts += 1
        self.started_at = time.monotonic()
        with self.log.open("ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**self.env, MARK: str(self.log)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - this harness has one thread
            )
        self.groups.add(self.process.pid)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def is_settled(self) -> bool:
        """Up for long enough to be at work: killing what only starts proves little and starves the rest."""
        if not self.is_running or time.monotonic() - self.started_at < START_SECONDS:
            return False
        if not self.ready_mark:
            return True
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            return self.ready_mark in log.read()

    def signal_group(self, number: int) -> None:
        """Send a signal to the process and everything it started."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """kill -9, the whole tree. It is started again unless ``stopped``."""
        self.signal_group(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def stop(self, *, seconds: float = 10.0) -> None:
        """End it politely, then by force, and keep it down."""
        self.stopped = True
        if self.process is None:
            return
        self.signal_group(signal.SIGCONT)
        self.signal_group(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=seconds)
        self.kill()

    def pool(self) -> list[psutil.Process]:
        """Direct children: the pool of a Celery worker."""
        if self.process is None:
            return []
        try:
            return psutil.Process(self.process.pid).children()
        except psutil.Error:
            return []

    def bury(self) -> None:
        """Make sure that nothing of it is left, orphans of earlier starts included.

        In a long run numbers come round again: a group of an early start may be somebody else's now, a connection of
        the database's say. Only what carries this child's mark is killed.
        """
        for _ in range(2):  # twice, for what was just being started
            for process in psutil.process_iter():
                with suppress(psutil.Error, ProcessLookupError):
                    if os.getpgid(process.pid) in self.groups and process.environ().get(MARK) == str(self.log):
                        process.kill()
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5)


class Fleet:
    """All processes of a run by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: dict[str, Child] = {}
        self.exits: Counter[str] = Counter()

    def add(self, name: str, command: Sequence[str], env: dict[str, str]) -> Child:
        child = Child(name, command, env, self.folder / f"{name}.log")
        self.children[name] = child
        child.start()
        return child

    def __getitem__(self, name: str) -> Child:
        return self.children[name]

    def tend(self) -> None:
        """Start again what died. What never comes up is the harness's failure."""
        for child in self.children.values():
            if child.stopped or child.is_running or child.process is None:
                continue
            code = child.process.returncode
            if code not in {0, -signal.SIGKILL}:
                self.exits[f"{child.name} exit {code}"] += 1
                is_stillborn = time.monotonic() - child.started_at < 2 * START_SECONDS
                child.stillborn = child.stillborn + 1 if is_stillborn else 0
                if child.stillborn > STILLBORN_CAP:
                    raise HarnessError(f"{child.name} does not come up, see {child.log.name}")
            if child.starts > RESTARTS_CAP:
                raise HarnessError(f"{child.name} was started {child.starts} times")
            child.start()

    def bury(self) -> None:
        """Kill everything, whatever state it is in."""
        for child in self.children.values():
            child.stopped = True
        for child in self.children.values():
            child.bury()


def wait_until(is_true: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Poll until it is true; ``HarnessError`` when it does not become so."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise HarnessError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)
