"""Buying by the Dhru protocol: one device, a server order, a file, or many at once (sections 4.5, 4.6, 4.9, 4.10).

A placement is accepted only with a reference id, refused only with a text known to mean "nothing was bought", and
unknown otherwise. It is repeated under another action only after the panel said that it does not know the first.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NoReturn

from services.suppliers.base import Endpoint, JobAccepted, JobRequest, RefusalCode
from services.suppliers.dhru_bulk import CHUNK, RESERVED, Told, by_key, order_ids
from services.suppliers.dhru_call import DhruCall
from services.suppliers.dhru_errors import CONFIG, front_refusal, is_unknown_action, refusal_code
from services.suppliers.dhru_parameters import bulk, encode, is_single, order_fields, server_fields
from services.suppliers.dhru_status import MAX_ID_CHARS, reference_id, split_id
from services.suppliers.http import Answer
from services.suppliers.plain_text import to_line, to_plain_text
from unlockshop.kernel.errors import OutcomeUnknown, Refused

SERVER_KINDS: Final = frozenset({"SERVER", "REMOTE"})
MAX_FILE_BYTES: Final = 4 * 1024 * 1024
Outcome = JobAccepted | Refused | OutcomeUnknown


class DhruPlacing:
    """The buying half of ``DhruClient``."""

    _endpoint: Endpoint
    _dhru: DhruCall

    def place(self, job: JobRequest, *, send_before: datetime | None = None) -> JobAccepted:
        """``placeimeiorder`` (section 4.5), or what the job's kind needs. See the module's rule."""
        prefix, service_id = split_id(job.service_id)
        kind = job.kind.strip().upper()
        if prefix == "server":
            return self._place_at_older_panel(replace(job, service_id=service_id), send_before)
        if kind in SERVER_KINDS:
            return self._place_server(job, send_before)
        if prefix == "file" or kind == "FILE":
            raise Refused("a file service needs a file", code=RefusalCode.INPUT)
        if not is_single(job.identifier):
            raise Refused("the order does not name exactly one device", code=RefusalCode.INPUT)
        fields = order_fields(job, sends_reference=self._endpoint.sends_reference)
        return self._buy("placeimeiorder", fields, job.service_id, send_before)

    def _place_server(self, job: JobRequest, send_before: datetime | None) -> JobAccepted:
        """Section 4.10: the action of today; where a panel says it has no such action, the older one."""
        _check_one_thing(job)
        fields = server_fields(job, sends_reference=self._endpoint.sends_reference)
        try:
            return self._buy("placeimeiorder", fields, job.service_id, send_before)
        except Refused as refusal:
            if refusal.code != CONFIG or not is_unknown_action(str(refusal)):
                raise
        return self._place_at_older_panel(job, send_before)

    def _place_at_older_panel(self, job: JobRequest, send_before: datetime | None) -> JobAccepted:
        """``placeserverorder``. Such panels number server services apart: the id must not go to the other action."""
        _check_one_thing(job)
        fields = server_fields(job, sends_reference=self._endpoint.sends_reference, is_legacy=True)
        return _prefixed("server", self._buy("placeserverorder", fields, job.service_id, send_before))

    def place_file(
        self, service_id: str, filename: str, content: bytes, *, send_before: datetime | None = None
    ) -> JobAccepted:
        """``placefileorder`` (section 4.9): the file's content, at most 4 MiB."""
        service_id = split_id(service_id)[1]
        name = filename.replace("\\", "/").rpartition("/")[2].strip()
        if not name or not 0 < len(content) <= MAX_FILE_BYTES:
            raise Refused("the order needs a named file of at most 4 MiB", code=RefusalCode.INPUT)
        fields = {"ID": service_id, "FILENAME": name, "FILEDATA": base64.b64encode(content).decode("ascii")}
        return _prefixed("file", self._buy("placefileorder", fields, service_id, send_before))

    def _buy(
        self, action: str, fields: Mapping[str, str], service_id: str, send_before: datetime | None
    ) -> JobAccepted:
        parameters = encode(fields, self._dhru.dialect)
        reply = self._dhru.call(action, parameters, purpose="place", send_before=send_before)
        envelope = reply.envelope
        if envelope is None:
            _raise_for_no_envelope(reply.answer)
        found = {name for row in envelope.rows() if (name := reference_id(row, service_id))}
        if len(found) == 1:
            return JobAccepted(found.pop())
        told = self._dhru.told(envelope)
        if envelope.success is not None or envelope.error is None:
            raise OutcomeUnknown(f"the supplier answered without one order id: {told}")
        raise _no(to_plain_text(envelope.error_text()), told)

    def place_many(self, jobs: Sequence[JobRequest], *, send_before: datetime | None = None) -> dict[str, Outcome]:
        """``placeimeiorderbulk`` (section 4.6): what became of each job, by its reference.

        Only where a probe proved that the supplier's answer can be matched to the rows; else it is refused before
        a byte is sent. Raises ``OutcomeUnknown`` for all when the answer as a whole cannot be read.
        """
        if not self._endpoint.places_in_bulk:
            raise Refused("bulk placing is not proven to work at this supplier", code=CONFIG)
        keys = [job.reference for job in jobs]
        if not 0 < len(jobs) <= CHUNK or len({key.casefold() for key in keys}) != len(keys):
            raise Refused(f"a bulk order has 1 to {CHUNK} rows with references of their own", code=RefusalCode.INPUT)
        if any(key.casefold() in RESERVED or not key.strip() for key in keys):
            raise Refused("a reference must not be a name of the protocol's", code=RefusalCode.INPUT)
        if not all(is_single(job.identifier) for job in jobs):
            raise Refused("a row does not name exactly one device", code=RefusalCode.INPUT)
        sent = {job.reference: self._row(job) for job in jobs}
        reply = self._dhru.call("placeimeiorderbulk", bulk(sent), purpose="place", send_before=send_before, keys=keys)
        envelope = reply.envelope
        if envelope is None:
            _raise_for_no_envelope(reply.answer)
        told = by_key(envelope, keys)
        if not told and envelope.error is not None and envelope.success is None:
            raise _no(to_plain_text(envelope.error_text()), self._dhru.told(envelope))
        outcomes = {job.reference: self._outcome(told.get(job.reference, []), job) for job in jobs}
        return _without_shared_ids(outcomes)

    def _row(self, job: JobRequest) -> dict[str, str]:
        return order_fields(job, sends_reference=self._endpoint.sends_reference) | {"QNT": "1"}

    def _outcome(self, told: Sequence[Told], job: JobRequest) -> Outcome:
        ids = order_ids(told, job.service_id)
        if len(ids) == 1:
            return JobAccepted(ids.pop())
        words = " ".join(each.error for each in told if each.error)
        if ids or not words or any(each.rows for each in told):
            return OutcomeUnknown("the supplier's answer does not tell what became of this row")
        return _no(to_plain_text(words), self._dhru.masked(to_line(words, 300)))


def _check_one_thing(job: JobRequest) -> None:
    if job.identifier.strip() and not is_single(job.identifier):
        raise Refused("the order names more than one thing", code=RefusalCode.INPUT)


def _no(text: str, told: str) -> Refused | OutcomeUnknown:
    """An ERROR to a placement: a refusal if its text proves that nothing was bought."""
    code = refusal_code(text)
    if code:
        return Refused(told, code=code)
    return OutcomeUnknown(f"the supplier answered with an error that proves nothing: {told}")


def _raise_for_no_envelope(answer: Answer) -> NoReturn:
    front = front_refusal(answer)
    if front is not None:
        code, reason = front
        raise Refused(reason, code=code)
    raise OutcomeUnknown(f"HTTP {answer.status} without a readable answer")


def _prefixed(prefix: str, accepted: JobAccepted) -> JobAccepted:
    """Server and file orders of older panels are numbered apart, so their ids carry what they are."""
    order_id = f"{prefix}:{accepted.supplier_order_id}"
    if len(order_id) > MAX_ID_CHARS:
        raise OutcomeUnknown("the supplier's order id is too long to keep")
    return JobAccepted(order_id)


def _without_shared_ids(outcomes: dict[str, Outcome]) -> dict[str, Outcome]:
    """One order cannot be two rows' order: then nobody knows whose it is."""
    ids = [outcome.supplier_order_id for outcome in outcomes.values() if isinstance(outcome, JobAccepted)]
    return {
        key: OutcomeUnknown("the supplier gave two rows the same order id")
        if isinstance(outcome, JobAccepted) and ids.count(outcome.supplier_order_id) > 1
        else outcome
        for key, outcome in outcomes.items()
    }
