"""The sign of life of worker and beat, and the probe that reads it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from unlockshop import heartbeat


def aged(path: Path, seconds: float) -> Path:
    path.touch()
    moment = time.time() - seconds
    os.utime(path, (moment, moment))
    return path


def test_a_heart_touches_its_file_at_most_once_a_second(tmp_path: Path) -> None:
    file = tmp_path / "beat"
    heart = heartbeat.Heart(file)
    heart.beat(sender="a task")
    file.unlink()
    heart.beat(sender="a task")
    assert not file.exists()


def test_a_heart_never_fails_its_task(tmp_path: Path) -> None:
    heartbeat.Heart(tmp_path / "missing" / "beat").beat()


@pytest.mark.parametrize(("age", "code"), [(0, 0), (100, 0), (130, 1)])
def test_probe(tmp_path: Path, age: float, code: int) -> None:
    file = aged(tmp_path / "beat", age)
    assert heartbeat.main(["--file", str(file), "--max-age", "120"]) == code


def test_probe_before_the_first_beat_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(f"{os.getpid()}\n")
    assert heartbeat.main(["--file", str(tmp_path / "beat"), "--pid-file", str(tmp_path / "pid")]) == 1


@pytest.mark.parametrize(("age", "number"), [(130, signal.SIGTERM), (300, signal.SIGKILL)])
def test_probe_ends_a_stale_process(tmp_path: Path, age: float, number: signal.Signals) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        (tmp_path / "pid").write_text(f"{process.pid}\n")
        file = aged(tmp_path / "beat", age)
        assert heartbeat.main(["--file", str(file), "--max-age", "120", "--pid-file", str(tmp_path / "pid")]) == 1
        assert process.wait(timeout=10) == -number


@pytest.mark.parametrize("text", ["", "-1", "0", "abc", "99999999"])
def test_probe_with_an_odd_pid_file_harms_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    file = aged(tmp_path / "beat", 130)
    assert heartbeat.main(["--file", str(file), "--max-age", "120", "--pid-file", str(tmp_path / "pid")]) == 1


def test_probe_needs_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEARTBEAT_FILE", raising=False)
    with pytest.raises(SystemExit):
        heartbeat.main([])
