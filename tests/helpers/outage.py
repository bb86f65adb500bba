"""Taking the database away from the shop's threads, and only from them: the test keeps its own connection."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Literal

from django.db import connection, connections

Cut = Literal["before", "after"]
WAIT_MILLISECONDS = 300


@contextmanager
def columns(**changes: Any) -> Iterator[None]:
    """What connections that are opened from now on are told otherwise."""
    told = connections.settings["default"]
    before = {name: told[name] for name in changes}
    told.update(changes)
    try:
        yield
    finally:
        told.update(before)


@contextmanager
def away() -> Iterator[None]:
    """No server at the port, no file in the folder."""
    gone = {"PORT": "9"} if connection.vendor == "postgresql" else {"NAME": "/nonexistent/shop.sqlite3"}
    with columns(**gone):
        yield


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Somebody else holds what the shop wants to write, for longer than it waits."""
    told = connections.settings["default"]
    if connection.vendor == "postgresql":
        options = {**told["OPTIONS"], "options": f"-c lock_timeout={WAIT_MILLISECONDS}"}
        with columns(OPTIONS=options), closing(connection.copy()) as other:
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
            other.rollback()
        return
    options = {**told["OPTIONS"], "timeout": WAIT_MILLISECONDS / 1000}
    with columns(OPTIONS=options), closing(sqlite3.connect(told["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


class Cable:
    """A wire to PostgreSQL that breaks at the next ``commit``: before it is carried, or before its answer is."""

    def __init__(self, host: str, port: int, commit: bytes) -> None:
        self._commit = commit
        self.cut: Cut | None = None
        self.broken = threading.Event()
        self._to = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._to) as server:
            answers = threading.Thread(target=_pump, args=(server, client), daemon=True)
            answers.start()
            with suppress(OSError):
                while said := client.recv(65536):
                    if self.cut is not None and self._commit in said:
                        self._break(client, server, said)
                        return
                    server.sendall(said)
            _hang_up(server)

    def _break(self, client: socket.socket, server: socket.socket, said: bytes) -> None:
        cut, self.cut = self.cut, None
        _hang_up(client)
        if cut == "after":
            server.sendall(said)
            _hang_up(server, socket.SHUT_WR)
            threading.Event().wait(0.3)
        _hang_up(server)
        self.broken.set()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while said := source.recv(65536):
            target.sendall(said)


def _hang_up(end: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    with suppress(OSError):
        end.shutdown(how)


@contextmanager
def cable(commit: bytes = b"COMMIT") -> Iterator[Cable]:
    """The shop's new connections go through the cable. PostgreSQL only.

    ``commit``: the words of the statement that commits, where that is a write that stands alone.
    """
    told = connections.settings["default"]
    with closing(Cable(told["HOST"] or "127.0.0.1", int(told["PORT"] or 5432), commit)) as wire:
        options = {**told["OPTIONS"], "sslmode": "disable", "gssencmode": "disable"}
        with columns(HOST="127.0.0.1", PORT=str(wire.port), OPTIONS=options):
            yield wire
