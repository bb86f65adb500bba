"""The Dhru actions of the demo supplier: a request's form fields in, a reply out.

Section 4 of the protocol notes, plus ``orderslist``, an extension that finds orders by the caller's reference
or by IMEI. Like real panels this supplier has no idempotency: the same call twice makes two orders.
"""

from __future__ import annotations

import hmac
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from unlockshop.demo import dhru_wire as wire
from unlockshop.demo import supplier_catalogue as catalogue
from unlockshop.demo.supplier_behaviour import BEFORE, is_listed
from unlockshop.demo.supplier_others import OtherOrders
from unlockshop.demo.supplier_placing import Placed, Placer, Settings
from unlockshop.demo.supplier_store import Store

_HTML_TYPE = "text/html; charset=utf-8"
_ERROR_PAGE = b"<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>"
_GARBAGE_PAGE = b"<!DOCTYPE html><html><body><h1>Checking your browser</h1><p>Please wait.</p></body></html>"
_PHP_NOISE = (
    b"\xef\xbb\xbf<br />\n<b>Warning</b>:  session_start(): Failed to read session data in "
    b"<b>index.php</b> on line <b>12</b><br />\n<br />\n<b>Notice</b>:  Undefined index: lang {main} in "
    b"<b>index.php</b> on line <b>40</b><br />\n"
)
_MEP_LIST = [{"ID": "1", "NAME": "MEP-04598-005"}, {"ID": "2", "NAME": "MEP-15326-002"}]
_RESERVED_KEYS = frozenset({"success", "error", "apiversion"})
_HALVES = ("SUCCESS", "ERROR")
MAX_BULK_ROWS = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: body, HTTP status and type; held back for ``hold_seconds``; ``drop``: never sent."""

    body: bytes
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    hold_seconds: float = 0.0
    drop: bool = False


class Supplier:
    """The panel: settings, services and store behind the actions."""

    def __init__(self, settings: Settings, services: dict[str, catalogue.Service], store: Store) -> None:
        self.settings = settings
        self.services = services
        self.placer = Placer(settings, services, store)
        self.store = store
        simple: dict[str, Callable[[Any], dict[str, Any]]] = {
            "accountinfo": self._account,
            "imeiservicelist": self._service_list,
            "getimeiservicedetails": self._details,
            "modellist": lambda _: self._nested(of_models=True),
            "providerlist": lambda _: self._nested(of_models=False),
            "meplist": lambda _: wire.success(MESSAGE="MEP List", LIST=_MEP_LIST),
            "orderslist": self._orders,
        }
        self._others = OtherOrders(settings, store)
        simple |= self._others.questions
        simple |= dict.fromkeys(("getimeiorder", "orderstatus", "getorder"), self._status)
        simple |= dict.fromkeys(("getimeiorderbulk", "orderstatusbulk"), self._status_bulk)
        self._simple = simple

    def answer(self, fields: dict[str, str]) -> Reply:
        """The reply to one request. Errors are envelopes with HTTP 200 (section 9)."""
        if not self._authentic(fields):
            return Reply(wire.encode(wire.error("Authentication Failed")))
        action = fields.get("action", "").strip().lower()
        try:
            if action == "placeimeiorder":
                placed = self.placer.place(wire.row(self._parameters(fields)))
                return self._spoil(placed.envelope, placed.behaviour)
            if action in self._others.placing:
                placed = self._others.placing[action](wire.row(self._parameters(fields)))
                return self._spoil(placed.envelope, placed.behaviour)
            if action in {"placeimeiorderbulk", "placebulkorder", "placeorderbulk"}:
                return self._place_bulk(wire.rows(wire.parameters(fields)))
            handler = self._simple.get(action)
            is_bulk = action in {"getimeiorderbulk", "orderstatusbulk"}
            read = wire.parameters if is_bulk else self._parameters
            envelope = wire.error("Invalid Action") if handler is None else handler(read(fields))
        except wire.WireError as problem:
            envelope = wire.error(str(problem))
        return Reply(wire.encode(envelope))

    def _parameters(self, fields: dict[str, str]) -> Any:
        """The parameters, unless they are in a dialect that this panel cannot read: then it sees none."""
        found = wire.dialect_of(fields)
        if self.settings.dialect and found and found != self.settings.dialect:
            return {}
        return wire.parameters(fields)

    def _authentic(self, fields: dict[str, str]) -> bool:
        name = wire.credential(fields, "username").encode()
        key = wire.credential(fields, "apiaccesskey").encode()
        right = hmac.compare_digest(key, self.settings.key.encode())
        return hmac.compare_digest(name, self.settings.username.encode()) and right

    # Reading

    def _account(self, _parameters: Any) -> dict[str, Any]:
        self.store.settle()
        credit = catalogue.money(self.store.credit_cents())
        account = {
            "credit": credit,
            "creditraw": credit,
            "mail": self.settings.username,
            "currency": catalogue.CURRENCY,
        }
        return wire.success(message="Your Account Info", AccoutInfo=account, AccountInfo=account)

    def _service_list(self, _parameters: Any) -> dict[str, Any]:
        return wire.success(MESSAGE="IMEI Service List", LIST=catalogue.service_list(self.services))

    def _details(self, parameters: Any) -> dict[str, Any]:
        service = self.services.get(wire.row(parameters).get("ID", ""))
        if service is None:
            return wire.error("NoResultFound", "Service not found")
        return wire.success(MESSAGE="Service Details", LIST=catalogue.details(service))

    def _nested(self, *, of_models: bool) -> dict[str, Any]:
        listed = catalogue.nested_list(self.services, of_models=of_models)
        return wire.success(MESSAGE="Model List" if of_models else "Provider List", LIST=listed)

    def _status(self, parameters: Any) -> dict[str, Any]:
        order_id = wire.row(parameters).get("ID", "")
        found = None if self._others.has(order_id) else self.store.status(order_id)
        if found is None:
            return {"ID": order_id} | wire.error("NoResultFound", "Order ID not found!")
        return {"ID": order_id} | wire.success(**found, COMMENTS="")

    def _status_bulk(self, parameters: Any) -> dict[str, Any]:
        """Keyed JSON, or a comma-separated ID; an unknown order is an ERROR row (section 4.8)."""
        if isinstance(parameters, dict) and not any(isinstance(item, dict) for item in parameters.values()):
            listed = wire.row(parameters).get("ID", "")
            return self._status_listed(listed)
        wanted = wire.rows(parameters)
        if not 0 < len(wanted) <= MAX_BULK_ROWS:
            return wire.error("Invalid parameters")
        blocks: dict[str, Any] = {}
        for key, row in wanted.items():
            found = self.store.status(row.get("ID", ""))
            if found is None:
                blocks[key] = {"ERROR": [wire.error_row("NoResultFound", "Order ID not found!")]}
            else:
                blocks[key] = {"SUCCESS": [found | {"COMMENTS": ""}]}
        return blocks | {"apiversion": wire.API_VERSION}

    def _status_listed(self, listed: str) -> dict[str, Any]:
        ids = [item for item in re.split(r"[\s,]+", listed) if item][:MAX_BULK_ROWS]
        answers = {order_id: self.store.status(order_id) for order_id in ids}
        known = {key: found | {"COMMENTS": ""} for key, found in answers.items() if found is not None}
        missing = [wire.error_row(f"Order ID {key} not found!") for key in answers if key not in known]
        reply: dict[str, Any] = {"ID": listed, "SUCCESS": known, "apiversion": wire.API_VERSION}
        return reply | {"ERROR": missing} if missing else reply

    def _orders(self, parameters: Any) -> dict[str, Any]:
        row = wire.row(parameters)
        reference, imei = row.get("REFERENCE", ""), row.get("IMEI", "")
        if not (reference or imei):
            return wire.error("Parameter 'REFERENCE' or 'IMEI' Required")
        found = self.listed(self.store.find(reference=reference, imei=imei))
        return wire.success(MESSAGE="Orders List", LIST=[_listed_order(order) for order in found])

    def listed(self, orders: Iterable[sqlite3.Row]) -> list[sqlite3.Row]:
        """Those of the orders that lists show by now."""
        lag, seed = self.settings.listing_lag_seconds, self.settings.seed
        ages = ((order, time.time() - datetime.fromisoformat(order["created_at"]).timestamp()) for order in orders)
        return [order for order, age in ages if is_listed(order["id"], age, lag_seconds=lag, seed=seed)]

    # Placing

    def _place_bulk(self, wanted: dict[str, dict[str, str]]) -> Reply:
        """Each row as a single placement; the answer is the union of reply shapes 1 and 2 (section 4.6).

        A transport fault of any row spoils the whole answer; the first such row decides how.
        """
        if not 0 < len(wanted) <= MAX_BULK_ROWS or _RESERVED_KEYS & {key.lower() for key in wanted}:
            return Reply(wire.encode(wire.error("Invalid parameters")))
        blocks: dict[str, Any] = {}
        summary: dict[str, dict[str, str]] = {}
        spoilt_by = ""
        for key, row in wanted.items():
            try:
                placed = self.placer.place(row)
            except wire.WireError as problem:
                placed = Placed(wire.error(str(problem)))
            spoilt_by = spoilt_by or (placed.behaviour if placed.behaviour in _SPOILING else "")
            blocks[key] = {name: value for name, value in placed.envelope.items() if name != "apiversion"}
            summary[key] = _summary(blocks[key])
        return self._spoil(_bulk_answer(blocks, summary, self.settings.bulk_shape), spoilt_by)

    def _spoil(self, envelope: dict[str, Any], slug: str) -> Reply:
        reply = Reply(wire.encode(envelope))
        return spoil(reply, slug, hold_seconds=self.settings.hang_seconds, cut_before=b"REFERENCEID")


def spoil(reply: Reply, slug: str, *, hold_seconds: float, cut_before: bytes) -> Reply:
    """The reply to a placement as the behaviour lets it through."""
    match slug:
        case "timeout_after":
            return replace(reply, hold_seconds=hold_seconds)
        case "timeout_before":
            return replace(reply, hold_seconds=hold_seconds, drop=True)
        case "error_after" | "error_before":
            return Reply(_ERROR_PAGE, 500, _HTML_TYPE)
        case "garbage_after" | "garbage_before":
            return Reply(_GARBAGE_PAGE, 200, _HTML_TYPE)
        case "truncated_after":
            return replace(reply, body=reply.body[: reply.body.find(cut_before)])
        case "php_noise":
            return replace(reply, body=_PHP_NOISE + reply.body, content_type=_HTML_TYPE)
    return reply


_SPOILING = BEFORE | {"timeout_after", "error_after", "garbage_after", "truncated_after", "php_noise"}


def _bulk_answer(blocks: dict[str, Any], summary: dict[str, dict[str, str]], shape: str) -> dict[str, Any]:
    """The four shapes of section 4.6; by default 1 and 2 in one, which every client can read."""
    version = {"apiversion": wire.API_VERSION}
    match shape:
        case "1":
            return blocks | version
        case "2":
            return {"SUCCESS": summary} | version
        case "3":
            return summary | version
        case "4":
            halves = {name: [row for block in blocks.values() for row in block.get(name, ())] for name in _HALVES}
            return halves | version
    return blocks | {"SUCCESS": summary} | version


def _summary(block: dict[str, Any]) -> dict[str, str]:
    """A row's block in reply shape 2."""
    if "ERROR" in block:
        return {"status": "error", "message": block["ERROR"][0]["MESSAGE"], "referenceid": ""}
    done = block["SUCCESS"][0]
    return {"status": "success", "message": done["MESSAGE"], "referenceid": done.get("REFERENCEID", "")}


def _listed_order(order: sqlite3.Row) -> dict[str, Any]:
    return {
        "ID": str(order["id"]),
        "IMEI": order["imei"],
        "SERVICEID": order["service_id"],
        "REFERENCE": order["reference"],
        "STATUS": order["status"],
        "CREATED": order["created_at"],
    }
