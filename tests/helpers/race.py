"""Run one thing many times at once, on real connections, started together at a barrier."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection


def at_once(count: int, function: Callable[[int], Any]) -> list[Any]:
    """Results, or the exceptions, of ``function(0..count-1)`` run by ``count`` threads."""
    barrier = threading.Barrier(count)

    def run(n: int) -> Any:
        barrier.wait(timeout=30)
        try:
            return function(n)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def in_rounds(count: int, rounds: int, function: Callable[[int, int], Any]) -> list[list[Any]]:
    """By round, the results (or exceptions) of ``function(0..count-1, round)``; a barrier starts every round.

    The threads, and so their connections, last for all rounds.
    """
    barrier = threading.Barrier(count)

    def run(n: int) -> list[Any]:
        found = []
        try:
            for number in range(rounds):
                barrier.wait(timeout=60)
                try:
                    found.append(function(n, number))
                except Exception as error:
                    found.append(error)
        finally:
            connection.close()
        return found

    with ThreadPoolExecutor(count) as pool:
        by_thread = list(pool.map(run, range(count)))
    return [list(each) for each in zip(*by_thread, strict=True)]
