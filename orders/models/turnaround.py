from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.states import OrderState

RESULTS = (OrderState.COMPLETED, OrderState.UNAVAILABLE, OrderState.NOT_FOUND)


class EndedOrder(models.Model):
    """An order ended at a supplier and is not yet in the delivery times.

    Written with the end, deleted by the transaction that adds it to ``ServiceTurnaround``.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="+")
    service = models.ForeignKey("services.Service", on_delete=models.PROTECT, related_name="+")
    supplier = models.ForeignKey("services.Supplier", on_delete=models.PROTECT, related_name="+")
    result = models.CharField(max_length=20, choices=OrderState.choices)
    submitted_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(result__in=RESULTS), name="orders_endedorder_result_known"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.result}"


class ServiceTurnaround(models.Model):
    """How orders of a service went at a supplier that ended on one day (UTC), and how long completed ones took.

    ``seconds`` is the sum over completed orders from submission to result. ``histogram`` counts them by the number of
    a logarithmic class of minutes (``orders.turnaround``); empty classes are left out.
    """

    service = models.ForeignKey("services.Service", on_delete=models.CASCADE, related_name="+")
    supplier = models.ForeignKey("services.Supplier", on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    completed = models.PositiveIntegerField(default=0)
    unavailable = models.PositiveIntegerField(default=0)
    not_found = models.PositiveIntegerField(default=0)
    seconds = models.PositiveBigIntegerField(default=0)
    histogram = models.JSONField(default=dict, help_text=_("Completed orders by class of minutes."))

    class Meta:
        indexes = [models.Index(fields=["supplier", "day"], name="orders_turnaround_supplier")]
        constraints = [
            models.UniqueConstraint(fields=["service", "supplier", "day"], name="orders_turnaround_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} {self.day}"
