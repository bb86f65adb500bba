"""A customer's dispute at their bank, what the shop answers, and what a bank warns of before."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from payments.states import ANSWERING_PACKS, OPEN_DISPUTES, DisputeState, PackState
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money
from unlockshop.kernel.money_columns import exact


class Dispute(models.Model):
    """One dispute about one payment. While it needs an answer it has an owner and the provider's deadline.

    ``revision`` counts its changes: what was asked of the provider before the last change is never booked.
    """

    payment = models.ForeignKey("payments.Payment", on_delete=models.PROTECT, related_name="disputes")
    provider_ref = models.CharField(max_length=255, unique=True)
    amount = models.DecimalField(max_digits=14, decimal_places=3)
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=16, choices=DisputeState.choices, default=DisputeState.NEEDS_RESPONSE)
    provider_status = models.CharField(max_length=60, blank=True)
    funds_withdrawn = models.BooleanField(default=False)
    owner = models.CharField(max_length=80, blank=True, default="staff")
    respond_by = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=DisputeState.values), name="payments_dispute_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(OPEN_DISPUTES), closed_at__isnull=True)
                | (~Q(state__in=sorted(OPEN_DISPUTES)) & Q(closed_at__isnull=False)),
                name="payments_dispute_closed_at_fits_state",
            ),
            exact("payments_dispute_amount_exact"),
        ]

    def __str__(self) -> str:
        return self.provider_ref

    @property
    def money(self) -> Money:
        """What is in dispute."""
        return Money(self.amount, self.currency)


class FraudWarning(models.Model):
    """A bank's early warning that a payment may be fraud. Its row is what makes a repeated event change nothing."""

    payment = models.ForeignKey("payments.Payment", on_delete=models.PROTECT, related_name="warnings")
    provider_ref = models.CharField(max_length=255)
    reason = models.CharField(max_length=100, blank=True)
    seen_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["payment", "provider_ref"], name="payments_fraudwarning_seen_once"),
        ]

    def __str__(self) -> str:
        return self.provider_ref


class EvidencePack(models.Model):
    """What the shop can prove about a disputed purchase, assembled at one moment and frozen.

    ``fields`` are the provider's evidence fields; the PDF is made from ``facts`` (groups of name and value pairs)
    whenever it is asked for.
    ``submitted_at`` is set before the provider is called.
    """

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="packs")
    state = models.CharField(max_length=12, choices=PackState.choices, default=PackState.ASSEMBLED)
    facts = models.JSONField()
    fields = models.JSONField()
    assembled_at = models.DateTimeField(default=clock.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    submitted_by = models.CharField(max_length=254, blank=True, default="")
    failure = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=PackState.values), name="payments_evidencepack_state_known"),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(ANSWERING_PACKS)) | Q(submitted_at__isnull=False) & ~Q(submitted_by=""),
                name="payments_evidencepack_submitted_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["dispute"],
                condition=Q(state__in=sorted(ANSWERING_PACKS)),
                name="payments_evidencepack_submitted_once",
            ),
        ]

    def __str__(self) -> str:
        return f"evidence for {self.dispute} of {self.assembled_at:%Y-%m-%d %H:%M}"
