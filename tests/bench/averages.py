"""What the averages of a page cost with 1,000,000 orders against 10,000: ``python -m tests.bench.averages``.

Makes two databases of its own on the PostgreSQL server that ``--database`` names and drops them again. Orders and
their ends are inserted in bulk; the ends are folded by the shop's own code. Both databases are then read by turns, and
each cost is that of the quietest tenth of the quietest turn, because other work on the machine only ever adds to it.
Prints what the averages of a catalogue page and of a service page cost at both sizes, and the ratios; ends with an
error where one is above 1.3.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

SMALL, LARGE = 10_000, 1_000_000
SERVICES, DAYS = 48, 40
TURNS, ROUNDS = 10, 200
PAGE = 24
MOST = 1.3


def main() -> None:
    """Fill both, read both by turns, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="postgres://postgres@127.0.0.1:5432/postgres")
    parser.add_argument("--large", type=int, default=LARGE)
    options = parser.parse_args()
    with _own_database(options.database, "small") as small, _own_database(options.database, "large") as large:
        os.environ.update(
            TEST_DATABASE_URL=urlunsplit(urlsplit(options.database)._replace(path=f"/{small}")),
            DJANGO_SETTINGS_MODULE="tests.settings",
        )
        import django  # noqa: PLC0415 - after the environment

        django.setup()
        worlds = [_World(small, SMALL), _World(large, options.large)]
        costs: list[dict[str, float]] = [{}, {}]
        for _ in range(TURNS):
            for world, cost in zip(worlds, costs, strict=True):
                for name, seconds in world.measure().items():
                    cost[name] = min(seconds, cost.get(name, seconds))
        for world, cost in zip(worlds, costs, strict=True):
            figures = ", ".join(f"{name} {seconds * 1000:.2f} ms" for name, seconds in cost.items())
            print(f"{world.size:>9,} orders, {world.rows():,} rows of averages: {figures}")
        ratios = {name: costs[1][name] / costs[0][name] for name in costs[0]}
        print(", ".join(f"{name}: {ratio:.2f} times the cost" for name, ratio in ratios.items()))
        worlds[1].leave()
    sys.exit(max(ratios.values()) > MOST)


@contextmanager
def _own_database(server: str, size: str) -> Iterator[str]:
    """The name of an empty database that is gone afterwards."""
    import psycopg2  # noqa: PLC0415

    name = f"bench_averages_{size}_{os.getpid()}"
    admin = psycopg2.connect(server.replace("postgres://", "postgresql://"))
    admin.autocommit = True
    cursor = admin.cursor()
    cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.close()


class _World:
    """Services with one supplier each, and completed orders of the last days."""

    def __init__(self, database: str, size: int) -> None:
        from django.core.management import call_command  # noqa: PLC0415

        from orders.states import OrderState  # noqa: PLC0415
        from tests import factories  # noqa: PLC0415

        self.database, self.size = database, size
        self.enter()
        call_command("migrate", verbosity=0)
        supplier = factories.make_supplier()
        self.services = [factories.make_service(supplier=supplier) for _ in range(SERVICES)]
        self.supplier = supplier.pk
        self.template = factories.make_order(OrderState.COMPLETED, service=self.services[0])
        self._fill()

    def enter(self) -> None:
        """Speak to this database from now on."""
        from django.db import connection  # noqa: PLC0415

        self.leave()
        connection.settings_dict["NAME"] = self.database

    def leave(self) -> None:
        """Let go of whichever database it is."""
        from django.db import connection  # noqa: PLC0415

        connection.close()

    def _fill(self) -> None:
        """Copy the one order, each copy ended on some day after some time, and fold the ends."""
        from django.db import connection  # noqa: PLC0415

        from orders import turnaround  # noqa: PLC0415

        first = min(service.pk for service in self.services)
        with connection.cursor() as cursor:
            purchases = self._copy(
                "orders_purchase",
                self.template.purchase_id,
                number="'P' || n", secret="'p' || n", draft_token="'d' || n", step=1000,
            )  # fmt: skip
            cursor.execute(purchases)
            cursor.execute(
                self._copy(
                    "orders_order",
                    self.template.pk,
                    number="'U' || n",
                    secret="'s' || n",
                    position="n % 1000 + 2",
                    step=1,
                    service_id=f"{first} + n % {SERVICES}",
                    purchase_id="(SELECT id FROM orders_purchase WHERE number = 'P' || (n / 1000 * 1000))",
                )
            )
            cursor.execute(
                f"""INSERT INTO orders_endedorder (order_id, service_id, supplier_id, result, submitted_at, ended_at)
                SELECT id, service_id, {self.supplier}, CASE WHEN id % 20 = 0 THEN 'unavailable' ELSE 'completed' END,
                    ended - interval '1 minute' * exp(3 + 3 * random()), ended
                FROM (SELECT id, service_id, now() - interval '1 day' * ((id / {SERVICES}) % {DAYS}) AS ended
                      FROM orders_order WHERE number ~ '^U[0-9]+$') AS o
                ORDER BY ended, service_id"""
            )
        turnaround.fold(limit=20_000)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    def _copy(self, table: str, pk: int, *, step: int, **changes: str) -> str:
        from django.apps import apps  # noqa: PLC0415

        model = next(model for model in apps.get_models() if model._meta.db_table == table)
        columns = [field.column for field in model._meta.local_concrete_fields if not field.primary_key]
        values = [changes.get(column, f"{table}.{column}") for column in columns]
        return (
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} "
            f"FROM {table}, generate_series(0, {self.size - 1}, {step}) AS n WHERE {table}.id = {pk}"
        )

    def rows(self) -> int:
        """How many rows the averages are read from."""
        from orders.models import ServiceTurnaround  # noqa: PLC0415

        self.enter()
        return int(ServiceTurnaround.objects.count())

    def measure(self) -> dict[str, float]:
        """Seconds for the averages of a catalogue page and of a service page."""
        from orders import averages  # noqa: PLC0415

        self.enter()
        page = self.services[:PAGE]
        return {
            "catalogue page": _cost(lambda: averages.attach(page)),
            "service page": _cost(lambda: averages.attach_all(page[0])),
        }


def _cost(call: Callable[[], object]) -> float:
    for _ in range(20):
        call()
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return statistics.quantiles(taken, n=10)[0]


if __name__ == "__main__":
    main()
