from __future__ import annotations

from django.db import models

from refunds.states import ClaimEventKind, ClaimState
from unlockshop.kernel import clock


class ClaimEvent(models.Model):
    """One line of a claim's trail: what happened, who did it. The database refuses changes to it.

    ``seq`` counts from 1 without gaps. ``data`` holds codes, clause ids and what was written.
    """

    claim = models.ForeignKey("refunds.Claim", on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=24, choices=ClaimEventKind.choices)
    from_state = models.CharField(max_length=20, choices=ClaimState.choices, blank=True, default="")
    to_state = models.CharField(max_length=20, choices=ClaimState.choices, blank=True, default="")
    actor_kind = models.CharField(max_length=10)
    actor_label = models.CharField(max_length=254, blank=True, default="")
    ip = models.GenericIPAddressField(null=True)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["claim_id", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["claim", "seq"], name="refunds_claimevent_seq_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.seq}"
