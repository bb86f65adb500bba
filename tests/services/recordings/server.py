"""A server on a raw socket that answers exactly what a test tells it to, and remembers what it was sent."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

Answering = Callable[[socket.socket], None]


def reply(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole HTTP response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class ScriptedServer:
    """One request per connection; ``answer`` is called with the socket once the request is in."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Answering = lambda _: None
        self.requests: list[bytes] = []
        self.connections = 0
        self.last_error: Exception | None = None
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/api/index.php"

    def says(self, *pieces: bytes) -> None:
        """Answer with these bytes, then close."""
        self.answer = lambda conn: [conn.sendall(piece) for piece in pieces] and None

    def form(self, number: int = -1) -> dict[str, str]:
        """The form of a request that came in."""
        body = self.requests[number].partition(b"\r\n\r\n")[2]
        return {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}

    def stop(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._handle, args=(conn,), daemon=True).start()

    def _handle(self, conn: socket.socket) -> None:
        conn.settimeout(20)
        try:
            if self._tls:
                conn = self._tls.wrap_socket(conn, server_side=True)
            with conn:
                request = _read_request(conn)
                if request:
                    self.requests.append(request)
                    self.answer(conn)
                # Let a client that was answered early close first: a reset would eat the answer.
                with contextlib.suppress(OSError):
                    conn.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.last_error = error


def _read_request(conn: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = conn.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    told = (line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    length = int(next(told, b"0"))
    while len(body) < length and (piece := conn.recv(65536)):
        body += piece
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def scripted(tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """A server for one test."""
    server = ScriptedServer(tls)
    try:
        yield server
    finally:
        server.stop()
