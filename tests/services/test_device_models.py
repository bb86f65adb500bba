from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from services import device_models, tac_file
from services.fitting import Facts, is_refused, misfits, read_facts
from services.models import DeviceModel, ModelSource
from tests.factories import IMEI, make_service

pytestmark = pytest.mark.django_db

TAC = IMEI[:8]


def put(source: ModelSource, model: str, brand: str = "Apple") -> DeviceModel:
    return DeviceModel.objects.create(tac=TAC, brand=brand, model=model, source=source)


def test_staff_win_over_checks_and_checks_over_files() -> None:
    for source in (ModelSource.IMPORTED, ModelSource.LEARNED, ModelSource.STAFF):
        put(source, f"Model of {source}")
        assert device_models.named([IMEI])[IMEI].model == f"Model of {source}"


@pytest.mark.parametrize("identifier", ["", "C02XK0AAJG5J", "3541780368597", "３５４１７８０３６８５９７８９"])
def test_only_an_imei_has_a_tac(identifier: str, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert device_models.named([identifier]) == {}


@pytest.mark.parametrize(
    "changes", [{"tac": "1234567"}, {"tac": "1234567x"}, {"brand": ""}, {"model": ""}, {"source": "x"}]
)
def test_the_database_refuses_what_is_no_entry(changes: dict[str, str]) -> None:
    values = {"tac": TAC, "brand": "Apple", "model": "iPhone", "source": "staff", **changes}
    with pytest.raises(IntegrityError), transaction.atomic():
        DeviceModel.objects.create(**values)


def test_one_entry_for_each_source() -> None:
    put(ModelSource.STAFF, "One")
    with pytest.raises(IntegrityError), transaction.atomic():
        put(ModelSource.STAFF, "Two")


@pytest.mark.parametrize(
    ("text", "brand", "found"),
    [
        ("Brand: Samsung\nModel: Galaxy A52 5G", "", ("Samsung", "Galaxy A52 5G")),
        ("Model: iPhone 12 128GB Black", "", ("Apple", "iPhone 12 128GB Black")),
        ("Model: SM-G991B", "Samsung", ("Samsung", "SM-G991B")),
        ("Model: SM-G991B", "", None),
        ("Model: <script>alert(1)</script>", "Apple", None),
        ("Model: visit http://evil.example", "Apple", None),
        ("Model: www.evil.example", "Apple", None),
        ("Model: call 0800123456789", "Apple", None),
        (f"Model: {'x' * 81}", "Apple", None),
        ("Model: \x00\ud800\u202e", "Apple", None),
        ("nothing of use", "Apple", None),
        ("noise\n" * 200 + "Model: iPhone 12", "", None),
    ],
)
def test_a_model_is_read_only_from_what_looks_like_a_name(text: str, brand: str, found: object) -> None:
    assert device_models.read_model(text, brand=brand) == found


def test_the_first_name_that_was_learned_stays() -> None:
    assert device_models.learn(IMEI, "Model: iPhone 12", brand="", origin="Check")
    assert not device_models.learn(IMEI, "Model: iPhone 99", brand="", origin="Check")
    assert device_models.named([IMEI])[IMEI].name == "Apple iPhone 12"


def load(text: bytes) -> tuple[dict[str, int], list[tuple[int, str]]]:
    bad: list[tuple[int, str]] = []
    counts = tac_file.load(io.BytesIO(text), origin="test", tell_bad=lambda number, fault: bad.append((number, fault)))
    return counts.as_dict(), bad


def test_an_import_counts_lines_and_reports_bad_ones() -> None:
    text = (
        b"\xef\xbb\xbftac,brand,model,aliases\r\n"
        b'35990101,Apple,"iPhone 14, blue"\r\n35990102,Samsung,Galaxy S22\n\n'
        b"123,Apple,iPhone\n35990103,,iPhone\n35990104,Apple\n\xff\xfe,x,y\n"
         b"35990105,Apple," + b"x" * 9000 + b"\n35990101,Apple,twice\n35990106,Nokia,3310"
    )  # fmt: skip
    counts, bad = load(text)
    assert [number for number, _fault in bad] == [2, 5, 6, 7, 8, 9]
    assert counts == {"read": 9, "created": 3, "updated": 0, "unchanged": 0, "bad": 6}
    assert set(DeviceModel.objects.values_list("tac", flat=True)) == {"35990102", "35990101", "35990106"}


def test_the_same_file_again_changes_nothing_and_a_new_one_updates() -> None:
    text = b"tac,brand,model\n35990101,Apple,iPhone 14\n35990102,Apple,iPhone SE\n"
    load(text)
    before = list(DeviceModel.objects.values_list("pk", "seen_at").order_by("pk"))
    assert load(text)[0]["unchanged"] == 2
    assert list(DeviceModel.objects.values_list("pk", "seen_at").order_by("pk")) == before
    assert load(text.replace(b"iPhone SE", b"iPhone SE (2022)"))[0]["updated"] == 1


def test_an_import_leaves_staff_and_learned_entries_alone() -> None:
    put(ModelSource.STAFF, "Ours")
    put(ModelSource.LEARNED, "Learned")
    load(f"tac,brand,model\n{TAC},Nokia,N900\n".encode())
    assert device_models.named([IMEI])[IMEI].model == "Ours"
    assert DeviceModel.objects.count() == 3


@pytest.mark.parametrize("text", [b"", b"brand,model\n", b"\xff\xff\n", b"tac,tac,brand,model\n"])
def test_a_file_of_something_else_is_refused(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text)
    with pytest.raises(CommandError, match="nothing was imported"):
        call_command("tac_import", str(path))


def test_the_command_prints_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tac.csv"
    path.write_text("tac,brand,model\n35990101,Apple,iPhone 14\nx,y,z\n")
    call_command("tac_import", str(path), "--json")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"read": 2, "created": 1, "updated": 0, "unchanged": 0, "bad": 1}
    assert "line 3: the TAC must have 8 digits" in said.err
    assert DeviceModel.objects.get().origin == "tac.csv"


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("SIM-Lock: Unlocked\nBlacklist: Clean", Facts(is_unlocked=True, is_blacklisted=False)),
        ("SIM-Lock: Locked\nCarrier: Telcel", Facts(is_unlocked=False, carrier="Telcel")),
        ("Status: Blacklisted", Facts(is_blacklisted=True)),
        ("Status: Answered", Facts()),
        ("Blocked: No", Facts(is_blacklisted=False)),
        ("Next tether policy: Unlock", Facts()),
        ("Carrier: " + "x" * 61, Facts()),
    ],
)
def test_facts_are_read_only_from_known_words(text: str, facts: Facts) -> None:
    assert read_facts(text) == facts


@pytest.mark.parametrize(
    ("source", "brand", "facts", "codes", "refused"),
    [
        ("imported", "Apple", Facts(), [], False),
        ("imported", "APPLE", Facts(), [], False),
        ("imported", "Samsung", Facts(), ["brand"], True),
        ("learned", "Samsung", Facts(), ["brand"], False),
        ("staff", "Apple", Facts(is_unlocked=True), ["unlocked"], True),
        ("staff", "Apple", Facts(is_blacklisted=True), ["blacklisted"], True),
        ("staff", "Apple", Facts(carrier="US AT&T Locked Policy"), [], False),
        ("staff", "Apple", Facts(carrier="Telcel"), ["network"], False),
    ],
)
def test_what_does_not_fit(source: str, brand: str, facts: Facts, codes: list[str], refused: bool) -> None:
    service = make_service()
    found = misfits(service, device_models.Named(brand, "iPhone 14", ModelSource(source)), facts)
    assert [misfit.code for misfit in found] == codes
    assert is_refused(service, found) is refused
    service.refuses_misfits = False
    assert not is_refused(service, found)


def test_a_model_that_is_not_covered() -> None:
    service = make_service(covered_models=["iPhone 14", "iPhone 15"])
    for model, codes in (("iPhone 14 Pro", []), ("iPhone14", []), ("iPhone 6", ["model"])):
        found = misfits(service, device_models.Named("Apple", model, ModelSource.IMPORTED), Facts())
        assert [misfit.code for misfit in found] == codes
