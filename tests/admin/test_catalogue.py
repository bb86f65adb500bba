"""Staff edit the catalogue: what the database would refuse is a message on the form."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.models import Category, Service, ServicePrice, Supplier
from tests import factories
from unlockshop.kernel.staff_parts import change_url, list_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def service():
    return factories.make_service()


def rows(prefix, forms, initial):
    data = {f"{prefix}-TOTAL_FORMS": len(forms), f"{prefix}-INITIAL_FORMS": initial}
    data |= {f"{prefix}-MIN_NUM_FORMS": 0, f"{prefix}-MAX_NUM_FORMS": 1000}
    for n, form in enumerate(forms):
        data |= {f"{prefix}-{n}-{name}": value for name, value in form.items()}
    return data


def form_of(service, *, fields=None, prices=None, offers=None, **changes):
    """What the browser sends for the service, with changes."""
    field, price, offer = service.fields.get(), service.prices.get(), service.offers.get()
    own = {"service": service.pk}
    fields = fields or [
        {"name": field.name, "label": field.label, "kind": field.kind, "position": 0, "is_required": "on"}
    ]
    prices = prices or [{"currency": "EUR", "amount": "18.90", "option": ""}]
    offers = offers or [
        {
            "supplier": offer.supplier_id,
            "supplier_service_id": "1",
            "cost": "10",
            "cost_currency": "EUR",
            "priority": 100,
        }
    ]
    for lines, row in ((fields, field), (prices, price), (offers, offer)):
        lines[0].setdefault("id", row.pk)
        for line in lines:
            line.update(own)
    data = {
        "name": service.name, "slug": service.slug, "kind": "unlock", "result_kind": "code",
        "category": service.category_id, "brand": "Apple", "operator": "", "country": "us", "models_note": "",
        "networks": "AT&T\n\nCricket", "eligibility": "", "average_minutes": 1800, "guaranteed_minutes": 4320,
        "recheck_days": 30,
        "is_published": "on", "is_open": "on",
    }  # fmt: skip
    return {**data, **rows("fields", fields, 1), **rows("prices", prices, 1), **rows("offers", offers, 1), **changes}


def save(client, service, **kwargs):
    return client.post(change_url(service), form_of(service, **kwargs))


def test_service_is_saved(admin, service):
    answer = save(admin, service, name="AT&T USA iPhone")
    assert answer.status_code == 302, answer.context["errors"]
    service = Service.objects.get(pk=service.pk)
    assert (service.name, service.networks, service.country) == ("AT&T USA iPhone", ["AT&T", "Cricket"], "US")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"guaranteed_minutes": 60}, "must not be shorter than the average"),
        ({"guaranteed_minutes": 20 * 24 * 60 + 1}, "At most 20 business days"),
        ({"guaranteed_minutes": -5}, "greater than or equal to 0"),
        ({"guaranteed_minutes": 10**30}, "At most 20 business days"),
        ({"average_minutes": ""}, "required"),
        ({"country": "USA"}, "at most 2 characters"),
        ({"country": "1!"}, "two letters"),
        ({"kind": "erase"}, "not one of the available choices"),
        ({"category": "999"}, "not one of the available choices"),
    ],
)
def test_wrong_values_are_form_errors(admin, service, changes, words):
    answer = save(admin, service, **changes)
    assert answer.status_code == 200
    assert words in answer.content.decode()


def second(**values):
    return {"name": "second", "label": "Second", "position": 1, **values}


@pytest.mark.parametrize(
    ("kinds", "is_fine"), [(["imei", "text"], True), (["imei", "msisdn"], False), (["text", "model"], False)]
)
def test_exactly_one_field_asks_for_the_device(admin, service, kinds, is_fine):
    first = {"name": "imei", "label": "IMEI", "kind": kinds[0], "position": 0}
    answer = save(admin, service, fields=[first, second(kind=kinds[1])])
    assert answer.status_code == (302 if is_fine else 200)
    if not is_fine:
        assert "Exactly one field asks for" in answer.content.decode()


@pytest.mark.parametrize("pattern", ["(", "[a-", "*"])
def test_pattern_compiles(admin, service, pattern):
    first = {"name": "imei", "label": "IMEI", "kind": "imei", "position": 0}
    answer = save(admin, service, fields=[first, second(kind="text", pattern=pattern)])
    assert "Not a regular expression" in answer.content.decode()


def test_pattern_cannot_run_for_ever(admin, service):
    first = {"name": "imei", "label": "IMEI", "kind": "imei", "position": 0}
    answer = save(admin, service, fields=[first, second(kind="text", pattern="(a+)+$")])
    assert "A repeat inside a repeated group" in answer.content.decode()
    assert service.fields.count() == 1


def test_two_fields_of_one_name_are_a_form_error(admin, service):
    first = {"name": "imei", "label": "IMEI", "kind": "imei", "position": 0}
    answer = save(admin, service, fields=[first, {**second(kind="text"), "name": "imei"}])
    assert answer.status_code == 200
    assert service.fields.count() == 1


@pytest.mark.parametrize(
    "price",
    [
        {"currency": "XXX", "amount": "1"},
        {"currency": "JPY", "amount": "1.5"},
        {"currency": "EUR", "amount": "1.005"},
        {"currency": "EUR", "amount": "-1"},
        {"currency": "EUR", "amount": "NaN"},
        {"currency": "EUR", "amount": "1e99"},
        {"currency": "", "amount": "1"},
    ],
)
def test_prices_are_money(admin, service, price):
    answer = save(admin, service, prices=[{"option": "", **price}])
    assert answer.status_code == 200
    assert service.prices.get().amount == Decimal("18.90")


def test_one_price_per_currency(admin, service):
    twice = [{"currency": "EUR", "amount": "18.90", "option": ""}, {"currency": "EUR", "amount": "20", "option": ""}]
    assert save(admin, service, prices=twice).status_code == 200
    assert service.prices.count() == 1


def test_one_price_per_currency_in_any_case(admin, service):
    twice = [{"currency": "EUR", "amount": "18.90", "option": ""}, {"currency": "eur", "amount": "20", "option": ""}]
    assert save(admin, service, prices=twice).status_code == 200
    assert service.prices.count() == 1


@pytest.mark.parametrize("cost", ["-1", "NaN", "1.005", "x"])
def test_costs_are_money(admin, service, cost):
    supplier = service.offers.get().supplier_id
    offer = {"supplier": supplier, "supplier_service_id": "1", "cost": cost, "cost_currency": "EUR", "priority": 1}
    assert save(admin, service, offers=[offer]).status_code == 200


def run(client, name, *services):
    data = {"action": name, "_selected_action": [service.pk for service in services]}
    return client.post(list_url(Service), data, follow=True).content.decode()


def test_publishing_refuses_what_is_incomplete(admin, service):
    whole, bare = factories.make_service(is_published=False), factories.make_service(is_published=False)
    bare.prices.all().delete()
    bare.offers.update(is_active=False)
    page = run(admin, "publish", whole, bare)
    assert "has no price, active offer of a supplier" in page
    assert "1 service changed." in page
    published = Service.objects.filter(is_published=True)
    assert whole in published
    assert bare not in published


def test_closing_and_opening(admin, service):
    run(admin, "close_orders", service)
    assert not Service.objects.get(pk=service.pk).is_open
    run(admin, "open_orders", service)
    assert Service.objects.get(pk=service.pk).is_open
    run(admin, "unpublish", service)
    assert not Service.objects.get(pk=service.pk).is_published


def test_support_cannot_publish(support, service):
    run(support, "unpublish", service)
    assert Service.objects.get(pk=service.pk).is_published
    assert save(support, service, name="other").status_code == 403


def test_service_with_orders_is_not_deleted(admin):
    order = factories.make_order()
    url = change_url(order.service).replace("change/", "delete/")
    assert admin.post(url, {"post": "yes"}).status_code in {200, 403}
    assert Service.objects.filter(pk=order.service_id).exists()


def test_categories_are_edited(admin):
    answer = admin.post(
        list_url(Category) + "add/", {"name": "Checks", "slug": "checks", "position": 2, "description": ""}
    )
    assert answer.status_code == 302
    assert Category.objects.filter(slug="checks").exists()


def supplier_form(**changes):
    data = {
        "name": "Acme", "slug": "acme", "adapter": "dhru", "url": "https://acme.example/api",
        "username": "shop",
        "new_api_key": "", "is_active": "on", "settle_seconds": 600, "poll_seconds": 120, "calls_at_once": 4,
        "calls_per_minute": 60,
    }  # fmt: skip
    return {**data, **changes}


def test_supplier_key_is_written_and_never_shown(admin):
    admin.post(list_url(Supplier) + "add/", supplier_form(new_api_key="FIRST-KEY"))
    supplier = Supplier.objects.get()
    assert supplier.api_key == "FIRST-KEY"
    assert "FIRST-KEY" not in admin.get(change_url(supplier)).content.decode()
    admin.post(change_url(supplier), supplier_form(name="Acme Ltd"))
    supplier = Supplier.objects.get()
    assert (supplier.name, supplier.api_key) == ("Acme Ltd", "FIRST-KEY")
    admin.post(change_url(supplier), supplier_form(new_api_key="SECOND-KEY"))
    assert Supplier.objects.get().api_key == "SECOND-KEY"
    rejected = admin.post(change_url(supplier), supplier_form(new_api_key="THIRD-KEY", url=""))
    assert rejected.status_code == 200
    assert "THIRD-KEY" not in rejected.content.decode()


def test_another_host_needs_the_key_again(admin):
    admin.post(list_url(Supplier) + "add/", supplier_form(new_api_key="FIRST-KEY"))
    supplier = Supplier.objects.get()
    for url in ("https://evil.example/api", "https://acme.example:8443/api", "https://acme.example.evil.example/api"):
        answer = admin.post(change_url(supplier), supplier_form(url=url))
        assert "Enter the API key for it again" in answer.content.decode()
        assert Supplier.objects.get().url == "https://acme.example/api"
    assert admin.post(change_url(supplier), supplier_form(url="https://ACME.example/v2/api")).status_code == 302
    moved = supplier_form(url="https://new.example/api", new_api_key="SECOND-KEY")
    assert admin.post(change_url(supplier), moved).status_code == 302
    supplier = Supplier.objects.get()
    assert (supplier.url, supplier.api_key) == ("https://new.example/api", "SECOND-KEY")


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/", "https://10.0.0.1/", "https://169.254.169.254/latest/", "https://[::ffff:127.0.0.1]/",
        "https://2130706433/", "https://0x7f.1/", "https://0.0.0.0/", "https://100.64.0.1/", "https://[::1]:6379/",
        "https://93.184.215.14:22/", "https://a:b@93.184.215.14/", "http://nowhere.invalid/",
        "https://nowhere.invalid:6379/", "https://93.184.215.14\\@10.0.0.1/",
    ],
)  # fmt: skip
def test_a_supplier_address_inside_our_network_is_not_saved(admin, settings, url):
    settings.SUPPLIERS_ALLOW_LOOPBACK = False
    assert admin.post(list_url(Supplier) + "add/", supplier_form(url=url)).status_code == 200
    assert not Supplier.objects.exists()


@pytest.mark.parametrize(
    "url", ["https://93.184.215.14/api", "https://93.184.215.14:8443/", "https://nowhere.invalid/"]
)
def test_a_public_supplier_address_is_saved(admin, settings, url):
    settings.SUPPLIERS_ALLOW_LOOPBACK = False
    admin.post(list_url(Supplier) + "add/", supplier_form(url=url))
    assert Supplier.objects.get().url == url


@pytest.mark.parametrize("changes", [{"url": "acme"}, {"url": "ftp://acme"}, {"poll_seconds": 0}, {"adapter": "nope"}])
def test_wrong_supplier_values_are_form_errors(admin, changes):
    assert admin.post(list_url(Supplier) + "add/", supplier_form(**changes)).status_code == 200
    assert not Supplier.objects.exists()


@pytest.mark.parametrize(
    ("currency", "amount", "words"),
    [
        ("JPY", "3180.5", "An amount in JPY goes in steps of 1."),
        ("KWD", "6.7505", "no more than 3 decimal places"),
        ("USD", "21.905", "An amount in USD goes in steps of 0.01."),
        ("USD", "-1", "greater than or equal to 0"),
        ("XXX", "1", "XXX is no currency that the shop knows."),
    ],
)
def test_a_price_that_its_currency_has_not_is_said_beside_the_field(admin, service, currency, amount, words):
    prices = [{"currency": "EUR", "amount": "18.90", "option": ""}]
    answer = save(admin, service, prices=[*prices, {"currency": currency, "amount": amount, "option": ""}])
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert service.prices.count() == 1


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "3180"), ("KWD", "6.750"), ("kwd", "6.75")])
def test_prices_are_edited_per_currency(admin, service, currency, amount):
    prices = [{"currency": "EUR", "amount": "18.90", "option": ""}]
    answer = save(admin, service, prices=[*prices, {"currency": currency, "amount": amount, "option": ""}])
    assert answer.status_code == 302
    assert service.prices.get(currency=currency.upper()).amount == Decimal(amount)


def test_the_list_shows_what_lacks_a_price(admin, service, settings):
    settings.CURRENCIES = ["EUR", "JPY"]
    whole, torn = factories.make_service(), factories.make_service()
    for each in (whole, torn):
        ServicePrice.objects.create(service=each, currency="JPY", amount=3180)
        ServicePrice.objects.create(service=each, currency="EUR", option="amount=50", amount=99)
    ServicePrice.objects.create(service=whole, currency="JPY", option="amount=50", amount=9990)
    ServicePrice.objects.create(service=whole, currency="USD", amount=20)

    def listed(query):
        answer = admin.get(f"{list_url(Service)}?without_price={query}")
        return set(answer.context["cl"].queryset)

    assert listed("any") == listed("JPY") == {service, torn}
    assert listed("EUR") == set()
    assert "18.900 EUR" not in admin.get(list_url(Service)).content.decode()
    assert admin.get(list_url(Service)).content.decode().count("not sold in JPY") == 2


@pytest.mark.parametrize(("kind", "is_saved"), [("check", True), ("unlock", False), ("topup", False)])
def test_only_a_check_costs_nothing(admin, service, kind, is_saved):
    answer = save(admin, service, prices=[{"currency": "EUR", "amount": "0", "option": ""}], kind=kind)

    assert (answer.status_code == 302) == is_saved
    assert (ServicePrice.objects.get(service=service).amount == 0) == is_saved
    assert is_saved or "Only a check may cost nothing." in answer.content.decode()


@pytest.mark.parametrize(
    ("again", "complaint"),
    [
        ("", ""),
        ("5.00", ""),
        ("0", "More than 0, and no more than the price."),
        ("18.91", "More than 0, and no more than the price."),
        ("5.005", "An amount in EUR goes in steps of 0.01."),
    ],
)
def test_a_recheck_price_is_a_price_and_no_higher(admin, service, again, complaint):
    prices = [{"currency": "EUR", "amount": "18.90", "option": "", "recheck_amount": again}]
    answer = save(admin, service, prices=prices)

    assert (answer.status_code == 302) == (not complaint)
    assert complaint in answer.content.decode()
    assert ServicePrice.objects.get(service=service).recheck_amount == (Decimal("5.00") if again == "5.00" else None)
