from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from unlockshop.kernel import clock


class CheckRepeat(models.Model):
    """A check that was ordered again for the same device, from the page of the former one; never changed.

    ``counts_from``: of an order at the re-check price, when the report came whose days it was ordered in. Those days
    are not begun anew by it. None for one at the ordinary price, whose own report begins new ones.
    """

    order = models.OneToOneField("orders.Order", on_delete=models.PROTECT, related_name="repeats")
    former = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="repeated_by")
    counts_from = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(order=F("former")), name="orders_checkrepeat_of_another"),
            models.CheckConstraint(
                condition=Q(counts_from=None) | Q(counts_from__lte=F("created_at")),
                name="orders_checkrepeat_counts_from_before",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} repeats {self.former_id}"
