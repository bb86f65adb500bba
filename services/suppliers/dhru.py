"""The Dhru protocol, classic dialect: what most suppliers of this trade speak.

Section numbers refer to the protocol notes. Two rules shape this module. A placement is accepted only with a
reference id, refused only with a text known to mean "nothing was bought", and unknown otherwise (section 7: there
is no idempotency key). And an error on any other call says nothing about an order (section 4.9).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit, urlunsplit

from services.suppliers.base import (
    Account,
    Endpoint,
    Exchange,
    JobAccepted,
    JobRequest,
    JobState,
    JobStatus,
    RefusalCode,
)
from services.suppliers.dhru_catalogue import CatalogueEntry, read_catalogue
from services.suppliers.dhru_envelope import Envelope, get, money, read_envelope, rows, scalar, texts
from services.suppliers.dhru_errors import front_refusal, refusal_code
from services.suppliers.dhru_parameters import NO_PARAMETERS, is_single, placement, xml
from services.suppliers.http import Answer, SupplierHttp
from services.suppliers.plain_text import to_line, to_plain_text
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

API_PATH: Final = "/api/index.php"
MAX_ID_CHARS: Final = 80
FIND_LIMIT: Final = 500
_TOLD_CHARS: Final = 300
_NO_ID: Final = frozenset({"", "0", "-1", "null", "none", "false", "undefined", "n/a"})

_DONE, _REJECTED, _PENDING = "4", "3", frozenset({"0", "1", "2", "-1"})
_PENDING_WORDS: Final = ("process", "pend", "queue", "wait", "incomplete", "new")
_REJECTED_WORDS: Final = ("reject", "fail", "cancel", "unsuccess", "unavail", "not avail", "not found")
_DONE_WORDS: Final = ("success", "complete", "available")
_NOT_FOUND_WORDS: Final = ("not found", "notfound", "no record", "no result")
_BARE_WORDS: Final = frozenset(
    {"success", "successful", "complete", "completed", "done", "reject", "rejected", "cancelled", "canceled", "failed"}
)


@dataclass(frozen=True, slots=True)
class _Reply:
    answer: Answer
    envelope: Envelope | None


class DhruClient:
    """A ``SupplierClient`` for one Dhru endpoint. Fresh for each piece of work, not shared between threads."""

    def __init__(self, endpoint: Endpoint, *, deadline_seconds: float | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self._endpoint = endpoint
        target = Endpoint(url=full_url(endpoint.url), username="", api_key=endpoint.api_key,
                          allow_loopback=endpoint.allow_loopback)  # fmt: skip
        self._http = SupplierHttp(target, self.exchanges, deadline_seconds=deadline_seconds)

    # Buying

    def place(self, job: JobRequest, *, send_before: datetime | None = None) -> JobAccepted:
        """``placeimeiorder`` (section 4.5). See the module's first rule."""
        if not is_single(job.identifier):
            raise Refused("the order does not name exactly one device", code=RefusalCode.INPUT)
        parameters = placement(job, sends_reference=self._endpoint.sends_reference)
        reply = self._call("placeimeiorder", parameters, purpose="place", send_before=send_before)
        if reply.envelope is None:
            self._raise_for_no_envelope(reply.answer)
        envelope = reply.envelope
        found = {name for row in envelope.rows() if (name := _reference_id(row, job.service_id))}
        if len(found) == 1:
            return JobAccepted(found.pop())
        told = self._told(envelope)
        if envelope.success is not None or envelope.error is None:
            raise OutcomeUnknown(f"the supplier answered without one order id: {told}")
        code = refusal_code(to_plain_text(envelope.error_text()))
        if not code:
            raise OutcomeUnknown(f"the supplier answered with an error that proves nothing: {told}")
        raise Refused(told, code=code)

    def _raise_for_no_envelope(self, answer: Answer) -> NoReturn:
        front = front_refusal(answer)
        if front is not None:
            code, reason = front
            raise Refused(reason, code=code)
        raise OutcomeUnknown(f"HTTP {answer.status} without a readable answer")

    # Asking

    def status(self, supplier_order_id: str) -> JobStatus:
        """``getimeiorder`` (sections 4.7 and 5). An ERROR is ``Retryable``: the order is as it was."""
        envelope = self._read("getimeiorder", xml({"ID": supplier_order_id}), purpose="status")
        found = [row for row in envelope.rows() if get(row, "STATUS") is not None]
        if len(found) != 1:
            raise OutcomeUnknown("the supplier answered without one status")
        row = found[0]
        for echo in (scalar(get(envelope.top, "ID")), scalar(get(row, "ID", "REFERENCEID"))):
            if echo and echo.casefold() != supplier_order_id.strip().casefold():
                raise OutcomeUnknown(f"the supplier answered about another order: {to_line(echo, 40)}")
        state = _state(scalar(get(row, "STATUS")))
        if state == JobState.PENDING:
            return JobStatus(state, identifier=_identifier(row))
        text = self._http.masked(to_plain_text(_result(row, is_done=state == JobState.DONE)))
        if state == JobState.UNAVAILABLE and any(mark in text.casefold() for mark in _NOT_FOUND_WORDS):
            state = JobState.NOT_FOUND
        return JobStatus(state, text, _identifier(row))

    def find(self, reference: str) -> list[str]:
        """The ids of the orders with exactly our reference, by the extension ``orderslist``.

        An empty list is a statement ("not there"), so it is made only on a whole, well-formed list that the
        supplier filtered by the reference. Anything less raises.
        """
        if not self._endpoint.sends_reference:
            raise OutcomeUnknown("this supplier is never told our references")
        envelope = self._read("orderslist", xml({"REFERENCE": reference}), purpose="find", only_ok=True)
        lists = [found for row in envelope.rows() if (found := get(row, "LIST")) is not None]
        if len(lists) != 1 or not isinstance(lists[0], (list, dict)):
            raise OutcomeUnknown("the supplier's list of orders is malformed")
        listed = list(lists[0].values()) if isinstance(lists[0], dict) else lists[0]
        ids: dict[str, None] = {}
        for entry in listed:
            order_id, carried = _usable_id(get(entry, "ID")), get(entry, "REFERENCE")
            if not order_id or carried is None:
                raise OutcomeUnknown("the supplier's list of orders is malformed")
            if scalar(carried) == reference.strip():
                ids[order_id] = None
        if not ids and listed:
            raise OutcomeUnknown("the supplier's list of orders is not filtered by our reference")
        if len(listed) >= FIND_LIMIT:
            raise OutcomeUnknown("the supplier's list of orders may be cut short")
        return list(ids)

    def account(self) -> Account:
        """``accountinfo`` (section 4.1): creditraw, then credit, then anything that is called so."""
        envelope = self._read("accountinfo", NO_PARAMETERS, purpose="account", may_refuse=True)
        found = envelope.rows()
        places = [row for name in ("AccoutInfo", "AccountInfo") for outer in found for row in rows(get(outer, name))]
        currency = ""
        credit: Decimal | None = None
        for row in [*places, *found]:
            for name in ("creditraw", "credit", *(str(key) for key in row if _is_credit_name(str(key)))):
                credit = money(get(row, name)) if credit is None else credit
            currency = currency or to_line(scalar(get(row, "currency")), 20)
        return Account(credit, currency)

    def services(self) -> list[CatalogueEntry]:
        """``imeiservicelist`` (section 4.2). Raises rather than mistake a refusal for an empty catalogue."""
        envelope = self._read("imeiservicelist", NO_PARAMETERS, purpose="services", may_refuse=True)
        lists = [found for row in envelope.rows() if (found := get(row, "LIST")) is not None]
        if not lists or not isinstance(lists[0], (list, dict)):
            raise Retryable("the supplier's answer has no list of services")
        return read_catalogue(lists[0])

    # Speaking

    def _call(self, action: str, parameters: str, *, purpose: str, send_before: datetime | None = None) -> _Reply:
        form = {
            "username": self._endpoint.username.strip(),
            "apiaccesskey": self._endpoint.api_key.strip(),
            "action": action,
            "requestformat": "JSON",
            "parameters": parameters,
        }
        answer = self._http.post(form, purpose=purpose, send_before=send_before)
        return _Reply(answer, read_envelope(answer.text))

    def _read(
        self, action: str, parameters: str, *, purpose: str, may_refuse: bool = False, only_ok: bool = False
    ) -> Envelope:
        """The SUCCESS answer of a call that changes nothing. ``may_refuse``: a known no is said as ``Refused``."""
        reply = self._call(action, parameters, purpose=purpose)
        envelope = reply.envelope
        if envelope is None:
            raise Retryable(f"HTTP {reply.answer.status} without a readable answer")
        if envelope.error is not None or envelope.success is None:
            told = self._told(envelope)
            code = refusal_code(to_plain_text(envelope.error_text()))
            if may_refuse and code:
                raise Refused(told, code=code)
            raise Retryable(f"the supplier answered: {told}")
        if only_ok and reply.answer.status != 200:
            raise Retryable(f"the supplier answered with HTTP {reply.answer.status}")
        return envelope

    def _told(self, envelope: Envelope) -> str:
        """The supplier's words, for staff: plain, one line, without our key."""
        half = envelope.error if envelope.error is not None else envelope.success
        return self._http.masked(to_line(" ".join(texts(half)), _TOLD_CHARS)) or "(nothing)"


def full_url(url: str) -> str:
    """The endpoint: as given when it names a script or a path, else with the usual path added (section 1)."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url  # refused, with a reason, when it is used
    if parts.path and not parts.path.endswith("/"):
        return url.strip()
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + API_PATH))


def _usable_id(value: Any) -> str:
    text = scalar(value)
    is_usable = text.casefold() not in _NO_ID and len(text) <= MAX_ID_CHARS and text.isprintable()
    return text if is_usable else ""


def _reference_id(row: dict[str, Any], service_id: str) -> str:
    """The order's id under any of its spellings. A lone ID equal to what we sent is an echo, not an id."""
    found = _usable_id(get(row, "REFERENCEID", "REFERENCE_ID", "ORDERID", "ORDER_ID"))
    if found:
        return found
    bare = _usable_id(get(row, "ID"))
    return "" if bare == service_id.strip() else bare


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


def _is_credit_name(name: str) -> bool:
    folded = name.casefold()
    return folded.startswith("credit") or "balance" in folded
