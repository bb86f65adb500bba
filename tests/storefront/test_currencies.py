"""The visitor chooses a currency; the first step of an order freezes it; nothing is ever converted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from orders.models import Draft, Purchase
from payments.models import Payment
from services.models import Service, ServicePrice
from tests.factories import IMEI, imei, make_purchase, make_service
from tests.helpers.checkout import draft_at_check, send_check, send_details, send_device, shown_on

pytestmark = pytest.mark.django_db
PRICES = {"USD": "21.90", "JPY": "3180", "KWD": "6.750"}


def service_in(*currencies: str, **kwargs: Any) -> Service:
    """A service with a price in EUR, and in these currencies."""
    service = make_service(**kwargs)
    for currency in currencies:
        ServicePrice.objects.create(service=service, currency=currency, amount=PRICES[currency])
    return service


def choose(client: Client, currency: str, path: str = "/services/") -> Any:
    return client.post("/currency/", {"currency": currency, "next": path})


def page_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def check_page(draft: Draft) -> str:
    return f"/checkout/{draft.token}/check/"


# --- The choice


@pytest.mark.parametrize(
    ("currency", "price"), [("EUR", "€18.90"), ("USD", "$21.90"), ("JPY", "¥3,180"), ("KWD", "KWD 6.750")]
)
def test_chosen_currency_is_shown_everywhere(client: Client, currency: str, price: str) -> None:
    service = service_in(*PRICES)

    answer = choose(client, currency, "/services/?q=service")

    assert (answer.status_code, answer.url) == (303, "/services/?q=service")
    for path in ("/services/", service.get_absolute_url()):
        page = page_of(client, path)
        assert price in page
        assert "€18.90" not in page or currency == "EUR"
    assert f"{currency} </summary>" in page_of(client, "/")


def test_choice_is_kept_for_a_year_and_out_of_scripts_reach(client: Client) -> None:
    cookie = choose(client, "USD").cookies["currency"]
    assert (cookie.value, cookie["max-age"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        "USD", 365 * 24 * 3600, True, "Lax", "/",
    )  # fmt: skip


@pytest.mark.parametrize("value", ["", "usd", "XXX", "CHF", "USD ", "USD\x00", "U" * 5000, "£", "<b>", "../USD", '"'])
def test_hostile_cookies_are_no_choice(client: Client, value: str) -> None:
    service = service_in(*PRICES)
    client.cookies["currency"] = value
    page = page_of(client, service.get_absolute_url())
    assert "€18.90" in page
    assert "EUR </summary>" in page


@pytest.mark.parametrize("value", ["", "CHF", "XXX", "usd", "USD\x00", "x" * 5000])
def test_what_is_not_offered_cannot_be_chosen(client: Client, value: str) -> None:
    answer = choose(client, value)
    assert answer.status_code == 400
    assert "currency" not in answer.cookies


@pytest.mark.parametrize(
    "path",
    ["", "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "/a\r\nSet-Cookie: x=1", "services/", " //evil.example", "/\t/evil.example", "/" + "x" * 3000, "///evil.example"],
)  # fmt: skip
def test_the_way_back_stays_in_the_shop(client: Client, path: str) -> None:
    answer = choose(client, "USD", path)
    assert (answer.status_code, answer.url) == (303, "/")


def test_choosing_needs_the_forms_token_and_reading_changes_nothing() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/currency/", {"currency": "USD"}).status_code == 403
    answer = client.get("/currency/?currency=USD")
    assert (answer.status_code, answer.url) == (302, "/")
    assert "currency" not in answer.cookies


def test_pages_with_prices_vary_by_cookie(client: Client) -> None:
    service = service_in(*PRICES)
    for path in ("/", "/services/", service.get_absolute_url()):
        assert "Cookie" in client.get(path)["Vary"]


def test_a_shop_with_one_currency_has_no_menu(client: Client, settings: Any) -> None:
    settings.CURRENCIES = ["EUR"]
    client.cookies["currency"] = "USD"
    page = page_of(client, service_in(*PRICES).get_absolute_url())
    assert "</summary>" in page
    assert 'action="/currency/"' not in page
    assert "€18.90" in page


# --- Without a price


def test_a_service_without_a_price_in_it_says_so_and_offers_the_others(client: Client) -> None:
    service = service_in("USD")
    choose(client, "KWD")

    page = page_of(client, service.get_absolute_url())

    assert "This service has no price in KWD" in page
    assert 'value="USD"> USD: $21.90 </button>' in page
    assert 'name="identifier"' not in page
    assert "No price in KWD, only in EUR, USD" in page_of(client, "/services/")


def test_it_cannot_be_ordered_either(client: Client) -> None:
    service = service_in("USD")
    response = send_device(client, service, currency="KWD")
    assert response.status_code == 409
    assert "cannot be ordered in KWD" in response.content.decode()
    assert not Draft.objects.exists()


def test_a_forgotten_option_is_not_sold_at_the_ordinary_price(client: Client) -> None:
    service = service_in("USD", fields=(("imei", "imei"), ("amount", "choice")))
    service.fields.filter(name="amount").update(choices=["5", "50"])
    ServicePrice.objects.create(service=service, currency="EUR", option="amount=50", amount="160")
    assert send_device(client, service, currency="USD", answer_amount="50").status_code == 409
    assert send_device(client, service, currency="EUR", answer_amount="50").status_code == 303
    assert Draft.objects.get().quoted_total == 160


def test_a_closed_service_is_closed_in_every_currency(client: Client) -> None:
    service = service_in("USD", is_open=False)
    choose(client, "KWD")
    page = page_of(client, service.get_absolute_url())
    assert "does not take orders at the moment" in page
    assert "has no price in" not in page


# --- The order


def test_an_order_is_in_the_currency_its_form_was_shown_in(client: Client) -> None:
    """Another tab may have chosen another one since."""
    service = service_in(*PRICES)
    page = page_of(client, service.get_absolute_url())
    assert '<input type="hidden" name="currency" value="EUR">' in page
    choose(client, "JPY")

    send_device(client, service, currency="EUR")

    draft = Draft.objects.get()
    assert (draft.currency, draft.quoted_total) == ("EUR", Decimal("18.90"))


@pytest.mark.parametrize("posted", ["", "XXX", "CHF", "\x00", "x" * 5000])
def test_a_hostile_form_gets_the_choice(client: Client, posted: str) -> None:
    choose(client, "JPY")
    send_device(client, service_in(*PRICES), currency=posted)
    assert (Draft.objects.get().currency, Draft.objects.get().quoted_total) == ("JPY", 3180)


def test_a_begun_order_keeps_its_currency_and_says_so(client: Client) -> None:
    service = service_in(*PRICES)
    draft = draft_at_check(client, service)
    choose(client, "KWD")

    for path in (check_page(draft), f"/checkout/{draft.token}/details/"):
        page = page_of(client, path)
        assert "This order is in EUR and stays in EUR. You have chosen KWD" in page
        assert f'href="{service.get_absolute_url()}?draft={draft.token}"' in page
    send_check(client, draft)

    purchase = Purchase.objects.get()
    assert (purchase.currency, purchase.total) == ("EUR", Decimal("18.90"))


def test_the_first_step_changes_it_with_a_word(client: Client) -> None:
    service = service_in(*PRICES)
    draft = draft_at_check(client, service)
    shown = shown_on(client.get(check_page(draft)))
    choose(client, "KWD")
    query = f"?draft={draft.token}"

    page = page_of(client, service.get_absolute_url() + query)
    assert "This order was in EUR so far. If you continue, it will be in KWD" in page
    assert "KWD 6.750" in page
    draft.refresh_from_db()
    assert draft.currency == "EUR"

    send_device(client, service, query=query, currency="KWD")
    refused = client.post(check_page(draft), {"shown": shown})
    assert refused.status_code == 409
    assert "Something has changed" in refused.content.decode()
    assert not Purchase.objects.exists()
    send_check(client, draft)
    assert (Purchase.objects.get().currency, Purchase.objects.get().total) == ("KWD", Decimal("6.75"))


def test_a_begun_order_stays_where_the_new_choice_has_no_price(client: Client) -> None:
    service = service_in("USD")
    draft = draft_at_check(client, service, currency="USD")
    choose(client, "KWD")
    page = page_of(client, f"{service.get_absolute_url()}?draft={draft.token}")
    assert "You have chosen KWD for the shop. This order is in USD" in page
    assert '<input type="hidden" name="currency" value="USD">' in page


def test_a_withdrawn_currency_is_told_before_anything_is_ordered(client: Client, settings: Any) -> None:
    draft = draft_at_check(client, service_in("USD"), currency="USD")
    shown = shown_on(client.get(check_page(draft)))
    settings.CURRENCIES = ["EUR", "JPY"]
    for response in (client.get(check_page(draft)), client.post(check_page(draft), {"shown": shown})):
        assert response.status_code == 409
        assert "cannot be ordered in USD" in response.content.decode()
    assert not Purchase.objects.exists()


def test_an_unpaid_purchase_keeps_its_currency(client: Client, bank: str) -> None:
    draft = draft_at_check(client, service_in(*PRICES), currency="JPY")
    send_check(client, draft)
    purchase = Purchase.objects.get()
    choose(client, "USD")

    page = page_of(client, purchase.get_absolute_url())
    assert "This purchase stays in JPY" in page
    assert "Pay ¥3,180" in page
    assert (Payment.objects.get().amount, Payment.objects.get().currency) == (3180, "JPY")


def test_smallest_payment_is_that_of_the_currency(client: Client) -> None:
    service = service_in("JPY")
    ServicePrice.objects.filter(currency="JPY").update(amount=4)
    refused = send_device(client, service, currency="JPY").content.decode()
    assert "smallest amount that can be paid is ¥50. At ¥4 each, order at least 13" in refused
    assert send_device(client, service, "", several="\n".join(map(imei, range(13))), currency="JPY").status_code == 303


# --- Ways to pay


def test_a_way_that_does_not_take_the_currency_is_not_offered(client: Client, bank: str) -> None:
    draft = draft_at_check(client, service_in(*PRICES), currency="KWD")
    page = page_of(client, check_page(draft))
    assert "You cannot pay with PayPal: it does not take KWD." in page
    assert 'value="paypal"' not in page

    forced = send_check(client, draft, provider="paypal")

    assert forced.url.endswith("?payment=not_taken")
    assert "This way to pay does not take this amount" in page_of(client, forced.url)
    assert not Payment.objects.exists()
    purchase = Purchase.objects.get()
    assert client.post(f"{purchase.get_absolute_url()}pay/", {"provider": "paypal"}).status_code == 409
    assert client.post(f"{purchase.get_absolute_url()}pay/", {}).url.startswith(bank)


def test_yen_are_paid_either_way(client: Client) -> None:
    page = page_of(client, check_page(draft_at_check(client, service_in(*PRICES), currency="JPY")))
    assert "Pay ¥3,180 by card" in page
    assert "Pay ¥3,180 with PayPal" in page


def test_a_price_that_no_way_can_move_is_no_order(client: Client) -> None:
    """Stripe moves KWD in steps of ten fils, PayPal not at all."""
    service = service_in("KWD")
    ServicePrice.objects.filter(currency="KWD").update(amount="6.755")
    response = send_device(client, service, currency="KWD")
    assert response.status_code == 409
    assert "no price in KWD that can be paid" in response.content.decode()


def test_choosing_costs_no_query(client: Client, django_assert_num_queries: Any) -> None:
    for _ in range(3):
        service_in(*PRICES)
    choose(client, "KWD")
    with django_assert_num_queries(4):
        client.get("/services/")


def test_details_step_is_reached_in_the_chosen_currency(client: Client) -> None:
    choose(client, "USD")
    service = service_in(*PRICES)
    send_device(client, service, IMEI)
    draft = Draft.objects.get()
    assert send_details(client, draft).url == check_page(draft)
    assert "Pay $21.90" in page_of(client, check_page(draft))


def test_purchases_made_before_are_as_they_were(client: Client) -> None:
    purchase = make_purchase()
    choose(client, "USD")
    assert "€18.90" in page_of(client, purchase.get_absolute_url())
