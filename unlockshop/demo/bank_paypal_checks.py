"""What the demo PayPal takes as an order, a refund or evidence, and what such a body must look like."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from email import message_from_bytes
from typing import Any
from urllib.parse import urlsplit

from unlockshop.demo.bank_paypal_store import CURRENCIES, WHOLE, PayPalFault, money, value
from unlockshop.demo.bank_store import Json

_VALUE = re.compile(r"-?[0-9]+|-?[0-9]*[.][0-9]+")
_CATEGORIES = {"DIGITAL_GOODS", "PHYSICAL_GOODS", "DONATION"}
_KEPT = ("reference_id", "description", "custom_id", "invoice_id", "soft_descriptor")
_LONGEST = {"reference_id": 256, "description": 127, "custom_id": 127, "invoice_id": 127, "soft_descriptor": 22}


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A checked request for an order: its purchase unit, and where the buyer goes afterwards."""

    unit: Json
    return_url: str
    cancel_url: str
    brand: str
    has_source: bool


def parsed(body: bytes) -> Json:
    """A JSON object, or PayPal's 400."""
    try:
        found = json.loads(body.decode()) if body else {}
    except (ValueError, RecursionError):
        raise PayPalFault(400, "MALFORMED_REQUEST_JSON") from None
    if not isinstance(found, dict):
        raise PayPalFault(400, "MALFORMED_REQUEST_JSON")
    return found


def new_order(given: Json) -> NewOrder:
    """Check the body of POST /v2/checkout/orders."""
    intent = _text(given, "intent", "/intent", required=True)
    if intent != "CAPTURE":
        raise PayPalFault(400, "INVALID_PARAMETER_VALUE", field="/intent")
    units = given.get("purchase_units")
    if not isinstance(units, list) or len(units) != 1 or not isinstance(units[0], dict):
        raise PayPalFault(400, "INVALID_PARAMETER_VALUE", field="/purchase_units")
    source = _inner(given, "payment_source", "/payment_source")
    paypal = _inner(source, "paypal", "/payment_source/paypal")
    old = _inner(given, "application_context", "/application_context")
    context = _inner(paypal, "experience_context", "/payment_source/paypal/experience_context") or old
    return NewOrder(
        _unit(units[0], "/purchase_units/@reference_id=='default'"),
        _url(context, "return_url"),
        _url(context, "cancel_url"),
        _text(context, "brand_name", "/brand_name", most=127) or "the demo shop",
        bool(paypal),
    )


def _unit(given: Json, at: str) -> Json:
    unit: Json = {"reference_id": "default"}
    for name in _KEPT:
        text = _text(given, name, f"{at}/{name}", most=_LONGEST[name])
        if text is not None:
            unit[name] = text
    unit["amount"] = amount(given.get("amount"), f"{at}/amount")
    currency = unit["amount"]["currency_code"]
    items = given.get("items")
    if items is not None:
        unit["items"] = _items(items, f"{at}/items", currency)
    breakdown = _inner(_inner(given, "amount", at), "breakdown", f"{at}/amount/breakdown")
    if items and "item_total" not in breakdown:
        raise PayPalFault(422, "ITEM_TOTAL_REQUIRED", field=f"{at}/amount/breakdown/item_total")
    if breakdown:
        _check_total(unit, breakdown, at)
        unit["amount"]["breakdown"] = breakdown
    return unit


def _check_total(unit: Json, breakdown: Json, at: str) -> None:
    parts = {name: amount(part, f"{at}/amount/breakdown/{name}", least="0") for name, part in breakdown.items()}
    currency = unit["amount"]["currency_code"]
    if any(part["currency_code"] != currency for part in parts.values()):
        raise PayPalFault(422, "CURRENCY_MISMATCH", field=f"{at}/amount/breakdown")
    taken = sum((value(part) for name, part in parts.items() if "discount" in name), Decimal(0))
    added = sum((value(part) for name, part in parts.items() if "discount" not in name), Decimal(0))
    if added - taken != value(unit["amount"]):
        raise PayPalFault(422, "AMOUNT_MISMATCH", field=f"{at}/amount/value")
    listed = sum((value(item["unit_amount"]) * int(item["quantity"]) for item in unit.get("items", [])), Decimal(0))
    if unit.get("items") and listed != value(parts["item_total"]):
        raise PayPalFault(422, "ITEM_TOTAL_MISMATCH", field=f"{at}/amount/breakdown/item_total/value")


def _items(given: Any, at: str, currency: str) -> list[Json]:
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise PayPalFault(400, "INVALID_PARAMETER_SYNTAX", field=at)
    items = []
    for number, item in enumerate(given):
        where = f"{at}/{number}"
        name = _text(item, "name", f"{where}/name", required=True, most=127)
        count = _text(item, "quantity", f"{where}/quantity", required=True, most=10) or ""
        category = _text(item, "category", f"{where}/category")
        if not re.fullmatch(r"[1-9][0-9]{0,9}", count):
            raise PayPalFault(400, "INVALID_PARAMETER_SYNTAX", field=f"{where}/quantity")
        if category not in _CATEGORIES | {None}:
            raise PayPalFault(400, "INVALID_PARAMETER_VALUE", field=f"{where}/category")
        price = amount(item.get("unit_amount"), f"{where}/unit_amount", least="0")
        if price["currency_code"] != currency:
            raise PayPalFault(422, "CURRENCY_MISMATCH", field=f"{where}/unit_amount")
        items.append(
            {"name": name, "quantity": count, "unit_amount": price} | ({"category": category} if category else {})
        )
    return items


def amount(given: Any, at: str, *, least: str = "0.01") -> Json:
    """An amount, at least ``least``, in a currency and with the decimals that PayPal has."""
    if not isinstance(given, dict):
        raise PayPalFault(400, "MISSING_REQUIRED_PARAMETER", field=at)
    number = given.get("value")
    currency = _text(given, "currency_code", f"{at}/currency_code", required=True) or ""
    if not isinstance(number, str) or len(number) > 32 or not _VALUE.fullmatch(number):
        raise PayPalFault(400, "INVALID_PARAMETER_SYNTAX", field=f"{at}/value")
    if len(currency) != 3:
        raise PayPalFault(400, "INVALID_STRING_LENGTH", field=f"{at}/currency_code")
    if currency not in CURRENCIES:
        raise PayPalFault(422, "INVALID_CURRENCY_CODE", field=f"{at}/currency_code")
    decimals = len(number.partition(".")[2])
    if decimals > (0 if currency in WHOLE else 2):
        raise PayPalFault(422, "DECIMAL_PRECISION", field=f"{at}/value")
    if Decimal(number) < Decimal(least):
        raise PayPalFault(422, "CANNOT_BE_ZERO_OR_NEGATIVE", field=f"{at}/value")
    return money(Decimal(number), currency)


def new_refund(given: Json) -> Json:
    """Check the body of a refund: its amount, if one is given, and its texts."""
    found: Json = {"amount": amount(given["amount"], "/amount")} if "amount" in given else {}
    for name, most in (("custom_id", 127), ("invoice_id", 127), ("note_to_payer", 255)):
        text = _text(given, name, f"/{name}", most=most)
        if text is not None:
            found[name] = text
    return found


def evidences(kind: str, body: bytes) -> list[Json]:
    """The evidence in a multipart body: its part ``input`` is JSON, files are taken and forgotten."""
    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    if message.get_content_type() != "multipart/form-data" or not message.is_multipart():
        raise PayPalFault(415, "INVALID_CONTENT_TYPE", "Evidence is sent as multipart/form-data.")
    for part in message.get_payload():
        if part.get_param("name", header="content-disposition") == "input":  # type: ignore[union-attr]
            found = parsed(part.get_payload(decode=True)).get("evidences")  # type: ignore[union-attr, arg-type]
            if isinstance(found, list) and found and all(_is_evidence(each) for each in found):
                return found
    raise PayPalFault(400, "INVALID_PARAMETER_SYNTAX", "The part input names no evidence.", "/evidences")


def _is_evidence(given: Any) -> bool:
    return (
        isinstance(given, dict)
        and isinstance(given.get("evidence_type"), str)
        and isinstance(given.get("notes"), str)
        and 0 < len(given["notes"]) <= 2000
    )


def _inner(given: Json, name: str, at: str) -> Json:
    found = given.get(name, {})
    if not isinstance(found, dict):
        raise PayPalFault(400, "INVALID_PARAMETER_SYNTAX", field=at)
    return found


def _text(given: Json, name: str, at: str, *, required: bool = False, most: int = 255) -> str | None:
    found = given.get(name)
    if found is None:
        if required:
            raise PayPalFault(400, "MISSING_REQUIRED_PARAMETER", field=at)
        return None
    if not isinstance(found, str):
        raise PayPalFault(400, "INVALID_PARAMETER_SYNTAX", field=at)
    if not 0 < len(found) <= most:
        raise PayPalFault(400, "INVALID_STRING_LENGTH", field=at)
    return found


def _url(context: Json, name: str) -> str:
    found = _text(context, name, f"/{name}", required=True, most=2000) or ""
    if urlsplit(found).scheme not in {"http", "https"}:
        raise PayPalFault(400, "INVALID_PARAMETER_SYNTAX", field=f"/{name}")
    return found
