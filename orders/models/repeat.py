from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from unlockshop.kernel import clock


class CheckRepeat(models.Model):
    """A check that was ordered again for the same device, from the page of the former one; never changed."""

    order = models.OneToOneField("orders.Order", on_delete=models.PROTECT, related_name="repeats")
    former = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="repeated_by")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(order=F("former")), name="orders_checkrepeat_of_another"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} repeats {self.former_id}"
