"""Telling customers that their order is late, once for each time that passed: what happened and what the terms give.

The mail and the line in the order's story are one act. A later date that the customer was told, or a new beginning,
is a new time; when that has passed too, they hear of it again.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import translation

from orders import clocks, events, lifecycle, mailing, moments, wording
from orders.models import Order, OutgoingMail
from orders.models.mail import MailKind
from refunds import late_words, overdue, sweeping
from unlockshop.kernel import clock, work
from unlockshop.kernel.actors import SYSTEM


def tell_late(*, limit: int = work.SWEEP_LIMIT) -> int:
    """Tell the customers of orders that are late and do not know it from us; returns how many. Pulled by the sweep."""
    told = OutgoingMail.objects.filter(
        order=OuterRef("pk"), kind=MailKind.LATE, created_at__gt=OuterRef("result_due_at")
    )
    rows = Order.objects.filter(clocks.late(clock.now())).exclude(Exists(told)).order_by("result_due_at", "pk")
    return sweeping.each(list(rows.values_list("pk", flat=True)[:limit]), tell)


def tell(order_id: int) -> bool:
    """Tell one customer. False where the order is not late, or its customer was told of this time before."""
    with transaction.atomic():
        order = lifecycle.lock(order_id)
        now = overdue.standing(order)
        told = OutgoingMail.objects.filter(order=order, kind=MailKind.LATE)
        if now is None or told.filter(created_at__gt=now.since).exists():
            return False
        with translation.override(order.purchase.language):
            facts = {
                "since": moments.due_words(order, now.since),
                "stands": wording.meaning(order.state),
                "offer": late_words.offer(order, now),
                "may": "yes" if now.may else "",
                "clause": now.clause,
                "cap": moments.due_words(order, now.ends_at) if now.ends_at else "",
            }
        events.record(order, "order.late", actor=SYSTEM, since=moments.place_words(order, now.since), rule=now.rule)
        mailing.queue_for_order(order, MailKind.LATE, facts=facts)
    return True
