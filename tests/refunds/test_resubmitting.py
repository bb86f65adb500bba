"""An ended order is sent out again only while its money is here: staff and customer go through one door."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from orders import investigating
from orders.models import Order
from orders.states import Finding, OrderState
from payments import refunding
from payments.models import Dispute, Payment, Refund
from payments.paying_by_hand import ByHand
from payments.refunding import Grounds
from payments.states import Attention, DisputeState, HandWay, PaymentState, RefundState
from refunds import deciding, not_found, outcomes, paying_out, resubmitting
from refunds.models import Claim
from tests import factories
from tests.refunds.claims import SAM, claimed, paid_order, payment_of
from tests.refunds.test_calling_off import paid_order as paid_orders
from unlockshop.kernel import clock
from unlockshop.kernel.actors import ActorKind
from unlockshop.kernel.errors import Refused, TransitionRefused
from unlockshop.kernel.money import Money
from unlockshop.kernel.staff_parts import change_url

pytestmark = pytest.mark.django_db
S = OrderState
ONE = Decimal("1.00")


def refund(order: Order, amount: Decimal | None = None, *, whole: bool = False) -> Refund:
    money = order.money if amount is None else Money(amount, order.currency)
    return refunding.request_refund(
        payment_of(order).pk, money=money, grounds=Grounds("rule", "why", "staff say so"), actor=SAM,
        order_id=None if whole else order.pk,
    )  # fmt: skip


def external(order: Order) -> None:
    """Given back in the provider's own pages: it names no order."""
    Refund.objects.create(
        payment=payment_of(order), amount=order.price, currency=order.currency, rule="external", reason="there",
        actor_kind=ActorKind.PROVIDER, actor_ident="stripe", actor_label="stripe", is_external=True,
        state=RefundState.SUCCEEDED, succeeded_at=clock.now(), provider_ref="re_outside",
    )  # fmt: skip


def disputed(order: Order, state: DisputeState = DisputeState.LOST) -> None:
    payment = payment_of(order)
    is_over = state == DisputeState.LOST
    Dispute.objects.create(
        payment=payment, provider_ref="dp_1", amount=payment.amount, currency=payment.currency, state=state,
        provider_status=state, closed_at=clock.now() if is_over else None,
    )  # fmt: skip


def granted(order: Order) -> None:
    """A claim is approved; its refund is not asked for yet."""
    outcomes.look_at_ended()
    assert Claim.objects.get(order=order).state == "approved"
    assert not Refund.objects.exists()


def by_hand(order: Order) -> None:
    """A claim was granted and the money sent by another way."""
    granted(order)
    Claim.objects.update(trouble="no_payment: none")
    paying_out.pay_by_hand(Claim.objects.get().pk, ByHand(HandWay.BANK_TRANSFER, "4711"), actor=SAM)


GONE = [
    ("refunded", refund),
    ("refunded", lambda order: refund(order, ONE)),
    ("refunded_whole", lambda order: refund(order, whole=True)),
    ("refunded_whole", external),
    ("dispute_lost", disputed),
    ("claim_granted", granted),
    ("claim_granted", by_hand),
]


@pytest.mark.parametrize(("code", "give_back"), GONE)
def test_money_that_went_back_is_not_worked_for_by_staff(code, give_back, admin_client):
    order = paid_order(S.UNAVAILABLE)
    give_back(order)

    with pytest.raises(Refused) as refused:
        resubmitting.resubmit(order.pk, reason="they asked us to", actor=SAM)

    assert refused.value.code == code
    assert "/do/resubmit/" not in admin_client.get(change_url(order)).content.decode()
    order.refresh_from_db()
    assert (order.state, order.events.filter(kind="order.resubmitted").count()) == (S.UNAVAILABLE, 0)


@pytest.mark.parametrize(("code", "give_back"), [each for each in GONE if each[0] != "claim_granted"])
def test_nor_by_the_customer(code, give_back):
    order = wrongly_rejected()
    give_back(order)

    with pytest.raises(Refused):
        not_found.resubmit(order.pk, actor=factories.CUSTOMER)

    assert not not_found.standing(Order.objects.get(pk=order.pk)).may_resubmit
    assert Order.objects.get(pk=order.pk).state == S.NOT_FOUND


def test_nor_by_the_customer_after_a_granted_claim():
    order = wrongly_rejected()
    outcomes.look_at_ended()
    Claim.objects.update(type="other")
    deciding.approve(Claim.objects.get().pk, amount=None, reason="fair", actor=SAM)
    Refund.objects.update(state=RefundState.FAILED)

    with pytest.raises(Refused) as refused:
        not_found.resubmit(order.pk, actor=factories.CUSTOMER)
    assert refused.value.code == "claim_granted"


def wrongly_rejected() -> Order:
    order = paid_order(S.NOT_FOUND)
    row = not_found.ask(order.pk, note="", actor=factories.CUSTOMER)
    investigating.answer(row.pk, finding=Finding.WRONGLY_REJECTED, text="Sorry.", evidence="panel", actor=SAM)
    return order


def nothing(order: Order) -> None:
    """The money is here."""


def failed(order: Order) -> None:
    Refund.objects.filter(pk=refund(order).pk).update(state=RefundState.FAILED)


def denied(order: Order) -> None:
    Claim.objects.filter(pk=claimed(order, "other").pk).update(
        state="denied", decided_at=clock.now(), code="X", clauses="Y", decided_by="sam"
    )


def paid_twice(order: Order) -> None:
    payment = Payment.objects.create(
        purchase=order.purchase, provider="stripe", provider_ref="cs_2", charge_ref="pi_2", amount=order.price,
        currency=order.currency, state=PaymentState.CAPTURED, captured_at=clock.now(), attention=Attention.OVERPAYMENT,
    )  # fmt: skip
    refunding.request_refund(payment.pk, money=payment.money, grounds=Grounds("rule", "twice"), actor=SAM)


@pytest.mark.parametrize("before", [nothing, failed, denied, paid_twice])
def test_money_that_is_here_is_worked_for(before, admin_client):
    order = paid_order(S.UNAVAILABLE)
    before(order)
    url = f"{change_url(order).removesuffix('change/')}do/resubmit/"
    version = re.search(r'name="version" value="([^"]*)"', admin_client.get(url).content.decode()).group(1)

    admin_client.post(url, {"version": version, "reason": "another source"})

    order.refresh_from_db()
    assert order.state == S.PAID


def test_the_refund_of_another_order_of_the_purchase_is_none_of_its_business():
    first = paid_orders(imeis=(factories.imei(1), factories.imei(2)))
    second = first.purchase.orders.exclude(pk=first.pk).get()
    for order in (first, second):
        factories.bring_to(order, S.UNAVAILABLE)
    refund(second)

    assert resubmitting.resubmit(first.pk, reason="another source", actor=SAM).state == S.PAID


@pytest.mark.parametrize("state", sorted(set(S) - resubmitting.ENDS - {S.AWAITING_PAYMENT, S.EXPIRED, S.PAID}))
def test_every_other_state_is_refused(state):
    order = paid_order(state)

    with pytest.raises(TransitionRefused):
        resubmitting.resubmit(order.pk, reason="why not", actor=SAM)
    assert not resubmitting.may(order)
