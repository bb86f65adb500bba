"""What search engines and shared links read: one title, description and address a page, true data, no secrets."""

from __future__ import annotations

import html
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from orders.states import OrderState
from services.models import Category, Service, ServicePrice
from tests import factories
from tests.helpers.checkout import draft_at_check, send_device
from tests.refunds.claims import claimed, paid_order
from unlockshop.storefront import structured_data
from unlockshop.storefront.questions import asked_first

pytestmark = pytest.mark.django_db

HOSTILE = "</script><script>alert(1)</script> \"'<!-- & \u2028 ü"
SHOP = "https://shop.example"
Head = dict[str, str]


@pytest.fixture(autouse=True)
def _base(settings: Any) -> None:
    settings.BASE_URL = SHOP


def page_of(client: Client, path: str, status: int = 200, **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == status
    return response.content.decode()


def head_of(page: str) -> Head:
    """Title, canonical link and every named tag."""
    found = re.findall(r'<meta (?:name|property)="([^"]+)"\s+content="([^"]*)">', page)
    head = {name: html.unescape(content) for name, content in found}
    head["title"] = html.unescape(" ".join(re.findall(r"<title>(.*?)</title>", page, flags=re.DOTALL)))
    (canonical,) = re.findall(r'<link rel="canonical" href="([^"]+)">', page) or [""]
    return {**head, "canonical": html.unescape(canonical)}


def data_of(page: str) -> dict[str, Any]:
    """The data block by type."""
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, flags=re.DOTALL)
    data = json.loads(text)
    assert data["@context"] == "https://schema.org"
    return {each["@type"]: each for each in data["@graph"]}


def some_services() -> list[Service]:
    checks, _ = Category.objects.get_or_create(slug="check", defaults={"name": "Checks", "position": 2})
    return [
        factories.make_service(name="AT&T USA iPhone"),
        factories.make_service(name="Carrier check", category=checks, kind="check", models_note=""),
    ]


def public_pages() -> list[str]:
    return [
        "/", "/services/", "/services/?category=check", "/services/?category=unlock",
        *(service.get_absolute_url() for service in some_services()),
        "/terms/", "/terms/2026-11/", "/terms/refunds/", "/terms/refunds/doctorsim/2026-11/",
    ]  # fmt: skip


def test_each_page_has_a_title_a_description_and_an_address_of_its_own(client: Client) -> None:
    heads = {path: head_of(page_of(client, path)) for path in public_pages()}

    for name in ("title", "description", "canonical", "og:title"):
        values = [head[name] for head in heads.values()]
        assert all(values), name
        assert len(set(values)) == len(values), sorted(values)
    for path, head in heads.items():
        assert head["canonical"] == SHOP + path
        assert head["og:url"] == head["canonical"]
        assert head["twitter:card"] == "summary_large_image"
        assert head["og:image"].startswith(f"{SHOP}/og/")
        assert len(head["description"]) <= 300
        assert "robots" not in head


def test_pages_of_the_list_differ(client: Client) -> None:
    supplier = factories.make_supplier()
    for _ in range(25):
        factories.make_service(supplier=supplier)

    first, second = head_of(page_of(client, "/services/")), head_of(page_of(client, "/services/?page=2"))

    assert second["title"].startswith("Services, page 2")
    assert second["canonical"] == f"{SHOP}/services/?page=2"
    assert first["description"] != second["description"]
    assert head_of(page_of(client, "/services/?page=9"))["canonical"] == second["canonical"]
    assert head_of(page_of(client, "/services/?page=1"))["canonical"] == first["canonical"]


@pytest.mark.parametrize("query", ["q=iphone", "kind=check", "category=unlock&sort=price", "category=no", "kind=%00"])
def test_other_choices_of_filters_are_not_for_indexing(client: Client, query: str) -> None:
    some_services()

    head = head_of(page_of(client, f"/services/?{query}"))

    assert (head["robots"], head["canonical"]) == ("noindex, follow", "")


def test_the_version_in_force_has_one_address(client: Client) -> None:
    in_force = client.get("/terms/").context["terms"].version
    rules = client.get("/terms/refunds/").context["rules"]

    assert head_of(page_of(client, f"/terms/{in_force}/"))["canonical"] == f"{SHOP}/terms/"
    own = reverse("refund-rules-version", args=[rules.name, rules.version])
    assert head_of(page_of(client, own))["canonical"] == f"{SHOP}/terms/refunds/"


def test_no_address_comes_from_the_host_that_was_asked(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    service = some_services()[0]
    for path in ("/", service.get_absolute_url(), "/robots.txt", "/sitemap.xml", "/site.webmanifest"):
        assert "evil.example" not in page_of(client, path, host="evil.example")


@pytest.mark.parametrize(
    ("currency", "amount", "written"), [("EUR", "18.90", "18.90"), ("JPY", "3100", "3100"), ("KWD", "5.75", "5.750")]
)
def test_the_data_have_the_price_of_the_page(client: Client, currency: str, amount: str, written: str) -> None:
    service = factories.make_service()
    service.prices.all().delete()
    ServicePrice.objects.create(service=service, currency=currency, amount=Decimal(amount))
    client.post("/currency/", {"currency": currency, "next": "/"})

    response = client.get(service.get_absolute_url())

    product = data_of(response.content.decode())["Product"]
    assert response.context["page_currency"] == currency
    assert product["offers"]["@type"] == "Offer"
    assert (product["offers"]["price"], product["offers"]["priceCurrency"]) == (written, currency)
    assert product["offers"]["availability"] == "https://schema.org/InStock"
    assert product["offers"]["url"] == product["url"] == f"{SHOP}{service.get_absolute_url()}"
    assert (product["name"], product["sku"], product["brand"]["name"]) == (service.name, service.slug, "Apple")


def test_a_price_that_an_answer_decides_is_the_lowest(client: Client) -> None:
    service = factories.make_service()
    ServicePrice.objects.create(service=service, currency="EUR", option="plan=5", amount=Decimal(5))

    offer = data_of(page_of(client, service.get_absolute_url()))["Product"]["offers"]

    assert (offer["@type"], offer["lowPrice"], offer["priceCurrency"]) == ("AggregateOffer", "5.00", "EUR")
    assert "price" not in offer


def test_a_closed_service_is_out_of_stock_and_one_without_a_price_no_product(client: Client) -> None:
    closed, unpriced = factories.make_service(is_open=False), factories.make_service()
    unpriced.prices.update(currency="USD")

    assert data_of(page_of(client, closed.get_absolute_url()))["Product"]["offers"]["availability"].endswith(
        "OutOfStock"
    )
    assert set(data_of(page_of(client, unpriced.get_absolute_url()))) == {"BreadcrumbList"}


def test_breadcrumbs_lead_to_pages_that_are_there(client: Client) -> None:
    service = factories.make_service()

    steps = data_of(page_of(client, service.get_absolute_url()))["BreadcrumbList"]["itemListElement"]

    assert [(step["position"], step["name"]) for step in steps] == [
        (1, "Services"), (2, "Network unlock"), (3, service.name),
    ]  # fmt: skip
    for step in steps:
        assert client.get(step["item"].removeprefix(SHOP)).status_code == 200


def test_the_first_page_tells_who_we_are_and_shows_every_question_it_names(client: Client) -> None:
    page = page_of(client, "/")
    data = data_of(page)

    assert data["Organization"]["url"] == f"{SHOP}/"
    assert client.get(data["Organization"]["logo"].removeprefix(SHOP)).status_code == 200
    asked = [(each["name"], each["acceptedAnswer"]["text"]) for each in data["FAQPage"]["mainEntity"]]
    assert asked == [(each.text, each.answer) for each in asked_first()]
    for question, answer in asked:
        assert f"<summary>{html.escape(question)}</summary>" in page
        assert html.escape(answer) in page
    search = data["WebSite"]["potentialAction"]["target"]["urlTemplate"].replace("{search_term_string}", "iphone")
    assert client.get(search.removeprefix(SHOP)).status_code == 200


@pytest.mark.parametrize("field", ["name", "models_note", "brand"])
def test_hostile_text_stays_text(client: Client, field: str) -> None:
    service = factories.make_service(**{field: HOSTILE[:60]})
    Category.objects.update(name=HOSTILE)

    page = page_of(client, service.get_absolute_url())

    assert "<script>alert" not in page
    assert "\u2028" not in page.partition("</head>")[0].partition("ld+json")[2]
    product = data_of(page)["Product"]
    assert product["category"] == HOSTILE
    assert HOSTILE[:60] in {product["name"], product["brand"]["name"], product["description"]} or (
        " ".join(HOSTILE[:60].split()) in product["description"]
    )


def test_only_data_stand_in_scripts_without_an_address(client: Client) -> None:
    for path in public_pages():
        page = page_of(client, path)
        inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", page)
        assert set(inline) <= {' type="application/ld+json"'}, path


def test_no_items_no_element() -> None:
    assert structured_data.as_script([]) == ""


def private_pages(client: Client) -> dict[str, str]:
    """Every kind of page that is nobody else's business."""
    order = paid_order(OrderState.COMPLETED)
    claim = claimed(order)
    draft = draft_at_check(client, factories.make_service(), factories.imei(7))
    secret = order.secret
    return {
        "tracker": "/order-status-tracker/",
        "tracker with an answer": f"/order-status-tracker/?q={order.number}",
        "order": order.get_absolute_url(),
        "purchase": order.purchase.get_absolute_url(),
        "details": f"/checkout/{draft.token}/details/",
        "check": f"/checkout/{draft.token}/check/",
        "claims": f"/orders/{secret}/claims/",
        "claim form": f"/orders/{secret}/claims/new/{claim.type}/",
        "claim": f"/orders/{secret}/claims/{claim.pk}/",
        "videos": f"/orders/{secret}/claims/{claim.pk}/videos/",
        "cancel": f"/orders/{secret}/cancel/",
        "correct": f"/orders/{secret}/correct/",
        "unknown order": "/orders/0123456789abcdef/",
        "unknown draft": "/checkout/0123456789abcdef/details/",
    }


def test_private_pages_are_not_indexed_and_name_no_address(client: Client) -> None:
    for name, path in private_pages(client).items():
        response = client.get(path)
        page = response.content.decode()
        head = head_of(page)

        assert response.status_code in {200, 404}, name
        assert "noindex" in head["robots"], name
        if response.status_code == 200 or "checkout" in path:
            assert "noindex" in response["X-Robots-Tag"], name
        assert head["canonical"] == "", name
        assert "og:url" not in head, name
        assert "ld+json" not in page, name


def test_an_order_begun_on_a_services_page_is_not_indexed(client: Client) -> None:
    service = factories.make_service()
    refused = send_device(client, service, "123")
    send_device(client, service)
    begun = client.get(f"{service.get_absolute_url()}?draft={client.cookies['draft'].value}")

    for response in (refused, begun):
        head = head_of(response.content.decode())
        assert (head["robots"], head["canonical"]) == ("noindex", "")


def test_the_device_page_is_not_indexed(client: Client) -> None:
    client.post("/device/", {"imei": factories.IMEI})

    response = client.get("/device/")

    assert "noindex" in response["X-Robots-Tag"]
    assert "noindex" in head_of(response.content.decode())["robots"]
