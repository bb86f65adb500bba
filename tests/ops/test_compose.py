"""docker-compose.yml without Docker: read it, then run its commands and health checks as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.demo import ROOT, four_free_ports
from unlockshop.demo.run_plan import broker_binary

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = [name for name in SERVICES if name != "migrate"]
OURS = ["migrate", "web", "worker", "media", "beat"]
FIELD_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def test_every_part_is_there() -> None:
    assert set(SERVICES) == {*OURS, "postgres", "broker", "cache"}


@pytest.mark.parametrize("name", LASTING)
def test_lasting_services_restart_and_are_looked_at(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= service["healthcheck"].keys()
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", SERVICES)
def test_dependencies_exist_and_can_come_true(name: str) -> None:
    for other, rule in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other == "migrate" else "service_healthy"
        assert rule["condition"] == expected
        assert other == "migrate" or "healthcheck" in SERVICES[other]


def test_volumes_are_declared_and_images_are_pinned() -> None:
    used = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])
    for name in ("postgres", "broker", "cache"):
        assert re.fullmatch(r"[a-z/]+:\d[\w.-]*", SERVICES[name]["image"])


def test_broker_forgets_nothing_and_cache_is_apart() -> None:
    assert SERVICES["broker"]["command"][1:] == [
        "--appendonly", "yes", "--maxmemory", "256mb", "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    for name in OURS:
        env = SERVICES[name]["environment"]
        assert env["REDIS_URL"].startswith("redis://broker:")
        assert env["CACHE_URL"].startswith("rediscache://cache:")
        assert env["DATABASE_URL"].startswith("postgres://unlockshop:${POSTGRES_PASSWORD")


def test_only_the_shop_is_reachable_and_only_from_this_host() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["127.0.0.1:8000:8000"]
    }


def test_image_and_compose_serve_alike() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    command = re.search(r"^CMD (\[.*?\])", dockerfile, flags=re.MULTILINE | re.DOTALL)
    assert command is not None
    assert yaml.safe_load(command[1].replace("\\\n", "")) == SERVICES["web"]["command"]


def test_image_copies_what_exists_and_runs_as_nobody_special() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, flags=re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert f"!{source}" in (ROOT / ".dockerignore").read_text().split()
    assert "--require-hashes" in dockerfile
    assert dockerfile.index("USER shop") < dockerfile.index("CMD [")


class Containers:
    """The services' commands in this host's stead: other ports and folders, else as written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = four_free_ports()
        base = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        self.env = {
            **base,
            "PATH": f"{Path(sys.executable).parent}:{base.get('PATH', '')}",
            "IGNORE_DOTENV": "True",
            "SECRET_KEY": "compose-test-compose-test-compose-test-compose-test",
            "FIELD_KEYS": FIELD_KEY,
            "DATABASE_URL": f"sqlite:///{folder / 'shop.sqlite3'}",
            "REDIS_URL": f"redis://127.0.0.1:{self.port + 1}/0",
            "STATIC_ROOT": str(folder / "static"),
            "BEAT_SCHEDULE_FILE": str(folder / "celerybeat-schedule"),
            "SWEEP_SECONDS": "1",
        }

    def here(self, command: list[str]) -> list[str]:
        moved = [part.replace("/tmp/", f"{self.folder}/").replace("8000", str(self.port)) for part in command]
        found = shutil.which(moved[0], path=self.env["PATH"])
        assert found, f"no program {moved[0]}"
        return [found, *moved[1:]]

    def env_of(self, name: str) -> dict[str, str]:
        replaced = {"DATABASE_URL", "REDIS_URL", "CACHE_URL"}
        own = {k: v for k, v in SERVICES[name]["environment"].items() if k not in replaced}
        return {**self.env, **{k: v.replace("/tmp/", f"{self.folder}/") for k, v in own.items()}}

    def run(self, command: list[str], name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.here(command),
            cwd=ROOT,
            env=self.env_of(name),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @contextmanager
    def up(self, name: str) -> Iterator[None]:
        """The service runs until the block ends, and has become healthy by its own health check."""
        service = SERVICES[name]
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                self.here(service["command"]), cwd=ROOT, env=self.env_of(name), stdout=log, stderr=log
            )
        try:
            deadline = time.monotonic() + 60
            while (probe := self.run(service["healthcheck"]["test"][1:], name)).returncode:
                end = (self.folder / f"{name}.log").read_text()[-2000:]
                assert process.poll() is None, end
                assert time.monotonic() < deadline, f"{probe.stdout}{probe.stderr[-500:]}{end}"
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def test_commands_and_health_checks_work(tmp_path: Path) -> None:
    containers = Containers(tmp_path)
    broker = [str(broker_binary()), *SERVICES["broker"]["command"][1:], "--bind", "127.0.0.1"]
    broker += ["--port", str(containers.port + 1), "--dir", str(tmp_path)]
    with (tmp_path / "broker.log").open("w") as log:
        valkey = subprocess.Popen(broker, stdout=log)
    try:
        migrated = containers.run(SERVICES["migrate"]["command"], "migrate")
        assert migrated.returncode == 0, migrated.stderr
        probe = SERVICES["worker"]["healthcheck"]["test"][1:]
        assert containers.run(probe, "worker").returncode == 1
        with containers.up("web"), containers.up("beat"), containers.up("worker"):
            pass
    finally:
        valkey.terminate()
        valkey.wait(timeout=30)


def test_settings_for_production_pass_djangos_own_checks(tmp_path: Path) -> None:
    containers = Containers(tmp_path)
    containers.env |= {"BASE_URL": "https://shop.example", "ALLOWED_HOSTS": "shop.example", "BEHIND_TLS_PROXY": "True"}
    checked = containers.run(["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"], "web")
    assert checked.returncode == 0, checked.stderr
