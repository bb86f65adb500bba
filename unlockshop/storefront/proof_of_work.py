"""A small task that a browser solves before it gets something for nothing: it makes asking in bulk dear.

The task is signed and bound to one purpose, so that its solution is worth nothing elsewhere, and is taken once.
``static/js/proof.js`` solves it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from datetime import timedelta
from typing import Any, Final

import altcha
from django.core.cache import cache
from django.utils.crypto import salted_hmac

from unlockshop.kernel import clock

logger = logging.getLogger(__name__)

ALGORITHM: Final = "PBKDF2/SHA-256"
# About 256 tries of so many rounds each: a second on a computer, some on a phone.
ROUNDS: Final = 4_000
PREFIX: Final = "00"
VALID_FOR: Final = timedelta(minutes=30)
MAX_PROOF: Final = 4_000


def task(purpose: str) -> str:
    """A new task for ``purpose``, as JSON for the page."""
    made = altcha.create_challenge(
        ALGORITHM,
        ROUNDS,
        key_prefix=PREFIX,
        expires_at=clock.now() + VALID_FOR,
        data={"for": _digest(purpose)},
        hmac_secret=_secret(),
    )
    return json.dumps(made.to_dict())


def is_solved(proof: str, purpose: str) -> bool:
    """Whether ``proof`` solves a task of ours for ``purpose``, and was not taken before.

    When the cache is down a proof is not remembered; it still serves no other purpose.
    """
    found = _read(proof)
    if found is None:
        return False
    parameters = found.challenge.parameters
    is_right = altcha.verify_solution(found, _secret()).verified
    is_ours = parameters.algorithm == ALGORITHM and parameters.data == {"for": _digest(purpose)}
    is_fresh = isinstance(parameters.expires_at, int) and parameters.expires_at >= clock.now().timestamp()
    return is_right and is_ours and is_fresh and _take(parameters.nonce)


def _read(proof: str) -> altcha.Payload | None:
    if not proof or len(proof) > MAX_PROOF:
        return None
    try:
        document: Any = json.loads(base64.b64decode(proof, validate=True))
        payload = altcha.Payload.from_dict(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    parts = (payload.challenge.signature, payload.challenge.parameters.nonce, payload.solution.derived_key)
    return payload if all(isinstance(part, str) for part in parts) else None


def _take(nonce: str) -> bool:
    """Remember the proof; False where it was taken before."""
    try:
        return bool(cache.add(f"proof:{nonce}", 1, timeout=int(VALID_FOR.total_seconds()) + 60))
    except Exception as error:
        logger.warning("proof of work not remembered: %s", type(error).__name__)
        return True


def _digest(purpose: str) -> str:
    return hashlib.sha256(purpose.encode()).hexdigest()


def _secret() -> bytes:
    return salted_hmac("unlockshop.storefront.proof_of_work", "task", algorithm="sha256").digest()
