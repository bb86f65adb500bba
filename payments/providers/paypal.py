"""PayPal Orders v2 through the ``paypalrestsdk`` library.

The customer approves at PayPal; only then the shop captures, on the return page and on the webhook alike, always under
the request id ``capture-<order id>``. ``PAYPAL_API_BASE`` may point at the demo bank.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.conf import settings

from payments.providers import paypal_disputes, paypal_facts, paypal_money, paypal_webhook
from payments.providers.base import (
    Begun,
    DisputeFact,
    EndpointFact,
    FactState,
    NotAuthentic,
    Notice,
    PaymentFact,
    PaymentRequest,
    RefundFact,
    RefundOrder,
    WarningFact,
)
from payments.providers.paypal_api import NOT_FOUND, PayPalRefused, call, is_ref, part
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError
from unlockshop.kernel.money import Money

MAX_TEXT: Final = 127
MAX_NOTE: Final = 255
REPORT_WINDOW: Final = timedelta(days=31)
MOST_PASSED_OVER: Final = 3
REPORT_PAGE: Final = 500
MAX_REPORT_PAGES: Final = 1000
# What a refused capture says of the payment. The buyer may approve again with another means of payment; an invoice
# that was paid already takes no second payment, and PayPal forgets orders that nobody paid.
_AFTER_REFUSED_CAPTURE: Final = {
    "instrument_declined": FactState.OPEN,
    "payer_action_required": FactState.OPEN,
    "order_not_approved": FactState.OPEN,
    "redirect_payer_for_alternate_funding": FactState.OPEN,
    "transaction_refused": FactState.FAILED,
    "transaction_blocked_by_payee": FactState.FAILED,
    "transaction_limit_exceeded": FactState.FAILED,
    "payee_blocked_transaction": FactState.FAILED,
    "payer_account_locked_or_closed": FactState.FAILED,
    "payer_account_restricted": FactState.FAILED,
    "payer_cannot_pay": FactState.FAILED,
    "compliance_violation": FactState.FAILED,
    "max_number_of_payment_attempts_exceeded": FactState.FAILED,
    "order_expired": FactState.EXPIRED,
    "duplicate_invoice_id": FactState.EXPIRED,
    NOT_FOUND: FactState.EXPIRED,
}
_DECLINED: Final = frozenset({"instrument_declined", "redirect_payer_for_alternate_funding"})
_UNFIT_DESCRIPTOR: Final = re.compile(r"[^A-Za-z0-9 .*-]")
_UNFIT_NOTE: Final = re.compile(r"[\x00-\x1f\x7f]+")

_Fact = TypeVar("_Fact")


class PayPalProvider:
    """Adapter for orders; a payment's ``provider_ref`` is the order's id, its ``charge_ref`` the capture's."""

    name = "paypal"
    webhook_events = paypal_webhook.EVENTS

    def step(self, currency: str) -> Decimal | None:
        """PayPal's own list, smaller than ISO 4217's and with fewer decimals."""
        return paypal_money.step(currency)

    def begin(self, request: PaymentRequest) -> Begun:
        """Create the order, keyed by ``request.key``.

        PayPal keeps that key for six hours; after them the same request makes a second order, which nobody pays.
        """
        order = call("POST", "v2/checkout/orders", _order(request), key=request.key)
        return _read(lambda: _begun(order))

    def fetch(self, provider_ref: str) -> PaymentFact:
        """The order as PayPal has it now; one that the customer has approved is captured first.

        An order that PayPal does not know is ``Refused`` with code ``resource_not_found``: it forgets orders that
        were never paid, but what it forgot cannot be told from what was never there.
        """
        order = self._order(provider_ref)
        if order.get("status") == "APPROVED":
            return self._captured(provider_ref, order)
        return _read(lambda: paypal_facts.payment(order))

    def _order(self, provider_ref: str) -> dict[str, Any]:
        return call("GET", f"v2/checkout/orders/{part(provider_ref)}")

    def _captured(self, provider_ref: str, approved: dict[str, Any]) -> PaymentFact:
        """Capture an approved order under the one request id that every capture of it has."""
        path = f"v2/checkout/orders/{part(provider_ref)}/capture"
        try:
            order = call("POST", path, {}, key=f"capture-{provider_ref}")
        except Refused as refusal:
            if refusal.code == "order_already_captured":
                order = self._order(provider_ref)
            elif refusal.code in _AFTER_REFUSED_CAPTURE:
                fact = _read(lambda: paypal_facts.payment(approved))
                state = _AFTER_REFUSED_CAPTURE[refusal.code]
                return replace(fact, state=state, is_declined=refusal.code in _DECLINED)
            else:
                raise
        return _read(lambda: paypal_facts.payment(order))

    def close(self, provider_ref: str) -> None:
        """Nothing can be done: PayPal takes back no order before it is approved. It expires there by itself.

        Until then the customer may still pay; such money is captured, booked and flagged as late.
        """

    def fee(self, charge_ref: str) -> Money | None:
        """PayPal's fee for a capture; there once the capture is completed."""
        capture = self._capture(charge_ref)
        return _read(lambda: paypal_facts.fee(capture))

    def _capture(self, charge_ref: str) -> dict[str, Any]:
        return call("GET", f"v2/payments/captures/{part(charge_ref)}")

    def refund(self, order: RefundOrder) -> RefundFact:
        """Refund a capture. ``order.key`` is kept there as custom and invoice id, so that the refund is found again.

        PayPal keeps the request id for 45 days.
        """
        body = {"amount": paypal_money.amount(order.money), "custom_id": order.key, "invoice_id": order.key}
        note = _UNFIT_NOTE.sub(" ", order.reason).strip()[:MAX_NOTE]
        if note:
            body["note_to_payer"] = note
        found = call("POST", f"v2/payments/captures/{part(order.charge_ref)}/refund", body, key=order.key)
        return _read(lambda: paypal_facts.refund(found, order.charge_ref))

    def fetch_refund(self, provider_ref: str) -> RefundFact:
        """The refund as PayPal has it now."""
        found = call("GET", f"v2/payments/refunds/{part(provider_ref)}")
        return _read(lambda: paypal_facts.refund(found))

    def refunds_of(self, charge_ref: str) -> list[RefundFact]:
        """The refunds of a capture. PayPal lists them only in the order, under ``payments.refunds``."""
        capture = self._capture(charge_ref)
        order_id = _read(lambda: paypal_facts.order_of(capture))
        if not order_id:
            raise OutcomeUnknown(f"PayPal does not name the order of the capture {charge_ref}")
        order = self._order(order_id)

        return [fact for fact in _read(lambda: paypal_facts.refunds(order)) if fact.charge_ref == charge_ref]

    def fetch_dispute(self, provider_ref: str) -> DisputeFact:
        """The dispute as PayPal has it now."""
        found = call("GET", f"v1/customer/disputes/{part(provider_ref)}")
        return _read(lambda: paypal_disputes.dispute(found))

    def disputes_since(self, moment: datetime) -> Iterator[str]:
        """Every dispute that changed since ``moment``; PayPal lists by that, too."""
        return paypal_disputes.disputes_since(moment)

    def submit_evidence(self, provider_ref: str, fields: Mapping[str, str]) -> DisputeFact:
        """Send the texts as evidence, once and for good. Once they are sent a failure can only be unknown."""
        path = f"v1/customer/disputes/{part(provider_ref)}/provide-evidence"
        call("POST", path, files=paypal_disputes.evidence_parts(fields))
        try:
            return self.fetch_dispute(provider_ref)
        except (Retryable, Refused) as error:
            raise OutcomeUnknown(f"the evidence was sent, but the dispute cannot be read: {error}") from error

    def warnings_of(self, charge_ref: str) -> list[WarningFact]:
        """None: PayPal opens a dispute at once and sends no warning before it."""
        return []

    def warned_since(self, moment: datetime) -> Iterator[str]:
        """None, for the same reason."""
        return iter(())

    def payments_since(self, moment: datetime) -> Iterator[PaymentFact]:
        """What PayPal reports as received since ``moment``, each capture as it stands now.

        PayPal lists no orders; its transaction report is the only list, appears up to three hours late and needs the
        permission Transaction Search. Without that it is ``Refused`` with code ``not_permitted``. A few captures that
        PayPal does not show just now are passed over; the first error is raised after all others.
        """
        end = clock.now()
        seen: set[str] = set()
        passed_over: list[ShopError] = []
        while moment < end:
            stop = min(moment + REPORT_WINDOW, end)
            for info in _reported(moment, stop):
                ident = str(info.get("transaction_id"))
                if ident in seen:
                    continue
                seen.add(ident)
                try:
                    fact = self._reported_payment(ident, info)
                except (Retryable, OutcomeUnknown) as error:
                    passed_over.append(error)
                    if len(passed_over) == MOST_PASSED_OVER:
                        raise
                else:
                    yield fact
            moment = stop
        if passed_over:
            raise passed_over[0]

    def _reported_payment(self, ident: str, info: dict[str, Any]) -> PaymentFact:
        """Money sent without any order is in the report too, and is no capture."""
        try:
            capture = self._capture(ident)
        except Refused as refusal:
            if refusal.code != NOT_FOUND:
                raise
            return _read(lambda: paypal_facts.payment_of_transaction(info))
        return _read(lambda: paypal_facts.payment_of_capture(capture))

    def webhook_endpoints(self) -> list[EndpointFact]:
        """The webhooks of the app that the client id belongs to."""
        found = call("GET", "v1/notifications/webhooks")
        return _read(lambda: paypal_webhook.endpoints(found))

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Check the form, have PayPal verify the delivered bytes, then read the event.

        An event of another webhook, account or mode does not verify against our webhook id.
        """
        meta = paypal_webhook.meta(headers, settings.PAYPAL_WEBHOOK_ID)
        event = paypal_webhook.event(body)
        try:
            answer = call("POST", paypal_webhook.VERIFY_PATH, raw=paypal_webhook.splice(meta, body))
        except OutcomeUnknown as error:
            raise Retryable(f"the delivery cannot be verified now: {error}") from error
        except Refused as refusal:
            if isinstance(refusal, PayPalRefused) and refusal.status in {400, 422}:
                raise NotAuthentic(f"PayPal does not verify it: {refusal.code}") from refusal
            # Our keys or our webhook id are not right: the delivery must come again once they are.
            raise Retryable(f"the delivery cannot be verified: {refusal}") from refusal
        if answer.get("verification_status") != "SUCCESS":
            raise NotAuthentic("PayPal says that it did not send this")
        return paypal_webhook.notice(event)


def _order(request: PaymentRequest) -> dict[str, Any]:
    amount = paypal_money.amount(request.money)
    unit: dict[str, Any] = {
        "custom_id": request.reference,
        "invoice_id": request.reference,
        "description": request.description[:MAX_TEXT],
        "amount": {**amount, "breakdown": {"item_total": amount}},
        "items": [
            {
                "name": request.description[:MAX_TEXT],
                "quantity": "1",
                "category": "DIGITAL_GOODS",
                "unit_amount": amount,
            }
        ],
    }
    descriptor = _UNFIT_DESCRIPTOR.sub("", request.statement_descriptor)[:22].strip()
    if descriptor:
        unit["soft_descriptor"] = descriptor
    context = {
        "brand_name": settings.SHOP_NAME[:MAX_TEXT],
        "shipping_preference": "NO_SHIPPING",
        "user_action": "PAY_NOW",
        "return_url": request.success_url,
        "cancel_url": request.cancel_url,
    }
    return {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }


def _begun(order: dict[str, Any]) -> Begun:
    """The order and where the customer approves it. Plain http only where the API itself is the demo's."""
    links = {link["rel"]: str(link["href"]) for link in order["links"]}
    url = links.get("payer-action") or links["approve"]
    schemes = ("https://", "http://") if settings.PAYPAL_API_BASE.startswith("http://") else ("https://",)
    if not url.startswith(schemes):
        raise ValueError("the approval page has no web address")
    if not is_ref(order["id"]):
        raise ValueError("the order has no id")
    return Begun(provider_ref=order["id"], url=url)


def _reported(start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    """What was received, of a window of at most 31 days: each ``transaction_info``."""
    for page in range(1, MAX_REPORT_PAGES + 1):
        query = urlencode(
            {
                "start_date": paypal_facts.stamp(start),
                "end_date": paypal_facts.stamp(end),
                "fields": "transaction_info",
                "page_size": REPORT_PAGE,
                "page": page,
            }
        )
        try:
            found = call("GET", f"v1/reporting/transactions?{query}")
        except PayPalRefused as refusal:
            if refusal.status == 403:
                raise Refused(
                    "PayPal's app lacks the permission Transaction Search", code="not_permitted"
                ) from refusal
            raise
        yield from _received(found)
        if page >= int(found.get("total_pages") or 0):
            return


def _received(page: dict[str, Any]) -> list[dict[str, Any]]:
    return _read(lambda: paypal_facts.received(page))


def _read(read: Callable[[], _Fact]) -> _Fact:
    """Read an answer; one that is not as described tells us nothing."""
    try:
        return read()
    except paypal_facts.UNREADABLE as error:
        raise OutcomeUnknown(f"PayPal's answer is not readable: {type(error).__name__}: {error}") from error
