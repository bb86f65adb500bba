"""The staff's landing page: what waits, how much of it, how long. Every line links to the filtered list."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Min, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from orders.admin.filters import owed, stuck
from orders.models import Order, OutgoingMail
from orders.states import HoldReason, OrderState
from payments import disputing
from payments.models import Dispute, Payment, WebhookDelivery
from services.models import Supplier
from unlockshop.kernel import clock
from unlockshop.kernel.staff_parts import age, list_url, moment, span
from unlockshop.kernel.work import WorkState

S = OrderState
FOR_STAFF: Final = (WorkState.UNCERTAIN, WorkState.NEEDS_STAFF)


@dataclass(frozen=True, slots=True)
class Queue:
    """One line: what waits, how many, since when, until when."""

    title: str
    count: int
    href: str
    oldest: str = ""
    due: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class QueueGroup:
    """Lines under one heading."""

    title: str
    hint: str
    queues: list[Queue]


@dataclass(frozen=True, slots=True)
class Badges:
    """How much waits for a person, by sidebar entry."""

    orders: int = 0
    payments: int = 0
    disputes: int = 0
    mails: int = 0
    deliveries: int = 0


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The landing page's context: only queues that this person may open."""
    user = request.user
    sees_orders = user.has_perm("orders.view_order")
    for_staff = [*_held(), _owed()] if sees_orders else []
    if user.has_perm("payments.view_payment"):
        for_staff.append(_flagged_payments())
    if user.has_perm("payments.view_dispute"):
        for_staff.append(_disputes())
    if user.has_perm("orders.view_outgoingmail"):
        for_staff += _mails()
    if user.has_perm("payments.view_webhookdelivery"):
        for_staff.append(_deliveries())
    if user.has_perm("services.view_supplier"):
        for_staff.append(_paused_suppliers())
    groups = [QueueGroup(_("Waits for you"), _("Nothing here moves until somebody decides."), for_staff)]
    if sees_orders:
        groups.append(QueueGroup(_("Moves by itself"), _("The shop's workers act on these."), _moving()))
    context["title"] = _("Waiting")
    context.update(queue_groups=groups, sees_orders=sees_orders, orders_url=list_url(Order) if sees_orders else "")
    return context


def badges(request: HttpRequest) -> Badges:
    """Counts for the sidebar, of what this person may see."""
    user = request.user
    mails = OutgoingMail.objects.filter(work_state__in=FOR_STAFF)
    deliveries = WebhookDelivery.objects.filter(work_state=WorkState.NEEDS_STAFF)
    return Badges(
        orders=Order.objects.filter(state=S.ON_HOLD).count() if user.has_perm("orders.view_order") else 0,
        payments=Payment.objects.exclude(attention="").count() if user.has_perm("payments.view_payment") else 0,
        disputes=disputing.due_disputes().count() if user.has_perm("payments.view_dispute") else 0,
        mails=mails.count() if user.has_perm("orders.view_outgoingmail") else 0,
        deliveries=deliveries.count() if user.has_perm("payments.view_webhookdelivery") else 0,
    )


def _held() -> list[Queue]:
    now = clock.now()
    rows = (
        Order.objects.filter(state=S.ON_HOLD)
        .order_by()
        .values("hold_reason")
        .annotate(
            count=Count("pk"),
            since=Min("state_changed_at"),
            due=Min("owner_due_at"),
            late=Count("pk", filter=Q(owner_due_at__lt=now)),
        )
    )
    queues = [
        Queue(
            title=_("On hold: %(reason)s") % {"reason": HoldReason(row["hold_reason"]).label},
            count=row["count"],
            href=list_url(Order, f"state__exact=on_hold&hold_reason__exact={row['hold_reason']}"),
            oldest=age(row["since"]),
            due=_due(row["due"], row["late"], now),
            is_late=bool(row["late"]),
        )
        for row in sorted(rows, key=lambda row: row["due"])
    ]
    return queues or [Queue(_("On hold"), 0, list_url(Order, "state__exact=on_hold"))]


def _due(due: datetime, late: int, now: datetime) -> str:
    if late:
        return _("%(late)d overdue, the oldest by %(span)s") % {"late": late, "span": span(now - due)}
    return _("next due %(moment)s") % {"moment": moment(due)}


def _owed() -> Queue:
    row = Order.objects.filter(owed()).aggregate(count=Count("pk"), since=Min("ended_at"))
    title = _("Paid, not delivered: money owed back")
    return Queue(title, row["count"], list_url(Order, "need=owed"), age(row["since"]))


def _flagged_payments() -> Queue:
    rows = Payment.objects.exclude(attention="").order_by()
    counts = Counter(dict(rows.values_list("attention").annotate(count=Count("pk"))))
    since = rows.aggregate(since=Min("created_at"))["since"]
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
    return Queue(_("Payments to look at"), counts.total(), list_url(Payment, "attention=any"), age(since), kinds)


def _disputes() -> Queue:
    """What banks want to know from us; late with less than 48 hours left."""
    due = disputing.due_disputes().order_by()
    row = due.aggregate(count=Count("pk"), since=Min("opened_at"), until=Min("respond_by"))
    next_due = _("next due %(moment)s") % {"moment": moment(row["until"])} if row["until"] else ""
    is_late = disputing.urgent_disputes().exists()
    href = list_url(Dispute, "answer=due")
    return Queue(_("Disputes to answer"), row["count"], href, age(row["since"]), next_due, is_late=is_late)


def _mails() -> list[Queue]:
    titles = {
        WorkState.UNCERTAIN: _("Mails: sent or not?"),
        WorkState.NEEDS_STAFF: _("Mails that could not be sent"),
    }
    counted = OutgoingMail.objects.filter(work_state__in=FOR_STAFF).order_by().values("work_state")
    found = {row["work_state"]: row for row in counted.annotate(count=Count("pk"), since=Min("created_at"))}
    return [
        Queue(
            title,
            found.get(state, {}).get("count", 0),
            list_url(OutgoingMail, f"work_state__exact={state}"),
            age(found.get(state, {}).get("since")),
        )
        for state, title in titles.items()
    ]


def _deliveries() -> Queue:
    parked = WebhookDelivery.objects.filter(work_state=WorkState.NEEDS_STAFF)
    row = parked.aggregate(count=Count("pk"), since=Min("received_at"))
    href = list_url(WebhookDelivery, f"work_state__exact={WorkState.NEEDS_STAFF}")
    return Queue(_("Webhook deliveries parked"), row["count"], href, age(row["since"]))


def _paused_suppliers() -> Queue:
    paused = Supplier.objects.filter(paused_until__gt=clock.now()).values_list("name", "paused_until")
    names = ", ".join(_("%(name)s until %(moment)s") % {"name": n, "moment": moment(until)} for n, until in paused)
    return Queue(_("Suppliers paused"), len(paused), list_url(Supplier), due=names)


def _moving() -> list[Queue]:
    groups: dict[str, tuple[str, ...]] = {
        _("Paid, waiting to be sent"): (S.PAID,),
        _("At the supplier"): (S.SUBMITTING, S.IN_PROCESS),
        _("Uncertain: bought or not?"): (S.UNCERTAIN,),
    }
    queues = []
    for title, states in groups.items():
        row = Order.objects.filter(state__in=states).aggregate(count=Count("pk"), since=Min("state_changed_at"))
        query = f"state__exact={states[0]}" if len(states) == 1 else f"state__in={','.join(states)}"
        queues.append(Queue(title, row["count"], list_url(Order, query), age(row["since"])))
    late = Order.objects.filter(stuck()).aggregate(count=Count("pk"), since=Min("next_action_at"))
    queues.append(
        Queue(
            _("Stuck: no worker has acted"),
            late["count"],
            list_url(Order, "need=stuck"),
            age(late["since"]),
            due=_("check that worker and beat run") if late["count"] else "",
            is_late=bool(late["count"]),
        )
    )
    return queues
