"""Money given back."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payments.states import HandWay, RefundState
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money
from unlockshop.kernel.money_columns import exact
from unlockshop.kernel.work import WorkItem


class Refund(WorkItem):
    """One refund of one payment, committed before the provider is asked; its id is the idempotency key there.

    ``rule`` names what the decision rests on. ``override_reason`` is set where staff refunded although a guard said
    no. A refund that the shop learned of from the provider (``is_external``) was made in the provider's own pages. One
    that staff sent past the provider names its way (``by_hand``) and has the transfer's own reference as proof.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey("payments.Payment", on_delete=models.PROTECT, related_name="refunds")
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="refunds", null=True, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=3)
    currency = models.CharField(max_length=3)
    rule = models.CharField(max_length=80, help_text=_("The rule that the decision rests on."))
    reason = models.CharField(max_length=500)
    override_reason = models.CharField(max_length=500, blank=True, default="")
    actor_kind = models.CharField(max_length=10)
    actor_ident = models.CharField(max_length=254, blank=True, default="")
    actor_label = models.CharField(max_length=254, blank=True, default="")
    is_external = models.BooleanField(default=False)
    by_hand = models.CharField(max_length=20, choices=HandWay.choices, blank=True, default="")
    state = models.CharField(max_length=10, choices=RefundState.choices, default=RefundState.REQUESTED)
    provider_ref = models.CharField(max_length=255, null=True, blank=True)
    failure = models.CharField(max_length=200, blank=True, default="")
    send_started_at = models.DateTimeField(null=True, blank=True, help_text=_("When the provider was first asked."))
    created_at = models.DateTimeField(default=clock.now)
    succeeded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(
                fields=["next_action_at"], name="payments_refund_due", condition=Q(next_action_at__isnull=False)
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_refund_amount_positive"),
            models.CheckConstraint(condition=Q(state__in=RefundState.values), name="payments_refund_state_known"),
            models.CheckConstraint(condition=~Q(rule=""), name="payments_refund_names_its_rule"),
            models.CheckConstraint(
                condition=~Q(state=RefundState.SUCCEEDED) | Q(succeeded_at__isnull=False, provider_ref__isnull=False),
                name="payments_refund_succeeded_has_proof",
            ),
            models.CheckConstraint(
                condition=Q(by_hand="") | Q(by_hand__in=HandWay.values, state=RefundState.SUCCEEDED),
                name="payments_refund_by_hand_is_done",
            ),
            models.UniqueConstraint(fields=["payment", "provider_ref"], name="payments_refund_provider_ref_unique"),
            exact("payments_refund_amount_exact"),
        ]

    def __str__(self) -> str:
        return f"{self.money} of {self.payment}"

    @property
    def money(self) -> Money:
        """How much goes back."""
        return Money(self.amount, self.currency)
