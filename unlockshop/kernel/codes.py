"""Public numbers and secrets.

A public number is short, readable over the telephone and random, so that nobody can count our orders;
it is *not* a secret. A secret carries 256 random bits and opens a page without sign-in.
"""

from __future__ import annotations

import secrets

# Without 0/O, 1/I/L, 2/Z, 5/S, 8/B and U/V: letters and digits people mistake for each other.
ALPHABET = "34679ACDEFGHJKMNPQRTWXY"
PURCHASE_PREFIX = "P"
ORDER_PREFIX = "U"
CERTIFICATE_PREFIX = "C"
CERTIFICATE_CODE = rf"^{CERTIFICATE_PREFIX}-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}$"


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_order_number() -> str:
    """A number such as ``U-7KQ4-9XTM-A``: 23**9, about 1.8e12 possibilities."""
    return f"{ORDER_PREFIX}-{_random(4)}-{_random(4)}-{_random(1)}"


def new_purchase_number() -> str:
    """A number such as ``P-7KQ4-9XTM-A`` for the whole purchase."""
    return f"{PURCHASE_PREFIX}-{_random(4)}-{_random(4)}-{_random(1)}"


def normalise_number(raw: str) -> str:
    """Bring a number as people type it ("u7kq4 9xtma") to its stored form; return "" when it cannot be one."""
    letters = "".join(c for c in raw.upper() if c.isascii() and c.isalnum())
    if len(letters) != 10 or letters[0] not in (ORDER_PREFIX, PURCHASE_PREFIX):
        return ""
    if any(c not in ALPHABET for c in letters[1:]):
        return ""
    return f"{letters[0]}-{letters[1:5]}-{letters[5:9]}-{letters[9]}"


def new_certificate_code() -> str:
    """A code such as ``C-7KQ4-9XTM-AC37``: 23**12, about 2e16 possibilities, so that none is found by trying."""
    return f"{CERTIFICATE_PREFIX}-{_random(4)}-{_random(4)}-{_random(4)}"


def normalise_certificate_code(raw: str) -> str:
    """Bring a certificate's code as people type it to its stored form; return "" when it cannot be one."""
    letters = "".join(c for c in raw[:100].upper() if c.isascii() and c.isalnum())
    if len(letters) != 13 or letters[0] != CERTIFICATE_PREFIX or any(c not in ALPHABET for c in letters[1:]):
        return ""
    return f"{letters[0]}-{letters[1:5]}-{letters[5:9]}-{letters[9:]}"


def new_secret() -> str:
    """An unguessable URL-safe token of 256 bits."""
    return secrets.token_urlsafe(32)
