"""The order's story: every kind of event, its sentence for staff and, where the customer may know, one for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Max
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders import moments
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
    "order.free": EventKind(_("It costs nothing, so it counts as paid."), _("Nothing to pay. The order has started.")),
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
    "order.called_off": EventKind(
        _("The customer cancelled it before it was forwarded. %(rule)s"), _("The order was cancelled, as asked for.")
    ),
    "order.run_out": EventKind(
        _("Not finished in time, so the refund rules ended it: %(rule)s. %(loss)s"),
        _("The order was not finished in time, so it was ended."),
    ),
    "order.due_moved": EventKind(
        _("Due by %(due)s instead of %(former)s: %(reason)s"), _("The result is now expected by %(due)s.")
    ),
    "order.clocks_restarted": EventKind(
        _("The clocks begin anew, due by %(due)s: %(reason)s"), _("The time begins anew: due by %(due)s.")
    ),
    "order.delayed": EventKind(
        _("Delayed, and the customer is told so. %(expected)s Reason: %(reason)s %(message)s"),
        _("The order is delayed. %(expected)s"),
    ),
    "order.late": EventKind(
        _("Late since %(since)s, and the customer is told what the terms give: %(rule)s"),
        _("The time for the result passed: %(since)s. We are late."),
    ),
    "order.went_on": EventKind(
        _("The hours to cancel after the notice of delay passed without an answer: it goes on. %(expected)s"),
        _("The time to cancel is over; the order goes on. %(expected)s"),
    ),
    "order.cancel_wished": EventKind(
        _("The customer cancelled after a notice of delay, while nobody can tell whether a supplier has the order."),
        _("We have your cancellation. It is carried out once we know whether our supplier has the order."),
    ),
    "order.nothing_left": EventKind(
        _("Ending it gives nothing back: all of the price had gone back before. %(rule)s"),
        _("The price of this order had been given back before."),
    ),
    "order.cancelled_on_delay": EventKind(
        _("The customer cancelled it after a notice of delay, though a supplier has it. %(rule)s"),
        _("The order was cancelled, as asked for."),
    ),
    "order.stopped_at_supplier": EventKind(
        _("A claim gives its money back, so it was cancelled, though a supplier has it. %(rule)s"),
        _("The order was cancelled."),
    ),
    # The public tracker tells the story too, so the customer's sentences name no device and no answer.
    "order.corrected": EventKind(
        _("The customer corrected it before it was forwarded: %(changes)s (%(rule)s)"),
        _("The order's data were corrected, as asked for."),
    ),
    "order.correction_asked": EventKind(
        _("The customer asks for a replacement with other data: %(changes)s (%(rule)s)"),
        _("You asked us to correct the order. We try to replace it by one with the right data."),
    ),
    "order.correction_refused": EventKind(
        _("No replacement (%(answer)s): %(changes)s"),
        _("The order could not be replaced by one with the corrected data."),
    ),
    "order.replaced": EventKind(
        _("Replaced by %(number)s with the right data: %(changes)s"),
        _("Replaced by a new order with the corrected data. What you paid counts for that one."),
    ),
    "order.replacing": EventKind(
        _("Placed in the stead of %(number)s, with the right data: %(changes)s"),
        _("Placed with the corrected data, in the stead of your former order."),
    ),
    "order.paid_by_former": EventKind(
        _("The %(amount)s paid for the order that it replaces count for this one."),
        _("Paid by your former order. The times count from now."),
    ),
    "order.done_again": EventKind(
        _("The work is done once more at no charge, by %(number)s: %(reason)s"),
        _("We do the work once more, at no charge, with a new order."),
    ),
    "order.doing_again": EventKind(
        _("Does the work of %(number)s once more, at no charge: %(reason)s"),
        _("Placed by us to do the work of your former order once more. It costs you nothing."),
    ),
    "order.result_sent_again": EventKind(
        _("The customer had the result mailed once more."), _("You had the result mailed once more.")
    ),
    "order.exchanged": EventKind(
        _("Exchanged at no charge for %(service)s, by %(number)s: %(reason)s"),
        _("We exchange it, at no charge, for %(service)s, with a new order."),
    ),
    "order.exchanging": EventKind(
        _("%(service)s at no charge, in exchange for %(number)s: %(reason)s"),
        _("Placed by us in exchange for your former order. It costs you nothing."),
    ),
    "order.paid_by_shop": EventKind(
        _("At the shop's cost: nothing is charged and nothing booked."),
        _("Nothing to pay. The times count from now."),
    ),
    "order.investigation_asked": EventKind(
        _("The customer asks why it was not found: %(note)s"), _("Our staff find out why the device was not found.")
    ),
    "order.investigated": EventKind(
        _("Investigated: %(finding)s. %(evidence)s"), _("Our staff found out why the device was not found.")
    ),
    "order.given_back": EventKind(
        _("All its money goes back (%(reason)s). Unless a supplier has it already, it is not bought any more.")
    ),
    "order.not_given_back": EventKind(_("Its money did not go back after all, so it goes on.")),
    "order.said_bought": EventKind(
        _("Staff checked the supplier's panel: bought as %(supplier_order_id)s. %(evidence)s")
    ),
    "order.said_not_bought": EventKind(_("Staff checked the supplier's panel: not bought. %(evidence)s")),
    "attempt.placed_again": EventKind(
        _("Sent %(reference)s once more: the supplier refuses what it has already, so its answer tells.")
    ),
    "attempt.late_surprise": EventKind(
        _("LOSS: %(supplier)s turns out to have accepted %(reference)s as %(supplier_order_id)s as well.")
    ),
    # A claim is between customer and shop: the public tracker shows nothing of it.
    "claim.opened": EventKind(_("The customer claims: %(what)s")),
    # The public tracker tells the story too, so the customer's sentences name no amount.
    "money.refunded": EventKind(_("%(amount)s refunded (%(rule)s): %(reason)s"), _("A refund was sent.")),
    "money.returned": EventKind(
        _("The refund of %(amount)s came back: %(failure)s"),
        _("The bank returned a refund to us. Our staff see to it."),
    ),
    "supplier.cancel_requested": EventKind(
        _("%(supplier)s is to be asked to cancel: %(reason)s"), _("We are asking our supplier to cancel this order.")
    ),
    "supplier.cancel_asked": EventKind(
        _("%(supplier)s took note of the request to cancel; it has not decided."),
        _("Our supplier has our request to cancel."),
    ),
    "supplier.cancel_unclear": EventKind(
        _("Asked %(supplier)s to cancel; nobody can tell what it answered: %(message)s")
    ),
    "supplier.cancel_by_hand": EventKind(_("%(supplier)s must be asked to cancel by hand: %(message)s")),
    "supplier.cancel_written": EventKind(_("Staff wrote to %(supplier)s to cancel: %(message)s")),
    "supplier.cancel_agreed": EventKind(_("%(supplier)s agreed to cancel. %(message)s")),
    "supplier.cancel_refused": EventKind(
        _("%(supplier)s refused to cancel. %(message)s"), _("Our supplier did not agree to cancel. The work goes on.")
    ),
    "supplier.cancel_too_late": EventKind(
        _("Too late for %(supplier)s to cancel. %(message)s"), _("It was too late to cancel at our supplier.")
    ),
    "supplier.cancel_ended": EventKind(_("The order ended before %(supplier)s answered the request to cancel.")),
    "supplier.recall_agreed": EventKind(_("%(supplier)s dropped the cancelled order. %(message)s")),
    "supplier.recall_lost": EventKind(_("LOSS: %(supplier)s did not drop the cancelled order. %(message)s")),
    "mail.sent": EventKind(_("Mail “%(mail)s” sent to %(to)s."), _("We sent you a mail.")),
    "mail.delivered": EventKind(_("Mail “%(mail)s” arrived at the mail server of %(to)s.")),
    "mail.opened": EventKind(_("Mail “%(mail)s” was opened at %(to)s.")),
    "mail.bounced": EventKind(
        _("Mail “%(mail)s” did not reach %(to)s. %(why)s: %(reason)s"),
        _("A mail to you came back. Our staff try to reach you; you can also write to us."),
    ),
    "mail.received": EventKind(
        _("A mail from %(sender)s came in reply: %(became)s."), _("We received a mail from you.")
    ),
    "mail.complained": EventKind(_("Mail “%(mail)s” was reported as spam by %(to)s.")),
    "mail.readdressed": EventKind(
        _("E-mail address changed from %(former)s to %(to)s, mails sent again: %(count)s. %(evidence)s"),
        _("Our staff corrected your e-mail address."),
    ),
    "mail.reached": EventKind(_("Staff took care of the mail that came back: %(evidence)s")),
    "result.viewed": EventKind(_("The customer opened the result.")),
    "certificate.issued": EventKind(_("The customer made the certificate %(code)s, which others can open.")),
    "certificate.withdrawn": EventKind(_("The customer withdrew the certificate %(code)s.")),
}


def record(
    order: Order, kind: str, *, actor: Actor, from_state: str = "", to_state: str = "", **data: Any
) -> OrderEvent:
    """Add one line to the story. The caller holds the order's row lock and an open transaction.

    Raises ``KeyError`` for a kind without a sentence.
    """
    last = OrderEvent.objects.filter(order=order).aggregate(last=Max("seq"))["last"] or 0
    event = _event(order, kind, seq=last + 1, actor=actor, from_state=from_state, to_state=to_state, data=data)
    event.save(force_insert=True)
    return event


def begin(orders: Sequence[Order], kind: str, *, actor: Actor) -> None:
    """The first line in the stories of orders that were stored in this very transaction. One query for all."""
    OrderEvent.objects.bulk_create(
        _event(order, kind, seq=1, actor=actor, from_state="", to_state=order.state, data={}) for order in orders
    )


def record_many(
    told: Sequence[tuple[Order, Actor, Mapping[str, Any]]], kind: str, *, from_state: str, to_state: str
) -> None:
    """``record`` for many orders at once, one line each. Two queries."""
    rows = OrderEvent.objects.filter(order__in=[order for order, _actor, _data in told]).order_by()
    last = dict(rows.values_list("order_id").annotate(Max("seq")))
    OrderEvent.objects.bulk_create(
        _event(
            order,
            kind,
            seq=last.get(order.pk, 0) + 1,
            actor=actor,
            from_state=from_state,
            to_state=to_state,
            data=data,
        )
        for order, actor, data in told
    )


def _event(
    order: Order, kind: str, *, seq: int, actor: Actor, from_state: str, to_state: str, data: Mapping[str, Any]
) -> OrderEvent:
    EVENTS[kind]
    return OrderEvent(
        order=order,
        seq=seq,
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
    data = _Blank(event.data)
    if "due_at" in data:  # the words beside it are in the language of whoever made the event
        data["due"] = moments.place_words(event.order, datetime.fromisoformat(data["due_at"]))
    return str(EVENTS[event.kind].customer) % data
