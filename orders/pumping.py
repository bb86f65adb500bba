"""Many calls to suppliers at once from one worker process, with rows claimed and outcomes recorded in batches.

The thread that runs ``pump`` alone touches the database. Its helpers only speak to suppliers, so a hundred calls
under way cost a hundred sockets and one connection. A line of work says how to take, call and record.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Final, Protocol, TypeVar

from django.conf import settings

from services import pacing
from services.models import Supplier

logger = logging.getLogger(__name__)

# A pump takes nothing new after this; then its task ends and lets others have the process.
TAKES_FOR_SECONDS: Final = 20.0
# Answers that come within this are recorded together.
GATHER_SECONDS: Final = 0.02
# While calls are under way, how often to look for more that is due.
LOOK_EVERY_SECONDS: Final = 0.25
# How often a line looks past rows whose supplier has no room left before it takes what it has.
LOOKS: Final = 3

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


class Line(Protocol[Job, Outcome]):
    """One line of work. ``take`` and ``record`` run in the pump's thread, ``call`` in any, without the database."""

    def take(self, room: Room) -> Sequence[Job]:
        """Claim due rows, at most what ``room`` has for their suppliers; commit; nothing when nothing is due."""

    def supplier_of(self, job: Job) -> int:
        """Whose room the job takes up."""

    def call(self, job: Job) -> Outcome:
        """Speak to the supplier. Never raises for what a supplier can do."""

    def record(self, outcomes: Sequence[tuple[Job, Outcome]]) -> None:
        """Write down what came of calls."""


class Room:
    """Calls that may still be begun from this process, in all and for each supplier."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flying: Counter[int] = Counter()

    def left(self) -> int:
        """Calls that may still be begun in all."""
        with self._lock:
            return int(settings.SUPPLIER_CALLS_AT_ONCE) - self._flying.total()

    def left_for(self, supplier: Supplier) -> int:
        """Calls that may still be begun to one supplier."""
        with self._lock:
            return supplier.calls_at_once - self._flying[supplier.pk]

    def enter(self, supplier_id: int) -> None:
        """One more call is under way."""
        with self._lock:
            self._flying[supplier_id] += 1

    def leave(self, supplier_id: int) -> None:
        """A call has ended."""
        with self._lock:
            self._flying[supplier_id] -= 1


class Turn:
    """One ``take``: which suppliers may get a call more, by their room in this process and their limit a minute.

    Lives in one transaction; ``settle`` counts the calls that were let in.
    """

    def __init__(self, room: Room, moment: datetime) -> None:
        self._room = room
        self.moment = moment
        self._begun: Counter[int] = Counter()
        self._limits: dict[int, int] = {}

    def left(self) -> int:
        """Calls that may still be begun in all."""
        return max(0, self._room.left() - self._begun.total())

    def admits(self, supplier: Supplier) -> bool:
        """Let one call to the supplier in, if it takes one more."""
        if supplier.pk not in self._limits:
            room, paced = self._room.left_for(supplier), pacing.left(supplier, self.moment)
            self._limits[supplier.pk] = room if paced is None else min(room, paced)
        if self._begun[supplier.pk] >= self._limits[supplier.pk]:
            return False
        self._begun[supplier.pk] += 1
        return True

    def take_back(self, supplier: Supplier) -> None:
        """A call that was let in is not made after all."""
        self._begun[supplier.pk] -= 1

    def settle(self) -> None:
        """Count what was let in against the suppliers' limits."""
        for supplier_id, calls in self._begun.items():
            pacing.count(supplier_id, calls)


def pump(line: Line[Job, Outcome], room: Room, *, seconds: float = TAKES_FOR_SECONDS) -> int:
    """Work on a line until nothing is due and nothing is under way; returns the number of calls made.

    Takes nothing new after ``seconds``. An error of ``take`` or ``record`` (a lost database) is raised once every
    call under way has ended; what could not be recorded is found by its lease.
    """
    until = time.monotonic() + seconds
    flying: dict[Future[Outcome], Job] = {}
    made = 0
    failure: Exception | None = None
    with ThreadPoolExecutor(settings.SUPPLIER_CALLS_AT_ONCE, thread_name_prefix="supplier-call") as pool:
        while True:
            try:
                if failure is None and time.monotonic() < until and room.left() > 0:
                    for job in line.take(room):
                        room.enter(line.supplier_of(job))
                        flying[pool.submit(line.call, job)] = job
                        made += 1
            except Exception as error:
                failure = error
            if not flying:
                break
            landed = _landed(flying)
            try:
                if landed:
                    line.record([(job, future.result()) for future, job in landed])
            except Exception as error:
                logger.exception("what came of %d calls could not be recorded", len(landed))
                failure = error
            finally:
                for _future, job in landed:
                    room.leave(line.supplier_of(job))
    if failure is not None:
        raise failure
    return made


def _landed(flying: dict[Future[Outcome], Job]) -> list[tuple[Future[Outcome], Job]]:
    """Calls that have ended, taken out of ``flying``; empty when none ended within ``LOOK_EVERY_SECONDS``."""
    done, _rest = wait(flying, timeout=LOOK_EVERY_SECONDS, return_when=FIRST_COMPLETED)
    if done and len(done) < len(flying):
        done, _rest = wait(flying, timeout=GATHER_SECONDS)
    return [(future, flying.pop(future)) for future in done]
