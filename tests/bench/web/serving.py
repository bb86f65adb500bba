"""A Django app behind granian, started as the image starts it, and what its processes cost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.helpers.processes import free_port, wait_for

ROOT = Path(__file__).resolve().parents[3]


class Server:
    """One running app: its port, how long it took to its first page, and its workers' costs."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], started_in: float) -> None:
        self.port = port
        self.process = psutil.Process(process.pid)
        self.started_in = started_in

    def cpu(self) -> float:
        """Seconds of processor time of all workers so far."""
        times = [worker.cpu_times() for worker in self.process.children(recursive=True)]
        return sum(each.user + each.system for each in times)

    def memory(self) -> float:
        """MiB of the largest worker, with its share of what processes share."""
        return max(worker.memory_full_info().pss for worker in self.process.children()) / 2**20


@contextmanager
def serving(application: str, path: str, environment: Mapping[str, str]) -> Iterator[Server]:
    """``application`` answers on a port of its own until the block ends; ``path`` is asked until it answers."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*_command(), "--host", "127.0.0.1", "--port", str(port), application],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}{path}")
        yield Server(port, process, time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _command() -> list[str]:
    """What the image runs, without its address and its application."""
    command = re.search(r"^CMD \[(.*?)\]", (ROOT / "Dockerfile").read_text(), re.DOTALL | re.MULTILINE)
    assert command is not None
    words = re.findall(r'"([^"]+)"', command[1])
    kept = words[1:-1]
    for name in ("--host", "--port"):
        at = kept.index(name)
        del kept[at : at + 2]
    return [str(Path(sys.executable).with_name(words[0])), *kept]
