"""Which URLs may be called at all, told without looking anything up: the public web over TLS.

An address typed by staff must not reach into our own network. What a name points to is looked up, and checked again,
by whoever connects.
"""

from __future__ import annotations

import ipaddress
import re
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from unlockshop.kernel.errors import Refused

_UNCLEAN: Final = re.compile(r"[\x00-\x20\x7f\\]")
_DEFAULT_PORTS: Final = MappingProxyType({"http": 80, "https": 443})
_PUBLIC_PORTS: Final = frozenset({80, 443, 8080, 8443})
_TUNNELS: Final = tuple(
    ipaddress.ip_network(block) for block in ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48")
)
_RELAYS: Final = ipaddress.ip_network("192.88.99.0/24")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def refuse(why: str) -> Refused:
    """The refusal of an address, to be raised."""
    return Refused(f"supplier address refused: {why}", code="address")


def parsed(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a plain URL. Raises ``Refused("address")``."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise refuse("not a URL") from error
    if _UNCLEAN.search(url) or parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise refuse("only a plain http or https URL")
    if "@" in parts.netloc or parts.fragment:
        raise refuse("no credentials or fragment in the URL")
    return parts.scheme, parts.hostname, _DEFAULT_PORTS[parts.scheme] if port is None else port


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet; tunnels and mappings to other addresses are not."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None or ip.is_site_local or any(ip in block for block in _TUNNELS):
            return False
    elif ip in _RELAYS:
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_link_local or ip.is_unspecified)


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own, and not a mapping to one that is."""
    ip = ipaddress.ip_address(address)
    is_mapped = isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None
    return ip.is_loopback and not is_mapped


def check_public(scheme: str, port: int) -> None:
    """Beyond this machine it is https, on a port of the web. Raises ``Refused("address")``."""
    if scheme != "https":
        raise refuse("https only")
    if port not in _PUBLIC_PORTS:
        raise refuse(f"port {port}")


def check_url(url: str, *, allow_loopback: bool) -> None:
    """Raises ``Refused("address")`` for a URL that is refused whatever its host's name points to."""
    scheme, host, port = parsed(url)
    is_local_name = host == "localhost" or host.endswith(".localhost")
    try:
        is_local, is_open = is_loopback(host), is_public(host)
    except ValueError:
        if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            raise refuse("a number in disguise is no host name") from None
        is_local, is_open = is_local_name, "." in host.rstrip(".") and not is_local_name
    if is_local and allow_loopback:
        return
    if not is_open:
        raise refuse("it is not on the public internet")
    check_public(scheme, port)
