from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock
from unlockshop.kernel.crypto import EncryptedTextField
from unlockshop.kernel.work import WorkItem


class MailKind(models.TextChoices):
    """The mails the shop writes."""

    CONFIRMATION = "confirmation", _("Order confirmation")
    COMPLETED = "completed", _("Result")
    UNAVAILABLE = "unavailable", _("Could not be delivered")
    NOT_FOUND = "not_found", _("Not found")
    CANCELLED = "cancelled", _("Cancelled")
    PAYMENT_FAILED = "payment_failed", _("Payment failed")


class OutgoingMail(WorkItem):
    """One mail that the shop owes somebody, written with the state change that causes it.

    ``key`` is the natural key (purchase or order number, kind, revision): writing it twice is a database error.
    Text and HTML are rendered when it is sent; a sent one keeps what was sent.
    """

    key = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=20, choices=MailKind.choices)
    purchase = models.ForeignKey("orders.Purchase", on_delete=models.PROTECT, related_name="mails")
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="mails", null=True, blank=True)
    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=200, blank=True)
    text = EncryptedTextField(blank=True)
    provider_id = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    send_started_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("Set before the call: with no outcome recorded, the mail may be out."),
    )
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["next_action_at"], name="orders_mail_due", condition=Q(next_action_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.key
