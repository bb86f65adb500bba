"""What a customer confirms before paying, per kind of work. The texts as shown are stored with the purchase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from services.models import ResultKind, Service, ServiceKind


@dataclass(frozen=True, slots=True)
class Statement:
    """One box to tick: ``code`` is stable, ``text`` is what is confirmed, ``missing`` asks for it."""

    code: str
    text: Promise
    missing: Promise


_ENTITLED: Final = Statement(
    "entitled",
    _("The device is mine, or its owner has asked me to order this."),
    _("Confirm that the device is yours or that its owner asked you."),
)
_IMEI_COMPARED: Final = Statement(
    "imei-compared",
    _("I dialled *#06# and compared every digit of the IMEI."),
    _("Confirm that you compared the IMEI with *#06#."),
)
_NUMBER_COMPARED: Final = Statement(
    "number-compared",
    _("I compared the IMEI or serial number with the one on the device or its papers."),
    _("Confirm that you compared the IMEI or serial number."),
)
_UNLOCK: Final = (
    _ENTITLED,
    _IMEI_COMPARED,
    Statement(
        "not-reported",
        _("The device is not reported lost or stolen and is on no blacklist."),
        _("Confirm that the device is not reported lost or stolen."),
    ),
    Statement(
        "conditions-met",
        _("I read the conditions of this service, and the device meets them, open bills and instalments included."),
        _("Confirm that the device meets the conditions of this service."),
    ),
    Statement(
        "network-right",
        _("I chose the network the phone is locked to, not the network I want to use."),
        _("Confirm that you chose the network the phone is locked to."),
    ),
    Statement(
        "no-activation-lock",
        _(
            "I know that only the network lock is released. An activation or account lock (iCloud, Google, Samsung, "
            "Xiaomi) is something else and stays."
        ),
        _("Confirm that you know an activation or account lock stays."),
    ),
)
_ATTEMPTS_LEFT: Final = Statement(
    "attempts-left",
    _("With another network's SIM the phone asks for an unlock code, and it has attempts left."),
    _("Confirm that the phone asks for a code and has attempts left."),
)
_CHECK: Final = (
    _NUMBER_COMPARED,
    Statement(
        "information-only",
        _("I know that a check tells what records say about the device and changes nothing."),
        _("Confirm that you know a check changes nothing."),
    ),
)
_TOPUP: Final = (
    Statement(
        "number-compared",
        _("I compared every digit of the phone number. Delivered credit cannot be taken back."),
        _("Confirm that you compared the phone number."),
    ),
    Statement(
        "prepaid",
        _("It is a prepaid line of the network that this service names."),
        _("Confirm that it is a prepaid line of this network."),
    ),
)
_LAWFUL: Final = Statement(
    "lawful",
    _("I use this service for a lawful purpose."),
    _("Confirm that your purpose is lawful."),
)
_ADULT: Final = Statement(
    "adult",
    _("I am 18 years old or older."),
    _("Confirm that you are 18 or older."),
)


def statements_for(service: Service) -> Sequence[Statement]:
    """The statements to confirm for ``service``; lawful use and age belong to every kind."""
    return (*_of_kind(service), _LAWFUL, _ADULT)


def _of_kind(service: Service) -> Sequence[Statement]:
    if service.kind == ServiceKind.TOPUP:
        return _TOPUP
    if service.kind == ServiceKind.CHECK:
        return _CHECK
    if service.result_kind == ResultKind.CODE:
        return (*_UNLOCK, _ATTEMPTS_LEFT)
    return _UNLOCK
