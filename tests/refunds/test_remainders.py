"""Of an order that brought nothing, what was not given back before goes back by itself; never more than was paid."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orders.models import Order
from orders.states import OrderState
from payments import refunding
from payments.models import Refund
from payments.refunding import Grounds
from payments.states import RefundState
from refunds.models import Claim
from refunds.tasks import follow_claims
from tests import factories
from tests.refunds.claims import SAM, paid_order, payment_of
from tests.refunds.test_calling_off import paid_order as paid_orders
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db
S = OrderState


def given_back(order: Order, amount: str, *, names_order: bool = True) -> Refund:
    grounds = Grounds("goodwill", "said sorry", override="the customer insists")
    money = Money(Decimal(amount), order.currency)
    order_id = order.pk if names_order else None
    return refunding.request_refund(payment_of(order).pk, money=money, grounds=grounds, actor=SAM, order_id=order_id)


def by_itself() -> list[Decimal]:
    """What the shop gives back, however often its sweep runs."""
    for _ in range(3):
        follow_claims()
    return list(Refund.objects.filter(actor_kind="system").values_list("amount", flat=True))


@pytest.mark.parametrize("names_order", [True, False])
@pytest.mark.parametrize("amounts", [("5.00",), ("5.00", "0.10"), ("18.89",)])
def test_the_rest_goes_back_once(amounts, names_order):
    order = paid_order(S.UNAVAILABLE)
    for amount in amounts:
        given_back(order, amount, names_order=names_order)

    assert by_itself() == [order.price - sum(map(Decimal, amounts))]
    assert refunding.refundable(payment_of(order)).amount == 0


@pytest.mark.parametrize("names_order", [True, False])
@pytest.mark.parametrize("amounts", [("18.90",), ("6.30", "6.30", "6.30"), ("0.10", "18.80")])
def test_where_nothing_is_left_nothing_is_looked_at(amounts, names_order):
    order = paid_order(S.UNAVAILABLE)
    for amount in amounts:
        given_back(order, amount, names_order=names_order)

    assert (by_itself(), Claim.objects.count()) == ([], 0)


def test_a_part_that_failed_is_seen_to_by_staff():
    order = paid_order(S.UNAVAILABLE)
    given_back(order, "5.00")
    Refund.objects.update(state=RefundState.FAILED)

    assert by_itself() == []


def test_the_refund_of_one_order_leaves_the_others_whole():
    first = paid_orders(imeis=(factories.imei(1), factories.imei(2)))
    for order in first.purchase.orders.all():
        factories.bring_to(order, S.UNAVAILABLE)
    given_back(first, "5.00")

    assert sorted(by_itself()) == [Decimal("13.90"), Decimal("18.90")]
    assert refunding.refundable(payment_of(first)).amount == 0


def test_money_of_several_orders_that_names_none_is_left_to_staff():
    first = paid_orders(imeis=(factories.imei(1), factories.imei(2)))
    for order, state in zip(first.purchase.orders.order_by("position"), (S.UNAVAILABLE, S.COMPLETED), strict=True):
        factories.bring_to(order, state)
    given_back(first, "18.90", names_order=False)

    assert by_itself() == []
