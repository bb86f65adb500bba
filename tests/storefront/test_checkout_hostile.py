"""What no honest browser sends: each gets a clear page with its own status, nothing is lost, nothing is a 500."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from orders.models import Draft, Order, OutgoingMail, Purchase
from services.models import Service, ServicePrice
from tests.factories import ADA, IMEI, imei, make_service
from tests.helpers.checkout import details_of, draft_at_check, send_check, send_details, send_device, shown_on
from unlockshop.storefront import catalogue_views, checkout_views

pytestmark = pytest.mark.django_db

NASTY = [
    "\x00",
    "354178036859789\x00",
    "\u202e987958630871452",
    "35417803685978\x1b",
    "😀😀",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "{{ 7*7 }}",
    "９" * 50,
    "٣" * 15,
    "-1",
    "1e15",
    "NaN",
    "\r\nSet-Cookie: a=b",
    "x" * 5000,
    "9" * 900_000,
]


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("kind", ["imei", "imei_or_serial", "msisdn"])
def test_identifier(client: Client, kind: str, nasty: str) -> None:
    service = make_service(fields=(("id", kind),))
    for fields in ({"identifier": nasty}, {"identifier": "", "several": f"{nasty}\n1"}):
        response = client.post(service.get_absolute_url(), fields)
        assert response.status_code == 422
        assert "<script>alert" not in response.content.decode()
        assert "There is a problem" in response.content.decode()
    assert not Draft.objects.exists()


@pytest.mark.parametrize("nasty", [text for text in NASTY if text not in {"' OR 1=1 --", "-1", "1e15", "NaN"}])
@pytest.mark.parametrize("kind", ["network", "model", "country", "choice", "text"])
def test_answer(client: Client, kind: str, nasty: str) -> None:
    service = make_service(fields=(("imei", "imei"), ("q", kind)), networks=["Orange"])
    service.fields.filter(name="q").update(choices=["5"], pattern="^[A-Z]{3}$" if kind == "text" else "")
    response = send_device(client, service, answer_q=nasty)
    harmless = {"<script>alert(1)</script>", "{{ 7*7 }}", "９" * 50, "٣" * 15, "\r\nSet-Cookie: a=b"}
    assert response.status_code == (303 if kind == "model" and nasty in harmless else 422)
    assert "<script>alert" not in response.content.decode()


def test_accepted_text_is_text_everywhere(client: Client) -> None:
    service = make_service(fields=(("imei", "imei"), ("model", "model")))
    draft = draft_at_check(client, service, answer_model="<script>alert(1)</script>{{ 7*7 }}")
    page = client.get(f"/checkout/{draft.token}/check/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page


def test_body_over_a_megabyte(client: Client) -> None:
    service = make_service()
    response = client.post(
        service.get_absolute_url(), "identifier=" + "9" * 1_100_000, content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 400
    assert "could not read that request" in response.content.decode()
    assert send_device(client, service, "9" * 1_100_000).status_code == 400


def test_large_files_are_refused_unread(client: Client) -> None:
    service = make_service()
    upload = SimpleUploadedFile("film.mp4", b"x" * (2 * 1024 * 1024))
    response = client.post(service.get_absolute_url(), {"identifier": IMEI, "film": upload})
    assert response.status_code == 413
    assert "larger than any form" in response.content.decode()
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert not Draft.objects.exists()


def test_too_many_fields(client: Client) -> None:
    response = send_device(client, make_service(), **{f"f{n}": "x" for n in range(300)})
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"identifier": "354178036859789"}', "application/json"),
        ("identifier=354178036859789", "text/plain"),
        ("", "application/x-www-form-urlencoded"),
        ("%ff%fe=%00%ff", "application/x-www-form-urlencoded"),
        ("nonsense", "multipart/form-data; boundary=x"),
    ],
)
def test_wrong_type_of_body(client: Client, body: str, content_type: str) -> None:
    response = client.post(make_service().get_absolute_url(), body, content_type=content_type)
    assert response.status_code == 422


def test_broken_multipart(client: Client) -> None:
    response = client.post(make_service().get_absolute_url(), "x", content_type="multipart/form-data")
    assert response.status_code == 400


def test_file_instead_of_text(client: Client) -> None:
    service = make_service()
    upload = SimpleUploadedFile("imei.txt", IMEI.encode())
    assert client.post(service.get_absolute_url(), {"identifier": upload}).status_code == 422
    draft = draft_at_check(client, service)
    assert send_details(client, draft, email=SimpleUploadedFile("a.txt", b"a@b.co")).status_code == 422


def test_repeated_and_unknown_fields(client: Client) -> None:
    service = make_service()
    response = send_device(client, service, ["123", IMEI], answer_nothing="x", state="completed", price="0")
    assert response.status_code == 303
    assert Draft.objects.get().answers == {}


@pytest.mark.parametrize(
    "amount", ["-5", "0", "1000000000", "1e3", "٥", "５", "5.0", "+5", "5,5", "0x5", "NaN", "", "5\x00", "amount=10"]
)
def test_amount_of_a_topup_is_one_of_the_offered(client: Client, amount: str) -> None:
    service = make_service(kind="topup", result_kind="topup", fields=(("msisdn", "msisdn"), ("amount", "choice")))
    service.fields.filter(name="amount").update(choices=["5", "10"])
    assert send_device(client, service, "+33612345678", answer_amount=amount).status_code == 422
    assert not Draft.objects.exists()


def test_a_field_sent_twice_counts_as_its_last_everywhere(client: Client, bank: str) -> None:
    """One reader, one rule: what is shown is what is stored, what is paid and who gets the mail."""
    dear, cheap = make_service(price="50.00"), make_service(price="0.60")
    assert send_device(client, dear, [imei(1), imei(2)], offer=[str(cheap.pk)], price=["0.60", "0"]).url
    draft = Draft.objects.get()
    assert [device["value"] for device in draft.devices] == [imei(2)]
    assert send_details(client, draft, terms=["on", ""]).status_code == 422, "a tick taken back is no tick"
    assert send_details(client, draft, confirm_lawful=["on", "false"]).status_code == 422
    assert send_details(client, draft, email=[ADA, "eve@example.com"]).status_code == 303

    address = f"/checkout/{draft.token}/check/"
    page = client.get(address)
    text = page.content.decode()
    assert ("eve@example.com" in text, ADA in text, "Pay €50.00" in text) == (True, False, True)
    assert client.post(address, {"shown": [shown_on(page), "0" * 64]}).status_code == 409
    assert not Purchase.objects.exists()
    fields = {"shown": ["0" * 64, shown_on(page)], "email": [ADA, "x@example.com"], "provider": ["nobody", "stripe"]}
    paid_at = client.post(f"{address}?provider=paypal&shown=x", {**fields, "total": ["0.60", "0.60"]})

    purchase = Purchase.objects.get()
    assert (purchase.email, str(purchase.total)) == ("eve@example.com", "50.000")
    assert [order.identifier for order in purchase.orders.all()] == [imei(2)]
    assert paid_at.url == purchase.payments.get().url
    assert purchase.payments.get().amount == purchase.total
    assert {mail.to for mail in OutgoingMail.objects.all()} <= {"eve@example.com"}


@pytest.mark.parametrize(
    "email",
    [
        "", " ", "ada", "ada@", "@example.com", "ada@example", "a b@example.com",
        "ada@example.com\r\nBcc: x@example.com",
        "ada@example.com\n", "ada\x00@example.com", "\u202eada@example.com", "ada\u200b@example.com",
        "ada@exam ple.com", "ada@-.com", "a@" + "b" * 300 + ".com", "a" * 250 + "@example.com",
        "😀@example.com",
        "<ada@example.com>", "ada@example.com,ben@example.com", "x" * 900_000, "ada@xn--\u00ff.com", "ada@.com",
        '"<script>x</script>"@example.com', '"ada lovelace"@example.com', '"ada"@example.com',
    ],
)  # fmt: skip
def test_email(client: Client, email: str) -> None:
    send_device(client, make_service())
    draft = Draft.objects.get()
    response = send_details(client, draft, email=email)
    assert response.status_code == 422
    assert 'href="#id_email"' in response.content.decode()
    draft.refresh_from_db()
    assert "email" not in draft.contact


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Ada.Lovelace+1@EXAMPLE.Com ", "Ada.Lovelace+1@example.com"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_email_is_brought_to_one_form(client: Client, typed: str, stored: str) -> None:
    send_device(client, make_service())
    send_details(client, Draft.objects.get(), email=typed)
    assert Draft.objects.get().contact["email"] == stored


@pytest.mark.parametrize("name", ["terms", "confirm_adult", "confirm_lawful", "confirm_entitled"])
@pytest.mark.parametrize("value", [None, "", "false"])
def test_confirmations_cannot_be_left_out(client: Client, name: str, value: str | None) -> None:
    send_device(client, make_service())
    assert send_details(client, Draft.objects.get(), **{name: value}).status_code == 422


def test_price_service_and_currency_in_the_form_have_no_effect(client: Client) -> None:
    dear, cheap = make_service(price="50.00"), make_service(price="0.01")
    draft = draft_at_check(client, dear)
    edited = {
        "price": "0.01", "total": "0.01", "quoted_total": "0.01", "amount": "0.01", "currency": "XXX",
        "service": cheap.pk, "devices": "[]", "email": "eve@example.com", "is_demo": "1",
        "paid_at": "2026-01-01",
    }  # fmt: skip
    assert send_check(client, draft, **edited).status_code == 303
    purchase = Purchase.objects.get()
    assert (str(purchase.total), purchase.currency, purchase.email) == ("50.000", "EUR", ADA)
    assert purchase.paid_at is None
    assert purchase.orders.get().service == dear


def test_draft_of_another_service_is_not_taken_over(client: Client) -> None:
    dear, cheap = make_service(price="50.00"), make_service(price="5.00")
    draft = draft_at_check(client, dear)
    response = send_device(client, cheap, query=f"?draft={draft.token}")
    assert response.status_code == 303
    assert draft.token not in response.url
    draft.refresh_from_db()
    assert draft.service == dear


def test_changed_price_is_shown_and_asked_again(client: Client) -> None:
    draft = draft_at_check(client, make_service())
    address = f"/checkout/{draft.token}/check/"
    page = client.get(address)
    ServicePrice.objects.update(amount="25.00")
    response = client.post(address, {"shown": shown_on(page)})
    assert response.status_code == 409
    text = " ".join(response.content.decode().split())
    assert "It was €18.90 and is €25.00 now." in text
    assert "Pay €25.00" in text
    assert not Purchase.objects.exists()
    assert client.post(address, {"shown": shown_on(response)}).status_code == 303
    assert str(Purchase.objects.get().total) == "25.000"


def test_changed_price_is_noticed_when_the_page_is_opened(client: Client) -> None:
    draft = draft_at_check(client, make_service())
    ServicePrice.objects.update(amount="25.00")
    page = client.get(f"/checkout/{draft.token}/check/")
    assert page.status_code == 200
    assert "The price has changed" in page.content.decode()
    assert "The price has changed" not in client.get(f"/checkout/{draft.token}/check/").content.decode()


def test_price_lowered_below_what_can_be_paid(client: Client) -> None:
    service = make_service()
    draft = draft_at_check(client, service)
    ServicePrice.objects.update(amount="0.10")
    response = client.get(f"/checkout/{draft.token}/check/")
    assert (response.status_code, response.url) == (303, f"{service.get_absolute_url()}?draft={draft.token}")
    assert "From 5 devices" in client.get(response.url).content.decode()


@pytest.mark.parametrize("times", [2, 5])
def test_replayed_form_buys_once(client: Client, times: int) -> None:
    draft = draft_at_check(client, make_service())
    address = f"/checkout/{draft.token}/check/"
    data = {"shown": shown_on(client.get(address))}
    answers = {(response.status_code, response.url) for response in (client.post(address, data) for _ in range(times))}
    purchase = Purchase.objects.get()
    assert answers == {(303, f"{purchase.get_absolute_url()}?payment=unavailable")}
    assert Order.objects.count() == 1


def test_answers_changed_in_another_tab(client: Client) -> None:
    service = make_service()
    draft = draft_at_check(client, service)
    address = f"/checkout/{draft.token}/check/"
    page = client.get(address)
    send_device(client, service, imei(3), query=f"?draft={draft.token}")
    response = client.post(address, {"shown": shown_on(page)})
    assert response.status_code == 409
    assert "Something has changed" in response.content.decode()
    assert f'href="{address}"' in response.content.decode()
    assert not Purchase.objects.exists()


def test_two_tabs_hold_two_baskets(client: Client) -> None:
    service = make_service()
    first, second = draft_at_check(client, service, imei(1)), draft_at_check(client, service, imei(2))
    send_check(client, first)
    send_check(client, second)
    bought = {order.identifier: order.purchase.draft_token for order in Order.objects.select_related("purchase")}
    assert bought == {imei(1): first.token, imei(2): second.token}


@pytest.mark.parametrize("shown", ["", "x", "\x00", "0" * 64, "9" * 100_000])
def test_forged_digest(client: Client, shown: str) -> None:
    draft = draft_at_check(client, make_service())
    assert send_check(client, draft, shown=shown).status_code == 409
    assert client.post(f"/checkout/{draft.token}/check/", {}).status_code == 409
    assert not Purchase.objects.exists()


@pytest.mark.parametrize("change", [{"is_open": False}, {"is_published": False}])
def test_service_closed_meanwhile(client: Client, change: dict[str, Any]) -> None:
    service = make_service()
    draft = draft_at_check(client, service)
    address = f"/checkout/{draft.token}/check/"
    page = client.get(address)
    Service.objects.update(**change)
    for response in (client.get(address), client.post(address, {"shown": shown_on(page)})):
        assert response.status_code == 409
        assert "does not take orders at the moment" in response.content.decode()
    assert not Purchase.objects.exists()


def test_service_closed_at_the_last_moment(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = draft_at_check(client, make_service())
    page = client.get(f"/checkout/{draft.token}/check/")
    monkeypatch.setattr(checkout_views.checkout_drafts, "takes_orders", lambda _service: True)
    Service.objects.update(is_open=False)
    response = client.post(f"/checkout/{draft.token}/check/", {"shown": shown_on(page)})
    assert response.status_code == 409
    assert not Purchase.objects.exists()


def test_form_of_a_closed_service(client: Client) -> None:
    service = make_service(is_open=False)
    response = send_device(client, service)
    assert response.status_code == 409
    assert not Draft.objects.exists()


@pytest.mark.parametrize("step", ["details", "check"])
@pytest.mark.parametrize("token", ["x", "-", "a" * 64, "a" * 500])
def test_unknown_draft(client: Client, step: str, token: str) -> None:
    for send in (client.get, client.post):
        response = send(f"/checkout/{token}/{step}/")
        assert response.status_code == 404
        assert "no longer here" in response.content.decode()


@pytest.mark.parametrize("token", ["%00", "%F0%9F%98%80", "a" * 5000, "x&draft=y"])
def test_nonsense_for_a_draft_in_the_query(client: Client, token: str) -> None:
    service = make_service()
    assert client.get(f"{service.get_absolute_url()}?draft={token}").status_code == 200
    client.cookies["draft"] = "nonsense"
    assert client.get(service.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("step", ["details", "check"])
def test_missing_csrf_token(client: Client, step: str) -> None:
    draft = draft_at_check(client, make_service())
    strict = Client(enforce_csrf_checks=True)
    address = f"/checkout/{draft.token}/{step}/"
    shown = {"shown": shown_on(client.get(f"/checkout/{draft.token}/check/"))}
    data = details_of(draft.service) if step == "details" else shown
    assert strict.post(address, data).status_code == 403
    assert not Purchase.objects.exists()
    page = strict.get(address).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    assert strict.post(address, {**data, "csrfmiddlewaretoken": token[1]}).status_code == 303


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods(client: Client, method: str) -> None:
    service = make_service()
    draft = draft_at_check(client, service)
    steps = (f"/checkout/{draft.token}/details/", f"/checkout/{draft.token}/check/")
    for address in (service.get_absolute_url(), *steps):
        assert getattr(client, method)(address).status_code == 405


def test_hostile_headers(client: Client) -> None:
    draft = draft_at_check(client, make_service())
    address = f"/checkout/{draft.token}/check/"
    data = {"shown": shown_on(client.get(address))}
    response = client.post(
        address, data, HTTP_USER_AGENT="a\x00" + "x" * 5000, REMOTE_ADDR="nonsense", HTTP_X_FORWARDED_FOR="\x00, 1.2.3"
    )
    assert response.status_code == 303
    purchase = Purchase.objects.get()
    assert purchase.ip is None
    assert len(purchase.user_agent) == 300
    assert "\x00" not in purchase.user_agent


@pytest.mark.usefixtures("monday")
def test_purchases_are_rate_limited(client: Client, settings: Any) -> None:
    assert settings.PURCHASES_PER_HOUR == 20
    settings.PURCHASES_PER_HOUR = 1
    service = make_service()
    first, second = draft_at_check(client, service, imei(1)), draft_at_check(client, service, imei(2))
    assert send_check(client, first).status_code == 303
    response = send_check(client, second)
    assert (response.status_code, response["Retry-After"]) == (429, "3600")
    assert Purchase.objects.count() == 1
    assert client.post(f"/checkout/{first.token}/check/", {}).status_code == 303, "a replay is not counted"


def test_purchases_of_one_customer_are_rate_limited_from_everywhere(
    settings: Any, caplog: pytest.LogCaptureFixture, monday: object
) -> None:
    settings.PURCHASES_PER_HOUR = 2
    service = make_service()
    answers = []
    for n, email in enumerate(["ada@example.com", "ADA@example.com", "ada@Example.com"]):
        elsewhere = Client(REMOTE_ADDR=f"192.0.2.{n}")
        draft = draft_at_check(elsewhere, service, imei(n))
        send_details(elsewhere, draft, email=email)
        answers.append(send_check(elsewhere, draft).status_code)
    assert answers == [303, 303, 429]
    assert Purchase.objects.count() == 2
    assert "rate limit purchase-of reached" in caplog.text
    assert "ada@" not in caplog.text.casefold()


@pytest.mark.usefixtures("monday")
def test_drafts_are_rate_limited(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_views, "DRAFTS_PER_HOUR", 1)
    service = make_service()
    assert send_device(client, service).status_code == 303
    assert send_device(client, service).status_code == 429
    assert Draft.objects.count() == 1
