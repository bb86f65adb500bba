"""How customers pay: one script for each way of ``plan.WAYS``. A script yields the seconds that it waits."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any, Final

from tests.chaos.shop import DELAYED_SECONDS, NotYet, Shop

Script = Generator[float, None, None]
Paying = Generator[float, None, str]
# How long, in seconds, somebody waits who wants to be late; on a busy machine they may pay in time after all.
LATE_TRIES: Final = 30
OTHER: Final = {"stripe": "paypal", "paypal": "stripe"}


def script(shop: Shop, planned: Any) -> Script:
    """What one customer does, by the way of paying."""
    purchase = shop.place(planned)
    way = planned.way
    payment = _begun_before(purchase) if way in {"expire", "late"} else None
    payment = payment or shop.begin(purchase, planned.provider)
    yield 0.2
    if payment is None or way == "leave":
        return
    target = ""
    if way == "expire":
        shop.let_time_pass(purchase, payment)
    elif way == "late":
        target = yield from _pay_late(shop, purchase, payment)
    elif way == "decline-then-pay":
        target = yield from _decline_then_pay(shop, payment)
    elif way in {"delayed-success", "delayed-failure", "cancel"}:
        target = shop.press(payment, way)
    elif way == "fail-then-pay":
        yield from _fail_then_pay(shop, purchase, payment)
    elif way == "pay-twice":
        target = _pay_twice(shop, payment)
    elif way == "overpay":
        target = _overpay(shop, purchase, payment)
    else:
        target = shop.press(payment, "pay")
    if planned.returns and target:
        shop.visit(target)


def _begun_before(purchase: Any) -> Any:
    """The page of somebody who begins anew: an expired purchase gets no other."""
    return purchase.payments.exclude(provider_ref=None).order_by("pk").first()


def _pay_twice(shop: Shop, payment: Any) -> str:
    other = threading.Thread(target=_press_quietly, args=(shop, payment))
    other.start()
    target = shop.press(payment, "pay")
    other.join()
    return target


def _overpay(shop: Shop, purchase: Any, payment: Any) -> str:
    """Two tabs, one for each provider; neither knows of the other."""
    second = shop.begin(purchase, OTHER[payment.provider])
    target = shop.press(payment, "pay")
    if second is not None:
        shop.press(second, "pay")
    return target


def _decline_then_pay(shop: Shop, payment: Any) -> Paying:
    """At PayPal a means of payment is declined when the shop captures; the buyer is asked again from then on."""
    target = shop.press(payment, "decline")
    yield 0.5
    if payment.provider == "stripe":
        return shop.press(payment, "pay")
    shop.visit(target)
    yield 0.5
    target = shop.press(payment, "pay")
    if not shop.is_approved(payment):
        raise NotYet("the shop has not tried to capture yet")
    return target


def _pay_late(shop: Shop, purchase: Any, payment: Any) -> Paying:
    """Wait until the shop has given the purchase up, then pay all the same."""
    shop.let_time_pass(purchase, payment)
    for _ in range(LATE_TRIES):
        if not purchase.orders.exclude(state="expired").exists():
            break
        yield 1.0
    return shop.press(payment, "pay")


def _fail_then_pay(shop: Shop, purchase: Any, payment: Any) -> Script:
    failed = purchase.payments.filter(state="failed")
    if not failed.exists():
        target = shop.press(payment, "delayed-failure")
        if payment.provider == "paypal":
            shop.visit(target)
        yield DELAYED_SECONDS + 1.0
    if not failed.exists():
        raise NotYet("the shop has not heard from the bank yet")
    again = shop.begin(purchase, payment.provider)
    if again is not None:
        shop.press(again, "pay")


def _press_quietly(shop: Shop, payment: Any) -> None:
    try:
        shop.press(payment, "pay")
    except NotYet:
        return
