"""The risk index: what raises it, what lowers it, and when it cannot be told."""

from __future__ import annotations

import pytest

from services.reports.reading import read_report
from services.reports.risk import Effect, Level, assess_risk
from services.reports.words import view_of
from tests.factories import IMEI, imei


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Blacklist: Clean", Level.LOW),
        ("Blacklist: Clean\nFind My: OFF\nSIM-Lock: Locked", Level.LOW),
        ("Blacklist: Blacklisted", Level.HIGH),
        ("Blacklist: Clean\nLost mode: Lost", Level.HIGH),
        ("Blacklist: Clean\nFind My: ON", Level.MEDIUM),
        ("Blacklist: Clean\nMDM: ON", Level.MEDIUM),
        ("Blacklist: Clean\nFinanced: Yes", Level.MEDIUM),
        ("Contract: running", Level.MEDIUM),
        ("Replaced: Yes", Level.MEDIUM),
        ("Find My: OFF", Level.UNTOLD),
        ("SIM-Lock: Unlocked", Level.UNTOLD),
        ("Blacklist: No record", Level.UNTOLD),
        ("Blacklist: Clean\nBlacklist: Blocked", Level.UNTOLD),
        ("Blacklist: Blocked in UK (EE)\nBlacklist: Clean", Level.UNTOLD),
        ("Blacklist: Clean\nBlacklist: Blocked in UK (EE)", Level.UNTOLD),
        ("Find My: locked to owner\nFind My: OFF\nBlacklist: Clean", Level.UNTOLD),
        ("Blacklist: unknown\nBlacklist: Clean", Level.LOW),
        ("Model: iPhone", Level.UNTOLD),
        ("Blacklist: Clean\nFind My: unknown", Level.UNTOLD),
        ("Blacklist: Clean\nLost mode: ?", Level.UNTOLD),
        ("Blacklist: Clean\nMDM: see operator", Level.UNTOLD),
        ("Blacklist: Clean\nSIM-Lock: maybe", Level.LOW),
        ("Find My: ON\nBlacklist: maybe", Level.MEDIUM),
        # Lines that no field is for, about what a field is about.
        ("Blacklist: Clean\nFind My iPhone is ON", Level.UNTOLD),
        ("Blacklist: Clean\nNote: activation lock was seen", Level.UNTOLD),
        ("Blacklist: Clean\nGSMA: see network", Level.UNTOLD),
        ("Blacklist: Clean\nESN: unknown", Level.LOW),
        ("Blacklist: Clean\nStatus: Activated", Level.LOW),
        ("Blacklist: Clean\nThank you for your order", Level.LOW),
        # Text that was not looked at.
        ("Blacklist: Clean\n" + "Line: x\n" * 160 + "Find My: ON", Level.UNTOLD),
        ("Blacklist: Clean\nNote: " + "x" * 400 + " stolen", Level.UNTOLD),
        ('{"blacklist": "clean", "model": "iPhone", "warranty": null}', Level.LOW),
        ('{"blacklist": "clean", "more": {"icloud": {"find my": "ON"}}}', Level.UNTOLD),
        ('{"blacklist": "clean", "locks": ["find my"]}', Level.UNTOLD),
    ],
)
def test_level(text: str, level: Level) -> None:
    assert assess_risk(read_report(text)).level == level


def test_every_input_says_what_it_did() -> None:
    risk = assess_risk(read_report("Find My: ON\nBlacklist: Blocked\nSIM-Lock: Locked\nFinanced: perhaps\nMDM: OFF"))

    assert [(each.field.value, each.effect) for each in risk.inputs] == [
        ("blacklist", Effect.HIGH), ("find_my", Effect.MEDIUM), ("financed", Effect.DOUBTS),
        ("management", Effect.LOWERS), ("sim_lock", Effect.NOTHING),
    ]  # fmt: skip


def test_a_blacklist_that_was_not_asked_is_named_as_missing() -> None:
    risk = assess_risk(read_report("SIM-Lock: Unlocked"))

    assert ("blacklist", Effect.MISSING) in [(each.field.value, each.effect) for each in risk.inputs]


def test_a_report_of_another_device_tells_nothing() -> None:
    text = f"IMEI: {imei(5)}\nBlacklist: Clean"

    assert assess_risk(read_report(text), IMEI).level == Level.UNTOLD
    assert assess_risk(read_report(text), imei(5)).level == Level.LOW
    assert assess_risk(read_report(text), "DM1234ABCD").level == Level.LOW
    view = view_of(text, IMEI)
    assert view is not None
    assert view.is_other_device
    assert "another IMEI" in view.risk_meaning
