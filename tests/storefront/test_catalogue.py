from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from orders.models import ServiceTurnaround
from services.models import Category, Service, ServicePrice
from tests.factories import make_service
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db


def category(slug: str, position: int) -> Category:
    return Category.objects.create(slug=slug, name=slug.title(), position=position)


def listed(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/services/{query}")
    assert response.status_code == 200
    return [service.name for service in response.context["found"].services]


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize(("path", "queries"), [("/", 6), ("/services/", 4), ("/services/?q=service&page=2", 4)])
def test_number_of_queries_does_not_grow(
    client: Client, django_assert_num_queries: Any, rows: int, path: str, queries: int
) -> None:
    for _ in range(rows):
        make_service()
    with django_assert_num_queries(queries):
        assert client.get(path).status_code == 200


def test_a_service_page_that_is_not_kept_takes_seven_queries(client: Client, django_assert_num_queries: Any) -> None:
    service = make_service(fields=(("imei", "imei"), ("network", "network"), ("country", "country")))
    with django_assert_num_queries(7):
        assert client.get(service.get_absolute_url()).status_code == 200


def test_home_counts_only_what_visitors_see(client: Client) -> None:
    make_service()
    make_service(is_published=False)
    make_service(category=category("checks", 2))
    category("empty", 3)
    page = client.get("/").content.decode()
    assert page.index("Network unlock") < page.index("Checks")
    assert page.count("1 service\n") == 2
    assert "Empty" not in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["iPhone Ångström", "Galaxy check"]),
        ("?q=ANGSTROM", ["iPhone Ångström"]),
        ("?q=check+samsung", ["Galaxy check"]),
        ("?q=germany", ["Galaxy check"]),
        ("?category=checks", ["Galaxy check"]),
        ("?kind=unlock", ["iPhone Ångström"]),
        ("?brand=Samsung&country=DE", ["Galaxy check"]),
        ("?brand=Samsung&country=US", []),
        ("?brand=nobody", []),
        ("?q=%F0%9F%98%80", []),
        ("?q=" + "x" * 5000, []),
        ("?page=nonsense", ["iPhone Ångström", "Galaxy check"]),
        ("?page=-4", ["iPhone Ångström", "Galaxy check"]),
        ("?page=99999999999", ["iPhone Ångström", "Galaxy check"]),
        ("?unknown=1&q=galaxy", ["Galaxy check"]),
        ("?q=galaxy&q=angstrom", ["iPhone Ångström"]),
    ],
)
def test_searching_and_filtering(client: Client, query: str, names: list[str]) -> None:
    make_service(name="iPhone Ångström")
    make_service(
        name="Galaxy check", kind="check", result_kind="report", brand="Samsung", country="DE",
        category=category("checks", 2),
    )  # fmt: skip
    make_service(name="Hidden galaxy", is_published=False)
    assert listed(client, query) == names


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("?q=%00", "Search"), ("?q=a%00b", "Search"), ("?brand=%00", "Brand"), ("?q=%1b", "Search"),
        ("?kind=magic", "Kind of work"), ("?sort=random", "Order"), ("?min_price=cheap", "Price from"),
        ("?max_price=-3", "Price up to"), ("?max_price=NaN", "Price up to"), ("?max_price=1e9", "Price up to"),
        ("?max_price=99999999999", "Price up to"), ("?within=7", "Usual time"), ("?min_price=%D9%A3", "Price from"),
        ("?max_price=.", "Price up to"), ("?max_price=1.234", "Price up to"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_left_out_with_a_notice(client: Client, query: str, part: str) -> None:
    make_service()
    response = client.get(f"/services/{query}")
    assert response.status_code == 200
    assert f"“{part}” could not be read and was left out." in response.content.decode()
    assert response.context["found"].total == 1
    assert response.context["query"] == ""


@pytest.mark.parametrize("words", ["iphone15", "i phone 15", "IPHONE 15", "í-phone15", "at&t", "att iphone"])
def test_search_does_not_mind_case_accents_and_spacing(client: Client, words: str) -> None:
    make_service(name="AT&T unlock", models_note="iPhone 15")
    make_service(name="Other", brand="Samsung", operator="EE", networks=["EE"], models_note="Galaxy S22")
    assert [each.name for each in client.get("/services/", {"q": words}).context["found"].services] == ["AT&T unlock"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?operator=EE", ["B"]),
        ("?max_price=10", ["B"]),
        ("?min_price=10.00", ["A", "C"]),
        ("?min_price=10&max_price=20", ["A"]),
        ("?min_price=20&max_price=10", ["A"]),
        ("?max_price=9,99", ["B"]),
        ("?within=1440", ["C"]),
        ("?sort=price", ["B", "A", "C"]),
        ("?sort=time", ["C", "A", "B"]),
    ],
)
def test_price_time_network_and_order(client: Client, query: str, names: list[str]) -> None:
    make_service(name="A", price="18.90")
    make_service(name="B", price="9.90", operator="EE")
    make_service(name="C", price="30.00", average_minutes=60)
    assert listed(client, query) == names


def test_most_ordered_comes_first(client: Client) -> None:
    make_service(name="A")
    busy = make_service(name="B")
    ServiceTurnaround.objects.create(
        service=busy, supplier=busy.offers.get().supplier, day=clock.now().date(), completed=3, seconds=60
    )
    assert listed(client, "?sort=popular") == ["B", "A"]


def test_filters_in_force_can_be_taken_off_one_by_one(client: Client) -> None:
    make_service()
    page = client.get("/services/?q=service&brand=Apple&max_price=20").content.decode()
    for address in ("?brand=Apple&amp;max_price=20", "?q=service&amp;max_price=20", "?q=service&amp;brand=Apple"):
        assert f'href="/services/{address}"' in page
    assert "Price up to: €20.00" in page


def test_a_script_gets_the_list_alone(client: Client) -> None:
    make_service()
    part = client.get("/services/?brand=Apple", headers={"HX-Request": "true", "HX-Target": "results"})
    page = part.content.decode()
    assert "<html" not in page
    assert 'hx-swap-oob="innerHTML"' in page
    assert "HX-Request" in part["Vary"]
    assert "Cookie" in part["Vary"], "its prices go by the chosen currency"
    for more in ({"HX-Target": "other"}, {"HX-Target": "results", "HX-History-Restore-Request": "true"}):
        whole = client.get("/services/", headers={"HX-Request": "true", **more})
        assert "<html" in whole.content.decode()
    assert "HX-Request" in client.get("/services/")["Vary"]


def test_pages_keep_the_search(client: Client) -> None:
    for number in range(26):
        make_service(name=f"Phone {number:02}")
    first = client.get("/services/?q=phone&kind=unlock").content.decode()
    assert 'href="/services/?q=phone&amp;kind=unlock&amp;page=2"' in first
    assert "Page 1 of 2" in first
    assert listed(client, "?q=phone&kind=unlock&page=2") == ["Phone 24", "Phone 25"]
    assert listed(client, "?page=9") == ["Phone 24", "Phone 25"]


def test_nothing_found_says_what_to_do(client: Client) -> None:
    make_service()
    assert "Try fewer words" in client.get("/services/?q=nothinglikeit").content.decode()
    Service.objects.update(is_published=False)
    assert "no services at the moment" in client.get("/services/").content.decode()


def test_service_page_tells_price_times_and_needs(client: Client) -> None:
    service = make_service(fields=(("imei", "imei"), ("network", "network")), networks=["Orange", "SFR"])
    page = client.get(service.get_absolute_url()).content.decode()
    for text in (
        "€18.90", "incl. tax", "About 30 hours by the supplier&#x27;s estimate, not guaranteed",
        "At most 3 business days, guaranteed",
        "Not reported lost or stolen.", "iPhone 6s and newer", "Orange, SFR", "United States", "IMEI, NETWORK",
        'inputmode="numeric"', 'autocomplete="off"', "*#06#",
    ):  # fmt: skip
        assert text in page, text
    assert 'aria-current="step"' in page


def test_price_of_a_choice_is_shown_beside_it(client: Client) -> None:
    service = make_service(fields=(("msisdn", "msisdn"), ("amount", "choice")), kind="topup", result_kind="topup")
    service.fields.filter(name="amount").update(choices=["5", "10"])
    ServicePrice.objects.create(service=service, currency="EUR", option="amount=10", amount="21.40")
    page = client.get(service.get_absolute_url()).content.decode()
    assert "10 – €21.40" in page
    assert 'inputmode="tel"' in page
    assert "from" in page
    assert "€18.90" in page


def test_staff_texts_are_text(client: Client) -> None:
    service = make_service(name="<b>Bold</b>", eligibility="<script>alert(1)</script>\nsecond line")
    service.fields.update(label="<i>IMEI</i>", help_text="<u>help</u>")
    page = client.get(service.get_absolute_url()).content.decode()
    for tag in ("<b>", "<script>alert", "<i>", "<u>"):
        assert tag not in page
    assert "<br>second line" in page


def test_closed_service_shows_no_form(client: Client) -> None:
    service = make_service(is_open=False)
    response = client.get(service.get_absolute_url())
    assert response.status_code == 200
    assert "does not take orders at the moment" in response.content.decode()
    assert 'name="identifier"' not in response.content.decode()


@pytest.mark.parametrize("broken", ["prices", "fields"])
def test_service_without_price_or_form_is_closed(client: Client, broken: str) -> None:
    service = make_service()
    getattr(service, broken).all().delete()
    assert "does not take orders" in client.get(service.get_absolute_url()).content.decode()
    assert client.post(service.get_absolute_url(), {"identifier": "1"}).status_code == 409


@pytest.mark.parametrize("path", ["/services/none/", "/services/x%00y/", "/services/a/b/", "/services/%F0%9F%98%80/"])
def test_unknown_service(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path, {}).status_code == 404


def test_unpublished_service_is_unknown(client: Client) -> None:
    service = make_service(is_published=False)
    assert client.get(service.get_absolute_url()).status_code == 404
    assert client.post(service.get_absolute_url(), {}).status_code == 404
