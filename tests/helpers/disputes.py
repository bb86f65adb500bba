"""A provider that answers by script, and disputed payments: what only a bank can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from orders.models import Order
from orders.states import OrderState
from payments import booking, disputing
from payments.models import Dispute, LedgerEntry, Payment
from payments.providers.base import DisputeFact, WarningFact
from payments.states import DisputeState, PaymentState
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money

PROVIDERS = {"stripe": "tests.helpers.disputes.Bank"}
REF = "dp_1"


class Bank:
    """Answers for ``stripe``. ``facts`` by dispute id; an exception there is raised.

    ``outcome`` of a submission: an exception, or what happens after it has arrived and before the answer has.
    """

    name = "stripe"
    facts: ClassVar[dict[str, Any]] = {}
    warnings: ClassVar[list[WarningFact]] = []
    submitted: ClassVar[list[dict[str, str]]] = []
    outcome: ClassVar[Any] = None

    def step(self, currency: str) -> Decimal:
        return Decimal("0.01")

    @classmethod
    def reset(cls) -> None:
        cls.facts, cls.warnings, cls.submitted, cls.outcome = {}, [], [], None

    def fetch_dispute(self, provider_ref: str) -> DisputeFact:
        return _said(self.facts[provider_ref])

    def warnings_of(self, charge_ref: str) -> list[WarningFact]:
        return list(self.warnings)

    def submit_evidence(self, provider_ref: str, fields: Mapping[str, str]) -> DisputeFact:
        self.submitted.append(dict(fields))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        answered = replace(
            self.facts[provider_ref],
            state=DisputeState.UNDER_REVIEW,
            status="under_review",
            has_our_evidence=True,
            respond_by=None,
        )
        self.facts[provider_ref] = answered
        if self.outcome is not None:
            type(self).outcome()
        return answered


def _said(answer: Any) -> Any:
    if callable(answer):
        answer = answer()
    if isinstance(answer, Exception):
        raise answer
    return answer


def captured(order: Order) -> Payment:
    """The captured and booked payment of an order's purchase."""
    payment = Payment.objects.create(
        purchase=order.purchase, provider="stripe", provider_ref=f"cs_{order.pk}", charge_ref=f"pi_{order.pk}",
        amount=order.purchase.total, currency=order.currency, state=PaymentState.CAPTURED, captured_at=clock.now(),
    )  # fmt: skip
    booking.book_capture(payment)
    return payment


def fact(payment: Payment, state: DisputeState = DisputeState.NEEDS_RESPONSE, **changes: Any) -> DisputeFact:
    """What the bank says of a dispute about the whole payment."""
    values: dict[str, Any] = {
        "provider_ref": REF, "charge_ref": payment.charge_ref, "state": state, "money": payment.money,
        "reason": "fraudulent", "status": state.value, "respond_by": clock.now() + timedelta(days=7),
        "funds_withdrawn": True, "fee": Money(Decimal("20.00"), payment.currency),
    }  # fmt: skip
    return DisputeFact(**{**values, **changes})


def disputed(state: OrderState = OrderState.COMPLETED, **kwargs: Any) -> tuple[Order, Dispute]:
    """An order in ``state`` whose payment is disputed and not answered yet. The test has set ``PROVIDERS``."""
    order = factories.make_order(state, **kwargs)
    payment = captured(order)
    Bank.facts[REF] = fact(payment)
    dispute = disputing.settle_dispute("stripe", REF)
    order.refresh_from_db()
    return order, dispute


def balances() -> dict[str, Decimal]:
    """What is on every account that has something."""
    sums: dict[str, Decimal] = {}
    for account, amount in LedgerEntry.objects.values_list("account", "amount"):
        sums[account] = sums.get(account, Decimal(0)) + amount
    return {account: total for account, total in sums.items() if total}
