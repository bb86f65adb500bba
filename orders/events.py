"""The order's story: every kind of event, its sentence for staff and, where the customer may know, one for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Max
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Order, OrderEvent
from unlockshop.kernel import clock
from unlockshop.kernel.actors import Actor


@dataclass(frozen=True, slots=True)
class EventKind:
    """How one kind of event reads. An empty ``customer`` sentence keeps it from the customer's timeline."""

    staff: str | Promise
    customer: str | Promise = ""


EVENTS: Final[Mapping[str, EventKind]] = {
    "order.placed": EventKind(_("Order placed."), _("Order placed.")),
    "order.paid": EventKind(_("Payment of %(amount)s received."), _("Payment received.")),
    "order.expired": EventKind(_("Not paid in time."), _("The order was not paid in time and has expired.")),
    "order.submitting": EventKind(
        _("Attempt %(reference)s to buy at %(supplier)s started."), _("Being submitted to our supplier.")
    ),
    "order.submitted": EventKind(
        _("%(supplier)s accepted %(reference)s as its order %(supplier_order_id)s."),
        _("Submitted. The work is in process."),
    ),
    "order.adopted": EventKind(
        _("Found at %(supplier)s as its order %(supplier_order_id)s; adopted."),
        _("Submitted. The work is in process."),
    ),
    "order.not_sent": EventKind(_("Attempt %(reference)s had no effect: %(message)s. Trying again later.")),
    "order.uncertain": EventKind(
        _("Nobody can tell whether %(reference)s was bought: %(message)s. Looking for it."),
        _("We are confirming with our supplier that it received your order."),
    ),
    "order.absent": EventKind(_("%(supplier)s provably has no order %(reference)s. Sending again.")),
    "order.held": EventKind(
        _("On hold: %(reason)s. %(message)s"),
        _("Our staff are checking your order. You need not do anything."),
    ),
    "order.resumed": EventKind(_("Resumed: %(reason)s"), _("Your order continues.")),
    "order.resubmitted": EventKind(_("Resubmitted: %(reason)s"), _("Your order is being submitted once more.")),
    "order.completed": EventKind(_("%(supplier)s delivered the result."), _("Completed. Your result is ready.")),
    "order.unavailable": EventKind(
        _("%(supplier)s cannot deliver: %(message)s"), _("Our supplier cannot deliver this order.")
    ),
    "order.not_found": EventKind(
        _("%(supplier)s did not find the device: %(message)s"),
        _("Our supplier did not find this device in its records."),
    ),
    "order.delivered_by_hand": EventKind(
        _("Staff entered the result: %(evidence)s"), _("Completed. Your result is ready.")
    ),
    "order.ended_by_hand_unavailable": EventKind(
        _("Staff ended it as unavailable: %(evidence)s %(message)s"), _("Our supplier cannot deliver this order.")
    ),
    "order.ended_by_hand_not_found": EventKind(
        _("Staff ended it as not found: %(evidence)s %(message)s"),
        _("Our supplier did not find this device in its records."),
    ),
    "order.cancelled": EventKind(_("Cancelled: %(reason)s"), _("The order was cancelled.")),
    "order.said_bought": EventKind(
        _("Staff checked the supplier's panel: bought as %(supplier_order_id)s. %(evidence)s")
    ),
    "order.said_not_bought": EventKind(_("Staff checked the supplier's panel: not bought. %(evidence)s")),
    "attempt.late_surprise": EventKind(
        _("LOSS: %(supplier)s turns out to have accepted %(reference)s as %(supplier_order_id)s as well.")
    ),
    "mail.sent": EventKind(_("Mail “%(mail)s” sent to %(to)s."), _("We sent you a mail.")),
    "result.viewed": EventKind(_("The customer opened the result.")),
}


def record(
    order: Order, kind: str, *, actor: Actor, from_state: str = "", to_state: str = "", **data: Any
) -> OrderEvent:
    """Add one line to the story. The caller holds the order's row lock and an open transaction.

    Raises ``KeyError`` for a kind without a sentence.
    """
    EVENTS[kind]
    last = OrderEvent.objects.filter(order=order).aggregate(last=Max("seq"))["last"] or 0
    return OrderEvent.objects.create(
        order=order,
        seq=last + 1,
        kind=kind,
        from_state=from_state,
        to_state=to_state,
        actor_kind=actor.kind,
        actor_ident=actor.ident[:254],
        actor_label=actor.label[:254],
        ip=actor.ip,
        data={name: str(value).replace("\x00", "")[:500] for name, value in data.items()},
        at=clock.now(),
    )


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def staff_sentence(event: OrderEvent) -> str:
    """What happened, for staff."""
    return str(EVENTS[event.kind].staff) % _Blank(event.data)


def customer_sentence(event: OrderEvent) -> str:
    """What happened, for the customer; empty when it is none of their business."""
    return str(EVENTS[event.kind].customer) % _Blank(event.data)
