"""Which parameters the bank takes, and what they must look like."""

from __future__ import annotations

import re
from typing import Any

from unlockshop.demo import bank_objects as shapes
from unlockshop.demo.bank_flow import NewSession, check_step
from unlockshop.demo.bank_params import Fields, StripeFault
from unlockshop.demo.bank_store import Json

MIN_LIFE_SECONDS = 30 * 60
MAX_LIFE_SECONDS = 24 * 3600
_MOST_AMOUNT = 99_999_999
# Stripe's smallest charge, in minor units; other currencies here start at 1.
_LEAST = {
    "aud": 50, "brl": 50, "cad": 50, "chf": 50, "eur": 50, "gbp": 30, "inr": 50, "jpy": 50, "mxn": 1000,
    "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "dkk": 250, "sgd": 50, "usd": 50, "huf": 17500,
    "czk": 1500, "hkd": 400, "aed": 200, "thb": 1000, "myr": 200, "bgn": 100,
}  # fmt: skip
_SESSION = frozenset(
    """adaptive_pricing after_expiration allow_promotion_codes allowed_payment_method_types automatic_tax
    billing_address_collection branding_settings cancel_url client_reference_id consent_collection
    currency custom_fields custom_text customer customer_account customer_creation customer_email
    customer_update discounts excluded_payment_method_types expand expires_at integration_identifier
    invoice_creation line_items locale managed_payments metadata mode name_collection optional_items
    origin_context payment_intent_data payment_method_collection payment_method_configuration
    payment_method_data payment_method_options permissions phone_number_collection
    redirect_on_completion return_url saved_payment_method_options setup_intent_data
    shipping_address_collection shipping_options submit_type subscription_data success_url
    tax_id_collection ui_mode wallet_options""".split()  # noqa: SIM905 - a table
)
# Real parameters that would change the amount, the buyer or the kind of session: refused, never half done.
_NOT_HERE = (
    "customer", "customer_account", "customer_update", "discounts", "optional_items", "payment_method_data",
    "redirect_on_completion", "return_url", "setup_intent_data", "shipping_options", "subscription_data",
)  # fmt: skip
_LINE = frozenset({"adjustable_quantity", "metadata", "price", "price_data", "quantity", "tax_rates"})
_PRICE = frozenset(
    {"currency", "product", "product_data", "recurring", "tax_behavior", "unit_amount", "unit_amount_decimal"}
)
_PRODUCT = frozenset({"description", "images", "metadata", "name", "tax_code", "tax_details", "unit_label"})
_INTENT = frozenset(
    """application_fee_amount capture_method description metadata on_behalf_of receipt_email shipping
    setup_future_usage statement_descriptor statement_descriptor_suffix transfer_data
    transfer_group""".split()  # noqa: SIM905 - a table
)
_EMAIL = re.compile(r"^[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+$")
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_REFUND = frozenset({"amount", "charge", "expand", "metadata", "payment_intent", "reason"})


def is_email(text: str) -> bool:
    """Whether a text has the form of one e-mail address."""
    return len(text) <= 320 and bool(_EMAIL.match(text))


def new_session(given: Fields, now: int) -> NewSession:
    """Check the parameters of a new checkout session made at ``now`` (Unix s)."""
    given.only(_SESSION)
    for name in _NOT_HERE:
        if name in given:
            raise StripeFault(f"The demo bank does not do '{name}'.", param=name)
    if given.choice("mode", ("payment", "setup", "subscription"), required=True) != "payment":
        raise StripeFault("The demo bank does only 'payment' sessions.", param="mode")
    if given.choice("ui_mode", ("hosted_page", "embedded_page", "elements", "form")) not in {
        None,
        "hosted_page",
    }:
        raise StripeFault("The demo bank does only 'hosted_page' sessions.", param="ui_mode")
    if given.inner("automatic_tax").text("enabled") == "true":
        raise StripeFault("The demo bank does not compute taxes.", param="automatic_tax[enabled]")
    lines = [_line(line) for line in given.items("line_items")]
    currencies = {line["currency"] for line in lines}
    if len(currencies) > 1:
        raise StripeFault("All line items of a session must have the same currency.", param="line_items")
    currency = currencies.pop()
    total = sum(line["amount_total"] for line in lines)
    _check_total(total, currency)
    email = given.text("customer_email", most=800)
    if email is not None and not is_email(email):
        raise StripeFault(f"Invalid email address: {email}", code="email_invalid", param="customer_email")
    fields: dict[str, Any] = {
        "amount_total": total,
        "cancel_url": given.url("cancel_url"),
        "client_reference_id": given.text("client_reference_id", most=200),
        "currency": currency,
        "customer_email": email,
        "expires_at": _expiry(given, now),
        "locale": given.text("locale", most=20),
        "metadata": given.metadata(),
        "submit_type": given.choice("submit_type", ("auto", "book", "donate", "pay")),
        "success_url": given.url("success_url", required=True),
    }
    return NewSession(fields, lines, _intent(given.inner("payment_intent_data")))


def _line(line: Fields) -> Json:
    line.only(_LINE)
    if "price" in line:
        raise StripeFault("The demo bank has no stored prices; send price_data.", param=line.name("price"))
    price = line.inner("price_data", required=True)
    price.only(_PRICE)
    if "recurring" in price or "unit_amount_decimal" in price or "product" in price:
        raise StripeFault("The demo bank takes only unit_amount and product_data.", param=price.name("product"))
    currency = price.must("currency").lower()
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise StripeFault(f"Invalid currency: {currency}.", param=price.name("currency"))
    product = price.inner("product_data", required=True)
    product.only(_PRODUCT)
    product.metadata()
    line.metadata()
    return shapes.line_item(
        product.must("name"),
        product.text("description"),
        price.integer("unit_amount", required=True) or 0,
        line.integer("quantity", required=True, least=1) or 1,
        currency,
    )


def _check_total(total: int, currency: str) -> None:
    check_step(total, currency, "line_items")
    least = _LEAST.get(currency, 1)
    if total < least:
        raise StripeFault(
            f"The Checkout Session's total amount must add up to at least {shapes.money(least, currency)}",
            code="amount_too_small",
            param="line_items",
        )
    if total > _MOST_AMOUNT:
        raise StripeFault(
            f"The Checkout Session's total amount must be at most {shapes.money(_MOST_AMOUNT, currency)}",
            code="amount_too_large",
            param="line_items",
        )


def _expiry(given: Fields, now: int) -> int:
    expires_at = given.integer("expires_at")
    if expires_at is None:
        return now + MAX_LIFE_SECONDS
    if expires_at < now + MIN_LIFE_SECONDS:
        raise StripeFault(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at > now + MAX_LIFE_SECONDS:
        raise StripeFault(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return expires_at


def _intent(data: Fields) -> Json:
    data.only(_INTENT)
    if "statement_descriptor" in data:
        raise StripeFault(
            "The `statement_descriptor` parameter is not supported for card payments. Use "
            "`statement_descriptor_suffix`.",
            param=data.name("statement_descriptor"),
        )
    if data.choice("capture_method", ("automatic", "automatic_async", "manual")) == "manual":
        raise StripeFault("The demo bank does not do manual capture.", param=data.name("capture_method"))
    suffix = data.text("statement_descriptor_suffix", most=22)
    if suffix is not None and (
        not suffix.isascii()
        or not suffix.isprintable()
        or any(char in "<>\\'\"*" for char in suffix)
        or not any(char.isalpha() for char in suffix)
    ):
        raise StripeFault(
            "The statement descriptor suffix must be in Latin characters, with at least one letter and "
            "without < > \\ ' \" *",
            param=data.name("statement_descriptor_suffix"),
        )
    return {
        "description": data.text("description", most=1000),
        "metadata": data.metadata(),
        "receipt_email": data.text("receipt_email", most=800),
        "statement_descriptor_suffix": suffix,
    }


def new_refund(given: Fields) -> tuple[str | None, str | None, int | None, str | None, dict[str, str]]:
    """Check a refund's parameters: payment intent, charge, amount (minor units), reason, metadata."""
    given.only(_REFUND)
    intent, charge = given.text("payment_intent"), given.text("charge")
    if (intent is None) == (charge is None):
        raise StripeFault("One of the following params should be provided for this request: payment_intent or charge.")
    return (
        intent,
        charge,
        given.integer("amount", least=1),
        given.choice("reason", _REASONS),
        given.metadata(),
    )
