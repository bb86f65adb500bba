"""What is given back whole is worked for no more, and nothing is bought in its place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orders import cancelling, correcting, polling
from orders.models import CancelRequest, CorrectionRequest, Order, OutgoingMail
from orders.right_data import RightData
from orders.states import CancelState, CorrectionState, OrderState
from payments import refunding
from payments.models import Refund
from payments.providers.base import RefundFact, RefundFactState
from payments.refunding import Grounds
from refunds import deciding
from refunds.states import ClaimState, ClaimType
from tests import factories
from tests.refunds.claims import SAM, claimed, fresh, paid_order, payment_of
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db(transaction=True)
S = OrderState
T = ClaimType


def approve(claim, amount=None):
    return deciding.approve(claim.pk, amount=amount, reason="a good customer", actor=SAM)


def corrected(order: Order) -> CorrectionRequest:
    data = RightData(factories.imei(77), "imei", {})
    return correcting.ask(order.pk, data, rule="x", refusal="y", actor=factories.CUSTOMER)


@pytest.mark.parametrize("is_held", [False, True])
def test_a_supplier_that_has_it_is_asked_to_drop_it(is_held):
    order = paid_order(S.IN_PROCESS)
    if is_held:
        factories.bring_to(order, S.ON_HOLD)
    claim = claimed(order, T.OTHER)

    approve(claim)

    order.refresh_from_db()
    asked = CancelRequest.objects.get()
    assert (order.state, asked.state in cancelling.OPEN_CANCELS) == (S.CANCELLED, True)
    assert (Refund.objects.get().money, fresh(claim).trouble) == (order.money, "")
    assert order.events.filter(kind="order.stopped_at_supplier").count() == 1
    assert cancelling.settle(asked.pk, CancelState.AGREED, message="ok", actor=SAM) == CancelState.AGREED
    assert (Order.objects.count(), Refund.objects.count()) == (1, 1)


def test_a_result_that_comes_all_the_same_is_not_delivered():
    order = paid_order(S.IN_PROCESS)
    approve(claimed(order, T.OTHER))

    polling.poll(order.pk)

    order.refresh_from_db()
    assert (order.state, order.result) == (S.CANCELLED, "")


def test_a_request_that_is_open_is_not_doubled():
    order = paid_order(S.IN_PROCESS)
    cancelling.request(order.pk, reason="asked for", actor=SAM)

    approve(claimed(order, T.OTHER))

    assert CancelRequest.objects.count() == 1


def test_a_correction_that_waits_is_turned_down_and_never_replaces():
    order = paid_order(S.IN_PROCESS)
    row = corrected(order)

    approve(claimed(order, T.OTHER))

    row.refresh_from_db()
    assert row.state == CorrectionState.ENDED
    assert OutgoingMail.objects.filter(kind="correction").count() == 2
    cancelling.settle(row.cancel_request_id, CancelState.AGREED, message="ok", actor=SAM)
    row.refresh_from_db()
    assert (row.state, Order.objects.count(), Refund.objects.count()) == (CorrectionState.ENDED, 1, 1)


def test_part_of_the_price_stops_nothing():
    order = paid_order(S.IN_PROCESS)
    row = corrected(order)

    approve(claimed(order, T.OTHER), Decimal("5.00"))

    order.refresh_from_db()
    row.refresh_from_db()
    assert (order.state, row.state, Refund.objects.get().amount) == (S.IN_PROCESS, CorrectionState.ASKED, 5)


@pytest.mark.parametrize("state", [S.SUBMITTING, S.UNCERTAIN])
def test_while_nobody_knows_where_it_is_nothing_is_given_back_whole(state):
    order = paid_order(state)
    claim = claimed(order, T.OTHER)

    with pytest.raises(Refused) as refused:
        approve(claim)

    assert refused.value.code == "unclear"
    order.refresh_from_db()
    assert (fresh(claim).state, order.state, Refund.objects.count()) == (ClaimState.WAITING_STAFF, state, 0)


# --- Through the refund door itself, past the claims


def given_back(order: Order, amount: Decimal | None = None, *, whole: bool = False) -> Refund:
    money = order.money if amount is None else Money(amount, order.currency)
    grounds = Grounds("goodwill", "a good customer", "the customer is right")
    order_id = None if whole else order.pk
    return refunding.request_refund(payment_of(order).pk, money=money, grounds=grounds, actor=SAM, order_id=order_id)


@pytest.mark.parametrize("whole", [False, True])
def test_no_order_takes_the_place_of_one_that_was_given_back(whole):
    order = paid_order(S.IN_PROCESS)
    row = corrected(order)

    given_back(order, whole=whole)
    row.refresh_from_db()
    assert row.state == CorrectionState.ENDED
    cancelling.settle(row.cancel_request_id, CancelState.AGREED, message="ok", actor=SYSTEM)

    order.refresh_from_db()
    assert (order.state, Order.objects.count(), Refund.objects.count()) == (S.CANCELLED, 1, 1)


def test_one_that_was_given_back_in_part_is_replaced_still():
    order = paid_order(S.IN_PROCESS)
    row = corrected(order)

    given_back(order, Decimal("5.00"))
    cancelling.settle(row.cancel_request_id, CancelState.AGREED, message="ok", actor=SYSTEM)

    new = Order.objects.exclude(pk=order.pk).get()
    assert refunding.refundable_for(new, payment_of(order)) == Money(Decimal("13.90"), "EUR")


def test_nor_when_it_was_given_back_in_the_providers_own_pages():
    order = paid_order(S.IN_PROCESS)
    row, payment = corrected(order), payment_of(order)

    refunding.fold_found(payment, RefundFact("re_1", payment.charge_ref, "", RefundFactState.SUCCEEDED, payment.money))

    row.refresh_from_db()
    assert row.state == CorrectionState.ENDED
