"""Where the provider's books and ours differ."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payments.states import BreakKind
from unlockshop.kernel import clock


class ReconciliationRun(models.Model):
    """One comparison with one provider, over the hours before it."""

    provider = models.CharField(max_length=20)
    since = models.DateTimeField()
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    payments_seen = models.PositiveIntegerField(default=0)
    refunds_seen = models.PositiveIntegerField(default=0)
    repaired = models.PositiveIntegerField(
        default=0, help_text=_("Facts whose webhook never came, booked by the run.")
    )
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.provider} {self.started_at:%Y-%m-%d %H:%M}"


class Break(models.Model):
    """One difference that a run could not repair. It has an owner until staff say how it was explained."""

    provider = models.CharField(max_length=20)
    kind = models.CharField(max_length=20, choices=BreakKind.choices)
    provider_ref = models.CharField(max_length=255)
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, null=True, blank=True, related_name="breaks"
    )
    detail = models.CharField(max_length=300)
    owner = models.CharField(max_length=80, default="staff")
    first_seen_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    explanation = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["closed_at", "first_seen_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "kind", "provider_ref"],
                condition=Q(closed_at__isnull=True),
                name="payments_break_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_ref}"
