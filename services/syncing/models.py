"""What suppliers say that they sell: fetches of their catalogues, their services, and what staff made of them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkItem, WorkState

OPEN_WORK = (WorkState.QUEUED, WorkState.CLAIMED)


class SyncOutcome(models.TextChoices):
    """What came of asking a supplier for its catalogue. Only ``TAKEN`` changed anything."""

    PENDING = "pending", _("Being fetched")
    TAKEN = "taken", _("Fetched")
    FAILED = "failed", _("Failed, nothing changed")
    EMPTY = "empty", _("Empty answer, nothing changed")
    SHRUNK = "shrunk", _("Suspiciously small answer, nothing changed")
    TOO_LARGE = "too_large", _("Too large an answer, nothing changed")


class CatalogueSync(WorkItem):
    """One fetch of a supplier's catalogue: a work item, so that a press on a button is never lost.

    ``accepts_smaller``: staff know that the supplier has dropped most of its services.
    """

    supplier = models.ForeignKey("services.Supplier", on_delete=models.CASCADE, related_name="catalogue_syncs")
    asked_by = models.CharField(max_length=120)
    accepts_smaller = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=SyncOutcome.choices, default=SyncOutcome.PENDING)
    message = models.CharField(max_length=500, blank=True, default="")
    listed = models.PositiveIntegerField(default=0, help_text=_("Services in the answer."))
    skipped = models.PositiveIntegerField(default=0, help_text=_("Entries without a usable id, or named twice."))
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("catalogue fetch")
        verbose_name_plural = _("catalogue fetches")
        indexes = [
            models.Index(fields=["next_action_at"], name="services_sync_due", condition=Q(work_state__in=OPEN_WORK)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["supplier"], condition=Q(work_state__in=OPEN_WORK), name="services_sync_one_at_a_time"
            ),
            models.CheckConstraint(condition=Q(outcome__in=SyncOutcome.values), name="services_sync_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome=SyncOutcome.PENDING, finished_at__isnull=True)
                | (~Q(outcome=SyncOutcome.PENDING) & Q(finished_at__isnull=False)),
                name="services_sync_finished_fits_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.supplier}: {self.get_outcome_display()}"


class SupplierService(models.Model):
    """A supplier's service as its catalogue last told it. All texts are plain text from outside.

    The ``known_*`` columns are what staff have seen; where the others differ from them, there is something to decide.
    ``known_at`` is empty while nobody has decided anything about it.
    """

    supplier = models.ForeignKey("services.Supplier", on_delete=models.CASCADE, related_name="listed_services")
    service_id = models.CharField(max_length=80)
    name = models.CharField(max_length=200, blank=True)
    group = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20, blank=True)
    cost = models.DecimalField(max_digits=16, decimal_places=6, null=True, blank=True)
    cost_currency = models.CharField(max_length=3, blank=True)
    time = models.CharField(max_length=80, blank=True)
    info = models.TextField(blank=True)
    form: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)

    known_name = models.CharField(max_length=200, blank=True)
    known_cost = models.DecimalField(max_digits=16, decimal_places=6, null=True, blank=True)
    known_currency = models.CharField(max_length=3, blank=True)
    known_form: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    known_at = models.DateTimeField(null=True, blank=True)
    is_ignored = models.BooleanField(default=False)

    first_seen_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    gone_since = models.DateTimeField(null=True, blank=True)
    gone_known = models.BooleanField(default=False, help_text=_("Staff have seen that it is gone."))
    form_changed = models.BooleanField(default=False, editable=False, help_text=_("``form`` is not ``known_form``."))

    class Meta:
        ordering = ["group", "name", "pk"]
        verbose_name = _("supplier's service")
        verbose_name_plural = _("suppliers' services")
        indexes = [models.Index(fields=["supplier", "gone_since"], name="services_listed_gone")]
        constraints = [
            models.UniqueConstraint(fields=["supplier", "service_id"], name="services_listed_unique"),
            models.CheckConstraint(
                condition=Q(cost__isnull=True) | Q(cost__gte=0), name="services_listed_cost_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(gone_known=False) | Q(gone_since__isnull=False), name="services_listed_gone_known_is_gone"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.service_id} {self.name}"


class Choice(models.TextChoices):
    """What staff can make of a supplier's service."""

    LINK = "link", _("Linked to a service")
    DRAFT = "draft", _("Hidden draft created")
    TAKE_COST = "take_cost", _("New cost taken over")
    SWITCH_OFF = "switch_off", _("Offers switched off")
    NOTE = "note", _("Seen")
    IGNORE = "ignore", _("Ignored")
    WATCH = "watch", _("Watched again")


class CatalogueChoice(models.Model):
    """One decision of staff about a supplier's service: what, who, when. Append-only."""

    listed = models.ForeignKey(SupplierService, on_delete=models.PROTECT, related_name="choices")
    choice = models.CharField(max_length=12, choices=Choice.choices)
    at = models.DateTimeField(default=clock.now)
    actor_kind = models.CharField(max_length=10)
    actor_ident = models.CharField(max_length=120, blank=True, default="")
    actor_label = models.CharField(max_length=200)
    detail = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(choice__in=Choice.values), name="services_choice_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_choice_display()}: {self.detail}"
