"""Sitemap, robots.txt, manifest, icons and the pictures of shared links."""

from __future__ import annotations

import io
import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.test import Client
from PIL import Image

from services.models import Category, Service
from tests import factories
from tests.helpers.demo import ROOT
from tests.helpers.icons import SIZES, source_digest
from unlockshop.storefront import sharing_image

pytestmark = pytest.mark.django_db

SHOP = "https://shop.example"


@pytest.fixture(autouse=True)
def _base(settings: Any) -> None:
    settings.BASE_URL = SHOP


def sitemap(client: Client) -> dict[str, str]:
    """Address and day of everything in it."""
    response = client.get("/sitemap.xml")
    assert response["Content-Type"] == "application/xml"
    names = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    urls = ET.fromstring(response.content).findall("s:url", names)
    return {url.findtext("s:loc", "", names): url.findtext("s:lastmod", "", names) for url in urls}


def test_the_sitemap_has_what_anybody_may_see_and_every_page_opens(client: Client) -> None:
    service = factories.make_service()
    factories.make_service(is_published=False)
    Category.objects.create(slug="empty", name="Empty", position=9)
    factories.make_purchase(service, paid=True)

    found = sitemap(client)

    paths = ["/", "/services/", "/services/?category=unlock", service.get_absolute_url(), "/terms/", "/terms/refunds/"]
    assert set(found) == {SHOP + path for path in paths}
    for address in found:
        response = client.get(address.removeprefix(SHOP))
        assert response.status_code == 200
        assert f'<link rel="canonical" href="{address}">' in response.content.decode()


def test_the_sitemap_says_when_a_page_was_changed(client: Client) -> None:
    service, other = factories.make_service(), factories.make_service()
    made = datetime(2026, 11, 2, 8, tzinfo=UTC)
    Service.objects.update(created_at=made)
    entry = LogEntry.objects.create(
        user=factories.make_staff(), content_type=ContentType.objects.get_for_model(Service), object_id=service.pk,
        action_flag=CHANGE, object_repr="", change_message="",
    )  # fmt: skip
    LogEntry.objects.filter(pk=entry.pk).update(action_time=datetime(2026, 11, 20, 9, tzinfo=UTC))

    found = sitemap(client)

    assert found[SHOP + service.get_absolute_url()] == "2026-11-20"
    assert found[SHOP + other.get_absolute_url()] == "2026-11-02"
    assert found[f"{SHOP}/terms/"] == str(client.get("/terms/").context["terms"].effective_on)
    assert found[f"{SHOP}/"] == ""


@pytest.mark.parametrize("rows", [1, 30])
def test_the_sitemap_costs_as_much_for_many_services(
    client: Client, django_assert_max_num_queries: Any, rows: int
) -> None:
    supplier = factories.make_supplier()
    for _ in range(rows):
        factories.make_service(supplier=supplier)
    with django_assert_max_num_queries(6):
        assert len(sitemap(client)) == rows + 5


def test_robots_names_the_sitemap_and_closes_what_costs_a_row(client: Client) -> None:
    response = client.get("/robots.txt")
    text = response.content.decode()

    assert response["Content-Type"].startswith("text/plain")
    assert f"Sitemap: {SHOP}/sitemap.xml" in text
    assert {"Disallow: /admin/", "Disallow: /checkout/"} <= set(text.splitlines())
    for prefix in ("", "/es", "/ar"):
        for path in ("/checkout/", "/device/", "/currency/"):
            assert f"Disallow: {prefix}{path}" in text.splitlines()
    assert "/orders/" not in text, "a crawler that may not read an order's page cannot read its noindex"


def test_the_manifest_names_icons_that_are_there(client: Client) -> None:
    response = client.get("/site.webmanifest")
    manifest = response.json()

    assert response["Content-Type"] == "application/manifest+json"
    assert manifest["start_url"] == "/"
    for icon in manifest["icons"]:
        picture = Image.open(io.BytesIO(b"".join(client.get(icon["src"]))))
        assert icon["sizes"] == f"{picture.width}x{picture.height}"


@pytest.mark.parametrize("path", ["/favicon.ico", "/apple-touch-icon.png"])
def test_icons_are_where_browsers_look(client: Client, path: str) -> None:
    response = client.get(path, follow=True)
    picture = Image.open(io.BytesIO(b"".join(response)))

    assert response.status_code == 200
    assert picture.width == picture.height >= 32


@pytest.mark.parametrize("name", [*SIZES, "apple-touch-icon.png"])
def test_icons_were_made_of_todays_mark(name: str) -> None:
    with Image.open(ROOT / "static" / "img" / name) as picture:
        assert picture.info["Mark"] == source_digest(), "the mark has changed: run make icons"


def image_path(client: Client, path: str) -> str:
    """The path of the picture that a page names."""
    page = client.get(path).content.decode()
    (address,) = re.findall(r'<meta property="og:image" content="([^"]+)">', page)
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}" == SHOP
    return f"{parts.path}?{parts.query}"


def test_a_shared_link_has_a_picture_of_the_promised_size(client: Client) -> None:
    service = factories.make_service(name="AT&T USA iPhone")
    for page in ("/", service.get_absolute_url()):
        response = client.get(image_path(client, page))
        picture = Image.open(io.BytesIO(response.content))

        assert response["Content-Type"] == "image/png"
        assert response["Cache-Control"] == "public, max-age=86400"
        assert "Set-Cookie" not in response
        assert (picture.format, picture.size) == ("PNG", (1200, 630))
        assert len(response.content) < 60_000


def test_each_service_has_a_picture_of_its_own_that_changes_with_its_name(client: Client) -> None:
    service, other = factories.make_service(), factories.make_service()
    first, second = (image_path(client, each.get_absolute_url()) for each in (service, other))
    pictures = [client.get(path).content for path in (first, second)]
    Service.objects.filter(pk=service.pk).update(name="Another name")

    renamed = image_path(client, service.get_absolute_url())

    assert renamed != first
    assert len({*pictures, client.get(renamed).content}) == 3


def test_who_has_the_picture_gets_304_and_nothing_is_drawn(client: Client) -> None:
    path = image_path(client, factories.make_service().get_absolute_url())
    etag = client.get(path)["ETag"]
    cache.clear()

    response = client.get(path, headers={"If-None-Match": etag})

    assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)
    assert cache.get(f"sharing-image:{etag}") is None
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_hidden_and_unknown_services_have_no_picture(client: Client) -> None:
    hidden = factories.make_service(is_published=False)

    assert client.get(f"/og/services/{hidden.slug}.png").status_code == 404
    assert client.get("/og/services/nothing.png").status_code == 404


@pytest.mark.parametrize(
    "name",
    ["W" * 120, "word " * 24, "a\u202eb\x00c\nd", "<b>&amp;</b>", "Ελληνικά и русский", " ", "ﷺ", "\U0001f4f1" * 20],
)
def test_any_name_can_be_drawn_and_stays_small(name: str) -> None:
    began = time.perf_counter()
    drawn = sharing_image.picture(name, name[:80])

    assert time.perf_counter() - began < 5
    assert Image.open(io.BytesIO(drawn)).size == (1200, 630)
    assert len(drawn) < 80_000


def test_a_name_that_the_font_cannot_write_gets_the_shops_picture(settings: Any) -> None:
    assert sharing_image.picture("中文服务", "中文") == sharing_image.picture(settings.SHOP_NAME, "")
    assert sharing_image.picture("iPhone", "") != sharing_image.picture(settings.SHOP_NAME, "")


def test_without_a_cache_pictures_are_drawn_again(settings: Any, client: Client) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}
    }

    response = client.get("/og/shop.png")

    assert response.status_code == 200
    assert response.content.startswith(b"\x89PNG")
