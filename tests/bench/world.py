"""A database, a broker, a supplier and a worker for one measured run, with their rows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import redis
import requests

from tests.helpers.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
CONCURRENCY = 2


class World:
    """Everything a measurement needs; ``prepare`` comes before Django is loaded."""

    def __init__(self, database_url: str, redis_url: str, *, calls_at_once: int) -> None:
        self.supplier_port = free_port()
        self.supplier_url = f"http://127.0.0.1:{self.supplier_port}"
        self.redis = redis.Redis.from_url(redis_url)
        self.calls_at_once = calls_at_once
        os.environ.update(
            IGNORE_DOTENV="1", SECRET_KEY="bench" * 12, FIELD_KEYS="MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            DEMO="True", DEBUG="False", DEMO_WITHOUT_DEBUG="True", DATABASE_URL=database_url, REDIS_URL=redis_url,
            DJANGO_SETTINGS_MODULE="tests.bench.settings", BENCH_SUPPLIER=f"{self.supplier_url}/api/index.php",
            SUPPLIER_CALLS_AT_ONCE=str(calls_at_once), CONN_MAX_AGE="60", LOG_LEVEL="ERROR",
            PAYPAL_API_BASE="http://127.0.0.1:9", ALLOWED_HOSTS="localhost",
        )  # fmt: skip

    def prepare(self) -> None:
        """Load Django and make the tables."""
        import django  # noqa: PLC0415
        from django.core.management import call_command  # noqa: PLC0415
        from django.db import connection  # noqa: PLC0415

        django.setup()
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bench_row (id integer PRIMARY KEY, state integer, reference varchar(40))")

    @contextmanager
    def supplier(self) -> Iterator[None]:
        """The supplier's process."""
        process = subprocess.Popen([sys.executable, "-m", "tests.bench.supplier", str(self.supplier_port)], cwd=ROOT)
        try:
            for _ in range(200):
                try:
                    self.stats()
                    break
                except requests.ConnectionError:
                    time.sleep(0.05)
            yield
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def worker(self) -> Iterator[psutil.Process]:
        """One worker as production starts it, with two processes."""
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "--app", "unlockshop", "worker", "--pool", "prefork"),
                *("--concurrency", str(CONCURRENCY), "--loglevel", "ERROR", "--without-gossip", "--without-mingle"),
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(timeout=60)

    def stats(self) -> dict[str, Any]:
        """What the supplier counted since it was last asked."""
        told: dict[str, Any] = requests.get(f"{self.supplier_url}/stats", timeout=5).json()
        return told

    def answer_after(self, seconds: float) -> None:
        """How long the supplier takes from now on."""
        requests.get(f"{self.supplier_url}/delay/{seconds}", timeout=5)

    def make_orders(self, count: int) -> list[int]:
        """Paid orders that are due, copied from one that was placed and paid."""
        from django.forms.models import model_to_dict  # noqa: PLC0415

        from orders.models import Order  # noqa: PLC0415
        from services.models import Service, Supplier  # noqa: PLC0415
        from tests import factories  # noqa: PLC0415

        service = Service.objects.filter(slug="bench").first() or factories.make_service(
            slug="bench",
            supplier=factories.make_supplier(url=f"{self.supplier_url}/api/index.php", poll_seconds=3600),
        )
        # No limit of calls a minute: nothing rings again here for what was put off.
        Supplier.objects.update(calls_at_once=self.calls_at_once, calls_per_minute=0)
        # Devices of their own each time: one that has the service under way is not sold it again.
        first = Order.objects.count()
        model = factories.make_order(service=service, imeis=(factories.imei(first),))
        same = model_to_dict(model, exclude=("id", "purchase", "service", "position", "identifier"))
        rows = [
            Order(
                **same, purchase=model.purchase, service=service, position=n + 1, identifier=factories.imei(first + n)
            )
            for n in range(1, count)
        ]
        return [model.pk, *(order.pk for order in Order.objects.bulk_create(rows, batch_size=500))]

    def close(self) -> None:
        """Let go of the database, so that it can be dropped."""
        from django.db import connection  # noqa: PLC0415

        connection.close()
        self.redis.flushdb()
