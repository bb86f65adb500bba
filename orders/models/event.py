from __future__ import annotations

from django.db import models

from orders.states import OrderState
from unlockshop.kernel import clock


class OrderEvent(models.Model):
    """One line of an order's story: what happened, who did it, from where. The database refuses changes to it.

    ``seq`` counts from 1 without gaps. ``data`` holds the values for the sentences in ``orders.events``.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=40)
    from_state = models.CharField(max_length=20, choices=OrderState.choices, blank=True, default="")
    to_state = models.CharField(max_length=20, choices=OrderState.choices, blank=True, default="")
    actor_kind = models.CharField(max_length=10)
    actor_ident = models.CharField(max_length=254, blank=True, default="")
    actor_label = models.CharField(max_length=254, blank=True, default="")
    ip = models.GenericIPAddressField(null=True)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["order_id", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["order", "seq"], name="orders_orderevent_seq_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.seq}"
