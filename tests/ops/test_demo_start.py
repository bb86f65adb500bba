"""``make demo`` for real: everything up, a killed worker back, everything down, data kept."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import requests

from tests.helpers.demo import four_free_ports, running_demo


def test_demo_starts_survives_and_stops(tmp_path: Path) -> None:
    port = four_free_ports()
    data = tmp_path / "demo"
    with running_demo(data, port=port) as demo:
        addresses = demo.addresses
        for name in ("shop", "tracker", "admin", "mailbox", "payment_events", "supplier"):
            answer = requests.get(addresses[name], timeout=20)
            assert answer.status_code == 200, name
        secrets = (data / "secrets.json").read_bytes()
        first = addresses["processes"]

        os.kill(first["worker"], signal.SIGKILL)
        deadline = time.monotonic() + 90
        while demo.addresses["processes"].get("worker", first["worker"]) == first["worker"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        heartbeat = data / "worker.heartbeat"
        while not heartbeat.exists():
            assert time.monotonic() < deadline, (data / "log" / "worker.log").read_text()[-2000:]
            time.sleep(0.1)

        family = psutil.Process(demo.process.pid).children(recursive=True)
        assert len(family) >= 6
        assert demo.stop(signal.SIGINT) == 0
        assert not [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    printed = demo.output.read_text()
    assert "Worker was killed by SIGKILL" in printed
    assert printed.rstrip().endswith("Stopped. The next start finds the data as it is now.")
    assert not (data / "addresses.json").exists()

    with running_demo(data, port=port) as demo:
        assert (data / "secrets.json").read_bytes() == secrets
        assert demo.output.read_text().count("... nothing new") == 8
        assert demo.stop(signal.SIGTERM) == 0
