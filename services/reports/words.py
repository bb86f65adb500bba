"""A report in people's words. Order page, mail, certificate and PDF say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from services.identifiers import group_imei
from services.reports.fields import SPECS, Field, Kind
from services.reports.reading import Report, read_report
from services.reports.risk import Effect, Input, Level, Risk, assess_risk

Text = str | Promise

FIELD_WORDS: Final[Mapping[Field, Text]] = {
    Field.MODEL: gettext_lazy("Model"),
    Field.BRAND: gettext_lazy("Brand"),
    Field.PART_NUMBER: gettext_lazy("Part number"),
    Field.IMEI: gettext_lazy("IMEI"),
    Field.IMEI2: gettext_lazy("Second IMEI"),
    Field.SERIAL: gettext_lazy("Serial number"),
    Field.CARRIER: gettext_lazy("Original operator"),
    Field.COUNTRY: gettext_lazy("Country"),
    Field.SIM_LOCK: gettext_lazy("SIM lock"),
    Field.BLACKLIST: gettext_lazy("Blacklist"),
    Field.BLACKLIST_REASON: gettext_lazy("Reason on the blacklist"),
    Field.FIND_MY: gettext_lazy("Find My (owner's account lock)"),
    Field.LOST_MODE: gettext_lazy("Lost mode"),
    Field.MANAGEMENT: gettext_lazy("Managed by a company"),
    Field.FINANCED: gettext_lazy("Bought on instalments, not paid off"),
    Field.CONTRACT: gettext_lazy("Contract with the operator"),
    Field.ACTIVATION: gettext_lazy("Activation"),
    Field.WARRANTY: gettext_lazy("Warranty"),
    Field.WARRANTY_UNTIL: gettext_lazy("Warranty until"),
    Field.PURCHASED: gettext_lazy("Purchase date"),
    Field.REPLACED: gettext_lazy("Replaced by the maker"),
    Field.REFURBISHED: gettext_lazy("Refurbished"),
    Field.LOANER: gettext_lazy("Loan or display device"),
}
STATE_WORDS: Final[Mapping[tuple[Field, str], Text]] = {
    (Field.SIM_LOCK, "locked"): gettext_lazy("Locked to a network"),
    (Field.SIM_LOCK, "unlocked"): gettext_lazy("Not locked"),
    (Field.BLACKLIST, "blocked"): gettext_lazy("On a blacklist"),
    (Field.BLACKLIST, "clean"): gettext_lazy("No entry found"),
    (Field.FIND_MY, "on"): pgettext_lazy("account lock", "On"),
    (Field.FIND_MY, "off"): pgettext_lazy("account lock", "Off"),
    (Field.LOST_MODE, "lost"): gettext_lazy("Reported lost by its owner"),
    (Field.LOST_MODE, "clean"): gettext_lazy("Not reported lost"),
    (Field.MANAGEMENT, "on"): gettext_lazy("Yes"),
    (Field.MANAGEMENT, "off"): gettext_lazy("No"),
    (Field.FINANCED, "yes"): gettext_lazy("Yes"),
    (Field.FINANCED, "no"): gettext_lazy("No"),
    (Field.CONTRACT, "running"): gettext_lazy("Still running"),
    (Field.CONTRACT, "ended"): gettext_lazy("Ended"),
    (Field.ACTIVATION, "activated"): gettext_lazy("Activated"),
    (Field.ACTIVATION, "not_activated"): gettext_lazy("Not activated"),
    (Field.WARRANTY, "active"): gettext_lazy("Valid"),
    (Field.WARRANTY, "expired"): gettext_lazy("Over"),
    **{
        (name, state): word
        for name in (Field.REPLACED, Field.REFURBISHED, Field.LOANER)
        for state, word in (("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No")))
    },
}
LEVEL_WORDS: Final[Mapping[Level, Text]] = {
    Level.LOW: pgettext_lazy("risk", "Low"),
    Level.MEDIUM: pgettext_lazy("risk", "Medium"),
    Level.HIGH: pgettext_lazy("risk", "High"),
    Level.UNTOLD: pgettext_lazy("risk", "Cannot be told"),
}
LEVEL_MEANINGS: Final[Mapping[Level, Text]] = {
    Level.LOW: gettext_lazy("Nothing in this report speaks for a block."),
    Level.MEDIUM: gettext_lazy("Something in this report may keep a new owner from using the device."),
    Level.HIGH: gettext_lazy("Networks may refuse this device, or do so already."),
    Level.UNTOLD: gettext_lazy("This report does not say enough to judge the risk of a block."),
}
EFFECT_WORDS: Final[Mapping[Effect, Text]] = {
    Effect.HIGH: gettext_lazy("makes the risk high"),
    Effect.MEDIUM: gettext_lazy("makes the risk at least medium"),
    Effect.DOUBTS: gettext_lazy("named but not readable, so the risk cannot be called low"),
    Effect.LOWERS: gettext_lazy("speaks against a risk"),
    Effect.NOTHING: gettext_lazy("no effect on the risk"),
    Effect.MISSING: gettext_lazy("not known, so not counted"),
}
DISCLAIMER: Final[tuple[Text, ...]] = (
    gettext_lazy("The status of a device can change at any time. This report holds for the moment it was made."),
    gettext_lazy(
        "Blacklists are updated daily and may be incomplete. The operator of the network can tell more: ask it before "
        "you buy or sell."
    ),
    gettext_lazy("The risk index is an estimate from the lines above. It is no guarantee."),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One field in words. ``raw`` is the supplier's own wording where it adds something; escape it."""

    name: Field
    label: str
    text: str
    raw: str
    is_known: bool


@dataclass(frozen=True, slots=True)
class RiskLine:
    """One input of the risk index in words."""

    label: str
    text: str
    effect: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report as pages, mails and papers show it. ``others`` are the supplier's further lines: foreign text."""

    lines: tuple[Line, ...]
    others: tuple[tuple[str, str], ...]
    level: Level
    risk: str
    risk_meaning: str
    risk_lines: tuple[RiskLine, ...]
    is_other_device: bool
    disclaimer: tuple[str, ...]


def view_of(text: str, identifier: str) -> ReportView | None:
    """The report in a result's ``text`` for the ordered ``identifier``; None where nothing in it can be read."""
    report = read_report(text)
    return present(report, assess_risk(report, identifier)) if report.is_readable else None


def present(report: Report, risk: Risk) -> ReportView:
    """A report and its risk in the language of the moment."""
    meaning = str(LEVEL_MEANINGS[risk.level])
    if risk.is_other_device:
        meaning = _("The report names another IMEI than the one that was ordered. Write to us.")
    return ReportView(
        lines=tuple(_line(reading.field, reading.value, reading.raw) for reading in report.readings),
        others=tuple((other.label, other.value) for other in report.others),
        level=risk.level,
        risk=str(LEVEL_WORDS[risk.level]),
        risk_meaning=meaning,
        risk_lines=tuple(_risk_line(each) for each in risk.inputs),
        is_other_device=risk.is_other_device,
        disclaimer=tuple(str(sentence) for sentence in DISCLAIMER),
    )


def value_words(name: Field, value: str) -> str:
    """A field's value in words; empty is unknown."""
    if not value:
        return _("Unknown")
    kind = SPECS[name].kind
    if kind == Kind.STATE:
        return str(STATE_WORDS[name, value])
    if kind == Kind.DATE:
        return str(date_format(date.fromisoformat(value), "j M Y"))
    return group_imei(value) if kind == Kind.IMEI else value


def _line(name: Field, value: str, raw: str) -> Line:
    text = value_words(name, value)
    is_said = bool(value) and SPECS[name].kind != Kind.STATE
    shown_raw = "" if is_said or raw.casefold() == text.casefold() else raw
    return Line(name, str(FIELD_WORDS[name]), text, shown_raw, bool(value))


def _risk_line(each: Input) -> RiskLine:
    return RiskLine(str(FIELD_WORDS[each.field]), value_words(each.field, each.value), str(EFFECT_WORDS[each.effect]))
