"""PayPal's orders, captures, refunds and reported transactions, read as facts.

The functions raise ``KeyError``, ``TypeError``, ``ValueError`` (so ``MoneyError``) or ``LookupError`` when something
is not as PayPal's API describes it; ``UNREADABLE`` names them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings

from payments.providers import paypal_money
from payments.providers.base import FactState, PaymentFact, RefundFact, RefundFactState
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money

Json = dict[str, Any]

UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError)
# Longer than PayPal lets a buyer approve an order. Money that came in later would still be seen and booked.
ORDER_LIFE: Final = timedelta(hours=6)
_ORDER_STATES: Final = {
    "CREATED": FactState.OPEN,
    "SAVED": FactState.OPEN,
    "PAYER_ACTION_REQUIRED": FactState.OPEN,
    "APPROVED": FactState.OPEN,
    "VOIDED": FactState.EXPIRED,
}
# What was refunded had come in before.
_CAPTURE_STATES: Final = {
    "COMPLETED": FactState.CAPTURED,
    "PARTIALLY_REFUNDED": FactState.CAPTURED,
    "REFUNDED": FactState.CAPTURED,
    "PENDING": FactState.PENDING,
    "DECLINED": FactState.FAILED,
    "FAILED": FactState.FAILED,
}
_WEIGHT: Final = {FactState.FAILED: 0, FactState.PENDING: 1, FactState.CAPTURED: 2}
_REFUND_STATES: Final = {
    "COMPLETED": RefundFactState.SUCCEEDED,
    "PENDING": RefundFactState.PENDING,
    "FAILED": RefundFactState.FAILED,
    "CANCELLED": RefundFactState.FAILED,
}
_TRANSACTION_STATES: Final = {"S": FactState.CAPTURED, "V": FactState.CAPTURED, "P": FactState.PENDING}
_LINK: Final = re.compile(r"/v2/(?:checkout/orders|payments/captures)/([A-Za-z0-9-]{1,64})/?")


def payment(order: Json) -> PaymentFact:
    """An order. A capture, once there is one, says how it stands; PayPal's objects carry no mode, so we say ours."""
    unit = order["purchase_units"][0]
    captures = (unit.get("payments") or {}).get("captures") or []
    if captures:
        best = max(captures, key=lambda each: _WEIGHT[_CAPTURE_STATES[each["status"]]])
        return _captured(best, str(order["id"]), str(best.get("custom_id") or unit.get("custom_id") or ""))
    state = _ORDER_STATES[order["status"]]
    if state == FactState.OPEN and _is_over(order):
        state = FactState.EXPIRED
    return PaymentFact(
        provider_ref=str(order["id"]),
        charge_ref=None,
        state=state,
        money=paypal_money.money(unit["amount"]),
        reference=str(unit.get("custom_id") or ""),
        is_live=bool(settings.PAYPAL_LIVE),
    )


def _captured(capture: Json, order_id: str, reference: str) -> PaymentFact:
    return PaymentFact(
        provider_ref=order_id,
        charge_ref=str(capture["id"]),
        state=_CAPTURE_STATES[capture["status"]],
        money=paypal_money.money(capture["amount"]),
        reference=reference,
        is_live=bool(settings.PAYPAL_LIVE),
    )


def _is_over(order: Json) -> bool:
    """Whether a buyer can no longer approve the order. One without a time of making is taken as still open."""
    made = order.get("create_time")
    return made is not None and clock.now() - moment(made) > ORDER_LIFE


def payment_of_capture(capture: Json) -> PaymentFact:
    """A capture read by itself."""
    return _captured(capture, order_of(capture) or str(capture["id"]), str(capture.get("custom_id") or ""))


def order_of(item: Json) -> str:
    """The order that a capture belongs to, or the empty text where PayPal does not say."""
    related = (item.get("supplementary_data") or {}).get("related_ids") or {}
    return str(related.get("order_id") or "") or linked(item, "checkout/orders")


def linked(item: Json, kind: str) -> str:
    """The id at the end of the link "up" to an object of ``kind``, or the empty text."""
    for link in item.get("links") or []:
        match = _LINK.search(str(link.get("href") or "")) if link.get("rel") == "up" else None
        if match is not None and f"/v2/{kind}/" in link["href"]:
            return match[1]
    return ""


def payment_of_transaction(info: Json) -> PaymentFact:
    """A reported payment that is no capture: money that somebody sent without an order of ours."""
    ident = str(info["transaction_id"])
    return PaymentFact(
        provider_ref=ident,
        charge_ref=ident,
        state=_TRANSACTION_STATES[info["transaction_status"]],
        money=paypal_money.money(info["transaction_amount"]),
        reference=str(info.get("custom_field") or ""),
        is_live=bool(settings.PAYPAL_LIVE),
    )


def received(page: Json) -> list[Json]:
    """What a page of the report says of money that came in."""
    return [each["transaction_info"] for each in page["transaction_details"] if _is_payment(each["transaction_info"])]


def _is_payment(info: Json) -> bool:
    """Event codes T00nn are payments, in both directions; denied ones brought nothing."""
    return (
        str(info["transaction_event_code"]).startswith("T00")
        and info["transaction_status"] in _TRANSACTION_STATES
        and not str(info["transaction_amount"]["value"]).startswith("-")
    )


def fee(capture: Json) -> Money | None:
    """What PayPal kept."""
    found = (capture.get("seller_receivable_breakdown") or {}).get("paypal_fee")
    return paypal_money.money(found) if found else None


def refund(found: Json, charge_ref: str = "") -> RefundFact:
    """A refund; where ``charge_ref`` is not known its link "up" tells it."""
    state = _REFUND_STATES[found["status"]]
    reason = (found.get("status_details") or {}).get("reason") or found["status"]
    charge = charge_ref or linked(found, "payments/captures")
    if not charge:
        raise ValueError("the refund does not name its capture")
    return RefundFact(
        provider_ref=str(found["id"]),
        charge_ref=charge,
        key=str(found.get("custom_id") or found.get("invoice_id") or ""),
        state=state,
        money=paypal_money.money(found["amount"]),
        failure=str(reason).lower()[:200] if state == RefundFactState.FAILED else "",
    )


def refunds(order: Json) -> list[RefundFact]:
    """Every refund of an order's captures."""
    units = order["purchase_units"]
    return [refund(item) for unit in units for item in (unit.get("payments") or {}).get("refunds") or []]


def stamp(at: datetime) -> str:
    """A time as PayPal's queries take it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """A time of PayPal's, with its zone."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"a time without a zone: {text!r}")
    return found
