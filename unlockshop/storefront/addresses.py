"""The address of a visitor: the peer's, or what our own proxies say about whom they serve."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(peer: str, forwarded_for: str) -> str | None:
    """The visitor's address: the peer's, or what our own proxies say about whom they serve.

    Of ``forwarded_for`` the last hop counts that is not a proxy of ours: everything left of it the visitor
    may have written. An unreadable hop is not believed, then the peer counts.
    """
    peer_address = _parse(peer)
    if peer_address is None:
        return None
    proxies = _networks(tuple(settings.TRUSTED_PROXIES))
    if not _is_in(peer_address, proxies):
        return str(peer_address)
    for hop in reversed(forwarded_for.split(",")):
        address = _parse(hop)
        if address is None:
            break
        if not _is_in(address, proxies):
            return str(address)
    return str(peer_address)


def forwarded_for(request: HttpRequest) -> str:
    """What the proxy says, in the header that it is configured to set."""
    header: str = request.META.get("HTTP_" + settings.CLIENT_ADDRESS_HEADER.upper().replace("-", "_"), "")
    return header


def client_ip(request: HttpRequest) -> str | None:
    """The address that ``ClientAddressMiddleware`` found."""
    found: str | None = getattr(request, "client_ip", None)
    return found


@lru_cache(maxsize=4)
def _networks(proxies: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(proxy, strict=False) for proxy in proxies)


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
