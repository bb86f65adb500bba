"""A small HTTP/1.1 server with keep-alive: a request object in, an answer object out."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

from unlockshop.demo.bank_store import dumps

MOST_BODY_BYTES = 8 * 1024 * 1024
IDLE_SECONDS = 75.0


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request. ``path`` is decoded, ``query`` is the raw text after the question mark."""

    method: str
    path: str
    query: str
    headers: Message
    body: bytes

    def first(self, name: str) -> str:
        """The first value of a query parameter, or the empty text."""
        return parse_qs(self.query).get(name, [""])[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. With ``hang_seconds`` the connection is held that long and closed without an answer."""

    status: int
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    hang_seconds: float = 0.0


def json_answer(status: int, value: object, headers: dict[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, dumps(value).encode(), "application/json", headers or {})


def html_answer(status: int, text: str, policy: str) -> Answer:
    """A page under a content security policy, never cached."""
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin"}
    return Answer(status, text.encode(), "text/html; charset=utf-8", headers)


def redirect(target: str, status: int = 303) -> Answer:
    """Go elsewhere; 303 unless told."""
    return Answer(status, headers={"Location": target})


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine. Names are not looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether an address is plain http at this machine."""
    try:
        target = urlsplit(url)
        return url.isascii() and target.scheme == "http" and is_loopback(target.hostname or "") and target.port != 0
    except ValueError:
        return False


class Server(ThreadingHTTPServer):
    """One thread per open connection; all end with the process."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], respond: Callable[[Request], Answer]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.respond = respond
        self.stopping = threading.Event()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind without the name look-up of the base class."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of the bank's; anything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection."""

    protocol_version = "HTTP/1.1"
    server_version = "DemoBank"
    sys_version = ""
    timeout = IDLE_SECONDS
    wbufsize = 65536
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """Any GET."""
        self._answer()

    def do_HEAD(self) -> None:
        """Any HEAD: the GET answer without its body."""
        self._answer()

    def do_POST(self) -> None:
        """Any POST."""
        self._answer()

    def do_DELETE(self) -> None:
        """Any DELETE; nothing can be deleted, the routes say so."""
        self._answer()

    def _answer(self) -> None:
        body = self._body()
        if body is None:
            return
        method = "GET" if self.command == "HEAD" else self.command
        try:
            target = urlsplit(self.path)
            answer = self.server.respond(Request(method, unquote(target.path), target.query, self.headers, body))
        except Exception as error:
            # The process goes on; what was being written is undone by the transaction.
            self.log_error("%s %s: %r", self.command, self.path, error)
            fault = {"error": {"type": "api_error", "message": "The demo bank failed; see its log."}}
            answer = json_answer(500, fault)
        if answer.hang_seconds:
            self.server.stopping.wait(answer.hang_seconds)
            self.close_connection = True
            return
        self._send(answer)

    def _body(self) -> bytes | None:
        """The request's body; None when it was refused and answered."""
        text = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not (text.isascii() and text.isdigit()):
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
            return None
        length = int(text)
        if length > MOST_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return None
        return body

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send(Answer(status, status.phrase.encode(), headers={"Connection": "close"}))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of ordinary requests."""
