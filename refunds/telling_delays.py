"""Telling a customer of a delay, with what the refund profile of the order's checkout allows them then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders import delaying, moments
from orders.delaying import News
from orders.models import DelayNotice, Order
from orders.models.delay_notice import DelaySource
from orders.states import LIVE_OUTCOMES, UNDER_WAY
from refunds import calling_off
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.errors import ShopError

# Told in one press of the button; another press goes on with the rest.
AT_ONCE: Final = 500
# Orders named in what staff read of those left out.
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Message:
    """What staff want to say. ``new_date`` None: nobody knows. ``supplier_message`` is kept for staff."""

    reason: str
    new_date: datetime | None
    source: DelaySource = DelaySource.STAFF
    supplier_message: str = ""


@dataclass(slots=True)
class Told:
    """How many orders were told, how many are left for another press, and why others were not.

    ``past_cap`` names the orders that end by themselves before the date: they are left out, and another press leaves
    them out again.
    """

    count: int = 0
    left: int = 0
    problems: list[str] = field(default_factory=list)
    past_cap: list[str] = field(default_factory=list)


def tell(order_id: int, message: Message, *, batch: str, actor: Actor) -> DelayNotice | None:
    """Tell one order's customer. None where this batch told it before. Raises as ``orders.delaying.tell``."""
    order = Order.objects.select_related("purchase").defer("result").get(pk=order_id)
    right = calling_off.right_after_delay(order, message.new_date)
    with translation.override(order.purchase.language):
        words = {
            "date": moments.due_words(order, message.new_date) if message.new_date else "",
            "may": "yes" if right.may else "",
            "hours": str(right.hours or ""),
            "rule": right.words,
            "cap": moments.due_words(order, order.cap_at) if order.cap_at else "",
        }
    news = News(
        reason=message.reason,
        new_date=message.new_date,
        source=message.source,
        supplier_message=message.supplier_message,
        answer_hours=right.hours,
        words=words,
    )
    return delaying.tell(order_id, news, batch=batch, actor=actor)


def open_orders(*, service_id: int | None = None, supplier_id: int | None = None) -> Iterable[int]:
    """Paid, unfinished orders of a service, or those that a supplier has, oldest first. One of both, or both."""
    rows = Order.objects.filter(state__in=sorted(UNDER_WAY))
    if service_id is not None:
        rows = rows.filter(service=service_id)
    if supplier_id is not None:
        rows = rows.filter(
            supplier_attempts__supplier=supplier_id, supplier_attempts__outcome__in=sorted(LIVE_OUTCOMES)
        )
    return rows.order_by("pk").values_list("pk", flat=True)


def tell_many(order_ids: Iterable[int], message: Message, *, batch: str, actor: Actor) -> Told:
    """Tell every order once in this batch, each in an act of its own; at most ``AT_ONCE`` in one press."""
    ids = list(order_ids)
    done = set(DelayNotice.objects.filter(batch=batch, order__in=ids).values_list("order_id", flat=True))
    rows = Order.objects.filter(pk__in=[order_id for order_id in ids if order_id not in done])
    told = Told()
    if message.new_date is not None:
        beyond = rows.filter(cap_at__lt=message.new_date)
        told.past_cap = list(beyond.order_by("pk").values_list("number", flat=True))
        rows = rows.filter(Q(cap_at=None) | Q(cap_at__gte=message.new_date))
    waiting = list(rows.order_by("pk").values_list("pk", "number"))
    told.left = max(0, len(waiting) - AT_ONCE)
    for order_id, number in waiting[:AT_ONCE]:
        try:
            told.count += tell(order_id, message, batch=batch, actor=actor) is not None
        except ShopError as error:
            told.problems.append(_("%(order)s: %(reason)s") % {"order": number, "reason": error})
    return told


def left_out_words(told: Told) -> list[str]:
    """For staff: which orders were not told, and why; empty where all were."""
    lines = list(told.problems[:SHOWN])
    if len(told.problems) > SHOWN:
        lines.append(_("And %(count)d more could not be told.") % {"count": len(told.problems) - SHOWN})
    if told.past_cap:
        text = ngettext(
            "%(count)d order is left out, because by its terms it ends by itself before the new date: %(numbers)s. "
            "Give an earlier date for it, or say that no date is known.",
            "%(count)d orders are left out, because by their terms they end by themselves before the new date: "
            "%(numbers)s. Give an earlier date for them, or say that no date is known.",
            len(told.past_cap),
        )
        numbers = ", ".join(told.past_cap[:SHOWN]) + (", …" if len(told.past_cap) > SHOWN else "")
        lines.append(text % {"count": len(told.past_cap), "numbers": numbers})
    return lines
