"""Where the way back is closed, the money stays owed: a task for staff with its day, until it has arrived."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from orders.models import Order, OutgoingMail
from orders.models.mail import MailKind
from payments import refunding
from payments.models import Payment, Refund
from payments.paying_by_hand import ByHand
from payments.providers.base import RefundFactState
from payments.states import HandWay, RefundState
from refunds import calling_off, paying_out, queues
from refunds.models import Claim
from refunds.order_facts import Asked, collect
from refunds.states import ClaimState, ClaimType
from refunds.tasks import follow_claims
from tests import factories
from tests.admin.test_actions import press
from tests.payments.test_refunding import fact, paid_at_bank
from tests.refunds.claims import SAM, fresh
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
S = ClaimState
SENT = ByHand(HandWay.BANK_TRANSFER, "4711")


@pytest.fixture
def admin(client: Client) -> Client:
    """Somebody who may do everything."""
    client.force_login(factories.make_staff())
    return client


def owed() -> tuple[Order, Claim]:
    """An order that brought nothing, its claim granted and its refund asked for."""
    payment = paid_at_bank()
    follow_claims()
    return payment.purchase.orders.get(), Claim.objects.get()


def turned_down(claim: Claim) -> None:
    """The provider says at once that it cannot: it knows no such payment any more."""
    Payment.objects.filter(pk=claim.refund.payment_id).update(charge_ref="pi_unknown")
    refunding.execute(claim.refund_id)


def sent_back(claim: Claim) -> None:
    """The money left, and the customer's bank sent it back: the account is closed."""
    refund = claim.refund
    refunding.execute(refund.pk)
    refund.refresh_from_db()
    assert refund.state == RefundState.SUCCEEDED
    follow_claims()
    assert fresh(claim).state == S.SETTLED
    told = fact(refund, RefundFactState.FAILED, provider_ref=refund.provider_ref, charge_ref=refund.payment.charge_ref)
    refunding.fold_refund(refund, told)


@pytest.mark.parametrize("close", [turned_down, sent_back])
def test_a_closed_way_back_is_a_task_and_the_money_stays_owed(bank, admin: Client, close):
    order, claim = owed()

    close(claim)
    for _ in range(3):
        follow_claims()

    found, refund = fresh(claim), Refund.objects.get()
    assert (refund.state, found.state, found.amount) == (RefundState.FAILED, S.APPROVED, order.price)
    assert found.trouble.startswith("refund_failed: ")
    assert found.pay_by is not None
    assert list(paying_out.due()) == list(queues.in_trouble()) == [claim]
    line, needs_staff = queues.money()
    assert (line.count, line.due, needs_staff) == (1, found.pay_by, 1)
    # Nobody sends it the same way again unasked.
    assert refund.work_state == WorkState.NEEDS_STAFF

    landing = admin.get(reverse("admin:index")).content.decode()
    assert "Approved claims whose refund needs you" in landing
    for waits in ("trouble", "money"):
        address = reverse("admin:refunds_claim_changelist") + f"?waits={waits}"
        assert f"{address}" in landing.replace("&amp;", "&")
        assert order.number in admin.get(address).content.decode()
    page = admin.get(reverse("admin:refunds_claim_change", args=[claim.pk])).content.decode()
    assert refund.failure in unescape(page)


def test_staff_pay_another_way_and_the_task_is_gone(bank):
    _order, claim = owed()
    turned_down(claim)
    follow_claims()

    with pytest.raises(Refused) as refused:
        paying_out.settle_by_hand(claim.pk, reason="Bank transfer 4711.", actor=SAM)
    assert refused.value.code == "record_it"
    made = paying_out.pay_by_hand(claim.pk, SENT, actor=SAM)
    follow_claims()

    # A failed refund behind it is no news: nobody is asked to pay a second time.
    assert (fresh(claim).state, fresh(claim).trouble, fresh(claim).refund) == (S.SETTLED, "", made)
    assert (made.money, made.by_hand) == (claim.money, HandWay.BANK_TRANSFER)
    assert not paying_out.due().exists()
    assert not Refund.objects.filter(work_state=WorkState.NEEDS_STAFF).exists()
    assert OutgoingMail.objects.filter(kind=MailKind.REFUNDED).count() == 1
    with pytest.raises(Refused):
        paying_out.pay_by_hand(claim.pk, ByHand(HandWay.OTHER, "once more"), actor=SAM)


@pytest.mark.parametrize("close", [turned_down, sent_back])
def test_what_came_after_a_closed_way_goes_to_staff(bank, close):
    order, claim = owed()
    close(claim)
    follow_claims()

    found = collect(order, Asked(ClaimType.OTHER, clock.now()), calling_off.agreed_with(order.purchase))

    assert found.payment.destination_status == "impossible"


def test_staff_press_it_on_the_claim(bank, admin: Client):
    _order, claim = owed()
    turned_down(claim)
    follow_claims()

    press(admin, claim, "paid-by-hand", way="paypal", reference="9AB")

    assert fresh(claim).state == S.SETTLED
    assert fresh(claim).refund.provider_ref == "paypal:9AB"


def test_the_money_that_is_due_first_stands_first(bank, admin: Client):
    later = owed()[1]
    Claim.objects.filter(pk=later.pk).update(pay_by=clock.now() + timedelta(days=2))
    sooner_payment = paid_at_bank()
    follow_claims()
    sooner = Claim.objects.exclude(pk=later.pk).get()
    Claim.objects.filter(pk=sooner.pk).update(pay_by=clock.now() + timedelta(days=1))

    page = admin.get(reverse("admin:refunds_claim_changelist") + "?waits=money").content.decode()

    assert list(paying_out.due()) == [sooner, later]
    assert page.index(sooner_payment.purchase.orders.get().number) < page.index(later.order.number)
