from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock
from unlockshop.kernel.crypto import EncryptedTextField
from unlockshop.kernel.work import WorkItem


class InboundVerdict(models.TextChoices):
    """What became of a mail that came in."""

    NONE = "", _("Not read yet")
    CANCELLED = "cancelled", _("Cancelled what it asked for")
    ANSWERED = "answered", _("Answered")
    AUTOMATIC = "automatic", _("Written by a machine: ignored")
    STAFF = "staff", _("For staff")
    JOINED = "joined", _("Added to a task that is open")


class InboundReason(models.TextChoices):
    """Why a person must read a mail that came in."""

    NONE = "", "—"
    NO_PURCHASE = "no_purchase", _("It names no purchase")
    OTHER_SENDER = "other_sender", _("Sent from another address than the purchase's")
    NOT_AUTHENTIC = "not_authentic", _("Its sender did not pass the check of origin (SPF, DKIM)")
    UNCLEAR = "unclear", _("Not clear what it asks for")
    TERMS = "terms", _("The terms leave it to a person")
    TOO_LONG = "too_long", _("Too long: only its beginning was kept")
    FAILED = "failed", _("The shop failed to carry it out, again and again")


class InboundMail(WorkItem):
    """One mail that came in reply to one of ours, stored before it was acknowledged, once per message and address.

    ``recipient`` carries the token that names the purchase; without a good one there is none. A mail for staff is a
    task: ``owner`` and ``due_at`` say whose and until when, ``closed_by`` and ``outcome`` what was done. While it is
    open, further mails of the sender about the purchase join it: ``task`` is what they joined, ``further`` their count
    there. ``is_truncated``: ``text`` is only the beginning of what was written.
    """

    key = models.CharField(max_length=64, unique=True)
    purchase = models.ForeignKey(
        "orders.Purchase", on_delete=models.PROTECT, related_name="inbound_mails", null=True, blank=True
    )
    recipient = models.CharField(max_length=254, blank=True, default="")
    sender = models.CharField(max_length=254, blank=True, default="")
    envelope_from = models.CharField(max_length=254, blank=True, default="")
    subject = models.CharField(max_length=200, blank=True, default="")
    text = EncryptedTextField(blank=True, default="")
    message_id = models.CharField(max_length=255, blank=True, default="")
    spf = models.CharField(max_length=40, blank=True, default="")
    dkim = models.CharField(max_length=500, blank=True, default="")
    is_truncated = models.BooleanField(default=False)
    is_automatic = models.BooleanField(default=False)
    deliveries = models.PositiveIntegerField(default=1, help_text=_("How often it arrived."))
    received_at = models.DateTimeField(default=clock.now)
    verdict = models.CharField(max_length=10, choices=InboundVerdict.choices, blank=True, default="")
    reason = models.CharField(max_length=14, choices=InboundReason.choices, blank=True, default="")
    owner = models.CharField(max_length=80, blank=True, default="")
    due_at = models.DateTimeField(null=True, blank=True)
    task = models.ForeignKey("self", on_delete=models.PROTECT, related_name="joined", null=True, blank=True)
    further = models.PositiveIntegerField(default=0, help_text=_("How many more mails joined this task."))
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=254, blank=True, default="")
    outcome = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("mail from a customer")
        verbose_name_plural = _("mails from customers")
        indexes = [
            models.Index(
                fields=["next_action_at"], name="orders_inbound_due", condition=Q(next_action_at__isnull=False)
            ),
            models.Index(
                fields=["due_at"], name="orders_inbound_open", condition=Q(verdict="staff", closed_at__isnull=True)
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(key=""), name="orders_inboundmail_has_key"),
            models.CheckConstraint(
                condition=Q(verdict__in=InboundVerdict.values), name="orders_inboundmail_verdict_known"
            ),
            models.CheckConstraint(
                condition=~Q(verdict="staff") | (~Q(owner="") & ~Q(reason="") & Q(due_at__isnull=False)),
                name="orders_inboundmail_task_has_owner",
            ),
            models.CheckConstraint(
                condition=Q(verdict="joined", task__isnull=False) | (~Q(verdict="joined") & Q(task__isnull=True)),
                name="orders_inboundmail_joined_has_task",
            ),
            models.UniqueConstraint(
                fields=["purchase", "sender"],
                condition=Q(verdict="staff", closed_at__isnull=True, purchase__isnull=False),
                name="orders_inboundmail_one_task_for_sender",
            ),
            models.UniqueConstraint(
                fields=["sender"],
                condition=Q(verdict="staff", closed_at__isnull=True, purchase__isnull=True),
                name="orders_inboundmail_one_task_for_stranger",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by="", outcome="")
                | (Q(closed_at__isnull=False, verdict="staff") & ~Q(closed_by="") & ~Q(outcome="")),
                name="orders_inboundmail_closed_says_how",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sender} #{self.pk}"
