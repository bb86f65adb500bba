"""What is known of how far a supplier's own books can be relied on."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock


class Capability(models.TextChoices):
    """What the shop may lean on at a supplier. The values are the names of the flags on ``Supplier``."""

    FINDS_BY_REFERENCE = "finds_by_reference", _("Finds an order by our reference")
    ABSENT_IS_PROOF = "absent_is_proof", _("An order that is not listed was never placed")
    ASKS_MANY = "asks_many", _("Tells the status of many orders at once")
    REFUSES_DUPLICATES = "refuses_duplicates", _("Refuses an order that it has already")


class ProofOrigin(models.TextChoices):
    """What a capability rests on."""

    MEASURED = "measured", _("Measured")
    OVERRIDE = "override", _("Switched on by staff")


class CapabilityProof(models.Model):
    """One time in which a capability was on: what it rests on, until when, and what ended it.

    Written by ``services.proving`` alone; a row that has ended stays. ``observations`` are orders that were looked
    for (for ``asks_many``: answers that were compared). Lags and ``settle_seconds`` are in seconds; a lag is the time
    from the acceptance of an order to the first look that found it.
    """

    supplier = models.ForeignKey("services.Supplier", on_delete=models.CASCADE, related_name="proofs")
    capability = models.CharField(max_length=20, choices=Capability.choices)
    origin = models.CharField(max_length=10, choices=ProofOrigin.choices)
    reason = models.CharField(max_length=500, blank=True, default="")
    actor_label = models.CharField(max_length=254)
    observations = models.PositiveIntegerField(default=0)
    lag_median = models.PositiveIntegerField(null=True, blank=True)
    lag_p99 = models.PositiveIntegerField(null=True, blank=True)
    lag_p999 = models.PositiveIntegerField(null=True, blank=True)
    settle_seconds = models.PositiveIntegerField(null=True, blank=True)
    at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=500, blank=True, default="")
    is_counter_example = models.BooleanField(default=False, help_text=_("Ended because it was seen to be wrong."))

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["expires_at"],
                name="services_proof_expiring",
                condition=Q(expires_at__isnull=False, ended_at__isnull=True),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["supplier", "capability"],
                condition=Q(ended_at__isnull=True),
                name="services_capabilityproof_one_open",
            ),
            models.CheckConstraint(
                condition=Q(capability__in=Capability.values), name="services_capabilityproof_capability_known"
            ),
            models.CheckConstraint(
                condition=(Q(origin=ProofOrigin.MEASURED) & Q(observations__gt=0))
                | (Q(origin=ProofOrigin.OVERRIDE) & ~Q(reason="")),
                name="services_capabilityproof_figures_or_reason",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, is_counter_example=False)
                | (Q(ended_at__isnull=False) & ~Q(ended_because="")),
                name="services_capabilityproof_end_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.supplier}: {self.get_capability_display()}"
