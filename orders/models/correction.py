from __future__ import annotations

from django.db import models
from django.db.models import Q

from orders.states import CorrectionState
from unlockshop.kernel import clock


class CorrectionRequest(models.Model):
    """A customer's wish to have an order that a supplier has replaced by one with the right data.

    It rests on a request to the supplier to drop the order, and follows its answer. ``rule`` is what the right to it
    rests on; ``refusal`` is the clause, in the customer's language, that holds if the supplier does not agree.
    Replaced, it links the two orders: ``order`` is the former one, ``replacement`` the new one.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="correction_requests")
    cancel_request = models.OneToOneField(
        "orders.CancelRequest", on_delete=models.PROTECT, related_name="correction_request"
    )
    state = models.CharField(max_length=10, choices=CorrectionState.choices, default=CorrectionState.ASKED)
    identifier = models.CharField(max_length=40)
    identifier_kind = models.CharField(max_length=16)
    answers = models.JSONField(default=dict, blank=True)
    is_recheck = models.BooleanField(default=False)
    rule = models.CharField(max_length=80)
    refusal = models.CharField(max_length=500, blank=True, default="")
    owner = models.CharField(max_length=80, default="staff")
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now)
    answered_at = models.DateTimeField(null=True, blank=True)
    replacement = models.OneToOneField(
        "orders.Order", on_delete=models.PROTECT, related_name="replaces", null=True, blank=True
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(state=CorrectionState.ASKED), name="orders_correction_one_open"
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(state=CorrectionState.REPLACED), name="orders_correction_one_replacement"
            ),
            models.CheckConstraint(
                condition=Q(state__in=CorrectionState.values), name="orders_correction_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=CorrectionState.ASKED, answered_at__isnull=True)
                | (~Q(state=CorrectionState.ASKED) & Q(answered_at__isnull=False)),
                name="orders_correction_closed_is_answered",
            ),
            models.CheckConstraint(
                condition=Q(state=CorrectionState.REPLACED, replacement__isnull=False)
                | (~Q(state=CorrectionState.REPLACED) & Q(replacement__isnull=True)),
                name="orders_correction_replaced_has_replacement",
            ),
            models.CheckConstraint(
                condition=Q(replacement__isnull=True) | ~Q(replacement=models.F("order")),
                name="orders_correction_replaces_another",
            ),
            models.CheckConstraint(condition=~Q(owner=""), name="orders_correction_has_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.order} #{self.pk}"
