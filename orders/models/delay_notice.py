from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock


class DelaySource(models.TextChoices):
    """Where the news of a delay comes from."""

    STAFF = "staff", _("Our staff")
    SUPPLIER = "supplier", _("The supplier's message")


class DelayOutcome(models.TextChoices):
    """How a notice of delay came to its end. An empty one is in force."""

    NONE = "", _("In force")
    WENT_ON = "went_on", _("No answer: the order went on with the new date")
    CANCELLED = "cancelled", _("The customer cancelled")
    REPLACED = "replaced", _("Replaced by a later notice")
    ENDED = "ended", _("The order ended")


class DelayNotice(models.Model):
    """One order was delayed, and its customer told so: until when (``new_date``, None: nobody knows) and why.

    ``answer_hours`` is what the order's refund profile gives the customer to cancel, counted from the delivery of
    ``mail``; None where it gives no such right. ``answer_by`` is the end of those hours. It stays empty, and nothing
    runs, until the mail provider says that the mail was delivered, and again once the mail bounced. ``wished_at`` is
    when the customer cancelled while nobody could tell yet whether a supplier has the order.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="delay_notices")
    mail = models.OneToOneField("orders.OutgoingMail", on_delete=models.PROTECT, related_name="delay_notice")
    batch = models.CharField(max_length=64, help_text=_("The press of a button that told it; telling twice is one."))
    source = models.CharField(max_length=10, choices=DelaySource.choices, default=DelaySource.STAFF)
    reason = models.CharField(max_length=500, help_text=_("The customer reads it."))
    supplier_message = models.CharField(
        max_length=500, blank=True, default="", help_text=_("What the supplier wrote; for staff only.")
    )
    new_date = models.DateTimeField(null=True, blank=True, help_text=_("Empty: nobody knows."))
    answer_hours = models.PositiveSmallIntegerField(null=True, blank=True)
    answer_by = models.DateTimeField(null=True, blank=True)
    told_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=clock.now)
    wished_at = models.DateTimeField(null=True, blank=True)
    wished_from = models.GenericIPAddressField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=DelayOutcome.choices, blank=True, default="")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("notice of delay")
        verbose_name_plural = _("notices of delay")
        indexes = [
            models.Index(
                fields=["answer_by"], name="orders_delay_due", condition=Q(outcome="", answer_by__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["order"], condition=Q(outcome=""), name="orders_delaynotice_one_in_force"),
            models.UniqueConstraint(fields=["order", "batch"], name="orders_delaynotice_told_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="orders_delaynotice_has_reason"),
            models.CheckConstraint(condition=~Q(batch=""), name="orders_delaynotice_has_batch"),
            models.CheckConstraint(
                condition=Q(outcome__in=DelayOutcome.values), name="orders_delaynotice_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", closed_at__isnull=True) | (~Q(outcome="") & Q(closed_at__isnull=False)),
                name="orders_delaynotice_closed_says_how",
            ),
            models.CheckConstraint(
                condition=~Q(outcome=DelayOutcome.WENT_ON) | Q(answer_by__isnull=False, new_date__isnull=False),
                name="orders_delaynotice_silence_needs_date",
            ),
            models.CheckConstraint(
                condition=Q(answer_by__isnull=True) | Q(answer_hours__isnull=False),
                name="orders_delaynotice_clock_needs_hours",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order} #{self.pk}"
