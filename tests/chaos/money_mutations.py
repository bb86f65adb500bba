"""Bugs about money to plant: each is a mistake that shops have made with refunds, events, captures or disputes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.chaos.planting import replace
from unlockshop.kernel.errors import OutcomeUnknown


def refund_key_random() -> None:
    """Every try of a refund has an idempotency key of its own, and one without an answer is made again at once."""
    from payments.providers import paypal, stripe_refunds  # noqa: PLC0415

    real_call = paypal.call

    def twice(ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except OutcomeUnknown:
            return ask()

    def refund(call: Any, order: Any) -> Any:
        params = {
            "payment_intent": order.charge_ref, "amount": order.money.minor, "metadata": {"refund_id": order.key},
        }  # fmt: skip

        def ask() -> Any:
            key = {"idempotency_key": uuid.uuid4().hex}
            return stripe_refunds.fact(call(lambda client: client.v1.refunds.create(params, key)))

        return twice(ask)

    def call(method: str, path: str, body: Any = None, *, key: str = "", **rest: Any) -> Any:
        if not path.endswith("/refund"):
            return real_call(method, path, body, key=key, **rest)
        return twice(lambda: real_call(method, path, body, key=uuid.uuid4().hex, **rest))

    replace(stripe_refunds, refund=refund)
    replace(paypal, call=call)


def events_not_unique() -> None:
    """Each delivery of an event is stored anew, as without the unique key."""
    from dataclasses import replace as changed  # noqa: PLC0415

    from payments import inbox  # noqa: PLC0415

    real = inbox.provider_named

    def provider_named(name: str) -> Any:
        provider = real(name)
        read = provider.read_webhook

        def read_webhook(body: bytes, headers: Any) -> Any:
            notice = read(body, headers)
            return changed(notice, event_id=f"{notice.event_id}:{uuid.uuid4().hex}")

        provider.read_webhook = read_webhook
        return provider

    replace(inbox, provider_named=provider_named)


def refund_sum_unguarded() -> None:
    """What went back before is not taken off what may go back."""
    from payments import refunding  # noqa: PLC0415

    replace(
        refunding,
        refundable=lambda payment: payment.money,
        refundable_for=lambda order, payment: refunding.Money(order.price, payment.currency),
    )


def capture_twice() -> None:
    """Whether a capture is booked already is looked at before the lock, and the key does not tell."""
    from payments import collecting, ledger  # noqa: PLC0415
    from payments.providers.base import FactState  # noqa: PLC0415

    real_fold, real_post = collecting.fold, ledger.post

    def fold(payment_id: int, fact: Any) -> Any:
        payment = collecting.Payment.objects.get(pk=payment_id)
        if payment.state == "captured" and fact.state == FactState.CAPTURED:
            collecting.booking.book_capture(payment)
            return payment
        return real_fold(payment_id, fact)

    def post(key: str, kind: str, **rest: Any) -> Any:
        return real_post(f"{key}:{uuid.uuid4().hex}" if kind == "capture" else key, kind, **rest)

    replace(collecting, fold=fold)
    replace(ledger, post=post)


def dispute_loss_twice() -> None:
    """A lost dispute is booked each time that the bank says so."""
    from payments import dispute_booking  # noqa: PLC0415

    real = dispute_booking._booked

    def booked(dispute: Any, account: Any, currency: str) -> Decimal:
        return Decimal(0) if account == "dispute_losses" else real(dispute, account, currency)

    replace(dispute_booking, _booked=booked)
