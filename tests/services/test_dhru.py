"""The Dhru adapter: every recorded shape of reply, what goes over the wire, and the demo supplier as a process."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from services.suppliers.base import Account, Endpoint, JobAccepted, JobRequest, JobState, JobStatus, RefusalCode
from services.suppliers.dhru import DhruClient, full_url
from services.suppliers.dhru_envelope import money, read_envelope
from services.suppliers.dhru_parameters import placement
from services.suppliers.plain_text import MAX_CHARS, to_line, to_plain_text
from tests.services.recordings.server import ScriptedServer, reply, scripted
from unlockshop.demo.supplier import example_imei
from unlockshop.demo.supplier_behaviour import TABLE
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = Path(__file__).parent / "recordings"
KEY = "AAA-BBB-CCC-DDD"
IMEI = "490154203237518"
JOB = JobRequest(reference="U-1-1", service_id="1001", identifier=IMEI)


def recorded(name: str) -> list[Any]:
    rows = yaml.safe_load((RECORDINGS / f"{name}.yaml").read_text(encoding="utf-8"))
    assert len({row["name"] for row in rows}) == len(rows)
    return [pytest.param(row, id=row["name"]) for row in rows]


def body_of(row: dict[str, Any]) -> bytes:
    if "base64" in row:
        return base64.b64decode(row["base64"])
    if "repeat" in row:
        return bytes(row["repeat"][0] * row["repeat"][1], "utf-8")
    return bytes(row["body"], "utf-8")


@pytest.fixture(scope="module")
def shared() -> Iterator[ScriptedServer]:
    with scripted() as running:
        yield running


@pytest.fixture
def server(shared: ScriptedServer) -> ScriptedServer:
    shared.requests.clear()
    return shared


def client_at(url: str, *, reference: bool = True, deadline: float = 5.0, key: str = KEY) -> DhruClient:
    endpoint = Endpoint(url=url, username=" shop ", api_key=f"{key}\n", sends_reference=reference, allow_loopback=True)
    return DhruClient(endpoint, deadline_seconds=deadline)


def answering(server: ScriptedServer, row: dict[str, Any]) -> DhruClient:
    server.says(reply(body_of(row), f"{row.get('status', 200)} X", "Location: https://new.test/api"))
    return client_at(server.url)


# Recorded replies


@pytest.mark.parametrize("row", recorded("place"))
def test_place(server: ScriptedServer, row: dict[str, Any]) -> None:
    client = answering(server, row)
    try:
        got = f"accepted {client.place(JOB).supplier_order_id}"
    except Refused as error:
        got = f"refused {error.code}" if str(error) else "refused without a word"
    except OutcomeUnknown:
        got = "unknown"
    assert got == row["expect"]
    assert len(server.requests) == len(client.exchanges) == 1


def test_the_table_of_placements_is_whole() -> None:
    rows = yaml.safe_load((RECORDINGS / "place.yaml").read_text(encoding="utf-8"))
    assert len(rows) >= 100
    codes = {row["expect"].removeprefix("refused ") for row in rows}
    assert {*RefusalCode, "config", "unknown"} <= codes


@pytest.mark.parametrize("row", recorded("status"))
def test_status(server: ScriptedServer, row: dict[str, Any]) -> None:
    client = answering(server, row)
    if row["expect"] in {"retry", "unknown"}:
        with pytest.raises(ShopError) as caught:
            client.status("700001")
        assert isinstance(caught.value, {"retry": Retryable, "unknown": OutcomeUnknown}[row["expect"]])
        return
    expected = JobStatus(JobState(row["expect"]), row.get("text", ""), row.get("identifier", ""))
    found = client.status("700001")
    assert found.state == expected.state
    if found.state != JobState.PENDING:
        assert found == expected


@pytest.mark.parametrize("row", recorded("find"))
def test_find(server: ScriptedServer, row: dict[str, Any]) -> None:
    client = answering(server, row)
    if row["expect"] == "raises":
        with pytest.raises((Retryable, OutcomeUnknown)):
            client.find("U-1-1")
    else:
        assert client.find("U-1-1") == row["expect"]


def test_a_full_list_may_be_cut_short(server: ScriptedServer) -> None:
    orders = [{"ID": number, "REFERENCE": "U-1-1"} for number in range(1, 501)]
    server.says(reply(json.dumps({"SUCCESS": [{"LIST": orders}]}).encode()))
    with pytest.raises(OutcomeUnknown):
        client_at(server.url).find("U-1-1")


def test_find_needs_a_supplier_that_is_told_our_references(server: ScriptedServer) -> None:
    server.says(reply(b'{"SUCCESS":[{"LIST":[]}]}'))
    with pytest.raises(OutcomeUnknown):
        client_at(server.url, reference=False).find("U-1-1")
    assert server.requests == []


@pytest.mark.parametrize("row", recorded("account"))
def test_account(server: ScriptedServer, row: dict[str, Any]) -> None:
    client = answering(server, row)
    if isinstance(row["expect"], list):
        credit, currency = row["expect"]
        assert client.account() == Account(None if credit is None else Decimal(credit), currency)
        return
    with pytest.raises(ShopError) as caught:
        client.account()
    assert getattr(caught.value, "code", "retry") == row["expect"]


CATALOGUE = {
    "SUCCESS": [
        {
            "MESSAGE": "IMEI Service List",
            "LIST": {
                "ATampT": {
                    "GROUPNAME": "AT&amp;T &#128241;",
                    "GROUPTYPE": "IMEI",
                    "SERVICES": {
                        "409": {
                            "SERVICEID": 409,
                            "SERVICETYPE": "IMEI",
                            "SERVICENAME": "<b>AT&amp;T</b> Clean",
                            "CREDIT": "10.50",
                            "TIME": "1-24",
                            "INFO": "<table><tr><td>a</td></tr></table><script>x</script>",
                            "CUSTOM": {"allow": "1", "customname": "ECID", "isalpha": "1"},
                            "Requires.Network": "Required",
                            "Requires.PRD": "None",
                            "Requires.PIN": "YES",
                            "Requires.MEP": 1,
                            "Requires.KBH": "Optional",
                            "Requires.Custom": [
                                {
                                    "fieldname": "E Mail",
                                    "fieldtype": "dropdown",
                                    "fieldoptions": "a, b,",
                                    "required": "on",
                                },
                                {"fieldname": "hidden", "adminonly": "on"},
                            ],
                        }
                    },
                },
                "x": {"GROUPNAME": "Server", "GROUPTYPE": "SERVER", "SERVICES": [{"SERVICEID": "u-1", "CREDIT": 2}]},
                "9": {"SERVICEID": "9", "SERVICENAME": "Bare", "Requires": {"Custom": [{"fieldname": "k"}]}},
                "bad": "text",
            },
        }
    ]
}


def test_catalogue(server: ScriptedServer) -> None:
    server.says(reply(json.dumps(CATALOGUE).encode()))
    first, second, third = client_at(server.url).services()
    assert (first.service_id, first.name, first.group, first.kind) == ("409", "AT&T Clean", "AT&T 📱", "IMEI")
    assert (first.cost, first.time, first.info) == (Decimal("10.50"), "1-24", "a")
    assert first.requires == ("Network", "PIN", "MEP")
    assert (first.identifier_label, first.allows_letters) == ("ECID", True)
    (question,) = first.custom_fields
    assert (question.name, question.kind, question.options) == ("E Mail", "dropdown", ("a", "b"))
    assert question.is_required
    assert (second.service_id, second.kind, second.cost) == ("u-1", "SERVER", Decimal(2))
    assert (third.service_id, third.group, third.custom_fields[0].name) == ("9", "", "k")


@pytest.mark.parametrize("listed", ["[]", "{}", '[{"GROUPNAME":"x","SERVICES":[]}]'])
def test_empty_catalogue(server: ScriptedServer, listed: str) -> None:
    server.says(reply(f'{{"SUCCESS":[{{"LIST":{listed}}}]}}'.encode()))
    assert client_at(server.url).services() == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"ERROR":[{"MESSAGE":"You can request once per 5 minutes"}]}', Refused),
        ('{"ERROR":[{"MESSAGE":"hm"}]}', Retryable),
        ('{"SUCCESS":[{"MESSAGE":"x"}]}', Retryable),
        ('{"SUCCESS":[{"LIST":"x"}]}', Retryable),
        ("", Retryable),
    ],
)
def test_no_catalogue_is_not_an_empty_one(server: ScriptedServer, body: str, kind: type[ShopError]) -> None:
    server.says(reply(body.encode()))
    with pytest.raises(kind):
        client_at(server.url).services()


# What goes over the wire


ACCEPTED = reply(b'{"SUCCESS":[{"REFERENCEID":"8"}]}')


def placed(server: ScriptedServer, job: JobRequest, **options: Any) -> dict[str, str]:
    server.says(ACCEPTED)
    client_at(server.url, **options).place(job)
    return server.form()


def test_the_form(server: ScriptedServer) -> None:
    assert placed(server, JOB) == {
        "username": "shop",
        "apiaccesskey": KEY,
        "action": "placeimeiorder",
        "requestformat": "JSON",
        "parameters": f"<PARAMETERS><ID>1001</ID><IMEI>{IMEI}</IMEI><REFERENCE>U-1-1</REFERENCE></PARAMETERS>\n",
    }


def test_no_reference_where_it_is_not_supported(server: ScriptedServer) -> None:
    assert "REFERENCE" not in placed(server, JOB, reference=False)["parameters"]


def test_fields_and_custom_fields(server: ScriptedServer) -> None:
    fields = {
        "imei": IMEI, "network": "AT&T <US> Zoë", "Model": "7", "prd": "PRD-1", "mep": "MEP-2", "kbh": " ",
        "amount": "10", "country": "México", "quantity": "5", "reference": "mine", "E Mail": 'a"b',
    }  # fmt: skip
    sent = placed(server, JobRequest("U-1-1", "1001", IMEI, fields))["parameters"]
    assert sent.isascii()
    assert "AT&amp;T &lt;US&gt; Zo&#235;" in sent
    tags = {element.tag: element.text for element in ET.fromstring(sent)}
    custom = tags.pop("CUSTOMFIELD")
    assert tags == {
        "ID": "1001", "IMEI": IMEI, "NETWORK": "AT&T <US> Zoë", "MODELID": "7", "PRD": "PRD-1", "MEP": "MEP-2",
        "REFERENCE": "U-1-1",
    }  # fmt: skip
    assert custom is not None
    decoded = base64.b64decode(custom, validate=True)
    assert base64.b64encode(decoded).decode() == custom
    assert json.loads(decoded) == {
        "amount": "10", "country": "México", "quantity": "5", "reference": "mine", "E Mail": 'a"b',
    }  # fmt: skip


@pytest.mark.parametrize("identifier", ["", " ", f"{IMEI},{IMEI}", f"{IMEI}\n{IMEI}", f"{IMEI};1", "1\x002"])
def test_one_device_or_nothing(server: ScriptedServer, identifier: str) -> None:
    with pytest.raises(Refused) as caught:
        client_at(server.url).place(JobRequest("U-1-1", "1001", identifier))
    assert caught.value.code == "input"
    assert server.requests == []


@given(value=st.text(max_size=60))
@hypothesis_settings(max_examples=150, deadline=None)
def test_any_text_is_well_formed(value: str) -> None:
    job = JobRequest("U-1-1", "1001", IMEI, {"network": value, "note": value})
    tags = [element.tag for element in ET.fromstring(placement(job, sends_reference=True))]
    assert set(tags) <= {"ID", "IMEI", "NETWORK", "REFERENCE", "CUSTOMFIELD"}
    assert tags[:2] == ["ID", "IMEI"]


@given(text=st.text(max_size=300) | st.sampled_from(['{"SUCCESS":', '{"ERROR":[', "<SUCCESS>"]).flatmap(
    lambda start: st.text(max_size=50).map(lambda rest: start + rest)))  # fmt: skip
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_body_is_read_without_a_fall(text: str) -> None:
    envelope = read_envelope(text)
    if envelope is not None:
        envelope.rows()
        envelope.error_text()


@pytest.mark.parametrize(
    ("url", "full"),
    [
        ("https://panel.test", "https://panel.test/api/index.php"),
        ("https://panel.test/", "https://panel.test/api/index.php"),
        ("https://panel.test/dhru/", "https://panel.test/dhru/api/index.php"),
        (" https://panel.test/api/index.php ", "https://panel.test/api/index.php"),
        ("https://panel.test/api/dhru", "https://panel.test/api/dhru"),
        ("https://[::1", "https://[::1"),
    ],
)
def test_full_url(url: str, full: str) -> None:
    assert full_url(url) == full


def test_the_key_is_nowhere(server: ScriptedServer) -> None:
    """Panels quote what they were sent. It stays out of the log, the errors and the result."""
    told: list[str] = []
    for body in (f'{{"ERROR":[{{"MESSAGE":"Invalid API key {KEY}"}}]}}', f'{{"ERROR":[{{"MESSAGE":"no {KEY}"}}]}}',
                 f'{{"SUCCESS":"{KEY}"}}', f"<html>{KEY}</html>"):  # fmt: skip
        server.says(reply(body.encode()))
        client = client_at(server.url)
        for call in (lambda c: c.place(JOB), lambda c: c.status("1"), lambda c: c.find("r"), lambda c: c.account()):
            try:
                told.append(repr(call(client)))
            except ShopError as error:
                told.append("".join(traceback.format_exception(error)))
        assert len(client.exchanges) == 4
        assert KEY not in repr(client.exchanges)
    assert len(told) == 16
    assert KEY not in "".join(told)
    server.says(reply(f'{{"SUCCESS":[{{"STATUS":4,"CODE":"key {KEY}"}}]}}'.encode()))
    assert client_at(server.url).status("1").text == "key [masked]"


# Plain text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("a<br>b<br/>c<BR />d", "a\nb\nc\nd"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"),
        ("a &amp; b &lt;c&gt; &eacute; &#x20AC;", "a & b <c> é €"),
        ("<script>alert(1)</script>x<style>p{}</style>", "x"),
        ("<SCRIPT >alert(1)</SCRIPT >x", "x"),
        ("x<script>alert(1)", "x"),
        ("x<img src=x onerror=alert(1)>", "x"),
        ("x<img src=x onerror=alert(1)", "x"),
        ("x&lt;script&gt;alert(1)&lt;/script&gt;y", "xy"),
        ("x&lt;br&gt;y", "x\ny"),
        ("<!-- hidden -->x<!-- open", "x"),
        ("<![CDATA[x]]>y", "y"),
        ("<a href='https://evil.test'>link</a>", "link"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("a\u202eb\u2066c\u200bd\ufeffe\u0007f\u0000g", "abcdefg"),
        ("a\n\n\n\n\nb\r\nc\rd", "a\n\nb\nc\nd"),
        ("a\u00a0\u00a0 b\tc", "a b c"),
        ("\ud800x", "x"),
        ("", ""),
        ("00123", "00123"),
    ],
)
def test_plain_text(html: str, text: str) -> None:
    assert to_plain_text(html) == text


@pytest.mark.parametrize(
    "hostile",
    ["<" * 100_000, "<!" * 50_000, "<a " * 40_000, "&#" * 50_000, "<!--" * 25_000, "<![x", "<a b='" * 20_000],
)
def test_plain_text_is_bounded(hostile: str) -> None:
    assert len(to_plain_text(hostile + "x" * 20_000)) <= MAX_CHARS


@given(text=st.text(max_size=200))
@hypothesis_settings(max_examples=200, deadline=None)
def test_plain_text_of_anything(text: str) -> None:
    found = to_plain_text(f"<b>{text}</b><script>{text}")
    assert "<script" not in found.casefold()
    found.encode("utf-8")
    assert "\n" not in to_line(text, 50)
    assert len(to_line(text, 50)) <= 50


@pytest.mark.parametrize(
    ("value", "amount"), [("", None), ("x", None), (True, None), ("1e5", "1"), ("1.234", "1.234")]
)
def test_money(value: object, amount: str | None) -> None:
    assert money(value) == (None if amount is None else Decimal(amount))


# The demo supplier

HANG, DEADLINE = 1.5, 0.7


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a demo supplier in a process of its own."""
    arguments = [
        *("--port", "0", "--store", str(tmp_path_factory.mktemp("panel") / "store.sqlite3")),
        *("--catalogue", str(ROOT / "services" / "data" / "catalogue.yaml"), "--username", "shop", "--key", KEY),
        *("--fast-seconds", "0.2", "--slow-seconds", "30", "--hang-seconds", str(HANG)),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "unlockshop.demo.supplier", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().rpartition(" ")[2].strip()
    yield url
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    process.stdout.close()


def job_for(slug: str, serial: int) -> JobRequest:
    pair = next((row.pair for row in TABLE if row.slug == slug), "10")
    return JobRequest(f"U-{slug}-{serial}", "1001", example_imei(pair, serial))


def final(client: DhruClient, order_id: str) -> JobStatus:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        status = client.status(order_id)
        if status.state != JobState.PENDING:
            return status
        time.sleep(0.05)
    pytest.fail(f"order {order_id} never became final")


@pytest.mark.parametrize("slug", ["fast", "slow", "rejected", "not_found", "php_noise", "wrong_imei", "script_result",
                                  "empty_code", "flapping"])  # fmt: skip
def test_demo_orders_that_are_accepted(panel: str, slug: str) -> None:
    client, job = client_at(panel), job_for(slug, 1)
    accepted = client.place(job)
    assert accepted.supplier_order_id.isdecimal()
    assert client.find(job.reference) == [accepted.supplier_order_id]
    if slug == "slow":
        assert client.status(accepted.supplier_order_id) == JobStatus(JobState.PENDING, identifier=job.identifier)
        return
    status = final(client, accepted.supplier_order_id)
    expected = {"rejected": JobState.UNAVAILABLE, "not_found": JobState.NOT_FOUND}.get(slug, JobState.DONE)
    assert status.state == expected
    assert bool(status.text) == (slug != "empty_code")
    assert (status.identifier == job.identifier) == (slug != "wrong_imei")
    assert "<" not in status.text
    assert "alert" not in status.text


@pytest.mark.parametrize(
    ("slug", "was_bought"),
    [
        ("timeout_after", True), ("timeout_before", False), ("error_after", True), ("error_before", False),
        ("garbage_after", True), ("garbage_before", False), ("truncated_after", True), ("no_reference", True),
    ],
)  # fmt: skip
def test_demo_orders_whose_outcome_is_unknown(panel: str, slug: str, was_bought: bool) -> None:
    client, job = client_at(panel, deadline=DEADLINE), job_for(slug, 2)
    with pytest.raises(OutcomeUnknown):
        client.place(job)
    time.sleep(HANG - DEADLINE if "timeout" in slug else 0)
    found = client.find(job.reference)
    assert len(found) == was_bought
    if was_bought:
        assert final(client, found[0]).state == JobState.DONE
    else:
        assert isinstance(client.place(job), JobAccepted)


def test_demo_refusals(panel: str) -> None:
    client = client_at(panel)
    broke = job_for("no_credit", 3)
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            client.place(broke)
        assert caught.value.code == RefusalCode.FUNDS
    assert "crédito" in str(caught.value)
    assert "<" not in str(caught.value)
    assert client.place(broke)
    for job, code in (
        (job_for("invalid", 3), RefusalCode.INPUT),
        (JobRequest("U-gone", "77", example_imei("10", 3)), RefusalCode.SERVICE_GONE),
    ):
        with pytest.raises(Refused) as caught:
            client.place(job)
        assert caught.value.code == code
    with pytest.raises(Refused) as caught:
        client_at(panel, key="wrong-key").place(job_for("fast", 3))
    assert caught.value.code == RefusalCode.AUTH


def test_demo_has_no_idempotency_and_find_shows_it(panel: str) -> None:
    client, job = client_at(panel), job_for("fast", 4)
    first, second = client.place(job), client.place(job)
    assert client.find(job.reference) == [first.supplier_order_id, second.supplier_order_id]
    assert client.find("U-never-sent-1") == []


def test_demo_account_catalogue_and_unknown_order(panel: str) -> None:
    client = client_at(panel)
    account = client.account()
    assert account.credit is not None
    assert 0 < account.credit <= 100_000
    assert account.currency == "EUR"
    listed = {entry.service_id: entry for entry in client.services()}
    assert len(listed) > 50
    assert listed["1001"].cost == Decimal("11.34")
    assert listed["1001"].group == "Network unlock"
    with pytest.raises(Retryable):
        client.status("1")
    with pytest.raises(Refused):
        client_at(panel, key="wrong-key").account()
    purposes = [exchange.purpose for exchange in client.exchanges]
    assert purposes == ["account", "services", "status"]


def test_demo_fields_arrive(panel: str) -> None:
    client = client_at(panel)
    job = JobRequest("U-odd-1 & <é>", "1082", "+33612345678", {"amount": "10", "network": "A&B"})
    accepted = client.place(job)
    assert client.find(job.reference) == [accepted.supplier_order_id]
    assert final(client, accepted.supplier_order_id).identifier == job.identifier


@pytest.mark.parametrize("reference", ["&#" + "5" * 5000 + ";", "&#x" + "f" * 5000])
def test_a_number_that_python_would_not_read_is_no_character(reference: str) -> None:
    assert to_plain_text(f"<b>before</b> {reference} after") == "before \ufffd after"
    assert to_plain_text(f"<![x {reference} after").endswith("after")
