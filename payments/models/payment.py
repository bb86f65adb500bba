"""Money in."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payments.states import Attention, PaymentState
from unlockshop.kernel import clock, codes
from unlockshop.kernel.money import Money
from unlockshop.kernel.money_columns import exact


class Payment(models.Model):
    """One try to collect the money of a purchase through one provider.

    ``key`` is saved before the provider is called and is its idempotency key. Amounts are in units of the currency,
    never in minor units. ``next_action_at`` is when the provider is asked about it next.
    """

    purchase = models.ForeignKey("orders.Purchase", on_delete=models.PROTECT, related_name="payments")
    provider = models.CharField(max_length=20)
    key = models.CharField(max_length=64, unique=True, default=codes.new_secret, editable=False)
    provider_ref = models.CharField(max_length=255, null=True, blank=True)
    charge_ref = models.CharField(max_length=255, null=True, blank=True)
    url = models.CharField(max_length=2000, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=3)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=PaymentState.choices, default=PaymentState.CREATED)
    attention = models.CharField(max_length=12, choices=Attention.choices, blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")
    is_live = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    fee = models.DecimalField(
        max_digits=14,
        decimal_places=3,
        null=True,
        blank=True,
        help_text=_("What the provider kept; empty until known."),
    )
    fee_currency = models.CharField(
        max_length=3,
        blank=True,
        default="",
        help_text=_("Not the payment's where the provider converts."),
    )
    captured_at = models.DateTimeField(null=True, blank=True)
    declined_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("When the customer's means of payment was last refused while the payment page stayed open."),
    )
    next_action_at = models.DateTimeField(null=True, blank=True)
    checks = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["next_action_at"],
                name="payments_payment_due",
                condition=Q(next_action_at__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=PaymentState.values), name="payments_payment_state_known"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_payment_amount_positive"),
            models.UniqueConstraint(fields=["provider", "provider_ref"], name="payments_payment_provider_ref_unique"),
            models.CheckConstraint(
                condition=Q(state=PaymentState.CAPTURED, captured_at__isnull=False)
                | ~Q(state=PaymentState.CAPTURED) & Q(captured_at__isnull=True),
                name="payments_payment_captured_at_fits_state",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["created", "open", "pending"]) | Q(next_action_at__isnull=False),
                name="payments_payment_live_has_next_action",
            ),
            exact("payments_payment_amount_exact"),
            exact("payments_payment_fee_exact", amount="fee", currency="fee_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.provider_ref or self.pk}"

    @property
    def money(self) -> Money:
        """What was asked for."""
        return Money(self.amount, self.currency)

    @property
    def fee_money(self) -> Money | None:
        """What the provider kept; None until known."""
        return None if self.fee is None else Money(self.fee, self.fee_currency)
