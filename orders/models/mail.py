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
    DELAYED = "delayed", _("Delayed")
    LATE = "late", _("Late")
    PAYMENT_FAILED = "payment_failed", _("Payment failed")
    REPLY = "reply", _("Answer to a reply")
    REFUNDED = "refunded", _("Refund")
    REFUND_RETURNED = "refund_returned", _("Refund came back")
    CORRECTION = "correction", _("Correction of the order's data")
    INVESTIGATION = "investigation", _("Why the device was not found")
    CLAIM = "claim", _("Answer to a claim")


class MailTrouble(models.TextChoices):
    """Why a mail that the provider took did not reach its reader, or was not wanted."""

    BOUNCED = "bounced", _("Returned by the mail server")
    BLOCKED = "blocked", _("Blocked by the mail server")
    DROPPED = "dropped", _("Not sent: the provider knows the address as bad")
    COMPLAINT = "complaint", _("Reported as spam")


class OutgoingMail(WorkItem):
    """One mail that the shop owes somebody, written with the state change that causes it.

    ``key`` is the natural key (purchase or order number, kind, revision): writing it twice is a database error.
    Text and HTML are rendered when it is sent, from the purchase and from ``facts``, what the app that queued it
    adds in words; a sent one keeps what was sent. What became of it after that is told by the provider's events
    (``orders.mail_events``), each fact once.
    """

    key = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=20, choices=MailKind.choices)
    purchase = models.ForeignKey("orders.Purchase", on_delete=models.PROTECT, related_name="mails")
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="mails", null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True)
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
    delivered_at = models.DateTimeField(null=True, blank=True, help_text=_("The reader's mail server took it."))
    opened_at = models.DateTimeField(null=True, blank=True, help_text=_("First opening, by a person's program."))
    bounced_at = models.DateTimeField(null=True, blank=True)
    complained_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=12, choices=MailTrouble.choices, blank=True, default="")
    trouble_reason = models.CharField(max_length=500, blank=True, default="")
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="replaced_by", null=True, blank=True,
        help_text=_("The mail that did not arrive and was sent again as this one."),
    )  # fmt: skip

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["next_action_at"], name="orders_mail_due", condition=Q(next_action_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(bounced_at__isnull=True, complained_at__isnull=True) | ~Q(trouble=""),
                name="orders_outgoingmail_trouble_has_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.key
