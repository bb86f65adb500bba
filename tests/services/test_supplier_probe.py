"""``supplier_probe`` against panels of several families, the demo supplier, and servers that mean harm."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.helpers.processes import running_supplier
from tests.services.recordings.panels import (
    KEY,
    USER,
    Base64Panel,
    JsonPanel,
    LostPanel,
    OncePanel,
    Panel,
    XmlAnswerPanel,
    XmlPanel,
    running,
)
from tests.services.recordings.server import reply, scripted
from tests.services.test_supplier_http import certificate
from unlockshop.demo.supplier import example_imei

ROOT = Path(__file__).resolve().parents[2]
IMEI = "490154203237518"
QUICK = ("--pause=0", "--poll=0.05", "--timeout=3")


def run(url: str, *arguments: str, key: str = KEY, user: str = USER, loopback: bool = True) -> tuple[int, str]:
    """The exit code and all that was printed. No test here has a database: the command needs none."""
    out = io.StringIO()
    extra = ["--allow-loopback"] if loopback else []
    try:
        call_command("supplier_probe", "--kind=dhru", f"--url={url}", f"--username={user}", f"--key={key}", *QUICK,
                     *extra, *arguments, stdout=out)  # fmt: skip
    except SystemExit as end:
        code = int(end.code or 0)
    else:
        code = 0
    assert key not in out.getvalue()
    return code, out.getvalue()


def probe(url: str, *arguments: str, **options: Any) -> dict[str, Any]:
    code, printed = run(url, "--json", *arguments, **options)
    result: dict[str, Any] = json.loads(printed)
    assert result["exit"] == code
    return result


@pytest.fixture
def panel(request: pytest.FixtureRequest) -> Iterator[tuple[Panel, str]]:
    made = request.param()
    with running(made) as url:
        yield made, url


def served(*kinds: type[Panel]) -> Any:
    return pytest.mark.parametrize("panel", kinds, indirect=True, ids=[kind.__name__ for kind in kinds])


def place(url: str, service: str, *arguments: str) -> dict[str, Any]:
    return probe(url, f"--place={service}", f"--imei={IMEI}", "--wait=2", *arguments)


def steps(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["step"], each["outcome"], each["dialect"]) for each in result["order"]["outcomes"]]


# Families of panels


@served(XmlPanel)
def test_a_panel_that_reads_xml_alone(panel: tuple[XmlPanel, str]) -> None:
    server, url = panel
    result = place(url, "7", "--field=network=AT&T")
    assert result["url"] == f"{url}/api/index.php"
    assert result["account"] == {"credit": "1016.41", "currency": "USD"}
    assert result["catalogue"] == {"groups": 1, "services": 1, "by_kind": {"IMEI": 1}}
    assert (result["dialect"], result["dialects"]) == ("xml", ["xml"])
    assert result["capabilities"]["models"] == "yes"
    assert result["capabilities"]["service_details"] == "no"
    assert steps(result) == [("place", "accepted", "xml"), ("status", "done", "xml")]
    assert result["order"]["text"] == "NCK: 1234\nSPCK: 5"
    assert (result["errors"], result["exit"]) == ([], 0)
    assert [sold["NETWORK"] for sold in server.sold] == ["AT&T"]


@served(Base64Panel)
def test_a_panel_that_reads_base64_alone_and_does_not_say_so(panel: tuple[Base64Panel, str]) -> None:
    server, url = panel
    result = place(url, "1")
    assert result["url"] == f"{url}/index.php"
    assert result["catalogue"]["by_kind"] == {"IMEI": 1, "SERVER": 1}
    assert steps(result) == [
        ("place", "refused", "xml"), ("place", "accepted", "b64json"), ("status", "rejected", "b64json"),
    ]  # fmt: skip
    assert result["order"]["outcomes"][0]["code"] == "service_gone"
    assert (result["dialect"], result["dialects"]) == ("b64json", [])
    assert result["order"]["text"] == "Not eligible"
    assert result["exit"] == 4
    assert len(server.sold) == 1


@served(JsonPanel)
def test_a_panel_that_reads_plain_json_and_answers_in_arrays(panel: tuple[JsonPanel, str]) -> None:
    server, url = panel
    result = place(url, "a-uuid", "--field=E-Mail=x@example.test")
    assert result["url"] == f"{url}/api/dhru"
    assert result["account"] == {"credit": "12.50", "currency": "TRY"}
    assert (result["dialect"], result["dialects"]) == ("json", ["json"])
    assert steps(result) == [("place", "accepted", "json"), ("status", "done", "json")]
    assert result["order"]["text"] == "Blacklist: clean"
    assert result["exit"] == 0
    assert len(server.sold) == 1


@served(OncePanel)
def test_a_panel_that_reads_all_and_gives_its_catalogue_once(panel: tuple[OncePanel, str]) -> None:
    server, url = panel
    result = place(f"{url}/dhru/", "409")
    assert result["catalogue"] == {"groups": 2, "services": 2, "by_kind": {"IMEI": 1, "SERVER": 1}}
    assert result["dialects"] == ["xml", "b64json", "json"]
    assert result["capabilities"]["status_many"] == "yes"
    assert result["capabilities"]["server_services"] == "yes"
    assert result["order"]["text"] == "1111\n2222"
    assert result["exit"] == 0
    assert server.actions.count("imeiservicelist") == 1
    assert len(server.sold) == 1


@served(OncePanel)
def test_a_server_order_has_no_device(panel: tuple[OncePanel, str]) -> None:
    server, url = panel
    result = probe(url, "--place=9", "--field=Email=x@example.test")
    assert result["exit"] == 0
    (sold,) = server.sold
    assert (sold["ID"], sold["QNT"], "IMEI" in sold) == ("9", "1", False)


@served(OncePanel)
def test_a_missing_answer_is_refused_once(panel: tuple[OncePanel, str]) -> None:
    """The dialect is known, so the refusal is about the order and nothing is tried again."""
    server, url = panel
    result = place(url, "9")
    assert steps(result) == [("place", "refused", "xml")]
    assert result["exit"] == 4
    assert server.actions.count("placeimeiorder") == 1


@served(XmlAnswerPanel)
def test_a_panel_that_answers_in_xml_and_sells_server_orders_apart(panel: tuple[XmlAnswerPanel, str]) -> None:
    server, url = panel
    result = probe(url, "--place=server:3", "--field=mail=x@example.test")
    assert result["account"] == {"credit": "5.00", "currency": "GBP"}
    assert result["catalogue"] == {"groups": 1, "services": 2, "by_kind": {"IMEI": 1, "SERVER": 1}}
    assert result["order"]["supplier_order_id"] == "server:12"
    assert result["order"]["text"] == "licence"
    assert result["exit"] == 0
    assert "placeimeiorder" not in server.actions
    assert len(server.sold) == 1


@served(LostPanel)
def test_an_order_whose_outcome_is_unknown_is_placed_once(panel: tuple[LostPanel, str]) -> None:
    server, url = panel
    result = place(url, "7")
    assert steps(result) == [("place", "unknown", "xml")]
    assert (result["order"]["placed"], result["exit"]) == ("unknown", 4)
    assert len(server.sold) == 1


@served(XmlPanel, Base64Panel, JsonPanel, OncePanel, XmlAnswerPanel)
def test_a_wrong_key(panel: tuple[Panel, str]) -> None:
    server, url = panel
    result = probe(url, "--place=7", f"--imei={IMEI}", key="WRONG-KEY-1")
    assert result["errors"][0]["code"] in {"auth", "ip"}
    assert result["order"]["placed"] == "not_sent"
    assert result["exit"] == 4
    assert probe(url, key="WRONG-KEY-1")["exit"] == 1
    assert not any(action.startswith("place") for action in server.actions)


@served(XmlPanel, Base64Panel, JsonPanel, OncePanel, XmlAnswerPanel)
def test_looking_around_buys_nothing(panel: tuple[Panel, str]) -> None:
    server, url = panel
    code, printed = run(url)
    assert code == 0
    assert "account: credit" in printed
    assert "exit 0: fine" in printed
    assert not any(action.startswith("place") for action in server.actions)


@served(XmlPanel)
def test_the_whole_address_and_a_given_dialect(panel: tuple[XmlPanel, str]) -> None:
    server, url = panel
    result = place(f"{url}/api/index.php", "7", "--dialect=json")
    assert steps(result) == [("place", "refused", "json")]
    assert server.sold == []
    assert place(f"{url}/api", "7")["exit"] == 0


# The demo supplier, over HTTP


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_supplier(tmp_path_factory.mktemp("demo"), "--fast-seconds", "0.1", "--slow-seconds", "60",
                          "--hang-seconds", "2") as url:  # fmt: skip
        yield url


def at_demo(url: str, *arguments: str) -> dict[str, Any]:
    return probe(url, *arguments, key="DEMO-KEY", user="demo")


@pytest.mark.parametrize(
    ("pair", "placed", "status", "code"),
    [
        ("10", "accepted", "done", 0),
        ("80", "accepted", "pending", 4),
        ("81", "accepted", "rejected", 4),
        ("82", "accepted", "not_found", 4),
        ("83", "unknown", "", 4),
        ("85", "unknown", "", 4),
        ("87", "unknown", "", 4),
        ("89", "refused", "", 4),
        ("90", "unknown", "", 4),
        ("91", "accepted", "done", 0),
        ("96", "refused", "", 4),
        ("97", "unknown", "", 4),
    ],
)
def test_outcomes_at_the_demo_supplier(demo: str, pair: str, placed: str, status: str, code: int) -> None:
    result = at_demo(demo, "--place=1001", f"--imei={example_imei(pair, 77)}", "--wait=1", "--timeout=1")
    order = result["order"]
    assert (order["placed"], order["status"], result["exit"]) == (placed, status, code)
    assert len([each for each in order["outcomes"] if each["step"] == "place"]) == 1
    if placed == "accepted":
        assert result["capabilities"]["find"] == "yes"


def test_the_demo_supplier_is_known_whole(demo: str) -> None:
    result = at_demo(demo)
    assert result["catalogue"]["by_kind"] == {"IMEI": 93, "SERVER": 2, "FILE": 1}
    assert result["dialects"] == ["xml", "b64json", "json"]
    assert result["capabilities"] == {
        "cancel": "no", "file_services": "yes", "find": "unproven", "meps": "yes", "models": "yes",
        "place_many": "unproven", "providers": "yes", "server_services": "yes", "service_details": "yes",
        "status": "yes", "status_many": "yes",
    }  # fmt: skip


@pytest.mark.parametrize("dialect", ["xml", "b64json", "json"])
def test_a_demo_supplier_of_one_dialect(tmp_path: Path, dialect: str) -> None:
    with running_supplier(tmp_path, "--fast-seconds", "0.1", "--dialect", dialect) as url:
        result = at_demo(url, "--place=1001", f"--imei={example_imei('10', 3)}")
    assert result["dialects"] == [dialect]
    assert result["exit"] == 0


@pytest.mark.parametrize(("shape", "word"), [("", "yes"), ("1", "yes"), ("2", "yes"), ("3", "yes"), ("4", "unproven")])
def test_bulk_is_proven_by_buying(tmp_path: Path, shape: str, word: str) -> None:
    with running_supplier(tmp_path, "--fast-seconds", "0.1", "--bulk-shape", shape) as url:
        result = at_demo(url, "--place=1001", f"--imei={example_imei('10', 4)}", "--bulk")
    assert result["capabilities"]["place_many"] == word
    assert result["exit"] == (0 if word == "yes" else 4)


# Servers that mean harm


def slowly(conn: socket.socket) -> None:
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(600):
        conn.sendall(b" ")
        time.sleep(0.1)


ACCOUNT = b'{"SUCCESS":[{"AccoutInfo":{"credit":%s,"currency":"EUR"}}]}'
HOSTILE = {
    "page": (reply(b"<html><script>alert(1)</script>"), 3, "looks like a web page"),
    "empty": (reply(b""), 3, "the body is empty"),
    "huge": (reply(b"x" * 2_000_000), 3, "larger than 1 MiB"),
    "redirect": (reply(b"", "301 Moved", "Location: http://169.254.169.254/"), 3, "the supplier's address moved"),
    "found": (reply(b"", "302 Found", "Location: https://x.test/"), 3, "a redirect to https://x.test/"),
    "truncated": (reply(ACCOUNT[:-9] % b"5"), 3, "broken off"),
    "short": (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", 3, "connection broke after sending"),
    "not http": (b"\x00\x01\x02 hello\r\n\r\n", 3, "connection broke after sending"),
    "closes": (b"", 3, "connection broke after sending"),
    "nested": (reply(b'{"SUCCESS":' + b"[" * 50_000), 3, "broken off"),
    "nested objects": (reply(b'{"SUCCESS":' + b'{"0":' * 900 + b"1" + b"}" * 901), 1, "no credit"),
    "digits": (reply(ACCOUNT % (b"9" * 6_000)), 3, "broken off"),
    "nan": (reply(ACCOUNT % b"NaN"), 1, "no credit that can be read"),
    "infinity": (reply(ACCOUNT % b"-Infinity"), 1, "no credit that can be read"),
    "exponent": (reply(ACCOUNT % b"1e999999"), 1, "no credit that can be read"),
    "list": (reply(b"[1,2]"), 3, "of another kind"),
    "server error": (reply(b"", "500 Oops"), 3, "HTTP 500"),
    "too many": (reply(b"slow down", "429 Too Many"), 3, "too many requests"),
    "challenge": (reply(b"document.cookie='x'", "409 Conflict"), 3, "a browser challenge"),
    "error string": (reply(b'{"ERROR":"no"}'), 1, "the supplier answered: no"),
    "escapes": (reply(b'{"ERROR":"a\\u001b[31mb\\u202ec<script>d"}'), 1, "a[31mbc"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_gets_a_sentence(name: str) -> None:
    said, code, sentence = HOSTILE[name]
    with scripted() as server:
        server.says(said)
        got, printed = run(server.url, "--place=1", f"--imei={IMEI}") if code == 3 else run(server.url)
        forms = [server.form(number) for number in range(len(server.requests))]
    assert (got, sentence in printed) == (4 if code == 3 else code, True), printed
    assert "\x1b" not in printed
    assert not any(form["action"].startswith("place") for form in forms)
    assert len(printed.splitlines()) < 12


@pytest.mark.parametrize("name", ["page", "huge", "truncated", "nan"])
def test_a_hostile_server_in_json(name: str) -> None:
    with scripted() as server:
        server.says(HOSTILE[name][0])
        result = probe(server.url)
    assert result["exit"] == HOSTILE[name][1]
    assert result["errors"][0]["text"]


def test_a_slow_drip_ends_at_the_deadline() -> None:
    began = time.monotonic()
    with scripted() as server:
        server.answer = slowly
        code, printed = run(server.url, "--timeout=1")
    assert (code, "no complete answer in time" in printed) == (3, True)
    assert time.monotonic() - began < 30


def test_what_is_harmless() -> None:
    """A wrong content type, a byte order mark, and a page in another encoding are no obstacle."""
    with scripted() as server:
        server.says(reply(b"\xef\xbb\xbf" + ACCOUNT % b'"5.00 caf\xe9"', "200 OK", "Content-Type: image/png"))
        result = probe(server.url)
    assert result["account"] == {"credit": "5.00", "currency": "EUR"}


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    code, printed = run(f"http://127.0.0.1:{port}")
    assert (code, "nothing was sent: ConnectionRefusedError" in printed) == (3, True)


def test_tls_that_does_not_hold(tmp_path: Path) -> None:
    with scripted(certificate(tmp_path, "panel.test")) as server:
        code, printed = run(server.url)
        assert server.requests == []
    assert (code, "nothing was sent" in printed, "certificate" in printed.lower()) == (3, True, True)
    with scripted() as plain:
        code, printed = run(plain.url.replace("http:", "https:"), "--timeout=2")
    assert (code, "nothing was sent" in printed) == (3, True)


# Addresses and arguments


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/", "http://10.0.0.1/", "https://169.254.169.254/", "ftp://example.com/", "https://[::1]/",
     "nonsense", "https://user:pw@example.com/", "http://8.8.8.8/", "https://8.8.8.8:22/", "http://[::1", ""],
)  # fmt: skip
def test_an_address_that_is_refused(url: str) -> None:
    result = probe(url, loopback=False)
    assert (result["exit"], result["errors"][0]["code"]) == (2, "address")
    assert "pw" not in json.dumps(result)


@pytest.mark.parametrize(
    "arguments",
    [("--place=1",), ("--imei=1",), ("--bulk",), ("--timeout=0",), ("--wait=nan",), ("--dialect=odd",),
     ("--place=1", "--field=x"), ("--key=",)],
)  # fmt: skip
def test_wrong_arguments(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPPLIER_API_KEY", raising=False)
    with pytest.raises(CommandError) as caught:
        run("http://127.0.0.1:9/", *arguments)
    assert caught.value.returncode == 2


@pytest.mark.parametrize("way", ["variable", "input"])
def test_as_a_program_without_a_database_and_with_the_key_out_of_sight(tmp_path: Path, way: str) -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "unlockshop.settings", "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
    }  # fmt: skip
    environment.pop("SUPPLIER_API_KEY", None)
    extra = ["--key-stdin"] if way == "input" else []
    if way == "variable":
        environment["SUPPLIER_API_KEY"] = KEY
    panel = XmlPanel()
    with running(panel) as url:
        command = [sys.executable, "manage.py", "supplier_probe", "--kind", "dhru", "--url", url, "--username", USER]
        done = subprocess.run(
            [*command, "--allow-loopback", "--json", "--pause", "0", "--place", "7", "--imei", IMEI, *extra],
            cwd=ROOT, env=environment, input=f"{KEY}\n", capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["order"]["placed"] == "accepted"
    assert KEY not in done.stdout
    assert len(panel.sold) == 1
