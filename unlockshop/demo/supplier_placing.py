"""Placing orders at the demo supplier (section 4.5 of the protocol notes).

There is no idempotency here, as there is none at real panels: each accepted call is an order of its own,
whatever its REFERENCE says.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from unlockshop.demo import dhru_wire as wire
from unlockshop.demo import supplier_catalogue as catalogue
from unlockshop.demo.supplier_behaviour import BEFORE, Behaviour, choose
from unlockshop.demo.supplier_store import REJECTED, SUCCESS, NewOrder, Store

_NO_CREDIT = "error:<li>No hay cr&eacute;dito suficiente en su cuenta</li>"
_SCRIPT = "<br><script>alert(1)</script><img src=x onerror=alert(1)>"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One order as any of the wires brings it. ``seconds`` until an ordinary one is final; None: as the settings say.

    ``panel`` names the wire; panels share services and credit, but list only their own orders.
    """

    service_id: str
    imei: str
    reference: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    panel: str = "dhru"
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it: an order id, or a problem (code and words), or neither when a fault swallowed it."""

    behaviour: str
    order_id: int | None = None
    problem: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """The outcome of one placement: the envelope to answer, the behaviour that may spoil it."""

    envelope: dict[str, Any]
    behaviour: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Credentials, timing in seconds, chaos rates by behaviour slug, and what kind of panel this is.

    ``dialect`` is the only dialect of single calls that is read (empty: all); ``bulk_shape`` the shape in which a
    bulk placement is answered, "1" to "4" (empty: 1 and 2 at once). ``listing_lag_seconds``: lists show an order at
    most so much later. ``once_per_device``: services that refuse a device which they have had before.
    """

    username: str
    key: str
    fast_seconds: float = 3.0
    slow_seconds: float = 60.0
    hang_seconds: float = 40.0
    jitter_seconds: float = 0.0
    seed: int = 0
    fault_rates: Mapping[str, float] = field(default_factory=dict)
    dialect: str = ""
    bulk_shape: str = ""
    listing_lag_seconds: float = 0.0
    once_per_device: frozenset[str] = frozenset()


class Placer:
    """Takes on orders, or refuses them, as the behaviour table says."""

    def __init__(self, settings: Settings, services: dict[str, catalogue.Service], store: Store) -> None:
        self.settings = settings
        self.services = services
        self.store = store

    def place(self, row: dict[str, str]) -> Placed:
        """One Dhru placement: its fields in, the envelope to answer out."""
        custom = wire.custom_fields(row.pop("CUSTOMFIELD", ""))
        row = {name.upper(): value for name, value in custom.items()} | {k: v for k, v in row.items() if v}
        service_id, reference = row.pop("ID", ""), row.pop("REFERENCE", "")
        imei = row.pop("IMEI", "") or row.get("MSISDN", "")
        taken = self.take(Wanted(service_id, imei, reference, row))
        if taken.problem:
            return Placed(wire.error(*taken.problem))
        received = {"MESSAGE": "Order received"}
        if taken.behaviour != "no_reference":
            received["REFERENCEID"] = str(taken.order_id)
        return Placed(wire.success(**received), taken.behaviour)

    def take(self, wanted: Wanted) -> Taken:
        """One placement in one transaction: the call is logged, an order taken on is stored and charged."""
        service = self.services.get(wanted.service_id)
        problem = _problem(service, wanted)
        with self.store.transaction():
            tries = self.store.tries(wanted.imei) + 1
            behaviour: Behaviour | None = None
            order_id: int | None = None
            if not problem and service is not None:
                behaviour = choose(wanted.imei, tries, self.settings.fault_rates, self.settings.seed)
                problem = self._refusal(behaviour, service, wanted.imei)
                if not problem and behaviour.slug not in BEFORE:
                    order_id = self._take_on(service, wanted, behaviour.slug)
            slug = behaviour.slug if behaviour else ""
            taken = "accepted" if order_id else "dropped"
            self.store.log_placement(
                imei=wanted.imei,
                service_id=wanted.service_id,
                reference=wanted.reference,
                outcome="refused" if problem else taken,
                behaviour=slug,
                order_id=order_id,
            )
        return Taken(slug, order_id, problem)

    def _refusal(self, behaviour: Behaviour, service: catalogue.Service, imei: str) -> tuple[str, str] | None:
        if service.service_id in self.settings.once_per_device and self.store.has(imei, service.service_id):
            return ("ValidationError96", "Duplicate IMEI: already available or pending in your orders")
        if behaviour.slug == "invalid":
            return ("ValidationError94", "Invalid IMEI")
        if behaviour.slug == "no_credit" or self.store.credit_cents() < service.cost_cents:
            return ("CreditprocessError", _NO_CREDIT)
        return None

    def _take_on(self, service: catalogue.Service, wanted: Wanted, slug: str) -> int:
        order_id = self.store.next_order_id()
        settings = self.settings
        jitter = random.Random(f"jitter:{settings.seed}:{order_id}").uniform(0, settings.jitter_seconds)
        ordinary = settings.fast_seconds if wanted.seconds is None else wanted.seconds
        told_imei = catalogue.other_imei(wanted.imei) if slug == "wrong_imei" else wanted.imei
        amount = wanted.inputs.get("AMOUNT", "")
        order = NewOrder(
            order_id=order_id,
            imei=wanted.imei,
            service_id=service.service_id,
            reference=wanted.reference,
            fields=dict(wanted.inputs),
            behaviour=slug,
            cost_cents=service.cost_cents,
            answer_imei=told_imei,
            final_status=SUCCESS,
            final_code=catalogue.result_text(service, told_imei, order_id, amount=amount),
            seconds=ordinary + jitter,
            panel=wanted.panel,
        )
        if slug == "slow":
            order = replace(order, seconds=settings.slow_seconds + jitter)
        elif slug == "rejected":
            order = replace(order, final_status=REJECTED, final_code="Rejected: device not eligible")
        elif slug == "not_found":
            order = replace(order, final_status=REJECTED, final_code=f"Not found: {service.not_found_text}")
        elif slug == "script_result":
            order = replace(order, final_code=order.final_code + _SCRIPT)
        elif slug == "empty_code":
            order = replace(order, final_code="")
        elif slug == "flapping":
            order = replace(order, seconds=None)
        self.store.insert(order)
        return order_id


def _problem(service: catalogue.Service | None, wanted: Wanted) -> tuple[str, str] | None:
    """Why the request cannot be an order at all; None when it can."""
    if service is None:
        return ("Invalid service ID", "Service not found or inactive")
    if not wanted.imei:
        return ("ValidationError93", "Parameter 'IMEI' Required")
    if len(wanted.imei) > 64 or any(mark in wanted.imei for mark in ",\n\r"):
        return ("ValidationError94", "Invalid IMEI")
    if wanted.inputs.get("QNT", "1") != "1":
        return ("ValidationError95", "Maximum quantity is 1")
    return None
