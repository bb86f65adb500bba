"""The catalogue file: what is accepted, what is refused and how it is said, what a load writes."""

from __future__ import annotations

import copy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from accounts.models import User
from payments.accepting import obstacle
from services import catalogue_file, catalogue_loading
from services.catalogue import price_of
from services.catalogue_file import CatalogueFileError
from services.management.commands.catalogue_load import DEFAULT_FILE
from services.models import Category, Offer, Service, ServiceField, ServicePrice, Supplier
from tests.factories import make_supplier
from unlockshop.demo import supplier_catalogue
from unlockshop.kernel.money import Money

SERVICE: dict[str, Any] = {
    "slug": "one", "name": "One", "category": "unlock", "networks": ["Net"], "models": ["Model"],
    "required_fields": [{"name": "imei", "label": "IMEI", "type": "imei", "required": True}],
    "price_eur": 10.0, "average_hours": 1, "guaranteed_hours": 2, "eligibility": "", "result_kind": "code",
}  # fmt: skip
TOPUP: dict[str, Any] = {
    **SERVICE, "slug": "topup", "category": "topup", "result_kind": "topup", "price_eur": 5.3,
    "required_fields": [
        {"name": "msisdn", "label": "Phone number", "type": "msisdn"},
        {"name": "amount", "label": "Amount", "type": "choice", "choices": [5, 10, 15], "currency": "EUR"},
    ],
}  # fmt: skip


def document(*services: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy({"currency": "EUR", "services": list(services)})


def load(
    *services: dict[str, Any], publish: bool = True, supplier: Supplier | None = None
) -> catalogue_loading.Report:
    return catalogue_loading.load(catalogue_file.parse(document(*services)), publish=publish, supplier=supplier)


class TestReading:
    def test_the_shipped_file(self) -> None:
        catalogue = catalogue_file.read(DEFAULT_FILE)
        assert len(catalogue.services) == 93
        assert [each.position for each in catalogue.services] == list(range(1, 94))

    def test_the_shipped_prices_are_complete_and_can_be_paid(self, settings: Any) -> None:
        for entry in catalogue_file.read(DEFAULT_FILE).services:
            columns = {"EUR": entry.prices, **entry.other_prices}
            assert sorted(columns) == sorted(settings.CURRENCIES), entry.slug
            for currency, column in columns.items():
                assert set(column) == set(entry.prices), entry.slug
                for amount in column.values():
                    assert obstacle("stripe", Money(amount, currency)) is None, entry.slug

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"slug": "Bad Slug"}, "service number 1: slug: must be"),
            ({"slug": None}, "service number 1: slug: must be"),
            ({"name": ""}, "one: name: is missing"),
            ({"name": 7}, "one: name: must be text, not int"),
            ({"name": "x" * 121}, "one: name: has 121 characters, at most 120 fit"),
            ({"name": "a\u202eb"}, "one: name: has a control character"),
            ({"category": "cloud"}, "one: category: 'cloud' is none of unlock"),
            ({"result_kind": "magic"}, "one: result_kind: 'magic' is none of"),
            ({"country": "usa"}, "one: country: has 3 characters"),
            ({"country": "us"}, "one: country: must be two capital letters"),
            ({"networks": "Net"}, "one: networks: must be a list"),
            ({"networks": [["Net"]]}, "one: networks: must be text, not list"),
            ({"networks": ["Net", "Net"]}, "one: networks: has the same entry twice"),
            ({"models": ["x" * 150, "y" * 150]}, "one: models: has more than 200 characters in all"),
            ({"price_eur": "10"}, "one: price_eur: must be a number"),
            ({"price_eur": True}, "one: price_eur: must be a number"),
            ({"price_eur": float("nan")}, "one: price_eur: must be a number"),
            ({"price_eur": 0}, "one: price_eur: must be more than 0"),
            ({"price_eur": -3}, "one: price_eur: must be more than 0"),
            ({"category": "check", "price_eur": 0, "prices": {"USD": "1"}}, "one: prices: USD: must be 0"),
            ({"price_eur": 1.005}, "one: price_eur: .* in whole cents"),
            ({"price_eur": 1e9}, "one: price_eur: .* at most 100000"),
            ({"average_hours": 0}, "one: average_hours: must be more than 0 and at most 480 hours"),
            ({"guaranteed_hours": 481}, "one: guaranteed_hours: must be more than 0 and at most 480 hours"),
            ({"guaranteed_hours": 0.5}, "one: guaranteed_hours: is shorter than average_hours"),
            ({"required_fields": []}, "one: required_fields: must be a list of 1 to 10"),
            ({"required_fields": ["imei"]}, "one: required_fields: must be a mapping"),
            ({"surprise": 1}, "one: surprise: unknown key"),
            ({"recheck_prices": {"EUR": "1"}}, "one: recheck_prices: must be a mapping .* belongs to checks only"),
            ({"category": "check", "recheck_prices": ["1"]}, "one: recheck_prices: must be a mapping"),
            ({"category": "check", "recheck_prices": {"USD": "1"}}, "one: recheck_prices: 'USD' is no currency that"),
            ({"category": "check", "recheck_prices": {"EUR": "0"}}, "one: recheck_prices: EUR: must be more than 0"),
            ({"category": "check", "recheck_prices": {"EUR": "999"}}, "one: recheck_prices: EUR: is more than the"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_named(self, change: dict[str, Any], complaint: str) -> None:
        with pytest.raises(CatalogueFileError, match=f"^{complaint}"):
            catalogue_file.parse(document({**SERVICE, **change}))

    @pytest.mark.parametrize(
        ("prices", "complaint"),
        [
            (["USD"], "prices: must be a mapping of currencies"),
            ({"XXX": "1"}, "prices: 'XXX' is no currency that the shop knows"),
            ({"usd": "1"}, "prices: 'usd' is no currency"),
            ({7: "1"}, "prices: 7 is no currency"),
            ({"EUR": "1"}, "prices: EUR: belongs into price_eur"),
            ({"USD": "-1"}, "prices: USD: must be an amount"),
            ({"USD": -1}, "prices: USD: must be an amount"),
            ({"USD": True}, "prices: USD: must be an amount"),
            ({"USD": None}, "prices: USD: must be an amount"),
            ({"USD": "1,5"}, "prices: USD: must be an amount"),
            ({"USD": float("nan")}, "prices: USD: must be an amount"),
            ({"USD": 1e300}, "prices: USD: must be an amount"),
            ({"USD": "١٢"}, "prices: USD: must be an amount"),
            ({"USD": {"": "1"}}, "prices: USD: must be an amount"),
            ({"USD": "0"}, "prices: USD: must be more than 0"),
            ({"USD": "100000001"}, "prices: USD: must be more than 0 and at most"),
            ({"USD": "1.005"}, "prices: USD: 1.005 has more digits than USD has"),
            ({"JPY": "100.5"}, "prices: JPY: 100.5 has more digits than JPY has"),
        ],
    )
    def test_what_is_wrong_with_a_price_is_named(self, prices: Any, complaint: str) -> None:
        with pytest.raises(CatalogueFileError, match=f"^one: {complaint}"):
            catalogue_file.parse(document({**SERVICE, "prices": prices}))

    @pytest.mark.parametrize(
        "column", ["5.90", {"amount=5": "1"}, {"": "1", "amount=5": "1", "amount=10": "2", "amount=15": "3"}]
    )
    def test_every_option_has_a_price_in_every_currency(self, column: Any) -> None:
        with pytest.raises(CatalogueFileError, match=r"^topup: prices: USD: must have exactly the prices amount=10, "):
            catalogue_file.parse(document({**TOPUP, "prices": {"USD": column}}))

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"type": "iris"}, "type: 'iris' is none of"),
            ({"label": None}, "label: is missing"),
            ({"required": "yes"}, "required: must be true or false"),
            ({"choices": [1]}, "choices: belong to the type choice"),
            ({"pattern": "("}, "pattern: is no regular expression"),
            ({"help": "x" * 201}, "help: has 201 characters"),
            ({"currency": "euro"}, "currency: has 4 characters"),
        ],
    )
    def test_what_is_wrong_with_a_field_is_named(self, change: dict[str, Any], complaint: str) -> None:
        field = {**SERVICE["required_fields"][0], **change}
        with pytest.raises(CatalogueFileError, match=f"^one: required_fields: imei: {complaint}"):
            catalogue_file.parse(document({**SERVICE, "required_fields": [field]}))

    @pytest.mark.parametrize("kinds", [["text"], ["imei", "msisdn"]])
    def test_exactly_one_field_is_the_identifier(self, kinds: list[str]) -> None:
        fields = [{"name": kind, "label": kind, "type": kind} for kind in kinds]
        with pytest.raises(CatalogueFileError, match="exactly one must have the type"):
            catalogue_file.parse(document({**SERVICE, "required_fields": fields}))

    def test_choices_must_be_amounts(self) -> None:
        broken = copy.deepcopy(TOPUP)
        broken["required_fields"][1]["choices"] = ["small"]
        with pytest.raises(CatalogueFileError, match="topup: required_fields: amount: choices: must be amounts"):
            catalogue_file.parse(document(broken))

    def test_the_same_slug_twice(self) -> None:
        with pytest.raises(CatalogueFileError, match="one: slug: is in the file twice"):
            catalogue_file.parse(document(SERVICE, SERVICE))

    @pytest.mark.parametrize(
        "text",
        ["", "[]", "services: 1", "currency: EUR\nservices: []", "currency: USD\nservices: [1]", "a: b: c", "\x00"],
    )
    def test_files_that_are_no_catalogue(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "c.yaml").write_text(text)
        with pytest.raises(CatalogueFileError):
            catalogue_file.read(tmp_path / "c.yaml")

    def test_files_that_are_too_much(self, tmp_path: Path) -> None:
        big, deep, binary = tmp_path / "big", tmp_path / "deep", tmp_path / "binary"
        big.write_bytes(b" " * (catalogue_file.MAX_FILE_BYTES + 1))
        deep.write_text("[" * 2000)
        binary.write_bytes(b"\xff\xfe\x00")
        for path in (big, deep, binary, tmp_path / "missing", tmp_path):
            with pytest.raises(CatalogueFileError):
                catalogue_file.read(path)

    def test_yaml_builds_no_objects(self, tmp_path: Path) -> None:
        (tmp_path / "c.yaml").write_text("services: !!python/object/apply:os.getcwd []")
        with pytest.raises(CatalogueFileError, match="not valid YAML"):
            catalogue_file.read(tmp_path / "c.yaml")


@pytest.mark.django_db
class TestLoading:
    def test_the_shipped_file_and_again(self) -> None:
        supplier = make_supplier()
        catalogue = catalogue_file.read(DEFAULT_FILE)
        first = catalogue_loading.load(catalogue, publish=True, supplier=supplier)
        again = catalogue_loading.load(catalogue, publish=True, supplier=supplier)

        assert (Service.objects.count(), Offer.objects.count(), Category.objects.count()) == (93, 93, 6)
        assert first.created["service"] == 93
        assert not again.has_changed

    def test_offers_meet_the_demo_supplier(self) -> None:
        """Ids and costs must be those that the other side reads from the same file on its own."""
        catalogue_loading.load(catalogue_file.read(DEFAULT_FILE), publish=True, supplier=make_supplier())
        theirs = {
            number: (each.name, Decimal(each.cost_cents) / 100)
            for number, each in supplier_catalogue.load(DEFAULT_FILE).items()
        }
        ours = {
            offer.supplier_service_id: (offer.service.name, offer.cost)
            for offer in Offer.objects.select_related("service")
        }
        assert ours == theirs

    def test_a_supplier_asked_first_has_the_same_numbers(self) -> None:
        everyone, first = make_supplier(), make_supplier()
        catalogue = catalogue_file.parse(document({**SERVICE, "slug": "one"}, {**SERVICE, "slug": "two"}))
        for _ in range(2):
            catalogue_loading.load(catalogue, publish=True, supplier=everyone, asked_first={"two": first})

        offers = Offer.objects.filter(service__slug="two").values_list("supplier", "priority", "supplier_service_id")
        assert list(offers) == [(first.pk, 50, "1002"), (everyone.pk, 100, "1002")]
        assert Offer.objects.filter(service__slug="one").get().supplier == everyone
        with pytest.raises(CatalogueFileError, match="no such service to offer: three"):
            catalogue_loading.load(catalogue, publish=True, asked_first={"three": first})

    def test_times_become_minutes(self) -> None:
        load({**SERVICE, "average_hours": 0.01, "guaranteed_hours": 360})
        service = Service.objects.get()
        assert (service.average_minutes, service.guaranteed_minutes) == (1, 21_600)

    def test_amounts_have_prices(self) -> None:
        load(TOPUP)
        service = Service.objects.get()
        assert {row.option: row.amount for row in service.prices.all()} == {
            "": Decimal("5.3"), "amount=5": Decimal("5.3"), "amount=10": Decimal("10.6"), "amount=15": Decimal("15.9"),
        }  # fmt: skip
        assert price_of(service, currency="EUR", answers={"amount": "15"}).amount == Decimal("15.9")
        field = service.fields.get(name="amount")
        assert (field.label, field.choices) == ("Amount (EUR)", ["5", "10", "15"])

    def test_prices_in_other_currencies(self) -> None:
        columns = {"KWD": {"amount=5": "1.900", "amount=10": 3.7, "amount=15": 5}}
        load({**SERVICE, "prices": {"JPY": 1680, "KWD": "3.450"}}, {**TOPUP, "prices": columns})
        again = load({**SERVICE, "prices": {"JPY": 1700}}, {**TOPUP, "prices": columns})

        one, topup = Service.objects.get(slug="one"), Service.objects.get(slug="topup")
        assert price_of(one, currency="JPY") == Money(Decimal(1700), "JPY")
        assert price_of(topup, currency="KWD", answers={"amount": "10"}) == Money(Decimal("3.7"), "KWD")
        assert topup.prices.get(currency="KWD", option="").amount == Decimal("1.9")
        assert dict(again.updated) == {"service price": 1}
        assert again.only_in_database == ["price one KWD"]

    def test_hidden_until_published_and_never_hidden_again(self) -> None:
        load(SERVICE, publish=False)
        assert not Service.objects.get().is_published
        load(SERVICE, publish=True)
        load(SERVICE, publish=False)
        assert Service.objects.get().is_published

    def test_changes_are_written_and_only_they(self) -> None:
        load(SERVICE, TOPUP)
        report = load({**SERVICE, "price_eur": 12.5, "name": "New"}, TOPUP)
        assert dict(report.updated) == {"service": 1, "service price": 1}
        assert ServicePrice.objects.get(service__slug="one").amount == Decimal("12.5")

    def test_nothing_is_deleted(self) -> None:
        load(SERVICE, TOPUP)
        ServiceField.objects.create(service=Service.objects.get(slug="one"), name="extra", label="Extra", kind="text")
        report = load(SERVICE)
        assert report.only_in_database == ["field one.extra", "service topup"]
        assert Service.objects.count() == 2

    def test_a_moved_service_keeps_one_offer(self) -> None:
        supplier = make_supplier()
        load(SERVICE, TOPUP, supplier=supplier)
        load(TOPUP, SERVICE, supplier=supplier)
        numbers = dict(Offer.objects.values_list("service__slug", "supplier_service_id"))
        assert numbers == {"topup": "1001", "one": "1002"}

    def test_all_or_nothing(self) -> None:
        load(SERVICE)
        renamed = {**SERVICE, "required_fields": [{"name": "device", "label": "IMEI", "type": "imei"}]}
        with pytest.raises(CatalogueFileError, match="one: required_fields: the database asks"):
            load(TOPUP, renamed)
        assert not Service.objects.filter(slug="topup").exists()


@pytest.mark.django_db
class TestCommands:
    def test_catalogue_load(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "c.yaml"
        file.write_text(yaml.safe_dump(document(SERVICE)))
        call_command("catalogue_load", str(file))
        call_command("catalogue_load", str(file))
        assert "1 services, nothing to change" in capsys.readouterr().out
        assert not Service.objects.get().is_published

    def test_catalogue_load_says_what_is_wrong(self, tmp_path: Path) -> None:
        file = tmp_path / "c.yaml"
        file.write_text(yaml.safe_dump(document({**SERVICE, "price_eur": 0})))
        with pytest.raises(CommandError, match="nothing was loaded: one: price_eur"):
            call_command("catalogue_load", str(file))
        with pytest.raises(CommandError, match="there is no supplier 'nobody'"):
            call_command("catalogue_load", str(file), supplier="nobody")
        with pytest.raises(CommandError, match="there is no supplier 'nobody'"):
            call_command("catalogue_load", str(file), "--ask-first", "nobody=one")

    def test_supplier_set(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("SUPPLIER_API_KEY", "KEY-CANARY")
        arguments = ["supplier_set", "demo", "--name=Demo", "--adapter=dhru", "--url=http://127.0.0.1:9/"]
        call_command(*arguments, "--finds-by-reference", "--reason=probed on 3 May")
        call_command(*arguments)
        call_command("supplier_set", "demo", "--poll-seconds=7", "--no-finds-by-reference", "--reason=it missed one")

        supplier = Supplier.objects.get()
        assert (supplier.poll_seconds, supplier.finds_by_reference, supplier.api_key) == (7, False, "KEY-CANARY")
        printed = capsys.readouterr().out
        assert "created" in printed
        assert "nothing to change" in printed
        assert "changed: poll_seconds, finds_by_reference" in printed
        assert "CANARY" not in printed

    def test_supplier_set_refuses(self) -> None:
        with pytest.raises(CommandError, match="a new supplier needs --name, --adapter, --url"):
            call_command("supplier_set", "demo")
        with pytest.raises(CommandError, match="slug"):
            call_command("supplier_set", "bad slug", "--name=x", "--adapter=dhru", "--url=http://127.0.0.1:9/")

    def test_staff_create(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("STAFF_PASSWORD", "correct horse battery")
        call_command("staff_create", "Sam@Example.com", "--superuser")
        before = User.objects.get()
        call_command("staff_create", "sam@example.com")
        after = User.objects.get()

        assert before.email == "sam@example.com"
        assert before.is_staff
        assert before.is_superuser
        assert after.password == before.password
        assert after.is_superuser
        assert "nothing to change" in capsys.readouterr().out

    def test_staff_create_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("STAFF_PASSWORD", raising=False)
        with pytest.raises(CommandError, match="set STAFF_PASSWORD"):
            call_command("staff_create", "sam@example.com")
        with pytest.raises(CommandError, match="too short"):
            call_command("staff_create", "sam@example.com", "--password=short")
        with pytest.raises(CommandError, match="valid email"):
            call_command("staff_create", "sam", "--password=correct horse battery")
        assert not User.objects.exists()
