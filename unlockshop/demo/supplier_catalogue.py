"""The demo supplier's services, read from the shop's sample catalogue, and how they look on the wire.

Sections 4.2 (service list), 4.3 (details) and 4.4 (models, providers) of the protocol notes. Money is EUR:
integer cents inside, two-decimal strings on the wire.
"""

from __future__ import annotations

import html
import random
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import yaml

from unlockshop.demo.supplier_behaviour import example_imei, is_imei
from unlockshop.demo.supplier_reports import varied

CURRENCY = "EUR"
FIRST_SERVICE_ID = 1001
COST_SHARE = Decimal("0.60")
"""The supplier's price as a share of the shop's sale price."""

_GROUPS = {
    "unlock": "Network unlock",
    "check": "Information checks",
    "operator_check": "Operator checks",
    "status": "Device status",
    "identify": "Device identification",
    "topup": "Prepaid top-up",
}
_REQUIRES = (
    "Network", "Mobile", "Provider", "PIN", "KBH", "MEP", "PRD", "Type", "Locks", "Reference", "SN", "SecRO",
)  # fmt: skip
_REQUIRED_BY_FIELD = {"network": "Network", "model": "Mobile", "prd": "PRD", "mep": "MEP"}
_IDENTIFIERS = ("imei", "imei_or_serial", "msisdn")
_LONG_NUMBER = re.compile(r"[0-9]{8,}")
_CREDITED = re.compile(r"(?<=^Credited )[0-9]+")
_AMOUNT = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Service:
    """One service. ``service_id`` is 1000 + its position in the file, as text."""

    service_id: str
    name: str
    category: str
    brand: str
    country: str
    networks: tuple[str, ...]
    models: tuple[str, ...]
    fields: tuple[dict[str, Any], ...]
    cost_cents: int
    hours: Decimal
    info: str
    success_text: str
    not_found_text: str
    is_report: bool = False

    @property
    def credit(self) -> str:
        return money(self.cost_cents)


def money(cents: int) -> str:
    """Cents as the two-decimal string the wire carries."""
    return f"{Decimal(cents) / 100:.2f}"


def load(path: Path) -> dict[str, Service]:
    """The services of a catalogue file by SERVICEID, in file order."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    services = (_service(str(number), entry) for number, entry in enumerate(document["services"], FIRST_SERVICE_ID))
    return {service.service_id: service for service in services}


def _service(service_id: str, entry: dict[str, Any]) -> Service:
    price = Decimal(str(entry["price_eur"])) * COST_SHARE
    return Service(
        service_id=service_id,
        name=entry["name"],
        category=entry["category"],
        brand=entry.get("brand") or "",
        country=entry.get("country") or "",
        networks=tuple(name for name in entry.get("networks") or () if name != "any"),
        models=tuple(entry.get("models") or ()),
        fields=tuple(entry["required_fields"]),
        cost_cents=int((price * 100).quantize(Decimal(1), ROUND_HALF_UP)),
        hours=Decimal(str(entry["average_hours"])),
        info=entry.get("eligibility") or "",
        success_text=entry["typical_success_text"],
        not_found_text=entry["typical_not_found_text"],
        is_report=entry.get("result_kind") == "report",
    )


def result_text(service: Service, identifier: str, order_id: int, *, amount: str = "") -> str:
    """The success text of one order: long numbers (8 digits and more) vary by order, placeholders are filled.
    A top-up credits the ordered ``amount``.

    A placeholder of another kind than the ordered identifier gets a value derived from that identifier.
    """
    vary = random.Random(f"code:{order_id}")

    def another(found: re.Match[str]) -> str:
        return "".join(vary.choices("0123456789", k=len(found[0])))

    text = _LONG_NUMBER.sub(another, service.success_text)
    if _AMOUNT.fullmatch(amount):
        text = _CREDITED.sub(amount, text)
    derive = random.Random(f"device:{identifier}")
    serial = "DM" + "".join(derive.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=8))
    imei = example_imei("00", derive.randrange(10_000))
    text = text.replace("{imei}", identifier if is_imei(identifier) else imei)
    text = text.replace("{serial}", serial if is_imei(identifier) else identifier)
    text = text.replace("{msisdn}", identifier)
    return varied(text, identifier, order_id) if service.is_report else text


def other_imei(imei: str) -> str:
    """A valid IMEI that is not the given one, the same every time."""
    found = example_imei("00", random.Random(f"other:{imei}").randrange(10_000))
    return found if found != imei else example_imei("01")


def service_list(services: dict[str, Service]) -> dict[str, Any]:
    """LIST of imeiservicelist: groups by category, objects keyed by id (sections 4.2 and 9)."""
    groups: dict[str, Any] = {}
    for service in services.values():
        name = _GROUPS.get(service.category, service.category.replace("_", " ").capitalize())
        group = groups.setdefault(
            re.sub(r"[^A-Za-z0-9]", "", name), {"GROUPNAME": name, "GROUPTYPE": "IMEI", "SERVICES": {}}
        )
        group["SERVICES"][service.service_id] = _listed(service)
    return groups


def _listed(service: Service) -> dict[str, Any]:
    needed = {field["name"] for field in service.fields}
    required = {_REQUIRED_BY_FIELD[name] for name in needed if name in _REQUIRED_BY_FIELD}
    entry: dict[str, Any] = {
        "SERVICEID": service.service_id,
        "SERVICETYPE": "IMEI",
        "SERVER": "0",
        "SERVICENAME": service.name,
        "CREDIT": service.credit,
        "TIME": _time(service.hours),
        "INFO": f"<p>{html.escape(service.info)}</p>" if service.info else "",
        "QNT": "0",
        "QNTOPTIONS": "",
        "MINQNT": 1,
        "MAXQNT": 1,
        "CUSTOM": _identifier_box(service),
    }
    entry |= {f"Requires.{name}": "Required" if name in required else "None" for name in _REQUIRES}
    custom = [_custom(field) for field in service.fields if _is_custom(field["name"])]
    if custom:
        entry["Requires.Custom"] = custom
    return entry


def _is_custom(name: str) -> bool:
    return name not in _REQUIRED_BY_FIELD and name not in _IDENTIFIERS


def _custom(field: dict[str, Any]) -> dict[str, str]:
    choices = ",".join(str(choice) for choice in field.get("choices", ()))
    return {
        "type": "serviceimei",
        "fieldname": field["name"],
        "fieldtype": "dropdown" if choices else "text",
        "fieldoptions": choices,
        "description": field.get("label", ""),
        "required": "on" if field.get("required") else "",
        "regexpr": field.get("pattern", ""),
        "adminonly": "",
    }


def _identifier_box(service: Service) -> dict[str, str]:
    """CUSTOM: ``allow`` "1" re-labels the IMEI box; the value still travels in IMEI."""
    field = next((field for field in service.fields if field["name"] in _IDENTIFIERS), None)
    box = {"allow": "0", "bulk": "0", "customname": "", "custominfo": "", "customlen": "0", "maxlength": "0"}
    box |= {"regex": "", "isalpha": "0"}
    if field is not None and field["name"] != "imei":
        box |= {"allow": "1", "customname": field.get("label", ""), "maxlength": "20"}
        box["isalpha"] = "1" if field["name"] == "imei_or_serial" else "0"
    return box


def _time(hours: Decimal) -> str:
    if hours < 1:
        return f"1-{max(int(hours * 60), 1)} Minutes"
    return f"1-{int(hours)} Hours" if hours < 72 else f"1-{int(hours / 24)} Days"


def details(service: Service) -> dict[str, Any]:
    """LIST of getimeiservicedetails (section 4.3, legacy)."""
    listed = _listed(service)
    fields = {name.lower(): listed[f"Requires.{name}"] for name in _REQUIRES}
    return {
        "service_name": service.name,
        "credit": service.credit,
        "time": listed["TIME"],
        "info": listed["INFO"],
        "assigned_model": "",
        "assigned_provider": "",
        "reqredfield": fields,
    }


def nested_list(services: dict[str, Service], *, of_models: bool) -> list[dict[str, Any]]:
    """LIST of modellist (by brand) or providerlist (by country), in the Dhru shape of section 4.4."""
    tree: dict[str, list[str]] = {}
    for service in services.values():
        parent = service.brand if of_models else service.country
        for name in service.models if of_models else service.networks:
            known = tree.setdefault(parent or "Worldwide", [])
            if name not in known:
                known.append(name)
    children = "MODELS" if of_models else "PROVIDERS"
    return [
        {
            "ID": str(number),
            "NAME": parent,
            children: [{"ID": str(number * 1000 + place), "NAME": name} for place, name in enumerate(names, 1)],
        }
        for number, (parent, names) in enumerate(tree.items(), 1)
    ]
