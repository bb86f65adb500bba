"""The purchase's page, the way to the payment page, and the way back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import pytest
from django.test import Client
from django.urls import reverse

from orders import paying
from orders.models import Purchase
from orders.states import OrderState
from payments.models import Payment
from payments.providers.base import Begun, FactState, Notice, PaymentFact, PaymentRequest
from payments.states import PaymentState
from tests import factories
from unlockshop.kernel import clock
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import OutcomeUnknown, Retryable, ShopError
from unlockshop.kernel.money import Money

pytestmark = pytest.mark.django_db

PAGE_URL = "https://pay.example/cs_1"


class ScriptedProvider:
    """Says about every payment what the test wrote down."""

    name = "stripe"
    state: ClassVar[FactState] = FactState.OPEN
    failure: ClassVar[ShopError | None] = None
    asked: ClassVar[int] = 0
    is_declined: ClassVar[bool] = False

    def step(self, currency: str) -> Decimal:
        return Decimal("0.01")

    def begin(self, request: PaymentRequest) -> Begun:
        if self.failure:
            raise self.failure
        return Begun(provider_ref=f"cs_{request.key[:8]}", url=PAGE_URL)

    def fetch(self, provider_ref: str) -> PaymentFact:
        ScriptedProvider.asked += 1
        if self.failure:
            raise self.failure
        payment = Payment.objects.get(provider_ref=provider_ref)
        return PaymentFact(
            provider_ref=provider_ref,
            charge_ref="pi_1",
            state=self.state,
            money=Money(payment.amount, payment.currency),
            reference=payment.purchase.number,
            is_live=False,
            is_declined=self.is_declined,
        )

    def close(self, provider_ref: str) -> None:
        """Nothing to close."""

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def provider(settings: object, monkeypatch: pytest.MonkeyPatch) -> type[ScriptedProvider]:
    settings.PAYMENT_PROVIDERS = {"stripe": f"{__name__}.ScriptedProvider"}  # type: ignore[attr-defined]
    for name, value in {"state": FactState.OPEN, "failure": None, "asked": 0, "is_declined": False}.items():
        monkeypatch.setattr(ScriptedProvider, name, value)
    return ScriptedProvider


def page(client: Client, purchase: Purchase, **query: str) -> str:
    response = client.get(purchase.get_absolute_url(), query)
    assert response.status_code == 200
    return response.content.decode()


def pay(client: Client, purchase: Purchase):  # type: ignore[no-untyped-def]
    return client.post(reverse("pay", args=[purchase.secret]))


def come_back(client: Client, purchase: Purchase, **extra: object):  # type: ignore[no-untyped-def]
    return client.get(reverse("payment-return", args=[purchase.secret]), **extra)


def add_payment(purchase: Purchase, state: PaymentState) -> Payment:
    is_live = state in {PaymentState.CREATED, PaymentState.OPEN, PaymentState.PENDING}
    return Payment.objects.create(
        purchase=purchase,
        provider="stripe",
        provider_ref=f"cs_{purchase.number}_{state}",
        amount=purchase.total,
        currency=purchase.currency,
        state=state,
        captured_at=clock.now() if state == PaymentState.CAPTURED else None,
        next_action_at=clock.now() if is_live else None,
    )


# --- The page


def test_unpaid_purchase_offers_to_pay_and_links_to_its_orders(client: Client) -> None:
    purchase = factories.make_purchase(imeis=(factories.imei(1), factories.imei(2)))
    html = page(client, purchase)

    assert "Not paid yet" in html
    assert "Pay €37.80" in html
    assert "Your 2 orders" in html
    for order in purchase.orders.all():
        assert order.get_absolute_url() in html
        assert order.number in html
    assert html.count("Awaiting payment") == 2


def test_paid_purchase_is_a_confirmation(client: Client) -> None:
    purchase = factories.make_purchase(paid=True)
    html = page(client, purchase, paid="1")

    assert "Thank you. Your purchase is paid." in html
    assert "We have received your payment of €18.90." in html
    assert "What happens next" in html
    assert purchase.email in html
    assert "orders@unlockshop.example" in html
    assert "UNLOCKSHOP" in html
    assert reverse("tracker") in html
    assert reverse("pay", args=[purchase.secret]) not in html


@pytest.mark.parametrize(
    ("state", "headline"),
    [
        (PaymentState.CREATED, "Not paid yet"),
        (PaymentState.OPEN, "Not paid yet"),
        (PaymentState.FAILED, "Not paid yet"),
        (PaymentState.PENDING, "Your bank is still confirming"),
        (PaymentState.PARKED, "Your payment is being checked"),
        (PaymentState.CAPTURED, "Paid too late"),
    ],
)
def test_page_says_where_the_money_is(client: Client, state: PaymentState, headline: str) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, state)
    html = page(client, purchase, paid="1")

    assert f">{headline}</h2>" in html
    assert (reverse("pay", args=[purchase.secret]) in html) == (headline == "Not paid yet")
    assert ("Do not pay again." in html) == (headline != "Not paid yet")
    assert "is paid" not in html


def test_expired_purchase_offers_no_payment(client: Client) -> None:
    purchase = factories.make_purchase()
    paying.expire_purchase(purchase.pk, actor=SYSTEM)
    html = page(client, purchase)

    assert ">Expired</h2>" in html
    assert reverse("pay", args=[purchase.secret]) not in html


def test_purchase_that_costs_nothing_asks_for_nothing(client: Client) -> None:
    html = page(client, factories.make_purchase(factories.make_service(price="0.00", kind="check")))

    assert "Nothing to pay" in html
    assert "UNLOCKSHOP" not in html.replace("Unlockshop", "")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("unavailable", "The payment page is not reachable at the moment. Nothing was charged."),
        ("cancelled", "You left the payment page. Nothing was charged"),
        ("failed", "Your last payment did not go through."),
    ],
)
def test_notices_of_an_unpaid_purchase(client: Client, query: str, words: str) -> None:
    purchase = factories.make_purchase()
    assert words in page(client, purchase, payment=query)
    paying.mark_purchase_paid(purchase.pk, actor=SYSTEM, at=clock.now())
    assert words not in page(client, purchase, payment=query)


def test_unknown_notice_is_ignored(client: Client) -> None:
    assert 'role="alert"' not in page(client, factories.make_purchase(), payment="<script>")


# --- Going to pay


def test_paying_leads_to_the_payment_page(client: Client) -> None:
    purchase = factories.make_purchase()
    first, second = pay(client, purchase), pay(client, purchase)

    assert (first.status_code, first["Location"]) == (303, PAGE_URL)
    assert second["Location"] == PAGE_URL
    assert purchase.payments.count() == 1


@pytest.mark.parametrize("failure", [Retryable("down"), OutcomeUnknown("timeout")])
def test_unreachable_payment_page_keeps_the_order(
    client: Client, provider: type[ScriptedProvider], failure: ShopError
) -> None:
    purchase = factories.make_purchase()
    provider.failure = failure
    response = pay(client, purchase)

    assert response.status_code == 503
    assert "Nothing was charged. Please try again." in response.content.decode()
    assert "Pay €18.90" in response.content.decode()


def test_paid_purchase_is_not_paid_again(client: Client) -> None:
    purchase = factories.make_purchase(paid=True)
    response = pay(client, purchase)

    assert (response.status_code, response["Location"]) == (303, purchase.get_absolute_url())


def test_purchase_that_waits_for_the_bank_is_not_paid_again(client: Client) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.PENDING)
    response = pay(client, purchase)

    assert response.status_code == 409
    assert "Your bank is still confirming the payment." in response.content.decode()


def test_late_press_after_the_time_to_pay(client: Client) -> None:
    purchase = factories.make_purchase()
    with clock.frozen(purchase.expires_at - timedelta(minutes=5)):
        assert reverse("pay", args=[purchase.secret]) not in page(client, purchase)
        assert pay(client, purchase).status_code == 409


def test_paying_needs_the_form_of_the_page() -> None:
    purchase = factories.make_purchase()
    assert pay(Client(enforce_csrf_checks=True), purchase).status_code == 403
    assert Client().get(reverse("pay", args=[purchase.secret]))["Location"] == purchase.get_absolute_url()
    assert not purchase.payments.exists()


# --- Coming back


def test_return_settles_and_leads_to_the_single_order(client: Client, provider: type[ScriptedProvider]) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.OPEN)
    provider.state = FactState.CAPTURED
    response = come_back(client, purchase)

    assert response.status_code == 302
    assert response["Location"] == f"{purchase.orders.get().get_absolute_url()}?paid=1"
    assert purchase.orders.get().state == OrderState.PAID


def test_return_of_several_orders_leads_to_the_purchase(client: Client) -> None:
    purchase = factories.make_purchase(imeis=(factories.imei(1), factories.imei(2)), paid=True)
    response = come_back(client, purchase)

    assert response["Location"] == f"{purchase.get_absolute_url()}?paid=1"


@pytest.mark.parametrize("said", [FactState.OPEN, FactState.PENDING])
def test_return_before_the_money_says_confirming_and_never_paid(
    client: Client, provider: type[ScriptedProvider], said: FactState
) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.OPEN)
    provider.state = said
    response = come_back(client, purchase)
    html = response.content.decode()

    assert response.status_code == 200
    assert "Confirming your payment" in html
    assert re.search(r'<noscript>\s*<meta http-equiv="refresh" content="5">\s*</noscript>', html)
    assert "load delay:3s" in html
    assert ("Your bank is still confirming" in html) == (said == FactState.PENDING)
    assert "You may close this page: " in html
    for claim in ("is paid", "Thank you", "received your payment", ">Paid<"):
        assert claim not in html
    assert purchase.orders.get().state == OrderState.AWAITING_PAYMENT


def test_return_while_the_provider_is_silent_says_confirming(client: Client, provider: type[ScriptedProvider]) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.OPEN)
    provider.failure = Retryable("down")

    assert "Not confirmed yet" in come_back(client, purchase).content.decode()


def test_return_without_any_payment_stays_unpaid(client: Client) -> None:
    purchase = factories.make_purchase()
    response = come_back(client, purchase)

    assert (response.status_code, response["Location"]) == (302, f"{purchase.get_absolute_url()}?payment=failed")
    assert purchase.orders.get().state == OrderState.AWAITING_PAYMENT


def test_return_without_a_payment_page_ever_made_stays_unpaid(client: Client) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.CREATED)

    assert come_back(client, purchase).status_code == 302


def test_return_after_a_failed_payment_says_so(client: Client, provider: type[ScriptedProvider]) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.OPEN)
    provider.state = FactState.FAILED
    response = client.get(reverse("payment-return", args=[purchase.secret]), follow=True)

    assert "Your last payment did not go through. Nothing was charged" in response.content.decode()
    assert "Pay €18.90" in response.content.decode()


def test_return_after_a_decline_says_so_and_stays_said(client: Client) -> None:
    purchase = factories.make_purchase()
    payment = add_payment(purchase, PaymentState.OPEN)
    ScriptedProvider.is_declined = True
    response = come_back(client, purchase)
    assert response.headers["Location"].endswith("?payment=declined")
    assert "was declined. Nothing was charged" in page(client, purchase)
    payment.refresh_from_db()
    assert payment.state == PaymentState.OPEN
    assert payment.declined_at is not None


def test_after_a_decline_no_answer_means_not_known(client: Client, provider: type[ScriptedProvider]) -> None:
    purchase = factories.make_purchase()
    payment = add_payment(purchase, PaymentState.OPEN)
    Payment.objects.filter(pk=payment.pk).update(declined_at=clock.now())
    provider.failure = OutcomeUnknown("no answer")

    assert "Not confirmed yet" in come_back(client, purchase).content.decode()


def test_a_payment_that_failed_is_named_until_another_is_made(client: Client) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.FAILED)
    order = purchase.orders.get()
    assert "Your last payment did not go through." in page(client, purchase)
    assert "Your last payment did not go through" in client.get(order.get_absolute_url()).content.decode()
    add_payment(purchase, PaymentState.PENDING)
    assert "did not go through" not in page(client, purchase)
    assert "did not go through" not in client.get(order.get_absolute_url()).content.decode()


def test_polls_of_the_return_page_back_off_and_lead_on_when_paid(
    client: Client, provider: type[ScriptedProvider]
) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.OPEN)
    htmx = {"headers": {"HX-Request": "true"}}

    quiet = come_back(client, purchase, query_params={"n": "1", "seen": "to_pay"}, **htmx).content.decode()
    assert "load delay:12s" in quiet
    assert "confirming-text" not in quiet

    provider.state = FactState.PENDING
    news = come_back(client, purchase, query_params={"n": "2", "seen": "to_pay"}, **htmx).content.decode()
    assert "Your bank is still confirming" in news
    assert "load delay:3s" in news

    provider.state = FactState.CAPTURED
    paid = come_back(client, purchase, query_params={"n": "1", "seen": "at_bank"}, **htmx)
    assert paid["HX-Redirect"] == f"{purchase.orders.get().get_absolute_url()}?paid=1"


def test_the_provider_is_not_asked_more_than_thirty_times_a_minute(
    client: Client, provider: type[ScriptedProvider], monday: object
) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.OPEN)
    for _ in range(35):
        assert come_back(client, purchase).status_code == 200

    assert provider.asked == 30


def test_twenty_ways_to_the_payment_page_in_an_hour_per_address(client: Client, monday: datetime) -> None:
    purchase = factories.make_purchase()
    for _ in range(20):
        assert pay(client, purchase).status_code == 303
    refused = pay(client, purchase)

    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")
    assert f'href="{purchase.get_absolute_url()}"' in refused.content.decode()
    assert "no-store" in refused["Cache-Control"]
    address = reverse("pay", args=[purchase.secret])
    assert client.post(address, REMOTE_ADDR="192.0.2.99").status_code == 303


# --- Privacy and cost


def test_unknown_secret_is_a_404_page(client: Client) -> None:
    purchase = factories.make_purchase()
    for secret in ("x" * 43, purchase.number.lower(), purchase.orders.get().secret):
        assert client.get(reverse("purchase", args=[secret])).status_code == 404
        assert client.get(reverse("payment-return", args=[secret])).status_code == 404
        assert client.post(reverse("pay", args=[secret])).status_code == 404


def test_pages_are_kept_from_caches_robots_and_referrers(client: Client) -> None:
    purchase = factories.make_purchase()
    add_payment(purchase, PaymentState.OPEN)
    for response in (client.get(purchase.get_absolute_url()), come_back(client, purchase), pay(client, purchase)):
        assert "no-store" in response["Cache-Control"]
        assert "noindex" in response["X-Robots-Tag"]
        assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("count", [1, 30])
def test_page_costs_three_queries(client: Client, django_assert_num_queries, count: int) -> None:  # type: ignore[no-untyped-def]
    purchase = factories.make_purchase(imeis=tuple(factories.imei(n) for n in range(count)))
    with django_assert_num_queries(3):
        page(client, purchase)
