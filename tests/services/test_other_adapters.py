"""UnlockBase and the REST checks: every recorded quirk, what goes over the wire, and XML that means harm."""

from __future__ import annotations

import json
from dataclasses import astuple
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from services.suppliers.base import Endpoint, JobRequest, JobStatus, SupplierClient
from services.suppliers.rest_check import RestCheckClient
from services.suppliers.rest_check_answers import error_text, read_json, refusal_code, result_text
from services.suppliers.safe_xml import MAX_DEPTH, MAX_ELEMENTS, read_xml, words
from services.suppliers.unlockbase import UnlockBaseClient
from tests.services.recordings.server import ScriptedServer, reply, scripted
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

RECORDINGS = Path(__file__).parent / "recordings"
IMEI = "490154203237518"
KEY = "ABCD-0123-EF45-6789"


@pytest.fixture(scope="module")
def shared() -> Any:
    with scripted() as running:
        yield running


@pytest.fixture
def server(shared: ScriptedServer) -> ScriptedServer:
    shared.requests.clear()
    return shared


def recorded(name: str) -> list[Any]:
    rows = yaml.safe_load((RECORDINGS / f"{name}.yaml").read_text(encoding="utf-8"))
    names = [f"{row['call']}: {row['name']}" for row in rows]
    assert len(set(names)) == len(names)
    return [pytest.param(row, id=name) for row, name in zip(rows, names, strict=True)]


def endpoint(url: str, key: str = KEY) -> Endpoint:
    return Endpoint(url=url, username="", api_key=key, allow_loopback=True)


def unlockbase(server: ScriptedServer, key: str = f" ({KEY}) ") -> UnlockBaseClient:
    return UnlockBaseClient(endpoint(server.url, key), deadline_seconds=5)


def rest_check(server: ScriptedServer, key: str = KEY) -> RestCheckClient:
    return RestCheckClient(endpoint(f"{server.url}/v1/", key), deadline_seconds=5)


def job(service_id: str = "12", **fields: str) -> JobRequest:
    return JobRequest("U-1-1", service_id, IMEI, {"imei": IMEI, **fields})


def shown(status: JobStatus) -> str:
    return f"{status.state} / {status.text} / {status.identifier}"


def outcome(client: SupplierClient, call: str) -> str:
    """What a call came to, in the words of the recordings."""
    calls = {
        "place": lambda: f"accepted {client.place(job()).supplier_order_id}",
        "status": lambda: shown(client.status("700001")),
        "status_many": lambda: " ".join(client.status_many(["700001", "700002", "700003", "700004"])),
        "find": lambda: " ".join(client.find("U-1-1")),
        "cancel": lambda: str(client.cancel("700001")),
        "account": lambda: " ".join(filter(None, map(str, astuple(client.account())))),
        "services": lambda: str(len(client.services())),
    }
    try:
        return calls[call]()
    except Refused as error:
        return f"refused {error.code}"
    except Retryable:
        return "retry"
    except OutcomeUnknown:
        return "unknown"


def squeezed(text: str) -> str:
    return " ".join(text.split(" ")).replace("/  /", "/ /").strip()


@pytest.mark.parametrize(
    ("make", "row"),
    [
        pytest.param(make, *parameter.values, id=f"{make.__name__}: {parameter.id}")
        for make in (unlockbase, rest_check)
        for parameter in recorded(make.__name__)
    ],
)
def test_recording(server: ScriptedServer, make: Any, row: dict[str, Any]) -> None:
    server.says(reply(row["body"].encode(), f"{row.get('status', 200)} X"))
    client = make(server)
    assert squeezed(outcome(client, row["call"])) == squeezed(row["expect"])
    assert all(exchange.response for exchange in client.exchanges if row["body"])


# UnlockBase


def test_the_form_of_an_order(server: ScriptedServer) -> None:
    server.says(reply(b"<API><ID>8</ID></API>"))
    client = unlockbase(server)
    answers = {"Network": "12", "model": " 7 ", "prd": "PRD-12345-001", "kbh": " ", "device": IMEI}
    client.place(job("440", **answers))
    assert server.form() == {
        "Key": KEY, "Action": "PlaceOrder", "Tool": "440", "IMEI": IMEI, "Comments": "U-1-1",
        "Network": "12", "Mobile": "7", "PRD": "PRD-12345-001",
    }  # fmt: skip
    assert KEY not in repr(client.exchanges)
    assert "Key: [masked]" in client.exchanges[0].request


@pytest.mark.parametrize("make", [unlockbase, rest_check])
@pytest.mark.parametrize("name", ["email", "sms", "comments", "country", "amount"])
def test_no_order_goes_out_without_an_answer_that_was_given(server: ScriptedServer, make: Any, name: str) -> None:
    with pytest.raises(Refused) as caught:
        make(server).place(job(**{name: "x"}))
    assert caught.value.code == "config"
    assert name in str(caught.value)
    assert server.requests == []


def orders(*references: str) -> bytes:
    listed = (f"<Order><ID>{n}</ID><Comments>{text}</Comments></Order>" for n, text in enumerate(references, 1))
    return f"<API>{''.join(listed)}</API>".encode()


def test_absence_is_not_read_off_a_page(server: ScriptedServer) -> None:
    """A list as long as a page may be one: a match in it counts, the lack of one does not."""
    for length in (50, 100, 500, 1000):
        server.says(reply(orders(*["x"] * length)))
        with pytest.raises(OutcomeUnknown):
            unlockbase(server).find("U-1-1")
        server.says(reply(orders(*["x"] * (length - 1), "U-1-1")))
        assert unlockbase(server).find("U-1-1") == [str(length)]
        server.says(reply(orders(*["x"] * (length + 1))))
        assert unlockbase(server).find("U-1-1") == []


def test_a_tool(server: ScriptedServer) -> None:
    server.says(
        reply(
            b"<API><Group><ID>3</ID><Name>AT&amp;T</Name><Tool><ID>440</ID><Name>&lt;b&gt;iPhone&lt;/b&gt;</Name>"
            b"<Credits>10.50</Credits><Message>a&lt;br&gt;b<![CDATA[<script>x</script>]]></Message><SMS>True</SMS>"
            b"<Delivery.Min>1</Delivery.Min><Delivery.Max>3</Delivery.Max><Delivery.Unit>Days</Delivery.Unit>"
            b"<Requires.Network>Required</Requires.Network><Requires.PIN>Optional</Requires.PIN>"
            b"<Requires.PRD>None</Requires.PRD><Requires.Locks>2</Requires.Locks></Tool></Group></API>"
        )
    )
    (tool,) = unlockbase(server).services()
    assert (tool.service_id, tool.name, tool.group, tool.kind) == ("440", "iPhone", "AT&T", "IMEI")
    assert (tool.cost, tool.time, tool.info) == (Decimal("10.50"), "1-3 Days", "a\nb")
    assert tool.requires == ("Network", "Locks")


# Safe XML


def test_depth_and_number_of_elements_are_bounded() -> None:
    def deep(depth: int) -> str:
        return "<API>" + "<a>" * depth + "</a>" * depth + "</API>"

    assert read_xml(deep(MAX_DEPTH - 1), "API") is not None
    assert read_xml(deep(MAX_DEPTH), "API") is None
    assert read_xml(f"<API>{'<a/>' * (MAX_ELEMENTS - 1)}</API>", "API") is not None
    assert read_xml(f"<API>{'<a/>' * MAX_ELEMENTS}</API>", "API") is None


@given(text=st.text(max_size=200) | st.text(max_size=60).map(lambda inner: f"<API>{inner}</API>"))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_is_no_xml(text: str) -> None:
    found = read_xml(text, "API")
    assert found is None or isinstance(words(found, "ID"), str)


# REST checks


def test_the_body_of_an_order(server: ScriptedServer) -> None:
    server.says(reply(b'{"id":"a"}', "201 Created"))
    client = rest_check(server)
    client.place(job("12"))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/index.php/v1/checks HTTP/1.1\r\n")
    assert f"\r\nAuthorization: Bearer {KEY}\r\n".encode() in head
    assert json.loads(body) == {"deviceId": IMEI, "serviceId": 12}
    assert KEY not in repr(client.exchanges)
    assert "Authorization: [masked]" in client.exchanges[0].request


@pytest.mark.parametrize("service_id", ["", "x", "1.5", "-1", "1e3", "٣", "12345678901"])
def test_a_service_is_a_number(server: ScriptedServer, service_id: str) -> None:
    with pytest.raises(Refused) as caught:
        rest_check(server).place(job(service_id))
    assert caught.value.code == "config"
    assert server.requests == []


@pytest.mark.parametrize("key", ["", "a b", "tok\r\nX-Evil: 1", "tök", "a\x00b"])
def test_a_token_that_no_header_may_carry(server: ScriptedServer, key: str) -> None:
    client = rest_check(server, key)
    for call in (lambda: client.place(job()), lambda: client.status("1"), client.account, client.services):
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.code == "auth"
    assert server.requests == []


def test_an_id_stays_one_part_of_the_path(server: ScriptedServer) -> None:
    server.says(reply(b'{"id":"a/../b?c","status":"waiting"}'))
    assert rest_check(server).status("a/../b?c").state == "pending"
    assert server.requests[0].startswith(b"GET /api/index.php/v1/checks/a%2F..%2Fb%3Fc HTTP/1.1\r\n")


@pytest.mark.parametrize("call", ["find", "cancel", "status_many"])
def test_what_the_protocol_does_not_have(server: ScriptedServer, call: str) -> None:
    assert outcome(rest_check(server), call) == "refused config"
    assert server.requests == []


@given(value=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
))  # fmt: skip
@hypothesis_settings(max_examples=200, deadline=None)
def test_any_json_is_read_without_a_fall(value: Any) -> None:
    found = read_json(json.dumps(value))
    text = result_text(found)
    assert len(text) <= 8_000
    assert "<script" not in text
    assert isinstance(refusal_code(422, found, error_text(found)), str)
