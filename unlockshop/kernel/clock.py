"""The one clock of the shop.

Business code asks ``now()``; leases ask ``database_now()`` so that workers on several hosts agree.
Tests freeze both with ``frozen(moment)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection
from django.utils import timezone

_frozen: list[datetime] = []


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _frozen[-1] if _frozen else timezone.now()


def database_now() -> datetime:
    """The present moment by the database server's clock, aware, in UTC.

    SQLite runs in this process, so there the host's clock is the database's clock.
    """
    if _frozen or connection.vendor != "postgresql":
        return now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Hold the clock at ``moment`` (aware) for the whole process. For tests."""
    _frozen.append(moment)
    try:
        yield
    finally:
        _frozen.pop()
