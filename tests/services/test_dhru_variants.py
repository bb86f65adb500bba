"""What Dhru suppliers have beyond single orders: dialects, bulk calls, server and file orders, the smaller lists."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from services.suppliers.base import (
    Choice,
    Endpoint,
    Feature,
    JobAccepted,
    JobRequest,
    JobState,
    JobStatus,
    RefusalCode,
    UnsupportedAction,
)
from services.suppliers.dhru import DhruClient
from services.suppliers.dhru_explore import addresses
from tests.helpers.processes import running_supplier
from tests.services.recordings.server import ScriptedServer, reply, scripted
from unlockshop.demo.supplier import example_imei
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError

KEY = "AAA-BBB-CCC-DDD"
IMEI = "490154203237518"
OTHER = "356938035643809"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted() as running:
        yield running


def client_at(url: str, **options: Any) -> DhruClient:
    endpoint = Endpoint(url=url, username="shop", api_key=KEY, allow_loopback=True, **options)
    return DhruClient(endpoint, deadline_seconds=5)


def says(server: ScriptedServer, *bodies: str) -> None:
    """Each body once, the last one for ever after."""
    left = list(bodies)

    def answer(conn: Any) -> None:
        conn.sendall(reply((left.pop(0) if len(left) > 1 else left[0]).encode()))

    server.answer = answer


def sent(server: ScriptedServer, number: int = -1) -> Any:
    """The parameters of a request, whatever dialect they are in."""
    text = server.form(number)["parameters"].strip()
    if text.startswith("<"):
        return {each.tag: each.text for each in ET.fromstring(text)}
    return json.loads(text if text.startswith("{") else base64.b64decode(text, validate=True))


# Dialects


@pytest.mark.parametrize(
    ("dialect", "start"), [("", "<PARAMETERS>"), ("xml", "<P"), ("b64json", "eyJ"), ("json", "{")]
)
def test_a_placement_in_each_dialect(server: ScriptedServer, dialect: str, start: str) -> None:
    says(server, '{"SUCCESS":[{"REFERENCEID":"8"}]}')
    job = JobRequest("U-1-1", "409", IMEI, {"network": 'A&B "Zoë"', "E Mail": "x"})
    client_at(server.url, dialect=dialect, sends_reference=True).place(job)
    assert server.form()["parameters"].startswith(start)
    fields = sent(server)
    custom = fields.pop("CUSTOMFIELD")
    assert fields.pop("customfield", custom) == custom
    assert json.loads(base64.b64decode(custom)) == {"E Mail": "x"}
    assert fields == {"ID": "409", "IMEI": IMEI, "NETWORK": 'A&B "Zoë"', "REFERENCE": "U-1-1"}


@pytest.mark.parametrize(("dialect", "text"), [("xml", "\n"), ("b64json", "e30="), ("json", "{}")])
def test_no_parameters_in_each_dialect(server: ScriptedServer, dialect: str, text: str) -> None:
    says(server, '{"SUCCESS":[{"credit":"1"}]}')
    client_at(server.url, dialect=dialect).account()
    assert server.form()["parameters"] == text


def test_an_unknown_dialect_is_refused(server: ScriptedServer) -> None:
    with pytest.raises(Refused) as caught:
        client_at(server.url, dialect="odd")
    assert caught.value.code == "dialect"


# Statuses of many

ORDERS = ["7", "8"]
PENDING, CODE = JobStatus(JobState.PENDING), JobStatus(JobState.DONE, "NCK 1")
STATUS_BULK = {
    "blocks": ('{"7":{"SUCCESS":[{"STATUS":4,"CODE":"NCK 1"}]},"8":{"SUCCESS":[{"STATUS":"1"}]},"apiversion":"6.1"}',
               {"7": CODE, "8": PENDING}),
    "blocks alone": ('{"7":{"SUCCESS":[{"STATUS":4,"CODE":"NCK 1"}]}}', {"7": CODE}),
    "keyed success": ('{"SUCCESS":{"7":{"STATUS":"4","CODE":"NCK 1"}},"ERROR":[{"MESSAGE":"Order ID 8 not found!"}]}',
                      {"7": CODE}),
    "at the top": ('{"7":{"STATUS":"Success","CODE":"NCK 1"},"8":{"STATUS":1,"CODE":""}}', {"7": CODE, "8": PENDING}),
    "an error row": ('{"7":{"ERROR":[{"MESSAGE":"NoResultFound"}]},"8":{"SUCCESS":[{"STATUS":1}]}}', {"8": PENDING}),
    "zero for the unknown": ('{"7":{"SUCCESS":[{"STATUS":0,"CODE":""}]},"8":{"STATUS":1}}', {"8": PENDING}),
    "zero with its device": (f'{{"7":{{"SUCCESS":[{{"STATUS":0,"IMEI":"{IMEI}"}}]}}}}',
                             {"7": JobStatus(JobState.PENDING, identifier=IMEI)}),
    "another order's": ('{"7":{"SUCCESS":[{"STATUS":4,"CODE":"x","ID":"9"}]},"8":{"SUCCESS":[{"STATUS":1}]}}',
                        {"8": PENDING}),
    "both halves": ('{"7":{"SUCCESS":[{"STATUS":4,"CODE":"x"}],"ERROR":[{"MESSAGE":"y"}]},"8":{"STATUS":1}}',
                    {"8": PENDING}),
    "two rows": ('{"7":{"SUCCESS":[{"STATUS":4,"CODE":"x"},{"STATUS":3}]},"8":{"STATUS":1}}', {"8": PENDING}),
    "told twice unlike": ('{"7":{"SUCCESS":[{"STATUS":4,"CODE":"x"}]},"SUCCESS":{"7":{"STATUS":1}},"8":{"STATUS":1}}',
                          {"8": PENDING}),
    "a status of nothing": ('{"7":{"STATUS":17},"8":{"STATUS":1}}', {"8": PENDING}),
    "noise before it": ('<b>Warning</b> {main}\n{"8":{"SUCCESS":[{"STATUS":1}]}}', {"8": PENDING}),
}  # fmt: skip


@pytest.mark.parametrize("name", STATUS_BULK)
def test_status_of_many(server: ScriptedServer, name: str) -> None:
    body, expected = STATUS_BULK[name]
    says(server, body)
    client = client_at(server.url)
    assert client.status_many(ORDERS) == expected
    assert server.form()["action"] == "getimeiorderbulk"
    assert sent(server) == {"7": {"ID": "7"}, "8": {"ID": "8"}}
    assert Feature.STATUS_MANY in client.features


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"ERROR":[{"MESSAGE":"Invalid Action"}]}', UnsupportedAction),
        ('{"ERROR":[{"MESSAGE":"Authentication Failed"}]}', Retryable),
        ('{"SUCCESS":[{"STATUS":4,"CODE":"whose"},{"STATUS":4,"CODE":"whose"}]}', Retryable),
        ("<html>", Retryable),
        ('{"SUCCESS":[]}', Retryable),
    ],
)
def test_status_of_many_without_rows(server: ScriptedServer, body: str, kind: type[ShopError]) -> None:
    says(server, body)
    with pytest.raises(kind):
        client_at(server.url).status_many(ORDERS)


def test_many_are_asked_in_fifties_and_the_others_not_at_all(server: ScriptedServer) -> None:
    says(server, json.dumps({str(number): {"STATUS": 1} for number in range(1, 121)}))
    ids = [str(number) for number in range(1, 121)]
    assert len(client_at(server.url).status_many([*ids, "server:5", ids[0]])) == 120
    assert [len(sent(server, number)) for number in range(len(server.requests))] == [50, 50, 20]


# Placing many

JOBS = [JobRequest("U-1-1", "409", IMEI), JobRequest("U-2-1", "409", OTHER)]
PLACE_BULK = {
    "shape 1": ("5", "funds",
                {"U-1-1": {"SUCCESS": [{"MESSAGE": "ok", "REFERENCEID": 5}]},
                 "U-2-1": {"ERROR": [{"MESSAGE": "CreditprocessError"}]}, "apiversion": "6.1"}),
    "shape 2": ("5", "funds",
                {"SUCCESS": {"U-1-1": {"status": "success", "message": "ok", "referenceid": "5"},
                             "U-2-1": {"status": "error", "message": "Insufficient Credits!", "referenceid": ""}}}),
    "shape 3": ("5", "duplicate",
                {"U-1-1": {"status": "success", "referenceid": 5},
                 "U-2-1": {"status": "error", "message": "Duplicate IMEI[3]"}}),
    "shape 4": ("unknown", "unknown",
                {"SUCCESS": [{"REFERENCEID": 5}], "ERROR": [{"MESSAGE": "CreditprocessError"}]}),
    "1 and 2": ("5", "unknown",
                {"U-1-1": {"SUCCESS": [{"REFERENCEID": "5"}]}, "U-2-1": {"SUCCESS": [{"REFERENCEID": "6"}]},
                 "SUCCESS": {"U-1-1": {"status": "success", "referenceid": "5"},
                             "U-2-1": {"status": "success", "referenceid": "7"}}}),
    "the same id twice": ("unknown", "unknown",
                          {key: {"SUCCESS": [{"REFERENCEID": 5}]} for key in ("U-1-1", "U-2-1")}),
    "no id": ("unknown", "unknown",
              {"U-1-1": {"SUCCESS": [{"MESSAGE": "ok"}]}, "U-2-1": {"ERROR": [{"MESSAGE": "odd"}]}}),
    "a row is missing": ("5", "unknown", {"U-1-1": {"SUCCESS": [{"REFERENCEID": 5}]}}),
    "both halves": ("unknown", "unknown",
                    {"U-1-1": {"SUCCESS": [{"MESSAGE": "ok"}], "ERROR": [{"MESSAGE": "CreditprocessError"}]}}),
}  # fmt: skip


def said(outcome: Any) -> str:
    if isinstance(outcome, JobAccepted):
        return outcome.supplier_order_id
    return outcome.code if isinstance(outcome, Refused) else "unknown"


@pytest.mark.parametrize("name", PLACE_BULK)
def test_placing_many(server: ScriptedServer, name: str) -> None:
    first, second, body = PLACE_BULK[name]
    says(server, json.dumps(body))
    outcomes = client_at(server.url, places_in_bulk=True).place_many(JOBS)
    assert [said(outcomes[job.reference]) for job in JOBS] == [first, second]
    assert server.form()["action"] == "placeimeiorderbulk"
    assert sent(server)["U-2-1"] == {"ID": "409", "IMEI": OTHER, "QNT": "1"}
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"ERROR":[{"MESSAGE":"Authentication Failed"}]}', Refused),
        ('{"ERROR":[{"MESSAGE":"Invalid Action"}]}', Refused),
        ('{"ERROR":[{"MESSAGE":"hm"}]}', OutcomeUnknown),
        ("<html>", OutcomeUnknown),
        ('{"U-1-1":{"SUCCESS":[{"REFERENCEID":5', OutcomeUnknown),
        ("", OutcomeUnknown),
    ],
)
def test_placing_many_without_rows(server: ScriptedServer, body: str, kind: type[ShopError]) -> None:
    says(server, body)
    with pytest.raises(ShopError) as caught:
        client_at(server.url, places_in_bulk=True).place_many(JOBS)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("jobs", "is_proven"),
    [
        (JOBS, False),
        ([], True),
        ([JOBS[0], JOBS[0]], True),
        ([JobRequest("success", "1", IMEI)], True),
        ([JobRequest("U-1-1", "1", f"{IMEI},{OTHER}")], True),
        ([JobRequest(f"U-{number}", "1", IMEI) for number in range(51)], True),
    ],
    ids=["unproven", "none", "one twice", "reserved", "two devices", "too many"],
)
def test_placing_many_is_refused_before_a_byte_is_sent(
    server: ScriptedServer, jobs: list[JobRequest], is_proven: bool
) -> None:
    with pytest.raises(Refused):
        client_at(server.url, places_in_bulk=is_proven).place_many(jobs)
    assert server.requests == []


# Server and file orders


def test_a_server_order_falls_back_only_when_the_action_is_unknown(server: ScriptedServer) -> None:
    job = JobRequest("U-1-1", "9", "", {"E Mail": "x"}, kind="SERVER")
    says(server, '{"ERROR":[{"MESSAGE":"Command not found"}]}', '{"SUCCESS":[{"REFERENCEID":4}]}')
    assert client_at(server.url).place(job) == JobAccepted("server:4")
    assert [server.form(number)["action"] for number in (0, 1)] == ["placeimeiorder", "placeserverorder"]
    assert sent(server)["QNT"] == "1"


@pytest.mark.parametrize(
    "body", ['{"ERROR":[{"MESSAGE":"CreditprocessError"}]}', '{"ERROR":[{"MESSAGE":"hm"}]}', "<html>", "",
             '{"ERROR":[{"MESSAGE":"Fatal error: unknown action"}]}']
)  # fmt: skip
def test_a_server_order_is_not_placed_again_after_any_other_answer(server: ScriptedServer, body: str) -> None:
    says(server, body)
    with pytest.raises((Refused, OutcomeUnknown)):
        client_at(server.url).place(JobRequest("U-1-1", "9", "", {"E Mail": "x"}, kind="SERVER"))
    assert len(server.requests) == 1


def test_a_service_of_the_older_list_goes_to_the_older_action_alone(server: ScriptedServer) -> None:
    says(server, '{"ERROR":[{"MESSAGE":"Command not found"}]}')
    with pytest.raises(Refused):
        client_at(server.url).place(JobRequest("U-1-1", "server:9", ""))
    assert [server.form()["action"], sent(server)["ID"], len(server.requests)] == ["placeserverorder", "9", 1]


def test_a_file_order(server: ScriptedServer) -> None:
    client = client_at(server.url)
    says(server, '{"SUCCESS":[{"REFERENCEID":4}]}')
    assert client.place_file("file:3", "C:\\locks\\a.bcl", b"\x00\xff") == JobAccepted("file:4")
    assert sent(server) == {"ID": "3", "FILENAME": "a.bcl", "FILEDATA": "AP8="}
    says(server, '{"ERROR":[{"MESSAGE":"Code Not Ready"}]}')
    assert client.status("file:4").state == JobState.PENDING
    assert (server.form()["action"], sent(server)) == ("getfileorder", {"ID": "4"})
    says(server, '{"ERROR":[{"MESSAGE":"NoResultFound"}]}')
    with pytest.raises(Retryable):
        client.status("file:4")


@pytest.mark.parametrize(("name", "content"), [("a", b""), ("", b"x"), ("dir/", b"x"), ("a", b"x" * 4_200_000)])
def test_a_file_order_needs_a_file(server: ScriptedServer, name: str, content: bytes) -> None:
    with pytest.raises(Refused):
        client_at(server.url).place_file("3", name, content)
    with pytest.raises(Refused):
        client_at(server.url).place(JobRequest("U-1-1", "3", IMEI, kind="FILE"))
    assert server.requests == []


def test_an_order_id_of_the_panel_that_looks_like_ours(server: ScriptedServer) -> None:
    says(server, '{"SUCCESS":[{"REFERENCEID":"server:4"}]}')
    with pytest.raises(OutcomeUnknown):
        client_at(server.url).place(JobRequest("U-1-1", "3", IMEI))


# The smaller lists

CHOICES: dict[str, tuple[str, list[Choice]]] = {
    "nested arrays": ('[{"ID":1,"NAME":"Acme","MODELS":[{"ID":11,"NAME":"One"}]}]', [Choice("11", "One", "Acme")]),
    "other capitals": ('[{"ID":1,"Name":"Acme","Models":[{"ID":"11","Name":"<b>One</b>"}]}]',
                       [Choice("11", "One", "Acme")]),
    "objects": ('{"5":{"COUNTRY":"Peru","NETWORKS":{"51":{"ID":"51","COUNTRY":"5","NETWORK":"Nube"}}}}',
                [Choice("51", "Nube", "Peru")]),
    "groups": ('{"1":{"GROUPNAME":"G","SERVICES":{"3":{"GROUP":"1","MEP":"MEP-1"}}}}', [Choice("3", "MEP-1", "G")]),
    "flat": ('[{"ID":"1","NAME":"MEP-1"},{"ID":"1","NAME":"again"},{"NAME":"no id"},7]', [Choice("1", "MEP-1", "")]),
    "empty": ("[]", []),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOICES)
def test_lists(server: ScriptedServer, name: str) -> None:
    listed, expected = CHOICES[name]
    says(server, f'{{"SUCCESS":[{{"LIST":{listed}}}]}}')
    client = client_at(server.url)
    assert client.models("409") == expected
    assert (server.form()["action"], sent(server)) == ("modellist", {"ID": "409"})
    assert client.providers() == expected
    assert client.meps() == expected
    assert server.form()["action"] == "meplist"


@pytest.mark.parametrize("body", ['{"ERROR":"No tool found"}', '{"SUCCESS":[{"LIST":"x"}]}', '{"SUCCESS":[{}]}', "x"])
def test_no_list_is_not_an_empty_one(server: ScriptedServer, body: str) -> None:
    says(server, body)
    with pytest.raises((Retryable, Refused)):
        client_at(server.url).models()


def test_details_of_a_service(server: ScriptedServer) -> None:
    row = {"service_name": "<b>x</b>", "credit": "1,50", "time": "1-24", "info": "<p>i</p>", "assigned_model": "1, 2",
           "assigned_provider": "",
           "reqredfield": {"network": "Required", "pin": "None", "mep": 1, "isalpha": "1"}}  # fmt: skip
    says(server, json.dumps({"SUCCESS": [{"LIST": row}]}))
    found = client_at(server.url).service_details("409")
    assert (found.name, str(found.cost), found.time, found.info) == ("x", "1.50", "1-24", "i")
    assert (found.requires, found.model_ids, found.provider_ids) == (("network", "mep"), ("1", "2"), ())
    says(server, '{"ERROR":[{"MESSAGE":"NoResultFound"}]}')
    with pytest.raises(Retryable):
        client_at(server.url).service_details("1")


def test_a_catalogue_larger_than_other_answers(server: ScriptedServer) -> None:
    services = {str(number): {"SERVICENAME": "n", "INFO": "x" * 3_000} for number in range(1, 1_001)}
    body = json.dumps({"SUCCESS": [{"LIST": {"g": {"SERVICES": services}}}]})
    says(server, body)
    assert len(body) > 3_000_000
    assert len(client_at(server.url).services()) == 1_000
    with pytest.raises(OutcomeUnknown):
        client_at(server.url).account()


@pytest.mark.parametrize(
    ("url", "first", "count"),
    [
        ("https://p.test", "https://p.test/api/index.php", 8),
        ("https://p.test/", "https://p.test/api/index.php", 8),
        ("https://p.test/api/index.php", "https://p.test/api/index.php", 1),
        ("https://p.test/public/api.php/", "https://p.test/public/api.php", 1),
        ("https://p.test/api", "https://p.test/api/index.php", 3),
        ("https://p.test/dhru/", "https://p.test/dhru/api/index.php", 3),
        ("https://p.test/api/dhru", "https://p.test/api/dhru", 3),
        ("https://[::1", "https://[::1", 1),
    ],
)
def test_addresses_to_try(url: str, first: str, count: int) -> None:
    assert (addresses(url)[0], len(addresses(url))) == (first, count)


# The demo supplier


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., DhruClient]]:
    with running_supplier(tmp_path_factory.mktemp("demo"), "--fast-seconds", "0.2") as url:

        def client(**options: Any) -> DhruClient:
            endpoint = Endpoint(url=url, username="demo", api_key="DEMO-KEY", allow_loopback=True, **options)
            return DhruClient(endpoint, deadline_seconds=5)

        yield client


def final(client: DhruClient, order_id: str) -> JobStatus:
    until = time.monotonic() + 30
    while (status := client.status(order_id)).state == JobState.PENDING and time.monotonic() < until:
        time.sleep(0.05)
    return status


def test_many_at_the_demo_supplier(demo: Callable[..., DhruClient]) -> None:
    client = demo(places_in_bulk=True, sends_reference=True)
    jobs = [JobRequest(f"B-{pair}", "1001", example_imei(pair, 9)) for pair in ("10", "81", "96")]
    outcomes = client.place_many(jobs)
    done, rejected = (said(outcomes[job.reference]) for job in jobs[:2])
    assert said(outcomes["B-96"]) == RefusalCode.INPUT
    assert client.find("B-10") == [done]
    for order_id in (done, rejected):
        final(client, order_id)
    found = client.status_many([done, rejected, "5"])
    assert {order_id: status.state for order_id, status in found.items()} == {
        done: JobState.DONE, rejected: JobState.UNAVAILABLE,
    }  # fmt: skip
    assert found[done].identifier == jobs[0].identifier


@pytest.mark.parametrize("dialect", ["xml", "b64json", "json"])
def test_server_and_file_orders_at_the_demo_supplier(demo: Callable[..., DhruClient], dialect: str) -> None:
    client = demo(dialect=dialect)
    assert [entry.service_id for entry in client.server_services()] == ["server:1", "server:2"]
    assert [(entry.service_id, entry.kind) for entry in client.file_services()] == [("file:1", "FILE")]
    server = client.place(JobRequest("S-1", "server:2", "", {"E-Mail": "x@example.test"}))
    file = client.place_file("file:1", "lock.bcl", b"content")
    assert final(client, server.supplier_order_id).text == "10 credits added"
    assert final(client, file.supplier_order_id).state == JobState.DONE
    with pytest.raises(Retryable):
        client.status(server.supplier_order_id.removeprefix("server:"))
    with pytest.raises(Refused):
        client.place(JobRequest("S-2", "server:77", "", {"E-Mail": "x"}))


def test_lists_at_the_demo_supplier(demo: Callable[..., DhruClient]) -> None:
    client = demo()
    assert all(choice.label and choice.parent for choice in [*client.models(), *client.providers()])
    assert [choice.label for choice in client.meps()] == ["MEP-04598-005", "MEP-15326-002"]
    assert client.service_details("1001").cost == client.services()[0].cost


def test_a_panel_of_one_dialect_does_not_read_the_others(tmp_path: Path) -> None:
    with running_supplier(tmp_path, "--dialect", "b64json") as url:
        for dialect in ("xml", "json", "b64json"):
            endpoint = Endpoint(url=url, username="demo", api_key="DEMO-KEY", allow_loopback=True, dialect=dialect)
            job = JobRequest("D-1", "1001", example_imei("10", 5))
            if dialect == "b64json":
                assert DhruClient(endpoint).place(job)
            else:
                with pytest.raises(Refused):
                    DhruClient(endpoint).place(job)
