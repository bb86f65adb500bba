"""Staff give money back and explain differences, each through one form."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orders.states import OrderState
from payments.models import Break, Refund
from payments.states import RefundState
from tests.admin.conftest import make_shop
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db


def do(client, obj, name: str, **data):
    meta = obj._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_do", args=[obj.pk, name])
    page = client.get(url)
    version = page.context["form"].fields["version"].initial if page.status_code == 200 else ""
    return client.post(url, {"version": data.pop("version", version), **data}, follow=True)


REFUND = {"amount": "5.00", "rule": "goodwill", "reason": "The customer waited long.", "override": ""}


def test_a_refund_is_asked_for_with_rule_reason_and_name(admin):
    shop = make_shop(OrderState.UNAVAILABLE)

    response = do(admin, shop.payment, "refund", **REFUND, order=shop.order.pk)

    refund = Refund.objects.exclude(reason="asked nicely").get()
    assert response.status_code == 200
    assert (refund.rule, refund.actor_kind, refund.order) == ("goodwill", "staff", shop.order)
    assert refund.state == RefundState.REQUESTED


@pytest.mark.parametrize(
    "change", [{"amount": "99"}, {"amount": "-1"}, {"amount": "x"}, {"amount": "1.005"}, {"reason": ""}, {"rule": "x"}]
)
def test_what_cannot_be_refunded_is_said_and_not_written(admin, change):
    shop = make_shop(OrderState.UNAVAILABLE)

    do(admin, shop.payment, "refund", **{**REFUND, **change})

    assert Refund.objects.count() == 1


def test_an_open_order_needs_a_reason_to_go_past_the_guard(admin):
    shop = make_shop(OrderState.IN_PROCESS)

    do(admin, shop.payment, "refund", **REFUND)
    assert Refund.objects.count() == 1
    do(admin, shop.payment, "refund", **{**REFUND, "override": "agreed with the supplier"})
    assert Refund.objects.count() == 2


def test_a_stale_page_refunds_nothing(admin):
    shop = make_shop(OrderState.UNAVAILABLE)

    do(admin, shop.payment, "refund", **REFUND, version="captured 18.90 EUR")

    assert Refund.objects.count() == 1


def test_support_sees_but_cannot_refund(support):
    shop = make_shop(OrderState.UNAVAILABLE)

    assert do(support, shop.payment, "refund", **REFUND).status_code == 403
    assert Refund.objects.count() == 1


def test_a_refund_that_waits_for_staff_is_sent_again(admin):
    make_shop()
    Refund.objects.update(work_state=WorkState.NEEDS_STAFF, state=RefundState.UNCERTAIN, next_action_at=None)

    do(admin, Refund.objects.get(), "send-again", reason="the provider is back")

    assert Refund.objects.get().work_state == WorkState.QUEUED


def test_a_difference_is_explained_by_name(admin):
    make_shop()

    do(admin, Break.objects.get(), "explain", reason="a test sale")

    assert Break.objects.get().explanation == "sam@example.com: a test sale"
