"""A server that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """One answer; ``hang_seconds`` waits before it, ``cut`` closes the connection without it."""

    status: int = 200
    body: bytes | str | dict[str, Any] = b""
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    hang_seconds: float = 0.0
    cut: bool = False

    @property
    def bytes(self) -> bytes:
        if isinstance(self.body, dict):
            return json.dumps(self.body).encode()
        return self.body.encode() if isinstance(self.body, str) else self.body


class Hostile:
    """``answer`` decides what is said; ``asked`` is everything that came."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Said] = lambda _: Said(200, {})
        self.done = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                outer.asked.append(asked)
                said = outer.answer(asked)
                outer.done.wait(said.hang_seconds)
                if said.cut:
                    return
                self.send_response(said.status)
                for name, value in {"Content-Type": said.kind, **said.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said.bytes)))
                self.end_headers()
                self.wfile.write(said.bytes)

            do_GET = do_POST = _any  # noqa: N815 - the names of http.server

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def hostile_server() -> Iterator[Hostile]:
    """The server until the block ends."""
    made = Hostile()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.done.set()
        made.server.shutdown()
        made.server.server_close()
