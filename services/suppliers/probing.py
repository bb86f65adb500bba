"""Trying a supplier out through the port, without a row in the database: look around, and buy one order.

An adapter may look around by itself (``explore``) where its protocol has variants to find; else the port's own
questions are asked. Nothing is bought twice: a placement is repeated, in another dialect, only after a refusal which
proves that nothing was bought, and only where the questions did not tell which dialect the supplier reads.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from services.suppliers.base import (
    NO,
    SUPPLIER_SIDE,
    UNCLEAR,
    UNPROVEN,
    YES,
    Endpoint,
    Exploration,
    Feature,
    JobAccepted,
    JobRequest,
    JobState,
    RefusalCode,
    SupplierClient,
)
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError

_MISREAD: Final = frozenset({RefusalCode.INPUT, RefusalCode.SERVICE_GONE})
"""Refusals that a server also gives when it cannot read our parameters."""
_STATES: Final = {
    JobState.PENDING: "pending",
    JobState.DONE: "done",
    JobState.UNAVAILABLE: "rejected",
    JobState.NOT_FOUND: "not_found",
}
_LONGEST_POLL: Final = 10.0
_END_MARGIN: Final = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that became of the order. ``step`` is "place" or "status"; ``seconds`` since the first was asked.

    Of "place": accepted, refused (with ``code``), not_sent, unknown. Of "status": pending, done, rejected,
    not_found, unknown.
    """

    step: str
    outcome: str
    code: str
    text: str
    supplier_order_id: str
    dialect: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One order to buy for a trial, and how long to follow it, in seconds."""

    service_id: str
    identifier: str
    fields: dict[str, str]
    wait_seconds: float
    poll_seconds: float
    in_bulk: bool = False


def explore(adapter: Any, endpoint: Endpoint, *, pause_seconds: float) -> Exploration:
    """What ``adapter`` (a class) finds at ``endpoint``. Errors are in ``problems``, none is raised."""
    if hasattr(adapter, "explore"):
        found: Exploration = adapter.explore(endpoint, pause_seconds=pause_seconds)
        return found
    found = Exploration(endpoint)
    client: SupplierClient = adapter(endpoint)
    features = client.features
    found.capabilities = {each.value: UNPROVEN if each in features else NO for each in Feature}
    try:
        found.account = client.account()
    except ShopError as error:
        found.problems.append(("account", error))
        if not isinstance(error, Refused) or error.code in {*SUPPLIER_SIDE, "address"}:
            return found
    time.sleep(pause_seconds)
    try:
        found.services = client.services()
    except ShopError as error:
        found.problems.append(("catalogue", error))
    return found


def buy(adapter: Any, found: Exploration, trial: Trial) -> Iterator[Outcome]:
    """Buy one order and follow it to its end, or until ``trial.wait_seconds`` are over, told as it happens.

    Writes what the order proved into ``found.capabilities``.
    """
    began = time.monotonic()
    kind = next((entry.kind for entry in found.services or () if entry.service_id == trial.service_id), "")
    reference = f"P-{secrets.token_hex(6)}"
    job = JobRequest(reference, trial.service_id, trial.identifier, trial.fields, kind)
    sends = found.capabilities.get(Feature.FIND) == UNPROVEN
    base = replace(found.endpoint, sends_reference=sends, places_in_bulk=trial.in_bulk)
    order_id = ""
    for dialect in _dialects(adapter, found):
        client: SupplierClient = adapter(replace(base, dialect=dialect))
        outcome = _placed(client, job, trial, dialect, began)
        yield outcome
        if outcome.outcome == "accepted":
            order_id = outcome.supplier_order_id
        if outcome.outcome != "refused" or outcome.code not in _MISREAD:
            break
    if not order_id:
        return
    if trial.in_bulk:
        found.capabilities[Feature.PLACE_MANY] = YES
    found.endpoint = replace(found.endpoint, dialect=dialect)
    yield from _followed(client, order_id, trial, dialect, began)
    _prove(client, found, order_id, reference)


def _dialects(adapter: Any, found: Exploration) -> list[str]:
    """The one that was found or given; else each, the usual one first."""
    chosen = found.endpoint.dialect
    if chosen:
        return [chosen]
    return [str(each) for each in getattr(adapter, "dialects", ())] or [""]


def _placed(client: Any, job: JobRequest, trial: Trial, dialect: str, began: float) -> Outcome:
    def told(outcome: str, code: str = "", text: str = "", order_id: str = "") -> Outcome:
        return Outcome("place", outcome, str(code), text, order_id, dialect, _since(began))

    try:
        answer = client.place_many([job])[job.reference] if trial.in_bulk else client.place(job)
        if isinstance(answer, ShopError):
            raise answer
    except Refused as error:
        return told("refused", error.code, str(error))
    except Retryable as error:
        return told("not_sent", text=str(error))
    except OutcomeUnknown as error:
        return told("unknown", text=str(error))
    accepted: JobAccepted = answer
    return told("accepted", order_id=accepted.supplier_order_id)


def _followed(client: SupplierClient, order_id: str, trial: Trial, dialect: str, began: float) -> Iterator[Outcome]:
    """What changes from one question to the next. An error says nothing about the order, so it is asked again."""
    until = time.monotonic() + trial.wait_seconds
    pause = trial.poll_seconds
    last: tuple[str, str] = ("", "")
    while True:
        try:
            status = client.status(order_id)
            outcome, text = _STATES[status.state], status.text
        except ShopError as error:
            outcome, text = "unknown", str(error)
        if (outcome, text) != last:
            last = (outcome, text)
            yield Outcome("status", outcome, "", text, order_id, dialect, _since(began))
        left = until - time.monotonic()
        if outcome not in {"pending", "unknown"} or left <= _END_MARGIN:
            return
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, max(_LONGEST_POLL, trial.poll_seconds))


def _prove(client: SupplierClient, found: Exploration, order_id: str, reference: str) -> None:
    """What could be told only with an order at hand: whether it is found, and told of among many."""
    questions: list[tuple[Feature, Callable[[], bool]]] = [
        (Feature.FIND, lambda: client.find(reference) == [order_id]),
        (Feature.STATUS_MANY, lambda: order_id in client.status_many([order_id])),
    ]
    for feature, question in questions:
        if feature not in client.features or found.capabilities.get(feature) == NO:
            continue
        try:
            found.capabilities[feature] = YES if question() else UNCLEAR
        except ShopError:
            found.capabilities[feature] = UNCLEAR


def _since(began: float) -> float:
    return round(time.monotonic() - began, 2)
