"""Money in: payments, what providers told us, and the append-only double-entry ledger."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payments.states import Attention, DeliveryVerdict, PaymentState
from unlockshop.kernel import clock, codes
from unlockshop.kernel.money import Money
from unlockshop.kernel.work import WorkItem


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
    captured_at = models.DateTimeField(null=True, blank=True)
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
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.provider_ref or self.pk}"

    @property
    def money(self) -> Money:
        """What was asked for."""
        return Money(self.amount, self.currency)


class WebhookDelivery(WorkItem):
    """One event that a provider told us, verified and stored before it was acknowledged.

    Unique by provider and event id: a repeated delivery finds its row. An event that names nothing of ours stays
    in the inbox and is tried again for 72 hours, because it may be faster than our own commit.
    """

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=255)
    event_type = models.CharField(max_length=120)
    payload = models.JSONField()
    verdict = models.CharField(max_length=20, choices=DeliveryVerdict.choices, blank=True, default="")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries")
    deliveries = models.PositiveIntegerField(default=1, help_text=_("How often it arrived."))
    received_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="payments_webhookdelivery_event_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class Account(models.TextChoices):
    """Chart of accounts. Debits are positive, credits negative."""

    STRIPE_CLEARING = "stripe_clearing", _("Money at Stripe")
    CUSTOMER_PREPAYMENTS = "customer_prepayments", _("Received for orders")
    UNATTACHED = "unattached", _("Received without an order to fit")


class LedgerTransaction(models.Model):
    """One balanced posting. ``key`` names the fact it books, so that no fact is booked twice. Append-only."""

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=30)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="postings")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.key


class LedgerEntry(models.Model):
    """One line of a posting: so much on that account. The lines of a posting sum to zero per currency."""

    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="entries")
    account = models.CharField(max_length=30, choices=Account.choices)
    amount = models.DecimalField(max_digits=14, decimal_places=3)
    currency = models.CharField(max_length=3)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="payments_ledgerentry_not_zero"),
            models.CheckConstraint(condition=Q(account__in=Account.values), name="payments_ledgerentry_account_known"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount} {self.currency}"
