"""States of money on its way in, and of what providers tell us."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class PaymentState(models.TextChoices):
    """Life of one payment. ``CAPTURED`` is final: money that came in stays booked, whatever arrives later."""

    CREATED = "created", _("Being set up")
    OPEN = "open", _("Waiting for the customer")
    PENDING = "pending", _("Waiting for the bank")
    CAPTURED = "captured", _("Captured")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Expired")
    PARKED = "parked", _("Mismatch, needs staff")


# Later facts win over earlier ones only upwards: a late "open" never undoes a "captured".
RANK: Final = {
    PaymentState.CREATED: 0,
    PaymentState.OPEN: 1,
    PaymentState.PENDING: 2,
    PaymentState.FAILED: 3,
    PaymentState.EXPIRED: 3,
    PaymentState.PARKED: 4,
    PaymentState.CAPTURED: 5,
}
LIVE: Final = frozenset({PaymentState.CREATED, PaymentState.OPEN, PaymentState.PENDING})


class Attention(models.TextChoices):
    """Why staff must look at money that came in."""

    NONE = "", _("nothing")
    MISMATCH = "mismatch", _("Amount, currency, mode or reference differ from what was asked")
    OVERPAYMENT = "overpayment", _("The purchase was paid already")
    LATE = "late", _("The purchase had expired")
    FRAUD = "fraud", _("The card's bank warns of fraud")


class DeliveryVerdict(models.TextChoices):
    """What became of a stored webhook delivery."""

    NONE = "", _("not processed yet")
    APPLIED = "applied", _("Applied")
    IGNORED = "ignored", _("Of a kind that changes nothing here")
    UNKNOWN_REFERENCE = "unknown_reference", _("Names nothing of ours")
    PARKED = "parked", _("Needs staff")


class RefundState(models.TextChoices):
    """Life of one refund. A succeeded one may still come back from the bank; then it has failed."""

    REQUESTED = "requested", _("Requested")
    SENDING = "sending", _("Being sent")
    PENDING = "pending", _("Waiting for the bank")
    UNCERTAIN = "uncertain", _("Outcome unknown")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


# Refunds that have taken, or may yet take, money out: together never more than was captured.
COUNTING_REFUNDS: Final = frozenset(RefundState) - {RefundState.FAILED}


class DisputeState(models.TextChoices):
    """Life of a customer's dispute at their bank, as the shop sees it."""

    NEEDS_RESPONSE = "needs_response", _("Needs our answer")
    UNDER_REVIEW = "under_review", _("Under review at the bank")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")
    WITHDRAWN = "withdrawn", _("Closed without a decision")


OPEN_DISPUTES: Final = frozenset({DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW})


class PackState(models.TextChoices):
    """Life of an evidence pack. ``SUBMITTING``: it may have reached the provider; only looking there tells."""

    ASSEMBLED = "assembled", _("Assembled, not sent")
    SUBMITTING = "submitting", _("Being sent, or outcome unknown")
    SUBMITTED = "submitted", _("Submitted")
    REFUSED = "refused", _("The provider refused it")


# A dispute is answered once: at most one pack of it may be in one of these.
ANSWERING_PACKS: Final = frozenset({PackState.SUBMITTING, PackState.SUBMITTED})


class Subject(models.TextChoices):
    """What a provider's event is about."""

    PAYMENT = "payment", _("Payment")
    REFUND = "refund", _("Refund")
    DISPUTE = "dispute", _("Dispute")
    WARNING = "warning", _("Fraud warning")
    NONE = "none", _("Nothing of concern")


class HandWay(models.TextChoices):
    """How staff sent money back past the payment provider."""

    BANK_TRANSFER = "bank_transfer", _("Bank transfer")
    PAYPAL = "paypal", _("PayPal, as a payment of its own")
    OTHER = "other", _("Another way")


class BreakKind(models.TextChoices):
    """How the provider's books and ours differ."""

    UNBOOKED_CAPTURE = "unbooked_capture", _("Captured there, not booked here")
    UNKNOWN_CAPTURE = "unknown_capture", _("Captured there, fits nothing of ours")
    UNBOOKED_REFUND = "unbooked_refund", _("Refunded there, not booked here")
    MISSING_CAPTURE = "missing_capture", _("Booked here, not captured there")
    MISSING_REFUND = "missing_refund", _("Booked as refunded here, not refunded there")
    AMOUNT = "amount", _("The amounts differ")
    TWICE = "twice", _("Given back by hand, and there as well")
