"""The demo supplier's third wire: checks over REST with a bearer token (section 11.4 of the protocol notes).

The same services, orders and misbehaviours as the Dhru panel, in other words. An ordinary check is done at once, so
the answer to its placing carries the result; ids are opaque text.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from unlockshop.demo import supplier_catalogue as catalogue
from unlockshop.demo.supplier_actions import Reply, Supplier, spoil
from unlockshop.demo.supplier_placing import Wanted
from unlockshop.demo.supplier_store import IN_PROCESS, PENDING, REJECTED, SUCCESS

PATH = re.compile(r"/+v1/(?P<what>account|services|checks)(?:/(?P<check>[\w-]{1,40}))?/?")
PANEL = "rest_check"
_PREFIX = "chk-"
_STATUSES = {PENDING: "waiting", IN_PROCESS: "processing", SUCCESS: "successful"}
_LINE = re.compile(r"<br>|\n")
_BEARER = "bearer "


def answer(supplier: Supplier, method: str, path: str, authorization: str, body: bytes) -> Reply:
    """The reply to one call. Errors carry an HTTP status and a JSON ``message``."""
    token = authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
    if not hmac.compare_digest(token.encode("utf-8", "replace"), supplier.settings.key.encode()):
        return _error(HTTPStatus.UNAUTHORIZED, "Unauthenticated.")
    found = PATH.fullmatch(path)
    what, check = (found["what"], found["check"] or "") if found else ("", "")
    match method, what, bool(check):
        case "GET", "account", False:
            supplier.store.settle()
            return _json({"balance": catalogue.money(supplier.store.credit_cents()), "currency": catalogue.CURRENCY})
        case "GET", "services", False:
            return _json([_service(service) for service in supplier.services.values()])
        case "GET", "checks", True:
            return _get(supplier, check)
        case "POST", "checks", False:
            return _place(supplier, body)
    return _error(HTTPStatus.NOT_FOUND, "Route not found.")


def _place(supplier: Supplier, body: bytes) -> Reply:
    try:
        asked = json.loads(body)
        device, service_id = asked["deviceId"], asked["serviceId"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return _invalid("deviceId", "The deviceId and serviceId fields are required.")
    if not isinstance(device, str) or type(service_id) is not int:
        return _invalid("deviceId", "The deviceId must be a string and the serviceId an integer.")
    wanted = Wanted(str(service_id), device.strip(), panel=PANEL, seconds=0.0)
    taken = supplier.placer.take(wanted)
    match taken.problem:
        case ("Invalid service ID", _):
            return _invalid("serviceId", "The selected serviceId is invalid.")
        case ("CreditprocessError", _):
            return _error(HTTPStatus.PAYMENT_REQUIRED, "Insufficient balance.")
        case (_, told):
            return _invalid("deviceId", str(told))
    check = _check(supplier, taken.order_id) if taken.order_id is not None else {}
    if taken.behaviour == "no_reference":
        check.pop("id")
    reply = _json(check, HTTPStatus.CREATED)
    return spoil(reply, taken.behaviour, hold_seconds=supplier.settings.hang_seconds, cut_before=b'"id"')


def _get(supplier: Supplier, check: str) -> Reply:
    order_id = check.removeprefix(_PREFIX)
    if check == order_id or not supplier.store.of_panel(PANEL, order_id):
        return _error(HTTPStatus.NOT_FOUND, "Check not found.")
    return _json(_check(supplier, int(order_id)))


def _check(supplier: Supplier, order_id: int) -> dict[str, Any]:
    (order,) = supplier.store.of_panel(PANEL, str(order_id))
    shown = supplier.store.status(str(order_id)) or {}
    status, code = shown["STATUS"], str(shown["CODE"])
    rejected = "unsuccessful" if code.startswith("Not found") else "failed"
    service = supplier.services[order["service_id"]]
    told: dict[str, Any] = {
        "type": "api",
        "id": f"{_PREFIX}{order_id}",
        "status": rejected if status == REJECTED else _STATUSES[status],
        "orderId": None,
        "service": {"id": int(service.service_id), "title": service.name},
        "amount": service.credit,
        "deviceId": order["answer_imei"],
        "processedAt": int(order["ready_at"] or 0),
        "properties": _properties(code) if status == SUCCESS else [],
    }
    return told | ({"message": code} if status == REJECTED else {})


def _properties(code: str) -> dict[str, str]:
    """``Name: value`` lines as members; other lines, HTML and all, under a name of their own."""
    members: dict[str, str] = {}
    for number, line in enumerate(part for part in _LINE.split(code) if part.strip()):
        name, colon, value = line.partition(": ")
        members.update({name: value} if colon else {f"remark{number or ''}": line})
    return members


def _service(service: catalogue.Service) -> dict[str, Any]:
    return {"id": int(service.service_id), "title": service.name, "price": service.credit}


def _invalid(field: str, told: str) -> Reply:
    return _json({"message": told, "errors": {field: [told]}}, HTTPStatus.UNPROCESSABLE_ENTITY)


def _error(status: HTTPStatus, told: str) -> Reply:
    return _json({"message": told}, status)


def _json(value: Mapping[str, Any] | list[Any], status: HTTPStatus = HTTPStatus.OK) -> Reply:
    return Reply(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"), int(status))
