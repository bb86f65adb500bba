"""The published contracts as servers on this machine, and a relay that notes what the adapters ask of them.

steady answers for Stripe: it reads nested form fields, which prism cannot, and counts what is wrong with a request in
its header ``x-steady-error-count``. prism answers for PayPal and SendGrid, and refuses a wrong request. Both come from
``make contracts``; nothing is installed from here.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.helpers.contracts import contract
from tests.helpers.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "contracts" / "node_modules" / ".bin"
SUPPLEMENT = Path(__file__).with_name("supplement.json")
START_SECONDS = 60
STEADY = ("--reject-on-sdk-error=false", *(f"--validator-form-{kind}-format=brackets" for kind in ("array", "object")))
_HOP = frozenset({"connection", "content-length", "host", "transfer-encoding", "keep-alive"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, and what the validator said to it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    status: int
    said: dict[str, str]
    answer: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def faults(self) -> list[str]:
        """What is wrong with the request; empty for one that keeps the contract."""
        found = [text for name, text in self.said.items() if re.fullmatch(r"x-steady-error-\d+-message", name)]
        if found or self.said.get("x-steady-error-count", "0") != "0":
            return found or ["something that steady does not name"]
        # prism answers a violation with the status that the contract has for it.
        reason = self.said.get("sl-violations") or self.answer[:2000].decode("utf-8", "replace")
        return [] if self.status < 400 else [f"HTTP {self.status}: {reason}"]


class Validator:
    """A running validator. ``url`` is for the adapters and leads through the relay; ``seen`` is what they asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.seen: list[Exchange] = []
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._relay()

            def do_POST(self) -> None:
                self._relay()

            def _relay(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Exchange(self.command, self.path, dict(self.headers), body, 0, {}, b"")
                found = relay.ask(asked)
                relay.seen.append(found)
                self.send_response(found.status)
                for name, value in found.said.items():
                    if name not in _HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(found.answer)))
                self.end_headers()
                self.wfile.write(found.answer)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def ask(self, asked: Exchange) -> Exchange:
        """Put a request to the validator itself."""
        headers = {name: text for name, text in asked.headers.items() if name.lower() not in _HOP}
        headers["Accept-Encoding"] = "identity"
        answer = requests.request(
            asked.method, self.address + asked.target, headers=headers, data=asked.body or None, timeout=30,
            allow_redirects=False,
        )  # fmt: skip
        said = {name.lower(): text for name, text in answer.headers.items()}
        return replace(asked, status=answer.status_code, said=said, answer=answer.content)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def program(name: str) -> str:
    """Where a validator is installed, or a skip that says that it is not."""
    path = BIN / name
    if not path.exists():
        pytest.skip(f"NOT RUN: {name} is not installed (make contracts installs it; it needs npm)")
    return str(path)


def supplemented(name: str) -> dict[str, Any]:
    """A contract with what it lacks of the operations that the adapters use; see ``supplement.json``."""
    whole = copy.deepcopy(contract(name))
    for path, methods in json.loads(SUPPLEMENT.read_text())[name].items():
        for method, operation in methods.items():
            known = whole["paths"].setdefault(path, {}).setdefault(method, {})
            if known:
                known.setdefault("parameters", []).extend(operation["parameters"])
            else:
                known.update(operation)
    return whole


@contextmanager
def running(folder: Path, command: list[str], port: int) -> Iterator[Validator]:
    """A validator until the block ends. npm's programs start others, so the whole group is ended."""
    with (folder / f"{Path(command[0]).name}-{port}.txt").open("w+") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            env={name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR") if name in os.environ},
        )  # fmt: skip
        try:
            _wait(process, port, output)
            validator = Validator(f"http://127.0.0.1:{port}")
            try:
                yield validator
            finally:
                validator.close()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=15)


def _wait(process: subprocess.Popen[bytes], port: int, output: Any) -> None:
    """Until somebody listens. The first start reads a hundred files from the disk and takes its time."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}/", timeout=5)
            return
        if process.poll() is not None or time.monotonic() > deadline:
            output.seek(0)
            pytest.fail(f"the validator did not start:\n{output.read()[-2000:]}")
        time.sleep(0.05)


@contextmanager
def steady(folder: Path, name: str) -> Iterator[Validator]:
    """steady serving a contract."""
    binary, spec, port = program("steady"), _written(folder, name), free_port()
    with running(folder, [binary, "--host", "127.0.0.1", "-p", str(port), *STEADY, spec], port) as validator:
        yield validator


@contextmanager
def prism(folder: Path, name: str, *, upstream: str = "") -> Iterator[Validator]:
    """prism serving a contract, or standing before ``upstream`` and holding its answers to it as well."""
    binary, spec, port = program("prism"), _written(folder, name), free_port()
    way = ["proxy", spec, upstream] if upstream else ["mock", spec]
    with running(folder, [binary, *way, "--errors", "-h", "127.0.0.1", "-p", str(port)], port) as validator:
        yield validator


def _written(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text(json.dumps(supplemented(name)))
    return str(path)
