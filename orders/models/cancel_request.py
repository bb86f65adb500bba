from __future__ import annotations

from django.db import models
from django.db.models import Q

from orders.states import OPEN_CANCELS, CancelState
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkItem


class CancelRequest(WorkItem):
    """A wish to have an order dropped by the supplier that has it.

    Where the protocol can ask, a worker does (``asked_at`` is committed before the call); elsewhere, or once its
    answer is unclear, staff write to the supplier and record what it says (``written_at``, ``answer``). At most one
    request of an order is open.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="cancel_requests")
    attempt = models.ForeignKey("orders.SupplierAttempt", on_delete=models.PROTECT, related_name="cancel_requests")
    state = models.CharField(max_length=10, choices=CancelState.choices)
    reason = models.CharField(max_length=500)
    by_kind = models.CharField(max_length=10)
    by_label = models.CharField(max_length=254)
    by_ip = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    asked_at = models.DateTimeField(null=True, blank=True)
    written_at = models.DateTimeField(null=True, blank=True)
    written_note = models.CharField(max_length=500, blank=True, default="")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["next_action_at"], name="orders_cancel_due", condition=Q(next_action_at__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(state__in=sorted(OPEN_CANCELS)), name="orders_cancelrequest_one_open"
            ),
            models.CheckConstraint(condition=Q(state__in=CancelState.values), name="orders_cancelrequest_state_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="orders_cancelrequest_has_reason"),
            models.CheckConstraint(
                condition=Q(state__in=sorted(OPEN_CANCELS)) | Q(answered_at__isnull=False),
                name="orders_cancelrequest_closed_is_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order} #{self.pk}"
