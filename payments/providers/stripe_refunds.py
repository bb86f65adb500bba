"""Refunds at Stripe: one call per refund row, keyed by the row's id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from payments.providers import stripe_money
from payments.providers.base import RefundFact, RefundFactState, RefundOrder
from unlockshop.kernel.errors import OutcomeUnknown
from unlockshop.kernel.money import MoneyError

Call = Callable[[Any], dict[str, Any]]

STATES: Final = {
    "pending": RefundFactState.PENDING,
    "requires_action": RefundFactState.PENDING,
    "succeeded": RefundFactState.SUCCEEDED,
    "failed": RefundFactState.FAILED,
    "canceled": RefundFactState.FAILED,
}
MOST_REFUNDS: Final = 100


def refund(call: Call, order: RefundOrder) -> RefundFact:
    """Create the refund; within 24 hours the same key gets the same answer."""
    params = {
        "payment_intent": order.charge_ref,
        "amount": stripe_money.minor(order.money),
        "reason": "requested_by_customer",
        "metadata": {"refund_id": order.key},
    }
    return fact(call(lambda client: client.v1.refunds.create(params, {"idempotency_key": f"refund-{order.key}"})))


def fetch_refund(call: Call, provider_ref: str) -> RefundFact:
    """The refund as Stripe has it now."""
    return fact(call(lambda client: client.v1.refunds.retrieve(provider_ref)))


def refunds_of(call: Call, charge_ref: str) -> list[RefundFact]:
    """Every refund of a payment intent, also those made in Stripe's dashboard."""
    listed = call(lambda client: client.v1.refunds.list({"payment_intent": charge_ref, "limit": MOST_REFUNDS}))
    if listed.get("has_more"):
        raise OutcomeUnknown(f"{charge_ref} has more than {MOST_REFUNDS} refunds")
    return [fact(row) for row in listed["data"]]


def fact(row: dict[str, Any]) -> RefundFact:
    """Read one refund; raises ``OutcomeUnknown`` for one that does not make sense."""
    try:
        return RefundFact(
            provider_ref=str(row["id"]),
            charge_ref=str(row["payment_intent"]),
            key=str((row.get("metadata") or {}).get("refund_id", "")),
            state=STATES[row["status"]],
            money=stripe_money.read(row["amount"], str(row["currency"])),
            failure=str(row.get("failure_reason") or ""),
        )
    except (KeyError, TypeError, MoneyError) as error:
        raise OutcomeUnknown(f"Stripe's refund is not readable: {error}") from error
