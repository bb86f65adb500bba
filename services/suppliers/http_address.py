"""Where a supplier's URL may lead: its host is looked up once, and every address of it is checked.

A supplier's address is typed by staff, so it must not reach into our own network, neither by number nor by a name
that points there. In the demo, and only there, loopback is allowed.
"""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from unlockshop.kernel.errors import Refused, Retryable

LOOK_UP_SECONDS: Final = 3.0
_UNCLEAN: Final = re.compile(r"[\x00-\x20\x7f\\]")
_DEFAULT_PORTS: Final = MappingProxyType({"http": 80, "https": 443})
_PUBLIC_PORTS: Final = frozenset({80, 443, 8080, 8443})
_TUNNELS: Final = tuple(
    ipaddress.ip_network(block) for block in ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48")
)
_RELAYS: Final = ipaddress.ip_network("192.88.99.0/24")

Address = tuple[socket.AddressFamily, Any]
"""A family and what ``socket.connect`` takes for it."""


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet; tunnels and mappings to other addresses are not."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None or ip.is_site_local or any(ip in block for block in _TUNNELS):
            return False
    elif ip in _RELAYS:
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_link_local or ip.is_unspecified)


def _refuse(why: str) -> Refused:
    return Refused(f"supplier address refused: {why}", code="address")


def _parsed(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a plain URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refuse("not a URL") from error
    if _UNCLEAN.search(url) or parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise _refuse("only a plain http or https URL")
    if "@" in parts.netloc or parts.fragment:
        raise _refuse("no credentials or fragment in the URL")
    return parts.scheme, parts.hostname, _DEFAULT_PORTS[parts.scheme] if port is None else port


def checked_addresses(url: str, *, allow_loopback: bool, seconds: float) -> list[Address]:
    """The addresses that may be connected to for ``url``.

    ``Refused("address")`` when the URL or any of its addresses is not allowed: a name with one public and one
    private address is refused whole. ``Retryable`` when the name cannot be looked up.
    """
    scheme, host, port = _parsed(url)
    addresses = _look_up(host, port, seconds)
    found = [str(sockaddr[0]) for _, sockaddr in addresses]
    if allow_loopback and all(_is_loopback(address) for address in found):
        return addresses
    if not all(is_public(address) for address in found):
        raise _refuse("it is not on the public internet")
    if scheme != "https":
        raise _refuse("https only")
    if port not in _PUBLIC_PORTS:
        raise _refuse(f"port {port}")
    return addresses


def check_address(url: str, *, allow_loopback: bool) -> None:
    """``Refused("address")`` for a URL that no call would be made to.

    A name that cannot be looked up just now passes: every call checks again.
    """
    try:
        checked_addresses(url, allow_loopback=allow_loopback, seconds=LOOK_UP_SECONDS)
    except Retryable:
        scheme, _host, port = _parsed(url)
        if scheme != "https":
            raise _refuse("https only") from None
        if port not in _PUBLIC_PORTS:
            raise _refuse(f"port {port}") from None


def receiver(url: str) -> tuple[str, str, int] | None:
    """Who gets what is sent to ``url``: scheme, host and port; None for what is no plain URL."""
    try:
        return _parsed(url)
    except Refused:
        return None


def _is_loopback(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    is_mapped = isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None
    return ip.is_loopback and not is_mapped


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
        raise _refuse("not a host name") from answer
    if isinstance(answer, Exception) or not answer:
        raise Retryable("nothing was sent: the host's address was not found")
    return answer
