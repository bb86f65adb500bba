"""How likely it is that networks block a device, or that its buyer cannot use it: a risk index with its reasons.

Clauses DSIM-CHECK-DEF-3, -8 and -10. Each input of a report raises the index, lowers it, does nothing, or is missing;
the index is low only where a blacklist was asked and knows nothing of the device, where every input that the report
names and that could raise the index can be read, and where no line that was not read may be about one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.reports.fields import Field
from services.reports.meanings import speaks_of
from services.reports.reading import Report


class Level(StrEnum):
    """The index. ``UNTOLD``: the report does not say enough."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    UNTOLD = "untold"


class Effect(StrEnum):
    """What one input did to the index. ``DOUBTS``: it is there, could have raised it, and cannot be read."""

    HIGH = "high"
    MEDIUM = "medium"
    DOUBTS = "doubts"
    LOWERS = "lowers"
    NOTHING = "nothing"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Input:
    """One field that was looked at, its value (empty: unknown or not in the report), and what it did."""

    field: Field
    value: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class Risk:
    """The index and every input, the weightiest first. ``is_other_device``: the report names another IMEI."""

    level: Level
    inputs: tuple[Input, ...]
    is_other_device: bool = False


_EFFECTS: Final[Mapping[Field, Mapping[str, Effect]]] = {
    Field.BLACKLIST: {"blocked": Effect.HIGH, "clean": Effect.LOWERS},
    Field.LOST_MODE: {"lost": Effect.HIGH, "clean": Effect.LOWERS},
    Field.FIND_MY: {"on": Effect.MEDIUM, "off": Effect.LOWERS},
    Field.MANAGEMENT: {"on": Effect.MEDIUM, "off": Effect.LOWERS},
    Field.FINANCED: {"yes": Effect.MEDIUM, "no": Effect.LOWERS},
    Field.CONTRACT: {"running": Effect.MEDIUM, "ended": Effect.LOWERS},
    Field.REPLACED: {"yes": Effect.MEDIUM, "no": Effect.NOTHING},
    Field.LOANER: {"yes": Effect.MEDIUM, "no": Effect.NOTHING},
    Field.SIM_LOCK: {"locked": Effect.NOTHING, "unlocked": Effect.NOTHING},
}
_RAISE: Final = frozenset({Effect.HIGH, Effect.MEDIUM})
_ALWAYS_NAMED: Final = frozenset({Field.BLACKLIST})
_WEIGHT: Final = list(Effect)
_RAISING: Final = frozenset(name for name, effects in _EFFECTS.items() if _RAISE.intersection(effects.values()))


def assess_risk(report: Report, identifier: str = "") -> Risk:
    """The risk index of the device that ``report`` is about; ``identifier`` is the one that was ordered."""
    inputs = []
    for name, effects in _EFFECTS.items():
        value = report.value(name)
        effect = effects.get(value, Effect.MISSING)
        is_named = any(reading.field == name for reading in report.readings)
        if effect == Effect.MISSING and is_named and _RAISE.intersection(effects.values()):
            effect = Effect.DOUBTS
        if is_named or name in _ALWAYS_NAMED:
            inputs.append(Input(name, value, effect))
    inputs.sort(key=lambda each: _WEIGHT.index(each.effect))
    if is_about_another(report, identifier):
        return Risk(Level.UNTOLD, tuple(inputs), is_other_device=True)
    level = _level(inputs)
    return Risk(Level.UNTOLD if level == Level.LOW and _leaves_doubt(report) else level, tuple(inputs))


def _leaves_doubt(report: Report) -> bool:
    """Whether something that was not read may be about what raises the index."""
    return not report.is_whole or any(speaks_of(_RAISING, other.label, other.value) for other in report.others)


def is_about_another(report: Report, identifier: str) -> bool:
    """Whether the report names an IMEI and none that it names is the one that was ordered."""
    named = {report.value(Field.IMEI), report.value(Field.IMEI2)} - {""}
    is_imei = len(identifier) == 15 and identifier.isascii() and identifier.isdecimal()
    return is_imei and bool(named) and identifier not in named


def _level(inputs: list[Input]) -> Level:
    effects = {each.effect for each in inputs}
    if Effect.HIGH in effects:
        return Level.HIGH
    if Effect.MEDIUM in effects:
        return Level.MEDIUM
    if Effect.DOUBTS in effects:
        return Level.UNTOLD
    is_clean = any(each.field == Field.BLACKLIST and each.value == "clean" for each in inputs)
    return Level.LOW if is_clean else Level.UNTOLD
