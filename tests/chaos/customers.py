"""The customers of a run: they order, pay at the bank's page, come back or do not. A process of its own.

``python -m tests.chaos.customers`` may be killed at any moment and started again: every step can be repeated, and
``customers.done`` in the run's folder says who is through. Answers of the shop's web go to ``web.jsonl``.
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import random
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import django
import requests

THREADS: Final = 5
TRIES: Final = 40
DELAYED_SECONDS: Final = 3.0
logger = logging.getLogger("customers")
Script = Iterator[float]


class NotYet(Exception):
    """Somebody did not answer as hoped; the customer tries again in a moment."""


class Shop:
    """What a customer can do. Scripts yield the seconds that they wait."""

    def __init__(self, folder: Path, bank_store: Path) -> None:
        self.folder = folder
        self.bank_store = bank_store
        self._lock = threading.Lock()
        self.pages: list[str] = []

    def place(self, planned: Any) -> Any:
        """Order through the domain; the same draft gives the same purchase."""
        from orders.models import Draft  # noqa: PLC0415
        from orders.placing import Consent, place_purchase, quote  # noqa: PLC0415
        from services.models import Service  # noqa: PLC0415
        from unlockshop.kernel.actors import Actor, ActorKind  # noqa: PLC0415

        service = Service.objects.get(slug=planned.service)
        devices = [{"value": value, "kind": "imei", "warning": "", "raw": value} for value in planned.imeis]
        draft, is_new = Draft.objects.get_or_create(
            token=planned.token, defaults={"service": service, "devices": devices, "currency": "EUR"}
        )
        if is_new or draft.quoted_total is None:
            draft.quoted_total = quote(draft, service).amount
            draft.save()
        consent = Consent(terms_version="2026-11", checklist=["It is mine."], start_now=True, ip=None, user_agent="")
        actor = Actor(ActorKind.CUSTOMER, label=planned.email)
        purchase = place_purchase(
            draft, email=planned.email, language="en", consent=consent, is_demo=True, actor=actor
        )
        self.pages.append(purchase.get_absolute_url())
        return purchase

    def begin(self, purchase: Any) -> Any:
        """The payment page; None when the purchase is paid already."""
        from payments.collecting import NothingToPay, begin_payment  # noqa: PLC0415
        from unlockshop.kernel.errors import ShopError  # noqa: PLC0415

        try:
            return begin_payment(purchase, provider_name="stripe")
        except NothingToPay as refused:
            if refused.code == "paid":
                return None
            raise NotYet(str(refused)) from refused
        except ShopError as error:
            raise NotYet(str(error)) from error

    def press(self, url: str, button: str) -> str:
        """Press a button of the bank's page; where it leads, empty when it shows the page again."""
        try:
            answer = requests.post(f"{url}/{button}", allow_redirects=False, timeout=10)
        except requests.RequestException as error:
            raise NotYet("the bank does not answer") from error
        return answer.headers.get("Location", "")

    def visit(self, url: str) -> None:
        """Open a page of the shop and note the answer; a web process that is down is no answer."""
        began = time.monotonic()
        try:
            status = requests.get(url, timeout=15).status_code
        except requests.RequestException:
            status = 0
        line = {"status": status, "ms": round((time.monotonic() - began) * 1000), "path": url.split("/")[3]}
        with self._lock, (self.folder / "web.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")

    def second_payment(self, purchase: Any) -> Any:
        """A second page for the same purchase, as two providers side by side would have it."""
        from payments.models import Payment  # noqa: PLC0415
        from payments.states import PaymentState  # noqa: PLC0415
        from unlockshop.kernel import clock  # noqa: PLC0415

        payment, _ = Payment.objects.get_or_create(
            key=f"second-{purchase.number}",
            defaults={
                "purchase": purchase, "provider": "stripe", "amount": purchase.total, "currency": purchase.currency,
                "next_action_at": clock.now(),
            },
        )  # fmt: skip
        if payment.state == PaymentState.CREATED:
            self._open(purchase, payment)
        return payment

    def _open(self, purchase: Any, payment: Any) -> None:
        from payments import collecting  # noqa: PLC0415
        from payments.providers.registry import provider_named  # noqa: PLC0415
        from payments.states import PaymentState  # noqa: PLC0415
        from unlockshop.kernel.errors import ShopError  # noqa: PLC0415

        try:
            begun = provider_named("stripe").begin(collecting._request(purchase, payment))
        except ShopError as error:
            raise NotYet(str(error)) from error
        rows = type(payment).objects.filter(pk=payment.pk, state=PaymentState.CREATED)
        rows.update(state=PaymentState.OPEN, provider_ref=begun.provider_ref, url=begun.url)
        payment.refresh_from_db()

    def let_time_pass(self, purchase: Any, payment: Any) -> None:
        """The day after: the bank's page and the unpaid purchase are past their time."""
        from orders.models import Order, Purchase  # noqa: PLC0415
        from unlockshop.kernel import clock  # noqa: PLC0415

        with closing(sqlite3.connect(self.bank_store, timeout=20)) as bank, bank:
            bank.execute(
                "UPDATE sessions SET expires_at = ? WHERE id = ?", (int(time.time()) - 5, payment.provider_ref)
            )
        Purchase.objects.filter(pk=purchase.pk).update(expires_at=clock.now())
        Order.objects.filter(purchase=purchase, state="awaiting_payment").update(next_action_at=clock.now())


def script(shop: Shop, planned: Any) -> Script:
    """What one customer does, by the way of paying."""
    purchase = shop.place(planned)
    payment = shop.begin(purchase)
    yield 0.2
    if payment is None or planned.way == "leave":
        return
    url, way = payment.url, planned.way
    target = ""
    if way == "expire":
        shop.let_time_pass(purchase, payment)
        return
    if way == "decline-then-pay":
        shop.press(url, "decline")
        yield 0.5
    if way in {"delayed-success", "delayed-failure", "cancel"}:
        target = shop.press(url, way)
    elif way == "fail-then-pay":
        yield from _fail_then_pay(shop, purchase, payment)
    elif way == "pay-twice":
        other = threading.Thread(target=_press_quietly, args=(shop, url))
        other.start()
        target = shop.press(url, "pay")
        other.join()
    elif way == "overpay":
        second = shop.second_payment(purchase)
        target = shop.press(url, "pay")
        shop.press(second.url, "pay")
    else:
        target = shop.press(url, "pay")
    if planned.returns and target:
        shop.visit(target)


def _fail_then_pay(shop: Shop, purchase: Any, payment: Any) -> Script:
    failed = purchase.payments.filter(state="failed")
    if not failed.exists():
        shop.press(payment.url, "delayed-failure")
        yield DELAYED_SECONDS + 1.0
    if not failed.exists():
        raise NotYet("the shop has not heard from the bank yet")
    again = shop.begin(purchase)
    if again is not None:
        shop.press(again.url, "pay")


def _press_quietly(shop: Shop, url: str) -> None:
    try:
        shop.press(url, "pay")
    except NotYet:
        return


class Street:
    """Lets every customer act at their time, some at once."""

    def __init__(self, shop: Shop, planned: list[Any], started: float) -> None:
        self.shop = shop
        self.done_file = shop.folder / "customers.done"
        through = set(self.done_file.read_text().split()) if self.done_file.exists() else set()
        waiting = [p for p in planned if str(p.index) not in through]
        self.left = len(waiting)
        self._queue = [(started + p.at, p.index, 0, None, p) for p in waiting]
        heapq.heapify(self._queue)
        self._lock = threading.Lock()

    def walk(self) -> None:
        """One thread: take who is due, go one step, put them back."""
        while True:
            with self._lock:
                if not self.left:
                    return
                due = self._queue[0][0] if self._queue else time.time() + 0.2
                entry = heapq.heappop(self._queue) if self._queue and due <= time.time() else None
            if entry is None:
                time.sleep(min(0.1, max(0.01, due - time.time())))
                continue
            self._step(*entry[1:])

    def _step(self, index: int, tries: int, running: Script | None, planned: Any) -> None:
        running = running or script(self.shop, planned)
        wait = 1.0
        try:
            wait = next(running)
        except StopIteration:
            self._through(index)
            return
        except Exception as error:
            if not isinstance(error, NotYet):
                logger.exception("customer %s: %s", index, planned.way)
            tries, running = tries + 1, None
            if tries > TRIES:
                logger.error("customer %s gives up: %s", index, error)  # noqa: TRY400
                self._through(index)
                return
        with self._lock:
            heapq.heappush(self._queue, (time.time() + wait, index, tries, running, planned))

    def _through(self, index: int) -> None:
        with self._lock:
            with self.done_file.open("a") as done:
                done.write(f"{index}\n")
            self.left -= 1


def look_around(shop: Shop, base: str, street: Street) -> None:
    """Somebody is always looking at some page."""
    rng = random.Random(0)
    while street.left:
        pages = shop.pages[-50:]
        shop.visit(base + (rng.choice(pages) if pages and rng.random() < 0.7 else "/order-status-tracker/"))
        time.sleep(0.4)


def main() -> int:
    """Play the plan of ``CHAOS_PLAN`` (JSON: orders, seed, seconds, started) to its end."""
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    django.setup()
    from tests.chaos.plan import plan  # noqa: PLC0415

    told = json.loads(os.environ["CHAOS_PLAN"])
    shop = Shop(Path(told["folder"]), Path(told["folder"]) / "bank.sqlite3")
    planned = plan(orders=told["orders"], seed=told["seed"], seconds=told["seconds"])
    street = Street(shop, planned, told["started"])
    threads = [threading.Thread(target=street.walk, daemon=True) for _ in range(THREADS)]
    threads.append(threading.Thread(target=look_around, args=(shop, told["base"], street), daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
