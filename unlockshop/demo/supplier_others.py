"""Server and file orders of the demo supplier, as older panels have them: lists and actions of their own.

Sections 4.9 and 4.10 of the protocol notes. Services of each list are numbered from 1. Inside, they and their orders
go by "server:1" and "file:1"; on the wire by the bare number.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from unlockshop.demo import dhru_wire as wire
from unlockshop.demo import supplier_catalogue as catalogue
from unlockshop.demo.supplier_placing import Placed, Placer, Settings
from unlockshop.demo.supplier_store import Store

_MARK = ":"


def _service(kind: str, number: int, name: str, cents: int, result: str) -> catalogue.Service:
    return catalogue.Service(
        service_id=f"{kind}{_MARK}{number}",
        name=name,
        category=kind,
        brand="",
        country="",
        networks=(),
        models=(),
        fields=(),
        cost_cents=cents,
        hours=Decimal(1),
        info="",
        success_text=result,
        not_found_text="Account not found",
    )


SERVICES = {
    service.service_id: service
    for service in (
        _service("server", 1, "Service tool activation, 12 months", 3900, "Activated. Licence 5120044719"),
        _service("server", 2, "Service tool credits, pack of 10", 850, "10 credits added"),
        _service("file", 1, "Unlock code from a phone's lock file", 240, "NCK 40718839"),
    )
}


class OtherOrders:
    """The questions and the placements, by action."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._placer = Placer(settings, SERVICES, store)
        self._store = store
        self.placing: dict[str, Callable[[dict[str, str]], Placed]] = {
            "placeserverorder": self._place_server,
            "placefileorder": self._place_file,
        }
        self.questions: dict[str, Callable[[Any], dict[str, Any]]] = {
            "serverservicelist": lambda _: _list("server"),
            "fileservicelist": lambda _: _list("file"),
            "getserverorder": lambda parameters: self._status("server", parameters),
            "getfileorder": lambda parameters: self._status("file", parameters),
        }

    def has(self, order_id: str) -> bool:
        """Whether an order is one of these, which the ordinary status action does not tell of."""
        return _MARK in self._store.service_of(order_id)

    def _place_server(self, row: dict[str, str]) -> Placed:
        number = row.pop("ID", "") or row.pop("SERVICE_ID", "")
        row.pop("SERVICE_ID", None)
        quantity = row.pop("QUANTITY", "")
        row = {"QNT": quantity or "1", **row, "ID": f"server{_MARK}{number}"}
        answers = wire.custom_fields(row.get("CUSTOMFIELD", ""))
        row["IMEI"] = row.get("IMEI") or next(iter(answers.values()), "")
        return self._placer.place(row)

    def _place_file(self, row: dict[str, str]) -> Placed:
        name, data = row.pop("FILENAME", ""), row.pop("FILEDATA", "")
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            content = b""
        if not (name and content):
            return Placed(wire.error("ValidationError96", "Parameter 'FILEDATA' Required"))
        return self._placer.place(
            {"ID": f"file{_MARK}{row.get('ID', '')}", "IMEI": name[:64], "BYTES": str(len(content))}
        )

    def _status(self, kind: str, parameters: Any) -> dict[str, Any]:
        order_id = wire.row(parameters).get("ID", "")
        is_ours = self._store.service_of(order_id).startswith(f"{kind}{_MARK}")
        found = self._store.status(order_id) if is_ours else None
        if found is None:
            return {"ID": order_id} | wire.error("NoResultFound", "Order ID not found!")
        if kind == "file" and found["STATUS"] < 3:
            return {"ID": order_id} | wire.error("Code Not Ready")
        return {"ID": order_id} | wire.success(**found, COMMENTS="")


def _list(kind: str) -> dict[str, Any]:
    services = {
        service.service_id.partition(_MARK)[2]: {
            "SERVICEID": service.service_id.partition(_MARK)[2],
            "SERVICENAME": service.name,
            "CREDIT": service.credit,
            "TIME": "1 Hours",
        }
        for service in SERVICES.values()
        if service.category == kind
    }
    groups = {kind: {"GROUPNAME": f"{kind.capitalize()} services", "GROUPTYPE": kind.upper(), "SERVICES": services}}
    return wire.success(MESSAGE="Service List", LIST=groups)
