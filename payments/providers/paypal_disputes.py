"""PayPal's disputes: how they stand, and how evidence is sent.

PayPal takes evidence as multipart/form-data with a JSON part called ``input``; its published contract types only the
file part, so the JSON part cannot be checked against it. The texts go in as notes of at most 2,000 characters each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from payments.providers import paypal_facts, paypal_money
from payments.providers.base import DisputeFact
from payments.providers.paypal_api import call
from payments.states import DisputeState
from unlockshop.kernel.errors import OutcomeUnknown, Refused
from unlockshop.kernel.money import Money, zero

MAX_NOTE: Final = 2000
MAX_EVIDENCES: Final = 100
LIST_PAGE: Final = 50
MAX_LIST_PAGES: Final = 1000
# Kinds of evidence of PayPal's that a shop without parcels can have; a text of any other name goes in as OTHER.
KINDS: Final = frozenset(
    {
        "PROOF_OF_FULFILLMENT",
        "PROOF_FOR_SOFTWARE_OR_SERVICE_DELIVERED",
        "PROOF_OF_REFUND",
        "RETURN_POLICY",
        "ITEM_DESCRIPTION",
        "COPY_OF_CONTRACT",
        "DETAILS_OF_PURCHASE",
        "ORDER_DETAILS",
        "MERCHANT_RESPONSE",
        "OTHER",
    }
)
_OURS_TO_ANSWER: Final = frozenset({"WAITING_FOR_SELLER_RESPONSE", "OPEN"})
_OUTCOMES: Final = {
    "RESOLVED_SELLER_FAVOUR": DisputeState.WON,
    "RESOLVED_WITH_PAYOUT": DisputeState.WON,
    "DENIED": DisputeState.WON,
    "RESOLVED_BUYER_FAVOUR": DisputeState.LOST,
    "ACCEPTED": DisputeState.LOST,
    "CANCELED_BY_BUYER": DisputeState.WITHDRAWN,
    "NONE": DisputeState.WITHDRAWN,
}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

Json = dict[str, Any]


def dispute(found: Json) -> DisputeFact:
    """A dispute as PayPal has it. Raises one of ``paypal_facts.UNREADABLE``."""
    money = paypal_money.money(found["dispute_amount"])
    taken = _taken(found, money.currency)
    state = _state(found, taken)
    due = found.get("seller_response_due_date")
    return DisputeFact(
        provider_ref=str(found["dispute_id"]),
        charge_ref=str(found["disputed_transactions"][0]["seller_transaction_id"]),
        state=state,
        money=money,
        reason=str(found.get("reason") or "").lower()[:60],
        status=str(found["status"]).lower()[:60],
        respond_by=paypal_facts.moment(due) if due else None,
        has_our_evidence=any(part.get("source") == "SUBMITTED_BY_SELLER" for part in found.get("evidences") or []),
        funds_withdrawn=taken.amount > 0 if found.get("money_movements") else state == DisputeState.LOST,
    )


def disputes_since(at: datetime) -> Iterator[str]:
    """The ids of every dispute that changed since ``at``, page by page."""
    query = {"update_time_after": paypal_facts.stamp(at), "page_size": str(LIST_PAGE)}
    for _page in range(MAX_LIST_PAGES):
        found = call("GET", f"v1/customer/disputes?{urlencode(query)}")
        try:
            listed = [str(item["dispute_id"]) for item in found.get("items") or []]
            onward = [link["href"] for link in found.get("links") or [] if link["rel"] == "next"]
        except paypal_facts.UNREADABLE as error:
            raise OutcomeUnknown(f"PayPal's list of disputes is not readable: {error!r}") from error
        yield from listed
        token = parse_qs(urlsplit(onward[0]).query).get("next_page_token") if onward else None
        if not token:
            return
        query["next_page_token"] = token[0]


def _state(found: Json, taken: Money) -> DisputeState:
    """An outcome of a name that PayPal may add one day is told by the money."""
    status = found["status"]
    if status in _OURS_TO_ANSWER:
        return DisputeState.NEEDS_RESPONSE
    if status != "RESOLVED":
        return DisputeState.UNDER_REVIEW
    outcome = (found.get("dispute_outcome") or {}).get("outcome_code")
    state = _OUTCOMES.get(str(outcome))
    if taken.amount > 0 and state in {None, DisputeState.WITHDRAWN}:
        return DisputeState.LOST
    return state or DisputeState.WITHDRAWN


def _taken(found: Json, currency: str) -> Money:
    """What the settlement of the dispute took from us and did not give back."""
    total = zero(currency)
    for movement in found.get("money_movements") or []:
        if movement.get("affected_party") != "SELLER" or movement.get("reason") != "DISPUTE_SETTLEMENT":
            continue
        moved = paypal_money.money(movement["amount"])
        total = total + moved if movement["type"] == "DEBIT" else total - moved
    return total if total.amount > Decimal(0) else zero(currency)


def evidence_parts(fields: Mapping[str, str]) -> dict[str, Any]:
    """The multipart body. Raises ``Refused`` with code ``no_evidence`` or ``too_much_evidence``."""
    evidences = list(_evidences(fields))
    if not evidences:
        raise Refused("there is nothing to send as evidence", code="no_evidence")
    if len(evidences) > MAX_EVIDENCES:
        raise Refused(f"PayPal takes {MAX_EVIDENCES} notes of {MAX_NOTE} characters", code="too_much_evidence")
    return {"input": (None, json.dumps({"evidences": evidences}), "application/json")}


def _evidences(fields: Mapping[str, str]) -> Iterator[Json]:
    for name, text in fields.items():
        clean = _CONTROL.sub(" ", text).strip()
        if not clean:
            continue
        kind = name.upper()
        if kind not in KINDS:
            kind, clean = "OTHER", f"{name.replace('_', ' ').capitalize()}: {clean}"
        for start in range(0, len(clean), MAX_NOTE):
            yield {"evidence_type": kind, "notes": clean[start : start + MAX_NOTE]}
