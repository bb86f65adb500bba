"""Work that is under way already is ordered again only by somebody who was asked and wants it."""

from __future__ import annotations

import pytest

from orders import paying, repeating
from orders.models import Draft, Purchase
from orders.placing import place_purchase
from orders.states import OrderState
from tests import factories
from tests.factories import IMEI, imei
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import Refused

pytestmark = pytest.mark.django_db

S = OrderState
UNDER_WAY = [S.PAID, S.SUBMITTING, S.UNCERTAIN, S.IN_PROCESS, S.ON_HOLD]


def place(draft: Draft) -> Purchase:
    return place_purchase(
        draft, email=factories.BEN, language="en", consent=factories.consent(), is_demo=True, actor=factories.CUSTOMER
    )


def refusal_of(draft: Draft) -> str:
    with pytest.raises(Refused) as refused:
        place(draft)
    return refused.value.code


@pytest.mark.parametrize("state", S)
def test_only_a_paid_order_that_is_open_counts(state):
    order = factories.make_order(state)
    draft = factories.make_draft(order.service)

    assert repeating.under_way(draft) == ([IMEI] if state in UNDER_WAY else [])


@pytest.mark.parametrize("other", ["device", "service", "answers"])
def test_other_work_does_not_count(other):
    service = factories.make_order(S.IN_PROCESS).service
    draft = {
        "device": lambda: factories.make_draft(service, imeis=(imei(1),)),
        "service": factories.make_draft,
        "answers": lambda: factories.make_draft(service, network="Orange"),
    }[other]()

    assert repeating.under_way(draft) == []
    assert not place(draft).orders.get().is_recheck


def test_the_same_answers_count():
    service = factories.make_service()
    first = place(factories.make_draft(service, network="Orange", model="X"))
    paying.mark_purchase_paid(first.pk, actor=SYSTEM, at=clock.now())

    assert repeating.under_way(factories.make_draft(service, model="X", network="Orange")) == [IMEI]


def test_what_is_under_way_is_not_placed_and_leaves_nothing():
    draft = factories.make_draft(factories.make_order(S.IN_PROCESS).service)

    assert refusal_of(draft) == "under_way"
    assert Purchase.objects.count() == 1


def test_what_is_wanted_again_is_placed_and_marked():
    service = factories.make_order(S.IN_PROCESS).service
    draft = factories.make_draft(service, imeis=(imei(1), IMEI))
    repeating.want_again(draft, [IMEI])

    orders = place(Draft.objects.get(pk=draft.pk)).orders.order_by("position")

    assert [(order.identifier, order.is_recheck) for order in orders] == [(imei(1), False), (IMEI, True)]


def test_a_tick_counts_for_the_devices_it_was_given_for():
    service = factories.make_order(S.IN_PROCESS).service
    draft = factories.make_draft(service, imeis=(imei(1), IMEI))
    repeating.want_again(draft, [IMEI])
    factories.make_order(S.PAID, service=service, imeis=(imei(1),))

    assert repeating.under_way(draft) == [imei(1), IMEI]
    assert refusal_of(draft) == "under_way"


def test_a_basket_is_judged_again_when_it_is_placed():
    service = factories.make_service()
    draft = factories.make_draft(service)
    assert repeating.under_way(draft) == []
    factories.make_order(S.PAID, service=service)

    assert refusal_of(draft) == "under_way"


def test_fifty_devices_cost_one_query(django_assert_num_queries):
    draft = factories.make_draft(imeis=tuple(imei(serial) for serial in range(50)))

    with django_assert_num_queries(1):
        assert repeating.under_way(draft) == []
