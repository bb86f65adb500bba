"""Every call that the adapters make: which operation it is, how a test makes the adapter do it, and how to spoil it.

The tables are held against the adapters' source: a call there without an entry here is a failure.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

from orders.mailing import MailMessage
from orders.sendgrid_transport import SendGridTransport
from payments.providers.base import PaymentRequest, RefundOrder
from payments.providers.paypal import PayPalProvider
from payments.providers.stripe import StripeProvider
from tests.contracts.validators import Exchange
from tests.helpers.sources import calls_of, sources
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money

Trees = Sequence[ast.Module]

STRIPE, PAYPAL, SENDGRID = StripeProvider(), PayPalProvider(), SendGridTransport()
ORDER, CAPTURE, REFUND, DISPUTE = "5O190127TN364715T", "3C679366HH908993F", "1JU08902781691411", "PP-D-4012"
EUROS = Money(Decimal("18.90"), "EUR")
EVIDENCE = {"product_description": "An unlock", "access_activity_log": "2026-11-22 12:00 UTC opened"}
DELIVERY = {
    "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    "PAYPAL-CERT-URL": "https://api.paypal.com/v1/notifications/certs/CERT-1",
    "PAYPAL-TRANSMISSION-ID": "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
    "PAYPAL-TRANSMISSION-SIG": "lmI95Jx3Y9nhR5SJWlHVIWpg4AgFk7n9bCHSRxbrd8A9zrhdu2rMyFrmz==",
    "PAYPAL-TRANSMISSION-TIME": "2026-11-22T12:00:00Z",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. ``spoil`` makes one thing wrong with the request that the adapter sent."""

    method: str
    path: str
    use: Callable[[], Any]
    spoil: Callable[[Exchange], Exchange]

    def is_in(self, asked: Exchange) -> bool:
        """Whether a request is of this operation."""
        pattern = re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(self.path))
        return asked.method == self.method and re.fullmatch(pattern, asked.path) is not None


def request(**changes: Any) -> PaymentRequest:
    """What the shop asks a provider to collect."""
    asked = PaymentRequest(
        key="9f1f6ad0",
        reference="P-7Q2M-94KX",
        money=EUROS,
        description="Unlock <b>13</b>, 2 devices",
        email="buyer@example.test",
        language="en",
        success_url="https://shop.example/purchase/hT5x/paid/",
        cancel_url="https://shop.example/purchase/hT5x/?payment=cancelled",
        expires_at=clock.now() + timedelta(hours=1),
        statement_descriptor="P-7Q2M-94KX",
    )
    return replace(asked, **changes)


def refund(charge: str) -> RefundOrder:
    """What the shop gives back."""
    return RefundOrder(key="8d7ac1", charge_ref=charge, money=Money(Decimal("5.00"), "EUR"), reason="Not delivered")


def _mail() -> MailMessage:
    return MailMessage(
        mail_id="41", to="buyer@example.test", subject="Your order", text="Thank you.", html="<p>Thank you.</p>",
        category="order_confirmation",
    )  # fmt: skip


def _delivery() -> bytes:
    resource = {"id": CAPTURE, "links": []}
    return json.dumps({"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": resource}).encode()


def since() -> datetime:
    """When reconciliation begins to look."""
    return clock.now() - timedelta(days=2)


# How requests are spoiled


def form(**changes: str) -> Callable[[Exchange], Exchange]:
    """Other form fields, or fields that do not exist. ``__`` stands for nesting."""

    def spoil(asked: Exchange) -> Exchange:
        fields = dict(parse_qsl(asked.body.decode())) | {_nested(name): text for name, text in changes.items()}
        return _typed(replace(asked, body=urlencode(fields).encode()), "application/x-www-form-urlencoded")

    return spoil


def query(**changes: str) -> Callable[[Exchange], Exchange]:
    """Other query fields; an empty text leaves one out."""

    def spoil(asked: Exchange) -> Exchange:
        path, _, old = asked.target.partition("?")
        fields = dict(parse_qsl(old)) | {_nested(name): text for name, text in changes.items()}
        return replace(asked, target=f"{path}?{urlencode({name: text for name, text in fields.items() if text})}")

    return spoil


def body(change: Callable[[Any], Any]) -> Callable[[Exchange], Exchange]:
    """A change within the JSON body."""

    def spoil(asked: Exchange) -> Exchange:
        found = json.loads(asked.body)
        change(found)
        return replace(asked, body=json.dumps(found).encode())

    return spoil


def path(old: str, new: str) -> Callable[[Exchange], Exchange]:
    """Another id."""
    return lambda asked: replace(asked, target=asked.target.replace(old, new))


def header(name: str, text: str) -> Callable[[Exchange], Exchange]:
    """Another header; an empty text leaves it out."""

    def spoil(asked: Exchange) -> Exchange:
        others = {key: value for key, value in asked.headers.items() if key.lower() != name.lower()}
        return replace(asked, headers={**others, name: text} if text else others)

    return spoil


def as_json(asked: Exchange) -> Exchange:
    """The same as JSON, where multipart is wanted."""
    return _typed(replace(asked, body=b'{"evidences": []}'), "application/json")


def _typed(asked: Exchange, kind: str) -> Exchange:
    return header("Content-Type", kind)(asked)


def _nested(name: str) -> str:
    head, *rest = name.split("__")
    return head + "".join(f"[{part}]" for part in rest)


def _stripe(method: str, path: str, use: Callable[[], Any], spoil: Callable[[Exchange], Exchange]) -> Operation:
    return Operation(method, f"/v1/{path}", use, spoil)


# By the method of the library that is called.
STRIPE_CALLS = {
    "checkout.sessions.create": _stripe(
        "POST", "checkout/sessions", lambda: STRIPE.begin(request()), form(mode="paymnt")
    ),
    "checkout.sessions.retrieve": _stripe(
        "GET", "checkout/sessions/{id}", lambda: STRIPE.fetch("cs_test_1"), query(expand__0="payment_intnt")
    ),
    "checkout.sessions.expire": _stripe(
        "POST", "checkout/sessions/{id}/expire", lambda: STRIPE.close("cs_test_1"), form(reason="late")
    ),
    "checkout.sessions.list": _stripe(
        "GET", "checkout/sessions", lambda: list(STRIPE.payments_since(since())), query(created__gte="yesterday")
    ),
    "payment_intents.retrieve": _stripe(
        "GET", "payment_intents/{id}", lambda: STRIPE.fee("pi_1"), query(expand__0="latest_charg")
    ),
    "refunds.create": _stripe("POST", "refunds", lambda: STRIPE.refund(refund("pi_1")), form(amount="12.50")),
    "refunds.retrieve": _stripe("GET", "refunds/{id}", lambda: STRIPE.fetch_refund("re_1"), query(amount="500")),
    "refunds.list": _stripe("GET", "refunds", lambda: STRIPE.refunds_of("pi_1"), query(limit="all")),
    "disputes.list": _stripe(
        "GET", "disputes", lambda: list(STRIPE.disputes_since(since())), query(limit="ten")
    ),
    "disputes.retrieve": _stripe("GET", "disputes/{id}", lambda: STRIPE.fetch_dispute("dp_1"), query(amount="500")),
    "disputes.update": _stripe(
        "POST", "disputes/{id}", lambda: STRIPE.submit_evidence("dp_1", EVIDENCE),
        form(evidence__customer_ip="192.0.2.7"),
    ),
    "webhook_endpoints.list": _stripe("GET", "webhook_endpoints", STRIPE.webhook_endpoints, query(limit="all")),
    "radar.early_fraud_warnings.list": _stripe(
        "GET", "radar/early_fraud_warnings", lambda: STRIPE.warnings_of("pi_1"), query(limit="all")
    ),
}  # fmt: skip
# By method and path. The contract's own example of an order is approved, so that fetching it captures it.
PAYPAL_CALLS = {
    (each.method, re.sub(r"\{[a-z_]+\}", "{}", each.path)): each
    for each in (
        Operation("POST", "/v1/oauth2/token", lambda: PAYPAL.fetch(ORDER), form(grant_type="password")),
        Operation(
            "POST", "/v2/checkout/orders", lambda: PAYPAL.begin(request()),
            body(lambda found: found.update(intent="BUY")),
        ),
        Operation("GET", "/v2/checkout/orders/{id}", lambda: PAYPAL.fetch(ORDER), path(ORDER, ORDER.lower())),
        Operation(
            "POST", "/v2/checkout/orders/{id}/capture", lambda: PAYPAL.fetch(ORDER),
            header("PayPal-Request-Id", "k" * 109),
        ),
        Operation(
            "GET", "/v2/payments/captures/{id}", lambda: PAYPAL.fee(CAPTURE), header("Authorization", "")
        ),
        Operation(
            "POST", "/v2/payments/captures/{id}/refund", lambda: PAYPAL.refund(refund(CAPTURE)),
            body(lambda found: found["amount"].update(value=5.0)),
        ),
        Operation(
            "GET", "/v2/payments/refunds/{id}", lambda: PAYPAL.fetch_refund(REFUND), header("Authorization", "")
        ),
        Operation(
            "GET", "/v1/customer/disputes", lambda: list(PAYPAL.disputes_since(since())), query(page_size="51")
        ),
        Operation(
            "GET", "/v1/customer/disputes/{id}", lambda: PAYPAL.fetch_dispute(DISPUTE), path("PP-D-4012", "PP_D_4012")
        ),
        Operation(
            "POST", "/v1/customer/disputes/{id}/provide-evidence",
            lambda: PAYPAL.submit_evidence(DISPUTE, {"PROOF_OF_FULFILLMENT": "Delivered."}), as_json,
        ),
        Operation(
            "POST", "/v1/notifications/verify-webhook-signature", lambda: PAYPAL.read_webhook(_delivery(), DELIVERY),
            body(lambda found: found.pop("webhook_id")),
        ),
        Operation("GET", "/v1/notifications/webhooks", PAYPAL.webhook_endpoints, query(anchor_type="ODD")),
        Operation(
            "GET", "/v1/reporting/transactions", lambda: list(PAYPAL.payments_since(since())), query(start_date="")
        ),
    )
}  # fmt: skip
SENDGRID_CALLS = {
    "send": Operation(
        "POST", "/v3/mail/send", lambda: SENDGRID.send(_mail()),
        body(lambda found: found.update(custom_args={"mail_id": 41})),
    ),
    "client.messages.get": Operation("GET", "/v3/messages", lambda: SENDGRID.was_accepted("41"), query(query="")),
}  # fmt: skip


# What the adapters' source says


def stripe_calls(trees: Trees) -> set[str]:
    """Methods of the library that the Stripe adapter calls."""
    return {name for tree in trees for name in re.findall(r"\bclient\.v1\.([\w.]+)\(", ast.unparse(tree))}


def sendgrid_calls(trees: Trees) -> set[str]:
    """Methods of the library that the mail transport calls."""
    return {name for tree in trees for name in re.findall(r"\bclient\.([\w.]+)\(", ast.unparse(tree))}


def paypal_calls(trees: Trees) -> set[tuple[str, str]]:
    """Method and path of every call of the PayPal adapter, and of the token that a call may cost."""
    found = {("POST", "/v1/oauth2/token")}
    scopes = [each for tree in trees for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    for scope in scopes:
        for node in calls_of(scope):
            if isinstance(node.func, ast.Name) and node.func.id == "call":
                method, target = node.args[:2]
                found.add((ast.literal_eval(method), "/" + _template(target, scope, trees).partition("?")[0]))
    return found


def _template(node: ast.expr, scope: ast.AST, trees: Trees) -> str:
    """A path with ``{}`` in the place of what differs from call to call."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.Name(id=name):
            (assigned,) = [value for target, value in _assigned(scope) if target == name]
            return _template(assigned, scope, trees)
        case ast.Attribute(attr=name):
            (assigned,) = [value for tree in trees for target, value in _assigned(tree) if target == name]
            return _template(assigned, scope, trees)
    raise AssertionError(f"{ast.unparse(node)} is no path that can be read off the source")


def _assigned(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def modules(start: str) -> Trees:
    """The modules of an adapter."""
    return [tree for name, tree in sources().items() if name.startswith(start)]
