"""Who may change claims or mails pays no money back by it: that takes the right to refund payments too."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission

from orders import cancelling, correcting
from orders.admin.wording import next_step
from orders.models import InboundMail
from orders.models.inbound_mail import InboundReason, InboundVerdict
from orders.right_data import RightData
from orders.states import CancelState, OrderState
from payments.models import Refund
from refunds import deciding
from refunds.models import SecondCode
from refunds.states import ClaimState, ClaimType
from tests import factories
from tests.admin.test_actions import buttons, said, url_of
from tests.refunds.claims import claimed, fresh, paid_order
from unlockshop.kernel import actors, clock
from unlockshop.kernel.actors import SYSTEM

pytestmark = pytest.mark.django_db


def clerk(sign_in, *names: str):
    user = factories.make_staff("clerk@example.com", superuser=False)
    for name in ("refunds.view_claim", "orders.view_inboundmail", *names):
        app, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return sign_in(user)


def press(client, row, name, **data):
    page = client.get(url_of(row, name))
    found = re.search(r'name="version" value="([^"]*)"', page.content.decode())
    return client.post(url_of(row, name), {"version": found.group(1) if found else "", **data})


@pytest.mark.parametrize("may_refund", [False, True])
def test_approving_a_claim(sign_in, may_refund):
    client = clerk(sign_in, "refunds.change_claim", *(["payments.change_payment"] if may_refund else []))
    claim = claimed(paid_order(), ClaimType.OTHER)
    assert ("approve" in buttons(client, claim)) == may_refund
    assert "deny" in buttons(client, claim)

    answer = press(client, claim, "approve", reason="fair")

    assert (fresh(claim).state == ClaimState.APPROVED, Refund.objects.exists()) == (may_refund, may_refund)
    assert ("it takes a further right" in said(answer)) != may_refund


@pytest.mark.parametrize("may_refund", [False, True])
def test_cancelling_what_a_mail_asks_for(sign_in, may_refund):
    client = clerk(sign_in, "orders.change_inboundmail", *(["payments.change_payment"] if may_refund else []))
    order = paid_order(OrderState.PAID)
    mail = InboundMail.objects.create(
        key="a" * 64, sender=factories.ADA, purchase=order.purchase, verdict=InboundVerdict.STAFF,
        reason=InboundReason.UNCLEAR, owner="staff", text="stop it", due_at=clock.now(),
    )  # fmt: skip
    assert ("cancel" in buttons(client, mail)) == may_refund

    press(client, mail, "cancel", evidence="she wrote so")

    order.refresh_from_db()
    assert (order.state == OrderState.CANCELLED, Refund.objects.exists()) == (may_refund, may_refund)


def test_the_list_owes_nothing_for_an_order_that_was_replaced():
    order = paid_order(OrderState.IN_PROCESS)
    data = RightData(factories.imei(77), "imei", {})
    row = correcting.ask(order.pk, data, rule="x", refusal="y", actor=factories.CUSTOMER)
    cancelling.settle(row.cancel_request_id, CancelState.AGREED, message="ok", actor=SYSTEM)
    order.refresh_from_db()

    assert next_step(order) == ("", "")
    assert next_step(paid_order(OrderState.UNAVAILABLE)) == ("Money owed back", "warning")


@pytest.mark.parametrize("may_refund", [False, True])
def test_confirming_as_second_person(sign_in, settings, may_refund):
    settings.REFUND_SECOND_PERSON_ABOVE = {"EUR": Decimal(1)}
    claim = claimed(paid_order(), ClaimType.OTHER)
    deciding.approve(claim.pk, amount=None, reason="fair", actor=actors.staff(4711, "boss@example.com"))
    client = clerk(sign_in, "refunds.change_claim", *(["payments.change_payment"] if may_refund else []))
    assert ("confirm" in buttons(client, claim)) == may_refund

    press(client, claim, "confirm", reason="I agree")

    assert Refund.objects.exists() == may_refund


@pytest.mark.parametrize("may_refund", [False, True])
def test_buying_a_second_code(sign_in, may_refund):
    claim = claimed(paid_order())
    client = clerk(sign_in, "refunds.change_claim", *(["payments.change_payment"] if may_refund else []))
    assert ("second-code" in buttons(client, claim)) == may_refund

    press(client, claim, "second-code", reason="It sends another.")

    assert SecondCode.objects.exists() == may_refund
