from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkItem


class MailVerdict(models.TextChoices):
    """What became of a stored event."""

    NONE = "", _("not processed yet")
    APPLIED = "applied", _("Applied")
    IGNORED = "ignored", _("Of a kind that changes nothing here")
    UNKNOWN_MAIL = "unknown_mail", _("Names no mail of ours")
    UNREADABLE = "unreadable", _("Not an event that can be read")


class MailEvent(WorkItem):
    """One thing that the mail provider says happened to a mail, verified and stored before it was acknowledged.

    Unique by the provider's event id. The provider may tell the same thing under another id: what an event changes
    is therefore written down once per mail as well. ``payload`` keeps only what explains the event.
    """

    event_id = models.CharField(max_length=255, unique=True)
    kind = models.CharField(max_length=40)
    mail_key = models.CharField(max_length=80, blank=True, default="")
    message_id = models.CharField(max_length=255, blank=True, default="")
    address = models.CharField(max_length=254, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    happened_at = models.DateTimeField()
    payload = models.JSONField(default=dict)
    verdict = models.CharField(max_length=20, choices=MailVerdict.choices, blank=True, default="")
    mail = models.ForeignKey(
        "orders.OutgoingMail", on_delete=models.PROTECT, related_name="provider_events", null=True, blank=True
    )
    deliveries = models.PositiveIntegerField(default=1, help_text=_("How often it arrived."))
    received_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["next_action_at"],
                name="orders_mailevent_due",
                condition=Q(next_action_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
