"""The result mail once more: to the same address, after a while, and not for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from orders import resending
from orders.models import Order, OutgoingMail
from orders.states import OrderState
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.work import WorkState

pytestmark = pytest.mark.django_db
MAILS = OutgoingMail.objects.filter(kind="completed")


def completed() -> Order:
    order = factories.make_order(OrderState.COMPLETED)
    sent()
    return order


def sent() -> None:
    """Every result mail has gone out, a while ago."""
    MAILS.update(
        work_state=WorkState.DONE, next_action_at=None, sent_at=clock.now(), created_at=clock.now() - resending.PAUSE
    )


def refusal(order: Order) -> str:
    before = MAILS.count()
    with pytest.raises(Refused) as refused:
        resending.resend_result(order.pk, actor=factories.CUSTOMER)
    assert MAILS.count() == before
    return refused.value.code


def test_it_goes_to_the_same_address_and_stands_in_the_story():
    order = completed()

    mail = resending.resend_result(order.pk, actor=factories.CUSTOMER)

    assert (mail.to, mail.order, mail.work_state) == (order.purchase.email, order, WorkState.QUEUED)
    assert order.events.filter(kind=resending.KIND).count() == 1


def test_not_while_the_last_one_is_on_its_way():
    order = completed()
    MAILS.update(work_state=WorkState.QUEUED)
    assert refusal(order) == "on_its_way"

    MAILS.update(work_state=WorkState.DONE, created_at=clock.now() - resending.PAUSE + timedelta(seconds=1))
    assert refusal(order) == "on_its_way"

    MAILS.update(created_at=clock.now() - resending.PAUSE)
    resending.resend_result(order.pk, actor=factories.CUSTOMER)
    assert refusal(order) == "on_its_way"


@pytest.mark.parametrize("state", [WorkState.NEEDS_STAFF, WorkState.UNCERTAIN])
def test_what_staff_look_at_is_not_said_to_be_on_its_way(client: Client, state: str):
    order = completed()
    MAILS.update(work_state=state, sent_at=None, created_at=clock.now())
    assert refusal(order) == "with_staff"

    page = client.post(f"{order.get_absolute_url()}result-mail/").content.decode()

    assert "our staff are looking at it" in page
    assert "The mail is on its way" not in page


def test_not_more_often_than_it_may():
    order = completed()
    for _n in range(resending.MOST):
        resending.resend_result(order.pk, actor=factories.CUSTOMER)
        sent()

    assert refusal(order) == "too_often"


def test_not_to_an_address_that_returned_it():
    order = completed()
    MAILS.update(trouble="bounced", bounced_at=clock.now())

    assert refusal(order) == "bounced"


@pytest.mark.parametrize("state", sorted(set(OrderState) - {OrderState.COMPLETED}))
def test_only_a_result_is_sent(state):
    assert refusal(factories.make_order(state)) == "no_result"


def test_the_button_on_the_page(client: Client):
    order = completed()
    page = order.get_absolute_url()
    assert f"{page}result-mail/" in client.get(page).content.decode()

    done = client.post(f"{page}result-mail/", follow=True)
    again = client.post(f"{page}result-mail/")

    assert "once more" in done.content.decode()
    assert (again.status_code, "on its way" in again.content.decode()) == (409, True)
    assert MAILS.count() == 2
    assert client.get(f"{page}result-mail/").status_code == 302


def test_no_button_before_there_is_a_result(client: Client):
    page = factories.make_order(OrderState.IN_PROCESS).get_absolute_url()

    assert "result-mail" not in client.get(page).content.decode()
    assert "once more" not in client.get(f"{page}?resent").content.decode()
