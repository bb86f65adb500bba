"""Where a supplier's URL may lead: its host is looked up once, and every address of it is checked.

A supplier's address is typed by staff, so it must not reach into our own network, neither by number nor by a name
that points there. In the demo, and only there, loopback is allowed.
"""

from __future__ import annotations

import queue
import socket
import threading
from typing import Any, Final

from unlockshop.kernel.errors import Refused, Retryable
from unlockshop.kernel.web_address import check_public, is_loopback, is_public, parsed, refuse

LOOK_UP_SECONDS: Final = 3.0

Address = tuple[socket.AddressFamily, Any]
"""A family and what ``socket.connect`` takes for it."""


def checked_addresses(url: str, *, allow_loopback: bool, seconds: float) -> list[Address]:
    """The addresses that may be connected to for ``url``.

    ``Refused("address")`` when the URL or any of its addresses is not allowed: a name with one public and one
    private address is refused whole. ``Retryable`` when the name cannot be looked up.
    """
    scheme, host, port = parsed(url)
    addresses = _look_up(host, port, seconds)
    found = [str(sockaddr[0]) for _, sockaddr in addresses]
    if allow_loopback and all(is_loopback(address) for address in found):
        return addresses
    if not all(is_public(address) for address in found):
        raise refuse("it is not on the public internet")
    check_public(scheme, port)
    return addresses


def check_address(url: str, *, allow_loopback: bool) -> None:
    """``Refused("address")`` for a URL that no call would be made to.

    A name that cannot be looked up just now passes: every call checks again.
    """
    try:
        checked_addresses(url, allow_loopback=allow_loopback, seconds=LOOK_UP_SECONDS)
    except Retryable:
        scheme, _host, port = parsed(url)
        check_public(scheme, port)


def receiver(url: str) -> tuple[str, str, int] | None:
    """Who gets what is sent to ``url``: scheme, host and port; None for what is no plain URL."""
    try:
        return parsed(url)
    except Refused:
        return None


def _look_up(host: str, port: int, seconds: float) -> list[Address]:
    """``getaddrinfo`` with a time limit, which it does not have by itself."""
    answers: queue.SimpleQueue[list[Address] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses: list[Address] = [(entry[0], entry[4]) for entry in found]
            answers.put(addresses)
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name="supplier-dns", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.01, seconds))
    except queue.Empty:
        raise Retryable("nothing was sent: looking up the host took too long") from None
    if isinstance(answer, UnicodeError):
        raise refuse("not a host name") from answer
    if isinstance(answer, Exception) or not answer:
        raise Retryable("nothing was sent: the host's address was not found")
    return answer
