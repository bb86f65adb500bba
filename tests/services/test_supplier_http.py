"""One POST to a supplier: what may have been heard, against real sockets that behave badly."""

from __future__ import annotations

import datetime as dt
import gzip
import html
import ipaddress
import json
import socket
import ssl
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests.adapters
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.suppliers import http
from services.suppliers.base import Endpoint, Exchange
from services.suppliers.http import MAX_LOGGED_CHARS, Answer, SupplierHttp
from tests.services.recordings.server import ScriptedServer, reply, scripted
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError
from unlockshop.kernel.web_address import is_public

KEY = 'Zk9-"AB&C/é+7-XYZ'
FORM = {
    "username": "shop@example.test",
    "apiaccesskey": KEY,
    "action": "placeimeiorder",
    "parameters": "<PARAMETERS><IMEI>490154203237518</IMEI></PARAMETERS>\n",
}
OK = b'{"SUCCESS":[{"MESSAGE":"Order received","REFERENCEID":"7"}]}'
REAL_GETADDRINFO = socket.getaddrinfo
ENDLESS = 60
"""Seconds a server here keeps a caller waiting: far more than any deadline, on any machine."""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted() as running:
        running.says(reply(OK))
        yield running


class Caller:
    """A client, its log, and what came of a call."""

    def __init__(self, url: str, *, loopback: bool = True, deadline: float = 5.0) -> None:
        self.exchanges: list[Exchange] = []
        endpoint = Endpoint(url=url, username="shop", api_key=f" {KEY} ", allow_loopback=loopback)
        self.http = SupplierHttp(endpoint, self.exchanges, deadline_seconds=deadline)

    def post(self, **options: Any) -> Answer:
        return self.http.post(FORM, purpose="place", **options)

    def fails(self, kind: type[ShopError], **options: Any) -> ShopError:
        with pytest.raises(ShopError) as caught:
            self.post(**options)
        assert type(caught.value) is kind, repr(caught.value)
        told = "".join(traceback.format_exception(caught.value))
        assert KEY not in told
        assert len(self.exchanges) == 1
        assert self.exchanges[0].error
        assert KEY not in repr(self.exchanges)
        return caught.value


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: str | Exception) -> list[str]:
    """Names resolve to ``answers`` (all at once, or one error); returns the list of names asked for."""
    asked: list[str] = []

    def fake(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        if isinstance(answers[0], Exception):
            raise answers[0]
        return [entry for answer in answers for entry in REAL_GETADDRINFO(answer, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", fake)
    return asked


def patched_connect(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """No connection leaves this host; returns where they would have gone."""
    went: list[Any] = []

    def connect(_self: socket.socket, address: Any) -> None:
        went.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket.socket, "connect", connect)
    return went


# Plain talk


def test_an_answer_and_its_record(server: ScriptedServer) -> None:
    caller = Caller(server.url)
    assert caller.post() == Answer(200, OK.decode())
    head = server.requests[0].partition(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith("post /api/index.php http/1.1")
    assert "connection: close" in head
    assert "accept: application/json" in head
    assert "content-type: application/x-www-form-urlencoded" in head
    assert "python" not in head
    assert server.form() == FORM
    (exchange,) = caller.exchanges
    assert (exchange.purpose, exchange.http_status, exchange.error) == ("place", 200, "")
    assert exchange.response == OK.decode()
    assert "apiaccesskey: [masked]" in exchange.request
    assert "490154203237518" in exchange.request
    assert 0 <= exchange.milliseconds < 5000


def test_every_call_has_a_connection_of_its_own(server: ScriptedServer) -> None:
    server.says(reply(OK).replace(b"Connection: close", b"Connection: keep-alive"))
    caller = Caller(server.url)
    for _ in range(3):
        caller.post()
    assert server.connections == 3


@pytest.mark.parametrize("status", ["200 OK", "201 Made", "404 Not Found", "500 Oops", "503 Busy", "299 Odd"])
def test_any_status_is_an_answer(server: ScriptedServer, status: str) -> None:
    server.says(reply(b"x", status, "Retry-After: 0"))
    assert Caller(server.url).post() == Answer(int(status[:3]), "x")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "{}"),
        ("Zoë €".encode(), "Zoë €"),
        ("Zoë €".encode("cp1252"), "Zoë €"),
        (b"\x81\xff", "\ufffdÿ"),
        (b"", ""),
    ],
)
def test_decoding(server: ScriptedServer, body: bytes, text: str) -> None:
    server.says(reply(body))
    assert Caller(server.url).post().text == text


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + OK,
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n" + OK,
        b"HTTP/1.1 100 Continue\r\n\r\n" + reply(OK),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(OK), OK),
        reply(gzip.compress(OK), "200 OK", "Content-Encoding: gzip"),
    ],
    ids=["until close", "http 1.0", "continue", "chunked", "gzip unasked"],
)
def test_framings(server: ScriptedServer, raw: bytes) -> None:
    server.says(raw)
    assert Caller(server.url).post().text == OK.decode()


# JSON, GET and a key in a header


def bearer_at(url: str) -> tuple[SupplierHttp, list[Exchange]]:
    exchanges: list[Exchange] = []
    endpoint = Endpoint(url=url, username="", api_key="tok-9f3a", allow_loopback=True)
    headers = {"Authorization": "Bearer tok-9f3a", "Accept-Language": "en"}
    return SupplierHttp(endpoint, exchanges, deadline_seconds=5, headers=headers), exchanges


def test_json_is_posted_below_the_url_and_the_header_is_masked(server: ScriptedServer) -> None:
    client, exchanges = bearer_at(server.url)
    assert client.post_json("/checks", {"deviceId": "Zoë", "serviceId": 12}, purpose="place").status == 200
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /api/index.php/checks http/1.1"
    assert {"authorization: bearer tok-9f3a", "content-type: application/json", "accept-language: en",
            "connection: close", "accept-encoding: identity"} <= set(lines)  # fmt: skip
    assert json.loads(body) == {"deviceId": "Zoë", "serviceId": 12}
    assert exchanges[0].request.split("\n") == [
        f"POST {server.url}/checks", "Authorization: [masked]", "Accept-Language: en",
        '{"deviceId": "Zo\\u00eb", "serviceId": 12}',
    ]  # fmt: skip


def test_get_has_no_body(server: ScriptedServer) -> None:
    client, exchanges = bearer_at(server.url)
    assert client.get("/checks/a", purpose="status") == Answer(200, OK.decode())
    assert server.requests[0].startswith(b"GET /api/index.php/checks/a HTTP/1.1\r\n")
    assert b"content-length" not in server.requests[0].lower()
    assert exchanges[0].request.startswith(f"GET {server.url}/checks/a\nAuthorization: [masked]")


@pytest.mark.parametrize("verb", ["get", "json"])
def test_the_other_verbs_keep_every_promise(server: ScriptedServer, verb: str) -> None:
    """One path carries all verbs; a redirect, an oversize answer and a broken one show that it does."""

    def call(client: SupplierHttp) -> Answer:
        return client.get("/a", purpose="x") if verb == "get" else client.post_json("/a", {}, purpose="x")

    server.says(reply(b"", "302 Found", "Location: http://127.0.0.1:1/tok-9f3a"))
    assert call(bearer_at(server.url)[0]) == Answer(302, "", "http://127.0.0.1:1/[masked]")
    server.says(reply(b"x" * (http.MAX_BODY_BYTES + 1)))
    with pytest.raises(OutcomeUnknown, match="1 MiB"):
        call(bearer_at(server.url)[0])
    server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}")
    with pytest.raises(OutcomeUnknown):
        call(bearer_at(server.url)[0])
    with pytest.raises(Retryable):
        call(bearer_at(f"http://127.0.0.1:{refused_port()}")[0])
    assert len(server.requests) == 3


@pytest.mark.django_db
def test_json_is_not_sent_too_late(server: ScriptedServer) -> None:
    client, exchanges = bearer_at(server.url)
    with pytest.raises(Retryable, match="too late"):
        client.post_json("/checks", {}, purpose="place", send_before=clock.now() - dt.timedelta(seconds=1))
    assert server.requests == []
    assert exchanges[0].error


# What may have been heard


def refused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_connection_refused() -> None:
    told = str(Caller(f"http://127.0.0.1:{refused_port()}/x").fails(Retryable))
    assert told == "nothing was sent: ConnectionRefusedError Connection refused"


def test_reset_while_connecting(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_self: socket.socket, _address: Any) -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(socket.socket, "connect", connect)
    told = str(Caller(server.url).fails(Retryable))
    assert told == "nothing was sent: ConnectionResetError Connection reset by peer"


def test_connect_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        began = time.monotonic()
        Caller(f"http://127.0.0.1:{listener.getsockname()[1]}/x", deadline=ENDLESS).fails(Retryable)
        assert time.monotonic() - began < ENDLESS / 2
        for filler in fillers:
            filler.close()


def test_the_next_address_is_tried(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.9", "127.0.0.1")
    assert Caller(f"http://panel.test:{server.port}/x").post().text == OK.decode()


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "Name or service not known"), socket.gaierror(-3, "Temporary failure"), OSError()]
)
def test_lookup_failures(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    resolving(monkeypatch, error)
    Caller("https://panel.test/api/index.php").fails(Retryable)


def test_slow_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def slow(*_args: Any, **_kwargs: Any) -> list[Any]:
        answered.wait(ENDLESS)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    try:
        told = str(Caller("https://panel.test/api/index.php", deadline=0.3).fails(Retryable))
    finally:
        answered.set()
    assert told == "nothing was sent: looking up the host took too long"


def reset(conn: socket.socket) -> None:
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    conn.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1",
        b"garbage without a status line\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + OK,
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"SUC',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
        reply(b"not gzip", "200 OK", "Content-Encoding: gzip"),
        reply(b"x", "200 OK", "Content-Encoding: " + ", ".join(["gzip"] * 50)),
        reply(gzip.compress(OK * 500)[:60], "200 OK", "Content-Encoding: gzip"),
    ],
)
def test_broken_answers_are_unknown(server: ScriptedServer, raw: bytes) -> None:
    server.says(raw)
    caller = Caller(server.url)
    try:
        text = caller.post().text
    except OutcomeUnknown:
        assert caller.exchanges[0].error
    else:  # an end that only the envelope can judge: no length was promised, or gzip stopped short
        assert not text.endswith("}")
    assert len(server.requests) == 1


def test_what_came_of_a_broken_answer_is_kept(server: ScriptedServer) -> None:
    server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + OK)
    caller = Caller(server.url)
    caller.fails(OutcomeUnknown)
    assert caller.exchanges[0].response == OK.decode()
    assert caller.exchanges[0].http_status == 200


def test_reset_after_the_request(server: ScriptedServer) -> None:
    server.answer = reset
    Caller(server.url).fails(OutcomeUnknown)


def test_closed_before_reading_is_unknown_too() -> None:
    """A byte may have left: nobody can tell from here that it was not read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            conn, _ = listener.accept()
            time.sleep(0.1)
            reset(conn)

        threading.Thread(target=accept, daemon=True).start()
        Caller(f"http://127.0.0.1:{listener.getsockname()[1]}/x").fails(OutcomeUnknown)


# The deadline


def trickle(first: bytes, then: bytes) -> Callable[[socket.socket], None]:
    def answer(conn: socket.socket) -> None:
        conn.sendall(first)
        for _ in range(ENDLESS * 20):
            conn.sendall(then)
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: time.sleep(ENDLESS),
        trickle(b"", b"H"),
        trickle(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        trickle(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" "),
        trickle(b"HTTP/1.1 200 OK\r\n\r\n" + OK, b" "),
        trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    ],
    ids=["silence", "status line", "headers", "a header", "continues", "body", "endless body", "chunks", "chunk size"],
)
def test_the_deadline_is_total(server: ScriptedServer, answer: Callable[[socket.socket], None]) -> None:
    server.answer = answer
    caller = Caller(server.url, deadline=0.6)
    began = time.monotonic()
    assert str(caller.fails(OutcomeUnknown)) == "no complete answer in time"
    assert 0.4 < time.monotonic() - began < ENDLESS / 2
    assert 400 < caller.exchanges[0].milliseconds < ENDLESS * 500


def test_the_watchdogs_are_gone_afterwards(server: ScriptedServer) -> None:
    before = threading.active_count()
    for _ in range(5):
        Caller(server.url).post()
    time.sleep(0.2)
    assert threading.active_count() <= before + 1


# Size


def pour(head: bytes, piece: bytes, times: int, sent: list[int]) -> Callable[[socket.socket], None]:
    def answer(conn: socket.socket) -> None:
        conn.sendall(head)
        for _ in range(times):
            conn.sendall(piece)
            sent.append(len(piece))

    return answer


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n", b"HTTP/1.1 301 M\r\n\r\n"],
)
def test_fifty_megabytes(server: ScriptedServer, head: bytes) -> None:
    sent: list[int] = []
    server.answer = pour(head, b"x" * 65536, 800, sent)
    caller = Caller(server.url)
    assert "larger" in str(caller.fails(OutcomeUnknown))
    assert sum(sent) < 20 * 1024 * 1024
    assert len(caller.exchanges[0].response) == MAX_LOGGED_CHARS


@pytest.mark.parametrize("is_chunked", [False, True])
def test_gzip_bomb(server: ScriptedServer, is_chunked: bool) -> None:
    bomb = gzip.compress(b"\0" * 200 * 1024 * 1024)
    if is_chunked:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
        server.says(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(bomb), bomb))
    else:
        server.says(reply(bomb, "200 OK", "Content-Encoding: gzip"))
    caller = Caller(server.url)
    tracemalloc.start()
    try:
        caller.fails(OutcomeUnknown)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert "\x00" not in caller.exchanges[0].response


# Redirects, proxies, environment


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(server: ScriptedServer, status: int) -> None:
    with scripted() as other:
        server.says(reply(b"moved", f"{status} Moved", f"Location: {other.url}?k={quote(KEY)}"))
        answer = Caller(server.url).post()
        assert (answer.status, answer.text) == (status, "moved")
        assert answer.location == f"{other.url}?k=[masked]"
        assert (other.connections, len(server.requests)) == (0, 1)


def test_the_environment_is_ignored(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with scripted() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        assert Caller(server.url).post().text == OK.decode()
        assert proxy.connections == 0
    assert b"authorization" not in server.requests[0].lower()


# Too late


def test_send_before(server: ScriptedServer) -> None:
    moment = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
    with clock.frozen(moment):
        late = moment - dt.timedelta(milliseconds=1)
        assert "too late" in str(Caller(server.url).fails(Retryable, send_before=late))
        assert Caller(server.url).post(send_before=moment + dt.timedelta(seconds=1)).status == 200
    assert len(server.requests) == 1


def test_send_before_is_asked_after_connecting(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is read when the connection stands: a slow connection must not carry an order over its time."""
    moment = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
    seen: list[int] = []

    def read_clock() -> dt.datetime:
        time.sleep(0.2)
        seen.append(server.connections)
        return moment + dt.timedelta(seconds=0.2)

    monkeypatch.setattr(clock, "database_now_unasked", read_clock)
    Caller(server.url).fails(Retryable, send_before=moment + dt.timedelta(seconds=0.1))
    assert seen == [1]
    assert server.requests == []


def test_a_clock_that_fails_sends_nothing(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> dt.datetime:
        raise RuntimeError("no database")

    monkeypatch.setattr(clock, "database_now", broken)
    Caller(server.url).fails(Retryable, send_before=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert server.requests == []


# Addresses

PRIVATE = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0177.0.0.01", "127.0.0.1.", "0.0.0.0", "0",
    "10.0.0.1", "167772161", "012.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0xC0A80101",
    "169.254.169.254", "2852039166", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.88.99.1", "198.18.0.1",
    "203.0.113.5", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:8.8.8.8]", "[::127.0.0.1]", "[fe80::1]",
    "[fec0::1]", "[fc00::1]", "[fd12::1]", "[ff02::1]", "[64:ff9b::7f00:1]", "[64:ff9b::808:808]",
    "[2002:7f00:1::]", "[2001:0:7f00::1]", "[2001:db8::1]", "[100::1]",
]  # fmt: skip


@pytest.mark.parametrize("loopback", [False, True])
@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_in_every_spelling(monkeypatch: pytest.MonkeyPatch, host: str, loopback: bool) -> None:
    went = patched_connect(monkeypatch)
    caller = Caller(f"https://{host}/api/index.php", loopback=loopback)
    with pytest.raises(ShopError) as caught:
        caller.post()
    if isinstance(caught.value, Retryable):  # this system does not take the spelling for an address
        is_loopback = loopback and all(ipaddress.ip_address(address[0]).is_loopback for address in went)
        assert is_loopback or not went
        return
    assert isinstance(caught.value, Refused)
    assert caught.value.code == "address"
    assert went == []


@pytest.mark.parametrize(
    "answers",
    [("127.0.0.1",), ("10.1.2.3",), ("8.8.8.8", "10.1.2.3"), ("8.8.8.8", "127.0.0.1"), ("::ffff:192.168.0.1",)],
)
def test_names_that_lead_inside(monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...]) -> None:
    resolving(monkeypatch, *answers)
    went = patched_connect(monkeypatch)
    refused = Caller("https://panel.test/api/index.php", loopback=False).fails(Refused)
    assert isinstance(refused, Refused)
    assert refused.code == "address"
    assert went == []


@pytest.mark.parametrize("answers", [("10.1.2.3",), ("127.0.0.1", "10.1.2.3"), ("127.0.0.1", "8.8.8.8")])
def test_the_loopback_permission_covers_loopback_only(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...]
) -> None:
    resolving(monkeypatch, *answers)
    went = patched_connect(monkeypatch)
    Caller("https://panel.test/api/index.php", loopback=True).fails(Refused)
    assert went == []


@pytest.mark.parametrize(
    "url",
    [
        "http://panel.test/api", "ftp://panel.test/", "file:///etc/passwd", "//panel.test/", "panel.test", "",
        "https://user:secret@panel.test/", "https://user@panel.test/", "https://panel.test:22/",
        "https://panel.test:99999/", "https://panel.test:6379/", "https://panel.test/#x", "https:///api",
        "https://[::1/", "https://panel.test\\@127.0.0.1/", "https://panel.test/ x", "https://panel.test/\r\nX: y",
        "https://8.8.8.8:8080@panel.test/", "gopher://panel.test:70/_x",
    ],
)  # fmt: skip
def test_urls_that_are_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    resolving(monkeypatch, "8.8.8.8")
    went = patched_connect(monkeypatch)
    refused = Caller(url, loopback=True).fails(Refused)
    assert isinstance(refused, Refused)
    assert refused.code == "address"
    assert went == []


@pytest.mark.parametrize("port", ["", ":443", ":8443", ":8080", ":80"])
def test_public_ports(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    resolving(monkeypatch, "8.8.8.8")
    went = patched_connect(monkeypatch)
    Caller(f"https://panel.test{port}/api", loopback=False).fails(Retryable)
    assert went == [("8.8.8.8", int(port[1:] or 443))]


def test_rebinding_wins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second answer for the name is private; there is no second question."""
    answers = iter(["8.8.8.8", "127.0.0.1", "10.0.0.1"])
    asked: list[str] = []

    def fake(host: str, port: int, *_args: Any, **_kwargs: Any) -> list[Any]:
        asked.append(host)
        return list(REAL_GETADDRINFO(next(answers), port, type=socket.SOCK_STREAM))

    monkeypatch.setattr(socket, "getaddrinfo", fake)
    went = patched_connect(monkeypatch)
    Caller("https://panel.test/api", loopback=False).fails(Retryable)
    assert asked == ["panel.test"]
    assert went == [("8.8.8.8", 443)]


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


# TLS


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context


@pytest.fixture
def tls_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A TLS server for ``panel.test``, which resolves to this host. Its certificate is not trusted yet."""
    resolving(monkeypatch, "127.0.0.1")
    with scripted(certificate(tmp_path, "panel.test")) as running:
        running.says(reply(OK))
        yield running


def test_tls_is_checked_against_the_name(
    tls_server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "certificate.pem"))
    assert Caller(f"https://panel.test:{tls_server.port}/x").post().text == OK.decode()
    assert f"host: panel.test:{tls_server.port}".encode() in tls_server.requests[0].lower()
    told = str(Caller(f"https://other.test:{tls_server.port}/x").fails(Retryable))
    assert "other.test" in told
    assert len(tls_server.requests) == 1


def test_tls_deadline(tls_server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "certificate.pem"))
    tls_server.answer = trickle(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")
    began = time.monotonic()
    Caller(f"https://panel.test:{tls_server.port}/x", deadline=0.6).fails(OutcomeUnknown)
    assert time.monotonic() - began < ENDLESS / 2


def test_untrusted_certificate(tls_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    told = str(Caller(f"https://panel.test:{tls_server.port}/x").fails(Retryable))
    assert "certificate" in told
    assert tls_server.requests == []


def test_plain_http_where_tls_was_expected(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.3)
    Caller(server.url.replace("http:", "https:")).fails(Retryable)
    assert server.requests == [] or KEY.encode() not in server.requests[0]


def test_a_handshake_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        Caller(f"https://127.0.0.1:{listener.getsockname()[1]}/x").fails(Retryable)
        assert time.monotonic() - began < ENDLESS / 2


# The log


def test_the_key_is_masked_however_it_comes_back(server: ScriptedServer) -> None:
    spellings = [KEY, quote(KEY), quote(KEY, safe=""), html.escape(KEY), json.dumps(KEY)[1:-1], KEY.lower()]
    server.says(reply("\n".join(spellings).encode()))
    caller = Caller(server.url)
    caller.post()
    assert caller.exchanges[0].response == "\n".join(["[masked]"] * len(spellings))
    for secret in spellings:
        assert secret not in caller.exchanges[0].request


def test_a_key_too_short_to_search_for_is_masked_where_we_send_it(server: ScriptedServer) -> None:
    exchanges: list[Exchange] = []
    endpoint = Endpoint(url=server.url, username="", api_key="k7", allow_loopback=True)
    SupplierHttp(endpoint, exchanges, deadline_seconds=5).post({"apiaccesskey": "k7"}, purpose="place")
    assert "k7" not in exchanges[0].request


def test_the_log_is_bounded_and_storable(server: ScriptedServer) -> None:
    server.says(reply(b"a\x00b" * 20_000))
    caller = Caller(server.url)
    caller.http.post({**FORM, "parameters": "p" * 50_000}, purpose="place")
    (exchange,) = caller.exchanges
    assert len(exchange.request) == len(exchange.response) == MAX_LOGGED_CHARS
    assert "\x00" not in exchange.response


def test_the_deadline_comes_from_the_settings(server: ScriptedServer, settings: Any) -> None:
    settings.SUPPLIER_DEADLINE_SECONDS = 0.5
    server.answer = lambda _: time.sleep(ENDLESS)
    endpoint = Endpoint(url=server.url, username="", api_key=KEY, allow_loopback=True)
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        SupplierHttp(endpoint, []).post(FORM, purpose="place")
    assert time.monotonic() - began < ENDLESS / 2
