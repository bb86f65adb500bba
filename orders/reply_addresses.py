"""The address that a customer's reply to a confirmation goes to: it names the purchase, and nobody can guess it.

The local part holds the purchase's number and a signature, in small letters and digits, for mail programs may change
the case. It does not grow old: whether there is still something to cancel is decided by how the orders stand.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from orders.models import Purchase
from unlockshop.kernel import codes

SALT: Final = "orders.reply"
# 100 bits, in base 32.
LETTERS: Final = 20
_LOCAL: Final = re.compile(r"reply-(p[0-9a-z]{9})-([a-z2-7]{20})")


def address_of(purchase: Purchase) -> str:
    """Where replies about the purchase go; empty where the shop takes no mail."""
    if not settings.INBOUND_MAIL_DOMAIN:
        return ""
    name = purchase.number.replace("-", "").lower()
    return f"reply-{name}-{_signature(purchase.number, settings.SECRET_KEY)}@{settings.INBOUND_MAIL_DOMAIN}"


def purchase_number(address: str) -> str:
    """The number that an address names, if it is ours and was not made up; else empty."""
    local, _at, domain = address.lower().rpartition("@")
    match = _LOCAL.fullmatch(local)
    if match is None or domain != settings.INBOUND_MAIL_DOMAIN.lower():
        return ""
    number = codes.normalise_number(match[1])
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    is_ours = [constant_time_compare(match[2], _signature(number, key)) for key in keys]
    return number if number and any(is_ours) else ""


def _signature(number: str, secret: str) -> str:
    digest = salted_hmac(SALT, number, secret=secret, algorithm="sha256").digest()
    return base64.b32encode(digest).decode().lower()[:LETTERS]
