"""The customers of a run: they order, pay at the bank's page, come back or do not. A process of its own.

``python -m tests.chaos.customers`` may be killed at any moment and started again: every step can be repeated, and
``customers.done`` in the run's folder says who is through. Answers of the shop's web go to ``web.jsonl``.
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import django

from tests.chaos.shop import NotYet, Shop
from tests.chaos.ways import Script, script

THREADS: Final = 5
TRIES: Final = 150
logger = logging.getLogger("customers")


class Street:
    """Lets every customer act at their time, some at once."""

    def __init__(self, shop: Shop, planned: list[Any], started: float) -> None:
        self.shop = shop
        self.done_file = shop.folder / "customers.done"
        through = set(self.done_file.read_text().split()) if self.done_file.exists() else set()
        waiting = [p for p in planned if str(p.index) not in through]
        self.left = len(waiting)
        self._queue = [(started + p.at, p.index, 0, None, p) for p in waiting]
        heapq.heapify(self._queue)
        self._lock = threading.Lock()

    def walk(self) -> None:
        """One thread: take who is due, go one step, put them back."""
        while True:
            with self._lock:
                if not self.left:
                    return
                due = self._queue[0][0] if self._queue else time.time() + 0.2
                entry = heapq.heappop(self._queue) if self._queue and due <= time.time() else None
            if entry is None:
                time.sleep(min(0.1, max(0.01, due - time.time())))
                continue
            self._step(*entry[1:])

    def _step(self, index: int, tries: int, running: Script | None, planned: Any) -> None:
        running = running or script(self.shop, planned)
        wait = 1.0
        try:
            wait = next(running)
        except StopIteration:
            self._through(index)
            return
        except Exception as error:
            if not isinstance(error, NotYet):
                logger.exception("customer %s: %s", index, planned.way)
            tries, running = tries + 1, None
            if tries > TRIES:
                logger.error("customer %s gives up: %s", index, error)  # noqa: TRY400
                self._through(index)
                return
        with self._lock:
            heapq.heappush(self._queue, (time.time() + wait, index, tries, running, planned))

    def _through(self, index: int) -> None:
        with self._lock:
            with self.done_file.open("a") as done:
                done.write(f"{index}\n")
            self.left -= 1


def look_around(shop: Shop, base: str, street: Street) -> None:
    """Somebody is always looking at some page."""
    rng = random.Random(0)
    while street.left:
        pages = shop.pages[-50:]
        shop.visit(base + (rng.choice(pages) if pages and rng.random() < 0.7 else "/order-status-tracker/"))
        time.sleep(0.4)


def main() -> int:
    """Play the plan of ``CHAOS_PLAN`` (JSON: orders, seed, seconds, started) to its end."""
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    django.setup()
    from tests.chaos.plan import plan  # noqa: PLC0415

    told = json.loads(os.environ["CHAOS_PLAN"])
    shop = Shop(Path(told["folder"]), Path(told["folder"]) / "bank.sqlite3")
    planned = plan(orders=told["orders"], seed=told["seed"], seconds=told["seconds"])
    street = Street(shop, planned, told["started"])
    threads = [threading.Thread(target=street.walk, daemon=True) for _ in range(THREADS)]
    threads.append(threading.Thread(target=look_around, args=(shop, told["base"], street), daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
