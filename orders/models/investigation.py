from __future__ import annotations

from django.db import models
from django.db.models import Q

from orders.states import Finding, InvestigationState
from unlockshop.kernel import clock


class Investigation(models.Model):
    """A customer asks why the device was not found. Staff, who own it until ``due_at``, record a finding.

    ``answer`` is read by the customer, ``evidence`` by staff alone. At most one of an order is open.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="investigations")
    state = models.CharField(max_length=10, choices=InvestigationState.choices, default=InvestigationState.OPEN)
    note = models.CharField(max_length=500, blank=True, default="")
    owner = models.CharField(max_length=80, default="staff")
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now)
    finding = models.CharField(max_length=26, choices=Finding.choices, blank=True, default="")
    answer = models.CharField(max_length=1000, blank=True, default="")
    evidence = models.CharField(max_length=500, blank=True, default="")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(state=InvestigationState.OPEN), name="orders_investigation_one_open"
            ),
            models.CheckConstraint(
                condition=Q(state=InvestigationState.OPEN, finding="", answer="", answered_at__isnull=True)
                | (
                    Q(state=InvestigationState.ANSWERED, finding__in=Finding.values, answered_at__isnull=False)
                    & ~Q(answer="")
                ),
                name="orders_investigation_answered_has_finding",
            ),
            models.CheckConstraint(condition=~Q(owner=""), name="orders_investigation_has_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.order} #{self.pk}"
