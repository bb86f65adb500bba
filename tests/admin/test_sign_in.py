"""Signing in: how often it may be tried, and what browsers keep of the staff pages."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"


def attempt(client: Client, email: str = "staff@example.com", *, ip: str = "192.0.2.1", password: str = "wrong"):
    return client.post(LOGIN, {"username": email, "password": password}, REMOTE_ADDR=ip)


def test_ten_attempts_in_five_minutes_per_address(client, monday):
    for n in range(10):
        assert attempt(client, f"person{n}@example.com").status_code == 200
    refused = attempt(client, "another@example.com")
    assert (refused.status_code, refused["Retry-After"]) == (429, "300")
    page = refused.content.decode()
    assert "Too many attempts" in page
    assert f'href="{reverse("admin:login")}"' in page
    assert client.get(LOGIN, REMOTE_ADDR="192.0.2.1").status_code == 200
    assert attempt(client, ip="192.0.2.2").status_code == 200
    with clock.frozen(monday + timedelta(minutes=5)):
        assert attempt(client).status_code == 200


def test_twenty_attempts_in_an_hour_per_account_and_no_lock_out(client, monday):
    user = factories.make_staff("staff@example.com")
    user.set_password("right-horse-battery")
    user.save()
    spellings = ("staff@example.com", " Staff@Example.COM ")
    for n in range(20):
        assert attempt(client, spellings[n % 2], ip=f"192.0.2.{n}").status_code == 200
    refused = attempt(client, ip="192.0.2.99", password="right-horse-battery")
    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")
    assert attempt(client, "other@example.com", ip="192.0.2.99").status_code == 200
    with clock.frozen(monday + timedelta(hours=1)):
        assert attempt(client, ip="192.0.2.99", password="right-horse-battery").status_code == 302


def test_a_form_of_another_site_uses_up_nothing(monday):
    strict = Client(enforce_csrf_checks=True)
    for _ in range(30):
        assert attempt(strict).status_code == 403
    assert attempt(Client()).status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https:evil.example", "https://evil.example/", "\\evil.example", "/\\evil.example",
                  "///evil.example", "javascript:alert(1)", " //evil.example", "http://testserver@evil.example/"],
)  # fmt: skip
def test_signing_in_never_leads_elsewhere(elsewhere):
    factories.make_staff("staff@example.com")
    form = {"username": "staff@example.com", "password": "correct horse battery", "next": elsewhere}
    answer = Client().post(f"{LOGIN}?{urlencode({'next': elsewhere})}", form)
    target = urljoin("http://testserver/admin/login/", answer["Location"].replace("\\", "/"))
    assert (answer.status_code, urlsplit(target).netloc) == (302, "testserver")
    assert Client().get(target).status_code in {302, 404}


def test_staff_pages_are_kept_out_of_caches(client, admin):
    for response in (
        client.get(LOGIN),
        admin.get("/admin/"),
        admin.get("/admin/orders/order/"),
        client.get("/admin/"),
    ):
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]
    assert "no-store" not in client.get("/terms/").headers.get("Cache-Control", "")
