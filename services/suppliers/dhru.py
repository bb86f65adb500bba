"""The Dhru protocol, classic dialect: what most suppliers of this trade speak.

Section numbers refer to the protocol notes. Two rules shape this module. A placement is accepted only with a
reference id, refused only with a text known to mean "nothing was bought", and unknown otherwise (section 7: there
is no idempotency key). And an error on any other call says nothing about an order (section 4.9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from services.suppliers.base import (
    Account,
    CatalogueEntry,
    Endpoint,
    Exchange,
    Exploration,
    Feature,
    JobState,
    JobStatus,
)
from services.suppliers.dhru_bulk import by_key, chunks, status_row
from services.suppliers.dhru_call import DhruCall, full_url
from services.suppliers.dhru_catalogue import read_catalogue
from services.suppliers.dhru_envelope import Envelope, get, money, rows, scalar
from services.suppliers.dhru_lists import DhruLists
from services.suppliers.dhru_parameters import Dialect, bulk
from services.suppliers.dhru_placing import DhruPlacing
from services.suppliers.dhru_status import ACTIONS, is_about, read_status, split_id, usable_id
from services.suppliers.http import MAX_CATALOGUE_BYTES
from services.suppliers.plain_text import to_line
from unlockshop.kernel.errors import OutcomeUnknown, Retryable

__all__ = ["DhruClient", "full_url"]

FIND_LIMIT: Final = 500


class DhruClient(DhruPlacing, DhruLists):
    """A ``SupplierClient`` for one Dhru endpoint. Fresh for each piece of work, not shared between threads.

    ``cancel`` is missing: no classic action cancels an order (section 4.11). An order is found only where the
    supplier is told our references.
    """

    features = frozenset({Feature.FIND, Feature.STATUS_MANY, Feature.PLACE_MANY})
    dialects = tuple(Dialect)

    def __init__(self, endpoint: Endpoint, *, deadline_seconds: float | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self._endpoint = endpoint
        if not endpoint.sends_reference:
            self.features = self.features - {Feature.FIND}
        self._dhru = DhruCall(endpoint, self.exchanges, deadline_seconds=deadline_seconds)

    @staticmethod
    def explore(endpoint: Endpoint, *, pause_seconds: float = 0.0) -> Exploration:
        """What a supplier understands, found without buying; see ``dhru_explore``."""
        from services.suppliers.dhru_explore import DhruExplorer  # noqa: PLC0415 - it needs this module

        return DhruExplorer(endpoint, pause_seconds).explore()

    def status(self, supplier_order_id: str) -> JobStatus:
        """``getimeiorder`` (sections 4.7 and 5). An ERROR is ``Retryable``: the order is as it was."""
        prefix, order_id = split_id(supplier_order_id)
        try:
            envelope = self._dhru.read(ACTIONS[prefix], {"ID": order_id}, purpose="status")
        except Retryable as error:
            if prefix == "file" and "not ready" in str(error).casefold():  # section 4.9
                return JobStatus(JobState.PENDING)
            raise
        found = [row for row in envelope.rows() if get(row, "STATUS") is not None]
        if len(found) != 1:
            raise OutcomeUnknown("the supplier answered without one status")
        row = found[0]
        for echo in (get(envelope.top, "ID"), get(row, "ID", "REFERENCEID")):
            if not is_about(echo, order_id):
                told = to_line(self._dhru.masked(scalar(echo)), 40)
                raise OutcomeUnknown(f"the supplier answered about another order: {told}")
        return read_status(row, self._dhru.masked)

    def status_many(self, supplier_order_ids: Sequence[str]) -> dict[str, JobStatus]:
        """``getimeiorderbulk`` (section 4.8), fifty at a time.

        Some panels answer STATUS 0 for orders that they do not know, so a 0 that names no device is no answer.
        """
        wanted = [order_id for order_id in dict.fromkeys(supplier_order_ids) if not split_id(order_id)[0]]
        found: dict[str, JobStatus] = {}
        for some in chunks(wanted):
            envelope = self._status_bulk(some)
            for order_id, told in by_key(envelope, some).items():
                row = status_row(told)
                if row is None or not is_about(get(row, "ID", "REFERENCEID"), order_id):
                    continue
                try:
                    status = read_status(row, self._dhru.masked)
                except OutcomeUnknown:
                    continue
                if scalar(get(row, "STATUS")) != "0" or status.identifier:
                    found[order_id] = status
        return found

    def _status_bulk(self, order_ids: Sequence[str]) -> Envelope:
        """Keyed by the orders' ids, so that the answers of both kinds of panel are; a list for the other kind."""
        keyed = bulk({order_id: {"ID": order_id} for order_id in order_ids})
        reply = self._dhru.call("getimeiorderbulk", keyed, purpose="status_many", keys=order_ids)
        envelope = self._dhru.readable(reply)
        if not by_key(envelope, order_ids):
            if envelope.error is not None:
                self._dhru.raise_for_error(envelope)
            raise Retryable("the supplier's answer has no rows for the orders that were asked for")
        return envelope

    def find(self, reference: str) -> list[str]:
        """The ids of the orders with exactly our reference, by the extension ``orderslist``.

        An empty list is a statement ("not there"), so it is made only on a whole, well-formed list that the
        supplier filtered by the reference. Anything less raises.
        """
        if not self._endpoint.sends_reference:
            raise OutcomeUnknown("this supplier is never told our references")
        envelope = self._dhru.read("orderslist", {"REFERENCE": reference}, purpose="find", only_ok=True)
        lists = [found for row in envelope.rows() if (found := get(row, "LIST")) is not None]
        if len(lists) != 1 or not isinstance(lists[0], (list, dict)):
            raise OutcomeUnknown("the supplier's list of orders is malformed")
        listed = list(lists[0].values()) if isinstance(lists[0], dict) else lists[0]
        ids: dict[str, None] = {}
        for entry in listed:
            order_id, carried = usable_id(get(entry, "ID")), get(entry, "REFERENCE")
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
        envelope = self._dhru.read("accountinfo", purpose="account", may_refuse=True)
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
        """``imeiservicelist`` (section 4.2), which since version 6 has the server services too.

        Raises rather than mistake a refusal for an empty catalogue.
        """
        return self._catalogue("imeiservicelist", "IMEI")

    def server_services(self) -> list[CatalogueEntry]:
        """``serverservicelist``, of older panels (section 4.10). Raises like ``services``.

        The ids carry what they are, because such panels number each list from one.
        """
        return [_prefixed("server", entry) for entry in self._catalogue("serverservicelist", "SERVER")]

    def file_services(self) -> list[CatalogueEntry]:
        """``fileservicelist`` (section 4.9), ids as of ``server_services``."""
        return [_prefixed("file", entry) for entry in self._catalogue("fileservicelist", "FILE")]

    def _catalogue(self, action: str, kind: str) -> list[CatalogueEntry]:
        envelope = self._dhru.read(action, purpose="services", may_refuse=True, max_bytes=MAX_CATALOGUE_BYTES)
        lists = [found for row in envelope.rows() if (found := get(row, "LIST")) is not None]
        if not lists or not isinstance(lists[0], (list, dict)):
            raise Retryable("the supplier's answer has no list of services")
        return read_catalogue(lists[0], kind)


def _prefixed(prefix: str, entry: CatalogueEntry) -> CatalogueEntry:
    return replace(entry, service_id=f"{prefix}:{entry.service_id}")


def _is_credit_name(name: str) -> bool:
    folded = name.casefold()
    return folded.startswith("credit") or "balance" in folded
