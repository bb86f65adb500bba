"""What people learn of refunds: the customer by page, mail and story, the staff by a queue that empties again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from orders.admin.filters import owed
from orders.mailing import render
from orders.models import Order, OutgoingMail
from orders.models.mail import MailKind
from orders.states import HoldReason, OrderState
from payments import refunding, reopening
from payments.models import Payment, Refund
from payments.owing import owed_back
from payments.providers.base import RefundFactState
from payments.refunding import Grounds
from payments.states import DisputeState, PaymentState, RefundState
from tests import factories
from tests.admin.test_actions import press
from tests.payments.test_refunding import SAM, ask, fact, fresh
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money
from unlockshop.kernel.staff_parts import change_url
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
KIND = Grounds(rule="goodwill", reason="The wait was <b>long</b>.")


def paid(end: OrderState = OrderState.UNAVAILABLE, *, devices: int = 1) -> Payment:
    """A captured payment whose orders have come to ``end``."""
    purchase = factories.make_purchase(imeis=tuple(factories.imei(n) for n in range(devices)), paid=True)
    payment: Payment = Payment.objects.create(
        purchase=purchase,
        provider="stripe",
        provider_ref=f"cs_{purchase.number}",
        charge_ref=f"pi_{purchase.number}",
        amount=purchase.total,
        currency="EUR",
        state=PaymentState.CAPTURED,
        captured_at=clock.now(),
    )
    for order in purchase.orders.all():
        factories.bring_to(order, end)
    return payment


def settled(payment: Payment, amount: str, **kwargs) -> Refund:
    """A refund that the provider has confirmed."""
    refund = ask(payment, amount, **kwargs)
    refunding.fold_refund(refund, fact(refund, RefundFactState.SUCCEEDED, provider_ref=f"re_{refund.pk}"))
    return fresh(refund)


def come_back(refund: Refund) -> Refund:
    change = {"provider_ref": refund.provider_ref, "failure": "expired_or_canceled_card"}
    refunding.fold_refund(refund, fact(refund, RefundFactState.FAILED, **change))
    return fresh(refund)


def mails(payment: Payment, kind: MailKind) -> list[OutgoingMail]:
    return list(payment.purchase.mails.filter(kind=kind))


def page(payment: Payment) -> str:
    return Client().get(payment.purchase.get_absolute_url()).content.decode()


def test_the_customer_reads_amount_and_grounds_by_mail_and_on_both_pages() -> None:
    payment = paid()
    settled(payment, "5.00", grounds=KIND)

    [mail] = mails(payment, MailKind.REFUNDED)
    message = render(mail)
    assert message.subject == f"{payment.purchase.number}: €5.00 refunded"
    for part in (message.text, message.html, page(payment)):
        assert "A goodwill refund, which no rule demanded." in part
        assert "the card or account you paid with" in part
    assert "The wait was <b>long</b>." in message.text
    assert "&lt;b&gt;long&lt;/b&gt;" in message.html
    html = page(payment)
    assert "Paid, partly refunded" in html
    assert "refunded €5.00 of it" in html
    order = payment.purchase.orders.get()
    html = Client().get(order.get_absolute_url()).content.decode()
    assert "A refund was sent." in html
    assert "€13.90 are still owed back" in html


def test_a_refund_under_way_is_shown_and_not_called_refunded() -> None:
    payment = paid()
    ask(payment, "18.90")

    html = page(payment)
    assert "On its way" in html
    assert ">Paid<" in html
    assert mails(payment, MailKind.REFUNDED) == []


def test_one_that_never_went_out_is_not_shown_to_the_customer() -> None:
    payment = paid()
    refund = ask(payment, "18.90")
    Refund.objects.filter(pk=refund.pk).update(state=RefundState.FAILED, work_state=WorkState.NEEDS_STAFF)

    assert "Refunds" not in page(payment)


def test_one_that_comes_back_is_told_and_is_owed_again() -> None:
    payment = paid()
    order = payment.purchase.orders.get()
    refund = settled(payment, "18.90", order=order)
    assert "Your bank books it within some days." in Client().get(order.get_absolute_url()).content.decode()
    assert owed_back(order).amount == 0

    come_back(refund)

    [mail] = mails(payment, MailKind.REFUND_RETURNED)
    assert "the bank returned it to us" in render(mail).text
    assert "Came back" in page(payment)
    assert owed_back(order).amount == Decimal("18.90")
    assert [event.kind for event in order.events.filter(kind__startswith="money.")] == [
        "money.refunded",
        "money.returned",
    ]


def test_the_public_tracker_names_no_amount() -> None:
    payment = paid()
    settled(payment, "5.00")
    order = payment.purchase.orders.get()

    html = Client().post("/order-status-tracker/", {"number": order.number}, follow=True).content.decode()

    assert "5.00" not in html


def test_a_refund_of_one_order_is_told_only_in_its_story() -> None:
    payment = paid(devices=2)
    first, second = payment.purchase.orders.order_by("position")
    settled(payment, "18.90", order=first)

    assert not second.events.filter(kind="money.refunded").exists()
    text = render(mails(payment, MailKind.REFUNDED)[0]).text
    assert first.number in text
    assert second.number not in text
    assert "Refunds" not in Client().get(second.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("amounts", "is_owed"), [((), True), (("5.00",), True), (("1.10", "17.80"), False), (("18.90",), False)]
)
def test_the_queue_of_owed_money_empties_when_it_is_given_back(amounts, is_owed) -> None:
    payment = paid()
    for amount in amounts:
        settled(payment, amount)

    assert Order.objects.filter(owed()).exists() == is_owed


def test_a_refund_that_failed_leaves_the_order_owed() -> None:
    payment = paid()
    come_back(settled(payment, "18.90"))

    assert Order.objects.filter(owed()).exists()


def test_money_paid_twice_and_given_back_does_not_hide_what_is_owed() -> None:
    payment = paid()
    second = paid(OrderState.COMPLETED)
    Payment.objects.filter(pk=second.pk).update(purchase=payment.purchase, attention="overpayment")
    settled(Payment.objects.get(pk=second.pk), "18.90")

    assert Order.objects.filter(owed()).count() == 1


@pytest.mark.parametrize("is_lost", [False, True])
def test_disputed_money_is_not_promised_a_second_time(is_lost) -> None:
    payment = paid()
    state = DisputeState.LOST if is_lost else DisputeState.NEEDS_RESPONSE
    payment.disputes.create(
        provider_ref="dp_1", amount=payment.amount, currency="EUR", state=state, provider_status="x",
        funds_withdrawn=True, closed_at=clock.now() if is_lost else None,
    )  # fmt: skip
    type(payment.purchase).objects.filter(pk=payment.purchase_id).update(frozen_for=HoldReason.DISPUTE)
    order = payment.purchase.orders.get()

    assert not Order.objects.filter(owed()).exists()
    html = Client().get(order.get_absolute_url()).content.decode()
    assert "The bank decides about that money" in html
    message = render(OutgoingMail.objects.get(kind=MailKind.UNAVAILABLE))
    assert "owed back" not in message.subject + message.text + message.html


def test_staff_refund_again_and_the_failed_one_waits_no_longer(admin) -> None:
    payment = paid()
    refund = come_back(settled(payment, "18.90"))
    assert "Refunds that failed or are stuck" in admin.get("/admin/").content.decode()

    press(admin, refund, "refund-again", reason="New card.")

    assert fresh(refund).work_state == WorkState.DONE
    made = payment.refunds.exclude(pk=refund.pk).get()
    assert (made.state, made.money, made.rule, made.reason) == (
        RefundState.REQUESTED, refund.money, refund.rule, refund.reason,
    )  # fmt: skip
    with pytest.raises(Refused) as refusal:
        reopening.refund_again(refund, override="", actor=SAM)
    assert refusal.value.code == "not_waiting"
    assert payment.refunds.count() == 2


def test_a_refund_again_that_is_refused_leaves_the_failed_one_waiting() -> None:
    payment = paid()
    refund = come_back(settled(payment, "18.90"))
    settled(payment, "10.00")

    with pytest.raises(Refused) as refusal:
        reopening.refund_again(refund, override="", actor=SAM)

    assert refusal.value.code == "too_much"
    assert reopening.waits(fresh(refund))


def test_staff_set_a_failed_refund_aside_with_what_became_of_it(admin) -> None:
    refund = come_back(settled(paid(), "18.90"))

    press(admin, refund, "set-aside", reason="Sent by bank transfer.")

    assert not reopening.waits(fresh(refund))
    html = admin.get(change_url(refund)).content.decode()
    assert "Somebody has seen to it." in html
    assert "Sent by bank transfer." in html


@pytest.mark.parametrize(
    ("end", "change", "field"),
    [
        (OrderState.UNAVAILABLE, {"amount": "18.91"}, "amount"),
        (OrderState.UNAVAILABLE, {"amount": "1.005"}, "amount"),
        (OrderState.IN_PROCESS, {}, "override"),
        (OrderState.UNAVAILABLE, {"rule": ""}, "rule"),
    ],
)
def test_what_is_refused_is_said_beside_its_field_and_keeps_what_was_typed(admin, end, change, field) -> None:
    payment = paid(end)
    data = {"amount": "5.00", "rule": "goodwill", "reason": "A long sentence.", "order": "", "override": "", **change}

    answer = press(admin, payment, "refund", **data)

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert "A long sentence." in answer.content.decode()
    assert payment.refunds.count() == 0


def test_a_name_of_money_is_whole() -> None:
    refund = ask(paid(), "5.00")
    assert str(refund).startswith(f"{Money(Decimal('5.00'), 'EUR')} of ")
