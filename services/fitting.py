"""Whether a service fits a device, before money is taken: what is declared, what is known, and what to order instead.

A service declares its brand, networks and models. A device is known by its TAC, and by checks that the same customer
had done. A misfit is either hard (refused, where staff set the service so) or soft (warned of, and ticked).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from services.browsing import compact
from services.device_models import Named
from services.models import ModelSource, Service, ServiceKind
from services.order_form import ANY_NETWORK
from services.reports.fields import Field
from services.reports.reading import read_report

_MAX_CARRIER: Final = 60


@dataclass(frozen=True, slots=True)
class Facts:
    """What finished checks say of a device; None and empty where they are silent."""

    is_unlocked: bool | None = None
    is_blacklisted: bool | None = None
    carrier: str = ""

    def or_else(self, older: Facts) -> Facts:
        """These facts, with an older check's where these are silent."""
        return Facts(
            older.is_unlocked if self.is_unlocked is None else self.is_unlocked,
            older.is_blacklisted if self.is_blacklisted is None else self.is_blacklisted,
            self.carrier or older.carrier,
        )


@dataclass(frozen=True, slots=True)
class Misfit:
    """One reason why a service does not fit: a stable code, a sentence, where to look instead, if it is certain."""

    code: str
    text: str
    instead: Mapping[str, str]
    is_hard: bool


def read_facts(text: str) -> Facts:
    """Facts out of a check's report. What it does not say plainly is silence."""
    report = read_report(text)
    lock, blacklist, carrier = (report.value(name) for name in (Field.SIM_LOCK, Field.BLACKLIST, Field.CARRIER))
    return Facts(
        is_unlocked=lock == "unlocked" if lock else None,
        is_blacklisted=blacklist == "blocked" if blacklist else None,
        carrier=carrier if len(carrier) <= _MAX_CARRIER else "",
    )


def misfits(service: Service, device: Named | None, facts: Facts) -> list[Misfit]:
    """Why ``service`` does not fit the device, as far as that is known. Only unlocks can miss; no query."""
    found = [_brand(service, device), _model(service, device)]
    if service.kind == ServiceKind.UNLOCK:
        found += [_unlocked(facts), _blacklisted(facts), _network(service, facts)]
    return [misfit for misfit in found if misfit]


def is_refused(service: Service, found: Sequence[Misfit]) -> bool:
    """Whether the checkout stops: something is certain, and staff want it refused."""
    return service.refuses_misfits and any(misfit.is_hard for misfit in found)


def covers_brand(service: Service, brand: str) -> bool:
    """Whether a service is for devices of ``brand``; one without a brand is for all."""
    return not service.brand or not brand or compact(service.brand) == compact(brand)


def _brand(service: Service, device: Named | None) -> Misfit | None:
    if device is None or covers_brand(service, device.brand):
        return None
    text = _("This service is for %(brand)s devices. By its IMEI, yours is a %(device)s.")
    return Misfit(
        "brand",
        text % {"brand": service.brand, "device": device.name},
        {"brand": device.brand, "kind": service.kind},
        is_hard=device.source != ModelSource.LEARNED,
    )


def _model(service: Service, device: Named | None) -> Misfit | None:
    covered = [compact(str(name)) for name in service.covered_models or []]
    if not covered or device is None or not covers_brand(service, device.brand):
        return None
    name = compact(device.model)
    if any(name.startswith(start) or compact(device.name).startswith(start) for start in covered):
        return None
    text = _("This service does not cover the %(device)s. It is for: %(models)s.")
    models = service.models_note or ", ".join(str(name) for name in service.covered_models)
    return Misfit(
        "model",
        text % {"device": device.name, "models": models},
        {"brand": device.brand, "kind": service.kind},
        is_hard=device.source == ModelSource.STAFF,
    )


def _unlocked(facts: Facts) -> Misfit | None:
    if not facts.is_unlocked:
        return None
    text = _("Your check found no network lock on this device: there is nothing to unlock.")
    return Misfit("unlocked", text, {"kind": ServiceKind.CHECK.value}, is_hard=True)


def _blacklisted(facts: Facts) -> Misfit | None:
    if not facts.is_blacklisted:
        return None
    text = _("Your check found this device on a blacklist. Networks refuse to unlock such devices.")
    return Misfit("blacklisted", text, {"kind": ServiceKind.CHECK.value}, is_hard=True)


def _network(service: Service, facts: Facts) -> Misfit | None:
    names = [str(name) for name in service.networks]
    if not facts.carrier or not names or ANY_NETWORK in names:
        return None
    carrier = compact(facts.carrier)
    if any(compact(name) and compact(name) in carrier for name in names):
        return None
    text = _("Your check says that this device belongs to %(carrier)s. This service is for %(networks)s.")
    return Misfit(
        "network",
        text % {"carrier": facts.carrier, "networks": ", ".join(names)},
        {"kind": service.kind, **({"brand": service.brand} if service.brand else {})},
        is_hard=False,
    )
