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


class DeliveryVerdict(models.TextChoices):
    """What became of a stored webhook delivery."""

    NONE = "", _("not processed yet")
    APPLIED = "applied", _("Applied")
    IGNORED = "ignored", _("Of a kind that changes nothing here")
    UNKNOWN_REFERENCE = "unknown_reference", _("Names nothing of ours")
    PARKED = "parked", _("Needs staff")
