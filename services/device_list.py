"""The devices of a basket: one identifier, or several in one paste with an answer for each line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from django.utils.translation import gettext as _

from services.identifiers import (
    Identifier,
    IdentifierInvalid,
    group_imei,
    parse_imei,
    parse_imei_or_serial,
    parse_msisdn,
    split_bulk,
)
from services.models import FieldKind, ServiceField
from services.order_form import AnswerInvalid

MAX_DEVICES: Final = 50
MAX_PASTE: Final = 12_000


@dataclass(frozen=True, slots=True)
class Device:
    """One device of the basket: its identifier in normal form, and what the customer should look at again."""

    value: str
    kind: str
    warning: str
    raw: str

    def as_dict(self) -> dict[str, str]:
        """As a draft stores it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of a basket, each once; ``merged`` counts the repeated ones."""

    devices: tuple[Device, ...]
    merged: int = 0


class DevicesInvalid(Exception):
    """Devices that are refused: sentences about the single one, and about each wrong line of the paste."""

    def __init__(self, *, single: Sequence[str] = (), lines: Sequence[str] = ()) -> None:
        super().__init__("devices")
        self.single = list(single)
        self.lines = list(lines)


def read_devices(field: ServiceField, *, single: str, paste: str) -> Devices:
    """The devices of an order form with one input and a box for several; either or both may be used.

    Repeated devices count once. Raises ``DevicesInvalid`` with everything that is wrong, not only the first.
    """
    devices: list[Device] = []
    wrong_single: list[str] = []
    wrong_lines: list[str] = []
    try:
        entries = paste_entries(paste)
    except AnswerInvalid as error:
        raise DevicesInvalid(lines=[error.message]) from error
    if single.strip() or not entries:
        try:
            devices.append(parse_device(field, single))
        except AnswerInvalid as error:
            wrong_single.append(error.message)
    for place, raw in entries:
        try:
            devices.append(parse_device(field, raw))
        except AnswerInvalid as error:
            wrong_lines.append(f"{place}: {error.message}")
    if len(devices) > MAX_DEVICES:
        wrong_lines.append(_too_many().message)
    if wrong_single or wrong_lines:
        raise DevicesInvalid(single=wrong_single, lines=wrong_lines)
    unique: dict[str, Device] = {}
    for device in devices:
        unique.setdefault(device.value, device)
    return Devices(tuple(unique.values()), merged=len(devices) - len(unique))


def parse_device(field: ServiceField, raw: str) -> Device:
    """Read one identifier; raises ``AnswerInvalid``."""
    try:
        found = _identifier(field, raw)
    except IdentifierInvalid as error:
        raise AnswerInvalid(error.code, _with_suggestion(error), suggestion=error.suggestion) from error
    return Device(found.value, found.kind.value, str(found.warning), raw.strip())


def paste_entries(paste: str) -> list[tuple[str, str]]:
    """The entries of a several-devices paste, each with the line it stands in. Raises ``AnswerInvalid``."""
    if len(paste) > MAX_PASTE:
        raise _too_many()
    entries: list[tuple[str, str]] = []
    for number, line in enumerate(paste.splitlines(), start=1):
        try:
            found = split_bulk(line, limit=MAX_DEVICES)
        except IdentifierInvalid as error:
            raise _too_many() from error
        for position, entry in enumerate(found, start=1):
            place = _("Line %d") % number
            if len(found) > 1:
                place = _("Line %(line)d, number %(position)d") % {"line": number, "position": position}
            entries.append((place, entry))
    if len(entries) > MAX_DEVICES:
        raise _too_many()
    return entries


def _identifier(field: ServiceField, raw: str) -> Identifier:
    if field.kind == FieldKind.MSISDN:
        return parse_msisdn(raw, country=field.service.country)
    if field.kind == FieldKind.IMEI_OR_SERIAL:
        return parse_imei_or_serial(raw)
    return parse_imei(raw)


def _with_suggestion(error: IdentifierInvalid) -> str:
    message = str(error.message)
    if not error.suggestion:
        return message
    return _("%(message)s Did you mean %(number)s?") % {"message": message, "number": group_imei(error.suggestion)}


def _too_many() -> AnswerInvalid:
    return AnswerInvalid(
        "too_many", _("One order holds at most %d devices. Remove some lines and order them separately.") % MAX_DEVICES
    )
