"""Where the way back is closed, the money stays owed: a task for staff with its day, until it has arrived."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from orders.models import Order
from payments import refunding
from payments.models import Payment, Refund
from payments.providers.base import RefundFactState
from payments.states import RefundState
from refunds import paying_out, queues
from refunds.models import Claim
from refunds.states import ClaimState
from refunds.tasks import follow_claims
from tests import factories
from tests.payments.test_refunding import fact, paid_at_bank
from tests.refunds.claims import SAM, fresh
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
S = ClaimState


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

    paying_out.settle_by_hand(claim.pk, reason="Bank transfer 4711 to the account that the customer named.", actor=SAM)
    follow_claims()

    # A failed refund behind it is no news: nobody is asked to pay a second time.
    assert (fresh(claim).state, fresh(claim).trouble, fresh(claim).refund) == (S.SETTLED, "", None)
    assert not paying_out.due().exists()
    assert Refund.objects.count() == 1


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
