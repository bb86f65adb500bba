"""What staff can do with money, by the shop's own doors, and what the bank's operator can do on its pages."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import requests
from django.db import connection

from orders.models import Order
from payments import disputing, evidence, refunding
from payments.models import Dispute, Payment
from payments.refunding import Grounds
from payments.states import PackState
from tests.chaos.shop import NotYet
from unlockshop.kernel import actors
from unlockshop.kernel.actors import SYSTEM
from unlockshop.kernel.errors import OutcomeUnknown, Refused, ShopError
from unlockshop.kernel.money import Money

STAFF: Final = (actors.staff(1, "sam@shop.example"), actors.staff(2, "kim@shop.example"))
# How long staff wait for an open order to end before they override the guard.
PATIENCE_SECONDS: Final = 6.0


class Office:
    """Two members of staff who often press the same button at the same moment."""

    def __init__(self, folder: Path, bank: str) -> None:
        self._log = folder / "staff.jsonl"
        self._bank = bank
        self._store = folder / "bank.sqlite3"
        self._lock = threading.Lock()
        self._since: dict[Any, float] = {}
        # Indexes of purchases whose story has come to its end.
        self.told: set[int] = set()

    def note(self, what: str, **more: Any) -> None:
        """Remember something for the report."""
        with self._lock, self._log.open("a") as log:
            log.write(json.dumps({"what": what, **more}) + "\n")

    def waited(self, key: Any) -> float:
        """Seconds since this was asked for the first time, in this process."""
        with self._lock:
            return time.monotonic() - self._since.setdefault(key, time.monotonic())

    def press(self, path: str) -> None:
        """A button of the bank's pages; pressing again changes nothing there."""
        try:
            requests.post(f"{self._bank}{path}", allow_redirects=False, timeout=10)
        except requests.RequestException as error:
            raise NotYet("the bank does not answer") from error

    def ask_bank(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row that the bank's own file has."""
        with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True, timeout=20)) as store:
            row: tuple[Any, ...] | None = store.execute(sql, values).fetchone()
        return row

    def refund(self, payment: Payment, money: Money, *, order: Order | None = None) -> bool:
        """Two people give ``money`` back at once; whether one may. Open orders are waited for, then overridden."""
        grounds = Grounds(rule="staff decision", reason="The customer asked for it.")
        waited = self.waited(("alive", payment.pk))
        if 0.5 < waited < PATIENCE_SECONDS * (payment.pk % 2):
            return False
        codes = self._request_twice(payment, money, grounds, order)
        if "alive_at_supplier" in codes and waited >= PATIENCE_SECONDS * (payment.pk % 2):
            grounds = Grounds(grounds.rule, grounds.reason, override="The customer insists.")
            codes = self._request_twice(payment, money, grounds, order)
        return "" in codes

    def _request_twice(self, payment: Payment, money: Money, grounds: Grounds, order: Order | None) -> list[str]:
        def request(who: int) -> str:
            try:
                refunding.request_refund(
                    payment.pk, money=money, grounds=grounds, actor=STAFF[who], order_id=order.pk if order else None
                )
            except Refused as error:
                self.note(f"refused: {error.code}")
                return error.code
            self.note("overridden" if grounds.override else "refund asked")
            return ""

        return at_once(request)

    def refund_by_itself(self, payment: Payment) -> None:
        """The shop itself never refunds while a dispute is open."""
        try:
            refunding.request_refund(
                payment.pk, money=payment.money, grounds=Grounds("automatic", "A rule says so."), actor=SYSTEM
            )
        except Refused as error:
            self.note(f"refused by itself: {error.code}")
        else:
            self.note("REFUNDED ALTHOUGH DISPUTED")

    def answer(self, dispute: Dispute) -> None:
        """Two people submit the same evidence at once; or look what became of it."""
        lost = dispute.packs.filter(state=PackState.SUBMITTING).first()
        if lost is not None:
            self.note(f"pack looked for: {evidence.check_submission(lost.pk).state}")
            return
        if not disputing.unanswered(dispute):
            return
        pack = dispute.packs.filter(state=PackState.ASSEMBLED).first() or evidence.assemble(dispute)

        def submit(who: int) -> str:
            try:
                evidence.submit(pack.pk, actor=STAFF[who])
            except OutcomeUnknown:
                outcome = "outcome unknown"
            except ShopError as error:
                outcome = getattr(error, "code", "") or type(error).__name__
            else:
                outcome = "submitted"
            self.note(f"evidence: {outcome}")
            return outcome

        at_once(submit)

    def release(self, dispute: Dispute) -> None:
        """Staff let the orders go on although the dispute is open. Noted first: a death in between loses nothing."""
        self.note("orders released", purchase=dispute.payment.purchase_id)
        disputing.release(dispute.pk, reason="We know this customer.", actor=STAFF[0])


def at_once(act: Callable[[int], str]) -> list[str]:
    """Let both of them act at the same moment; what each got."""
    barrier = threading.Barrier(2)
    got: list[str] = []
    errors: list[Exception] = []

    def run(who: int) -> None:
        barrier.wait()
        try:
            got.append(act(who))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(who,)) for who in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return got
