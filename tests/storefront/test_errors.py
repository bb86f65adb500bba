from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpResponse
from django.test import Client, RequestFactory

from tests.factories import make_service
from unlockshop.storefront import errors, home_views, ratelimit
from unlockshop.storefront.addresses import client_address, client_ip
from unlockshop.storefront.middleware import ClientAddressMiddleware


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/services/", "/terms/", "/nothing-here/"])
def test_pages_carry_the_strict_policy_and_load_nothing_from_elsewhere(client: Client, path: str) -> None:
    response = client.get(path)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    page = response.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick" not in page
    assert 'src="http' not in page
    assert 'lang="en"' in page
    assert 'href="#main"' in page
    assert "Demo: no money moves, no real supplier" in page


@pytest.mark.django_db
def test_banner_is_for_the_demo_only(client: Client, settings: Any) -> None:
    settings.DEMO = False
    assert "no money moves" not in client.get("/").content.decode()


@pytest.mark.django_db
def test_only_staff_pages_get_the_wider_policy(client: Client) -> None:
    assert "'unsafe-eval'" in client.get("/admin/login/")["Content-Security-Policy"]
    assert "unsafe" not in client.get("/administrator/")["Content-Security-Policy"]


@pytest.mark.django_db
def test_unknown_address_says_what_to_do(client: Client) -> None:
    response = client.get("/nothing-here/")
    assert response.status_code == 404
    page = response.content.decode()
    assert "There is nothing at this address" in page
    assert 'href="/services/"' in page
    assert "no-store" in response["Cache-Control"]


def test_server_error_page_needs_no_database(rf: RequestFactory, settings: Any) -> None:
    response = errors.server_error(rf.get("/"))
    assert response.status_code == 500
    page = response.content.decode()
    assert "Something went wrong on our side" in page
    assert settings.SUPPORT_EMAIL in page


def test_server_error_page_needs_no_templates(
    rf: RequestFactory, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> str:
        raise OSError("no templates")

    monkeypatch.setattr(errors, "render_to_string", broken)
    response = errors.server_error(rf.get("/"))
    assert response.status_code == 500
    assert settings.SUPPORT_EMAIL in response.content.decode()


@pytest.mark.django_db
def test_a_crash_gives_the_500_page(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(home_views, "render", crash)
    response = Client(raise_request_exception=False).get("/")
    assert response.status_code == 500
    assert "boom" not in response.content.decode()
    assert "Something went wrong on our side" in response.content.decode()


@pytest.mark.django_db
def test_missing_csrf_token_leads_back_to_the_form() -> None:
    service = make_service()
    client = Client(enforce_csrf_checks=True)
    response = client.post(service.get_absolute_url() + "?draft=x", {"identifier": "1"})
    assert response.status_code == 403
    page = response.content.decode()
    assert "Please send the form again" in page
    assert f'href="{service.get_absolute_url()}?draft=x"' in page


@pytest.mark.django_db
def test_way_back_never_leaves_the_shop(rf: RequestFactory) -> None:
    request = rf.post("/")
    request.path = "//evil.example/"
    assert 'href="//' not in errors.csrf_failure(request).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/services/", "/terms/", "/healthz"])
def test_reading_pages_take_no_posts(client: Client, path: str) -> None:
    assert client.post(path, {}).status_code == 405


@pytest.mark.django_db
def test_health(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")


def test_health_without_database(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(home_views, "connection", SimpleNamespace(cursor=refuse))
    assert home_views.healthz(rf.get("/healthz")).status_code == 503


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("10.0.0.5", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.5", "203.0.113.7, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.5", "203.0.113.7, 198.51.100.9, 10.0.0.6", "198.51.100.9"),
        ("10.0.0.5", "10.0.0.6", "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "198.51.100.9, nonsense", "10.0.0.5"),
        ("10.0.0.5", "'; DROP TABLE", "10.0.0.5"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("fe80::1%eth0", "", "fe80::1"),
        ("2001:db8::1", "", "2001:db8::1"),
        ("", "198.51.100.9", None),
        ("unix:", "198.51.100.9", None),
    ],
)
def test_address_of_the_visitor(settings: Any, peer: str, forwarded: str, found: str | None) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert client_address(peer, forwarded) == found


@pytest.mark.parametrize(
    ("header", "found"), [("X-Forwarded-For", "198.51.100.9"), ("X-Shop-Client-6f1c", "203.0.113.7")]
)
def test_address_is_read_from_the_configured_header(
    rf: RequestFactory, settings: Any, header: str, found: str
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    settings.CLIENT_ADDRESS_HEADER = header
    request = rf.get(
        "/", REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR="198.51.100.9", HTTP_X_SHOP_CLIENT_6F1C="203.0.113.7"
    )
    ClientAddressMiddleware(lambda _request: HttpResponse())(request)
    assert client_ip(request) == found


@pytest.mark.django_db
def test_unknown_host_is_not_logged(client: Client, settings: Any) -> None:
    assert client.get("/", HTTP_HOST="scanner.example").status_code == 400
    logger = logging.getLogger("django.security.DisallowedHost")
    assert not logger.propagate
    assert any(type(handler) is logging.NullHandler for handler in logger.handlers)
    assert settings.LOGGING["loggers"][logger.name]["handlers"] == ["nowhere"]


def test_rate_limit_counts_per_visitor_and_scope() -> None:
    cache.clear()
    assert [ratelimit.allowed("a", "192.0.2.1", 2, 60) for _ in range(3)] == [True, True, False]
    assert ratelimit.allowed("a", "192.0.2.2", 2, 60)
    assert ratelimit.allowed("b", "192.0.2.1", 2, 60)


def test_rate_limit_counts_an_ipv6_network_as_one() -> None:
    cache.clear()
    assert ratelimit.allowed("v6", "2001:db8::1", 1, 60)
    assert not ratelimit.allowed("v6", "2001:db8::ffff", 1, 60)
    assert ratelimit.allowed("v6", "2001:db8:0:1::1", 1, 60)


def test_rate_limit_lets_pass_without_cache(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down(*_args: Any, **_kwargs: Any) -> None:
        raise ConnectionError("no cache")

    monkeypatch.setattr(ratelimit, "cache", SimpleNamespace(add=down, incr=down))
    assert not ratelimit.too_many(rf.get("/"), "tracker", 0, 60, extra_key="354178036859789")
    assert "rate limit tracker not counted: ConnectionError" in caplog.text
    assert "354178036859789" not in caplog.text


@pytest.mark.django_db
def test_too_many_requests_says_when_to_return(rf: RequestFactory) -> None:
    response = errors.too_many_requests(rf.get("/"), retry_after=120)
    assert (response.status_code, response["Retry-After"]) == (429, "120")
