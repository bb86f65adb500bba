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
# Paid, and not at its end.
UNDER_WAY: Final = OPEN - UNPAID
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
    NEEDS_APPROVAL = "needs_approval", _("To be approved before it is sent")
    COST_ABOVE_PRICE = "cost_above_price", _("The supplier's cost is above the order's price")
    SAME_DEVICE = "same_device", _("The same service is already under way for this device")
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


class CancelState(models.TextChoices):
    """How far a request to a supplier, to drop an order that it has, has come."""

    TO_ASK = "to_ask", _("To be asked")
    ASKED = "asked", _("Asked; the supplier has not decided")
    UNCLEAR = "unclear", _("Asked; nobody can tell what it answered")
    BY_HAND = "by_hand", _("To be written to the supplier by staff")
    AGREED = "agreed", _("Agreed: cancelled")
    REFUSED = "refused", _("Refused")
    TOO_LATE = "too_late", _("Too late")
    ENDED = "ended", _("The order ended without a result")


OPEN_CANCELS: Final = frozenset({CancelState.TO_ASK, CancelState.ASKED, CancelState.UNCLEAR, CancelState.BY_HAND})
# Those that a person carries on: the worker has nothing more to ask.
CANCELS_FOR_STAFF: Final = OPEN_CANCELS - {CancelState.TO_ASK}


class CorrectionState(models.TextChoices):
    """How far a request to correct an order that a supplier has, has come."""

    ASKED = "asked", _("The supplier is asked to drop the order")
    REPLACED = "replaced", _("Replaced by an order with the right data")
    REFUSED = "refused", _("The supplier did not agree")
    TOO_LATE = "too_late", _("Too late: the work was done")
    ENDED = "ended", _("The order ended without a result")


class InvestigationState(models.TextChoices):
    """How far the question why a device was not found has come."""

    OPEN = "open", _("With our staff")
    ANSWERED = "answered", _("Answered")


class Finding(models.TextChoices):
    """Why a device was not found, as staff established it."""

    CUSTOMER_ERROR = "customer_error", _("The order's data were wrong")
    NO_CUSTOMER_ERROR = "no_customer_error", _("The data were right; it cannot be sent in again")
    WRONGLY_REJECTED = "wrong_rejection_eligible", _("Wrongly rejected: it may be sent in again")
