"""How orders, attempts and mails read on staff pages: colours of states, who acts next, identifiers in groups."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from orders import clocks, replacing
from orders.admin.filters import STUCK_AFTER
from orders.models import Order, OutgoingMail, SupplierAttempt
from orders.states import UNDELIVERED, UNDER_WAY, AttemptOutcome, OrderState
from services.identifiers import group_imei
from unlockshop.kernel import clock
from unlockshop.kernel.crypto import DecryptionFailed
from unlockshop.kernel.staff_parts import Cell, change_url, moment, span
from unlockshop.kernel.work import WorkState

S = OrderState

STATE_TONES: Final[dict[str, str]] = {
    S.AWAITING_PAYMENT: "neutral",
    S.PAID: "info",
    S.SUBMITTING: "info",
    S.IN_PROCESS: "info",
    S.UNCERTAIN: "warning",
    S.ON_HOLD: "danger",
    S.COMPLETED: "success",
    S.UNAVAILABLE: "warning",
    S.NOT_FOUND: "warning",
    S.CANCELLED: "neutral",
    S.EXPIRED: "neutral",
}
OUTCOME_TONES: Final[dict[str, str]] = {
    AttemptOutcome.IN_FLIGHT: "info",
    AttemptOutcome.UNKNOWN: "danger",
    AttemptOutcome.ACCEPTED: "success",
    AttemptOutcome.ADOPTED: "success",
    AttemptOutcome.REJECTED: "warning",
    AttemptOutcome.REFUSED: "warning",
    AttemptOutcome.NOT_SENT: "neutral",
    AttemptOutcome.ABANDONED_ABSENT: "neutral",
    AttemptOutcome.NOT_BOUGHT: "neutral",
}
WORK_TONES: Final[dict[str, str]] = {
    WorkState.QUEUED: "info",
    WorkState.CLAIMED: "info",
    WorkState.DONE: "success",
    WorkState.UNCERTAIN: "danger",
    WorkState.NEEDS_STAFF: "danger",
}


def state_cell(order: Order) -> Cell:
    """The state as a coloured label."""
    return Cell(order.get_state_display(), tone=STATE_TONES[order.state])


def order_cell(order: Order) -> Cell:
    """The number, leading to the order's page."""
    return Cell(order.number, change_url(order), is_code=True)


def outcome_cell(attempt: SupplierAttempt) -> Cell:
    """An attempt's outcome as a coloured label."""
    return Cell(attempt.get_outcome_display(), tone=OUTCOME_TONES[attempt.outcome])


def mail_state_cell(mail: OutgoingMail) -> Cell:
    """How far a mail has come, as a coloured label."""
    if mail.bounced_at or mail.complained_at:
        return Cell(mail.get_trouble_display(), tone="danger")
    if mail.work_state == WorkState.DONE and mail.delivered_at:
        return Cell(_("opened") if mail.opened_at else _("delivered"), tone="success")
    return Cell(mail.get_work_state_display(), tone=WORK_TONES[mail.work_state])


def identifier_of(order: Order) -> str:
    """The identifier as people compare it: an IMEI in groups."""
    return group_imei(order.identifier)


def next_step(order: Order) -> tuple[str, str]:
    """Who acts next and until when; with ``danger`` where that is late, ``warning`` where a person must act."""
    now = clock.now()
    if order.state == S.ON_HOLD and order.owner_due_at:
        if order.owner_due_at < now:
            return _("%(owner)s, overdue by %(span)s") % {
                "owner": order.owner.capitalize(),
                "span": span(now - order.owner_due_at),
            }, "danger"
        return _("%(owner)s, in %(span)s") % {
            "owner": order.owner.capitalize(),
            "span": span(order.owner_due_at - now),
        }, "warning"
    if order.next_action_at is None:
        if order.state not in UNDELIVERED or not order.price:
            return "", ""
        return ("", "") if replacing.is_replaced(order) else (_("Money owed back"), "warning")
    if order.state == S.AWAITING_PAYMENT:
        return _("Customer, until %(moment)s") % {"moment": moment(order.next_action_at)}, ""
    if order.next_action_at < now - STUCK_AFTER:
        return _("Shop, late by %(span)s") % {"span": span(now - order.next_action_at)}, "danger"
    if order.next_action_at <= now:
        return _("Shop, now"), ""
    return _("Shop, in %(span)s") % {"span": span(order.next_action_at - now)}, ""


def due_label(order: Order) -> tuple[str, str]:
    """When the next of the two clocks of an order under way runs out; ``danger`` once one has."""
    now = clock.now()
    if order.result_due_at is None or order.state not in UNDER_WAY:
        return "", ""
    if clocks.is_late(order, now):
        return _("late by %(span)s") % {"span": span(now - order.result_due_at)}, "danger"
    if clocks.is_late_to_submit(order, now):
        assert order.submission_due_at is not None
        return _("late to submit by %(span)s") % {"span": span(now - order.submission_due_at)}, "warning"
    return moment(order.result_due_at), ""


def explanation(order: Order, *, is_unclear: bool) -> str:
    """What goes on with the order, in one sentence for somebody who opens it the first time."""
    sentences = {
        S.AWAITING_PAYMENT: _("Waits for the customer's payment; it expires by itself."),
        S.PAID: _("Paid. A worker sends it to a supplier at the next action time."),
        S.SUBMITTING: _("A worker is talking to the supplier. Wait for the answer."),
        S.UNCERTAIN: _("The supplier may or may not have it. The shop looks for it by itself."),
        S.IN_PROCESS: _("The supplier has it; the shop asks for the result by itself."),
        S.ON_HOLD: _("Say whether the supplier has it, then it goes on.")
        if is_unclear
        else _("Waits for your decision."),
        S.COMPLETED: _("Delivered. Nothing to do."),
        S.UNAVAILABLE: _("The supplier could not deliver. The customer's money is owed back."),
        S.NOT_FOUND: _("The supplier did not find the device. The customer's money is owed back."),
        S.CANCELLED: _("Cancelled. The customer's money is owed back."),
        S.EXPIRED: _("Never paid. Nothing to do."),
    }
    if order.state in UNDELIVERED and not order.price:
        return _("Ended without a result. It cost nothing.")
    if replacing.is_replaced(order):
        return _("Replaced by an order with the right data, for which its money counts. Nothing to do.")
    return sentences[S(order.state)]


def opened(row: Order | OutgoingMail, column: str) -> str:
    """An encrypted column's text, or why it cannot be read."""
    try:
        return str(getattr(row, column))
    except DecryptionFailed:
        return _("(cannot be opened with the configured FIELD_KEYS)")
