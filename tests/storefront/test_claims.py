"""Claims from the order's page: the rules before the form, the form, the claim, and what is refused."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from orders.states import OrderState
from refunds import deciding
from refunds.models import Claim
from refunds.states import ClaimState, ClaimType
from tests import factories
from tests.refunds.claims import SAM, claimed, fresh, paid_order

pytestmark = pytest.mark.django_db
T = ClaimType


def new(order, kind=T.NOT_WORKING) -> str:
    return reverse("claim-new", args=[order.secret, kind])


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def test_the_order_page_leads_to_its_claims(client: Client):
    order = paid_order()

    assert f'href="{reverse("claims", args=[order.secret])}"' in text_of(client.get(order.get_absolute_url()))
    page = text_of(client.get(reverse("claims", args=[order.secret])))
    assert "The code or unlock does not work" in page
    assert "The report does not fit the device" not in page
    assert reverse("claim-new", args=[order.secret, "not_working"]) in page


def test_an_unpaid_order_page_has_no_way_to_claims(client: Client):
    order = factories.make_order(OrderState.AWAITING_PAYMENT)

    assert "claims/" not in text_of(client.get(order.get_absolute_url()))
    response = client.get(new(order))
    assert response.status_code == 409
    assert "An order that is not paid can be dropped at any time." in text_of(response)
    assert 'name="text"' not in text_of(response)


def test_the_rules_come_before_the_form(client: Client):
    order = paid_order()

    page = text_of(client.get(new(order)))

    assert "What the rules say now" in page
    assert "The rules ask for evidence first." in page
    assert "H_EVIDENCE_REQUIRED" in page
    assert "IMEIORG-8.3" in page
    assert "A video that shows that it does not work." in page
    assert "What a video must show" in page
    assert page.index("What the rules say now") < page.index('name="text"')


def test_waiting_that_would_help_is_dated(client: Client, monday):
    page = text_of(client.get(new(paid_order(OrderState.IN_PROCESS), T.LATE)))

    assert "By the rules there is no refund for this as things stand." in page
    assert "The guaranteed time passes without a result." in page
    assert "That is after" in page


def test_a_claim_is_sent_and_shown(client: Client):
    order = paid_order()

    response = client.post(new(order), {"text": "<b>It says</b> code error"})

    claim = Claim.objects.get()
    assert response.status_code == 303
    assert response["Location"] == reverse("claim", args=[order.secret, claim.pk])
    page = text_of(client.get(response["Location"]))
    assert "Waiting for you" in page
    assert "&lt;b&gt;It says&lt;/b&gt; code error" in page
    assert "You made the claim." in page
    assert claim.by_ip == "127.0.0.1"
    assert "Your claims" in text_of(client.get(reverse("claims", args=[order.secret])))


def test_sending_it_twice_leads_to_the_same_claim(client: Client):
    order = paid_order()

    first = client.post(new(order), {"text": "once"})
    second = client.post(new(order), {"text": "twice"})

    assert first["Location"] == second["Location"]
    assert "You have claimed this already." in text_of(client.get(new(order)))


def test_words_are_asked_for_where_the_reason_says_too_little(client: Client):
    response = client.post(new(paid_order(), T.OTHER), {"text": " \u200b "})

    assert response.status_code == 422
    page = text_of(response)
    assert "There is a problem" in page
    assert 'href="#id_text"' in page
    assert not Claim.objects.exists()


def test_too_long_a_text_is_refused_and_kept(client: Client):
    response = client.post(new(paid_order()), {"text": "y" * 2001})

    assert response.status_code == 422
    assert "y" * 2001 in text_of(response)


@pytest.mark.parametrize("kind", ["outcome", "nonsense"])
def test_reasons_that_are_none_are_not_found(client: Client, kind):
    assert client.get(reverse("claim-new", args=[paid_order().secret, kind])).status_code == 404


def test_another_orders_claim_is_not_found(client: Client):
    claim = claimed(paid_order())
    other = paid_order()

    for secret, pk in ((other.secret, claim.pk), ("x" * 43, claim.pk), (claim.order.secret, claim.pk + 1)):
        url = reverse("claim", args=[secret, pk])
        assert client.get(url).status_code == 404
        assert client.post(url).status_code == 404
    assert client.post(reverse("claim-new", args=["x" * 43, "other"]), {"text": "me"}).status_code == 404


def test_a_claim_is_taken_back_and_not_once_it_is_decided(client: Client):
    claim = claimed(paid_order(), T.OTHER)
    decided = claimed(paid_order(), T.OTHER)
    deciding.approve(decided.pk, amount=None, reason="fair", actor=SAM)
    urls = [reverse("claim", args=[each.order.secret, each.pk]) for each in (claim, decided)]

    assert client.post(urls[0]).status_code == 303
    assert fresh(claim).state == ClaimState.WITHDRAWN
    refused = client.post(urls[1])
    assert refused.status_code == 409
    assert "The claim was not taken back: it is decided." in text_of(refused)
    assert fresh(decided).state == ClaimState.APPROVED


def test_a_refunded_order_says_so_with_the_clause(client: Client):
    claim = claimed(paid_order(), T.OTHER)
    deciding.approve(claim.pk, amount=None, reason="fair", actor=SAM)

    response = client.post(new(claim.order, T.NOT_WORKING), {"text": "again"})

    assert response.status_code == 409
    assert "is not paid a second time" in text_of(response)


def test_the_pages_are_private(client: Client):
    claim = claimed(paid_order())

    for url in (
        reverse("claims", args=[claim.order.secret]),
        new(claim.order),
        reverse("claim", args=[claim.order.secret, claim.pk]),
    ):
        response = client.get(url)
        assert "no-store" in response["Cache-Control"]
        assert "noindex" in response["X-Robots-Tag"]


def test_pages_cost_a_bounded_number_of_queries(client: Client, django_assert_max_num_queries):
    order = paid_order()
    with django_assert_max_num_queries(15):
        client.get(new(order))
    for kind in (T.NOT_WORKING, T.OTHER, T.RELOCKED, T.CHANGE_OF_MIND):
        claimed(order, kind)
    with django_assert_max_num_queries(5):
        client.get(reverse("claims", args=[order.secret]))


@pytest.mark.usefixtures("monday")
def test_too_many_claims_from_one_address_wait(client: Client):
    order = paid_order()
    for _ in range(30):
        client.post(new(order), {"text": "again"})

    assert client.post(new(order), {"text": "again"}).status_code == 429
    assert Claim.objects.get().repeats == 29
