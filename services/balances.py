"""Our credit at suppliers: asked for now and then, foretold from what orders cost, watched for running out.

Out of credit is an episode. It begins when a supplier refuses an order for it, or when the credit that it told does
not cover the next order; staff are told once. Orders wait meanwhile. It is over when the credit covers the order that
was short, or nothing waits for it any more; then what waits goes at once, nobody need do anything.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from services import breaking, noticing, tallying
from services.models import Offer, Supplier
from services.models.health import BreakerState, NoticeKind, SupplierBalance, Trouble
from services.suppliers.base import Account
from services.suppliers.registry import client_for
from unlockshop.kernel import clock, work
from unlockshop.kernel.errors import ShopError
from unlockshop.kernel.staff_parts import span
from unlockshop.kernel.work import WorkState

logger = logging.getLogger(__name__)

ASK_TASK: Final = "services.ask_balance"
LEASE: Final = timedelta(seconds=90)
EVERY: Final = timedelta(minutes=10)
EVERY_WHEN_SHORT: Final = timedelta(minutes=2)
# A balance older than this holds no order back: nobody knows what it is by now.
FRESH_FOR: Final = timedelta(minutes=30)
# An order that waits for credit says so again every few minutes; after this long none does.
NEEDED_FOR: Final = timedelta(minutes=15)
FORECAST_HOURS: Final = 6
CREDIT_BELOW: Final = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Forecast:
    """How fast the credit is used, and how long it lasts at that rate; ``lasts`` is None when nothing is used."""

    per_hour: Decimal
    lasts: timedelta | None


def of(supplier: Supplier) -> SupplierBalance | None:
    """The supplier's row; None before it was first asked. No query where ``supplier__balance`` was selected."""
    return getattr(supplier, "balance", None)


def amount(credit: Decimal, currency: str) -> str:
    """A sum as staff read it. A supplier's currency may be none that the shop knows."""
    return f"{credit:.2f} {currency}".strip()


def short_until(offer: Offer, moment: datetime) -> datetime | None:
    """When to look again at an order that the credit does not cover; None where it does, or nobody knows."""
    balance = of(offer.supplier)
    if balance is None or balance.credit is None or balance.told_at is None or offer.supplier.may_owe:
        return None
    is_fresh = moment - balance.told_at <= FRESH_FOR
    if not is_fresh or balance.currency != offer.cost_currency or balance.credit >= offer.cost:
        return None
    return moment + EVERY_WHEN_SHORT


def ran_short(supplier_id: int, cost: Decimal, currency: str) -> None:
    """An order at this cost has to wait for credit: staff are told, once, and the balance is asked for soon.

    In the caller's transaction.
    """
    moment = clock.now()
    SupplierBalance.objects.bulk_create([SupplierBalance(supplier_id=supplier_id)], ignore_conflicts=True)
    rows = SupplierBalance.objects.filter(supplier=supplier_id)
    same_money = rows.filter(Q(currency=currency) | Q(currency=""))
    less = Q(needed__isnull=True) | Q(needed__lt=cost)
    same_money.filter(less).update(needed=cost, needed_at=moment)
    same_money.filter(needed_at__lt=moment - NEEDED_FOR / 5).update(needed_at=moment)
    balance = rows.select_related("supplier").defer("supplier__api_key").get()
    if noticing.begin(NoticeKind.OUT_OF_CREDIT, supplier_id, _out_of_credit(balance)):
        ask_soon(supplier_id)


def _out_of_credit(balance: SupplierBalance) -> str:
    text = _("%(supplier)s: our credit is used up. Orders wait and go out by themselves once it is topped up.")
    told = _("It last told %(credit)s.") if balance.credit is not None else ""
    values = {"supplier": balance.supplier, "credit": amount(balance.credit or Decimal(0), balance.currency)}
    return f"{text} {told}".strip() % values


def recheck(supplier_id: int) -> None:
    """End the episode where it is over, and let go what waits. In a transaction of its own or the caller's."""
    if not noticing.is_on(NoticeKind.OUT_OF_CREDIT, supplier_id):
        return
    balance = SupplierBalance.objects.select_related("supplier__health").get(supplier=supplier_id)
    if _is_over(balance):
        with transaction.atomic():
            SupplierBalance.objects.filter(pk=balance.pk).update(needed=None, needed_at=None)
            noticing.end(NoticeKind.OUT_OF_CREDIT, supplier_id)
            breaking.wake(supplier_id)


def _is_over(balance: SupplierBalance) -> bool:
    if _is_shut_for_funds(balance):
        return False
    if balance.needed is None or balance.needed_at is None or balance.credit is None:
        return True
    return balance.credit >= balance.needed or clock.now() - balance.needed_at > NEEDED_FOR


def _is_shut_for_funds(balance: SupplierBalance) -> bool:
    health = breaking.of(balance.supplier)
    return health is not None and health.breaker != BreakerState.CLOSED and health.trouble == Trouble.FUNDS


def forecast(balance: SupplierBalance) -> Forecast:
    """How long the credit lasts at the rate of the last hours. One query."""
    per_hour = tallying.spend_per_hour(balance.supplier_id, balance.currency, hours=FORECAST_HOURS)
    if balance.credit is None or per_hour <= 0:
        return Forecast(per_hour, None)
    hours = min(max(balance.credit, Decimal(0)) / per_hour, Decimal(24 * 3650))
    return Forecast(per_hour, timedelta(hours=float(hours)))


def watch_active() -> None:
    """Every active supplier has a row, so that it is asked. One query while nothing is new."""
    for supplier_id in Supplier.objects.filter(is_active=True, balance=None).values_list("pk", flat=True):
        SupplierBalance.objects.bulk_create([SupplierBalance(supplier_id=supplier_id)], ignore_conflicts=True)


def ask_soon(supplier_id: int) -> None:
    """Ask for the balance as soon as a worker is free, not when its turn comes."""
    SupplierBalance.objects.bulk_create([SupplierBalance(supplier_id=supplier_id)], ignore_conflicts=True)
    rows = SupplierBalance.objects.filter(supplier=supplier_id)
    rows.filter(work_state=WorkState.QUEUED).update(next_action_at=clock.now())
    work.ring(ASK_TASK, rows.values_list("pk", flat=True).get())


def ask(balance_id: int) -> None:
    """Ask a supplier for our credit if that is due and nobody else does."""
    balance = work.claim(SupplierBalance, balance_id, lease=LEASE)
    if balance is None:
        return
    if not balance.supplier.is_active:
        work.release(balance, work_state=WorkState.QUEUED, next_action_at=clock.now() + timedelta(hours=1), attempts=0)
        return
    try:
        account = client_for(balance.supplier).account()
    except Exception as error:
        if not isinstance(error, ShopError):
            logger.exception("unforeseen error while asking %s for the balance", balance.supplier)
        text = str(error) if isinstance(error, ShopError) else f"unforeseen {type(error).__name__}"
        again = clock.now() + work.backoff(balance.attempts, base=EVERY_WHEN_SHORT)
        work.release(balance, work_state=WorkState.QUEUED, next_action_at=again, last_error=text[:500])
        return
    _record(balance, account)


def _record(before: SupplierBalance, account: Account) -> None:
    """Write down what the supplier told, and act on it: try an order, end or begin what staff are told."""
    moment = clock.now()
    credit = account.credit
    if credit is None or not credit.is_finite() or abs(credit) >= CREDIT_BELOW:
        credit = None
    supplier_id = before.supplier_id
    with transaction.atomic(durable=True):
        told = {"credit": credit, "currency": account.currency.strip().upper()[:3], "told_at": moment}
        if not work.release(
            before, work_state=WorkState.QUEUED, next_action_at=moment + EVERY, attempts=0, last_error="", **told
        ):
            return
        balance = SupplierBalance.objects.select_related("supplier__health").get(pk=before.pk)
        if _is_shut_for_funds(balance) and _looks_topped_up(before, balance):
            breaking.try_now(supplier_id)
        recheck(supplier_id)
        _alarm(balance)
        if noticing.is_on(NoticeKind.OUT_OF_CREDIT, supplier_id):
            SupplierBalance.objects.filter(pk=balance.pk).update(next_action_at=moment + EVERY_WHEN_SHORT)


def _looks_topped_up(before: SupplierBalance, balance: SupplierBalance) -> bool:
    """Whether there is more than before, or this is the first that we hear since the credit was refused."""
    if balance.credit is None or (balance.needed is not None and balance.credit < balance.needed):
        return False
    if before.credit is None or before.told_at is None or before.told_at < balance.supplier.health.since:
        return True
    return balance.credit > before.credit


def _alarm(balance: SupplierBalance) -> None:
    supplier, credit = balance.supplier, balance.credit
    if credit is None:
        return
    lasts = forecast(balance).lasts if supplier.alarm_hours and not supplier.may_owe else None
    floor = supplier.alarm_balance
    limit = timedelta(hours=supplier.alarm_hours or 0)
    if (floor is not None and credit < floor) or (lasts is not None and lasts < limit):
        text = _("%(supplier)s: %(credit)s left.")
        if lasts is not None:
            text += " " + _("Empty in %(span)s at this rate.")
        values = {"supplier": supplier, "credit": amount(credit, balance.currency), "span": span(lasts or limit)}
        noticing.begin(NoticeKind.LOW_BALANCE, supplier.pk, text % values)
    elif lasts is None or lasts >= 2 * limit:  # not at the first quiet hour, to be told again in the next
        noticing.end(NoticeKind.LOW_BALANCE, supplier.pk)
