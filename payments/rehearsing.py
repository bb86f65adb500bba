"""A payment rehearsed at a provider's sandbox, by the owner and with the owner's test keys.

Collected through the adapter that customers use, paid by a person in a browser, given back in two parts, and refused a
third. Nothing of it is written into the shop's tables, so the shop knows nothing of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Final, NoReturn, TypeVar
from uuid import uuid4

from django.conf import settings

from payments.providers.base import (
    FactState,
    PaymentFact,
    PaymentRequest,
    RefundFact,
    RefundFactState,
    RefundOrder,
)
from payments.sandbox import NotPossible, adapter, without_keys
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable, ShopError
from unlockshop.kernel.money import Money, from_minor, zero

SHORTEST_LIFE: Final = timedelta(minutes=31)
# How the providers say that nothing is left to give back.
NOTHING_LEFT: Final = frozenset({"charge_already_refunded", "capture_fully_refunded"})
FEE_TRIES: Final = 5

_Seen = TypeVar("_Seen")


class Verdict(StrEnum):
    """What became of a step. A note is worth reading and no fault of the payment's."""

    OK = "ok"
    NOTE = "note"
    DIFFERS = "DIFFERS"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried, what was seen, and how long it took."""

    name: str
    verdict: Verdict
    seen: str
    milliseconds: int


class _Stop(Exception):
    """The steps that follow make no sense."""


class Rehearsal:
    """One rehearsal. ``tell`` hears each step as it ends, ``show_link`` where the person pays.

    Raises ``NotPossible`` when made. ``money`` has at least two minor units.
    """

    def __init__(
        self, provider: str, money: Money, *, tell: Callable[[Step], None], show_link: Callable[[str], None]
    ) -> None:
        self.provider = adapter(provider)
        if money.minor < 2:
            raise NotPossible(f"{money} cannot be given back in two parts")
        self.money = money
        self.reference = f"REHEARSAL-{uuid4().hex[:8].upper()}"
        self.captured = self.refunded = zero(money.currency)
        self._tell = tell
        self._show_link = show_link
        self._differences = 0
        self._open_ref: str | None = None

    def run(self, *, wait: timedelta, every: timedelta) -> bool:
        """The whole walk: ``wait`` for the person to pay, asking again ``every`` so often. True when all was seen."""
        try:
            self._look_at_endpoints()
            ref = self._begin(max(SHORTEST_LIFE, wait + timedelta(minutes=2)))
            charge_ref = self._wait_for_payment(ref, wait, every)
            self._look_at_fee(charge_ref, every)
            self._give_back(charge_ref)
        except _Stop:
            pass
        finally:
            self._close()
        return self._differences == 0

    # Steps

    def _look_at_endpoints(self) -> None:
        """Whether events would reach this shop. Only a shop with a public address must have an endpoint."""
        wanted = f"{settings.BASE_URL}/webhooks/{self.provider.name}/"
        worse = Verdict.DIFFERS if settings.IS_HTTPS else Verdict.NOTE
        started = time.monotonic()
        try:
            found = self.provider.webhook_endpoints()
        except ShopError as error:
            self._say("webhooks", Verdict.NOTE, f"not shown to these keys: {error}", started)
            return
        for each in found:
            missing = set() if "*" in each.events else self.provider.webhook_events - each.events
            seen = f"{each.provider_ref} {each.url}"
            if each.url != wanted:
                self._say("webhooks", Verdict.NOTE, f"{seen} is not this shop's", started)
            elif not each.is_enabled:
                self._say("webhooks", worse, f"{seen} is switched off", started)
            elif missing:
                self._say("webhooks", worse, f"{seen} lacks {', '.join(sorted(missing))}", started)
            else:
                self._say("webhooks", Verdict.OK, f"{seen} gets every event that the shop reads", started)
        if all(each.url != wanted for each in found):
            self._say("webhooks", worse, f"nothing is sent to {wanted}", started)

    def _begin(self, life: timedelta) -> str:
        request = PaymentRequest(
            key=f"rehearsal-{uuid4().hex}",
            reference=self.reference,
            money=self.money,
            description=f"Rehearsal {self.reference}",
            email=settings.SUPPORT_EMAIL,
            language="en",
            success_url=f"{settings.BASE_URL}/",
            cancel_url=f"{settings.BASE_URL}/",
            expires_at=clock.now() + life,
            statement_descriptor=settings.STATEMENT_DESCRIPTOR,
        )
        begun = self._try(
            "create", lambda: self.provider.begin(request), lambda found: f"{found.provider_ref} for {self.money}"
        )
        self._open_ref = begun.provider_ref
        self._try(
            "create again",
            lambda: self.provider.begin(request),
            lambda found: f"the same key gives {found.provider_ref}",
            lambda found: found.provider_ref == begun.provider_ref,
        )
        fact = self._try("read", lambda: self.provider.fetch(begun.provider_ref), _described, self._is_ours)
        if fact.is_live:
            raise _Stop
        self._show_link(begun.url)
        return begun.provider_ref

    def _is_ours(self, fact: PaymentFact) -> bool:
        return (fact.money, fact.reference, fact.is_live) == (self.money, self.reference, False)

    def _wait_for_payment(self, ref: str, wait: timedelta, every: timedelta) -> str:
        """The charge that the person's payment has become."""
        started = time.monotonic()
        state = FactState.OPEN
        while True:
            try:
                fact = self.provider.fetch(ref)
            except (Retryable, OutcomeUnknown) as error:
                self._say("paid", Verdict.NOTE, f"no answer just now: {error}", started)
            except Refused as error:
                self._stop("paid", f"{error} ({error.code})", started)
            else:
                if fact.state == FactState.CAPTURED and fact.charge_ref:
                    return self._paid(fact, fact.charge_ref, started)
                if fact.state in {FactState.FAILED, FactState.EXPIRED}:
                    self._open_ref = None
                    self._stop("paid", _described(fact), started)
                if fact.state != state:
                    self._say("paid", Verdict.NOTE, _described(fact), started)
                    state = fact.state
            if time.monotonic() - started > wait.total_seconds():
                self._stop("paid", f"nobody has paid within {wait.total_seconds() / 60:g} minutes", started)
            time.sleep(every.total_seconds())

    def _paid(self, fact: PaymentFact, charge_ref: str, started: float) -> str:
        self._open_ref = None
        self.captured = fact.money
        self._say("paid", Verdict.OK if self._is_ours(fact) else Verdict.DIFFERS, _described(fact), started)
        return charge_ref

    def _look_at_fee(self, charge_ref: str, every: timedelta) -> None:
        """Providers tell the fee a little after the payment, or not at all."""
        started = time.monotonic()
        for _ in range(FEE_TRIES):
            try:
                fee = self.provider.fee(charge_ref)
            except ShopError as error:
                self._say("fee", Verdict.DIFFERS, str(error), started)
                return
            if fee is not None:
                self._say("fee", Verdict.OK, f"{fee} kept by {self.provider.name}", started)
                return
            time.sleep(min(every.total_seconds(), 2))
        self._say("fee", Verdict.NOTE, f"{self.provider.name} does not tell it yet", started)

    def _give_back(self, charge_ref: str) -> None:
        part = _part_of(self.captured)
        first = self._refund("refund a part", charge_ref, part)
        again = RefundOrder(key=first.key, charge_ref=charge_ref, money=part, reason="Rehearsal")
        self._try(
            "refund again",
            lambda: self.provider.refund(again),
            lambda found: f"the same key gives {found.provider_ref}",
            lambda found: found.provider_ref == first.provider_ref,
        )
        self._refund("refund the rest", charge_ref, self.captured - part)
        self._try(
            "refunds listed",
            lambda: self.provider.refunds_of(charge_ref),
            lambda found: " and ".join(f"{each.provider_ref} {each.money}" for each in found) or "none",
            lambda found: sum((each.money.amount for each in found), Decimal(0)) == self.captured.amount,
        )
        self._refuse_more(charge_ref, part)

    def _refund(self, name: str, charge_ref: str, money: Money) -> RefundFact:
        order = RefundOrder(key=uuid4().hex, charge_ref=charge_ref, money=money, reason="Rehearsal")
        found = self._try(
            name,
            lambda: self.provider.refund(order),
            lambda found: f"{found.provider_ref} {found.money} {found.state.value}",
            lambda found: (found.money, found.key) == (money, order.key) and found.state != RefundFactState.FAILED,
        )
        self.refunded = self.refunded + found.money
        return found

    def _refuse_more(self, charge_ref: str, money: Money) -> None:
        started = time.monotonic()
        order = RefundOrder(key=uuid4().hex, charge_ref=charge_ref, money=money, reason="Rehearsal, must be refused")
        try:
            found = self.provider.refund(order)
        except Refused as refusal:
            verdict = Verdict.OK if refusal.code in NOTHING_LEFT else Verdict.DIFFERS
            self._say("refund too much", verdict, f"{money} more is refused: {refusal.code}", started)
        except ShopError as error:
            self._say("refund too much", Verdict.DIFFERS, str(error), started)
        else:
            self.refunded = self.refunded + found.money
            self._say("refund too much", Verdict.DIFFERS, f"{found.provider_ref} {found.money} was given", started)

    def _close(self) -> None:
        """Nobody pays for a rehearsal that is over."""
        if self._open_ref is None:
            return
        started = time.monotonic()
        try:
            self.provider.close(self._open_ref)
        except ShopError as error:
            self._say("close", Verdict.NOTE, f"{self._open_ref} is still open: {error}", started)
        else:
            self._say("close", Verdict.NOTE, f"{self._open_ref} is closed: nothing will be taken for it", started)

    # How steps end

    def _try(
        self,
        name: str,
        ask: Callable[[], _Seen],
        describe: Callable[[_Seen], str],
        expected: Callable[[_Seen], bool] = lambda _: True,
    ) -> _Seen:
        """Ask, and say what was seen. A step without an answer ends the rehearsal."""
        started = time.monotonic()
        try:
            found = ask()
        except ShopError as error:
            self._stop(name, f"{type(error).__name__}: {error}", started)
        self._say(name, Verdict.OK if expected(found) else Verdict.DIFFERS, describe(found), started)
        return found

    def _stop(self, name: str, seen: str, started: float) -> NoReturn:
        self._say(name, Verdict.DIFFERS, seen, started)
        raise _Stop

    def _say(self, name: str, verdict: Verdict, seen: str, started: float) -> None:
        self._differences += verdict == Verdict.DIFFERS
        self._tell(Step(name, verdict, without_keys(seen), round((time.monotonic() - started) * 1000)))


def _part_of(money: Money) -> Money:
    """About half, in whole units where there are two: some currencies have no smaller ones at some providers."""
    half = money.amount / 2
    if half >= 1:
        return Money(half.quantize(Decimal(1), rounding=ROUND_DOWN), money.currency)
    return from_minor(money.minor // 2, money.currency)


def _described(fact: PaymentFact) -> str:
    parts = [fact.provider_ref, fact.state.value, str(fact.money), f"reference {fact.reference or 'none'}"]
    if fact.charge_ref:
        parts.append(f"charge {fact.charge_ref}")
    return " ".join([*parts, "LIVE" if fact.is_live else ""]).strip()
