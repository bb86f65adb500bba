"""``make bench-forwarding``: how fast paid orders reach a supplier, beside a bare Celery task doing the same call.

All figures of one run come from this machine within minutes of each other; read the ratios, not the rates.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from tests.bench.world import CONCURRENCY, World

QUEUE = "celery"


@contextmanager
def database(kind: str, server: str) -> Iterator[str]:
    """The address of an empty database that is gone afterwards."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="unlockshop-bench-") as folder:
            yield f"sqlite:///{Path(folder) / 'shop.sqlite3'}"
        return
    name = f"bench_{secrets.token_hex(4)}"
    admin = psycopg2.connect(server.replace("postgres://", "postgresql://"))
    admin.autocommit = True
    admin.cursor().execute(f"CREATE DATABASE {name}")
    try:
        yield f"{server.rsplit('/', 1)[0]}/{name}"
    finally:
        admin.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.close()


class Bench:
    """Queues work while no worker runs, starts one, and reads the time off what it did."""

    def __init__(self, world: World, count: int) -> None:
        self.world = world
        self.count = count

    def drained(self, done: Callable[[], bool]) -> None:
        """Wait until the work is done; fails after ten minutes."""
        until = time.monotonic() + 600
        while not done():
            if time.monotonic() > until:
                raise SystemExit("the work did not end within ten minutes")
            time.sleep(0.1)

    def nothing(self) -> float:
        """Tasks a second that do nothing."""
        from tests.bench.tasks import nothing  # noqa: PLC0415

        self.ring(nothing, range(self.count))
        with self.world.worker():
            self.drained(lambda: self.world.redis.llen(QUEUE) < self.count)
            left, began = self.world.redis.llen(QUEUE), time.monotonic()
            while self.world.redis.llen(QUEUE):
                time.sleep(0.005)
            return left / (time.monotonic() - began)

    def bare(self) -> float:
        """Orders a second by a task that only claims, posts and updates."""
        from django.db import connection  # noqa: PLC0415

        from tests.bench.tasks import TABLE, bare  # noqa: PLC0415

        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {TABLE}")
            cursor.executemany(
                f"INSERT INTO {TABLE} VALUES (%s, 0, '')",
                [[n] for n in range(self.count)],
            )
        self.ring(bare, range(self.count))
        return self.rate_at_supplier(bare_done)

    def forward(self) -> float:
        """Paid orders a second that a supplier accepts and the shop has written down."""
        from orders.tasks import advance_order  # noqa: PLC0415

        self.ring(advance_order, self.world.make_orders(self.count))
        return self.rate_at_supplier(forwarded)

    def poll(self) -> float:
        """Status questions a second about orders in process, the answers written down."""
        from orders.models import Order  # noqa: PLC0415
        from orders.states import OrderState  # noqa: PLC0415
        from orders.tasks import advance_order  # noqa: PLC0415
        from unlockshop.kernel import clock  # noqa: PLC0415

        due = Order.objects.filter(state=OrderState.IN_PROCESS)[: self.count].values_list("pk", flat=True)
        Order.objects.filter(pk__in=list(due)).update(next_action_at=clock.now())
        self.ring(advance_order, due)
        return self.rate_at_supplier(polled)

    def ring(self, task: Any, ids: Sequence[int]) -> None:
        """Queue one task for each id."""
        for row_id in ids:
            task.apply_async((row_id,))

    def rate_at_supplier(self, done: Callable[[], bool]) -> float:
        """Calls a second, from the first that the supplier heard to the last."""
        self.world.stats()
        with self.world.worker():
            self.drained(done)
        told = self.world.stats()
        calls = sum(told["calls"].values())
        if calls != self.count:
            raise SystemExit(f"{calls} calls for {self.count} orders: {told}")
        return calls / float(told["seconds"])

    def memory(self, orders: int) -> tuple[float, float]:
        """MiB of the worker's processes after a tenth of so many orders, and after the last."""
        from orders.models import Order  # noqa: PLC0415
        from orders.states import OrderState  # noqa: PLC0415
        from orders.tasks import advance_order  # noqa: PLC0415

        before = Order.objects.filter(state=OrderState.IN_PROCESS).count()
        self.ring(advance_order, self.world.make_orders(orders))
        with self.world.worker() as worker:
            self.drained(lambda: Order.objects.filter(state=OrderState.IN_PROCESS).count() - before >= orders // 10)
            early = mebibytes(worker)
            self.drained(forwarded)
            return early, mebibytes(worker)


def bare_done() -> bool:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bench_row WHERE state < 2")
        return cursor.fetchone()[0] == 0


def forwarded() -> bool:
    from orders.models import Order  # noqa: PLC0415
    from orders.states import OrderState  # noqa: PLC0415

    return not Order.objects.filter(state__in=[OrderState.PAID, OrderState.SUBMITTING]).exists()


def polled() -> bool:
    from orders.models import Order  # noqa: PLC0415
    from orders.states import OrderState  # noqa: PLC0415
    from unlockshop.kernel import clock  # noqa: PLC0415

    soon = clock.now() + timedelta(minutes=10)
    return not Order.objects.filter(state=OrderState.IN_PROCESS, next_action_at__lt=soon).exists()


def mebibytes(worker: psutil.Process) -> float:
    """Memory that belongs to the worker and its children alone."""
    return sum(p.memory_full_info().uss for p in (worker, *worker.children(recursive=True))) / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--memory-orders", type=int, default=20_000, help="0 leaves the memory out")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--server", default="postgres://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/9")
    parser.add_argument("--calls-at-once", type=int, default=48)
    options = parser.parse_args()
    with database(options.database, options.server) as url:
        world = World(url, options.redis, calls_at_once=options.calls_at_once)
        world.redis.flushdb()
        world.prepare()
        with world.supplier():
            measure(world, options.orders, options.memory_orders)
        world.close()


def measure(world: World, orders: int, memory_orders: int) -> None:
    """One run, line by line."""
    bench = Bench(world, orders)
    print(f"{orders} orders, one worker with {CONCURRENCY} processes, {world.calls_at_once} calls at once from each")
    say("a task that does nothing", bench.nothing())
    bare = say("bare task, instant supplier", bench.bare())
    say("the shop, instant supplier", bench.forward(), bare)
    say("polls, instant supplier", bench.poll(), bare)
    world.answer_after(0.3)
    bench.count = min(orders, 200)
    bare = say("bare task, supplier takes 300 ms", bench.bare())
    bench.count = orders
    say("the shop, supplier takes 300 ms", bench.forward(), bare)
    say("polls, supplier takes 300 ms", bench.poll(), bare)
    world.answer_after(0)
    if memory_orders:
        early, late = bench.memory(memory_orders)
        print(f"worker memory, {memory_orders // 10} to {memory_orders} orders: {early:.0f} to {late:.0f} MiB")


def say(what: str, rate: float, bare: float = 0) -> float:
    """Print one figure and how it compares; returns it."""
    ratio = f"   {rate / bare:5.2f} of the bare task" if bare else ""
    print(f"{what:<34}{rate:8.1f} /s{ratio}", flush=True)
    return rate


if __name__ == "__main__":
    main()
