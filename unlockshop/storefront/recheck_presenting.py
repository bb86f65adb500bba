"""Checking a device again: the offer on a finished check's page, and what is new on the page of the second one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from orders import rechecking
from orders.checking import is_finished_check
from orders.models import Order
from payments.accepting import takers
from payments.limits import is_too_small
from services.catalogue import price_of, recheck_price_of
from services.models import Service
from services.reports.comparing import compare
from services.reports.fields import Field
from services.reports.reading import read_report
from services.reports.words import FIELD_WORDS, value_words
from unlockshop.kernel import clock
from unlockshop.kernel.errors import Refused
from unlockshop.kernel.money import Money


@dataclass(frozen=True, slots=True)
class RecheckOffer:
    """What a repeat costs. ``until``: when the re-check price ends; None where the ordinary price counts."""

    price: Money
    ordinary: Money
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One difference in words."""

    label: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed since the former report, and of when that is. ``lines`` None: nothing could be compared."""

    since: datetime
    lines: tuple[ChangeLine, ...] | None


def offer_for(order: Order) -> RecheckOffer | None:
    """The offer to repeat a finished check; None where it cannot be ordered or paid. Two queries."""
    if not is_finished_check(order):
        return None
    service = Service.objects.prefetch_related("prices").get(pk=order.service_id)
    if not (service.is_published and service.is_open):
        return None
    try:
        ordinary = price_of(service, currency=order.currency, answers=order.answers)
        again = recheck_price_of(service, currency=order.currency, answers=order.answers)
    except Refused:
        return None
    is_cheaper = rechecking.is_in_time(order, service, clock.now()) and again != ordinary
    price = again if is_cheaper else ordinary
    if price.amount == 0 or is_too_small(price) or not takers(price):
        return None
    return RecheckOffer(price, ordinary, rechecking.until(order, service) if is_cheaper else None)


def difference_for(order: Order) -> Difference | None:
    """What the order's report says differently from the one that it repeats; None where it repeats none. One query."""
    former = rechecking.former_of(order) if is_finished_check(order) else None
    if former is None or former.ended_at is None:
        return None
    changes = compare(read_report(former.result), read_report(order.result))
    if changes is None:
        return Difference(former.ended_at, None)
    lines = tuple(
        ChangeLine(str(FIELD_WORDS[each.field]), _words(each.field, each.before), _words(each.field, each.now))
        for each in changes
    )
    return Difference(former.ended_at, lines)


def _words(name: Field, value: str | None) -> str:
    return _("Not in the report") if value is None else value_words(name, value)
