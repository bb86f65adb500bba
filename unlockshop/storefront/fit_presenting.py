"""What the service's page and the checkout say of a device that a service does not fit, and what to order instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from orders import learning
from services import device_models
from services.fitting import Facts, Misfit, is_refused, misfits
from services.models import Service
from unlockshop.storefront import device_memory, errors


@dataclass(frozen=True, slots=True)
class Fit:
    """Why a service does not fit, in sentences; where to look instead; whether the order is refused."""

    reasons: Sequence[str]
    instead: str
    is_refused: bool

    @property
    def sentence(self) -> str:
        """All reasons in a row."""
        return " ".join(self.reasons)


def fit_of(request: HttpRequest, service: Service, identifiers: Sequence[str]) -> Fit | None:
    """The misfits of these devices; None where none is known. At most two queries, none without devices.

    Only checks that this very browser bought count: an IMEI is no secret, and others' results are not told by it.
    """
    if not identifiers or service.kind == "topup":
        return None
    names = device_models.named(identifiers)
    facts = learning.facts_of(identifiers, device_memory.purchases_of(request))
    found: list[Misfit] = []
    for identifier in identifiers:
        found += misfits(service, names.get(identifier), facts.get(identifier, Facts()))
    if not found:
        return None
    instead = f"{reverse('catalogue')}?{urlencode(found[0].instead)}"
    return Fit(list(dict.fromkeys(misfit.text for misfit in found)), instead, is_refused(service, found))


def typed_in(initial: Mapping[str, Any] | None) -> list[str]:
    """The identifiers of a form as it is filled, where they are in normal form."""
    one = (initial or {}).get("identifier", "")
    return [one] if device_models.tac_of(one) else []


def refuse(request: HttpRequest, fit: Fit) -> HttpResponse:
    """409: the service does not fit the device; nothing is ordered."""
    return errors.conflict(
        request,
        title=_("This service does not fit your device"),
        text=_("%(reasons)s Nothing was ordered or charged.") % {"reasons": fit.sentence},
        way_out=errors.WayOut(fit.instead, _("See services that fit")),
    )
