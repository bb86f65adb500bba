"""The staff of a run, and what customers and their banks do once money is in. A process of its own.

``python -m tests.chaos.staff`` may be killed at any moment, also by itself at a crash point, and started again: what
is left to do is read from the shop and from the bank. ``staff.jsonl`` tells what was done, for the report.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from queue import Empty, PriorityQueue
from typing import Any, Final

import django

from tests.chaos.shop import NotYet

THREADS: Final = 4
# Between two looks at the same purchase, and how long one is waited for whose customer is through.
LOOK_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 4.0
GRACE_SECONDS: Final = 15.0
logger = logging.getLogger("staff")


class Desk:
    """Takes up the story of every purchase that has one, again and again until it is told."""

    def __init__(self, folder: Path, bank: str, planned: list[Any], started: float) -> None:
        from tests.chaos.office import Office  # noqa: PLC0415

        self.folder = folder
        self.office = Office(folder, bank)
        self.left = len(planned)
        self._queue: PriorityQueue[tuple[float, int, Any]] = PriorityQueue()
        self._lock = threading.Lock()
        self._remembered: set[int] = set()
        self._untold = {each.index: f"{each.index} {each.story} {each.way} {each.provider}" for each in planned}
        for each in planned:
            self._queue.put((started + each.at, each.index, each))

    def work(self) -> None:
        """One thread."""
        while self.left > 0:
            try:
                due, index, planned = self._queue.get(timeout=0.2)
            except Empty:
                continue
            if due > time.time():
                self._queue.put((due, index, planned))
                time.sleep(0.1)
            elif self._is_told(planned):
                with self._lock:
                    self.left -= 1
                    self._untold.pop(index)
            else:
                self._say_what_is_left()
                pause = IDLE_SECONDS if index in self.office.told else LOOK_SECONDS
                self._queue.put((time.time() + pause, index, planned))

    def _is_told(self, planned: Any) -> bool:
        from tests.chaos import stories  # noqa: PLC0415
        from unlockshop.kernel.errors import ShopError  # noqa: PLC0415

        try:
            self._remember(planned)
            return stories.step(self.office, planned, is_through=self._is_through(planned))
        except (ShopError, NotYet) as error:
            self.office.note(f"not now: {type(error).__name__}")
        except Exception:
            logger.exception("%s: %s", planned.index, planned.story)
        return False

    def _say_what_is_left(self) -> None:
        """For whoever waits for the end of this process; a look at its file says which stories hold it up."""
        with self._lock:
            (self.folder / "staff.left").write_text("; ".join(self._untold.values()))

    def _remember(self, planned: Any) -> None:
        """Tell the harness of each story that has come to its end, once in this process."""
        if planned.story and planned.index in self.office.told - self._remembered:
            self._remembered.add(planned.index)
            with (self.folder / "staff.told").open("a") as told:
                told.write(f"{planned.index}\n")

    def _is_through(self, planned: Any) -> bool:
        """Whether the customer came to an end a while ago: what is not paid by now hardly ever will be."""
        done = self.folder / "customers.done"
        if not done.exists() or str(planned.index) not in done.read_text().split():
            return False
        return self.office.waited(("through", planned.index)) > GRACE_SECONDS


def main() -> int:
    """Play the stories of ``CHAOS_PLAN`` to their ends."""
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    django.setup()
    from tests.chaos.plan import plan  # noqa: PLC0415
    from tests.chaos.strangers import Stranger  # noqa: PLC0415

    told = json.loads(os.environ["CHAOS_PLAN"])
    folder = Path(told["folder"])
    planned = plan(orders=told["orders"], seed=told["seed"], seconds=told["seconds"])
    desk = Desk(folder, told["bank"], planned, told["started"])
    stranger = Stranger(folder, told["base"], told["bank"], seed=told["seed"])
    threading.Thread(target=stranger.knock_until, args=(lambda: not desk.left,), daemon=True).start()
    threads = [threading.Thread(target=desk.work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
