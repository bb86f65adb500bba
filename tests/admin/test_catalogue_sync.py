"""Staff see what is different in a supplier's catalogue and choose; nothing is done by looking."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from services import tasks
from services.models import (
    CatalogueChoice,
    CatalogueSync,
    CostRate,
    MarginRule,
    Offer,
    Service,
    ServicePrice,
    Supplier,
    SupplierService,
)
from services.syncing.cleaning import clean
from services.syncing.recording import record
from tests import factories
from tests.admin.test_queues import queues, shown
from tests.helpers.suppliers import ScriptedClient, entry
from unlockshop.kernel import clock
from unlockshop.kernel.staff_parts import change_url, list_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def supplier(settings) -> Supplier:
    settings.SUPPLIER_ADAPTERS = {**settings.SUPPLIER_ADAPTERS, "scripted": "tests.helpers.suppliers.ScriptedClient"}
    return factories.make_supplier(adapter="scripted")


def fetch_url(supplier: Supplier) -> str:
    return f"{change_url(supplier).removesuffix('change/')}do/fetch-catalogue/"


def lists(supplier: Supplier, *entries) -> list[SupplierService]:
    record(supplier.pk, clean(entries)[0], currency="EUR", moment=clock.now())
    return list(SupplierService.objects.filter(supplier=supplier).order_by("pk"))


def choose(client, name: str, *rows, model=SupplierService, query: str = ""):
    """Tick rows and pick an action: the page that shows what would be done."""
    data = {"action": name, "_selected_action": [row.pk for row in rows], "select_across": "0"}
    return client.post(list_url(model, query), data)


def confirm(client, page, **answers):
    """Press the button on that page."""
    html = page.content.decode()
    data = {
        "action": re.search(r'name="action" value="(\w+)"', html)[1], "_selected_action": ["0"], "confirmed": "yes",
        "seen": re.findall(r'name="seen" value="([^"]+)"', html), **answers,
    }  # fmt: skip
    address = re.search(r'<form method="post" action="([^"]+)"', html)[1].replace("&amp;", "&")
    return client.post(address, data, follow=not answers.pop("stay", False))


def test_a_fetch_is_asked_for_on_the_suppliers_page_and_tells_how_it_stands(admin, supplier):
    url = fetch_url(supplier)
    version = re.search(r'name="version" value="([^"]*)"', admin.get(url).content.decode())[1]
    page = admin.post(url, {"version": version}, follow=True).content.decode()
    sync = CatalogueSync.objects.get()
    assert (sync.asked_by, sync.accepts_smaller) == ("sam@example.com", False)
    assert "Being fetched" in page

    ScriptedClient.reset(services=[[]])
    tasks.fetch_catalogue(sync.pk)

    assert "the supplier lists no service" in admin.get(change_url(supplier)).content.decode()
    assert "Empty answer, nothing changed" in admin.get(change_url(sync)).content.decode()
    assert "Empty answer, nothing changed" in admin.get(list_url(CatalogueSync)).content.decode()


def test_rows_are_filtered_searched_and_escaped(admin, supplier):
    service = factories.make_service(supplier=supplier)
    used = service.offers.get().supplier_service_id
    lists(
        supplier, entry(used, cost=Decimal(12)), entry("2", name="Orange & Söhne"), entry("3", name="iCloud Removal")
    )
    SupplierService.objects.filter(service_id="2").update(group="<script>alert(1)</script>")

    def found(query: str) -> set[str]:
        page = admin.get(list_url(SupplierService, query))
        assert "<script>alert(1)" not in page.content.decode()
        return {row.service_id for row in page.context["cl"].result_list}

    assert found("") == {used, "2", "3"}
    assert found("difference=cost_up") == {used}
    assert found("difference=new") == {"2", "3"}
    assert found("difference=gone") == set()
    assert found("difference=any&used=yes") == {used}
    assert found("used=no") == {"2", "3"}
    assert found("q=Orange") == {"2"}
    assert found(f"supplier__id__exact={factories.make_supplier().pk}") == set()
    page = admin.get(list_url(SupplierService)).content.decode()
    assert "not sold here" in page
    assert "before: 10.00 EUR" in page
    queue = queues()["Suppliers' services to decide about"]
    assert (queue.count, shown(admin, queue), queue.due) == (3, 3, "New 2, Cost up 1")


def test_thousands_of_rows_cost_as_many_queries_as_few(admin, supplier):
    service = factories.make_service()
    Offer.objects.bulk_create(
        Offer(service=service, supplier=supplier, supplier_service_id=str(n), cost=1, cost_currency="EUR")
        for n in range(50)
    )
    lists(supplier, *(entry(str(n)) for n in range(5)))
    url = list_url(SupplierService, "difference=any")
    admin.get(url)
    with CaptureQueriesContext(connection) as few:
        admin.get(url)
    lists(supplier, *(entry(str(n)) for n in range(3000)))
    with CaptureQueriesContext(connection) as many:
        page = admin.get(url)

    assert (page.context["cl"].result_count, len(page.context["cl"].result_list)) == (3000, 100)
    assert len(many) == len(few)


def test_linking_from_the_list(admin, supplier):
    (row,) = lists(supplier, entry("7", name="Orange UK"))
    service = factories.make_service()

    page = choose(admin, "link", row, query="difference=new")
    assert "Orange UK" in page.content.decode()
    assert not Offer.objects.filter(supplier=supplier).exists(), "nothing is done before the button"
    wrong = confirm(admin, page, service="", priority="x", stay=True)
    assert wrong.status_code == 422
    assert 'role="alert"' in wrong.content.decode()
    answer = confirm(admin, wrong, service=service.pk, priority=5).content.decode()

    assert "Link to a service of ours: 1 row." in answer
    assert service.offers.get(supplier=supplier).priority == 5
    assert CatalogueChoice.objects.get().actor_label == "sam@example.com"
    assert service.slug in admin.get(change_url(row)).content.decode()


def test_drafts_are_hidden_and_what_is_not_sold_is_refused(admin, supplier):
    category = factories.make_service().category
    good, bad = lists(supplier, entry("1", name="Orange UK"), entry("2", name="iCloud Removal"))
    answers = {"kind": "unlock", "result_kind": "code", "category": category.pk, "average_minutes": 60}

    page = choose(admin, "draft", good, bad)
    assert confirm(admin, page, **answers, guaranteed_minutes=5, stay=True).status_code == 422
    answer = confirm(admin, page, **answers, guaranteed_minutes=1440).content.decode()

    assert "the shop does not sell what removes an activation lock" in answer
    draft = Service.objects.get(name="Orange UK")
    assert (draft.is_published, draft.offers.get().supplier) == (False, supplier)
    assert not Service.objects.filter(name="iCloud Removal").exists()


def test_costs_are_taken_over_as_they_were_shown(admin, supplier):
    service = factories.make_service(supplier=supplier)
    offered = service.offers.get().supplier_service_id
    (row,) = lists(supplier, entry(offered, cost=Decimal(12)))
    page = choose(admin, "take_costs", row)
    lists(supplier, entry(offered, cost=Decimal(50)))

    assert "it has changed meanwhile" in confirm(admin, page).content.decode()
    assert service.offers.get().cost == Decimal(10)
    confirm(admin, choose(admin, "take_costs", row))
    assert service.offers.get().cost == Decimal(50)


@pytest.mark.parametrize("name", ["switch_off", "note", "ignore", "watch"])
def test_the_other_choices_open_and_work(admin, supplier, name):
    rows = lists(supplier, entry("1"))
    SupplierService.objects.update(gone_since=clock.now(), is_ignored=name == "watch")

    confirm(admin, choose(admin, name, *rows))

    assert CatalogueChoice.objects.get().choice == name


@pytest.mark.parametrize("seen", ["", "x", "1", "1:2:3", "9" * 40 + ":a", "-1:a", "1:zz"])
def test_forged_rows_do_nothing(admin, supplier, seen):
    lists(supplier, entry("1"))
    data = {"action": "note", "_selected_action": ["0"], "confirmed": "yes", "seen": [seen]}

    assert admin.post(list_url(SupplierService), data, follow=True).status_code == 200
    assert not CatalogueChoice.objects.exists()


def test_too_many_at_once_are_not_begun(admin, supplier):
    lists(supplier, *(entry(str(n)) for n in range(501)))
    data = {
        "action": "note",
        "_selected_action": [SupplierService.objects.first().pk],
        "select_across": "1",
        "index": "0",
    }

    assert "At most 500 at a time" in admin.post(list_url(SupplierService), data, follow=True).content.decode()


def test_who_may_only_look_has_no_choices(support, supplier):
    (row,) = lists(supplier, entry("1"))
    page = support.get(list_url(SupplierService))
    assert page.status_code == 200
    assert 'value="note"' not in page.content.decode()
    data = {"action": "note", "_selected_action": [row.pk], "confirmed": "yes", "seen": [f"{row.pk}:x"]}
    support.post(list_url(SupplierService), data)
    assert "/do/" not in support.get(change_url(supplier)).content.decode()
    assert support.post(fetch_url(supplier), {}).status_code == 403
    assert not CatalogueChoice.objects.exists()
    assert not CatalogueSync.objects.exists()


def test_proposed_prices_are_shown_and_taken_over(admin):
    service = factories.make_service()
    ServicePrice.objects.create(service=service, currency="USD", amount=Decimal(5))
    MarginRule.objects.create(currency="EUR", percent=50)

    page = choose(admin, "take_prices", service, model=Service)
    html = page.content.decode()
    assert "15.00 EUR" in html
    assert "no cost rate between EUR and USD" in html
    assert service.prices.get(currency="EUR").amount == Decimal("18.90")
    confirm(admin, page)

    assert service.prices.get(currency="EUR").amount == Decimal(15)
    assert service.prices.get(currency="USD").amount == Decimal(5)
    history = admin.get(f"{change_url(service).removesuffix('change/')}history/").content.decode()
    assert "18.90 EUR → 15.00 EUR" in history


def test_prices_are_not_taken_over_without_the_right_to_change_prices(sign_in):
    user = factories.make_staff("narrow@example.com", superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_service", "change_service"]))
    service = factories.make_service()
    MarginRule.objects.create(currency="EUR", percent=50)
    assert b"take_prices" not in sign_in(user).get(list_url(Service)).content
    choose(sign_in(user), "take_prices", service, model=Service)
    assert service.prices.get().amount == Decimal("18.90")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "XXX"}, "Not a currency that the shop knows"),
        ({"percent": "-1"}, "Not negative"),
        ({"step": "0"}, "More than zero"),
        ({"ending": "0.90"}, "An ending needs a step"),
        ({"step": "1", "ending": "1"}, "An ending needs a step"),
        ({"currency": "JPY", "fixed": "0.5"}, "more digits than JPY has"),
        ({"currency": "usd", "category": ""}, "There is a rule for all categories"),
    ],
)
def test_wrong_margins_are_form_errors(admin, changes, words):
    MarginRule.objects.create(currency="USD")
    data = {"currency": "EUR", "percent": "10", "fixed": "0", "step": "", "ending": "0", "category": "", **changes}
    answer = admin.post(f"{list_url(MarginRule)}add/", data)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert MarginRule.objects.count() == 1


def test_a_margin_and_a_rate_are_kept(admin):
    data = {"currency": "eur", "percent": "35", "fixed": "1", "step": "1", "ending": "0.90", "category": ""}
    assert admin.post(f"{list_url(MarginRule)}add/", data).status_code == 302
    assert MarginRule.objects.get().currency == "EUR"
    rate = {"currency": "usd", "rate": "0.92", "as_of": "2026-11-20"}
    assert admin.post(f"{list_url(CostRate)}add/", rate).status_code == 302
    kept = CostRate.objects.get()
    assert (str(kept), kept.set_by) == ("1 USD = 0.92 EUR", "sam@example.com")
    for wrong in ({"currency": "EUR"}, {"currency": "GBP", "rate": "0"}, {"currency": "USD"}, {"currency": "??"}):
        assert admin.post(f"{list_url(CostRate)}add/", {**rate, **wrong}).status_code == 200
    assert CostRate.objects.count() == 1
