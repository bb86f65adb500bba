"""What every supplier adapter must do, whatever protocol it speaks.

A test class for one adapter derives from ``SupplierContract`` and from one mixin for each feature that its protocol
has. The tests run against the demo supplier, a process that keeps its own book of orders and misbehaves on request,
and against a raw socket that says what no well-behaved server would.
"""

from __future__ import annotations

import sqlite3
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest

from services.suppliers.base import (
    Account,
    CancelAnswer,
    CatalogueEntry,
    Endpoint,
    Feature,
    JobAccepted,
    JobRequest,
    JobState,
    JobStatus,
    RefusalCode,
    SupplierClient,
)
from services.suppliers.http import MAX_BODY_BYTES
from tests.services.recordings.server import ScriptedServer, reply
from unlockshop.demo.supplier import example_imei
from unlockshop.demo.supplier_behaviour import TABLE
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError

KEY = "DEMO-KEY"
HANG, DEADLINE = 1.4, 0.7
PAIRS = {row.slug: row.pair for row in TABLE}
READ_ERRORS = (Retryable, OutcomeUnknown)
PAGE = b"<!doctype html><html><body><h1>Checking your browser</h1><p>DEMO-KEY</p></body></html>"
_serial = count(1)


@dataclass(frozen=True)
class Panel:
    """A running demo supplier: its address and its own book of orders."""

    url: str
    store: Path

    def bought(self, imei: str) -> list[int]:
        """The orders that the supplier's book has for a device."""
        with closing(sqlite3.connect(self.store, timeout=10)) as book:
            return [row[0] for row in book.execute("SELECT id FROM orders WHERE imei = ? ORDER BY id", (imei,))]


class SupplierContract:
    """The whole port but for what is a feature. A subclass says how its protocol looks on the wire."""

    make: ClassVar[Callable[..., SupplierClient]]
    path: ClassVar[str]
    service_id: ClassVar[str]
    cost: ClassVar[Decimal]
    currency: ClassVar[str]

    accepted: ClassVar[bytes]
    """A genuine answer to a placement, with an id in its second half."""
    refusals: ClassVar[Mapping[str, tuple[str, bytes]]]
    """For every ``RefusalCode`` an HTTP status line and an answer to a placement."""
    script_status: ClassVar[bytes]
    """An answer about order 700001, done, whose result has a script, an event handler, a line break and the key."""
    other_order: ClassVar[bytes]
    """An answer about order 700002."""

    def book_id(self, supplier_order_id: str) -> int:
        """The number under which the demo supplier's book has an order."""
        return int(supplier_order_id)

    def client(self, url: str, *, key: str = KEY, deadline: float = 5.0) -> SupplierClient:
        endpoint = Endpoint(
            url=f"{url.removesuffix('/api/index.php')}{self.path}",
            username="demo",
            api_key=f" {key}\n",
            sends_reference=True,
            allow_loopback=True,
        )
        return type(self).make(endpoint, deadline_seconds=deadline)

    def job(self, slug: str = "", *, service_id: str = "") -> JobRequest:
        serial = next(_serial)
        imei = example_imei(PAIRS.get(slug, "10"), serial)
        return JobRequest(f"U-{serial}-1", service_id or self.service_id, imei, {"imei": imei})

    def final(self, client: SupplierClient, order_id: str) -> JobStatus:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            status = client.status(order_id)
            if status.state != JobState.PENDING:
                return status
            time.sleep(0.05)
        pytest.fail(f"order {order_id} never became final")

    def reads(self, client: SupplierClient) -> list[Callable[[], object]]:
        """Every call that asks and buys nothing."""
        found: list[Callable[[], object]] = [lambda: client.status("700001"), client.account, client.services]
        if Feature.FIND in client.features:
            found.append(lambda: client.find("U-1-1"))
        if Feature.RECENT in client.features:
            found.append(lambda: client.recent("490154203237518", self.service_id, clock.now(), clock.now()))
        if Feature.STATUS_MANY in client.features:
            found.append(lambda: client.status_many(["700001"]))
        if Feature.CANCEL in client.features:
            found.append(lambda: client.cancel("700001"))
        return found

    # Account and catalogue

    def test_every_feature_has_its_tests(self, panel: Panel) -> None:
        features = self.client(panel.url).features
        for feature, mixin in ((Feature.FIND, FindsOrders), (Feature.STATUS_MANY, TellsManyStatuses),
                               (Feature.RECENT, ListsRecentOrders),
                               (Feature.CANCEL, CancelsOrders)):  # fmt: skip
            assert isinstance(self, mixin) == (feature in features), feature

    def test_account(self, panel: Panel) -> None:
        client = self.client(panel.url)
        account = client.account()
        assert isinstance(account, Account)
        assert isinstance(account.credit, Decimal)
        assert 0 < account.credit <= 100_000
        assert account.currency == self.currency
        assert [exchange.purpose for exchange in client.exchanges] == ["account"]

    def test_catalogue(self, panel: Panel) -> None:
        listed = self.client(panel.url).services()
        assert len({entry.service_id for entry in listed}) == len(listed) > 50
        assert all(isinstance(entry, CatalogueEntry) and "<" not in entry.name + entry.info for entry in listed)
        (entry,) = (entry for entry in listed if entry.service_id == self.service_id)
        assert entry.cost == self.cost
        assert entry.name

    def test_a_wrong_key(self, panel: Panel) -> None:
        job = self.job()
        client = self.client(panel.url, key="another-key")
        for call in (lambda: client.place(job), client.account, client.services):
            with pytest.raises(Refused) as caught:
                call()
            assert caught.value.code == RefusalCode.AUTH
        with pytest.raises(READ_ERRORS):
            client.status("700001")
        assert panel.bought(job.identifier) == []

    # Buying

    @pytest.mark.django_db
    def test_an_order_is_bought_once_and_followed_to_its_result(self, panel: Panel) -> None:
        job, client = self.job(), self.client(panel.url)
        accepted = client.place(job, send_before=clock.now() + timedelta(seconds=10))
        assert isinstance(accepted, JobAccepted)
        assert panel.bought(job.identifier) == [self.book_id(accepted.supplier_order_id)]
        status = self.final(self.client(panel.url), accepted.supplier_order_id)
        assert (status.state, status.identifier) == (JobState.DONE, job.identifier)
        assert status.text
        assert client.exchanges[0].purpose == "place"
        assert job.identifier in client.exchanges[0].request

    def test_two_orders_are_two(self, panel: Panel) -> None:
        """No adapter hides that its protocol has no idempotency."""
        job, client = self.job(), self.client(panel.url)
        ids = [self.book_id(client.place(job).supplier_order_id) for _ in range(2)]
        assert panel.bought(job.identifier) == ids

    @pytest.mark.parametrize(
        ("slug", "code"),
        [
            ("invalid", RefusalCode.INPUT),
            ("no_credit", RefusalCode.FUNDS),
            ("gone", RefusalCode.SERVICE_GONE),
        ],
    )
    def test_refused(self, panel: Panel, slug: str, code: str) -> None:
        job = self.job(slug, service_id="77" if slug == "gone" else "")
        with pytest.raises(Refused) as caught:
            self.client(panel.url).place(job)
        assert caught.value.code == code
        assert str(caught.value)
        assert "<" not in str(caught.value)
        assert panel.bought(job.identifier) == []

    def test_refused_in_the_words_of_every_code(self, server: ScriptedServer) -> None:
        assert set(self.refusals) == set(RefusalCode)
        for code, (status, body) in self.refusals.items():
            server.says(reply(body, status))
            with pytest.raises(Refused) as caught:
                self.client(server.url).place(self.job())
            assert caught.value.code == code, body
        for code in ("maintenance", "rate"):
            status, body = self.refusals[code]
            server.says(reply(body, status))
            with pytest.raises((Refused, Retryable)):
                self.client(server.url).services()

    @pytest.mark.parametrize(
        ("slug", "was_bought"),
        [
            ("timeout_after", True), ("timeout_before", False), ("error_after", True), ("error_before", False),
            ("garbage_after", True), ("garbage_before", False), ("truncated_after", True), ("no_reference", True),
        ],
    )  # fmt: skip
    def test_an_outcome_that_nobody_knows(self, panel: Panel, slug: str, was_bought: bool) -> None:
        job = self.job(slug)
        client = self.client(panel.url, deadline=DEADLINE if "timeout" in slug else 5.0)
        with pytest.raises(OutcomeUnknown):
            client.place(job)
        assert len(panel.bought(job.identifier)) == was_bought
        assert len(client.exchanges) == 1
        assert client.exchanges[0].error or client.exchanges[0].http_status

    def test_noise_before_an_answer_is_read_past_or_is_unknown(self, panel: Panel) -> None:
        job = self.job("php_noise")
        try:
            bought = [self.book_id(self.client(panel.url).place(job).supplier_order_id)]
        except OutcomeUnknown:
            bought = panel.bought(job.identifier)
        assert panel.bought(job.identifier) == bought
        assert len(bought) == 1

    def test_nothing_is_sent_to_nobody(self, closed_port: int) -> None:
        client = self.client(f"http://127.0.0.1:{closed_port}")
        for call in (lambda: client.place(self.job()), *self.reads(client)):
            with pytest.raises(Retryable):
                call()

    @pytest.mark.django_db
    def test_nothing_is_sent_too_late(self, server: ScriptedServer) -> None:
        server.says(reply(self.accepted))
        client = self.client(server.url)
        with pytest.raises(Retryable, match="too late"):
            client.place(self.job(), send_before=clock.now() - timedelta(seconds=1))
        assert server.requests == []

    @pytest.mark.parametrize("identifier", ["", " ", "1,2", "1\n2", "1;2", "1\x002"])
    def test_one_device_or_nothing(self, server: ScriptedServer, identifier: str) -> None:
        server.says(reply(self.accepted))
        with pytest.raises(Refused) as caught:
            self.client(server.url).place(JobRequest("U-1-1", self.service_id, identifier))
        assert caught.value.code == RefusalCode.INPUT
        assert server.requests == []

    # Answers that are none

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            ("200 OK", b""),
            ("200 OK", PAGE),
            ("200 OK", b"{}"),
            ("200 OK", b"[]"),
            ("200 OK", b"null"),
            ("200 OK", b"<API>"),
            ("200 OK", b"\xff\xfe\x00\x01"),
            ("200 OK", b"[" * 100_000),
            ("200 OK", b"<a>" * 100_000),
            ("200 OK", b"x" * (MAX_BODY_BYTES + 1)),
            ("302 Found", b""),
            ("303 See Other", PAGE),
            ("403 Forbidden", PAGE),
            ("500 Oops", PAGE),
            ("502 Bad", b""),
            ("503 Busy", PAGE),
        ],
    )
    def test_answers_that_prove_nothing(self, server: ScriptedServer, status: str, body: bytes) -> None:
        server.says(reply(body, status, "Location: http://127.0.0.1:1/DEMO-KEY"))
        client = self.client(server.url)
        with pytest.raises(OutcomeUnknown) as caught:
            client.place(self.job())
        assert KEY not in "".join(traceback.format_exception(caught.value))
        with pytest.raises(READ_ERRORS):
            client.status("700001")
        for call in (client.account, client.services):
            try:
                found = call()
            except READ_ERRORS:
                continue
            assert found in (Account(None, ""), [])
            assert body in (b"{}", b"[]")
        assert KEY not in repr(client.exchanges)

    def test_a_cut_answer(self, server: ScriptedServer) -> None:
        for end in range(0, len(self.accepted) // 2, 7):
            server.says(reply(self.accepted[:end]))
            with pytest.raises(OutcomeUnknown):
                self.client(server.url).place(self.job())
        half = reply(self.accepted)[: -len(self.accepted) // 2]
        server.says(half)
        client = self.client(server.url)
        for call in (lambda: client.place(self.job()), lambda: client.status("700001")):
            with pytest.raises(OutcomeUnknown):
                call()

    def test_an_answer_is_only_an_answer(self, server: ScriptedServer) -> None:
        """The very bytes of an acceptance, but inside a page: somebody's input, not the supplier's word."""
        server.says(reply(b"<html><body>" + self.accepted + b"</body></html>"))
        with pytest.raises(OutcomeUnknown):
            self.client(server.url).place(self.job())
        server.says(reply(self.accepted))
        assert self.client(server.url).place(self.job())

    @pytest.mark.parametrize("status", ["301 Moved", "307 Temporary", "308 Permanent"])
    def test_a_moved_address_is_not_followed(self, server: ScriptedServer, panel: Panel, status: str) -> None:
        job, client = self.job(), self.client(server.url)
        server.says(reply(b"", status, f"Location: {panel.url}{self.path}"))
        with pytest.raises(Refused) as caught:
            client.place(job)
        assert caught.value.code == "config"
        for call in self.reads(client):
            with pytest.raises((Refused, *READ_ERRORS)):
                call()
        assert panel.bought(job.identifier) == []

    def test_an_error_of_a_question_says_nothing_about_an_order(self, server: ScriptedServer) -> None:
        """In whatever words: a status call never refuses and never ends an order by failing."""
        for status, body in self.refusals.values():
            server.says(reply(body, status))
            with pytest.raises(READ_ERRORS):
                self.client(server.url).status("700001")

    # Statuses

    @pytest.mark.parametrize(
        ("slug", "state"),
        [
            ("rejected", JobState.UNAVAILABLE),
            ("not_found", JobState.NOT_FOUND),
            ("wrong_imei", JobState.DONE),
            ("script_result", JobState.DONE),
            ("empty_code", JobState.DONE),
        ],
    )
    def test_how_orders_end(self, panel: Panel, slug: str, state: JobState) -> None:
        """Delivered and unavailable is no code; another device is told as it is; a result is text, or empty."""
        job, client = self.job(slug), self.client(panel.url)
        status = self.final(client, client.place(job).supplier_order_id)
        assert status.state == state
        assert bool(status.text) == (slug != "empty_code")
        assert (status.identifier == job.identifier) == (slug != "wrong_imei")
        assert "<" not in status.text
        assert "alert" not in status.text

    def test_an_order_in_work(self, panel: Panel) -> None:
        job, client = self.job("slow"), self.client(panel.url)
        order_id = client.place(job).supplier_order_id
        assert client.status(order_id) == JobStatus(JobState.PENDING, identifier=job.identifier)

    def test_an_order_that_the_supplier_does_not_know(self, panel: Panel) -> None:
        for order_id in ("1", "no-such", "../account", "7 0"):
            with pytest.raises(READ_ERRORS):
                self.client(panel.url).status(order_id)

    def test_an_answer_about_another_order(self, server: ScriptedServer) -> None:
        server.says(reply(self.other_order))
        with pytest.raises(OutcomeUnknown):
            self.client(server.url).status("700001")
        assert self.client(server.url).status("700002").state in JobState

    def test_supplier_text_is_plain_and_without_our_key(self, server: ScriptedServer) -> None:
        server.says(reply(self.script_status))
        client = self.client(server.url)
        status = client.status("700001")
        assert status.state == JobState.DONE
        assert "12345678" in status.text
        assert "[masked]" in status.text
        for mark in ("<", "alert", "onerror", KEY):
            assert mark not in status.text
        assert KEY not in repr(client.exchanges)

    def test_the_key_is_nowhere(self, panel: Panel, server: ScriptedServer) -> None:
        """Neither in what is logged of our own words nor in a supplier's that quotes us."""
        told: list[str] = []
        echo = [PAGE, *(body for _status, body in self.refusals.values()), self.accepted, self.script_status]
        for body in (piece.replace(b"000", b"DEMO-KEY") for piece in echo):
            server.says(reply(body, "400 Bad", "Location: /?key=DEMO-KEY"))
            for url in (server.url, panel.url):
                client = self.client(url)
                for call in (lambda c=client: c.place(self.job()), *self.reads(client)):
                    try:
                        told.append(repr(call()))
                    except ShopError as error:
                        told.append("".join(traceback.format_exception(error)))
                assert KEY not in repr(client.exchanges)
                assert "[masked]" in client.exchanges[0].request
        assert len(told) >= 8 * len(echo)
        assert KEY not in "".join(told)


class FindsOrders:
    """For protocols with ``Feature.FIND``."""

    def test_an_order_is_found_by_our_reference(self: Any, panel: Panel) -> None:
        job, client = self.job(), self.client(panel.url)
        first = client.place(job).supplier_order_id
        assert client.find(job.reference) == [first]
        second = client.place(job).supplier_order_id
        assert sorted(client.find(job.reference)) == [first, second]
        assert client.find("U-never-sent-1") == []

    @pytest.mark.parametrize("slug", ["error_after", "error_before"])
    def test_an_uncertain_order_is_found_or_is_not_there(self: Any, panel: Panel, slug: str) -> None:
        job, client = self.job(slug), self.client(panel.url)
        with pytest.raises(OutcomeUnknown):
            client.place(job)
        found = client.find(job.reference)
        assert [self.book_id(order_id) for order_id in found] == panel.bought(job.identifier)
        assert len(found) == (slug == "error_after")

    def test_an_answer_that_is_none_is_not_an_empty_list(self: Any, server: ScriptedServer) -> None:
        for body in (b"", PAGE, b"{}", b"<API><Order/></API>", self.accepted[:-9], self.refusals["auth"][1]):
            server.says(reply(body))
            with pytest.raises(READ_ERRORS):
                self.client(server.url).find("U-1-1")


class ListsRecentOrders:
    """For protocols with ``Feature.RECENT``."""

    def test_orders_are_listed_by_device_service_and_time(self: Any, panel: Panel) -> None:
        job, client = self.job(), self.client(panel.url)
        placed = [client.place(job).supplier_order_id for _ in range(2)]
        client.place(self.job())
        now = clock.now()
        since, until = now - timedelta(minutes=2), now + timedelta(minutes=2)
        assert sorted(client.recent(job.identifier, job.service_id, since, until)) == sorted(placed)
        assert client.recent(job.identifier, "1", since, until) == []
        later = timedelta(days=3)
        assert client.recent(job.identifier, job.service_id, since + later, until + later) == []

    @pytest.mark.parametrize("slug", ["error_after", "error_before"])
    def test_an_uncertain_order_is_listed_or_is_not_there(self: Any, panel: Panel, slug: str) -> None:
        job, client = self.job(slug), self.client(panel.url)
        with pytest.raises(OutcomeUnknown):
            client.place(job)
        now = clock.now()
        found = client.recent(job.identifier, job.service_id, now - timedelta(minutes=2), now)
        assert [self.book_id(order_id) for order_id in found] == panel.bought(job.identifier)
        assert len(found) == (slug == "error_after")

    def test_an_answer_that_is_none_is_no_list(self: Any, server: ScriptedServer) -> None:
        for body in (b"", PAGE, b"{}", b"<API><Order/></API>", self.accepted[:-9], self.refusals["auth"][1]):
            server.says(reply(body))
            with pytest.raises(READ_ERRORS):
                self.client(server.url).recent("490154203237518", self.service_id, clock.now(), clock.now())


class TellsManyStatuses:
    """For protocols with ``Feature.STATUS_MANY``."""

    def test_many_statuses_at_once(self: Any, panel: Panel) -> None:
        client = self.client(panel.url)
        ids = [client.place(self.job(slug)).supplier_order_id for slug in ("", "rejected", "slow")]
        singles = {order_id: self.final(client, order_id) for order_id in ids[:2]}
        singles[ids[2]] = client.status(ids[2])
        before = len(client.exchanges)
        assert client.status_many([*ids, "1", "no-such"]) == singles
        assert len(client.exchanges) == before + 1
        assert client.status_many([]) == {}

    def test_an_unreadable_answer_is_about_nobody(self: Any, server: ScriptedServer) -> None:
        server.says(reply(PAGE))
        with pytest.raises(READ_ERRORS):
            self.client(server.url).status_many(["700001"])


class CancelsOrders:
    """For protocols with ``Feature.CANCEL``."""

    def test_an_order_is_cancelled_while_it_can_be(self: Any, panel: Panel) -> None:
        client = self.client(panel.url)
        order_id = client.place(self.job("slow")).supplier_order_id
        assert client.cancel(order_id) in {CancelAnswer.CANCELLED, CancelAnswer.ASKED}
        assert self.final(client, order_id).state == JobState.UNAVAILABLE
        done = client.place(self.job()).supplier_order_id
        self.final(client, done)
        assert client.cancel(done) == CancelAnswer.TOO_LATE
        assert client.status(done).state == JobState.DONE

    def test_a_failed_request_to_cancel_says_nothing(self: Any, panel: Panel, server: ScriptedServer) -> None:
        with pytest.raises(READ_ERRORS):
            self.client(panel.url).cancel("1")
        for status, body in (("200 OK", PAGE), ("500 Oops", b""), *self.refusals.values()):
            server.says(reply(body, status))
            with pytest.raises(READ_ERRORS):
                self.client(server.url).cancel("700001")
