"""What a customer can do in the shop and at the bank. Every step may be repeated."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import requests

DELAYED_SECONDS: Final = 3.0
# The buttons of PayPal's page by those of Stripe's.
PAYPAL_BUTTONS: Final = {
    "pay": "approve", "delayed-success": "hold", "delayed-failure": "hold-failure", "decline": "decline",
    "cancel": "cancel",
}  # fmt: skip
# PayPal forgets orders that nobody approved in six hours; the shop counts them as over from then on.
PAYPAL_LIFE_SECONDS: Final = 7 * 3600


class NotYet(Exception):
    """Somebody did not answer as hoped; try again in a moment."""


class Shop:
    """The shop and the bank, from the outside as far as possible."""

    def __init__(self, folder: Path, bank_store: Path) -> None:
        self.folder = folder
        self.bank_store = bank_store
        self._lock = threading.Lock()
        self.pages: list[str] = []

    def place(self, planned: Any) -> Any:
        """Order through the domain; the same draft gives the same purchase."""
        from orders.models import Draft  # noqa: PLC0415
        from orders.placing import Consent, place_purchase, quote  # noqa: PLC0415
        from orders.repeating import under_way, want_again  # noqa: PLC0415
        from services.models import Service  # noqa: PLC0415
        from unlockshop.kernel.actors import Actor, ActorKind  # noqa: PLC0415
        from unlockshop.kernel.errors import Refused  # noqa: PLC0415

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
        try:
            purchase = place_purchase(
                draft, email=planned.email, language="en", consent=consent, is_demo=True, actor=actor
            )
        except Refused as refused:
            if refused.code != "under_way":
                raise
            want_again(draft, under_way(draft))
            raise NotYet(str(refused)) from refused
        self.pages.append(purchase.get_absolute_url())
        return purchase

    def begin(self, purchase: Any, provider_name: str) -> Any:
        """The payment page; None when the purchase is paid already."""
        from payments.collecting import NothingToPay, begin_payment  # noqa: PLC0415
        from unlockshop.kernel.errors import ShopError  # noqa: PLC0415

        try:
            return begin_payment(purchase, provider_name=provider_name)
        except NothingToPay as refused:
            if refused.code == "paid":
                return None
            raise NotYet(str(refused)) from refused
        except ShopError as error:
            raise NotYet(str(error)) from error

    def press(self, payment: Any, button: str) -> str:
        """Press a button of the bank's page; where it leads, empty when it shows the page again."""
        address = f"{payment.url}/{button}"
        if payment.provider == "paypal":
            base = payment.url.partition("?")[0]
            address = f"{base}/{payment.provider_ref}/{PAYPAL_BUTTONS[button]}"
        try:
            answer = requests.post(address, allow_redirects=False, timeout=10)
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

    def is_approved(self, payment: Any) -> bool:
        """Whether PayPal still has, or has had, the buyer's yes; a declined means of payment takes it back."""
        with closing(sqlite3.connect(self.bank_store, timeout=20)) as bank:
            row = bank.execute(
                "SELECT status, plan FROM paypal_orders WHERE id = ?", (payment.provider_ref,)
            ).fetchone()
        return row is not None and row[0] in {"APPROVED", "COMPLETED"} and row[1] != "decline"

    def let_time_pass(self, purchase: Any, payment: Any) -> None:
        """The day after: the bank's page and the unpaid purchase are past their time."""
        from orders.models import Order, Purchase  # noqa: PLC0415
        from payments.models import Payment  # noqa: PLC0415
        from unlockshop.kernel import clock  # noqa: PLC0415

        with closing(sqlite3.connect(self.bank_store, timeout=20)) as bank, bank:
            if payment.provider == "paypal":
                made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - PAYPAL_LIFE_SECONDS))
                bank.execute(
                    "UPDATE paypal_orders SET body = json_set(body, '$.create_time', ?) WHERE id = ?",
                    (made, payment.provider_ref),
                )
            else:
                bank.execute(
                    "UPDATE sessions SET expires_at = ? WHERE id = ?", (int(time.time()) - 5, payment.provider_ref)
                )
        Purchase.objects.filter(pk=purchase.pk).update(expires_at=clock.now())
        Order.objects.filter(purchase=purchase, state="awaiting_payment").update(next_action_at=clock.now())
        Payment.objects.filter(pk=payment.pk, state="open").update(next_action_at=clock.now())
