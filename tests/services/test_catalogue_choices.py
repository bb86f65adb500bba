"""What staff make of a supplier's services: linked, drafted, costs taken over, switched off, seen, ignored."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from services.models import CatalogueChoice, Offer, Service, Supplier, SupplierService
from services.suppliers.base import CustomField
from services.syncing import choosing
from services.syncing.cleaning import clean
from services.syncing.differences import Difference, differences
from services.syncing.drafting import DraftWish
from services.syncing.forbidden import Forbidden, forbidden
from services.syncing.recording import record
from tests import factories
from tests.helpers.suppliers import entry
from unlockshop.kernel import clock
from unlockshop.kernel.actors import staff
from unlockshop.kernel.errors import Refused

pytestmark = pytest.mark.django_db
SAM = staff(1, "sam@example.com")


def listed(*entries: Any, supplier: Supplier | None = None, currency: str = "EUR") -> list[SupplierService]:
    """The rows of a supplier that lists just these."""
    supplier = supplier or factories.make_supplier()
    record(supplier.pk, clean(entries)[0], currency=currency, moment=clock.now())
    return list(SupplierService.objects.filter(supplier=supplier).order_by("pk"))


def seen(*rows: SupplierService) -> dict[int, str]:
    return {row.pk: choosing.version_of(row) for row in rows}


def fresh(row: SupplierService) -> SupplierService:
    return SupplierService.objects.get(pk=row.pk)


def wish(**changes: Any) -> DraftWish:
    category = factories.make_service().category_id
    values = {"kind": "unlock", "result_kind": "code", "category_id": category, "average_minutes": 60,
              "guaranteed_minutes": 1440}  # fmt: skip
    return DraftWish(**{**values, **changes})


def reasons(result: choosing.Result) -> list[str]:
    return [reason for _row, reason in result.refused]


def log() -> list[tuple[str, str, str]]:
    return list(CatalogueChoice.objects.order_by("pk").values_list("choice", "actor_label", "detail"))


def test_linking_makes_an_offer_at_the_suppliers_cost_rounded_up():
    (row,) = listed(entry("7", cost=Decimal("3.1201")))
    service = factories.make_service()

    result = choosing.link(seen(row), service_id=service.pk, priority=5, actor=SAM)

    offer = service.offers.get(supplier=row.supplier)
    assert (offer.supplier_service_id, offer.cost, offer.cost_currency, offer.priority) == (
        "7",
        Decimal("3.13"),
        "EUR",
        5,
    )
    assert (len(result.done), differences(fresh(row))) == (1, [])
    assert log() == [("link", "sam@example.com", f"{service.slug}, priority 5")]

    again = choosing.link(seen(fresh(row)), service_id=service.pk, priority=5, actor=SAM)
    assert reasons(again) == ["it is linked to that service already"]
    assert len(log()) == 1, "what was refused is not in the log"


@pytest.mark.parametrize(
    ("changes", "currency", "reason"),
    [
        ({"cost": None}, "EUR", "not known"),
        ({}, "", "not known"),
        ({"name": "iCloud Unlock"}, "EUR", "activation lock"),
    ],
)
def test_what_cannot_be_linked(changes, currency, reason):
    (row,) = listed(entry("7", **changes), currency=currency)
    service = factories.make_service()

    linked = choosing.link(seen(row), service_id=service.pk, priority=5, actor=SAM)
    drafted = choosing.draft(seen(row), wish=wish(), actor=SAM)

    assert reason in reasons(linked)[0]
    assert reason in reasons(drafted)[0]
    assert not Offer.objects.filter(supplier=row.supplier).exists()
    assert not Service.objects.filter(name=row.name).exists(), "a refused draft leaves nothing behind"
    assert differences(fresh(row)) == [Difference.NEW]
    with pytest.raises(Refused, match="no such service"):
        choosing.link(seen(row), service_id=10**9, priority=1, actor=SAM)


def test_a_draft_is_hidden_and_asks_what_the_supplier_wants_to_know():
    questions = (
        CustomField("Color", "dropdown", ("red", "blue"), "Which colour?", is_required=True),
        CustomField("Note_1", "text", (), "", is_required=False),
        CustomField("Other thing", "text", (), "", is_required=False),
    )
    first, second = listed(
        entry("1", name="AT&T USA", requires=("Network", "PIN", "IMEI"), custom_fields=questions),
        entry("2", name="AT&T USA", identifier_label="Serial", allows_letters=True),
    )

    result = choosing.draft(seen(first, second), wish=wish(), actor=SAM)

    assert len(result.done) == 2
    one, two = Service.objects.filter(name="AT&T USA").order_by("pk")
    assert (one.is_published, two.is_published, one.slug, two.slug) == (False, False, "att-usa", "att-usa-2")
    assert list(one.fields.values_list("name", "kind", "is_required", "choices")) == [
        ("imei", "imei", True, []), ("network", "network", True, []), ("pin", "text", True, []),
        ("Color", "choice", True, ["red", "blue"]), ("Note_1", "text", False, []),
    ]  # fmt: skip
    assert list(two.fields.values_list("name", "label")) == [("imei_or_serial", "Serial")]
    assert one.offers.get().supplier_service_id == "1"
    assert not one.prices.exists()
    assert log()[0][2] == "att-usa; without the optional Other thing"


def test_a_question_that_no_form_can_send_is_not_left_out_in_silence():
    question = CustomField("Lock Code", "text", (), "", is_required=True)
    (row,) = listed(entry("1", custom_fields=(question,)))

    result = choosing.draft(seen(row), wish=wish(), actor=SAM)

    assert "“Lock Code”" in reasons(result)[0]
    assert not Offer.objects.filter(supplier=row.supplier).exists()


def test_taking_costs_over_touches_the_offers_alone():
    supplier = factories.make_supplier()
    service = factories.make_service(supplier=supplier)
    (row,) = listed(
        entry(service.offers.get().supplier_service_id, cost=Decimal("12.5"), name="New"), supplier=supplier
    )
    SupplierService.objects.filter(pk=row.pk).update(known_name="Old")
    row = fresh(row)
    assert differences(row) == [Difference.COST_UP, Difference.CHANGED]

    choosing.take_costs(seen(row), actor=SAM)

    assert service.offers.get().cost == Decimal("12.50")
    assert service.prices.get().amount == Decimal("18.90")
    assert differences(fresh(row)) == [Difference.CHANGED], "the name is another matter"
    assert log() == [("take_cost", "sam@example.com", "10.00 EUR → 12.50 EUR")]


def test_what_has_changed_since_it_was_seen_is_refused():
    supplier = factories.make_supplier()
    service = factories.make_service(supplier=supplier)
    offered = service.offers.get().supplier_service_id
    (row,) = listed(entry(offered, cost=Decimal(11)), supplier=supplier)
    shown = seen(row)
    listed(entry(offered, cost=Decimal(99)), supplier=supplier)

    result = choosing.take_costs(shown, actor=SAM)

    assert reasons(result) == ["it has changed meanwhile"]
    assert service.offers.get().cost == Decimal(10)


def test_offers_of_gone_services_are_switched_off_and_no_others():
    supplier = factories.make_supplier()
    gone, stays = factories.make_service(supplier=supplier), factories.make_service(supplier=supplier)
    ids = [service.offers.get().supplier_service_id for service in (gone, stays)]
    listed(entry(ids[0]), entry(ids[1]), supplier=supplier)
    rows = listed(entry(ids[1]), supplier=supplier)
    assert all(Offer.objects.values_list("is_active", flat=True)), "gone, and still on until staff say so"

    result = choosing.switch_off(seen(*rows), actor=SAM)

    assert reasons(result) == ["the supplier still lists it"]
    assert (gone.offers.get().is_active, stays.offers.get().is_active) == (False, True)
    assert (differences(fresh(rows[0])), Service.objects.get(pk=gone.pk).is_published) == ([], True)
    (back, _other) = listed(entry(ids[0]), entry(ids[1]), supplier=supplier)
    assert differences(back) == [Difference.NEW], "it is back, and its offer is off: to be looked at"
    assert not gone.offers.get().is_active


def test_ignored_is_ignored_until_watched_again():
    supplier = factories.make_supplier()
    (row,) = listed(entry("1"), supplier=supplier)
    choosing.ignore(seen(row), actor=SAM)
    (row,) = listed(entry("1", cost=Decimal(1), name="x"), supplier=supplier)
    assert differences(row) == []

    choosing.watch(seen(row), actor=SAM)

    assert differences(fresh(row)) == [Difference.NEW]
    assert [choice for choice, _who, _detail in log()] == ["ignore", "watch"]


def test_what_an_active_offer_uses_cannot_be_ignored_but_seen():
    supplier = factories.make_supplier()
    service = factories.make_service(supplier=supplier)
    (row,) = listed(entry(service.offers.get().supplier_service_id, cost=Decimal(11)), supplier=supplier)

    assert reasons(choosing.ignore(seen(row), actor=SAM)) == ["an active offer of ours uses it"]
    assert not fresh(row).is_ignored
    choosing.note(seen(fresh(row)), actor=SAM)

    assert differences(fresh(row)) == []
    assert service.offers.get().cost == Decimal(10)


def test_too_many_at_once_are_refused_before_anything_is_done():
    with pytest.raises(Refused, match="at most 500"):
        choosing.note(dict.fromkeys(range(501), ""), actor=SAM)


def test_the_log_is_append_only():
    (row,) = listed(entry("1"))
    choosing.note(seen(row), actor=SAM)

    for change in (lambda: CatalogueChoice.objects.update(detail="x"), lambda: CatalogueChoice.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


F = Forbidden
REFUSED = {
    F.ACTIVATION_LOCK: """iCloud Unlock Service; iCloud Removal - Clean Mode; Remove iCloud Lock; FMI OFF - All iPhone;
        Apple FMI OFF [Open Menu]; Find My iPhone OFF by IMEI; Bypass Activation Lock; ICLOUD BYPASS with signal;
        іCloud unlоck; iCl\u200boud Un\u00adlock; ｉＣｌｏｕｄ　Ｒｅｍｏｖａｌ; Apple ID Unlock""",
    F.ACCOUNT_LOCK: """MDM Bypass iPhone; Remove MDM lock; Samsung FRP Unlock; Xiaomi Mi Account Unlock;
        Google Account Removal; Reactivation Lock Removal""",
    F.BLACKLIST: """T-Mobile Blacklist Removal; Blacklisted IMEI cleaning; Unblacklist AT&T; Unbarring EE UK;
        IMEI Cleaning service; Bad IMEI repair""",
    F.IDENTITY: """IMEI Repair Samsung; Change IMEI; Serial number change; IMEI Patch + CERT;
        Write IMEI; SN rewrite""",
}
SOLD = """AT&T USA - iPhone All Models (Clean IMEI); T-Mobile USA Unlock iPhone - Clean iCloud only; Telcel unlock;
    iCloud ON/OFF Check; FMI Off/On status check; Blacklist Check (GSMA); iCloud Clean/Lost Check; MDM Status Check;
    IMEI to Serial Number; Sprint iPhone Unlock [FMI OFF]; Unlock iPhone iCloud Clean only; Samsung Knox status check;
    Vodafone UK unlock (blacklisted supported); Sold By & iCloud info; AT&T Unlock - not blacklisted; Top-up 10 EUR;
    Carrier + SIM Lock + Blacklist Check; Factory unlock by IMEI, any serial"""


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(";")]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in REFUSED for name in names(REFUSED[kind])])
def test_forbidden_kinds_are_told_from_name_and_group(kind, name):
    assert forbidden(name) == kind
    assert forbidden("Service 12", name) == kind


@pytest.mark.parametrize("name", names(SOLD))
def test_checks_and_network_unlocks_are_not_taken_for_them(name):
    assert forbidden(name) is None
