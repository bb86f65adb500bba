"""The demo supplier's second wire: the UnlockBase XML API v3 (section 11.1 of the protocol notes).

The same services, orders and misbehaviours as the Dhru panel, in other words. "Delivered" with ``Available`` False is
how this family says that there is no code.
"""

from __future__ import annotations

import hmac
import re
import sqlite3
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from unlockshop.demo import supplier_catalogue as catalogue
from unlockshop.demo.supplier_actions import Reply, Supplier, spoil
from unlockshop.demo.supplier_placing import Wanted
from unlockshop.demo.supplier_store import CANCELLED, REJECTED, SUCCESS

PATH = re.compile(r"/+xml/api/v3/?")
PANEL = "unlockbase"
_XML_TYPE = "text/xml; charset=utf-8"
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_INPUTS = ("Network", "Mobile", "Provider", "PIN", "KBH", "MEP", "PRD", "Type", "Locks", "SN", "SecRO")
_REFUSALS = {
    "Invalid service ID": "Invalid Tool",
    "ValidationError93": "IMEI is required",
    "ValidationError94": "Invalid IMEI",
    "CreditprocessError": "Not enough credits to place this order",
}


def answer(supplier: Supplier, fields: Mapping[str, str]) -> Reply:
    """The reply to one call: its form fields in. An error is ``<Error>`` with HTTP 200."""
    if not hmac.compare_digest(fields.get("Key", "").encode(), supplier.settings.key.encode()):
        return _api(Error="Invalid API key")
    match fields.get("Action", ""):
        case "AccountInfo":
            supplier.store.settle()
            credit = catalogue.money(supplier.store.credit_cents())
            return _api(Email=supplier.settings.username, Credits=credit)
        case "GetTools":
            return _reply(_tools(supplier.services))
        case "PlaceOrder":
            return _place(supplier, fields)
        case "GetOrders":
            return _orders(supplier, fields.get("ID", "").strip())
        case "CancelOrder":
            return _cancel(supplier, fields.get("ID", "").strip())
    return _api(Error="Unknown action")


def _place(supplier: Supplier, fields: Mapping[str, str]) -> Reply:
    wanted = Wanted(
        service_id=fields.get("Tool", "").strip(),
        imei=fields.get("IMEI", "").strip(),
        reference=fields.get("Comments", "").strip(),
        inputs={name.upper(): fields[name] for name in _INPUTS if fields.get(name)},
        panel=PANEL,
    )
    taken = supplier.placer.take(wanted)
    if taken.problem:
        return _api(Error=_REFUSALS.get(taken.problem[0], taken.problem[1]))
    told = {"Success": "Your order has been placed"}
    if taken.behaviour != "no_reference":
        told["ID"] = str(taken.order_id)
    return spoil(_api(**told), taken.behaviour, hold_seconds=supplier.settings.hang_seconds, cut_before=b"<ID>")


def _orders(supplier: Supplier, order_id: str) -> Reply:
    listed = supplier.store.of_panel(PANEL, order_id)
    if not order_id:
        listed = supplier.listed(listed)
    told = "".join(_order(order) for order in listed)
    if order_id and listed:
        current = supplier.store.status(order_id)  # counts as a status call, which a flapping order goes by
        told = _order(listed[0], shown=current)
    return _reply(told)


def _order(order: sqlite3.Row, *, shown: Mapping[str, Any] | None = None) -> str:
    status = shown["STATUS"] if shown else order["status"]
    code = str(shown["CODE"] if shown else order["code"])
    word = {SUCCESS: "Delivered", REJECTED: "Canceled" if code == CANCELLED else "Delivered"}.get(status, "Waiting")
    members = {
        "ID": order["id"],
        "Date": order["created_at"],
        "IMEI": order["answer_imei"],
        "Credits": catalogue.money(order["cost_cents"]),
        "Tool": order["service_id"],
        "Status": word,
        "Available": "True" if status == SUCCESS else "False",
        "Delivery": "",
        "Codes": code,
        "Comments": order["reference"],
    }
    return f"<Order>{_elements(members)}</Order>"


def _cancel(supplier: Supplier, order_id: str) -> Reply:
    if not supplier.store.of_panel(PANEL, order_id or "0"):
        return _api(Error="Order not found")
    if not supplier.store.cancel(int(order_id)):
        return _api(Error="This order cannot be canceled any more")
    return _api(Success="The order has been canceled")


def _tools(services: Mapping[str, catalogue.Service]) -> str:
    groups: dict[str, list[str]] = {}
    for service in services.values():
        groups.setdefault(service.category, []).append(f"<Tool>{_elements(_tool(service))}</Tool>")
    return "".join(
        f"<Group><ID>{number}</ID><Name>{_text(name)}</Name>{''.join(tools)}</Group>"
        for number, (name, tools) in enumerate(groups.items(), 1)
    )


def _tool(service: catalogue.Service) -> dict[str, Any]:
    asked = {field["name"] for field in service.fields}
    return {
        "ID": service.service_id,
        "Name": service.name,
        "Credits": service.credit,
        "Message": service.info,
        "SMS": "False",
        "Delivery.Min": "1",
        "Delivery.Max": max(int(service.hours), 1),
        "Delivery.Unit": "Hours",
        "Requires.Network": "Required" if "network" in asked else "None",
        "Requires.Mobile": "Required" if "model" in asked else "None",
        "Requires.MEP": "Required" if "mep" in asked else "None",
        "Requires.PRD": "Required" if "prd" in asked else "None",
        "Requires.Locks": "0",
    }


def _api(**members: object) -> Reply:
    return _reply(_elements(members))


def _reply(inner: str) -> Reply:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<API>{inner}</API>\n'
    return Reply(text.encode("utf-8", "replace"), content_type=_XML_TYPE)


def _elements(members: Mapping[str, object]) -> str:
    return "".join(f"<{name}>{_text(value)}</{name}>" for name, value in members.items())


def _text(value: object) -> str:
    return escape(_NOT_XML.sub("", str(value)))
