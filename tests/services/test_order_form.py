from __future__ import annotations

from typing import Any

import pytest

from services.answer_patterns import check_pattern
from services.checklists import statements_for
from services.device_list import MAX_DEVICES, DevicesInvalid, read_devices
from services.models import Service, ServiceField
from services.order_form import (
    AnswerInvalid,
    answers_still_valid,
    clean_answer,
    country_choices,
    country_name,
    identifier_field,
    network_choices,
)
from tests.factories import imei

HIDDEN = ["a\u202eb", "a\u200bb", "a\x00b", "a\nb", "a\x1bb", "\ue000", "😀", "👩\u200d🔧"]


def question(kind: str, *, networks: list[str] | None = None, country: str = "", **changes: Any) -> ServiceField:
    service = Service(name="S", kind="unlock", result_kind="code", networks=networks or [], country=country)
    return ServiceField(service=service, **{"name": "q", "label": "Question", "kind": kind, **changes})


def refusal(field: ServiceField, raw: str) -> str:
    with pytest.raises(AnswerInvalid) as caught:
        clean_answer(field, raw)
    assert caught.value.message
    return caught.value.code


@pytest.mark.parametrize("raw", HIDDEN)
@pytest.mark.parametrize("kind", ["network", "model", "country", "choice", "text"])
def test_hidden_characters_and_emoji_are_refused(kind: str, raw: str) -> None:
    assert refusal(question(kind, choices=["a"]), raw) == "characters"


@pytest.mark.parametrize("raw", ["x" * 101, "x" * 1_000_000])
def test_long_answers_are_refused(raw: str) -> None:
    assert refusal(question("model"), raw) == "too_long"


@pytest.mark.parametrize("raw", ["", "   ", "\t\n"])
def test_required_answer_must_be_given(raw: str) -> None:
    assert refusal(question("model"), raw) == "required"
    assert clean_answer(question("model", is_required=False), raw) == ""


@pytest.mark.parametrize("raw", ["SM-G991B", "Galaxy S9+", "Téléphone n°", "华为 P30", "  Moto   G  "])
def test_ordinary_text_is_accepted_with_single_spaces(raw: str) -> None:
    if "°" in raw:
        assert refusal(question("model"), raw) == "characters"
    else:
        assert clean_answer(question("model"), raw) == " ".join(raw.split())


def test_network_comes_from_the_list_unless_any_will_do() -> None:
    listed = question("network", networks=["Orange", "SFR"])
    assert clean_answer(listed, "SFR") == "SFR"
    assert refusal(listed, "Free") == "choice"
    assert clean_answer(question("network", networks=["any"]), "Free") == "Free"
    assert network_choices(question("network", networks=["Orange", "any"]).service) == []


def test_choice_compares_as_text() -> None:
    field = question("choice", choices=[5, 10])
    assert clean_answer(field, "10") == "10"
    assert refusal(field, "11") == "choice"
    assert refusal(field, "10.0") == "choice"


def test_country_is_an_iso_code() -> None:
    assert clean_answer(question("country"), "FR") == "FR"
    for raw in ("fr", "EU", "ZZ", "France", "XX"):
        assert refusal(question("country"), raw) == "choice"
    codes = dict(country_choices())
    assert codes["DE"] == "Germany"
    assert list(codes)[:3] == ["AF", "AX", "AL"]
    assert country_name("EU") == "European Union"
    assert country_name("??") == "??"


def test_pattern_matches_the_whole_answer_and_forgives_case() -> None:
    field = question("text", pattern="^PRD-[0-9]{5}-[0-9]{3}$", help_text="Printed under the battery.")
    assert clean_answer(field, "prd-12345-678") == "PRD-12345-678"
    assert refusal(field, "PRD-12345-6789") == "pattern"


def test_pattern_never_sees_more_than_a_hundred_characters() -> None:
    field = question("text", pattern="[S]+", help_text="Capitals.")
    assert clean_answer(field, "ß" * 50) == "S" * 100
    assert refusal(field, "ß" * 51) == "pattern"
    assert refusal(field, "S" * 101) == "too_long"


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "^PRD-[0-9]{5}-[0-9]{3}$",
        "(?i)(?:AB|CD)-[0-9]+",
        r"[(+*)]+\(a+\)+",
        "(?:[0-9]{2}){3}",
        "[0-9]+([.,][0-9]+)?",
    ],
)
def test_ordinary_patterns_are_taken(pattern: str) -> None:
    check_pattern(pattern, longest=100)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "Not a regular expression"),
        *(
            (pattern, "repeat inside a repeated group")
            for pattern in ("(a+)+$", "(a*)*", "((a+))+", "(?P<n>a{1,9}){9}")
        ),
        *((pattern, "far too long") for pattern in ("(ab|a|b)+x", ".*.*.*.*.*.*x", "(ü|ü)+")),
    ],
)
def test_patterns_that_could_run_for_ever_are_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_pattern(pattern, longest=100)


def test_required_answer_is_asked_for_by_name() -> None:
    with pytest.raises(AnswerInvalid) as caught:
        clean_answer(question("text", label="Provider ID (PRD)"), " ")
    assert caught.value.message == "Enter the Provider ID (PRD)."


def test_unreadable_pattern_does_not_stop_an_order(caplog: pytest.LogCaptureFixture) -> None:
    assert clean_answer(question("text", pattern="(["), "x") == "x"
    assert "cannot be read" in caplog.text


def test_stored_answers_are_looked_at_again() -> None:
    fields = [question("imei", name="imei"), question("model", name="model")]
    assert answers_still_valid(fields, {"model": "SM-G991B"})
    assert not answers_still_valid(fields, {})
    assert answers_still_valid([fields[0]], {"model": "left over"})


def test_form_without_identifier_is_an_error() -> None:
    with pytest.raises(LookupError):
        identifier_field([question("model")])


@pytest.mark.parametrize(
    ("single", "paste", "values", "merged"),
    [
        (imei(1), "", [imei(1)], 0),
        ("", f"{imei(1)}\n\n {imei(2)} \r\n{imei(1)}", [imei(1), imei(2)], 1),
        (imei(3), f"{imei(1)},{imei(2)};{imei(3)}", [imei(3), imei(1), imei(2)], 1),
    ],
)
def test_devices_from_either_box(single: str, paste: str, values: list[str], merged: int) -> None:
    found = read_devices(question("imei"), single=single, paste=paste)
    assert [device.value for device in found.devices] == values
    assert found.merged == merged


def refused_devices(single: str, paste: str, kind: str = "imei", **changes: Any) -> DevicesInvalid:
    with pytest.raises(DevicesInvalid) as caught:
        read_devices(question(kind, **changes), single=single, paste=paste)
    return caught.value


def test_every_wrong_line_is_named() -> None:
    refused = refused_devices("12", f"{imei(1)}\n\n123\n{imei(2)[:-1]}x, {imei(3)}")
    assert len(refused.single) == 1
    assert [line.split(":")[0] for line in refused.lines] == ["Line 3", "Line 4, number 1"]


def test_nothing_entered_asks_for_the_number() -> None:
    assert "*#06#" in refused_devices("", "\n \n").single[0]
    assert "country code" in refused_devices("", "", kind="msisdn").single[0]


def test_too_many_devices() -> None:
    fifty = "\n".join(imei(n) for n in range(MAX_DEVICES))
    assert len(read_devices(question("imei"), single="", paste=fifty).devices) == MAX_DEVICES
    too_many = [(imei(99), fifty), ("", f"{fifty}\n{imei(99)}"), ("", ",".join(["1"] * 60)), ("", "1" * 900_000)]
    for single, paste in too_many:
        assert "at most 50" in refused_devices(single, paste).lines[0]


def test_suggestion_is_offered_and_never_used() -> None:
    refused = refused_devices("+354178036859789", "")
    assert "Did you mean 35-417803-685978-9?" in refused.single[0]


def test_computed_digit_comes_with_a_warning() -> None:
    (device,) = read_devices(question("imei"), single="35417803685978", paste="").devices
    assert (device.value, device.raw) == ("354178036859789", "35417803685978")
    assert "compare" in device.warning


def test_phone_number_of_another_country_is_refused() -> None:
    found = read_devices(question("msisdn", country="FR"), single="+33 6 12 34 56 78", paste="")
    assert found.devices[0].value == "+33612345678"
    assert "another country" in refused_devices("+44 7700 900123", "", kind="msisdn", country="FR").single[0]


@pytest.mark.parametrize(
    ("kind", "result", "codes"),
    [
        ("unlock", "remote_unlock", {"entitled", "not-reported", "no-activation-lock", "lawful", "adult"}),
        ("unlock", "code", {"attempts-left", "network-right", "conditions-met", "lawful", "adult"}),
        ("check", "report", {"number-compared", "information-only", "lawful", "adult"}),
        ("topup", "topup", {"number-compared", "prepaid", "lawful", "adult"}),
    ],
)
def test_checklist_fits_the_kind_of_work(kind: str, result: str, codes: set[str]) -> None:
    statements = statements_for(Service(kind=kind, result_kind=result))
    assert codes <= {statement.code for statement in statements}
    assert len({statement.code for statement in statements}) == len(statements)
    assert ("attempts-left" in {s.code for s in statements}) == (result == "code")
