"""The shapes of the API's objects. Amounts are integers in minor units, times are Unix seconds."""

from __future__ import annotations

import secrets
import string
from typing import Any

from unlockshop.demo.bank_store import Json

API_VERSION = "2026-10-28.endive"
_ALPHABET = string.ascii_letters + string.digits
_ZERO_DECIMALS = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())  # noqa: SIM905
_THREE_DECIMALS = frozenset("bhd jod kwd omr tnd".split())  # noqa: SIM905
# They have no decimals, and Stripe goes on counting them in hundredths.
_WHOLE_IN_HUNDREDTHS = frozenset({"isk", "ugx"})
_FEE_PERMILLE = 15
_FEE_FIXED = 25


def new_id(prefix: str, length: int = 24) -> str:
    """An id such as ``pi_`` + 24 random letters and digits."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def money(amount: int, currency: str) -> str:
    """Minor units as people read them: ``12.50 EUR``."""
    code = currency.upper()
    if currency in _ZERO_DECIMALS:
        return f"{amount} {code}"
    places = 3 if currency in _THREE_DECIMALS else 2
    whole, rest = divmod(amount, 10**places)
    return f"{whole}.{rest:0{places}d} {code}"


def step(currency: str) -> int:
    """The minor units that every amount is a multiple of."""
    return 10 if currency in _THREE_DECIMALS else 100 if currency in _WHOLE_IN_HUNDREDTHS else 1


def fee(amount: int) -> int:
    """The bank's fee in minor units: 1.5 % rounded half up, plus 25."""
    return (amount * _FEE_PERMILLE + 500) // 1000 + _FEE_FIXED


def page_list(url: str, items: list[Json], *, has_more: bool = False) -> Json:
    """A list object."""
    return {"object": "list", "data": items, "has_more": has_more, "url": url}


def line_item(name: str, description: str | None, unit_amount: int, quantity: int, currency: str) -> Json:
    """One line of a session; amounts in minor units."""
    total = unit_amount * quantity
    return {
        "id": new_id("li_"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": currency,
        "description": name,
        "product_description": description,
        "price": {
            "id": new_id("price_"),
            "object": "price",
            "currency": currency,
            "unit_amount": unit_amount,
            "livemode": False,
            "type": "one_time",
        },
        "quantity": quantity,
    }


def session(now: int, public_url: str, **fields: Any) -> Json:
    """An open checkout session; ``amount_total`` and ``currency`` are expected in ``fields``."""
    ident = new_id("cs_test_", 58)
    return {
        "id": ident,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": fields["amount_total"],
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": None,
        "client_reference_id": None,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None, "shipping_address": None, "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_account": None,
        "customer_creation": "if_required",
        "customer_details": None,
        "customer_email": None,
        "discounts": [],
        "expires_at": now + 86400,
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": {"enabled": False},
        "livemode": False,
        "locale": None,
        "metadata": {},
        "mode": "payment",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card", "sepa_debit"],
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{public_url}/pay/{ident}",
        "wallet_options": None,
    } | fields  # fmt: skip


def payment_intent(now: int, **fields: Any) -> Json:
    """A payment intent; ``amount`` (minor units) and ``currency`` are expected in ``fields``."""
    ident = new_id("pi_")
    return {
        "id": ident,
        "object": "payment_intent",
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": new_id(f"{ident}_secret_", 25),
        "confirmation_method": "automatic",
        "created": now,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card", "sepa_debit"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    } | fields


def charge(now: int, intent: Json, email: str | None, method: str, descriptor: str) -> Json:
    """The charge of a succeeded payment intent; ``method`` is ``card`` or ``sepa_debit``."""
    details: Json = {"type": method}
    if method == "card":
        details["card"] = {
            "brand": "visa", "country": "US", "exp_month": 8, "exp_year": 2035, "funding": "credit",
            "last4": "4242", "network": "visa", "three_d_secure": None, "wallet": None,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        }  # fmt: skip
    else:
        details["sepa_debit"] = {"bank_code": "37040044", "country": "DE", "last4": "3000", "mandate": None}
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {
        "id": new_id("ch_"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "balance_transaction": new_id("txn_"),
        "billing_details": {"address": address, "email": email, "name": None, "phone": None, "tax_id": None},
        "calculated_statement_descriptor": descriptor,
        "captured": True,
        "created": now,
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": {
            "network_status": "approved_by_network", "reason": None, "risk_level": "normal",
            "seller_message": "Payment complete.", "type": "authorized",
        },
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": details,
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded",
    }  # fmt: skip


def refund(now: int, paid: Json, amount: int, reason: str | None, metadata: dict[str, str]) -> Json:
    """A refund of ``amount`` minor units of the charge ``paid``; it succeeds at once."""
    return {
        "id": new_id("re_"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": new_id("txn_"),
        "charge": paid["id"],
        "created": now,
        "currency": paid["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": metadata,
        "payment_intent": paid["payment_intent"],
        "payment_method": paid["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def webhook_endpoint(url: str) -> Json:
    """Where events go."""
    return {
        "id": "we_demo0000000000",
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": 0,
        "description": None,
        "enabled_events": ["*"],
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }


def balance_transaction(ident: str, source: Json) -> Json:
    """What a charge or a refund did to the account's balance, in minor units; refunds cost no fee."""
    charged = source["object"] == "charge"
    amount = source["amount"] if charged else -source["amount"]
    cost = fee(source["amount"]) if charged else 0
    details = [{"amount": cost, "currency": source["currency"], "type": "stripe_fee", "description": "Demo fee"}]
    return {
        "id": ident,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": source["created"] + 2 * 86400,
        "balance_type": "payments",
        "created": source["created"],
        "currency": source["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": cost,
        "fee_details": details if charged else [],
        "net": amount - cost,
        "reporting_category": source["object"],
        "source": source["id"],
        "status": "pending",
        "type": source["object"],
    }
