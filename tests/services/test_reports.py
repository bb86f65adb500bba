"""Reports: what is read from suppliers' texts of many shapes, and that reading ends well whatever the text."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.reports.dates import read_date
from services.reports.fields import SPECS, Field, Kind
from services.reports.pairs import MAX_LABEL, MAX_VALUE
from services.reports.reading import MAX_OTHERS, Report, read_report
from services.reports.words import STATE_WORDS, view_of
from tests.factories import IMEI

HTML = f"""<div style="color:red">== REPORT ==<br><b>Model:</b> iPhone 13 Pro 256GB<br/>IMEI: {IMEI}<br>
Serial Number: DM1234ABCD<br>Find My iPhone: <span style='color:green'>OFF</span><br>iCloud Status: Clean<br>
Carrier: Vodafone Espa&ntilde;a<br>Country: Spain<br>Sim-Lock Status: <font color=red>Locked</font><br>
Blacklist Status: Clean<br>Estimated Purchase Date: 12 May 2022<br>Replaced Device: No<br></div>"""
TABLE = "<table><tr><th>SIM Lock</th><td>Unlocked</td></tr><tr><th>Blacklisted</th><td>No</td></tr></table>"
JSON = json.dumps({"model": "Galaxy S21", "simLock": False, "gsma": {"blacklist_status": "Blacklisted"}, "list": [1]})


def values(text: str) -> dict[str, str]:
    return {reading.field.value: reading.value for reading in read_report(text).readings}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SIM-Lock: Locked", {"sim_lock": "locked"}),
        ("SIM Lock Status - Unlocked", {"sim_lock": "unlocked"}),
        ("simlock=NO", {"sim_lock": "unlocked"}),
        ("✅ SIM Lock : Unlocked ✅", {"sim_lock": "unlocked"}),
        ("• Network lock: Locked to Orange", {"sim_lock": "locked"}),
        ("SIM-Lock: Locked (AT&T USA)", {"sim_lock": "locked"}),
        ("Unlocked: Yes", {"sim_lock": "unlocked"}),
        ("Unlocked: No", {"sim_lock": "locked"}),
        ("Simlock: Oui", {"sim_lock": "locked"}),
        ("Bloqueo de SIM: Sí", {"sim_lock": "locked"}),
        ("Bloqueo de red: Liberado", {"sim_lock": "unlocked"}),
        ("SIM-Lock: Gesperrt", {"sim_lock": "locked"}),
        ("SIM-Lock: Nein", {"sim_lock": "unlocked"}),
        ("Blocco SIM: sbloccato", {"sim_lock": "unlocked"}),
        ("Bloqueio de SIM: Não", {"sim_lock": "unlocked"}),
        ("Blokada SIM: tak", {"sim_lock": "locked"}),
        ("Блокировка SIM: нет", {"sim_lock": "unlocked"}),
        ("SIM Kilidi: Hayır", {"sim_lock": "unlocked"}),
        ("قفل الشبكة: نعم", {"sim_lock": "locked"}),
        ("网络锁：无锁", {"sim_lock": "unlocked"}),
        ("SIMロック：はい", {"sim_lock": "locked"}),
        ("SIM-Lock:\nUnlocked\nFMI:\nON", {"sim_lock": "unlocked", "find_my": "on"}),
        (f"IMEI: {IMEI} | SIM-Lock: Locked | FMI: OFF", {"imei": IMEI, "sim_lock": "locked", "find_my": "off"}),
        ("SIM Lock: No, Blacklisted: No", {"sim_lock": "unlocked", "blacklist": "clean"}),
        ("Blacklist: Clean", {"blacklist": "clean"}),
        ("GSMA Status: BLACKLISTED", {"blacklist": "blocked"}),
        ("Reported lost or stolen: Yes", {"blacklist": "blocked"}),
        ("Lista negra: No", {"blacklist": "clean"}),
        ("Liste noire : Volé", {"blacklist": "blocked"}),
        ("القائمة السوداء: نظيف", {"blacklist": "clean"}),
        ("Status: Clean", {"blacklist": "clean"}),
        ("iCloud Lock: ON", {"find_my": "on"}),
        ("iCloud Status: Lost", {"lost_mode": "lost"}),
        ("Knox Guard: Not enrolled", {"management": "off"}),
        ("MDM: ON", {"management": "on"}),
        ("Out of contract: Yes", {"contract": "ended"}),
        ("Financed: No balance reported", {"financed": "no"}),
        ("Warranty: Out of warranty", {"warranty": "expired"}),
        ("Garantía: Vigente", {"warranty": "active"}),
        ("Activation status: Activated", {"activation": "activated"}),
        ("Warranty until: 2027-01-14", {"warranty_until": "2027-01-14"}),
        ("IMEI: 35-417803-685978-9", {"imei": IMEI}),
        ("Carrier: US AT&T Locked Policy", {"carrier": "US AT&T Locked Policy"}),
        (TABLE, {"sim_lock": "unlocked", "blacklist": "clean"}),
        (JSON, {"model": "Galaxy S21", "sim_lock": "unlocked", "blacklist": "blocked"}),
        (
            HTML,
            {
                "model": "iPhone 13 Pro 256GB", "imei": IMEI, "serial": "DM1234ABCD", "carrier": "Vodafone España",
                "country": "Spain", "sim_lock": "locked", "blacklist": "clean", "find_my": "off",
                "lost_mode": "clean", "purchased": "2022-05-12", "replaced": "no",
            },
        ),
    ],
)  # fmt: skip
def test_fields_are_read_from_many_shapes(text: str, found: dict[str, str]) -> None:
    assert values(text) == found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SIM-Lock: maybe", "sim_lock"),
        ("SIM-Lock: Unlocked?", "sim_lock"),
        ("SIM-Lock: ❌", "sim_lock"),
        ("SIM-Lock: Locked / Unlocked", "sim_lock"),
        ("SIM-Lock: Locked\nSIM-Lock: Unlocked", "sim_lock"),
        ("SIM-Lock: Locked\nSIM-Lock: Unlocked\nSIM-Lock: Locked", "sim_lock"),
        ("SIM-Lock: Unlocked (locked by policy)", "sim_lock"),
        ("Blacklist: Clean (except UK)", "blacklist"),
        ("Blacklist: No record", "blacklist"),
        ("Blacklist: not clean", "blacklist"),
        ("Blacklist: under review", "blacklist"),
        ("Find My: ON\nStatus: Clean", "blacklist"),
        ("Find My: OFF\nGSMA Status: Clean", "blacklist"),
        ("iCloud Status: Clean\nESN: Clean", "blacklist"),
        ("iCloud Status: ON", "lost_mode"),
        ("IMEI: 354178036859780", "imei"),
        ("IMEI: ٣٥٤١٧٨٠٣٦٨٥٩٧٨٩", "imei"),
        ("Purchase date: 03/04/2023", "purchased"),
        ("Purchase date: 2023-02-31", "purchased"),
        ("Model: n/a", "model"),
        ("Model: http://evil.example", "model"),
        ("Carrier: Unlocked", "carrier"),
        ("Carrier: " + "x" * 100, "carrier"),
    ],
)
def test_what_is_not_plain_is_unknown(text: str, name: str) -> None:
    assert values(text)[name] == ""


@pytest.mark.parametrize("label", ["GSMA", "GSMA Status", "ESN", "ESN Status"])
def test_a_vague_label_is_the_blacklist_only_where_its_word_is(label: str) -> None:
    assert values(f"{label}: Clean") == {"blacklist": "clean"}
    assert values(f"{label}: BLACKLISTED") == {"blacklist": "blocked"}
    assert values(f"{label}: Yes") == {}


@pytest.mark.parametrize("text", ["", " \n\t", "Thank you", "10:30 checked", "Next tether policy: Unlock", "{", "[]"])
def test_what_names_no_field_is_no_report(text: str) -> None:
    assert not read_report(text).readings
    assert view_of(text, IMEI) is None


def test_unknown_lines_and_the_wording_are_kept() -> None:
    report = read_report("SIM-Lock: Ja!\nNext tether policy: Unlock\nSee our site\nModel: A\nModel: B")

    assert [(reading.label, reading.raw) for reading in report.readings] == [("Model", "A"), ("SIM-Lock", "Ja!")]
    assert [(other.label, other.value) for other in report.others] == [
        ("Next tether policy", "Unlock"), ("", "See our site"), ("Model", "B"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2023-03-18", "2023-03-18"),
        ("2023/3/8 10:22:01", "2023-03-08"),
        ("18/03/2023", "2023-03-18"),
        ("03/18/2023", "2023-03-18"),
        ("05.06.2023", "2023-06-05"),
        ("05/05/2023", "2023-05-05"),
        ("March 18, 2023", "2023-03-18"),
        ("18th Mar 2023", "2023-03-18"),
        ("05/06/2023", ""),
        ("1823-01-01", ""),
        ("2023-13-01", ""),
        ("9" * 500, ""),
        ("soon", ""),
    ],
)
def test_a_date_with_two_meanings_is_none(text: str, found: str) -> None:
    assert read_date(text) == found


def check_bounds(report: Report) -> None:
    assert len({reading.field for reading in report.readings}) == len(report.readings)
    assert len(report.others) <= MAX_OTHERS
    for reading in report.readings:
        known = {state for name, state in STATE_WORDS if name == reading.field}
        assert reading.value == "" or SPECS[reading.field].kind != Kind.STATE or reading.value in known
        assert len(reading.raw) <= MAX_VALUE
        assert len(reading.value) <= MAX_VALUE
    for label, value in [(each.label, each.raw) for each in report.readings] + [
        (each.label, each.value) for each in report.others
    ]:
        assert len(label) <= MAX_LABEL
        assert len(value) <= MAX_VALUE
        assert all(char.isprintable() or char == "\t" for char in label + value)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=600))
@example("{" * 5000)
@example('{"a":' * 2000)
@example("<" * 9000)
@example("SIM-Lock: " * 2000)
@example("a: b | " * 4000)
@example(": \n" * 4000)
@example("Model:\u202egnp.exe\nSerial: \x00\ud800")
def test_reading_is_total_and_bounded(text: str) -> None:
    check_bounds(read_report(text))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [label for spec in SPECS.values() for label in (*spec.labels, *spec.inverse)] + ["Status"]
            ),
            st.sampled_from([":", " : ", "：", "=", " - ", " ", ":\n"]),
            st.one_of(st.sampled_from(["Yes", "No", "ON", "Locked", "Clean", "Lost", "?", ""]), st.text(max_size=30)),
        ),
        max_size=30,
    )
)
def test_reading_known_labels_is_total_and_bounded(lines: list[tuple[str, str, str]]) -> None:
    text = "\n".join("".join(line) for line in lines)

    check_bounds(read_report(text))
    view_of(text, IMEI)


def test_every_state_has_words() -> None:
    for name, spec in SPECS.items():
        for state in {*spec.words, spec.yes, spec.no} - {""}:
            assert (name, state) in STATE_WORDS
    assert set(SPECS) == set(Field)
