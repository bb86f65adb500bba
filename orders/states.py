"""The states of an order and the one table of legal moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class OrderState(models.TextChoices):
    """Where an order is. Money has its own life: a refund is a row of its own, never a state here."""

    AWAITING_PAYMENT = "awaiting_payment", _("Awaiting payment")
    PAID = "paid", _("Paid")
    SUBMITTING = "submitting", _("Being submitted")
    UNCERTAIN = "uncertain", _("Submission uncertain")
    IN_PROCESS = "in_process", _("In process")
    ON_HOLD = "on_hold", _("On hold")
    COMPLETED = "completed", _("Completed")
    UNAVAILABLE = "unavailable", _("Unavailable")
    NOT_FOUND = "not_found", _("Not found")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")


S = OrderState

TRANSITIONS: Final[Mapping[OrderState, frozenset[OrderState]]] = {
    S.AWAITING_PAYMENT: frozenset({S.PAID, S.EXPIRED}),
    S.PAID: frozenset({S.SUBMITTING, S.ON_HOLD, S.CANCELLED}),
    S.SUBMITTING: frozenset({S.IN_PROCESS, S.UNCERTAIN, S.PAID, S.ON_HOLD}),
    S.UNCERTAIN: frozenset({S.IN_PROCESS, S.PAID, S.ON_HOLD}),
    S.IN_PROCESS: frozenset({S.COMPLETED, S.UNAVAILABLE, S.NOT_FOUND, S.ON_HOLD, S.CANCELLED}),
    S.ON_HOLD: frozenset({S.PAID, S.IN_PROCESS, S.COMPLETED, S.UNAVAILABLE, S.NOT_FOUND, S.CANCELLED}),
    S.UNAVAILABLE: frozenset({S.PAID}),
    S.NOT_FOUND: frozenset({S.PAID}),
    S.COMPLETED: frozenset(),
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
}

UNPAID: Final = frozenset({S.AWAITING_PAYMENT, S.EXPIRED})
OPEN: Final = frozenset({S.AWAITING_PAYMENT, S.PAID, S.SUBMITTING, S.UNCERTAIN, S.IN_PROCESS, S.ON_HOLD})
# States in which the shop itself acts next, at ``next_action_at``. On hold, a person does.
SELF_MOVING: Final = OPEN - {S.ON_HOLD}
ENDED: Final = frozenset(S) - OPEN
# An ended order that was paid for and brought nothing: its money is owed back.
UNDELIVERED: Final = frozenset({S.UNAVAILABLE, S.NOT_FOUND, S.CANCELLED})


class HoldReason(models.TextChoices):
    """Why an order waits for a person."""

    UNCERTAIN_PURCHASE = "uncertain_purchase", _("Bought at the supplier or not? Check the supplier's panel")
    DOUBLE_PURCHASE = "double_purchase", _("Possibly bought twice at the supplier")
    NO_SUPPLIER = "no_supplier", _("No active supplier offers this service")
    SUPPLIER_REFUSED = "supplier_refused", _("The supplier refused the order")
    INPUT_REFUSED = "input_refused", _("The supplier refused what the customer entered")
    TOO_MANY_ATTEMPTS = "too_many_attempts", _("Too many attempts")
    RESULT_CONFLICT = "result_conflict", _("The supplier's answer does not fit the order")
    EMPTY_RESULT = "empty_result", _("Reported as done, without a result")
    DISPUTE = "dispute", _("The payment is disputed")
    FRAUD_WARNING = "fraud_warning", _("The card's bank warns of fraud")
    STAFF = "staff", _("Held by staff")


# Reasons that hold a whole purchase, in rising order of weight (orders/freezing.py).
FREEZING: Final = (HoldReason.FRAUD_WARNING, HoldReason.DISPUTE)


class AttemptOutcome(models.TextChoices):
    """What became of one try to buy an order at a supplier."""

    IN_FLIGHT = "in_flight", _("Being sent")
    UNKNOWN = "unknown", _("Unknown")
    ACCEPTED = "accepted", _("Accepted")
    ADOPTED = "adopted", _("Found at the supplier and adopted")
    REJECTED = "rejected", _("Accepted, then rejected")
    REFUSED = "refused", _("Refused")
    NOT_SENT = "not_sent", _("Not sent")
    ABANDONED_ABSENT = "abandoned_absent", _("Proven absent")
    NOT_BOUGHT = "not_bought", _("Not bought, says staff")


# At most one attempt of an order may be in one of these: a second purchase is then a database error.
LIVE_OUTCOMES: Final = frozenset(
    {AttemptOutcome.IN_FLIGHT, AttemptOutcome.UNKNOWN, AttemptOutcome.ACCEPTED, AttemptOutcome.ADOPTED}
)
BOUGHT_OUTCOMES: Final = frozenset({AttemptOutcome.ACCEPTED, AttemptOutcome.ADOPTED})


def is_legal(old: str, new: str) -> bool:
    """Whether the table allows the move."""
    return OrderState(new) in TRANSITIONS[OrderState(old)]
