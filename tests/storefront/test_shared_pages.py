"""Pages that a process keeps: no query while nothing changed, and never for long what is no longer so."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction
from django.test import Client

from orders.models import Draft, ServiceTurnaround
from refunds.models import PolicyVersion
from services import content_versions
from services.models import Category, ContentVersion, Service, ServiceField, ServicePrice
from tests.admin.test_catalogue import save
from tests.factories import IMEI, make_service, make_staff
from tests.storefront.test_device import start
from unlockshop.kernel import clock
from unlockshop.storefront import shared_pages

pytestmark = pytest.mark.django_db
PAGES = ("/", "/services/", "service")
POLICIES = {
    "Content-Language", "Content-Length", "Content-Security-Policy", "Content-Type", "Cross-Origin-Opener-Policy",
    "Permissions-Policy", "Referrer-Policy", "Vary", "X-Content-Type-Options", "X-Frame-Options",
}  # fmt: skip
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@pytest.fixture(autouse=True)
def _as_in_production(settings: Any) -> None:
    settings.SHARED_PAGES_RECHECK_SECONDS = 1.0


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def make_services(rows: int) -> Service:
    """One of so many."""
    return [make_service() for _ in range(rows)][-1]


def path_of(name: str, service: Service) -> str:
    return service.get_absolute_url() if name == "service" else name


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("name", PAGES)
def test_a_kept_page_costs_no_query(
    monday: Any, client: Client, django_assert_num_queries: Any, rows: int, name: str
) -> None:
    path = path_of(name, make_services(rows))
    page(client, path)

    with django_assert_num_queries(0):
        page(Client(), path)


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("name", PAGES)
def test_looking_whether_it_changed_costs_one_query(
    monday: Any, client: Client, django_assert_num_queries: Any, rows: int, name: str
) -> None:
    path = path_of(name, make_services(rows))
    page(client, path)

    with clock.frozen(monday + timedelta(seconds=1)), django_assert_num_queries(1):
        page(client, path)


@pytest.mark.parametrize("name", ["/services/", "service"])
def test_a_price_that_staff_change_is_on_the_page_at_once(monday: Any, client: Client, name: str) -> None:
    service, staff = make_service(price="18.90"), Client()
    staff.force_login(make_staff())
    assert "18.90" in page(client, path_of(name, service))

    assert save(staff, service, prices=[{"currency": "EUR", "amount": "21.50", "option": ""}]).status_code == 302

    shown = page(client, path_of(name, service))
    assert "21.50" in shown
    assert "18.90" not in shown


@pytest.mark.parametrize("name", ["/services/", "service"])
def test_a_price_that_another_process_changes_is_on_the_page_within_a_second(
    monday: Any, client: Client, name: str
) -> None:
    service = make_service(price="18.90")
    page(client, path_of(name, service))

    ServicePrice.objects.update(amount=Decimal("21.50"))

    with clock.frozen(monday + timedelta(seconds=1)):
        assert "21.50" in page(client, path_of(name, service))


def test_a_hidden_service_is_gone(monday: Any, client: Client) -> None:
    service = make_service(name="Of yesterday")
    assert "Of yesterday" in page(client, "/services/")
    page(client, service.get_absolute_url())

    Service.objects.update(is_published=False)

    with clock.frozen(monday + timedelta(seconds=1)):
        assert "Of yesterday" not in page(client, "/services/")
        assert client.get(service.get_absolute_url()).status_code == 404


def test_the_checkout_never_believes_a_kept_price(monday: Any, client: Client) -> None:
    service = make_service(price="18.90")
    page(client, service.get_absolute_url())
    ServicePrice.objects.update(amount=Decimal("21.50"))

    client.post(service.get_absolute_url(), {"identifier": IMEI, "several": "", "currency": "EUR"})

    assert Draft.objects.get().quoted_total == Decimal("21.50")


def test_a_clock_that_is_set_back_keeps_no_page(monday: Any, client: Client) -> None:
    make_service(price="18.90")
    page(client, "/services/")
    ServicePrice.objects.update(amount=Decimal("21.50"))

    with clock.frozen(monday - timedelta(hours=1)):
        assert "21.50" in page(client, "/services/")


def test_each_visitor_has_a_form_token_that_works(monday: Any) -> None:
    service = make_service()
    ada, ben = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    tokens = {visitor: TOKEN.findall(page(visitor, service.get_absolute_url())) for visitor in (ada, ben)}

    assert not set(tokens[ada]) & set(tokens[ben])
    for visitor, of_visitor in tokens.items():
        form = {"identifier": IMEI, "several": "", "currency": "EUR", "csrfmiddlewaretoken": of_visitor[-1]}
        assert visitor.post(service.get_absolute_url(), form).status_code == 303


def test_what_one_visitor_typed_is_on_nobody_elses_page(monday: Any) -> None:
    service, ada, ben = make_service(), Client(), Client()
    start(ada)
    assert 'value="35' in page(ada, service.get_absolute_url())

    kept = page(ben, service.get_absolute_url())

    assert 'value="35' not in kept


def test_who_began_an_order_gets_their_own_page_though_one_is_kept(monday: Any) -> None:
    service, ada, ben = make_service(), Client(), Client()
    start(ada)
    page(ben, service.get_absolute_url())
    page(ben, service.get_absolute_url())

    assert 'value="35' in page(ada, service.get_absolute_url())


@pytest.mark.parametrize("name", [*PAGES, "/es/", "/es/services/", "/ar/services/"])
@pytest.mark.parametrize("secure", [False, True])
def test_a_kept_page_has_the_headers_and_cookies_of_one_that_was_made(
    monday: Any, settings: Any, name: str, secure: bool
) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    path = path_of(name, make_service())

    made, kept = (Client().get(path, secure=secure) for _ in range(2))

    assert made.resolver_match is not None
    assert made.wsgi_request.resolver_match is not None
    assert kept.wsgi_request.resolver_match is None  # it never came as far as its view
    assert dict(kept.items()) == dict(made.items())
    assert {*POLICIES, *(["Strict-Transport-Security"] if secure else [])} <= set(kept.headers)
    assert "Cookie" in kept["Vary"]
    assert _cookie_terms(kept) == _cookie_terms(made) != []


def _cookie_terms(response: Any) -> list[dict[str, Any]]:
    """All but the value and the second that it ends at, which stands in max-age too."""
    return [{"key": morsel.key, **morsel, "expires": ""} for morsel in response.cookies.values()]


def test_a_kept_page_is_for_the_shops_hosts_alone(monday: Any, client: Client) -> None:
    make_service()
    page(client, "/services/")

    assert client.get("/services/", headers={"host": "elsewhere.example"}).status_code == 400
    assert client.get("/services/", headers={"host": "elsewhere.example"}).status_code == 400


def test_a_body_that_is_too_large_is_refused_at_a_kept_page(monday: Any, client: Client, settings: Any) -> None:
    page(client, "/services/")

    assert client.get("/services/", CONTENT_LENGTH=str(settings.MAX_BODY_BYTES + 1)).status_code == 413


def test_other_methods_than_reading_reach_the_view_of_a_kept_page(monday: Any, client: Client) -> None:
    page(client, "/services/")

    assert client.post("/services/").status_code == 405
    assert client.head("/services/").content == b""


def test_each_currency_has_its_own_page(monday: Any, client: Client) -> None:
    service = make_service(price="18.90")
    ServicePrice.objects.create(service=service, currency="USD", amount=Decimal("23.40"))
    page(client, service.get_absolute_url())

    client.cookies["currency"] = "USD"

    assert "23.40" in page(client, service.get_absolute_url())


def test_not_more_pages_are_kept_than_fit(monday: Any, client: Client, django_assert_num_queries: Any) -> None:
    make_service()
    page(client, "/services/")
    for number in range(shared_pages.MOST_PAGES):
        page(client, f"/services/?brand=no-{number}")

    with django_assert_num_queries(3):
        page(client, "/services/")


def version(part: str) -> str:
    return dict(ContentVersion.objects.values_list("part", "version")).get(part, "")


def test_every_way_to_write_the_catalogue_changes_its_version() -> None:
    seen = {version("catalogue")}
    service = make_service()
    seen.add(version("catalogue"))
    writes = [
        lambda: Service.objects.filter(pk=service.pk).update(is_open=False),
        lambda: ServicePrice.objects.update(amount=1),
        lambda: ServicePrice.objects.bulk_create([ServicePrice(service=service, currency="USD", amount=2)]),
        lambda: ServicePrice.objects.bulk_create(
            [ServicePrice(service=service, currency="USD", option="x", amount=2)], ignore_conflicts=True
        ),
        lambda: ServicePrice.objects.bulk_create(
            [ServicePrice(service=service, currency="USD", option="x", amount=3)],
            update_conflicts=True,
            unique_fields=["service", "currency", "option"],
            update_fields=["amount"],
        ),
        lambda: ServicePrice.objects.filter(currency="USD").delete(),
        lambda: ServiceField.objects.update(label="Number"),
        lambda: ServiceField.objects.all().delete(),
        lambda: Category.objects.update(name="Other"),
        lambda: execute("UPDATE services_service SET name = 'By hand'"),
    ]
    for number, write in enumerate(writes, start=3):
        write()
        seen.add(version("catalogue"))
        assert len(seen) == number


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_delivery_times_and_refund_rules_have_versions_of_their_own() -> None:
    service = make_service()
    before = {part: version(part) for part in ("catalogue", "averages", "rules")}

    ServiceTurnaround.objects.create(
        service=service, supplier=service.offers.get().supplier, day=clock.now().date(), completed=1
    )
    PolicyVersion.objects.create(
        name="default",
        version="2027-01-a",
        base="2026-11",
        root="2026-11",
        fingerprint="f" * 64,
        reason="new",
        published_by="Sam",
    )

    assert version("catalogue") == before["catalogue"]
    assert version("averages") != before["averages"]
    assert version("rules") != before["rules"]


def test_what_is_rolled_back_changes_nothing_and_its_version_never_comes_again() -> None:
    service = make_service()
    before = version("catalogue")
    with transaction.atomic():
        Service.objects.filter(pk=service.pk).update(name="Never")
        never = version("catalogue")
        transaction.set_rollback(True)
    after_rollback = version("catalogue")
    Service.objects.filter(pk=service.pk).update(name="Other")

    assert after_rollback == before
    assert version("catalogue") not in {before, never}


def test_migrating_brings_back_triggers_that_a_rebuilt_table_lost() -> None:
    service = make_service()
    drop_triggers()
    lost = version("catalogue")
    Service.objects.filter(pk=service.pk).update(name="Unseen")
    assert version("catalogue") == lost

    emit_post_migrate_signal(verbosity=0, interactive=False, db="default", apps=apps)

    Service.objects.filter(pk=service.pk).update(name="Seen")
    assert version("catalogue") != lost


def drop_triggers() -> None:
    if connection.vendor == "postgresql":
        execute(f"DROP TRIGGER services_service{content_versions.SUFFIX} ON services_service")
        return
    for verb in ("insert", "update", "delete"):
        execute(f"DROP TRIGGER services_service_{verb}{content_versions.SUFFIX}")
