"""The faults that strike processes and broker while orders flow. One clock, one seeded source of chance."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tests.chaos.processes import Child
from tests.chaos.world import WORKERS, World

KILL_EVERY: Final = (0.5, 1.5)
TARGETS: Final = {"pool child": 64, "worker tree": 10, "worker parent, pool orphaned": 4, "web": 12, "beat": 10}
PAUSE_EVERY: Final = (5.0, 9.0)
PAUSE_SECONDS: Final = (1.0, 5.0)
SUPPLIER_DOWN_SECONDS: Final = 15.0
SUPPLIER_PAUSE_SECONDS: Final = 6.0
BANK_DOWN_SECONDS: Final = 6.0
# Share of the customers' time at which something happens once.
ONCE: Final = (
    (0.15, "supplier paused"), (0.25, "broker flushed"), (0.35, "supplier down"), (0.5, "broker flushed"),
    (0.6, "bank down"), (0.7, "supplier paused"), (0.8, "broker flushed"), (0.45, "broker restarted"),
)  # fmt: skip


class Storm:
    """Call ``step`` often; it does what is due. ``stop`` undoes what would last."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = random.Random(f"storm:{world.options.seed}")
        self.counts: Counter[str] = Counter()
        began = time.monotonic()
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._at(began + self._kill_pause(), self._kill)
        self._at(began + self.rng.uniform(*PAUSE_EVERY), self._pause_worker)
        actions = {
            "supplier paused": self._pause_supplier,
            "broker flushed": self._flush,
            "supplier down": self._supplier_down,
            "bank down": self._bank_down,
            "broker restarted": self._restart_broker,
        }
        for share, name in ONCE:
            self._at(began + share * world.seconds, actions[name])

    def _at(self, moment: float, action: Callable[[], None]) -> None:
        self._due.append((moment, action))

    def step(self) -> None:
        """Let happen what is due by now."""
        moment = time.monotonic()
        due = [entry for entry in self._due if entry[0] <= moment]
        self._due = [entry for entry in self._due if entry[0] > moment]
        for _, action in due:
            action()

    def stop(self) -> None:
        """No more faults; nothing stays paused or down."""
        self._due.clear()
        for name in (*WORKERS, "supplier"):
            self.world.fleet[name].signal_group(signal.SIGCONT)
        for name in ("supplier", "bank"):
            self.world.fleet[name].stopped = False

    def _kill(self) -> None:
        kind = self.rng.choices(list(TARGETS), list(TARGETS.values()))[0]
        worker = self.world.fleet[self.rng.choice(WORKERS)]
        pick = self.rng.random()
        child = self.world.fleet[kind] if kind in {"web", "beat"} else worker
        if child.is_settled and self._strike(kind, child, pick):
            self.counts[f"kill -9 {kind}"] += 1
        self._at(time.monotonic() + self._kill_pause(), self._kill)

    def _kill_pause(self) -> float:
        """On a busy machine less is got done between two kills; it would never get anywhere."""
        return self.rng.uniform(*KILL_EVERY) * self.world.slowness

    def _strike(self, kind: str, child: Child, pick: float) -> bool:
        if kind == "worker parent, pool orphaned":
            assert child.process is not None
            child.process.kill()
        elif kind == "pool child":
            pool = child.pool()
            if not pool:
                return False
            with suppress(ProcessLookupError):
                os.kill(pool[int(pick * len(pool))].pid, signal.SIGKILL)
        else:
            child.kill()
        return True

    def _pause_worker(self) -> None:
        worker = self.world.fleet[self.rng.choice(WORKERS)]
        moment = time.monotonic()
        if worker.is_settled:
            worker.signal_group(signal.SIGSTOP)
            self.counts["SIGSTOP worker"] += 1
            self._at(moment + self.rng.uniform(*PAUSE_SECONDS), lambda: worker.signal_group(signal.SIGCONT))
        self._at(moment + self.rng.uniform(*PAUSE_EVERY), self._pause_worker)

    def _pause_supplier(self) -> None:
        """Longer than the shop waits for an answer: what was sent meanwhile is accepted late."""
        supplier = self.world.fleet["supplier"]
        supplier.signal_group(signal.SIGSTOP)
        self.counts["SIGSTOP supplier"] += 1
        self._at(time.monotonic() + SUPPLIER_PAUSE_SECONDS, lambda: supplier.signal_group(signal.SIGCONT))

    def _flush(self) -> None:
        self.world.flush()
        self.counts["broker flushed"] += 1

    def _supplier_down(self) -> None:
        self._down("supplier", SUPPLIER_DOWN_SECONDS)

    def _bank_down(self) -> None:
        self._down("bank", BANK_DOWN_SECONDS)

    def _down(self, name: str, seconds: float) -> None:
        """Kill it, and let it come back with the same store after a while."""
        child = self.world.fleet[name]
        child.stopped = True
        child.kill()
        self.counts[f"{name} down"] += 1

        def up() -> None:
            child.stopped = False

        self._at(time.monotonic() + min(seconds, self.world.seconds / 3), up)

    def _restart_broker(self) -> None:
        if "broker" in self.world.fleet.children:
            self.world.fleet["broker"].kill()
            self.counts["broker kill -9"] += 1
