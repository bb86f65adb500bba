"""Panels of the Dhru protocol, each written on its own after another family of servers, quirks and all.

None shares code with the client or with the demo supplier. Each counts what it sold.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

KEY = "AAA-BBB-CCC-DDD"
USER = "shop@example.test"
Answer = tuple[int, str, bytes]


class Panel:
    """The part that is HTTP: one path, a form in, status, content type and body out."""

    path = "/api/index.php"

    def __init__(self) -> None:
        self.sold: list[dict[str, str]] = []
        self.actions: list[str] = []

    def answer(self, form: dict[str, str]) -> Answer:
        raise NotImplementedError

    def other_path(self) -> Answer:
        return 404, "text/html", b"<html>Not Found</html>"


def as_json(value: Any, status: int = 200, kind: str = "application/json") -> Answer:
    return status, kind, json.dumps(value).encode()


class XmlPanel(Panel):
    """An old PHP panel: reads XML alone, PHP warnings before each answer, symbols in the credit, lists as objects."""

    def answer(self, form: dict[str, str]) -> Answer:
        status, _kind, body = as_json(self._said(form))
        return status, "text/html", b"<br />\n<b>Warning</b>: session_start() {main} in <b>x.php</b><br />\n" + body

    def _said(self, form: dict[str, str]) -> dict[str, Any]:  # noqa: C901 - one case for each action
        if form.get("apiaccesskey") != KEY or form.get("username") != USER:
            return {"ERROR": [{"MESSAGE": "Authentication Failed"}], "apiversion": "2.0.0"}
        fields: dict[str, str] = {}
        with contextlib.suppress(ET.ParseError):
            fields = {each.tag: each.text or "" for each in ET.fromstring(form.get("parameters", "").strip())}
        match form.get("action"):
            case "accountinfo":
                account = {"credit": "$1,016.41", "mail": USER, "currency": "USD"}
                return {"SUCCESS": [{"message": "Your Accout Info", "AccoutInfo": account}], "apiversion": "2.0.0"}
            case "imeiservicelist":
                service = {"SERVICEID": 7, "SERVICENAME": "Caf\u00e9 &amp; Co", "CREDIT": 2, "TIME": "1-24",
                           "INFO": "<b>x</b>", "Requires.Network": "YES", "Requires.PIN": "None"}  # fmt: skip
                groups = {"1": {"GROUPNAME": "All", "SERVICES": {"7": service}}}
                return {"SUCCESS": [{"MESSAGE": "IMEI Service List", "LIST": groups}], "apiversion": "2.0.0"}
            case "placeimeiorder":
                if not fields.get("IMEI"):
                    return {"ERROR": [{"MESSAGE": "Parameter 'IMEI' Required"}]}
                if fields.get("ID") != "7":
                    return {"ERROR": [{"MESSAGE": "Invalid IMEI tool."}]}
                self.sold.append(fields)
                order = {"MESSAGE": "Order received", "REFERENCEID": 5000 + len(self.sold)}
                return {"ID": "7", "IMEI": fields["IMEI"], "SUCCESS": [order]}
            case "getimeiorder":
                number = fields.get("ID", "")
                if not number:
                    return {"ERROR": [{"MESSAGE": "Parameter 'ID' Required"}]}
                if not number.isdecimal() or not 5000 < int(number) <= 5000 + len(self.sold):
                    return {"ID": number, "ERROR": [{"MESSAGE": "No IMEI Found"}]}
                imei = self.sold[int(number) - 5001]["IMEI"]
                return {"ID": number, "SUCCESS": [{"IMEI": imei, "STATUS": 4, "CODE": "NCK: 1234<br>SPCK: 5"}]}
            case "modellist":
                models = {"1": {"BRAND": "Acme", "MODELS": {"11": {"ID": "11", "BRAND": "1", "MODEL": "One"}}}}
                return {"SUCCESS": [{"LIST": models}]}
        return {"ERROR": "Command not found"}


class Base64Panel(Panel):
    """After the template for third parties: decodes base64 of JSON alone, and what it cannot read is null to it.

    Nothing that it answers to a question tells which dialect it reads.
    """

    path = "/index.php"

    def answer(self, form: dict[str, str]) -> Answer:
        if form.get("apiaccesskey") != KEY:
            return as_json({"ERROR": [{"MESSAGE": "Invalid API Access Key"}]})
        try:
            fields = json.loads(base64.b64decode(form.get("parameters", ""), validate=True))
        except ValueError:
            fields = {}
        match form.get("action"):
            case "accountinfo":
                account = {"credit": 1000, "mail": USER, "currency": "EUR"}
                return as_json({"SUCCESS": [{"message": "Your Accout Info", "AccoutInfo": account}]})
            case "imeiservicelist":
                services = [{"SERVICEID": 1, "SERVICETYPE": "IMEI", "SERVICENAME": "A", "CREDIT": 1.5},
                            {"SERVICEID": 2, "SERVICETYPE": "SERVER", "SERVICENAME": "B", "CREDIT": 3}]  # fmt: skip
                groups = {
                    "G": {"GROUPNAME": "G", "GROUPTYPE": "IMEI", "SERVICES": {s["SERVICEID"]: s for s in services}}
                }
                return as_json({"SUCCESS": [{"MESSAGE": "IMEI Service List", "LIST": groups}], "apiversion": "6.1"})
            case "placeimeiorder":
                if fields.get("ID") not in {"1", "2"}:
                    return as_json({"ERROR": [{"MESSAGE": "Service not found or inactive"}]})
                self.sold.append(fields)
                return as_json({"SUCCESS": [{"MESSAGE": "Order received", "REFERENCEID": "AREPA_1699.4"}]})
            case "getimeiorder":
                if fields.get("ID") == "AREPA_1699.4":
                    return as_json({"SUCCESS": [{"STATUS": "3", "CODE": "Not eligible"}]})
                return as_json({"ERROR": [{"MESSAGE": "Order ID not found!"}]})
        return as_json({"ERROR": [{"MESSAGE": "Invalid Action"}]})


class JsonPanel(Panel):
    """Plain JSON alone, errors with HTTP 400, arrays in place of objects, status words, a byte order mark."""

    path = "/api/dhru"

    def answer(self, form: dict[str, str]) -> Answer:
        status, value = self._said(form)
        return status, "text/plain", b"\xef\xbb\xbf" + json.dumps(value).encode()

    def _said(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        try:
            fields = json.loads(form.get("parameters") or "{}")
        except ValueError:
            return 400, {"ERROR": [{"MESSAGE": "parameters must be JSON"}], "apiversion": "2025.03"}
        if form.get("apiaccesskey") != KEY:
            return 401, {"ERROR": [{"MESSAGE": {"apiaccesskey": ["Invalid username or api access key"]}}]}
        match form.get("action"):
            case "accountinfo":
                return 200, {"SUCCESS": {"0": {"BALANCE": "12,50 TRY", "CURRENCY": "TRY"}, "EMAIL": USER}}
            case "imeiservicelist":
                service = {"SERVICEID": "a-uuid", "SERVICENAME": "\u0130mei", "CREDIT": "25,40", "SERVICETYPE": "IMEI",
                           "Requires": {"Custom": [{"fieldname": "E-Mail", "required": 1}]}}  # fmt: skip
                return 200, {"SUCCESS": [{"LIST": [{"GROUPNAME": "g", "SERVICES": [service]}], "ACCOUNTINFO": []}]}
            case "placeimeiorder":
                self.sold.append(fields)
                return 200, {"SUCCESS": [{"MESSAGE": "ok", "orderid": 88}]}
            case "getimeiorder" if fields.get("ID") == "88":
                done = {"STATUS": "Completed", "CODE": "Completed", "MESSAGE": "Blacklist: clean"}
                return 200, {"SUCCESS": [done]}
            case "getimeiorder":
                return 404, {"ERROR": [{"MESSAGE": f"Order {fields.get('ID', '')} does not exist"}]}
        return 400, {"ERROR": [{"MESSAGE": "Unsupported action"}]}


class OncePanel(Panel):
    """A new panel: every dialect, details and bulk, the catalogue once per five minutes, 0 for unknown orders."""

    path = "/dhru/api/index.php"

    def answer(self, form: dict[str, str]) -> Answer:  # noqa: C901 - one case for each action
        if form.get("apiaccesskey") != KEY:
            return as_json({"ERROR": [{"MESSAGE": "Your Server IP is not allowed"}]})
        fields = read_any(form.get("parameters", ""))
        match form.get("action"):
            case "accountinfo":
                account = {"credit": "16.41 USD", "creditraw": 16.41, "currency": "USD"}
                return as_json({"SUCCESS": [{"AccoutInfo": account, "AccountInfo": account}], "apiversion": "10.0"})
            case "imeiservicelist" if self.actions.count("imeiservicelist") > 1:
                return as_json({"ERROR": [{"MESSAGE": "You can request once per 5 minutes"}]}, 429)
            case "imeiservicelist":
                imei = {"409": {"SERVICEID": "409", "SERVICETYPE": "IMEI", "SERVICENAME": "x", "CREDIT": "10.50"}}
                server = {"9": {"SERVICEID": "9", "SERVICETYPE": "SERVER", "SERVICENAME": "y", "CREDIT": "1"}}
                groups = {"a": {"GROUPNAME": "A a", "GROUPTYPE": "IMEI", "SERVICES": imei},
                          "b": {"GROUPNAME": "B", "GROUPTYPE": "SERVER", "SERVICES": server}}  # fmt: skip
                return as_json({"SUCCESS": [{"LIST": groups}], "apiversion": "10.0"})
            case "getimeiservicedetails":
                if fields.get("ID") == "409":
                    return as_json({"SUCCESS": [{"LIST": {"service_name": "x", "credit": "10.50"}}]})
                return as_json({"ERROR": [{"MESSAGE": "NoResultFound"}]})
            case "placeimeiorder":
                self.sold.append(fields)
                if fields.get("ID") == "9" and not fields.get("CUSTOMFIELD"):
                    self.sold.pop()
                    return as_json({"ERROR": [{"MESSAGE": "Missing required field: Email"}]})
                return as_json({"SUCCESS": [{"REFERENCEID": str(98214 + len(self.sold))}]})
            case "getimeiorder":
                return as_json({"ID": fields.get("ID"), "SUCCESS": [self._status(fields.get("ID", ""))]})
            case "getimeiorderbulk":
                rows = {key: {"SUCCESS": [self._status(row["ID"])]} for key, row in fields.items()}
                return as_json({**rows, "apiversion": "10.0"})
        return as_json({"ERROR": [{"MESSAGE": "Invalid Action"}]})

    def _status(self, number: str) -> dict[str, Any]:
        if number.isdecimal() and 98214 < int(number) <= 98214 + len(self.sold):
            return {"STATUS": 4, "CODE": ["<b>1111</b>", "2222"], "COMMENTS": ""}
        return {"STATUS": 0, "CODE": ""}


class XmlAnswerPanel(Panel):
    """Answers in XML whatever was asked for, and sells server orders by the actions of old."""

    def answer(self, form: dict[str, str]) -> Answer:
        fields = read_any(form.get("parameters", ""))
        head = b'<?xml version="1.0"?>\n<RESPONSE>%s</RESPONSE>'
        return 200, "application/xml", head % self._said(form, fields).encode("utf-8")

    def _said(self, form: dict[str, str], fields: dict[str, str]) -> str:
        if form.get("apiaccesskey") != KEY:
            return "<ERROR><MESSAGE>You are Blocked</MESSAGE></ERROR>"
        match form.get("action"):
            case "accountinfo":
                return "<SUCCESS><AccoutInfo><credit>5.00</credit><currency>GBP</currency></AccoutInfo></SUCCESS>"
            case "imeiservicelist":
                return listed("<SERVICEID>3</SERVICEID><SERVICENAME>n</SERVICENAME><CREDIT>1</CREDIT>")
            case "serverservicelist":
                return listed("<SERVICEID>3</SERVICEID><NAME>Server</NAME><CREDIT>2</CREDIT>")
            case "placeserverorder" if fields.get("ID") == "3" and fields.get("QNT") == "1":
                self.sold.append(fields)
                return "<SUCCESS><MESSAGE>ok</MESSAGE><REFERENCEID>12</REFERENCEID></SUCCESS>"
            case "getserverorder" if fields.get("ID") == "12":
                return "<SUCCESS><STATUS>4</STATUS><CODE>licence</CODE></SUCCESS>"
            case "getimeiorder":
                return "<ERROR><MESSAGE>NoResultFound</MESSAGE></ERROR>"
        return "<ERROR><MESSAGE>Unknown action</MESSAGE></ERROR>"


class LostPanel(XmlPanel):
    """Takes the order, then answers with a page: nobody can tell from the answer."""

    def answer(self, form: dict[str, str]) -> Answer:
        found = super().answer(form)
        return (200, "text/html", b"<html>502</html>") if form.get("action") == "placeimeiorder" else found


def listed(service: str) -> str:
    group = f"<GROUPNAME>g</GROUPNAME><SERVICES><s>{service}</s></SERVICES>"
    return f"<SUCCESS><LIST><g>{group}</g></LIST></SUCCESS>"


def read_any(text: str) -> Any:
    text = text.strip()
    if text.startswith("<"):
        return dict(re.findall(r"<([A-Za-z]+)>([^<]*)</\1>", text))
    if text and not text.startswith(("{", "[")):
        text = base64.b64decode(text).decode()
    return json.loads(text or "{}")


@contextlib.contextmanager
def running(panel: Panel) -> Iterator[str]:
    """The address of the panel's host, while it listens."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[-1] for name, values in parse_qs(body, keep_blank_values=True).items()}
            is_there = self.path == panel.path
            if is_there:
                panel.actions.append(form.get("action", ""))
            status, kind, answer = panel.answer(form) if is_there else panel.other_path()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
