"""The shapes of PayPal's API objects."""

from __future__ import annotations

import time
from decimal import Decimal

from unlockshop.demo.bank_paypal_store import WHOLE, money, new_id, stamp, value
from unlockshop.demo.bank_store import Json

_FEE_RATE = Decimal("0.0249")
_FEE_FIXED = Decimal("0.35")
_FEE_FIXED_WHOLE = Decimal(40)
RESPONSE_DAYS = 10
PAYER = {"payer_id": "QYR5Z8XDVJNXQ", "email_address": "buyer@example.test"}


def link(base: str, path: str, rel: str, method: str = "GET") -> Json:
    """One entry of ``links``."""
    return {"href": f"{base}/{path}", "rel": rel, "method": method}


def order(base: str, ident: str, unit: Json, *, has_source: bool) -> Json:
    """A new order that waits for its buyer."""
    page = "payer-action" if has_source else "approve"
    return {
        "id": ident,
        "intent": "CAPTURE",
        "status": "PAYER_ACTION_REQUIRED" if has_source else "CREATED",
        **({"payment_source": {"paypal": {}}} if has_source else {}),
        "purchase_units": [unit],
        "create_time": stamp(time.time()),
        "links": [
            link(base, f"v2/checkout/orders/{ident}", "self"),
            link(base, f"paypal/checkoutnow?token={ident}", page),
            link(base, f"v2/checkout/orders/{ident}/capture", "capture", "POST"),
        ],
    }


def capture(base: str, of: Json, *, status: str) -> Json:
    """A capture of the whole order."""
    ident = new_id()
    unit = of["purchase_units"][0]
    found: Json = {
        "id": ident,
        "status": status,
        "amount": {name: unit["amount"][name] for name in ("currency_code", "value")},
        "final_capture": True,
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        "supplementary_data": {"related_ids": {"order_id": of["id"]}},
        "create_time": stamp(time.time()),
        "update_time": stamp(time.time()),
        "links": [
            link(base, f"v2/payments/captures/{ident}", "self"),
            link(base, f"v2/payments/captures/{ident}/refund", "refund", "POST"),
            link(base, f"v2/checkout/orders/{of['id']}", "up"),
        ],
    }
    found |= {name: unit[name] for name in ("custom_id", "invoice_id") if name in unit}
    if status == "PENDING":
        found["status_details"] = {"reason": "PENDING_REVIEW"}
    return found


def completed(found: Json) -> None:
    """Put the money of a capture in: PayPal tells its fee only then."""
    currency = found["amount"]["currency_code"]
    gross = value(found["amount"])
    fixed = _FEE_FIXED_WHOLE if currency in WHOLE else _FEE_FIXED
    fee = min(value(money(gross * _FEE_RATE + fixed, currency)), gross)
    found.pop("status_details", None)
    found |= {
        "status": "COMPLETED",
        "update_time": stamp(time.time()),
        "seller_receivable_breakdown": {
            "gross_amount": found["amount"],
            "paypal_fee": money(fee, currency),
            "net_amount": money(gross - fee, currency),
        },
    }


def refund(base: str, of: Json, amount: Json, texts: Json) -> Json:
    """A refund that went out at once. PayPal keeps its fee."""
    ident = new_id()
    return {
        "id": ident,
        "status": "COMPLETED",
        "amount": amount,
        **texts,
        "seller_payable_breakdown": {"gross_amount": amount, "net_amount": amount},
        "create_time": stamp(time.time()),
        "update_time": stamp(time.time()),
        "links": [
            link(base, f"v2/payments/refunds/{ident}", "self"),
            link(base, f"v2/payments/captures/{of['id']}", "up"),
        ],
    }


def dispute(base: str, number: int, of: Json) -> Json:
    """A dispute that waits for the shop's answer."""
    now = time.time()
    ident = f"PP-D-{number}"
    path = f"v1/customer/disputes/{ident}"
    return {
        "dispute_id": ident,
        "create_time": stamp(now, fraction=True),
        "update_time": stamp(now, fraction=True),
        "disputed_transactions": [
            {
                "seller_transaction_id": of["id"],
                "create_time": stamp(now, fraction=True),
                "transaction_status": "COMPLETED",
                "gross_amount": of["amount"],
                **({"custom": of["custom_id"]} if "custom_id" in of else {}),
            }
        ],
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "status": "WAITING_FOR_SELLER_RESPONSE",
        "dispute_amount": of["amount"],
        "dispute_life_cycle_stage": "CHARGEBACK",
        "dispute_channel": "INTERNAL",
        "seller_response_due_date": stamp(now + RESPONSE_DAYS * 86400, fraction=True),
        "links": [
            link(base, path, "self"),
            link(base, f"{path}/provide-evidence", "provide_evidence", "POST"),
            link(base, f"{path}/accept-claim", "accept_claim", "POST"),
        ],
    }


def transaction(of: Json, code: str, *, sign: str = "", order_id: str = "", capture_id: str = "") -> Json:
    """A line of the transaction report, of a capture or of a refund."""
    status = {"PENDING": "P", "DECLINED": "D", "FAILED": "D"}.get(of["status"], "S")
    info: Json = {
        "transaction_id": of["id"],
        "transaction_event_code": code,
        "transaction_initiation_date": of["create_time"],
        "transaction_updated_date": of["update_time"],
        "transaction_amount": {**of["amount"], "value": sign + of["amount"]["value"]},
        "transaction_status": status,
    }
    info |= {"paypal_reference_id": capture_id, "paypal_reference_id_type": "TXN"} if capture_id else {}
    info |= {"paypal_reference_id": order_id, "paypal_reference_id_type": "ODR"} if order_id else {}
    if "custom_id" in of:
        info["custom_field"] = of["custom_id"]
    if "invoice_id" in of:
        info["invoice_id"] = of["invoice_id"]
    return {"transaction_info": info}
