"""Which accounts a refund leaves from: nothing is counted as sold or as prepaid that the customer has back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orders import lifecycle
from orders.states import OrderState
from payments import booking, ledger, refunding
from payments.refunding import Grounds
from tests import factories
from tests.payments.test_refunding import SAM, ask, fresh, paid_at_bank
from unlockshop.kernel.actors import SYSTEM

pytestmark = pytest.mark.django_db
OVERRIDE = Grounds("goodwill", "The customer insists.", override="We know them.")


def standing() -> dict[str, Decimal]:
    return {account: total for account, _currency, total in ledger.balances() if total}


def test_a_refund_of_no_order_takes_what_is_prepaid_and_then_from_sales(bank):
    payment = paid_at_bank(OrderState.PAID, devices=2)
    factories.bring_to(payment.purchase.orders.order_by("position")[0], OrderState.COMPLETED)
    assert booking.book_deliveries() == 1

    refund = ask(payment, "30.00", actor=SAM, grounds=OVERRIDE)
    refunding.execute(refund.pk)

    assert standing() == {
        "stripe_clearing": Decimal("7.80"), "sales": Decimal("-18.90"), "refunds": Decimal("11.10"),
    }  # fmt: skip
    assert list(ledger.check()) == []


def test_an_order_that_is_delivered_after_all_its_money_went_back_is_no_sale(bank):
    payment = paid_at_bank(OrderState.IN_PROCESS)
    refunding.execute(ask(payment, "18.90", actor=SAM, grounds=OVERRIDE).pk)
    order = payment.purchase.orders.get()
    lifecycle.complete(order.pk, result="CODE 1", supplier_name="Supplier", actor=SYSTEM)

    assert booking.book_deliveries() == 0
    assert standing() == {}


def test_a_delivered_order_is_sold_for_what_was_not_given_back(bank):
    payment = paid_at_bank(OrderState.PAID)
    refunding.execute(ask(payment, "18.89", actor=SAM, grounds=OVERRIDE).pk)
    factories.bring_to(payment.purchase.orders.get(), OrderState.COMPLETED)

    assert booking.book_deliveries() == 1
    assert standing() == {"stripe_clearing": Decimal("0.01"), "sales": Decimal("-0.01")}


def test_a_cent_that_is_left_after_many_refunds_can_still_go_back(bank):
    payment = paid_at_bank(devices=3)
    for amount in ("13.33", "13.33", "13.33", "16.70"):
        refunding.execute(ask(payment, amount).pk)

    last = ask(payment, "0.01")
    refunding.execute(last.pk)

    assert fresh(last).state == "succeeded"
    assert standing() == {}
    assert list(ledger.check()) == []
