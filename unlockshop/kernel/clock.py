"""The one clock of the shop.

Business code asks ``now()``; leases ask ``database_now()`` so that workers on several hosts agree.
Tests freeze both with ``frozen(moment)``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

_frozen: list[datetime] = []
_last_reading: list[tuple[datetime, float]] = []


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _frozen[-1] if _frozen else timezone.now()


def database_now() -> datetime:
    """The present moment by the database server's clock, aware, in UTC.

    SQLite runs in this process, so there the host's clock is the database's clock.
    """
    if _frozen or connection.vendor != "postgresql":
        return now()
    asked = _uptime()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    _last_reading[:] = [(moment, asked)]
    return moment


def database_now_unasked() -> datetime:
    """``database_now`` for threads that must not touch the database: the last reading of this process, gone on.

    Never early: the reading counts from before it was asked for, and goes on while the process is stopped or the
    machine sleeps.
    """
    if _frozen or connection.vendor != "postgresql" or not _last_reading:
        return database_now()
    moment, asked = _last_reading[0]
    return moment + timedelta(seconds=_uptime() - asked)


def _uptime() -> float:
    """Seconds on a clock that nobody sets and that no pause of the process or the machine stops."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Hold the clock at ``moment`` (aware) for the whole process. For tests."""
    _frozen.append(moment)
    try:
        yield
    finally:
        _frozen.pop()
