"""``make demo``: the whole shop on this machine, in one command and without keys.

    python -m unlockshop.demo.run [--port 8000] [--data-dir var/demo]

Sets up what is missing, starts broker, demo supplier, demo bank, shop, worker and beat, and keeps them running until
Ctrl-C. ``--reset`` empties the folder, ``--check`` only says whether a start would work.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from unlockshop.demo.run_plan import (
    HIGHEST_PORT,
    LOCK_NAME,
    ROOT,
    Plan,
    Ports,
    Step,
    broker_binary,
)
from unlockshop.demo.run_secrets import DemoError, load_secrets, write_private
from unlockshop.demo.run_supervisor import Child, Supervisor, die_with_parent, port_is_free

_STATE = "setup.json"
_ADDRESSES = "addresses.json"


class Stop:
    """Counts the signals that ask the demo to stop."""

    def __init__(self) -> None:
        self.count = 0

    def listen(self) -> None:
        """Note SIGINT, SIGTERM and SIGHUP from now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, *_: object) -> None:
        self.count += 1

    def is_asked(self) -> bool:
        return self.count > 0

    def is_urgent(self) -> bool:
        """Somebody pressed Ctrl-C a second time."""
        return self.count > 1


class Progress:
    """Numbered lines: what is being done, and when it is done, how long it took."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._number = 0

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        self._number += 1
        print(f"[{self._number:2}/{self._total}] {title} ", end="", flush=True)
        began = time.monotonic()
        try:
            yield
        except BaseException:
            print("... failed", flush=True)
            raise
        print(f"... done ({time.monotonic() - began:.1f} s)", flush=True)

    def skipped(self, title: str) -> None:
        self._number += 1
        print(f"[{self._number:2}/{self._total}] {title} ... nothing new", flush=True)


def say(text: str) -> None:
    """A line with the time, for what happens while the demo runs."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def check_ports(ports: Ports) -> None:
    """Raises ``DemoError`` naming the first port that is taken, and a way out."""
    for who, port in ports.named().items():
        if not port_is_free(port):
            bases = (base for base in range(9000, 60000, 1000) if base != ports.shop)
            other = next((base for base in bases if all(map(port_is_free, range(base, base + 4)))), 9000)
            raise DemoError(
                f"port {port}, which {who} needs, is taken by another program. Try other ports: PORT={other} make demo"
            )


def open_folder(data: Path) -> IO[str]:
    """Make the folder and lock it for as long as the result is open. Raises ``DemoError``."""
    if data.exists() and not (data / LOCK_NAME).exists() and any(data.iterdir()):
        raise DemoError(f"{data} holds files that the demo did not make; choose another --data-dir")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    data.chmod(0o700)
    lock = (data / LOCK_NAME).open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise DemoError(f"the demo in {data} is running already (process {owner}); Ctrl-C there stops it") from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def reset(data: Path) -> None:
    """Empty a folder that the demo made, unless it is in use."""
    if not data.exists():
        print(f"{data} is empty already.")
        return
    with open_folder(data):
        for path in data.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    print(f"{data} is empty now.")


def set_up(plan: Plan, progress: Progress, stop: Stop) -> None:
    """Run the steps that are not up to date. Raises ``DemoError`` with the output of one that fails."""
    state_file = plan.data / _STATE
    state: dict[str, str] = {}
    if (plan.data / "shop.sqlite3").exists():
        with contextlib.suppress(OSError, ValueError):
            state = dict(json.loads(state_file.read_text(encoding="utf-8")))
    for step in plan.steps():
        if stop.is_asked():
            return
        fingerprint = step.fingerprint()
        if state.get(step.title) == fingerprint:
            progress.skipped(step.title)
            continue
        with progress.step(step.title):
            _run_step(plan, step, stop)
        if not stop.is_asked():
            state[step.title] = fingerprint
            write_private(state_file, state)


def _run_step(plan: Plan, step: Step, stop: Stop) -> None:
    log = plan.logs / "setup.log"
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603 - the plan's own commands
            step.command,
            env={**plan.environment(), **step.extra_env},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - the runner has one thread
        )
        while child.poll() is None:
            if stop.is_asked():
                child.terminate()
                child.wait()
                return
            time.sleep(0.05)
    if child.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise DemoError(f"“{step.title}” failed:\n{end}")


def start_all(supervisor: Supervisor, progress: Progress, stop: Stop) -> None:
    """Start every child; the broker is up before anybody needs it."""
    broker, *others = supervisor.children
    broker.start()
    _wait(supervisor, broker, progress)
    for child in others:
        if not stop.is_asked():
            child.start()
    for child in others:
        if not stop.is_asked():
            _wait(supervisor, child, progress)


def _wait(supervisor: Supervisor, child: Child, progress: Progress) -> None:
    with progress.step(child.process.title):
        supervisor.wait_until_up(child)


def box(addresses: dict[str, Any]) -> str:
    """The addresses for the person at the terminal."""
    lines = [
        f"Shop            {addresses['shop']}",
        f"Order tracker   {addresses['tracker']}",
        f"Staff pages     {addresses['admin']}",
        f"   sign in as   {addresses['staff_email']}  password  {addresses['staff_password']}",
        f"Mailbox         {addresses['mailbox']}",
        f"Demo bank       {addresses['bank']}",
        f"Demo supplier   {addresses['supplier']}  (IMEIs that go wrong on purpose)",
        "",
        "Nothing leaves this machine: no money moves, no mail is sent.",
        "Try the IMEI 356938030000005. Ctrl-C stops everything.",
    ]
    width = max(map(len, lines))
    edge = f"+-{'-' * width}-+"
    return "\n".join([edge, *(f"| {line:<{width}} |" for line in lines), edge])


def run(plan: Plan, stop: Stop) -> None:
    """Set up, start, watch until asked to stop, stop."""
    plan.logs.mkdir(exist_ok=True)
    address_file = plan.data / _ADDRESSES
    address_file.unlink(missing_ok=True)
    is_ready = False

    def publish() -> None:
        if is_ready:
            processes = {"runner": os.getpid(), **supervisor.pids()}
            write_private(address_file, {**plan.addresses(), "processes": processes})

    progress = Progress(len(plan.steps()) + len(plan.processes()))
    set_up(plan, progress, stop)
    supervisor = Supervisor(plan.processes(), plan.logs, say=say, is_stopping=stop.is_asked, on_change=publish)
    try:
        if not stop.is_asked():
            start_all(supervisor, progress, stop)
        if not stop.is_asked():
            is_ready = True
            publish()
            print(f"\n{box(plan.addresses())}\n\nLogs: {plan.logs}", flush=True)
        while not stop.is_asked():
            supervisor.watch_once()
            time.sleep(0.25)
    finally:
        print("\nStopping ...", flush=True)
        address_file.unlink(missing_ok=True)
        supervisor.stop(is_urgent=stop.is_urgent)
    print("Stopped. The next start finds the data as it is now.", flush=True)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1024 <= int(text) <= HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1024 to {HIGHEST_PORT}")
    return int(text)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier()):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def options_from(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m unlockshop.demo.run", description="The shop's demo.")
    parser.add_argument("--port", type=_port, default=8000, help="the first of four neighbouring ports")
    parser.add_argument("--data-dir", type=Path, default=ROOT / "var" / "demo", help="where everything is kept")
    parser.add_argument(
        "--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="one more setting of the shop"
    )
    parser.add_argument("--supplier-options", type=shlex.split, default=[], metavar="OPTIONS")
    parser.add_argument("--bank-options", type=shlex.split, default=[], metavar="OPTIONS")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--check", action="store_true", help="only say whether a start would work")
    modes.add_argument("--reset", action="store_true", help="empty the folder and stop")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 after Ctrl-C or SIGTERM, 1 when the demo could not run."""
    options = options_from(arguments)
    data = options.data_dir.resolve()
    stop = Stop()
    try:
        if options.reset:
            reset(data)
            return 0
        binary = broker_binary()
        with open_folder(data):
            ports = Ports(options.port)
            check_ports(ports)
            if options.check:
                print(f"Ready to start: ports {ports.shop} to {ports.broker} are free, the broker is {binary.name}.")
                return 0
            plan = Plan(
                data=data,
                ports=ports,
                secrets=load_secrets(data),
                settings=dict(options.set),
                supplier_options=options.supplier_options,
                bank_options=options.bank_options,
            )
            stop.listen()
            print(f"Unlockshop demo. Its data is in {data}.\n", flush=True)
            run(plan, stop)
    except DemoError as error:
        failed = "was not emptied" if options.reset else "did not start"
        print(f"\nThe demo {failed}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
