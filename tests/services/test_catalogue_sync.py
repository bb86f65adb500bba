"""Fetching a supplier's catalogue: what is taken, what is not believed, and that nothing is ever published by it."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction

from services import tasks
from services.models import CatalogueSync, Offer, Service, ServicePrice, Supplier, SupplierService
from services.suppliers.base import Account, CustomField, RefusalCode
from services.syncing import fetching
from services.syncing.differences import Difference, counted, differences, to_decide, told, with_difference
from services.syncing.models import SyncOutcome
from tests import factories
from tests.helpers.processes import running_supplier
from tests.helpers.suppliers import ScriptedClient, asked, entry
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

pytestmark = pytest.mark.django_db
D = Difference


@pytest.fixture(autouse=True)
def _scripted(settings):
    settings.SUPPLIER_ADAPTERS = settings.SUPPLIER_ADAPTERS | {"scripted": "tests.helpers.suppliers.ScriptedClient"}
    ScriptedClient.reset()


@pytest.fixture
def supplier() -> Supplier:
    return factories.make_supplier(adapter="scripted")


def fetch(supplier: Supplier, *entries: Any, **options: Any) -> CatalogueSync:
    """Fetch once, the supplier listing ``entries``; or one error to raise."""
    listed = entries[0] if len(entries) == 1 and isinstance(entries[0], Exception | list) else list(entries)
    script: dict[str, Any] = {"services": [listed]}
    if "account" in options:
        script["account"] = [options.pop("account")]
    ScriptedClient.reset(**script)
    sync = fetching.ask(supplier.pk, by="sam", **options)
    fetching.fetch(sync.pk)
    sync.refresh_from_db()
    return sync


def row(supplier: Supplier, service_id: str) -> SupplierService:
    return SupplierService.objects.get(supplier=supplier, service_id=service_id)


def everything() -> list[Any]:
    """All that a fetch could have changed, without when a row was seen."""
    models = (SupplierService, Offer, Service, ServicePrice)
    return [list(model.objects.order_by("pk").values()) for model in models]


def by_difference(supplier: Supplier) -> dict[str, list[str]]:
    rows = SupplierService.objects.filter(supplier=supplier)
    found = {each: sorted(with_difference(rows, each).values_list("service_id", flat=True)) for each in Difference}
    told_singly = {each: sorted(r.service_id for r in rows if each in differences(r)) for each in Difference}
    assert found == told_singly, "the filters and the rows tell the same"
    assert counted(rows) == {each: len(ids) for each, ids in found.items()}
    assert set(to_decide(rows)) == {r for r in rows if differences(r)}
    return {str(each): ids for each, ids in found.items() if ids}


def test_the_first_fetch_makes_everything_new_and_publishes_nothing(supplier):
    sync = fetch(supplier, entry("1"), entry("2", cost=Decimal("3.125")))

    assert (sync.outcome, sync.added, sync.gone, sync.message) == (SyncOutcome.TAKEN, 2, 0, "")
    assert by_difference(supplier) == {"new": ["1", "2"]}
    assert (row(supplier, "2").cost, row(supplier, "2").cost_currency) == (Decimal("3.125"), "EUR")
    assert Service.objects.count() == Offer.objects.count() == 0


def test_differences_to_what_staff_have_seen(supplier):
    service = factories.make_service(supplier=supplier)
    ids = ["gone", "up", "down", "name", "fields", "same"]
    for service_id in ids:
        Offer.objects.create(
            service=service, supplier=supplier, supplier_service_id=service_id, cost=10, cost_currency="EUR"
        )
    fetch(supplier, *(entry(service_id) for service_id in ids))
    assert by_difference(supplier) == {}, "what an offer uses is known"

    box = CustomField("Lock Code", "text", (), "Your code", is_required=True)
    sync = fetch(
        supplier,
        entry("up", cost=Decimal("10.01")),
        entry("down", cost=Decimal("9.99")),
        entry("name", name="Another name"),
        entry("fields", custom_fields=(box,)),
        entry("same", time="other words are no difference"),
        entry("fresh"),
    )

    assert (sync.added, sync.changed, sync.gone) == (1, 5, 1)
    assert by_difference(supplier) == {
        "new": ["fresh"], "gone": ["gone"], "cost_up": ["up"], "cost_down": ["down"], "changed": ["fields", "name"],
    }  # fmt: skip
    assert told(row(supplier, "up")) == [("Cost", "10.00 EUR", "10.01 EUR")]
    assert told(row(supplier, "fields")) == [("Fields", "—", "Lock Code (text, required)")]
    assert set(Offer.objects.values_list("cost", "is_active")) == {(Decimal(10), True)}, "staff have not chosen yet"


def test_an_offer_with_another_cost_is_a_difference_from_the_start(supplier):
    service = factories.make_service(supplier=supplier)
    fetch(supplier, entry(service.offers.get().supplier_service_id, cost=Decimal(12)))

    assert list(by_difference(supplier)) == ["cost_up"]


def test_a_change_that_is_taken_back_is_no_difference(supplier):
    service = factories.make_service(supplier=supplier)
    listed = entry(service.offers.get().supplier_service_id)
    fetch(supplier, listed)
    fetch(supplier, entry(listed.service_id, cost=Decimal(11), requires=("PIN",)))
    assert set(by_difference(supplier)) == {"cost_up", "changed"}
    fetch(supplier, listed)

    assert by_difference(supplier) == {}


def test_another_currency_is_looked_at_like_a_rise(supplier):
    service = factories.make_service(supplier=supplier)
    service_id = service.offers.get().supplier_service_id
    fetch(supplier, entry(service_id))
    fetch(supplier, entry(service_id, cost=Decimal(1)), account=Account(None, "usd"))

    assert list(by_difference(supplier)) == ["cost_up"]
    assert row(supplier, service_id).cost_currency == "USD"


@pytest.mark.parametrize(("told_currency", "kept"), [("USD", "USD"), ("", "EUR"), ("Credits", "EUR"), ("$", "EUR")])
def test_a_currency_that_nobody_knows_is_that_of_the_offers(supplier, told_currency, kept):
    factories.make_service(supplier=supplier)
    fetch(supplier, entry("x"), account=Account(Decimal(1), told_currency))

    assert row(supplier, "x").cost_currency == kept


ERRORS = [
    Refused("Service list: once in 5 minutes", code=RefusalCode.RATE),
    Refused("Authentication Failed", code=RefusalCode.AUTH),
    Retryable("connection refused"),
    OutcomeUnknown("a page instead of an answer"),
    ValueError("an adapter's bug"),
]


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_an_error_changes_nothing_and_says_so(supplier, error):
    service = factories.make_service(supplier=supplier)
    fetch(supplier, entry(service.offers.get().supplier_service_id), entry("2"), entry("3"))
    before = everything()

    sync = fetch(supplier, error)

    assert sync.outcome == SyncOutcome.FAILED
    assert str(error) in sync.message or type(error).__name__ in sync.message
    assert everything() == before


def test_an_account_that_cannot_be_asked_changes_nothing(supplier):
    fetch(supplier, entry("1"))
    before = everything()

    assert fetch(supplier, entry("2"), account=Retryable("timeout")).outcome == SyncOutcome.FAILED
    assert everything() == before


@pytest.mark.parametrize(
    ("listed", "outcome"),
    [
        ([], SyncOutcome.EMPTY),
        ([entry(""), entry("x" * 81), entry("a\x00b")], SyncOutcome.EMPTY),
        ([entry("1"), entry("2")], SyncOutcome.SHRUNK),
        ([entry(f"other-{n}") for n in range(2)], SyncOutcome.SHRUNK),
        ([entry("1")] * fetching.MAX_ENTRIES + [entry("2")], SyncOutcome.TOO_LARGE),
    ],
    ids=["empty", "nothing usable", "under half", "under half, all others", "huge"],
)
def test_an_answer_that_is_not_believed_changes_nothing(supplier, listed, outcome):
    service = factories.make_service(supplier=supplier)
    ids = [service.offers.get().supplier_service_id, "1", "2", "3", "4"]
    fetch(supplier, *(entry(service_id) for service_id in ids))
    before = everything()

    sync = fetch(supplier, listed)

    assert (sync.outcome, sync.gone, bool(sync.message)) == (outcome, 0, True)
    assert everything() == before


def test_half_is_believed_and_less_when_staff_say_so(supplier):
    fetch(supplier, *(entry(str(n)) for n in range(4)))
    assert fetch(supplier, entry("0"), entry("1")).gone == 2
    fetch(supplier, *(entry(str(n)) for n in range(9)))

    assert fetch(supplier, entry("0")).outcome == SyncOutcome.SHRUNK
    assert fetch(supplier, entry("0"), accepts_smaller=True).gone == 8
    assert fetch(supplier, [], accepts_smaller=True).outcome == SyncOutcome.EMPTY


def test_a_service_that_comes_back_is_as_it_was(supplier, monday):
    fetch(supplier, entry("1"), entry("2"))
    fetch(supplier, entry("1"))
    gone = row(supplier, "2")
    assert (gone.gone_since, differences(gone)) == (monday, [D.GONE])
    fetch(supplier, entry("1"), entry("2"))

    assert (row(supplier, "2").gone_since, differences(row(supplier, "2"))) == (None, [D.NEW])


def test_hostile_entries_are_plain_bounded_and_told_apart(supplier):
    script = "<script>alert(1)</script>"
    sync = fetch(
        supplier,
        entry(
            " 1 ", name=f"<b onclick=x>Unlock</b>{script}\u202e &lt;img src=x onerror=y&gt;", group=script, info=script
        ),
        entry("1", name="a second of the same id", cost=Decimal(1)),
        entry("nan", cost=Decimal("NaN")),
        entry("snan", cost=Decimal("sNaN")),
        entry("minus", cost=Decimal("-5")),
        entry("endless", cost=Decimal("Infinity")),
        entry("dear", cost=Decimal("1e30")),
        entry("fine", cost=Decimal("0.0000001")),
        entry("long", name="n" * 10**6, info="<p>" * 10**5, requires=("r" * 500,) * 500),
        entry(
            "many", custom_fields=(CustomField("q" * 999, "x", ("o" * 999,) * 999, "d" * 999, is_required=True),) * 99
        ),
        entry("<script>"),
        entry("1;DROP TABLE"),
    )

    assert (sync.outcome, sync.added, sync.skipped) == (SyncOutcome.TAKEN, 10, 2)
    first = row(supplier, "1")
    assert (first.name, first.group, first.info, first.cost) == ("Unlock", "", "", Decimal(10))
    for service_id in ("nan", "snan", "minus", "endless", "dear"):
        assert row(supplier, service_id).cost is None, service_id
    assert row(supplier, "fine").cost == Decimal("0.000001"), "rounded up, never to nothing"
    assert len(row(supplier, "long").name) == 200
    questions = row(supplier, "many").form["questions"]
    assert (len(questions), len(questions[0]["options"]), len(questions[0]["options"][0])) == (40, 200, 80)
    stored = str(list(SupplierService.objects.values("name", "group", "info", "form", "time")))
    assert not re.search(r"<[a-z/!]", stored)


def test_who_asks_twice_fetches_once(supplier, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as rung:
        first = fetching.ask(supplier.pk, by="sam")
        second = fetching.ask(supplier.pk, by="sue", accepts_smaller=True)
    assert (first.pk, len(rung)) == (second.pk, 2)
    assert CatalogueSync.objects.get().accepts_smaller
    ScriptedClient.reset(services=[[entry("1")], [entry("2")]])

    for _again in range(3):
        tasks.fetch_catalogue(first.pk)

    assert asked("services") == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        CatalogueSync.objects.bulk_create([CatalogueSync(supplier=supplier, asked_by="x") for _n in range(2)])


def test_a_worker_that_lost_its_lease_writes_nothing(supplier):
    sync = fetching.ask(supplier.pk, by="sam")

    def slow():
        with clock.frozen(clock.now() + timedelta(minutes=10)):
            ScriptedClient.script["services"] = [[entry("2")]]
            fetching.fetch(sync.pk)
        return [entry("1")]

    ScriptedClient.reset(services=[slow])
    fetching.fetch(sync.pk)

    assert list(SupplierService.objects.values_list("service_id", flat=True)) == ["2"]
    sync.refresh_from_db()
    assert (sync.outcome, sync.added) == (SyncOutcome.TAKEN, 1)


def test_a_worker_lost_again_and_again_ends_as_failed(supplier):
    sync = fetching.ask(supplier.pk, by="sam")
    CatalogueSync.objects.filter(pk=sync.pk).update(attempts=fetching.TRIES)
    fetching.fetch(sync.pk)

    sync.refresh_from_db()
    assert (sync.outcome, asked("services")) == (SyncOutcome.FAILED, 0)


def test_once_a_day_every_active_supplier_is_asked(supplier):
    factories.make_supplier(adapter="scripted", is_active=False)
    old = fetch(supplier, entry("1"))
    CatalogueSync.objects.filter(pk=old.pk).update(created_at=clock.now() - fetching.KEPT - timedelta(days=1))

    tasks.fetch_catalogues()

    assert list(CatalogueSync.objects.values_list("supplier", "outcome")) == [(supplier.pk, "pending")]


def test_unchanged_thousands_are_not_written_again(supplier, django_assert_max_num_queries):
    many = [entry(str(n), cost=Decimal(n)) for n in range(3000)]
    fetch(supplier, many)

    with django_assert_max_num_queries(25):
        sync = fetch(supplier, many[:-1])

    assert (sync.added, sync.changed, sync.gone) == (0, 0, 1)


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    with running_supplier(tmp_path_factory.mktemp("supplier")) as url:
        yield f"{url}/api/index.php"


def test_the_demo_suppliers_catalogue_over_http(panel, capsys):
    supplier = factories.make_supplier(slug="demo", url=panel, username="demo", api_key="DEMO-KEY")
    service = factories.make_service(supplier=supplier)
    service.offers.update(supplier_service_id="1001", cost="0.01")

    call_command("catalogue_sync", "demo", "--dry-run")
    assert "nothing was written" in capsys.readouterr().out
    assert SupplierService.objects.count() == CatalogueSync.objects.count() == 0
    call_command("catalogue_sync", "demo")

    rows = SupplierService.objects.filter(supplier=supplier)
    assert f"{rows.count()} services listed, {rows.count()} new" in capsys.readouterr().out
    assert rows.count() > 80
    assert set(rows.values_list("cost_currency", flat=True)) == {"EUR"}
    assert not any("<" in listed.info for listed in rows)
    assert differences(row(supplier, "1001")) == [D.COST_UP]
    before = everything()
    Supplier.objects.update(api_key="")
    Supplier.objects.update(username="stranger")

    with pytest.raises(CommandError, match="nothing changed"):
        call_command("catalogue_sync", "demo")
    assert everything() == before


def test_the_command_says_what_it_does_not_know():
    with pytest.raises(CommandError, match="no supplier 'nobody'"):
        call_command("catalogue_sync", "nobody")
