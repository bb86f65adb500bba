"""The whole demo as a child of the tests, on free ports and in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def four_free_ports() -> int:
    """The first of four neighbouring ports that nobody listens on, below those the system hands out itself."""
    bases = list(range(20_000, 32_000, 4))
    random.shuffle(bases)
    for base in bases:
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + 4):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return base
    raise RuntimeError("no free ports")


@dataclass
class RunningDemo:
    """A started demo; ``addresses`` is what it says of itself."""

    data: Path
    process: subprocess.Popen[str]
    output: Path

    @property
    def addresses(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "addresses.json").read_text())
        return found

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@contextmanager
def running_demo(data: Path, *options: str, port: int | None = None, seconds: float = 120) -> Iterator[RunningDemo]:
    """``make demo`` without make until the block ends."""
    output = data.with_suffix(".txt")
    command = [
        sys.executable,
        "-m",
        "unlockshop.demo.run",
        "--data-dir",
        str(data),
        "--port",
        str(port or four_free_ports()),
    ]
    environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    with output.open("w") as out:
        process = subprocess.Popen(
            [*command, *options], cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, text=True
        )
    demo = RunningDemo(data, process, output)
    try:
        deadline = time.monotonic() + seconds
        while not (data / "addresses.json").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the demo did not start:\n{output.read_text()}")
            time.sleep(0.1)
        yield demo
    finally:
        if process.poll() is None:
            demo.stop(signal.SIGTERM)
