"""Counting requests per visitor in the cache, in fixed windows. When the cache is down everybody may pass."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from typing import Final

from django.core.cache import cache
from django.http import HttpRequest

from unlockshop.kernel import clock
from unlockshop.storefront.addresses import client_ip

logger = logging.getLogger(__name__)

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
IPV6_PREFIX: Final = 64


def allowed(key: str, ip: str | None, limit: int, seconds: int, *, count: int = 1) -> bool:
    """Count an attempt at ``key`` from ``ip``, as ``count`` ones; False when ``limit`` was reached in this window."""
    window = int(clock.now().timestamp()) // seconds
    digest = hashlib.sha256(f"{key}|{_visitor(ip)}".encode()).hexdigest()[:32]
    name = f"rate:{digest}:{window}"
    try:
        before = 0 if cache.add(name, count, timeout=seconds) else cache.incr(name, count) - count
        is_first_refusal = before >= limit and cache.add(f"{name}:told", 1, timeout=seconds)
    except ValueError:  # the window ended between the two calls
        return True
    except Exception as error:
        logger.warning("rate limit %s not counted: %s", key.partition(":")[0], type(error).__name__)
        return True
    if is_first_refusal:
        logger.warning("rate limit %s reached by %s", key.partition(":")[0], _visitor(ip) or "somebody")
    return before < limit


def too_many(
    request: HttpRequest, scope: str, limit: int, seconds: int, extra_key: str = "", *, count: int = 1
) -> bool:
    """Count this request; True when its visitor has made more than ``limit`` of them in ``seconds``.

    ``extra_key`` narrows the count, for example to one order number; it is stored hashed. ``count`` is what the
    request counts as.
    """
    return not allowed(f"{scope}:{extra_key}", client_ip(request), limit, seconds, count=count)


def _visitor(ip: str | None) -> str:
    """One household counts once: an IPv6 visitor owns the whole /64."""
    if not ip:
        return ""
    address = ipaddress.ip_address(ip)
    if address.version == 6:
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)
