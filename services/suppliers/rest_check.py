"""Checks over REST with a bearer token, as imeicheck.net sells them (protocol section 11.4).

``POST /checks`` answers with the check, often with its result in it. Only the id is taken from that answer, and the
result is asked for with ``GET /checks/{id}`` like any other status: what the shop delivers never hangs on one answer
that a lost worker could take with it. An order whose answer was lost stays uncertain. The protocol carries no
reference of ours, so nothing in it can be found again: ``features`` is empty, staff look in the supplier's history
(device, service, time), and the log keeps every answer that did arrive.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from services.suppliers.base import (
    Account,
    CancelAnswer,
    CatalogueEntry,
    Endpoint,
    Exchange,
    Feature,
    JobAccepted,
    JobRequest,
    JobState,
    JobStatus,
    RefusalCode,
)
from services.suppliers.dhru_envelope import get, money, scalar
from services.suppliers.dhru_errors import CONFIG, front_refusal
from services.suppliers.dhru_parameters import is_single
from services.suppliers.http import Answer, SupplierHttp
from services.suppliers.plain_text import MAX_CHARS, storable, to_line, to_plain_text
from services.suppliers.rest_check_answers import error_text, read_json, refusal_code, result_text
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

MAX_ID_CHARS: Final = 80
_TOLD_CHARS: Final = 300
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_SERVICE_ID: Final = re.compile(r"[0-9]{1,9}")
_NO_ID: Final = frozenset({"", "0", "-1", "null", "none", "false"})
_PENDING: Final = frozenset({"waiting", "processing", "pending", "created", "queued"})
_DONE: Final = frozenset({"successful", "success", "completed", "done"})
_NO_DATA, _FAILED = "unsuccessful", "failed"
_OK: Final = frozenset({200, 201, 202})


class RestCheckClient:
    """A ``SupplierClient`` for one REST check API. Fresh for each piece of work, not shared between threads."""

    features: frozenset[Feature] = frozenset()

    def __init__(self, endpoint: Endpoint, *, deadline_seconds: float | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self._token = endpoint.api_key.strip()
        target = replace(endpoint, url=endpoint.url.strip().rstrip("/"), api_key=self._token)
        headers = {"Authorization": f"Bearer {self._token}", "Accept-Language": "en"}
        self._http = SupplierHttp(target, self.exchanges, deadline_seconds=deadline_seconds, headers=headers)

    # Buying

    def place(self, job: JobRequest, *, send_before: datetime | None = None) -> JobAccepted:
        """``POST /checks``. Accepted only with an id, refused only with what is known to mean "nothing was bought"."""
        self._check_token()
        body = _placement(job)
        answer = self._http.post_json("/checks", body, purpose="place", send_before=send_before)
        found = read_json(answer.text)
        check_id = _usable_id(get(found, "id"))
        if answer.status in _OK and check_id:
            return JobAccepted(check_id)
        told = self._told(answer, found)
        code = "" if check_id else refusal_code(answer.status, found, answer.text)
        if code:
            raise Refused(told, code=code)
        front = None if found is not None else front_refusal(answer)
        if front is not None:
            raise Refused(front[1], code=front[0])
        raise OutcomeUnknown(f"the supplier answered with what proves nothing: {told}")

    # Asking

    def status(self, supplier_order_id: str) -> JobStatus:
        """``GET /checks/{id}``. Any error is ``Retryable`` or unknown: the check is as it was."""
        wanted = supplier_order_id.strip()
        found = self._read(f"/checks/{quote(wanted, safe='')}", purpose="status")
        if _usable_id(get(found, "id")) != wanted:
            told = self._line(scalar(get(found, "id")), 40)
            raise OutcomeUnknown(f"the supplier answered about another check: {told}")
        status = scalar(get(found, "status")).casefold()
        identifier = to_line(scalar(get(found, "deviceId")), 64)
        if status in _PENDING:
            return JobStatus(JobState.PENDING, identifier=identifier)
        text = self._http.masked(result_text(get(found, "properties")))
        if status in _DONE:
            return JobStatus(JobState.DONE, text, identifier)
        reason = self._http.masked(to_plain_text(error_text(found))) or text
        if status == _NO_DATA:
            return JobStatus(JobState.NOT_FOUND, reason, identifier)
        if status == _FAILED:
            return JobStatus(JobState.UNAVAILABLE, reason, identifier)
        raise OutcomeUnknown(f"the supplier answered with status {self._line(status, 20)}")

    def account(self) -> Account:
        """``GET /account``: the balance; a currency only where the answer names one."""
        found = self._read("/account", purpose="account", may_refuse=True)
        return Account(money(get(found, "balance")), to_line(scalar(get(found, "currency")), 20))

    def services(self) -> list[CatalogueEntry]:
        """``GET /services``: a plain list. Raises rather than mistake a refusal for an empty catalogue."""
        listed = self._read("/services", purpose="services", may_refuse=True)
        if not isinstance(listed, list):
            raise Retryable("the supplier's answer is no list of services")
        entries = [_entry(each) for each in listed if isinstance(each, dict)]
        found: dict[str, CatalogueEntry] = {}
        for entry in entries:
            if _SERVICE_ID.fullmatch(entry.service_id):
                found.setdefault(entry.service_id, entry)
        return list(found.values())

    # What this protocol does not have

    def find(self, reference: str) -> list[str]:
        """Nothing here carries our reference. Raises ``Refused``; staff look by device, service and time."""
        del reference
        raise Refused("this protocol carries no reference of ours", code=CONFIG)

    def recent(self, identifier: str, service_id: str, since: datetime, until: datetime) -> list[str]:
        """No call that lists checks is documented. Raises ``Refused``."""
        del identifier, service_id, since, until
        raise Refused("this protocol lists no checks", code=CONFIG)

    def status_many(self, supplier_order_ids: Sequence[str]) -> dict[str, JobStatus]:
        """There is no such call. Raises ``Refused``."""
        del supplier_order_ids
        raise Refused("this protocol tells one check at a time", code=CONFIG)

    def cancel(self, supplier_order_id: str) -> CancelAnswer:
        """There is no such call. Raises ``Refused``."""
        del supplier_order_id
        raise Refused("this protocol cannot cancel a check", code=CONFIG)

    # Speaking

    def _read(self, path: str, *, purpose: str, may_refuse: bool = False) -> Any:
        """The JSON of a call that changes nothing. ``may_refuse``: a known no is said as ``Refused``."""
        self._check_token()
        answer = self._http.get(path, purpose=purpose)
        found = read_json(answer.text)
        if answer.status in _OK and found is not None:
            return found
        told = self._told(answer, found)
        code = refusal_code(answer.status, found, answer.text)
        if may_refuse and code:
            raise Refused(told, code=code)
        raise Retryable(f"the supplier answered: {told}")

    def _check_token(self) -> None:
        """A header carries printable ASCII only. Found out here, where the token cannot get into an error's text."""
        if not _TOKEN.fullmatch(self._token):
            raise Refused("the key is empty or has characters that no header may carry", code=RefusalCode.AUTH)

    def _told(self, answer: Answer, found: Any) -> str:
        said = error_text(found) if found is not None else answer.text
        return self._line(f"HTTP {answer.status} {said}", _TOLD_CHARS)

    def _line(self, text: str, limit: int) -> str:
        """One plain line for staff, masked before it is cut, so that no half of a key is left."""
        return self._http.masked(to_line(text, MAX_CHARS))[:limit].rstrip()


def _placement(job: JobRequest) -> dict[str, Any]:
    """The body of an order. Raises ``Refused`` rather than buy without an answer that was given."""
    if not is_single(job.identifier):
        raise Refused("the order does not name exactly one device", code=RefusalCode.INPUT)
    if not _SERVICE_ID.fullmatch(job.service_id.strip()):
        raise Refused(f"no service has the id {to_line(job.service_id, 40)!r}: they are numbers", code=CONFIG)
    for name, value in job.fields.items():
        if value.strip() and value.strip() != job.identifier.strip():
            raise Refused(f"this supplier has no place for the answer {to_line(name, 40)!r}", code=CONFIG)
    return {"deviceId": storable(job.identifier).strip(), "serviceId": int(job.service_id)}


def _entry(service: dict[str, Any]) -> CatalogueEntry:
    return CatalogueEntry(
        service_id=scalar(get(service, "id")),
        name=to_line(scalar(get(service, "title", "name")), 200),
        group="",
        kind="IMEI",
        cost=money(get(service, "price")),
        time="",
        info=to_plain_text(scalar(get(service, "description"))),
        requires=(),
        custom_fields=(),
        identifier_label="",
        allows_letters=False,
    )


def _usable_id(value: Any) -> str:
    text = scalar(value)
    is_usable = text.casefold() not in _NO_ID and len(text) <= MAX_ID_CHARS and text.isprintable()
    return text if is_usable else ""
