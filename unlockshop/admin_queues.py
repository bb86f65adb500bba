"""The staff's landing page: what waits, how much of it, how long. Every line links to the filtered list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from orders import cancelling, clocks, delaying, inbound
from orders.admin.filters import owed, stuck
from orders.models import (
    ContactTask,
    DelayNotice,
    InboundMail,
    Investigation,
    Order,
    OutgoingMail,
)
from orders.states import UNDER_WAY, HoldReason, InvestigationState, OrderState
from payments import disputing
from payments.models import Dispute, Payment, Refund, WebhookDelivery
from refunds import queues
from refunds.models import Claim
from unlockshop.admin_lines import Queue, QueueGroup, due_words
from unlockshop.admin_supply_queues import supply_queues
from unlockshop.kernel import clock
from unlockshop.kernel.staff_parts import age, list_url, moment
from unlockshop.kernel.work import WorkState

S = OrderState
FOR_STAFF: Final = (WorkState.UNCERTAIN, WorkState.NEEDS_STAFF)


@dataclass(frozen=True, slots=True)
class Badges:
    """How much waits for a person, by sidebar entry."""

    orders: int = 0
    payments: int = 0
    refunds: int = 0
    disputes: int = 0
    mails: int = 0
    cancels: int = 0
    contacts: int = 0
    inbound: int = 0
    deliveries: int = 0
    claims: int = 0


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The landing page's context: only queues that this person may open."""
    user = request.user
    sees_orders = user.has_perm("orders.view_order")
    for_staff = [queue for sight, queues in _FOR_STAFF if user.has_perm(sight) for queue in queues()]
    for_staff += supply_queues(user)
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
        refunds=_waiting_refunds().count() if user.has_perm("payments.view_refund") else 0,
        disputes=disputing.due_disputes().count() if user.has_perm("payments.view_dispute") else 0,
        cancels=cancelling.for_staff().count() if user.has_perm("orders.view_cancelrequest") else 0,
        mails=mails.count() if user.has_perm("orders.view_outgoingmail") else 0,
        contacts=ContactTask.objects.filter(closed_at=None).count() if user.has_perm("orders.view_contacttask") else 0,
        inbound=inbound.for_staff().count() if user.has_perm("orders.view_inboundmail") else 0,
        claims=queues.for_staff().count() if user.has_perm("refunds.view_claim") else 0,
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
            due=due_words(row["due"], row["late"], now),
            is_late=bool(row["late"]),
        )
        for row in sorted(rows, key=lambda row: row["due"])
    ]
    return queues or [Queue(_("On hold"), 0, list_url(Order, "state__exact=on_hold"))]


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


def _waiting_refunds() -> QuerySet[Refund]:
    return Refund.objects.filter(work_state=WorkState.NEEDS_STAFF).order_by()


def _refunds() -> Queue:
    """Money that a customer was told of, or was promised, and that did not arrive."""
    row = _waiting_refunds().aggregate(count=Count("pk"), since=Min("created_at"))
    href = list_url(Refund, "waiting=yes")
    return Queue(_("Refunds that failed or are stuck"), row["count"], href, age(row["since"]))


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


def _contacts() -> Queue:
    """Customers whose mail came back; late once the first task is past its due time."""
    now = clock.now()
    row = ContactTask.objects.filter(closed_at=None).aggregate(
        count=Count("pk"), since=Min("opened_at"), due=Min("due_at"), late=Count("pk", filter=Q(due_at__lt=now))
    )
    due = due_words(row["due"], row["late"], now) if row["count"] else ""
    href = list_url(ContactTask, "task=open")
    return Queue(
        _("Customers to reach: mail came back"), row["count"], href, age(row["since"]), due, bool(row["late"])
    )


def _inbound() -> Queue:
    """Mails from customers that a person must read; late once the first is past its due time."""
    now = clock.now()
    row = (
        inbound.for_staff()
        .order_by()
        .aggregate(
            count=Count("pk"), since=Min("received_at"), due=Min("due_at"), late=Count("pk", filter=Q(due_at__lt=now))
        )
    )
    due = due_words(row["due"], row["late"], now) if row["count"] else ""
    href = list_url(InboundMail, "task=open")
    return Queue(_("Mails from customers to read"), row["count"], href, age(row["since"]), due, bool(row["late"]))


def _delays() -> Queue:
    """Notices of delay of which nobody knows that they arrived: the customer's hours to cancel do not run."""
    row = delaying.unconfirmed().order_by().aggregate(count=Count("pk"), since=Min("created_at"))
    href = list_url(DelayNotice, "delivery=unconfirmed")
    return Queue(_("Notices of delay: not known to have arrived"), row["count"], href, age(row["since"]))


def _investigations() -> Queue:
    """Orders that were not found and whose customers want to know why."""
    now = clock.now()
    row = Investigation.objects.filter(state=InvestigationState.OPEN).aggregate(
        count=Count("pk"), since=Min("created_at"), due=Min("due_at"), late=Count("pk", filter=Q(due_at__lt=now))
    )
    due = due_words(row["due"], row["late"], now) if row["count"] else ""
    href = list_url(Investigation, "state__exact=open")
    return Queue(_("Why a device was not found"), row["count"], href, age(row["since"]), due, bool(row["late"]))


def _claims() -> list[Queue]:
    """Claims to decide, by kind, and the money of approved ones."""
    now, href = clock.now(), list_url(Claim, "waits=staff")
    found = [
        Queue(
            _("Claims: %(kind)s") % {"kind": line.name},
            line.count,
            href,
            age(line.since),
            due_words(line.due, line.late, now) if line.due else "",
            is_late=bool(line.late),
        )
        for line in queues.by_type()
    ]
    money, trouble = queues.money()
    due = due_words(money.due, money.late, now) if money.due else ""
    paid = Queue(_("Approved claims, money due"), money.count, list_url(Claim, "waits=money"), age(money.since), due)
    stuck = Queue(
        _("Approved claims whose refund needs you"), trouble, list_url(Claim, "waits=trouble"), is_late=bool(trouble)
    )
    return [*(found or [Queue(_("Claims to decide"), 0, href)]), paid, stuck]


def _deliveries() -> Queue:
    parked = WebhookDelivery.objects.filter(work_state=WorkState.NEEDS_STAFF)
    row = parked.aggregate(count=Count("pk"), since=Min("received_at"))
    href = list_url(WebhookDelivery, f"work_state__exact={WorkState.NEEDS_STAFF}")
    return Queue(_("Webhook deliveries parked"), row["count"], href, age(row["since"]))


def _late() -> list[Queue]:
    """Orders that have overrun their time, or will: to be looked at before their customers ask. One query."""
    now = clock.now()
    kinds = {
        "late": (_("Late: past the promised time"), clocks.late(now)),
        "soon": (_("Late by the end of the next business day"), clocks.late_soon(now)),
        "submission": (_("Late to be with a supplier"), clocks.late_to_submit(now)),
        "cap": (_("Past the hard cap and not ended"), clocks.past_cap(now)),
    }
    counts = {name: Count("pk", filter=which) for name, (_title, which) in kinds.items()}
    firsts = {f"{name}_due": Min("result_due_at", filter=which) for name, (_title, which) in kinds.items()}
    found = Order.objects.filter(state__in=sorted(UNDER_WAY)).aggregate(**counts, **firsts)
    return [
        Queue(
            title,
            found[name],
            list_url(Order, f"time={name}"),
            due=_("first due %(moment)s") % {"moment": moment(found[f"{name}_due"])} if found[name] else "",
            is_late=name != "soon" and found[name] > 0,
        )
        for name, (title, _which) in kinds.items()
    ]


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


def _order_queues() -> list[Queue]:
    return [*_held(), _owed(), *_late()]


# Who may see it, and the queues that wait for a person, in the order in which they are shown.
_FOR_STAFF: Final[tuple[tuple[str, Callable[[], list[Queue]]], ...]] = (
    ("orders.view_order", _order_queues),
    ("refunds.view_claim", _claims),
    ("payments.view_payment", lambda: [_flagged_payments()]),
    ("payments.view_refund", lambda: [_refunds()]),
    ("payments.view_dispute", lambda: [_disputes()]),
    ("orders.view_outgoingmail", _mails),
    ("orders.view_contacttask", lambda: [_contacts()]),
    ("orders.view_inboundmail", lambda: [_inbound()]),
    ("orders.view_delaynotice", lambda: [_delays()]),
    ("orders.view_investigation", lambda: [_investigations()]),
    ("payments.view_webhookdelivery", lambda: [_deliveries()]),
)
