"""The UnlockBase XML API, version 3 (protocol section 11.1).

Three things set it apart. *Delivered* is not success: ``Available`` says whether there is a code. Our reference
travels as ``Comments`` and is told back, so an order can be found by it. And one call lists all orders, which serves
``find`` and ``status_many``. How long that list grows is not documented: see ``find``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, NoReturn
from xml.etree.ElementTree import Element

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
from services.suppliers.dhru_envelope import money
from services.suppliers.dhru_errors import CONFIG, front_refusal
from services.suppliers.dhru_parameters import is_single
from services.suppliers.http import Answer, SupplierHttp
from services.suppliers.plain_text import MAX_CHARS, storable, to_line, to_plain_text
from services.suppliers.safe_xml import children, read_xml, words
from services.suppliers.unlockbase_catalogue import read_tools
from services.suppliers.unlockbase_errors import is_too_late, refusal_code
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

MAX_ID_CHARS: Final = 80
PAGE_SIZES: Final = 50
"""A list as long as a multiple of this may be one page of a longer one."""
PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "network": "Network",
        "model": "Mobile",
        "provider": "Provider",
        "pin": "PIN",
        "kbh": "KBH",
        "mep": "MEP",
        "prd": "PRD",
        "type": "Type",
        "locks": "Locks",
        "sn": "SN",
        "serial": "SN",
        "secro": "SecRO",
    }
)
"""Answers that an order may carry, by name. ``Email`` and ``SMS`` are left out: they reach past us to the customer."""
_TOLD_CHARS: Final = 300
_FARTHEST_ZONE: Final = timedelta(hours=14)
_NOT_FOUND_WORDS: Final = ("not found", "no record", "no result")
_NO_ID: Final = frozenset({"", "0", "-1", "null", "none", "false"})


@dataclass(frozen=True, slots=True)
class _Reply:
    answer: Answer
    api: Element | None

    @property
    def error(self) -> str:
        return to_plain_text(words(self.api, "Error")) if self.api is not None else ""


class UnlockBaseClient:
    """A ``SupplierClient`` for one account at UnlockBase. Fresh for each piece of work, not shared by threads."""

    features = frozenset({Feature.FIND, Feature.RECENT, Feature.STATUS_MANY, Feature.CANCEL})

    def __init__(self, endpoint: Endpoint, *, deadline_seconds: float | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self._key = _bare_key(endpoint.api_key)
        target = replace(endpoint, url=endpoint.url.strip(), api_key=self._key)
        headers = {"Accept": "application/xml, text/xml"}
        self._http = SupplierHttp(target, self.exchanges, deadline_seconds=deadline_seconds, headers=headers)

    # Buying

    def place(self, job: JobRequest, *, send_before: datetime | None = None) -> JobAccepted:
        """``PlaceOrder``. Accepted only with an id, refused only with a text known to mean "nothing was bought"."""
        reply = self._call("PlaceOrder", _placement(job), purpose="place", send_before=send_before)
        if reply.api is None:
            self._raise_for_no_api(reply.answer)
        order_id = _usable_id(words(reply.api, "ID"))
        if order_id and not reply.error:
            return JobAccepted(order_id)
        told = self._told(reply.api)
        code = refusal_code(reply.error)
        if code and not order_id and not words(reply.api, "Success"):
            raise Refused(told, code=code)
        raise OutcomeUnknown(f"the supplier answered with what proves nothing: {told}")

    def _raise_for_no_api(self, answer: Answer) -> NoReturn:
        front = front_refusal(answer)
        if front is not None:
            code, reason = front
            raise Refused(reason, code=code)
        raise OutcomeUnknown(f"HTTP {answer.status} without a readable answer")

    def cancel(self, supplier_order_id: str) -> CancelAnswer:
        """``CancelOrder``. Only the words "cancelled" or "canceled" in the answer are taken for having done it."""
        reply = self._call("CancelOrder", {"ID": supplier_order_id}, purpose="cancel")
        if reply.api is None:
            raise OutcomeUnknown(f"HTTP {reply.answer.status} without a readable answer")
        told = self._told(reply.api)
        if reply.error:
            if is_too_late(reply.error):
                return CancelAnswer.TOO_LATE
            raise Retryable(f"the supplier answered: {told}")
        done = words(reply.api, "Success").casefold()
        if not done:
            raise OutcomeUnknown("the supplier answered without a word about the request to cancel")
        return CancelAnswer.CANCELLED if re.search(r"\bcancell?ed\b", done) else CancelAnswer.ASKED

    # Asking

    def status(self, supplier_order_id: str) -> JobStatus:
        """``GetOrders`` for one id. An ``<Error>`` is ``Retryable``: the order is as it was."""
        wanted = supplier_order_id.strip()
        listed = self._orders({"ID": wanted}, purpose="status")
        found = [order for order in listed if words(order, "ID") == wanted]
        if len(found) != 1:
            raise OutcomeUnknown(f"the supplier answered with {len(listed)} orders, {len(found)} of them ours")
        return self._status_of(found[0])

    def status_many(self, supplier_order_ids: Sequence[str]) -> dict[str, JobStatus]:
        """``GetOrders`` without an id lists all orders; those that it tells twice or unclearly are left out."""
        wanted = {supplier_order_id.strip(): supplier_order_id for supplier_order_id in supplier_order_ids}
        told: dict[str, list[Element]] = {}
        for order in self._orders({}, purpose="status") if wanted else ():
            told.setdefault(words(order, "ID"), []).append(order)
        found: dict[str, JobStatus] = {}
        for order_id, given_id in wanted.items():
            orders = told.get(order_id, [])
            if len(orders) == 1:
                with suppress(OutcomeUnknown):
                    found[given_id] = self._status_of(orders[0])
        return found

    def find(self, reference: str) -> list[str]:
        """The ids of all orders whose ``Comments`` are our reference.

        None is said only of a whole list: one where every order tells its comments and whose length is not that of
        a page. Where the list was cut short a match still counts, its absence does not.
        """
        wanted = reference.strip()
        listed = self._orders({}, purpose="find")
        ids: dict[str, None] = {}
        for order in listed:
            order_id = _usable_id(words(order, "ID"))
            if not order_id or not children(order, "Comments"):
                raise OutcomeUnknown("the supplier's list of orders does not tell ids and comments")
            if words(order, "Comments") == wanted:
                ids[order_id] = None
        if not ids and listed and len(listed) % PAGE_SIZES == 0:
            raise OutcomeUnknown(f"the supplier's list of {len(listed)} orders may be cut short")
        return list(ids)

    def recent(self, identifier: str, service_id: str, since: datetime, until: datetime) -> list[str]:
        """The ids of all orders for this ``IMEI`` and ``Tool`` whose ``Date`` may lie within the time.

        Which zone ``Date`` is told in is not documented, so every zone is allowed for. None is said only of a whole
        list, as in ``find``.
        """
        listed = self._orders({}, purpose="recent")
        ids: dict[str, None] = {}
        for order in listed:
            order_id = _usable_id(words(order, "ID"))
            if not order_id or not children(order, "IMEI") or not children(order, "Tool"):
                raise OutcomeUnknown("the supplier's list of orders does not tell ids, devices and services")
            is_same = words(order, "IMEI") == identifier.strip() and words(order, "Tool") == service_id.strip()
            if is_same and _may_lie_within(words(order, "Date"), since, until):
                ids[order_id] = None
        if not ids and listed and len(listed) % PAGE_SIZES == 0:
            raise OutcomeUnknown(f"the supplier's list of {len(listed)} orders may be cut short")
        return list(ids)

    def account(self) -> Account:
        """``AccountInfo``. Credits have no currency of their own."""
        api = self._read("AccountInfo", {}, purpose="account", may_refuse=True)
        return Account(money(words(api, "Credits")), to_line(words(api, "Currency"), 20))

    def services(self) -> list[CatalogueEntry]:
        """``GetTools``. Raises rather than mistake a refusal for an empty catalogue."""
        return read_tools(self._read("GetTools", {}, purpose="services", may_refuse=True))

    def _orders(self, parameters: Mapping[str, str], *, purpose: str) -> list[Element]:
        return children(self._read("GetOrders", parameters, purpose=purpose), "Order")

    def _status_of(self, order: Element) -> JobStatus:
        """*Delivered* with ``Available`` True is a code, with False the news that there is none."""
        identifier = to_line(words(order, "IMEI"), 64)
        status = words(order, "Status").casefold()
        text = self._http.masked(to_plain_text(words(order, "Codes")))
        if status == "waiting":
            return JobStatus(JobState.PENDING, identifier=identifier)
        if status in {"canceled", "cancelled"}:
            return JobStatus(JobState.UNAVAILABLE, text or "The supplier cancelled the order.", identifier)
        available = words(order, "Available").casefold()
        if status != "delivered" or available not in {"true", "false"}:
            raise OutcomeUnknown(f"the supplier answered with status {self._line(f'{status} {available}', 40)}")
        if available == "true":
            return JobStatus(JobState.DONE, text, identifier)
        is_not_found = any(mark in text.casefold() for mark in _NOT_FOUND_WORDS)
        return JobStatus(JobState.NOT_FOUND if is_not_found else JobState.UNAVAILABLE, text, identifier)

    # Speaking

    def _call(
        self, action: str, parameters: Mapping[str, str], *, purpose: str, send_before: datetime | None = None
    ) -> _Reply:
        form = {"Key": self._key, "Action": action, **parameters}
        answer = self._http.post(form, purpose=purpose, send_before=send_before)
        return _Reply(answer, read_xml(answer.text, "API"))

    def _read(self, action: str, parameters: Mapping[str, str], *, purpose: str, may_refuse: bool = False) -> Element:
        """The answer of a call that changes nothing. ``may_refuse``: a known no is said as ``Refused``."""
        reply = self._call(action, parameters, purpose=purpose)
        if reply.api is None or (reply.answer.status != 200 and not reply.error):
            raise Retryable(f"HTTP {reply.answer.status} without a readable answer")
        if reply.error or children(reply.api, "Error"):
            told = self._told(reply.api)
            code = refusal_code(reply.error)
            if may_refuse and code:
                raise Refused(told, code=code)
            raise Retryable(f"the supplier answered: {told}")
        return reply.api

    def _told(self, api: Element) -> str:
        said = " ".join(words(api, name) for name in ("Error", "Success"))
        return self._line(said, _TOLD_CHARS) or "(nothing)"

    def _line(self, text: str, limit: int) -> str:
        """One plain line for staff, masked before it is cut, so that no half of a key is left."""
        return self._http.masked(to_line(text, MAX_CHARS))[:limit].rstrip()


def _placement(job: JobRequest) -> dict[str, str]:
    """The parameters of an order. Raises ``Refused`` rather than buy without an answer that was given."""
    if not is_single(job.identifier):
        raise Refused("the order does not name exactly one device", code=RefusalCode.INPUT)
    form = {"Tool": job.service_id, "IMEI": job.identifier, "Comments": job.reference}
    for name, value in job.fields.items():
        answer = storable(value).strip()
        if not answer or answer == job.identifier.strip():
            continue
        parameter = PARAMETERS.get(name.strip().casefold())
        if parameter is None:
            raise Refused(f"this supplier has no place for the answer {to_line(name, 40)!r}", code=CONFIG)
        form[parameter] = answer
    return {name: storable(value).strip() for name, value in form.items()}


def _bare_key(key: str) -> str:
    """The vendor prints keys in parentheses, which are no part of them."""
    bare = key.strip()
    return bare[1:-1].strip() if bare.startswith("(") and bare.endswith(")") else bare


def _may_lie_within(told: str, since: datetime, until: datetime) -> bool:
    """Whether a moment as the supplier tells it may lie within the time; one that cannot be read may."""
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return True
    if moment.tzinfo is not None:
        return since <= moment <= until
    moment = moment.replace(tzinfo=UTC)
    return since - _FARTHEST_ZONE <= moment <= until + _FARTHEST_ZONE


def _usable_id(text: str) -> str:
    is_usable = text.casefold() not in _NO_ID and len(text) <= MAX_ID_CHARS and text.isprintable()
    return text if is_usable else ""
