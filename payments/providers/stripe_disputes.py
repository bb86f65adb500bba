"""Stripe's disputes and early fraud warnings. ``call`` runs one question through the library, as in ``stripe``.

A dispute's money is read from its balance transactions: their sum says whether the amount is with us, their fees
what it has cost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from payments.providers import stripe_money
from payments.providers.base import DisputeFact, WarningFact
from payments.states import DisputeState
from unlockshop.kernel.errors import OutcomeUnknown
from unlockshop.kernel.money import Money

Call = Callable[[Any], dict[str, Any]]
# Entries asked for at once; Stripe gives no more.
LIST_PAGE: Final = 100

# "warning_" are inquiries, which take no money; "appeal_" follow a lost dispute. "prevented" and "charge_refunded"
# end without a decision, because the money went back.
STATES: Final[Mapping[str, DisputeState]] = {
    "needs_response": DisputeState.NEEDS_RESPONSE,
    "warning_needs_response": DisputeState.NEEDS_RESPONSE,
    "appeal_needs_response": DisputeState.NEEDS_RESPONSE,
    "under_review": DisputeState.UNDER_REVIEW,
    "warning_under_review": DisputeState.UNDER_REVIEW,
    "appeal_under_review": DisputeState.UNDER_REVIEW,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
    "warning_closed": DisputeState.WITHDRAWN,
    "charge_refunded": DisputeState.WITHDRAWN,
    "prevented": DisputeState.WITHDRAWN,
}


def fetch_dispute(call: Call, provider_ref: str) -> DisputeFact:
    """The dispute as Stripe has it now."""
    return _fact(call(lambda client: client.v1.disputes.retrieve(provider_ref)))


def disputes_since(call: Call, moment: datetime) -> Iterator[str]:
    """The ids of every dispute opened since ``moment``, the newest first."""
    return _listed(call, lambda client, asked: client.v1.disputes.list(asked), moment, lambda found: str(found["id"]))


def warned_since(call: Call, moment: datetime) -> Iterator[str]:
    """The payment intents that an early fraud warning was made about since ``moment``, the newest first."""
    return _listed(call, lambda client, asked: client.v1.radar.early_fraud_warnings.list(asked), moment, _charge_ref)


def _listed(
    call: Call, ask: Callable[[Any, dict[str, Any]], Any], moment: datetime, read: Callable[[dict[str, Any]], str]
) -> Iterator[str]:
    """One fact of each entry, on every page of a list of what was made since ``moment``."""
    params: dict[str, Any] = {"created": {"gte": int(moment.timestamp())}, "limit": LIST_PAGE}
    while True:
        page = call(lambda client, asked=dict(params): ask(client, asked))
        try:
            yield from [read(found) for found in page["data"]]
            if not page.get("has_more") or not page["data"]:
                return
            params["starting_after"] = page["data"][-1]["id"]
        except (KeyError, TypeError) as error:
            raise OutcomeUnknown(f"Stripe's list is not readable: {error!r}") from error


def submit_evidence(call: Call, provider_ref: str, fields: Mapping[str, str]) -> DisputeFact:
    """Send the evidence once and for good. The same evidence again, within a day, gives the same answer."""
    content = json.dumps([provider_ref, dict(fields)], sort_keys=True)
    key = f"evidence-{hashlib.sha256(content.encode()).hexdigest()}"
    params = {"evidence": dict(fields), "submit": True}
    return _fact(call(lambda client: client.v1.disputes.update(provider_ref, params, {"idempotency_key": key})))


def warnings_of(call: Call, charge_ref: str) -> list[WarningFact]:
    """The early fraud warnings about a payment intent, the newest first."""
    params = {"payment_intent": charge_ref, "limit": 10}
    found = call(lambda client: client.v1.radar.early_fraud_warnings.list(params))
    try:
        return [WarningFact(str(each["id"]), str(each["fraud_type"])) for each in found["data"]]
    except (KeyError, TypeError) as error:
        raise OutcomeUnknown(f"Stripe's warnings about {charge_ref} are not readable: {error!r}") from error


def _fact(dispute: dict[str, Any]) -> DisputeFact:
    try:
        details = dispute["evidence_details"]
        movements = dispute["balance_transactions"]
        return DisputeFact(
            provider_ref=str(dispute["id"]),
            charge_ref=_charge_ref(dispute),
            state=STATES[dispute["status"]],
            money=stripe_money.read(dispute["amount"], str(dispute["currency"])),
            reason=str(dispute["reason"]),
            status=str(dispute["status"]),
            respond_by=_moment(details["due_by"]),
            funds_withdrawn=sum(movement["amount"] for movement in movements) < 0,
            fee=_fee(movements),
            has_our_evidence=details["submission_count"] > 0,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise OutcomeUnknown(f"Stripe's dispute is not readable: {error!r}") from error


def _charge_ref(item: dict[str, Any]) -> str:
    """The payment intent, which our payments are known by; a charge without one is none of ours."""
    found = item.get("payment_intent") or item["charge"]
    return str(found["id"]) if isinstance(found, dict) else str(found)


def _fee(movements: list[dict[str, Any]]) -> Money | None:
    """What the dispute has cost so far, in the currency of the account; None while nothing was taken."""
    if not movements:
        return None
    currency = str(movements[0]["currency"])
    return stripe_money.read(sum(each["fee"] for each in movements if each["currency"] == currency), currency)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
