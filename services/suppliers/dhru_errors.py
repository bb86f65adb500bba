"""What a Dhru supplier's words of refusal mean (protocol section 6), and which answers never reached its panel.

For a placement only a text that this table knows proves that nothing was bought. Anything else is no proof.
"""

from __future__ import annotations

import json
from typing import Final

from services.suppliers.base import RefusalCode
from services.suppliers.http import Answer

CONFIG: Final = "config"
"""Our own settings for the supplier are wrong: address or action. Not one of ``RefusalCode``: the order is held."""

UNKNOWN_ACTION: Final = ("invalid action", "command not found", "unsupported action", "unknown action")
"""The panel does not know the action, so it did nothing: another spelling of the action may be tried."""

_UNPROVEN: Final = ""
_TABLE: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    # The first line with a matching text decides; matching ignores case.
    # The panel's own crash, passed off as an error: it may have come after the order was stored.
    (
        _UNPROVEN,
        (
            "sqlstate", "sql syntax", "mysql", "duplicate entry", "deadlock", "fatal error", "uncaught",
            "stack trace", "exception", "timed out", "timeout", "internal server error", "undefined ",
        ),
    ),
    (RefusalCode.DUPLICATE, ("already available or pending", "already pending", "duplicate imei")),
    (RefusalCode.IP, ("invalid ip", "unauthorized ip", "ip is not allowed")),
    (
        RefusalCode.AUTH,
        (
            "authentication failed", "invalid api", "invalid username", "invalid user name", "api is inactive",
            "you are blocked", "the username field", "apiaccesskey",
        ),
    ),
    (
        RefusalCode.FUNDS,
        (
            "creditprocesserror", "not enough credit", "insufficient credit", "insufficient balance",
            "insufficient fund", "not enough balance", "overdue limit exceeded", "balance process error",
        ),
    ),
    (RefusalCode.RATE, ("too frequently", "once per", "too many attempts", "too many requests")),
    (RefusalCode.MAINTENANCE, ("under maintenance", "maintenance mode", "demo mode")),
    (
        RefusalCode.SERVICE_GONE,
        (
            "invalid imei tool", "service not active", "service not found", "invalid service id",
            "not available for ordering", "has no price set", "no tool found",
        ),
    ),
    (CONFIG, (*UNKNOWN_ACTION, "invalid access")),
    (
        RefusalCode.INPUT,
        (
            "validationerror", "invalid imei", "' required", "is required", "missing required field",
            "minimum quantity", "maximum quantity", "customfield must be",
        ),
    ),
)  # fmt: skip


def refusal_code(text: str) -> str:
    """The code for an ERROR text; empty when the text proves nothing."""
    folded = text.casefold()
    for code, marks in _TABLE:
        if any(mark in folded for mark in marks):
            return code
    return _UNPROVEN


def is_unknown_action(text: str) -> bool:
    """Whether an ERROR text says, beyond doubt, that the panel does not know the action."""
    folded = text.casefold()
    return refusal_code(text) == CONFIG and any(mark in folded for mark in UNKNOWN_ACTION)


def front_refusal(answer: Answer) -> tuple[str, str] | None:
    """The code and the reason when something in front of the panel answered in its place; None when unproven.

    Asked only for an answer without an envelope. Section 1 lists what provably stops a request before the panel:
    a 409 with a cookie challenge, 415, 429, the bot protection's JSON. A 301, 307 or 308 asks for the same POST
    elsewhere, so it was not carried out; it is our configuration that is wrong. Not listed, so not believed: 302
    and 303 (a PHP panel answers so after working, too), 403 (a filter of *outgoing* pages blocks with it after the
    order was stored), any 5xx (section 7).
    """
    match answer.status:
        case 301 | 307 | 308:
            return CONFIG, f"the supplier's address moved: {answer.location}"
        case 409 if "document.cookie" in answer.text:
            return RefusalCode.MAINTENANCE, "a browser challenge stands before the supplier"
        case 415:
            return RefusalCode.MAINTENANCE, "the supplier's front server refuses our requests (415)"
        case 429:
            return RefusalCode.RATE, "too many requests (429)"
    if _is_bot_protection(answer.text):
        return RefusalCode.MAINTENANCE, "a bot protection stands before the supplier"
    return None


def _is_bot_protection(text: str) -> bool:
    """``{"message": "Access denied by Imunify360 bot-protection ..."}`` and nothing else."""
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        return False
    message = str(reply.get("message", "")).casefold() if isinstance(reply, dict) else ""
    return "access denied" in message and ("imunify" in message or "bot-protection" in message)
