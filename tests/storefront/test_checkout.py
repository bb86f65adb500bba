"""The three steps as a customer takes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from orders.models import Draft, Order, Purchase
from orders.states import OrderState
from payments.models import Payment
from services.models import Service, ServicePrice
from tests.factories import ADA, IMEI, imei, make_service
from tests.helpers.checkout import details_of, draft_at_check, send_check, send_details, send_device, shown_on

pytestmark = pytest.mark.django_db


def topup() -> Service:
    service = make_service(
        fields=(("msisdn", "msisdn"), ("amount", "choice")), kind="topup", result_kind="topup", country="FR"
    )
    service.fields.filter(name="amount").update(choices=["5", "10"])
    ServicePrice.objects.create(service=service, currency="EUR", option="amount=10", amount="10.60")
    return service


def unlock_with_questions() -> Service:
    kinds = ("network", "country", "model", "text")
    service = make_service(
        fields=(("imei", "imei"), *((kind, kind) for kind in kinds)), networks=["Orange", "SFR"], result_kind="code"
    )
    service.fields.filter(kind="text").update(pattern="^PRD-[0-9]{3}$")
    return service


def check_by_serial() -> Service:
    return make_service(fields=(("id", "imei_or_serial"),), kind="check", result_kind="report", price="1.20")


KINDS = {
    "unlock": (make_service, IMEI, {}, IMEI, {}, "18.90"),
    "questions": (
        unlock_with_questions,
        "35 417803 685978 9",
        {"answer_network": "SFR", "answer_country": "FR", "answer_model": " SM-G991B ", "answer_text": "prd-123"},
        IMEI,
        {"network": "SFR", "country": "FR", "model": "SM-G991B", "text": "PRD-123"},
        "18.90",
    ),
    "check": (check_by_serial, "C8QH6T96DPNG", {}, "C8QH6T96DPNG", {}, "1.20"),
    "topup": (topup, "+33 6 12 34 56 78", {"answer_amount": "10"}, "+33612345678", {"amount": "10"}, "10.60"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_every_kind(client: Client, bank: str, kind: str) -> None:
    make, typed, fields, value, answers, price = KINDS[kind]
    service = make()
    first = send_device(client, service, typed, **fields)
    draft = Draft.objects.get()
    assert (first.status_code, first.url) == (303, f"/checkout/{draft.token}/details/")
    second = send_details(client, draft, email="Ada@EXAMPLE.com", start_now="on")
    assert (second.status_code, second.url) == (303, f"/checkout/{draft.token}/check/")
    page = client.get(second.url)
    for text in ("Ada@example.com", f"Pay €{price}", "Your statement will show UNLOCKSHOP", service.name):
        assert text in page.content.decode()
    bought = client.post(
        second.url, {"shown": shown_on(page)}, headers={"User-Agent": "Browser 1"}, REMOTE_ADDR="192.0.2.77"
    )
    assert bought.status_code == 303
    payment = Payment.objects.get()
    assert bought.url == payment.url
    assert bought.url.startswith(bank)
    purchase = Purchase.objects.get()
    assert (purchase.email, purchase.total, purchase.currency) == ("Ada@example.com", Decimal(price), "EUR")
    assert (purchase.terms_version, purchase.ip, purchase.user_agent) == ("2026-11-22", "192.0.2.77", "Browser 1")
    assert purchase.start_now_acknowledged_at == purchase.terms_accepted_at
    assert (purchase.language, purchase.is_demo) == ("en", True)
    assert "I use this service for a lawful purpose." in purchase.checklist
    assert "I am 18 years old or older." in purchase.checklist
    order = purchase.orders.get()
    assert (order.identifier, order.answers, order.state) == (value, answers, OrderState.AWAITING_PAYMENT)


def test_start_now_is_a_choice(client: Client) -> None:
    draft = draft_at_check(client, make_service())
    assert "Not asked for" in client.get(f"/checkout/{draft.token}/check/").content.decode()
    send_check(client, draft)
    assert Purchase.objects.get().start_now_acknowledged_at is None


def test_several_devices_in_one_purchase(client: Client) -> None:
    service = make_service()
    draft = draft_at_check(client, service, IMEI, several=f"{imei(1)}\n{imei(2)}\n{IMEI}")
    page = client.get(f"/checkout/{draft.token}/check/").content.decode()
    assert "35-417803-685978-9" in page
    assert "One number was entered twice; it is ordered once." in page
    assert "3 devices, €18.90 each" in page
    assert "Pay €56.70" in page
    send_check(client, draft)
    purchase = Purchase.objects.get()
    assert purchase.total == Decimal("56.70")
    assert [order.identifier for order in purchase.orders.order_by("position")] == [IMEI, imei(1), imei(2)]


def test_computed_digit_is_confirmed_before_paying(client: Client) -> None:
    draft = draft_at_check(client, make_service(), IMEI[:14])
    address = f"/checkout/{draft.token}/check/"
    page = client.get(address)
    assert "You entered 14 digits" in page.content.decode()
    refused = client.post(address, {"shown": shown_on(page)})
    assert refused.status_code == 422
    assert "Compare the marked numbers" in refused.content.decode()
    assert "<title>Error:" in " ".join(refused.content.decode().split()).replace("<title> ", "<title>")
    assert not Purchase.objects.exists()
    assert send_check(client, draft, compared="on").status_code == 303
    assert "I compared the numbers marked above, and they are right." in Purchase.objects.get().checklist


def test_change_links_keep_every_answer(client: Client) -> None:
    service = unlock_with_questions()
    answers = {"answer_network": "SFR", "answer_country": "FR", "answer_model": "SM-1", "answer_text": "PRD-123"}
    draft = draft_at_check(client, service, "35 417803 685978 9", **answers)
    page = client.get(f"/checkout/{draft.token}/check/").content.decode()
    query = f"?draft={draft.token}"
    assert f'href="{service.get_absolute_url()}{query}"' in page
    assert f'href="{service.get_absolute_url()}{query}#id_answer_model"' in page
    assert f'href="/checkout/{draft.token}/details/#id_email"' in page
    form = client.get(service.get_absolute_url() + query).content.decode()
    for text in ('value="35 417803 685978 9"', 'value="SM-1"', 'value="PRD-123"'):
        assert text in form
    assert '<option value="SFR" selected>' in form
    assert '<option value="FR" selected>' in form
    details = client.get(f"/checkout/{draft.token}/details/").content.decode()
    assert f'value="{ADA}"' in details
    assert details.count("checked") == len(details_of(service)) - 2  # all statements; the terms are accepted anew
    changed = send_device(client, service, imei(5), query=query, **answers)
    assert changed.url == f"/checkout/{draft.token}/check/"
    draft.refresh_from_db()
    assert draft.devices[0]["value"] == imei(5)
    assert Draft.objects.count() == 1


def test_back_button_finds_what_was_typed(client: Client) -> None:
    service, other = make_service(), make_service()
    send_device(client, service, "35 417803 685978 9")
    cookie = client.cookies["draft"]
    assert (cookie["path"], cookie["httponly"]) == (service.get_absolute_url(), True)
    response = client.get(service.get_absolute_url())
    assert 'value="35 417803 685978 9"' in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert "35 417803" not in client.get(other.get_absolute_url()).content.decode()
    send_device(client, service, imei(1))
    assert Draft.objects.count() == 2, "without the draft in the address a new one begins"


def test_steps_come_in_order(client: Client) -> None:
    service = make_service()
    send_device(client, service)
    draft = Draft.objects.get()
    early = client.get(f"/checkout/{draft.token}/check/")
    assert (early.status_code, early.url) == (303, f"/checkout/{draft.token}/details/")
    Draft.objects.update(devices=[])
    device_step = f"{service.get_absolute_url()}?draft={draft.token}"
    for step in ("details", "check"):
        assert client.get(f"/checkout/{draft.token}/{step}/").url == device_step
    assert client.post(f"/checkout/{draft.token}/check/", {"shown": "x"}).status_code == 303
    assert not Purchase.objects.exists()


@pytest.mark.parametrize("step", ["details", "check"])
def test_checkout_pages_are_private(client: Client, step: str) -> None:
    draft = draft_at_check(client, make_service())
    response = client.get(f"/checkout/{draft.token}/{step}/")
    assert "no-store" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Referrer-Policy"] == "same-origin"
    assert 'aria-current="step"' in response.content.decode()


def test_refused_forms_may_stay_in_the_browsers_history(client: Client) -> None:
    service = make_service()
    draft = draft_at_check(client, service)
    refused = [
        send_device(client, service, "12"),
        send_details(client, draft, email="nobody"),
        client.post(f"/checkout/{draft.token}/check/", {"shown": "x" * 64}),
    ]
    refused.append(_refused_for_its_price(client, draft))
    Service.objects.update(is_open=False)
    refused.append(client.post(f"/checkout/{draft.token}/check/", {"shown": "x" * 64}))
    assert [response.status_code for response in refused] == [422, 422, 409, 409, 409]
    for response in refused:
        assert set(response["Cache-Control"].split(", ")) == {"private", "no-cache"}
        assert "Vary" not in response, "the draft's cookie is another one when Back is pressed"
        assert "Expires" not in response
    assert "Cookie" in client.get(make_service().get_absolute_url())["Vary"]
    assert "no-store" in client.get(f"/checkout/{draft.token}/details/")["Cache-Control"]


def _refused_for_its_price(client: Client, draft: Draft) -> HttpResponse:
    page = client.get(f"/checkout/{draft.token}/check/")
    ServicePrice.objects.update(amount="25.00")
    return client.post(f"/checkout/{draft.token}/check/", {"shown": shown_on(page)})


def test_topups_ask_for_a_phone_number(client: Client) -> None:
    service = make_service(kind="topup", fields=(("msisdn", "msisdn"),), country="FR")
    page = client.get(service.get_absolute_url()).content.decode()
    assert '<span class="steps__label">Phone number</span>' in page
    response = send_device(client, service, "")
    assert response.content.decode().count("Enter the phone number in international form") == 2
    draft = draft_at_check(client, service, "+33612345678")
    for step in ("details", "check"):
        page = client.get(f"/checkout/{draft.token}/{step}/").content.decode()
        assert '<span class="steps__label">Phone number</span>' in page
    other = client.get(make_service().get_absolute_url()).content.decode()
    assert '<span class="steps__label">Device</span>' in other


def test_basket_too_small_to_be_paid_says_how_many_are_needed(client: Client) -> None:
    service = make_service(price="0.20")
    page = client.get(service.get_absolute_url()).content.decode()
    assert "From 3 devices" in page
    assert "<details open>" in page
    assert "At least 3 devices are needed: enter them here, one per line." in page
    assert "<details>" in client.get(make_service().get_absolute_url()).content.decode()
    for fields in ({}, {"several": imei(1)}):
        response = send_device(client, service, **fields)
        assert response.status_code == 422
        text = "The smallest amount that can be paid is €0.50. At €0.20 each, order at least 3."
        assert response.content.decode().count(text) == 2
    assert not Draft.objects.exists()
    draft = draft_at_check(client, service, several=f"{imei(1)} \n{imei(2)}")
    assert "Pay €0.60" in client.get(f"/checkout/{draft.token}/check/").content.decode()


def test_silent_payment_provider_keeps_the_purchase(client: Client) -> None:
    draft = draft_at_check(client, make_service())
    response = send_check(client, draft)
    purchase = Purchase.objects.get()
    assert (response.status_code, response.url) == (303, f"{purchase.get_absolute_url()}?payment=unavailable")
    assert Order.objects.get().state == OrderState.AWAITING_PAYMENT


def test_purchased_draft_leads_to_the_purchase(client: Client) -> None:
    service = make_service()
    draft = draft_at_check(client, service)
    send_check(client, draft)
    page = Purchase.objects.get().get_absolute_url()
    for address in (
        f"/checkout/{draft.token}/details/",
        f"/checkout/{draft.token}/check/",
        f"{service.get_absolute_url()}?draft={draft.token}",
    ):
        response = client.get(address)
        assert response.status_code in {302, 303}
        assert response.url == page
    assert 'value="354' not in client.get(service.get_absolute_url()).content.decode()


def test_errors_are_told_twice_and_answers_kept(client: Client) -> None:
    service = unlock_with_questions()
    response = send_device(client, service, "356938035643808", several="nonsense\n12", answer_model="Tüpe 1")
    assert response.status_code == 422
    page = " ".join(response.content.decode().split())
    assert "<title> Error:" in page.replace("<title>Error", "<title> Error")
    assert 'role="alert"' in page
    assert "There is a problem" in page
    assert page.count("The last digit does not match.") == 2
    assert page.count("Line 1: ") == page.count("Line 2: ") == 2
    for anchor in ("id_identifier", "id_several", "id_answer_network"):
        assert f'href="#{anchor}"' in page
        assert f'id="{anchor}_error"' in page
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="id_identifier_helptext id_identifier_error"' in page
    assert 'value="356938035643808"' in page
    assert "nonsense 12</textarea>" in page
    assert 'value="Tüpe 1"' in page
    assert "<details open>" in page
    assert not Draft.objects.exists()


def test_missing_confirmations_are_asked_for(client: Client) -> None:
    service = make_service()
    send_device(client, service)
    draft = Draft.objects.get()
    response = client.post(f"/checkout/{draft.token}/details/", {"email": "ada@example.com", "confirm_adult": "on"})
    assert response.status_code == 422
    page = response.content.decode()
    for name in details_of(service):
        wrong = name not in {"email", "confirm_adult"}
        assert (f'href="#id_{name}"' in page) == wrong, name
    assert 'value="ada@example.com"' in page
    assert "Accept the terms" in page
    draft.refresh_from_db()
    assert "email" not in draft.contact


@pytest.mark.parametrize("column", ["name", "average_minutes"])
def test_new_terms_or_promise_is_shown_before_it_is_accepted(client: Client, column: str) -> None:
    draft = draft_at_check(client, make_service())
    page = client.get(f"/checkout/{draft.token}/check/")
    changes: dict[str, Any] = {"name": {"name": "Another"}, "average_minutes": {"average_minutes": 60}}[column]
    Service.objects.update(**changes)
    response = client.post(f"/checkout/{draft.token}/check/", {"shown": shown_on(page)})
    assert response.status_code == 409
    assert not Purchase.objects.exists()


@pytest.mark.parametrize("accepted", ["terms_version", "refund_profile"])
def test_terms_published_meanwhile_are_accepted_anew(client: Client, accepted: str) -> None:
    draft = draft_at_check(client, make_service())
    draft.contact[accepted] = "2020-01"
    draft.save()
    for send in (client.get, client.post):
        response = send(f"/checkout/{draft.token}/check/")
        assert (response.status_code, response.url) == (303, f"/checkout/{draft.token}/details/")


def test_question_added_meanwhile_is_asked(client: Client) -> None:
    service = make_service()
    draft = draft_at_check(client, service)
    service.fields.create(name="model", label="Model", kind="model", position=9)
    response = client.get(f"/checkout/{draft.token}/check/")
    assert response.url == f"{service.get_absolute_url()}?draft={draft.token}"
