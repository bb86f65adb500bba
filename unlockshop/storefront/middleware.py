"""Where a request comes from, how large it may be, and the wider content policy that the staff pages need."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from unlockshop.storefront import errors

GetResponse = Callable[[HttpRequest], HttpResponse]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The admin's scripts (Alpine) evaluate strings and set styles. Customers never load them.
ADMIN_POLICY = {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE], "img-src": ["data:"]}


class ClientAddressMiddleware:
    """Set ``request.client_ip``: the visitor's address as text, or None where it is not known."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.client_ip = client_address(  # type: ignore[attr-defined]
            request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", "")
        )
        return self.get_response(request)


class BodyLimitMiddleware:
    """413 for what is larger than any form of ours, before a byte of it is read. A body without a length is empty."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isascii() and length.isdecimal() and int(length[:20]) > settings.MAX_BODY_BYTES:
            return errors.too_large(request)
        return self.get_response(request)


class AdminContentPolicyMiddleware:
    """Allow the staff pages, and only them, what their scripts cannot do without."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith(reverse("admin:index")):
            # What django-csp's csp_update decorator sets; the views are not ours to decorate.
            response._csp_update = ADMIN_POLICY  # type: ignore[attr-defined]  # noqa: SLF001
        return response


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
