"""Asking a server for as many pages as it gives in a while, over connections that stay open."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from tests.bench.web.serving import Server

CONNECTIONS = 8
_address = count(1)
Ask = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Burst:
    """Requests a second, and milliseconds of the workers' processor time for one."""

    rate: float
    cpu: float


def get(path: str) -> bytes:
    """A visitor's GET; each comes from an address of its own, as a proxy says."""
    return _request("GET", path, b"", [f"X-Forwarded-For: {_visitor()}", "Accept: text/html"])


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A POST with these headers."""
    return _request("POST", path, body, [f"Content-Length: {len(body)}", *headers])


def in_turn(paths: Sequence[str]) -> Ask:
    """One path after the other, from the start again after the last."""
    numbers = count()
    return lambda: get(paths[next(numbers) % len(paths)])


def burst(server: Server, ask: Ask, *, seconds: float) -> Burst:
    """Ask over ``CONNECTIONS`` connections at once. Anything but 200 ends the run."""
    before, began = server.cpu(), time.perf_counter()
    counts: list[int] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            counts.append(sum(1 for _ in _answers(server.port, ask, began + seconds)))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    taken, done = time.perf_counter() - began, sum(counts)
    return Burst(done / taken, (server.cpu() - before) / done * 1000)


def latencies(server: Server, ask: Ask, *, number: int) -> list[float]:
    """Milliseconds for each of so many requests, one after the other."""
    taken = []
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        for _ in range(number):
            began = time.perf_counter()
            _one(line, ask())
            taken.append((time.perf_counter() - began) * 1000)
    return taken


def _answers(port: int, ask: Ask, until: float) -> Iterator[int]:
    with socket.create_connection(("127.0.0.1", port)) as line:
        while time.perf_counter() < until:
            yield _one(line, ask())


def _one(line: socket.socket, request: bytes) -> int:
    """Send one request and read its answer to the end; its length."""
    line.sendall(request)
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += _more(line)
    head = answer[:end].lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(f"{request[:120]!r} was answered {answer[:400]!r}")
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    left = length - (len(answer) - end - 4)
    while left > 0:
        left -= len(_more(line))
    return length


def _more(line: socket.socket) -> bytes:
    part = line.recv(65536)
    if not part:
        raise ConnectionError("the server closed the connection")
    return part


def _request(method: str, path: str, body: bytes, headers: Sequence[str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _visitor() -> str:
    number = next(_address)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
