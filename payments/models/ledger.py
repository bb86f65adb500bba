"""The books."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock
from unlockshop.kernel.money_columns import exact


class Account(models.TextChoices):
    """Chart of accounts (docs/ledger.md). Debits are positive, credits negative."""

    STRIPE_CLEARING = "stripe_clearing", _("Money at Stripe")
    PAYPAL_CLEARING = "paypal_clearing", _("Money at PayPal")
    CUSTOMER_PREPAYMENTS = "customer_prepayments", _("Received for orders not delivered yet")
    SALES = "sales", _("Delivered orders")
    REFUNDS = "refunds", _("Given back for delivered orders")
    UNATTACHED = "unattached", _("Received without an order to fit")
    PROVIDER_FEES = "provider_fees", _("Fees of payment providers")
    DISPUTED = "disputed", _("Withheld because of disputes")
    DISPUTE_LOSSES = "dispute_losses", _("Lost in disputes")
    SUPPLIER_LOSSES = "supplier_losses", _("Paid to suppliers for nothing")
    SUPPLIER_CREDIT = "supplier_credit", _("Taken from our credit at suppliers")
    PAID_BY_HAND = "paid_by_hand", _("Sent to customers by staff, past the payment providers")


CLEARING: Final = {"stripe": Account.STRIPE_CLEARING, "paypal": Account.PAYPAL_CLEARING}


class LedgerTransaction(models.Model):
    """One balanced posting. ``key`` names the fact it books, so that no fact is booked twice. Append-only.

    It belongs to a payment, or, where no customer's money moved, to an order alone.
    """

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=30)
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, null=True, blank=True, related_name="postings"
    )
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, null=True, blank=True, related_name="postings")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]
        permissions = [("export_ledgertransaction", "Can export the ledger")]
        constraints = [
            models.CheckConstraint(
                condition=Q(payment__isnull=False) | Q(order__isnull=False),
                name="payments_ledgertransaction_has_cause",
            ),
        ]

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
            exact("payments_ledgerentry_exact"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount} {self.currency}"
