"""The demo supplier, called over HTTP as a real process: every behaviour row, every dialect, the limits."""

from __future__ import annotations

import base64
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from unlockshop.demo import supplier_catalogue, supplier_store
from unlockshop.demo.supplier import example_imei
from unlockshop.demo.supplier_behaviour import TABLE, check_rates, choose, is_listed, luhn_digit

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "services" / "data" / "catalogue.yaml"
KEY = "AAA-BBB-CCC"
FAST, SLOW, HANG = 0.3, 4.0, 1.2


class Panel:
    """One supplier process and a small client for it."""

    def __init__(self, store: Path, *extra: str, hang: float = HANG) -> None:
        self.store = store
        arguments = [
            *("--port", "0", "--store", str(store), "--catalogue", str(CATALOGUE)),
            *("--username", "demo", "--key", KEY),
            *("--fast-seconds", str(FAST), "--slow-seconds", str(SLOW), "--hang-seconds", str(hang)),
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "unlockshop.demo.supplier", *arguments, *extra],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        line = self.process.stdout.readline() if self.process.stdout else ""
        self.url = line.rpartition(" ")[2].strip()
        assert self.url.startswith("http://"), "the supplier did not start"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(25) == 0
        if self.process.stdout:
            self.process.stdout.close()

    def post(
        self, action: str, parameters: str = "", *, path: str = "/api/index.php", **options: Any
    ) -> requests.Response:
        form = {
            "username": "demo",
            "apiaccesskey": KEY,
            "action": action,
            "requestformat": "JSON",
            "parameters": parameters,
        }
        form |= options.pop("form", {})
        if options.pop("multipart", False):
            options["files"] = {name: (None, value) for name, value in form.items()}
        else:
            options["data"] = form
        return requests.post(self.url + path, timeout=options.pop("timeout", 10), **options)

    def ask(self, action: str, parameters: str = "", **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.post(action, parameters, **options).json()
        return answer

    def place(self, imei: str, service: str = "1001", reference: str = "r1", **options: Any) -> requests.Response:
        return self.post("placeimeiorder", xml(ID=service, IMEI=imei, REFERENCE=reference), **options)

    def ordered(self, imei: str, service: str = "1001", reference: str = "r1") -> str:
        reply = self.place(imei, service, reference).json()
        return str(reply["SUCCESS"][0]["REFERENCEID"])

    def status(self, order_id: str) -> dict[str, Any]:
        reply = self.ask("getimeiorder", xml(ID=order_id))
        assert reply["ID"] == order_id
        found: dict[str, Any] = reply["SUCCESS"][0]
        return found

    def final(self, order_id: str, within: float = 60.0) -> dict[str, Any]:
        until = time.monotonic() + within
        while time.monotonic() < until:
            found = self.status(order_id)
            if found["STATUS"] in {3, 4}:
                return found
            time.sleep(0.05)
        pytest.fail(f"order {order_id} never became final")

    def orders(self, imei: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("orderslist", xml(IMEI=imei))["SUCCESS"][0]["LIST"]
        return found

    def credit(self) -> str:
        account = self.ask("accountinfo")["SUCCESS"][0]
        assert account["AccoutInfo"] == account["AccountInfo"]
        return str(account["AccountInfo"]["creditraw"])


def xml(**fields: str) -> str:
    inner = "".join(
        f"<{name}>{value.replace('&', '&amp;').replace('<', '&lt;')}</{name}>" for name, value in fields.items()
    )
    return f"<PARAMETERS>{inner}</PARAMETERS>\n"


def b64(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def error_of(reply: dict[str, Any]) -> str:
    assert "SUCCESS" not in reply
    return str(reply["ERROR"][0]["MESSAGE"])


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Any:
    running = Panel(tmp_path_factory.mktemp("supplier") / "store.sqlite3")
    yield running
    running.stop()


# Reading


def test_examples_are_valid_imeis_and_belong_to_their_row() -> None:
    for row in TABLE:
        imei = example_imei(row.pair, 7)
        assert len(imei) == 15
        assert imei[:14] == f"356938030007{row.pair}"
        assert luhn_digit(imei[:14]) == imei[14]
        assert choose(imei, 1, {}, 0) == row
    assert luhn_digit("49015420323751") == "8"
    with pytest.raises(ValueError, match="pair"):
        example_imei("8")


def test_the_document_shows_the_table() -> None:
    text = (ROOT / "docs" / "demo-supplier.md").read_text(encoding="utf-8")
    for row in TABLE:
        assert f"| {row.pair} | {example_imei(row.pair)} | `{row.slug}` | {row.text} |" in text


def test_account_and_catalogue(panel: Panel) -> None:
    assert re.fullmatch(r"\d+\.\d\d", panel.credit())
    groups = panel.ask("imeiservicelist")["SUCCESS"][0]["LIST"]
    services = {key: entry for group in groups.values() for key, entry in group["SERVICES"].items()}
    assert groups["Networkunlock"]["GROUPNAME"] == "Network unlock"
    first = services["1001"]
    assert first["SERVICEID"] == "1001"
    assert first["CREDIT"] == "11.34"  # 60 % of 18.90
    assert sum(name.startswith("Requires.") for name in first) == 12
    assert isinstance(first["MINQNT"], int)
    assert sorted(services) == [str(1001 + place) for place in range(len(services))]
    details = panel.ask("getimeiservicedetails", xml(ID="1001"))["SUCCESS"][0]["LIST"]
    assert details["credit"] == "11.34"
    assert error_of(panel.ask("getimeiservicedetails", xml(ID="1"))) == "NoResultFound"
    for action, member in (("modellist", "MODELS"), ("providerlist", "PROVIDERS")):
        assert panel.ask(action)["SUCCESS"][0]["LIST"][0][member][0]["ID"]
    assert panel.ask("meplist")["SUCCESS"][0]["LIST"]


def test_pages(panel: Panel) -> None:
    panel.ordered(example_imei("10"), reference="<script>alert(2)</script>")
    page = requests.get(panel.url + "/", timeout=10)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert all(example_imei(row.pair) in page.text for row in TABLE)
    assert "<script" not in page.text
    assert "&lt;script&gt;alert(2)" in page.text
    assert requests.get(panel.url + "/healthz", timeout=10).text == "ok"
    assert requests.get(panel.url + "/other", timeout=10).status_code == 404
    assert requests.get(panel.url + "/api/index.php", timeout=10).status_code == 405


# The wire


@pytest.mark.parametrize("path", ["/api/index.php", "//api/index.php", "/index.php", "/dhru/api/index.php"])
def test_paths(panel: Panel, path: str) -> None:
    assert "SUCCESS" in panel.ask("accountinfo", "\n", path=path)


DIALECTS = {
    "xml": "<PARAMETERS><ID>1001</ID><IMEI>{imei}</IMEI><REFERENCE>Zo&#xEB; &amp; co</REFERENCE></PARAMETERS>\n",
    "declared": "<?xml version='1.0' encoding='utf-8'?><parameters><id>1001</id><imei>{imei}</imei>"
    "<reference>Zo\u00eb &amp; co</reference></parameters>",
    "bom": "\ufeff <PARAMETERS><ID>1001</ID><IMEI>{imei}</IMEI><REFERENCE>Zo\u00eb &amp; co</REFERENCE></PARAMETERS>",
    "bare": "<PARAMETERS><ID>1001</ID><IMEI>{imei}</IMEI><REFERENCE>Zo\u00eb & co</REFERENCE></PARAMETERS>",
    "entity": "<PARAMETERS><ID>1001</ID><IMEI>{imei}</IMEI><REFERENCE>Zo&euml; & co</REFERENCE></PARAMETERS>",
    "escaped": "&lt;PARAMETERS&gt;&lt;ID&gt;1001&lt;/ID&gt;&lt;IMEI&gt;{imei}&lt;/IMEI&gt;&lt;REFERENCE&gt;"
    "Zo\u00eb &amp;amp; co&lt;/REFERENCE&gt;&lt;/PARAMETERS&gt;",
    "two roots": "<PARAMETERS><ID>9</ID><IMEI>1</IMEI></PARAMETERS>"
    "<PARAMETERS><ID>1001</ID><IMEI>{imei}</IMEI><REFERENCE>Zo\u00eb &amp; co</REFERENCE></PARAMETERS>",
    "json": '{{"ID": 1001, "imei": "{imei}", "Reference": "Zo\u00eb & co"}}',
    "base64": "base64",
}


@pytest.mark.parametrize("multipart", [False, True], ids=["urlencoded", "multipart"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects(panel: Panel, dialect: str, multipart: bool) -> None:
    imei = example_imei("11", list(DIALECTS).index(dialect) * 2 + multipart)
    text = DIALECTS[dialect].format(imei=imei)
    if dialect == "base64":
        text = b64({"ID": "1001", "IMEI": imei, "REFERENCE": "Zo\u00eb & co"})
    reply = panel.ask("placeimeiorder", text, multipart=multipart)
    assert reply["SUCCESS"][0]["REFERENCEID"]
    assert [order["REFERENCE"] for order in panel.orders(imei)] == ["Zo\u00eb & co"]


def test_form_arrays_and_aliases(panel: Panel) -> None:
    imei = example_imei("12")
    form = {"parameters[ID]": "1001", "parameters[IMEI]": imei, "username": "", "user": " demo "}
    assert panel.ask("PlaceIMEIOrder", form=form | {"apiaccesskey": "", "key": KEY})["SUCCESS"]
    assert len(panel.orders(imei)) == 1


@pytest.mark.parametrize(("amount", "credited"), [("20", "20"), ("", "5"), ("<b>", "5"), ("1234567", "5")])
def test_a_topup_credits_the_ordered_amount(amount: str, credited: str) -> None:
    service = supplier_catalogue.load(CATALOGUE)["1082"]
    text = supplier_catalogue.result_text(service, "+33612345678", 7, amount=amount)
    assert text.startswith(f"Credited {credited} EUR to +33612345678. Reference ")


def test_custom_fields_in_base64_and_plain(panel: Panel) -> None:
    for place, custom in enumerate((b64({"amount": "10"}), '{"amount": 10}')):
        phone = f"+3361234567{place}"
        parameters = json.dumps({"ID": "1082", "IMEI": phone, "customfield": custom})
        assert panel.ask("placeimeiorder", parameters)["SUCCESS"]
        with sqlite3.connect(panel.store) as connection:
            stored = connection.execute("SELECT fields FROM orders WHERE imei = ?", (phone,)).fetchone()[0]
        assert json.loads(stored) == {"AMOUNT": "10"}
        assert panel.orders(phone)
    assert error_of(panel.ask("placeimeiorder", xml(ID="1001", IMEI="1", CUSTOMFIELD="%%%")))


@pytest.mark.parametrize(
    "form",
    [{"apiaccesskey": "wrong"}, {"username": "other"}, {"apiaccesskey": ""}, {"apiaccesskey": "\u00e9"}],
)
def test_authentication(panel: Panel, form: dict[str, str]) -> None:
    answer = panel.post("placeimeiorder", xml(ID="1001", IMEI=example_imei("13")), form=form)
    assert answer.status_code == 200
    assert error_of(answer.json()) == "Authentication Failed"
    assert panel.orders(example_imei("13")) == []


def test_unknown_action_service_and_order(panel: Panel) -> None:
    assert error_of(panel.ask("formatdisk")) == "Invalid Action"
    assert error_of(panel.ask("")) == "Invalid Action"
    assert error_of(panel.place(example_imei("14"), service="77").json()) == "Invalid service ID"
    assert error_of(panel.place("").json()).startswith("ValidationError")
    assert error_of(panel.ask("getimeiorder", xml(ID="1"))) == "NoResultFound"
    assert error_of(panel.ask("getimeiorder", xml(ID="x'"))) == "NoResultFound"
    assert "Required" in error_of(panel.ask("orderslist", xml(REFERENCE="")))
    assert "quantity" in json.dumps(panel.ask("placeimeiorder", xml(ID="1001", IMEI="1", QNT="2")))


BOMB = '<!DOCTYPE a [<!ENTITY x "boom">]><PARAMETERS><ID>1001</ID><IMEI>&x;</IMEI></PARAMETERS>'


@pytest.mark.parametrize(
    "parameters",
    [
        BOMB,
        BOMB.replace("<!DOCTYPE", "<!doctype"),
        BOMB.replace("<", "&lt;"),
        base64.b64encode(BOMB.encode()).decode(),
    ],
)
def test_document_types_are_refused(panel: Panel, parameters: str) -> None:
    assert "not allowed" in error_of(panel.ask("placeimeiorder", parameters))


@pytest.mark.parametrize(
    "parameters",
    [
        "<PARAMETERS><ID>1",
        "{",
        "[" * 50_000,
        "!!!",
        "<A/>",
        '"x"',
        "[1]",
        "<PARAMETERS><ID>\x01</ID></PARAMETERS>",
    ],
)
def test_unreadable_parameters(panel: Panel, parameters: str) -> None:
    assert error_of(panel.ask("placeimeiorder", parameters)) == "Invalid parameters"


def test_sizes(panel: Panel) -> None:
    assert error_of(panel.ask("placeimeiorder", xml(ID="x" * 100_001))) == "Parameters too large"
    oversize = panel.post("placeimeiorder", xml(ID="x" * 600_000))
    assert oversize.status_code == 413
    assert error_of(oversize.json()) == "Request too large"
    assert "ERROR" in panel.ask("accountinfo", form={f"f{place}": "" for place in range(1100)})
    chunked = requests.post(panel.url + "/api/index.php", data=iter([b"a=b"]), timeout=10)
    assert chunked.status_code == 411


def test_odd_text_survives(panel: Panel) -> None:
    imei = example_imei("15")
    assert panel.ask("placeimeiorder", f'{{"ID":"1001","IMEI":"{imei}","REFERENCE":"\\ud800 x"}}')["SUCCESS"]
    assert panel.orders(imei)[0]["REFERENCE"] == "? x"
    broken = requests.post(
        panel.url + "/api/index.php",
        data=b"\xff",
        headers={"Content-Type": "multipart/form-data"},
        timeout=10,
    )
    assert error_of(broken.json()) == "Invalid request body"


# Placing: the fast way, bulk, the orders list


def test_a_fast_order(panel: Panel) -> None:
    imei = example_imei("20")
    before = float(panel.credit())
    first, second = panel.ordered(imei, "1030", "mine"), panel.ordered(imei, "1030", "mine")
    assert first != second  # no idempotency
    assert panel.status(first)["STATUS"] in {0, 1}
    assert panel.status(first)["CODE"] == ""
    done = panel.final(first)
    assert done["STATUS"] == 4
    assert done["IMEI"] == imei
    assert done["CODE"]
    assert float(panel.credit()) < before
    listed = panel.ask("orderslist", xml(REFERENCE="mine", IMEI=imei))["SUCCESS"][0]["LIST"]
    assert [order["ID"] for order in listed] == [first, second]
    assert set(listed[0]) == {"ID", "IMEI", "SERVICEID", "REFERENCE", "STATUS", "CREATED"}


def test_results_keep_their_shape_and_differ_by_order(panel: Panel) -> None:
    groups = panel.ask("imeiservicelist")["SUCCESS"][0]["LIST"]
    service = next(
        key for key, entry in groups["Networkunlock"]["SERVICES"].items() if "huawei" in json.dumps(entry).lower()
    )
    codes = [panel.final(panel.ordered(example_imei("21"), service))["CODE"] for _ in range(2)]
    assert codes[0] != codes[1]
    assert re.sub(r"\d", "0", codes[0]) == re.sub(r"\d", "0", codes[1])


@pytest.mark.parametrize("identifier", ["DNPXL0ABCDEF", "+33612345678"])
def test_other_identifiers_complete_fast(panel: Panel, identifier: str) -> None:
    service = "1082" if identifier.startswith("+") else "1056"
    done = panel.final(panel.ordered(identifier, service))
    assert done["STATUS"] == 4
    assert done["IMEI"] == identifier
    assert "{" not in done["CODE"]


def test_bulk(panel: Panel) -> None:
    rows = {
        "a": {"ID": "1001", "IMEI": example_imei("22"), "QNT": 1, "customfield": b64({"x": "y"})},
        "b": {"ID": "1001", "IMEI": example_imei("96")},
    }
    reply = panel.ask("placeimeiorderbulk", b64(rows))
    reference = reply["a"]["SUCCESS"][0]["REFERENCEID"]
    assert reply["SUCCESS"]["a"] == {
        "status": "success",
        "message": "Order received",
        "referenceid": reference,
    }
    assert reply["b"]["ERROR"][0]["MESSAGE"].startswith("ValidationError")
    assert reply["SUCCESS"]["b"]["status"] == "error"
    panel.final(reference)
    statuses = panel.ask("getimeiorderbulk", b64({"a": {"ID": reference}, "z": {"ID": "5"}}))
    assert statuses["a"]["SUCCESS"][0]["STATUS"] == 4
    assert "ERROR" in statuses["z"]
    listed = panel.ask("getimeiorderbulk", xml(ID=f"{reference},5"))
    assert listed["SUCCESS"][reference]["STATUS"] == 4
    assert listed["ERROR"][0]["MESSAGE"] == "Order ID 5 not found!"
    assert error_of(panel.ask("placeimeiorderbulk", b64({}))) == "Invalid parameters"
    spoilt = panel.post(
        "placeimeiorderbulk", b64({"a": rows["a"], "b": {"ID": "1001", "IMEI": example_imei("85", 9)}})
    )
    assert spoilt.status_code == 500
    assert len(panel.orders(example_imei("85", 9))) == 1


# The behaviour table


def test_80_slow(panel: Panel) -> None:
    order = panel.ordered(example_imei("80"))
    time.sleep(FAST * 2)
    assert panel.status(order)["STATUS"] in {0, 1}
    assert panel.final(order)["STATUS"] == 4


def test_81_and_82_rejections_return_the_credit(panel: Panel) -> None:
    before = panel.credit()
    for pair, reason in (("81", "Rejected: device not eligible"), ("82", "Not found: Not eligible")):
        done = panel.final(panel.ordered(example_imei(pair)))
        assert done["STATUS"] == 3
        assert done["CODE"].startswith(reason)
    assert panel.credit() == before


def test_83_times_out_after_accepting(panel: Panel) -> None:
    imei = example_imei("83")
    for count in (1, 2):
        with pytest.raises(requests.ReadTimeout):
            panel.place(imei, timeout=0.3)
        until = time.monotonic() + 60
        while len(panel.orders(imei)) < count and time.monotonic() < until:
            time.sleep(0.02)
        assert len(panel.orders(imei)) == count
    began = time.monotonic()
    assert panel.place(imei).json()["SUCCESS"]
    assert time.monotonic() - began >= HANG


def test_84_times_out_without_accepting_once(panel: Panel) -> None:
    with pytest.raises(requests.ConnectionError):  # held back, then closed without a reply
        panel.place(example_imei("84"))
    assert panel.orders(example_imei("84")) == []
    assert panel.ordered(example_imei("84"))


@pytest.mark.parametrize(("after", "before", "status"), [("85", "86", 500), ("87", "88", 200)])
def test_85_to_88_html_answers(panel: Panel, after: str, before: str, status: int) -> None:
    for count in (1, 2):
        reply = panel.place(example_imei(after))
        assert reply.status_code == status
        assert reply.text.lstrip().startswith("<")
        assert len(panel.orders(example_imei(after))) == count
    reply = panel.place(example_imei(before))
    assert reply.status_code == status
    assert reply.text.lstrip().startswith("<")
    assert panel.orders(example_imei(before)) == []
    assert panel.ordered(example_imei(before))


def test_89_out_of_credit_twice(panel: Panel) -> None:
    imei = example_imei("89")
    for _ in range(2):
        refusal = panel.place(imei).json()
        assert error_of(refusal) == "CreditprocessError"
        assert "<li>" in refusal["ERROR"][0]["FULL_DESCRIPTION"]
    assert panel.ordered(imei)
    assert len(panel.orders(imei)) == 1


def test_90_truncated_json(panel: Panel) -> None:
    imei = example_imei("90")
    reply = panel.place(imei)
    with pytest.raises(ValueError):
        reply.json()
    assert reply.text.startswith('{"SUCCESS"')
    order = panel.orders(imei)[0]["ID"]
    assert order not in reply.text


def test_91_noise_before_valid_json(panel: Panel) -> None:
    reply = panel.place(example_imei("91"))
    assert reply.content.startswith(b"\xef\xbb\xbf<br />")
    envelope = json.loads(reply.content[reply.content.index(b'{"SUCCESS"') :])
    assert envelope["SUCCESS"][0]["REFERENCEID"] == panel.orders(example_imei("91"))[0]["ID"]


def test_92_another_devices_imei(panel: Panel) -> None:
    done = panel.final(panel.ordered(example_imei("92")))
    assert done["IMEI"] != example_imei("92")
    assert luhn_digit(done["IMEI"][:14]) == done["IMEI"][14]
    assert panel.orders(example_imei("92"))[0]["IMEI"] == example_imei("92")


def test_93_script_and_94_empty(panel: Panel) -> None:
    script = panel.final(panel.ordered(example_imei("93")))
    assert script["STATUS"] == 4
    assert "<script>alert(1)</script>" in script["CODE"]
    assert "<img src=x onerror=alert(1)>" in script["CODE"]
    empty = panel.final(panel.ordered(example_imei("94")))
    assert (empty["STATUS"], empty["CODE"]) == (4, "")


def test_95_flaps(panel: Panel) -> None:
    order = panel.ordered(example_imei("95"))
    answers = [panel.status(order) for _ in range(8)]
    assert [answer["STATUS"] for answer in answers] == [1, 0, 1, 4, 1, 0, 1, 4]
    assert [bool(answer["CODE"]) for answer in answers] == 2 * [False, False, False, True]
    assert panel.orders(example_imei("95"))[0]["STATUS"] == 4


def test_lists_show_each_order_after_a_lag_of_its_own() -> None:
    at_half = {order for order in range(200) if is_listed(order, 5.0, lag_seconds=10, seed=1)}
    assert 60 < len(at_half) < 140
    assert all(is_listed(order, 10.0, lag_seconds=10, seed=1) for order in range(200))
    assert all(is_listed(order, 0.0, lag_seconds=0, seed=1) for order in range(200))


def test_a_lagging_list_does_not_hide_the_order_itself(tmp_path: Path) -> None:
    running = Panel(tmp_path / "store.sqlite3", "--listing-lag-seconds", "100000")
    try:
        order = running.ordered(example_imei("11"))
        assert running.orders(example_imei("11")) == []
        assert running.final(order)["STATUS"] == 4
    finally:
        running.stop()


def test_a_service_that_takes_each_device_once(tmp_path: Path) -> None:
    running = Panel(tmp_path / "store.sqlite3", "--once-per-device", "1001")
    try:
        first = running.place(example_imei("11"), service="1001").json()
        again = running.place(example_imei("11"), service="1001").json()
        other = running.place(example_imei("11"), service="1002").json()
        assert first["SUCCESS"]
        assert other["SUCCESS"]
        assert "Duplicate IMEI" in again["ERROR"][0]["FULL_DESCRIPTION"]
        assert len(running.orders(example_imei("11"))) == 2
    finally:
        running.stop()


def test_96_invalid_and_97_without_reference(panel: Panel) -> None:
    refusal = panel.place(example_imei("96")).json()
    assert error_of(refusal).startswith("ValidationError")
    assert refusal["ERROR"][0]["FULL_DESCRIPTION"] == "Invalid IMEI"
    assert panel.orders(example_imei("96")) == []
    accepted = panel.place(example_imei("97")).json()
    assert accepted["SUCCESS"] == [{"MESSAGE": "Order received"}]
    assert len(panel.orders(example_imei("97"))) == 1


# The process, the store, chaos


def test_fifty_at_once(panel: Panel) -> None:
    imeis = [example_imei("30", serial) for serial in range(50)]
    with ThreadPoolExecutor(50) as pool:
        references = list(pool.map(lambda imei: panel.ordered(imei, reference="crowd"), imeis))
    assert len(set(references)) == 50
    listed = panel.ask("orderslist", xml(REFERENCE="crowd"))["SUCCESS"][0]["LIST"]
    assert sorted(order["IMEI"] for order in listed) == imeis
    assert [int(order["ID"]) for order in listed] == sorted(map(int, references))


def test_restart_keeps_orders_and_stops_promptly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "deep" / "store.sqlite3"
    first = Panel(store, hang=60)
    imei = example_imei("40")
    order = first.ordered(imei, reference="kept")
    credit = first.credit()
    assert credit == "99988.66"
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(first.place, example_imei("83"), timeout=60)
        while not first.orders(example_imei("83")):
            time.sleep(0.02)
        first.stop()  # before the call that hangs would end
        with pytest.raises(requests.ConnectionError):
            hanging.result()
    second = Panel(store)
    try:
        assert second.orders(imei)[0]["ID"] == order
        assert second.final(order)["STATUS"] == 4
        assert second.ordered(imei) not in {order, second.orders(example_imei("83"))[0]["ID"]}
        assert supplier_store.main(["--dump", str(store)]) == 0  # while it runs
    finally:
        second.stop()
    dumped = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["imei"] for entry in dumped] == [imei, example_imei("83"), imei]
    assert set(dumped[0]) == {"id", "imei", "service_id", "reference", "status", "created_at"}
    assert (dumped[0]["id"], dumped[0]["reference"], dumped[0]["status"]) == (int(order), "kept", 4)
    assert next(supplier_store.dump(store))["id"] == int(order)


def test_statuses_settle_in_the_file_without_calls(panel: Panel) -> None:
    order = panel.ordered(example_imei("41"))
    until = time.monotonic() + 60
    with closing(sqlite3.connect(panel.store)) as connection:
        while (found := connection.execute("SELECT status FROM orders WHERE id = ?", (order,)).fetchone()) != (4,):
            assert time.monotonic() < until, found
            time.sleep(0.05)


def test_placements_log(panel: Panel) -> None:
    panel.place(example_imei("86", 5), reference="log")
    panel.place(example_imei("86", 5), reference="log")
    panel.place(example_imei("96", 5), reference="log")
    with sqlite3.connect(panel.store) as connection:
        found = connection.execute(
            "SELECT outcome, behaviour, order_id IS NOT NULL FROM placements WHERE reference = 'log' ORDER BY id"
        ).fetchall()
    assert found == [("dropped", "error_before", 0), ("accepted", "fast", 1), ("refused", "invalid", 0)]


def test_chaos_draws_are_repeatable_and_spare_the_table() -> None:
    rates = {"error_after": 0.2, "error_before": 0.2, "no_credit": 0.1}
    imeis = [example_imei(f"{serial % 80:02d}", serial) for serial in range(2000)]
    drawn = [choose(imei, 1, rates, 7).slug for imei in imeis]
    assert drawn == [choose(imei, 1, rates, 7).slug for imei in imeis]
    assert drawn != [choose(imei, 2, rates, 7).slug for imei in imeis]
    assert drawn != [choose(imei, 1, rates, 8).slug for imei in imeis]
    counts = Counter(drawn)
    assert set(counts) == {*rates, "fast"}
    assert all(abs(counts[slug] / 2000 - rate) < 0.04 for slug, rate in rates.items())
    assert choose(example_imei("80"), 1, {"invalid": 1.0}, 1).slug == "slow"
    assert choose("DNPXL0ABCDEF", 1, {"invalid": 1.0}, 1).slug == "fast"
    for bad in ({"nope": 0.1}, {"slow": 0.6, "invalid": 0.6}, {"slow": -0.1}, {"slow": float("nan")}):
        with pytest.raises(ValueError):
            check_rates(bad)


def test_chaos_over_http(tmp_path: Path) -> None:
    rates = json.dumps({"error_before": 1.0})
    running = Panel(tmp_path / "s.sqlite3", "--fault-rates", rates, "--seed", "3", "--status-seconds-jitter", "0.2")
    try:
        for _ in range(2):  # drawn at every try, unlike the table's first try only
            assert running.place(example_imei("50")).status_code == 500
        assert running.orders(example_imei("50")) == []
        assert running.ordered("DNPXL0ABCDEF", "1056")
    finally:
        running.stop()


def test_bad_options_are_refused(tmp_path: Path) -> None:
    for extra in (["--fault-rates", "[]"], ["--fault-rates", '{"x": 1}'], ["--key", " "]):
        command = [sys.executable, "-m", "unlockshop.demo.supplier", "--username", "u", "--key", "k"]
        command += ["--store", str(tmp_path / "s"), *extra]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)
        assert ended.returncode == 2
