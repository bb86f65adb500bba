"""Named crash points for the fault run.

``crash_here("name")`` does nothing unless the environment says ``CRASH_POINTS=name:0.05,other:0.1``; then the
process kills itself (SIGKILL) there with the given probability. Refused outside ``DEBUG``.
"""

from __future__ import annotations

import os
import random
import signal
from functools import lru_cache

from django.conf import settings


@lru_cache(maxsize=1)
def _points() -> dict[str, float]:
    raw = os.environ.get("CRASH_POINTS", "")
    if not raw or not settings.DEBUG:
        return {}
    pairs = (part.split(":", 1) for part in raw.split(",") if ":" in part)
    return {name.strip(): float(chance) for name, chance in pairs}


def crash_here(name: str) -> None:
    """Die here, now and then, when a fault run asks for it."""
    chance = _points().get(name)
    if chance and random.random() < chance:  # noqa: S311 - not a secret
        os.kill(os.getpid(), signal.SIGKILL)
