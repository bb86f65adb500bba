"""Starting from an IMEI, and services that do not fit the device."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client

from orders import lifecycle
from orders.models import Order, Purchase
from orders.states import OrderState
from services.models import Category, DeviceModel, Service
from tests.factories import IMEI, make_order, make_service
from tests.helpers.checkout import draft_at_check, send_check, send_device
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.crypto import decrypt, encrypt

pytestmark = pytest.mark.django_db

TAC = IMEI[:8]


def name_it(brand: str = "Samsung", model: str = "Galaxy S22", source: str = "imported") -> None:
    DeviceModel.objects.create(tac=TAC, brand=brand, model=model, source=source)


def make_check(**changes: Any) -> Service:
    shelf, _ = Category.objects.get_or_create(slug="check", defaults={"name": "Checks", "position": 2})
    values = {
        "name": "Carrier check", "kind": "check", "result_kind": "report", "category": shelf, "brand": "",
        "operator": "", "country": "", "networks": ["any"], "price": "0.45",
    }  # fmt: skip
    return make_service(**{**values, **changes})


def start(client: Client, imei: str = IMEI) -> Any:
    return client.post("/device/", {"imei": imei})


def complete_check(order: Order, result: str) -> None:
    lifecycle.complete(order.pk, result=result, supplier_name="S", actor=SYSTEM)


def remember(client: Client, *purchases: Purchase) -> None:
    client.cookies["bought"] = encrypt("bought:" + " ".join(str(each.pk) for each in purchases))


def test_an_imei_leads_to_the_services_that_fit(client: Client) -> None:
    name_it()
    fits = make_service(name="Galaxy unlock", brand="Samsung")
    make_service(name="iPhone unlock", brand="Apple")
    check = make_check()
    answer = start(client, "35-417803-685978-9")
    assert (answer.status_code, answer["Location"]) == (303, "/device/")
    page = client.get("/device/")
    text = page.content.decode()
    assert "Samsung Galaxy S22" in text
    assert [each.pk for each in page.context["offer"].services] == [fits.pk]
    assert [each.pk for each in page.context["offer"].checks] == [check.pk]
    assert text.index("Carrier check") < text.index("Galaxy unlock")
    assert "no-store" in page["Cache-Control"]


def test_an_unknown_model_is_normal(client: Client) -> None:
    make_service(name="Galaxy unlock", brand="Samsung")
    make_check()
    start(client)
    make_check(name="iPhone carrier check", brand="Apple")
    page = client.get("/device/")
    assert [each.name for each in page.context["offer"].checks] == ["Carrier check"]
    assert "That is normal" in page.content.decode()
    assert not page.context["offer"].services
    chosen = client.get("/device/?brand=Samsung&operator=AT%26T")
    assert [each.name for each in chosen.context["offer"].services] == ["Galaxy unlock"]
    assert "Carrier check" not in chosen.content.decode()


@pytest.mark.parametrize("text", ["", "12345", "x" * 500, "354178036859780", "\x00", "+33612345678"])
def test_a_wrong_imei_is_explained(client: Client, text: str) -> None:
    answer = start(client, text)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "There is a problem" in page
    assert 'aria-invalid="true"' in page
    assert "device" not in client.cookies


def test_the_imei_is_in_no_address_page_or_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    name_it()
    make_service(brand="Samsung")
    caplog.set_level(logging.DEBUG)
    answer = start(client)
    page = client.get("/device/").content.decode()
    assert IMEI not in page
    assert IMEI not in answer["Location"]
    assert IMEI not in caplog.text
    cookie = client.cookies["device"]
    assert IMEI not in cookie.value
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


@pytest.mark.parametrize(
    "value", ["x", "v1:x", "a" * 5000, encrypt(f"bought:{IMEI}"), encrypt("device:123"), encrypt(IMEI)]
)
def test_a_cookie_that_is_not_ours_counts_for_nothing(client: Client, value: str) -> None:
    client.cookies["device"] = value
    assert client.get("/device/")["Location"] == "/"
    client.cookies["bought"] = value
    service = make_service()
    assert client.get(service.get_absolute_url()).status_code == 200


def test_another_imei_forgets_the_first(client: Client) -> None:
    start(client)
    client.post("/device/", {"forget": "1"})
    assert client.get("/device/").status_code == 302


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_four_queries(client: Client, rows: int, django_assert_num_queries: Any) -> None:
    name_it()
    for _ in range(rows):
        make_service(brand="Samsung")
        make_check()
    start(client)
    with django_assert_num_queries(4):
        assert client.get("/device/").status_code == 200


def test_the_order_form_knows_the_device(client: Client) -> None:
    service = make_service(brand="Samsung")
    start(client)
    page = client.get(service.get_absolute_url())
    assert f'value="{IMEI}"' in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_a_certain_misfit_stops_the_order_before_the_details(client: Client) -> None:
    name_it()
    answer = send_device(client, make_service(brand="Apple"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This service is for Apple devices. By its IMEI, yours is a Samsung Galaxy S22." in page
    assert 'href="/services/?brand=Samsung&amp;kind=unlock"' in page


def test_a_misfit_learned_meanwhile_stops_the_last_step(client: Client) -> None:
    draft = draft_at_check(client, make_service(brand="Apple"))
    name_it(source="staff")
    for answer in (client.get(f"/checkout/{draft.token}/check/"), client.post(f"/checkout/{draft.token}/check/", {})):
        assert answer.status_code == 409
        assert "does not fit your device" in answer.content.decode()
    assert not Purchase.objects.exists()


@pytest.mark.parametrize(("source", "refuses"), [("learned", True), ("staff", False)])
def test_a_possible_misfit_needs_a_tick_that_is_kept(client: Client, source: str, refuses: bool) -> None:
    name_it(source=source)
    draft = draft_at_check(client, make_service(brand="Apple", refuses_misfits=refuses))
    assert send_check(client, draft).status_code == 422
    assert not Purchase.objects.exists()
    assert send_check(client, draft, misfit="on").status_code == 303
    assert "This service is for Apple devices" in str(Purchase.objects.get().checklist)


def test_what_ones_own_check_found_stops_the_unlock(client: Client) -> None:
    check = make_order(OrderState.IN_PROCESS, service=make_check())
    complete_check(check, "Model: iPhone 12\nSIM-Lock: Unlocked")
    unlock = make_service()
    assert send_device(client, unlock).status_code == 303
    remember(client, check.purchase)
    answer = send_device(client, unlock)
    assert answer.status_code == 422
    assert "there is nothing to unlock" in answer.content.decode()


def test_what_somebody_else_paid_for_is_not_told(client: Client) -> None:
    mine = make_order(OrderState.PAID, service=make_check())
    theirs = make_order(OrderState.IN_PROCESS, service=make_check())
    complete_check(theirs, "SIM-Lock: Unlocked\nBlacklist: Blacklisted\nCarrier: Telcel")
    remember(client, mine.purchase)
    start(client)
    page = client.get("/device/").content.decode()
    for word in ("nothing to unlock", "blacklist.", "Telcel"):
        assert word not in page
    assert send_device(client, make_service()).status_code == 303


def test_a_browser_remembers_what_it_bought(client: Client) -> None:
    draft = draft_at_check(client, make_check(price="4.50"))
    assert send_check(client, draft).status_code == 303
    kept = decrypt(client.cookies["bought"].value)
    assert kept == f"bought:{Purchase.objects.get().pk}"


def test_a_finished_check_names_the_model(client: Client) -> None:
    order = make_order(OrderState.IN_PROCESS, service=make_check())
    complete_check(order, "Brand: Samsung\nModel: Galaxy A52 5G")
    learned = DeviceModel.objects.get()
    assert (learned.tac, learned.model, learned.source, learned.origin) == (
        TAC, "Galaxy A52 5G", "learned", "Carrier check",
    )  # fmt: skip


def test_an_unlock_names_nothing() -> None:
    order = make_order(OrderState.IN_PROCESS)
    complete_check(order, "Model: iPhone 12")
    assert not DeviceModel.objects.exists()
