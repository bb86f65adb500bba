"""The runner's parts: ports, folder, secrets, set-up steps, supervision."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.demo import ROOT, four_free_ports
from unlockshop.demo import run, run_supervisor
from unlockshop.demo.run_plan import Plan, Ports, Process, Step
from unlockshop.demo.run_secrets import DemoError, Secrets, load_secrets
from unlockshop.demo.run_supervisor import Child, Supervisor, backoff_seconds, how_it_ended


def plan_in(data: Path, **changes: object) -> Plan:
    return Plan(data=data, ports=Ports(8000), secrets=Secrets.new(), **changes)  # type: ignore[arg-type]


def python(code: str, name: str = "child") -> Process:
    return Process(name, name.capitalize(), [sys.executable, "-u", "-c", code], {"PATH": os.environ["PATH"]})


def supervise(tmp_path: Path, *processes: Process) -> tuple[Supervisor, list[str]]:
    said: list[str] = []
    return Supervisor(processes, tmp_path / "log", say=said.append, is_stopping=lambda: False), said


def wait_for(condition: object, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestStarting:
    def test_runner_needs_no_django(self) -> None:
        code = (
            "import sys, unlockshop.demo.run; print([m for m in ('django', 'celery', 'valkey') if m in sys.modules])"
        )
        printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert printed.stdout.strip() == "[]"

    def test_a_taken_port_is_named_with_a_way_out(self) -> None:
        base = four_free_ports()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", base + 2))
            taken.listen()
            with pytest.raises(DemoError, match=rf"port {base + 2}, which the demo bank needs.*PORT=\d+ make demo"):
                run.check_ports(Ports(base))

    @pytest.mark.parametrize("text", ["", "abc", "80", "65533", "8000.5", "-1", "٨٠٠٠"])
    def test_a_bad_port_is_refused(self, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as exit_:
            run.main([f"--port={text}"])
        assert exit_.value.code == 2
        assert "is not a port from 1024 to 65532" in capsys.readouterr().err

    def test_one_demo_per_folder(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with run.open_folder(tmp_path / "demo"):
            assert run.main(["--data-dir", str(tmp_path / "demo")]) == 1
            assert run.main(["--data-dir", str(tmp_path / "demo"), "--reset"]) == 1
        assert f"is running already (process {os.getpid()})" in capsys.readouterr().err

    def test_a_folder_of_others_is_left_alone(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "thesis.txt").write_text("years of work")

        assert run.main(["--data-dir", str(tmp_path), "--reset"]) == 1
        assert run.main(["--data-dir", str(tmp_path)]) == 1

        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
        assert "files that the demo did not make" in capsys.readouterr().err

    def test_reset_empties_the_folder_and_follows_no_link(self, tmp_path: Path) -> None:
        kept = tmp_path / "kept"
        kept.mkdir()
        (kept / "file").touch()
        data = tmp_path / "demo"
        run.open_folder(data).close()
        (data / "shop.sqlite3").touch()
        (data / "log").mkdir()
        (data / "link").symlink_to(kept)

        assert run.main(["--data-dir", str(data), "--reset"]) == 0

        assert list(data.iterdir()) == []
        assert (kept / "file").exists()

    def test_check_says_that_all_is_well(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        base = four_free_ports()
        assert run.main(["--check", "--port", str(base), "--data-dir", str(tmp_path / "demo")]) == 0
        assert f"ports {base} to {base + 3} are free" in capsys.readouterr().out


class TestSecrets:
    def test_made_once_and_private(self, tmp_path: Path) -> None:
        first = load_secrets(tmp_path)

        assert load_secrets(tmp_path) == first
        assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
        assert first != Secrets.new()
        assert first.stripe_key.startswith("sk_test_")

    def test_data_without_its_secrets_is_not_touched(self, tmp_path: Path) -> None:
        (tmp_path / "shop.sqlite3").touch()
        with pytest.raises(DemoError, match="make demo-reset"):
            load_secrets(tmp_path)

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"secret_key": 1}', "\0"])
    def test_damaged_secrets_are_a_sentence(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "secrets.json").write_text(text)
        with pytest.raises(DemoError, match="cannot be read"):
            load_secrets(tmp_path)


class TestPlan:
    def test_the_callers_environment_stays_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://production")
        monkeypatch.setenv("STRIPE_API_KEY", "sk_live_real")
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "elsewhere")

        env = plan_in(tmp_path).environment()

        assert env["DATABASE_URL"] == f"sqlite:///{tmp_path / 'shop.sqlite3'}"
        assert env["STRIPE_API_KEY"].startswith("sk_test_")
        assert "DJANGO_SETTINGS_MODULE" not in env
        for process in plan_in(tmp_path).processes():
            assert not {"sk_live_real", "postgres://production"} & set(process.env.values())

    def test_many_purchases_may_come_from_this_machine(self, tmp_path: Path) -> None:
        assert plan_in(tmp_path).environment()["PURCHASES_PER_HOUR"] == "500"

    def test_a_setting_can_be_added(self, tmp_path: Path) -> None:
        assert plan_in(tmp_path, settings={"SWEEP_SECONDS": "1"}).environment()["SWEEP_SECONDS"] == "1"

    def test_a_step_changes_with_its_inputs_only(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("unlockshop.demo.run_plan.ROOT", tmp_path)
        file = tmp_path / "folder" / "file.py"
        file.parent.mkdir()
        file.write_text("one")
        step = Step("A step", ["true"], inputs=[file.parent, tmp_path / "missing"])
        before = step.fingerprint()
        (file.parent / "__pycache__").mkdir()
        (file.parent / "__pycache__" / "file.pyc").touch()

        assert step.fingerprint() == before
        file.write_text("two")
        assert step.fingerprint() != before
        assert Step("A step", ["false"]).fingerprint() != Step("A step", ["true"]).fingerprint()


class TestSetUp:
    def set_up(self, plan: Plan, steps: list[Step], monkeypatch: pytest.MonkeyPatch) -> None:
        plan.logs.mkdir(exist_ok=True)
        monkeypatch.setattr(Plan, "steps", lambda _self: steps)
        run.set_up(plan, run.Progress(len(steps)), run.Stop())

    def test_what_was_done_is_not_done_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        plan = plan_in(tmp_path)
        counter = tmp_path / "count"
        (tmp_path / "shop.sqlite3").touch()
        steps = [Step("Count", [sys.executable, "-c", f"open({str(counter)!r}, 'a').write('x')"])]

        for _ in range(3):
            self.set_up(plan, steps, monkeypatch)
        assert counter.read_text() == "x"

        (tmp_path / "shop.sqlite3").unlink()
        self.set_up(plan, steps, monkeypatch)
        assert counter.read_text() == "xx"

    def test_a_failing_step_shows_its_output_and_is_tried_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps = [Step("Break", [sys.executable, "-c", "raise SystemExit('the disk is on fire')"])]
        for _ in range(2):
            with pytest.raises(DemoError, match="“Break” failed:\nthe disk is on fire"):
                self.set_up(plan_in(tmp_path), steps, monkeypatch)


class TestSupervisor:
    def test_a_killed_child_comes_back(self, tmp_path: Path) -> None:
        supervisor, said = supervise(tmp_path, python("import time; time.sleep(60)"))
        (child,) = supervisor.children
        child.start()
        first = supervisor.pids()["child"]

        os.kill(first, signal.SIGKILL)
        wait_for(lambda: supervisor.watch_once() or supervisor.pids().get("child", first) != first)

        assert said[0].startswith("Child was killed by SIGKILL; starting it again in 0.5 s")
        assert said[1] == "Child: started again."
        supervisor.stop()
        assert child.popen is not None
        assert child.popen.poll() is not None

    def test_a_silent_child_is_replaced(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run_supervisor, "SILENCE_SECONDS", 0.3)
        beat = tmp_path / "beat"
        base = python(f"open({str(beat)!r}, 'w'); import time; time.sleep(60)")
        silent = Process(base.name, base.title, base.command, base.env, heartbeat=beat)
        supervisor, said = supervise(tmp_path, silent)
        supervisor.children[0].start()
        supervisor.wait_until_up(supervisor.children[0])

        wait_for(lambda: supervisor.watch_once() or said)

        assert "gave no sign of life" in said[0]
        supervisor.stop()

    def test_grandchildren_of_a_dead_child_go_too(self, tmp_path: Path) -> None:
        code = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid); raise SystemExit(3)"
        supervisor, said = supervise(tmp_path, python(code))
        (child,) = supervisor.children
        child.start()
        wait_for(lambda: supervisor.watch_once() or said)

        grandchild = int(child.log.read_text().split()[0])
        wait_for(lambda: not _is_running(grandchild))
        assert "exited with code 3" in said[0]

    def test_a_child_that_dies_at_the_start_shows_its_log(self, tmp_path: Path) -> None:
        supervisor, _ = supervise(
            tmp_path, Process("bad", "Bad", [sys.executable, "-c", "exit('no luck')"], {}, port=9)
        )
        supervisor.children[0].start()
        with pytest.raises(DemoError, match=r"(?s)Bad exited with code 1.*no luck"):
            supervisor.wait_until_up(supervisor.children[0])

    def test_a_child_that_never_gets_up_is_given_up(self, tmp_path: Path) -> None:
        sleeper = Process("slow", "Slow", [sys.executable, "-c", "import time; time.sleep(60)"], {}, port=9)
        supervisor, _ = supervise(tmp_path, sleeper)
        supervisor.children[0].start()
        with pytest.raises(DemoError, match=r"Slow was not up after 0 seconds"):
            supervisor.wait_until_up(supervisor.children[0], seconds=0.2)
        supervisor.stop()

    def test_stopping_insists(self, tmp_path: Path) -> None:
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(60)"
        supervisor, _ = supervise(tmp_path, python(deaf), python("import time; time.sleep(60)", "mild"))
        for child in supervisor.children:
            child.start()
        wait_for(lambda: "deaf" in supervisor.children[0].log.read_text())

        supervisor.stop(seconds=0.5)

        codes = [child.popen.returncode for child in supervisor.children if child.popen]
        assert codes == [-signal.SIGKILL, -signal.SIGTERM]

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
    def test_children_follow_a_killed_runner(self, tmp_path: Path) -> None:
        code = (
            "import subprocess, sys, time\n"
            "from unlockshop.demo.run_supervisor import die_with_parent\n"
            "p = subprocess.Popen(['sleep', '60'], start_new_session=True, preexec_fn=die_with_parent)\n"
            "print(p.pid, flush=True); time.sleep(60)"
        )
        parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        parent.stdout.close()
        wait_for(lambda: not _is_running(child))

    def test_a_long_log_is_cut_at_the_start(self, tmp_path: Path) -> None:
        (tmp_path / "log").mkdir()
        (tmp_path / "log" / "child.log").write_bytes(b"x" * (run_supervisor.MAX_LOG_BYTES + 1))
        supervisor, _ = supervise(tmp_path, python("pass"))
        assert supervisor.children[0].log.stat().st_size == 0

    def test_backoff_doubles_to_a_ceiling(self) -> None:
        assert [backoff_seconds(n) for n in (1, 2, 3, 7, 100)] == [0.5, 1, 2, 30, 30]

    def test_how_it_ended_is_said_in_words(self) -> None:
        assert [how_it_ended(code) for code in (0, 3, -9, -200)] == [
            "exited with code 0", "exited with code 3", "was killed by SIGKILL", "was killed by signal 200",
        ]  # fmt: skip

    def test_a_child_without_a_probe_is_up_at_once(self, tmp_path: Path) -> None:
        assert Child(python("pass"), tmp_path / "log").is_up()


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
