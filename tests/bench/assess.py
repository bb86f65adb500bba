"""Refund decisions per second of one process: ``python -m tests.bench.assess [--rounds 10]``. A figure, not a test.

Every worked decision is taken again and again. Beside it stands what a bare look-up costs on the same machine at the
same time, a walk of ``STEPS`` keys through nested dictionaries: their ratio hardly moves with the machine.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import django

STEPS = 100
AIM = 2000


def main() -> None:
    """Print how many claims a second are decided, by wall clock and processor time, and what one costs in walks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10, choices=range(1, 101), metavar="1-100")
    rounds = parser.parse_args().rounds
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from refunds.policy.assessing import assess  # noqa: PLC0415 - after the set-up
    from refunds.policy.published import profiles  # noqa: PLC0415
    from tests.helpers.scenarios import all_scenarios  # noqa: PLC0415

    stored = all_scenarios()
    # Fresh facts each time: nothing that a claim works out is kept for the next.
    work = [(replace(each.facts), profiles()[each.profile]) for _ in range(rounds) for each in stored]
    tree = nested()
    busy_walk = _timed(walk, [(tree,)] * (len(work) * 10))[1] / 10
    wall, busy = _timed(assess, work)
    print(f"{len(stored)} worked decisions, {rounds} times each")
    print(f"decisions a second: {len(work) / wall:,.0f} by the clock, {len(work) / busy:,.0f} of processor time")
    print(f"one decision costs as much as {busy / busy_walk:,.1f} walks of {STEPS} keys")
    print(f"aim {AIM:,} a second: {'met' if len(work) / busy >= AIM else 'missed'}")


def nested() -> dict[str, Any]:
    """Dictionaries in each other, ``STEPS`` deep."""
    tree: dict[str, Any] = {}
    for _ in range(STEPS):
        tree = {"next": tree, "other": None}
    return tree


def walk(tree: dict[str, Any]) -> int:
    """Go down the whole way."""
    depth = 0
    while tree:
        tree, depth = tree["next"], depth + 1
    return depth


def _timed(call: Callable[..., object], work: Iterable[tuple[Any, ...]]) -> tuple[float, float]:
    """Seconds by the clock and of processor time."""
    wall, busy = time.perf_counter(), time.process_time()
    for each in work:
        call(*each)
    return time.perf_counter() - wall, time.process_time() - busy


if __name__ == "__main__":
    main()
