"""What providers told us."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.states import DeliveryVerdict, Subject
from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkItem


class WebhookDelivery(WorkItem):
    """One event that a provider told us, verified and stored before it was acknowledged.

    Unique by provider and event id: a repeated delivery finds its row. An event that names nothing of ours stays
    in the inbox and is tried again for 72 hours, because it may be faster than our own commit.
    """

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=255)
    event_type = models.CharField(max_length=120)
    subject = models.CharField(max_length=10, choices=Subject.choices, default=Subject.PAYMENT)
    subject_ref = models.CharField(max_length=255, blank=True, default="")
    payload = models.JSONField()
    verdict = models.CharField(max_length=20, choices=DeliveryVerdict.choices, blank=True, default="")
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    deliveries = models.PositiveIntegerField(default=1, help_text=_("How often it arrived."))
    received_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(
                fields=["next_action_at"],
                name="payments_webhook_due",
                condition=models.Q(next_action_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="payments_webhookdelivery_event_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"
