"""What a Dhru panel says about one order (protocol sections 4.5, 4.7 and 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from services.suppliers.base import JobState, JobStatus
from services.suppliers.dhru_envelope import get, scalar, texts
from services.suppliers.plain_text import to_line, to_plain_text
from unlockshop.kernel.errors import OutcomeUnknown

MAX_ID_CHARS: Final = 80
ACTIONS: Final = {"": "getimeiorder", "server": "getserverorder", "file": "getfileorder"}
"""The status action by the prefix of our order id. Older panels count server and file orders, and the services
for them, apart from the others: so the ids that we keep of those say what they are, as in ``server:12``."""

_NO_ID: Final = frozenset({"", "0", "-1", "null", "none", "false", "undefined", "n/a"})
_DONE, _REJECTED, _PENDING = "4", "3", frozenset({"0", "1", "2", "-1"})
_PENDING_WORDS: Final = ("process", "pend", "queue", "wait", "incomplete", "new")
_REJECTED_WORDS: Final = ("reject", "fail", "cancel", "unsuccess", "unavail", "not avail", "not found")
_DONE_WORDS: Final = ("success", "complete", "available")
_NOT_FOUND_WORDS: Final = ("not found", "notfound", "no record", "no result")
_BARE_WORDS: Final = frozenset(
    {"success", "successful", "complete", "completed", "done", "reject", "rejected", "cancelled", "canceled", "failed"}
)


def usable_id(value: Any) -> str:
    """An order's id as text; empty for what PHP writes when there is none, and for what cannot be kept."""
    text = scalar(value)
    is_usable = text.casefold() not in _NO_ID and len(text) <= MAX_ID_CHARS and text.isprintable()
    return text if is_usable and text == split_id(text)[1] else ""


def split_id(order_id: str) -> tuple[str, str]:
    """The prefix that ``ACTIONS`` knows, and the panel's own id, of an order or of a service."""
    prefix, mark, bare = order_id.partition(":")
    return (prefix, bare) if mark and prefix and prefix in ACTIONS else ("", order_id)


def reference_id(row: dict[str, Any], service_id: str) -> str:
    """The order's id under any of its spellings. A lone ID equal to what we sent is an echo, not an id."""
    found = usable_id(get(row, "REFERENCEID", "REFERENCE_ID", "ORDERID", "ORDER_ID"))
    if found:
        return found
    bare = usable_id(get(row, "ID"))
    return "" if bare == service_id.strip() else bare


def is_about(echo: Any, order_id: str) -> bool:
    """Whether an id that an answer carries, if it carries one, is the one that was asked for."""
    told = scalar(echo)
    return not told or told.casefold() == order_id.strip().casefold()


def read_status(row: dict[str, Any], masked: Callable[[str], str]) -> JobStatus:
    """One row with a STATUS. Raises ``OutcomeUnknown`` for a number that means nothing."""
    state = _state(scalar(get(row, "STATUS")))
    if state == JobState.PENDING:
        return JobStatus(state, identifier=_identifier(row))
    text = masked(to_plain_text(_result(row, is_done=state == JobState.DONE)))
    if state == JobState.UNAVAILABLE and any(mark in text.casefold() for mark in _NOT_FOUND_WORDS):
        state = JobState.NOT_FOUND
    return JobStatus(state, text, _identifier(row))


def _state(status: str) -> JobState:
    """Section 5. Words that point both ways are pending: asking again does no harm."""
    if status == _DONE:
        return JobState.DONE
    if status == _REJECTED:
        return JobState.UNAVAILABLE
    folded = status.casefold()
    if status in _PENDING or any(word in folded for word in _PENDING_WORDS):
        return JobState.PENDING
    if not status or status.lstrip("-").isdecimal():
        raise OutcomeUnknown(f"the supplier answered with status {to_line(status, 20)}")
    if any(word in folded for word in _REJECTED_WORDS):
        return JobState.UNAVAILABLE
    return JobState.DONE if any(word in folded for word in _DONE_WORDS) else JobState.PENDING


def _result(row: dict[str, Any], *, is_done: bool) -> str:
    """CODE; a reason also from COMMENTS or MESSAGE. One panel writes the bare status word into CODE (4.7)."""
    code = "\n".join(texts(get(row, "CODE")))
    other = next((text for name in ("COMMENTS", "MESSAGE") if (text := "\n".join(texts(get(row, name))))), "")
    if not code:
        return "" if is_done else other
    return other if other and code.strip().casefold() in _BARE_WORDS else code


def _identifier(row: dict[str, Any]) -> str:
    return to_line(scalar(get(row, "IMEI")), 64)
