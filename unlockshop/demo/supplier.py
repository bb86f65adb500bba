"""The demo supplier: a stand-alone process that speaks three suppliers' protocols and misbehaves on request.

It knows nothing of the shop. See docs/demo-supplier.md for the behaviour table and the options.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sqlite3
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from unlockshop.demo import dhru_wire as wire
from unlockshop.demo import supplier_catalogue as catalogue
from unlockshop.demo import supplier_page as page
from unlockshop.demo import supplier_rest as rest
from unlockshop.demo import supplier_unlockbase as unlockbase
from unlockshop.demo.supplier_actions import Reply, Supplier
from unlockshop.demo.supplier_behaviour import check_rates, example_imei
from unlockshop.demo.supplier_placing import Settings
from unlockshop.demo.supplier_store import Store

__all__ = ["SupplierServer", "example_imei", "main"]

_API_PATH = re.compile(r"(/[\w.-]+)*/+(api/)?index\.php")
"""{base}/api/index.php, {base}//api/index.php and {base}/index.php (section 1)."""
_DRAIN_BYTES = 8 * 1024 * 1024
"""How much of an oversize body is read and thrown away, so that the client gets to see the answer."""
_SETTLE_SECONDS = 0.5


class SupplierServer(ThreadingHTTPServer):
    """The listening socket. ``stop`` wakes every held-back reply, so that a shutdown is prompt."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], supplier: Supplier) -> None:
        self.supplier = supplier
        self.stop = threading.Event()
        super().__init__(address, Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that gave up waiting, and requests cut off by a shutdown, are no news."""
        if not self.stop.is_set() and not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def settle_until_stopped(self) -> None:
        """Keep the store's statuses true for readers of the file, also when nobody calls."""
        while not self.stop.wait(_SETTLE_SECONDS):
            try:
                self.supplier.store.settle()
            except sqlite3.Error as error:
                print(f"settling failed: {error}", file=sys.stderr)


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    protocol_version = "HTTP/1.1"
    server_version = "DemoSupplier"
    sys_version = ""
    timeout = 30
    server: SupplierServer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/":
            store = self.server.supplier.store
            text = page.render(self.server.supplier.services, store.latest(50), store.credit_cents())
            self._send(Reply(text.encode(), content_type="text/html; charset=utf-8"))
        elif path == "/healthz":
            self._send(Reply(b"ok", content_type="text/plain; charset=utf-8"))
        elif rest.PATH.fullmatch(path):
            self._settled(self._rest("GET", path, b""))
        elif _API_PATH.fullmatch(path):
            self._send(Reply(wire.encode(wire.error("Invalid access.")), HTTPStatus.METHOD_NOT_ALLOWED))
        else:
            self._send(Reply(b"Not found", HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8"))

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        is_rest, is_xml = rest.PATH.fullmatch(path), unlockbase.PATH.fullmatch(path)
        if not (is_rest or is_xml or _API_PATH.fullmatch(path)):
            self._send(Reply(b"Not found", HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8"))
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal() and len(length) <= 12):
            self._send(Reply(wire.encode(wire.error("Length required")), HTTPStatus.LENGTH_REQUIRED))
            return
        if int(length) > wire.MAX_BODY_BYTES:
            self._drain(min(int(length), _DRAIN_BYTES))
            refusal = wire.encode(wire.error("Request too large"))
            self._send(Reply(refusal, HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return
        if is_rest:
            self._settled(self._rest("POST", path, body))
            return
        try:
            fields = wire.form_fields(self.headers.get("Content-Type", ""), body)
        except wire.WireError as error:
            self._send(Reply(wire.encode(wire.error(str(error)))))
            return
        supplier = self.server.supplier
        self._settled(unlockbase.answer(supplier, fields) if is_xml else supplier.answer(fields))

    def _rest(self, method: str, path: str, body: bytes) -> Reply:
        return rest.answer(self.server.supplier, method, path, self.headers.get("Authorization", ""), body)

    def _settled(self, reply: Reply) -> None:
        """Send a reply when its time has come, or drop it."""
        if reply.hold_seconds and self.server.stop.wait(reply.hold_seconds):
            reply = Reply(b"", drop=True)
        if reply.drop:
            self.close_connection = True
            return
        self._send(reply)

    def _drain(self, left: int) -> None:
        while left > 0 and (chunk := self.rfile.read(min(left, 65536))):
            left -= len(chunk)

    def _send(self, reply: Reply) -> None:
        self.close_connection = True
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Connection", "close")
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Powered-By", "DHRU-FUSION")
        self.send_header("dhru-fusion-api-version", wire.API_VERSION)
        self.send_header("Content-Security-Policy", page.POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(reply.body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Method, path and status. No query and no body: that is where keys would be."""
        del size
        path = self.path.partition("?")[0] if hasattr(self, "path") else ""
        self.log_message("%s %s %s", self.command, path, int(code) if isinstance(code, int) else code)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A supplier for demonstrations and tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 picks a free one and prints it")
    parser.add_argument("--store", type=Path, default=Path("var/demo/supplier.sqlite3"))
    parser.add_argument("--catalogue", type=Path, default=Path("services/data/catalogue.yaml"))
    parser.add_argument("--username", required=True)
    parser.add_argument("--key", required=True, help="the key or token that callers must present")
    parser.add_argument("--fast-seconds", type=float, default=3.0, help="until an ordinary order is final")
    parser.add_argument("--slow-seconds", type=float, default=60.0, help="until a slow order is final")
    parser.add_argument("--hang-seconds", type=float, default=40.0, help="how long a timeout lasts")
    parser.add_argument("--fault-rates", default="{}", metavar="JSON", help="behaviour name to probability")
    parser.add_argument("--seed", type=int, default=0, help="for the fault draws and the jitter")
    parser.add_argument(
        "--status-seconds-jitter",
        type=float,
        nargs="?",
        const=1.0,
        default=0.0,
        metavar="SECONDS",
        help="up to this much longer until an order is final (1 when the value is left out)",
    )
    parser.add_argument(
        "--dialect", choices=("", "xml", "b64json", "json"), default="", help="the only one that single calls may use"
    )
    parser.add_argument(
        "--bulk-shape", choices=("", "1", "2", "3", "4"), default="", help="in which bulk placements are answered"
    )
    parser.add_argument(
        "--listing-lag-seconds", type=float, default=0.0, help="lists show an order up to this much later"
    )
    parser.add_argument(
        "--once-per-device", action="append", default=[], metavar="SERVICE",
        help="this service refuses a device that it has had before",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        rates = json.loads(options.fault_rates)
        options.fault_rates = {name: float(rate) for name, rate in rates.items()}
        check_rates(options.fault_rates)
    except (ValueError, TypeError, AttributeError) as error:
        parser.error(f"--fault-rates: {error}")
    if not options.username.strip() or not options.key.strip():
        parser.error("--username and --key must not be empty")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    options = _options(arguments)
    settings = Settings(
        username=options.username.strip(),
        key=options.key.strip(),
        fast_seconds=options.fast_seconds,
        slow_seconds=options.slow_seconds,
        hang_seconds=options.hang_seconds,
        jitter_seconds=options.status_seconds_jitter,
        seed=options.seed,
        fault_rates=options.fault_rates,
        dialect=options.dialect,
        bulk_shape=options.bulk_shape,
        listing_lag_seconds=options.listing_lag_seconds,
        once_per_device=frozenset(options.once_per_device),
    )
    store = Store(options.store)
    supplier = Supplier(settings, catalogue.load(options.catalogue), store)
    server = SupplierServer((options.host, options.port), supplier)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: server.stop.set())
    threading.Thread(target=server.settle_until_stopped, daemon=True).start()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    print(f"demo supplier on http://{options.host}:{server.server_port}", flush=True)
    server.stop.wait()
    server.shutdown()
    server.server_close()
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
