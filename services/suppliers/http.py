"""One call to a supplier, and the truth about whether it may have been heard.

Everything turns on one flag of a call, ``is_sent``: it is raised before the first byte of the request is handed to
the socket. A failure before it is ``Retryable`` (DNS, connecting, TLS, too late), a failure after it is
``OutcomeUnknown`` (protocol section 7). No retries, no redirects, no proxies or settings from the environment,
and a connection of its own for each call: a kept one that died could not tell the two cases apart.

The connection goes to an address that ``http_address`` has checked, while the Host header, SNI and the certificate
check keep the name. So a name that changes its mind in between wins nothing.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util.retry import Retry

from services.suppliers.base import Endpoint, Exchange
from services.suppliers.http_address import Address, checked_addresses
from services.suppliers.plain_text import MASK, Mask, decode_body, storable
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Retryable, ShopError

logger = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 5.0
MAX_BODY_BYTES: Final = 1024 * 1024
MAX_CATALOGUE_BYTES: Final = 16 * MAX_BODY_BYTES
"""For lists of services, which at a large supplier outgrow the cap of every other answer."""
MAX_LOGGED_CHARS: Final = 20_000
_MAX_ADDRESSES: Final = 4
_READ_BYTES: Final = 16_384
_SECRET_NAMES: Final = frozenset({"apiaccesskey", "key", "authorization"})
_HEADERS: Final = {
    "User-Agent": "Mozilla/5.0 (compatible; Unlockshop/1.0)",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the decoded body, and where a redirect points."""

    status: int
    text: str
    location: str = ""


class _Flight:
    """One call under way: where it may connect, until when, and whether a byte may have left."""

    def __init__(self, addresses: list[Address], deadline: float, send_before: datetime | None) -> None:
        self.addresses = addresses
        self.deadline = deadline
        self.send_before = send_before
        self.is_sent = False
        self.is_expired = False
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    def seconds_left(self) -> float:
        return max(0.01, self.deadline - time.monotonic())

    def open(self) -> socket.socket:
        """A connection to the first checked address that takes one. Nothing is looked up again."""
        failure = OSError("no address")
        until = time.monotonic() + min(CONNECT_SECONDS, self.seconds_left())
        for family, sockaddr in self.addresses[:_MAX_ADDRESSES]:
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(max(0.01, until - time.monotonic()))
                sock.connect(sockaddr)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                sock.close()
                failure = error
                continue
            with self._lock:
                self._handle = sock.dup()
            return sock
        raise failure

    def before_bytes(self) -> None:
        """Called before anything is written. The last moment at which the call can be called off."""
        if self.is_sent:
            return
        if self.is_expired:
            raise Retryable("nothing was sent: connecting took too long")
        if self.send_before is not None and clock.database_now_unasked() > self.send_before:
            raise Retryable("nothing was sent: too late to send")
        self.is_sent = True

    def check_in_time(self) -> None:
        """After the last byte: an end that the watchdog made is no end of an answer."""
        if self.is_expired:
            raise OutcomeUnknown("no complete answer in time")

    def expire(self) -> None:
        """The watchdog: ends a connection whose far side trickles, in the headers as in the body.

        It works on a second handle of its own, so it can neither hit a reused descriptor nor disturb TLS.
        """
        self.is_expired = True
        self._drop(shut=True)

    def close(self) -> None:
        self._drop(shut=False)

    def _drop(self, *, shut: bool) -> None:
        with self._lock:
            handle, self._handle = self._handle, None
            if handle is not None:
                with suppress(OSError):
                    if shut:
                        handle.shutdown(socket.SHUT_RDWR)
                handle.close()

    def verdict(self, error: Exception) -> ShopError:
        """What a failure means: all turns on whether a byte may have left."""
        if not isinstance(error, (OSError, HTTPError)):
            logger.error("unexpected %s while calling a supplier", type(error).__name__, exc_info=error)
        while (inner := error.__cause__ or error.__context__) is not None and isinstance(inner, Exception):
            error = inner
        reason = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or ""
        told = f"{type(error).__name__} {reason}".strip()
        if not self.is_sent:
            return Retryable(f"nothing was sent: {told}")
        if self.is_expired or isinstance(error, TimeoutError):
            return OutcomeUnknown("no complete answer in time")
        return OutcomeUnknown(f"the connection broke after sending: {told}")


class _PinnedConnection(HTTPConnection):
    """Connects only where the flight says, and asks it before writing."""

    def __init__(self, *args: Any, flight: _Flight, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._flight = flight

    def _new_conn(self) -> socket.socket:
        try:
            return self._flight.open()
        except OSError as error:  # urllib3 would pass over a bare reset as if it had come after sending
            raise NewConnectionError(self, "no connection") from error

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self._flight.before_bytes()
        super().send(data)


class _PinnedTlsConnection(_PinnedConnection, HTTPSConnection):
    """The same over TLS; the certificate is checked against the name in the URL."""


class _PinnedAdapter(HTTPAdapter):
    """Gives every connection the flight."""

    def __init__(self, flight: _Flight) -> None:
        self._flight = flight
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=Retry(0, read=False))

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _PinnedTlsConnection if pool.scheme == "https" else _PinnedConnection
        pool.conn_kw["flight"] = self._flight
        return pool


class SupplierHttp:
    """Calls one supplier and writes each exchange, masked, to ``exchanges``.

    ``headers`` go with every call. Whatever carries the key by name, in a form or a header, is masked in the log.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        exchanges: list[Exchange],
        *,
        deadline_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._url = endpoint.url
        self._allow_loopback = endpoint.allow_loopback
        self._exchanges = exchanges
        chosen = endpoint.deadline_seconds if deadline_seconds is None else deadline_seconds
        self._seconds = settings.SUPPLIER_DEADLINE_SECONDS if chosen is None else chosen
        self.masked: Callable[[str], str] = Mask(endpoint.api_key)
        self._headers = dict(headers or {})

    def post(
        self, form: Mapping[str, str], *, purpose: str, send_before: datetime | None = None,
        max_bytes: int = MAX_BODY_BYTES,
    ) -> Answer:  # fmt: skip
        """One POST of a form. Raises ``Refused("address")``, ``Retryable`` (nothing was sent) or ``OutcomeUnknown``.

        Any HTTP status is an answer, a redirect too; what it means is the caller's protocol.
        """
        request = requests.Request("POST", self._url, data=dict(form))
        return self._exchange(request, _shown(form), purpose=purpose, send_before=send_before, max_bytes=max_bytes)

    def post_json(
        self, path: str, body: Mapping[str, Any], *, purpose: str, send_before: datetime | None = None
    ) -> Answer:
        """One POST of a JSON object to ``path`` below the endpoint's URL. Raises like ``post``."""
        text = json.dumps(dict(body))
        headers = {"Content-Type": "application/json"}
        request = requests.Request("POST", self._url + path, data=text.encode(), headers=headers)
        return self._exchange(request, [text], purpose=purpose, send_before=send_before)

    def get(self, path: str, *, purpose: str) -> Answer:
        """One GET of ``path`` below the endpoint's URL, for calls that change nothing. Raises like ``post``."""
        return self._exchange(requests.Request("GET", self._url + path), [], purpose=purpose)

    def _exchange(
        self, request: requests.Request, shown: list[str], *, purpose: str, send_before: datetime | None = None,
        max_bytes: int = MAX_BODY_BYTES,
    ) -> Answer:  # fmt: skip
        began = time.monotonic()
        heard = _Heard(max_bytes)
        problem = ""
        try:
            return self._send(request, began + self._seconds, send_before, heard)
        except ShopError as error:
            problem = self.masked(str(error))
            raise
        finally:
            lines = [f"{request.method} {request.url.partition('?')[0]}", *_shown(self._headers), *shown]
            self._exchanges.append(
                Exchange(
                    purpose=purpose,
                    request=self._logged("\n".join(lines)),
                    response=self._logged(decode_body(bytes(heard.body))),
                    http_status=heard.status,
                    error=problem[:300],
                    milliseconds=int((time.monotonic() - began) * 1000),
                )
            )

    def _send(self, request: requests.Request, deadline: float, send_before: datetime | None, heard: _Heard) -> Answer:
        addresses = checked_addresses(
            self._url, allow_loopback=self._allow_loopback, seconds=min(CONNECT_SECONDS, self._seconds)
        )
        flight = _Flight(addresses, deadline, send_before)
        watchdog = threading.Timer(flight.seconds_left(), flight.expire)
        watchdog.daemon = True
        watchdog.start()
        adapter = _PinnedAdapter(flight)
        try:
            request.headers = {**_HEADERS, **self._headers, **request.headers}
            # The adapter itself, not a Session: a Session reads a redirect's body whole before it stops.
            timeout = (min(CONNECT_SECONDS, flight.seconds_left()), flight.seconds_left())
            with adapter.send(request.prepare(), stream=True, timeout=timeout, verify=True) as response:
                heard.status = response.status_code
                location = self.masked(str(response.headers.get("Location", "")))[:200]
                while chunk := response.raw.read1(_READ_BYTES, decode_content=True):
                    heard.add(chunk)
            flight.check_in_time()
        except ShopError:
            raise
        except Exception as error:
            raise flight.verdict(error) from error
        finally:
            watchdog.cancel()
            flight.close()
            adapter.close()
        return Answer(heard.status, decode_body(bytes(heard.body)), location)

    def _logged(self, text: str) -> str:
        return storable(self.masked(text))[:MAX_LOGGED_CHARS]


def _shown(named: Mapping[str, str]) -> list[str]:
    """Fields or headers as lines for the log."""
    return [f"{name}: {MASK if name.casefold() in _SECRET_NAMES else value}" for name, value in named.items()]


class _Heard:
    """What has come in so far; of a broken answer the log keeps the part that was there."""

    def __init__(self, max_bytes: int) -> None:
        self.status: int | None = None
        self.body = bytearray()
        self._max_bytes = max_bytes

    def add(self, chunk: bytes) -> None:
        self.body += chunk
        if len(self.body) > self._max_bytes:
            raise OutcomeUnknown(f"the answer is larger than {self._max_bytes // MAX_BODY_BYTES} MiB")
