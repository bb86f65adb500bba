"""What UnlockBase's words of refusal mean (protocol section 11.1).

The vendor publishes no list of its error texts. So this table is short and narrow on purpose: a text that it does
not know proves nothing about an order, which then waits for evidence instead of being bought twice.
"""

from __future__ import annotations

from typing import Final

from services.suppliers.base import RefusalCode
from services.suppliers.dhru_errors import CONFIG

_UNPROVEN: Final = ""
_TABLE: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    # The first line with a matching text decides; matching ignores case.
    # The server's own crash, passed off as an error: it may have come after the order was stored.
    (_UNPROVEN, ("sql", "deadlock", "fatal error", "exception", "timed out", "timeout", "internal error")),
    (RefusalCode.DUPLICATE, ("already been ordered", "already ordered", "already pending", "duplicate imei")),
    (RefusalCode.IP, ("ip address", "invalid ip", "ip is not allowed")),
    (RefusalCode.AUTH, ("invalid key", "invalid api key", "unknown key", "authentication failed", "account disabled",
                        "account suspended", "account blocked")),
    (RefusalCode.FUNDS, ("not enough credit", "insufficient credit", "insufficient balance", "insufficient fund")),
    (RefusalCode.RATE, ("too many requests", "too many calls", "too frequently", "rate limit")),
    (RefusalCode.MAINTENANCE, ("under maintenance", "maintenance mode")),
    (RefusalCode.SERVICE_GONE, ("invalid tool", "unknown tool", "tool not found", "tool is not available",
                                "tool not available", "tool is disabled", "tool disabled")),
    (CONFIG, ("invalid action", "unknown action", "unsupported action", "missing action")),
    (RefusalCode.INPUT, ("invalid imei", "invalid network", "invalid mobile", "invalid provider", "invalid mep",
                         "invalid prd", "invalid pin", "invalid kbh", "is required", "is missing")),
)  # fmt: skip
_TOO_LATE: Final = ("cannot be cancel", "can not be cancel", "can't be cancel", "too late", "already delivered",
                    "already cancel")  # fmt: skip


def refusal_code(text: str) -> str:
    """The code for an ``<Error>``; empty when the text proves nothing."""
    folded = text.casefold()
    return next((code for code, marks in _TABLE if any(mark in folded for mark in marks)), _UNPROVEN)


def is_too_late(text: str) -> bool:
    """Whether an ``<Error>`` to a request to cancel says that the order can no longer be cancelled."""
    folded = text.casefold()
    return any(mark in folded for mark in _TOO_LATE)
