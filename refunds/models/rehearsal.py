"""A change of the refund rules that was tried before it is published, and the decisions that would be others."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkItem, WorkState


class Source(models.TextChoices):
    """Where a decision comes from, in the order in which they are taken."""

    CLAIM = "claim", _("Past claims")
    ORDER = "order", _("Past orders, if claimed today")
    STORED = "stored", _("Stored scenarios")
    WORKED = "worked", _("Scenarios that ship with the shop")


class Rehearsal(WorkItem):
    """Decides past claims, past orders and scenarios by the version in force and by a draft; ``refunds.trying_out``
    works it off in pieces and is the only writer.

    ``fingerprint`` is the draft's: only what was tried is published on it. ``source`` and ``cursor`` say how far it
    has come, ``figures`` count by source; they and the rows of ``RehearsalDifference`` are written together.
    """

    name = models.CharField(max_length=20, help_text=_("The profile, such as default."))
    base = models.CharField(max_length=18, help_text=_("The version that it would follow."))
    version = models.CharField(max_length=18, blank=True, default="", help_text=_("What it is to be called."))
    changes = models.JSONField(default=dict, help_text=_("Each changed number by its path."))
    fingerprint = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, blank=True, default="")
    asked_at = models.DateTimeField(default=clock.now)
    asked_by = models.CharField(max_length=254)

    source = models.CharField(max_length=10, choices=Source.choices, default=Source.CLAIM)
    cursor = models.BigIntegerField(null=True, blank=True)
    planned = models.PositiveIntegerField(default=0, help_text=_("Decisions to take; counted as it begins."))
    taken = models.PositiveIntegerField(default=0, help_text=_("Decisions taken so far."))
    figures = models.JSONField(default=dict, blank=True)
    begun_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    published = models.OneToOneField(
        "refunds.PolicyVersion", on_delete=models.PROTECT, related_name="rehearsal", null=True, blank=True
    )
    published_without = models.CharField(
        max_length=500, blank=True, default="", help_text=_("Why it was published before this had ended.")
    )

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("rehearsal of refund rules")
        verbose_name_plural = _("rehearsals of refund rules")
        indexes = [
            models.Index(
                fields=["next_action_at"], name="refunds_rehearsal_due", condition=Q(next_action_at__isnull=False)
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "base", "fingerprint"],
                condition=Q(work_state__in=[WorkState.QUEUED, WorkState.CLAIMED]),
                name="refunds_rehearsal_one_open",
            ),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="refunds_rehearsal_source_known"),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(base="") & ~Q(fingerprint="") & ~Q(asked_by=""),
                name="refunds_rehearsal_says_what_and_who",
            ),
            models.CheckConstraint(
                condition=~Q(work_state=WorkState.DONE) | Q(ended_at__isnull=False), name="refunds_rehearsal_has_end"
            ),
            models.CheckConstraint(
                condition=Q(published__isnull=True) | Q(work_state=WorkState.DONE) | ~Q(published_without=""),
                name="refunds_rehearsal_published_when_done",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.base}, {self.pk}"

    def figure(self, what: str, *sources: Source) -> int:
        """A count over some sources: ``there_are``, ``to_take``, ``taken``, ``differ``, ``graver``, ``stopped``."""
        counted: list[dict[str, Any]] = [self.figures.get(source, {}) for source in sources]
        return sum(int(each.get(what, 0)) for each in counted)

    @property
    def is_open(self) -> bool:
        """Whether it is still being worked off."""
        return self.work_state in {WorkState.QUEUED, WorkState.CLAIMED}


class RehearsalDifference(models.Model):
    """One decision that would be another. ``parts`` are lists of what differs, how it is, and how it would be.

    ``is_another``: another decision or sum, not only another clause or date. ``stops``: a scenario that came out as
    expected, and would not any more.
    """

    rehearsal = models.ForeignKey(Rehearsal, on_delete=models.PROTECT, related_name="differences")
    source = models.CharField(max_length=10, choices=Source.choices)
    name = models.CharField(max_length=200)
    claim = models.ForeignKey(
        "refunds.Claim", on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    order = models.ForeignKey(
        "orders.Order", on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    parts = models.JSONField(default=list)
    is_another = models.BooleanField(default=False)
    stops = models.BooleanField(default=False)

    class Meta:
        ordering = ["-stops", "-is_another", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(source__in=Source.values), name="refunds_rehearsaldiff_source_known")
        ]

    def __str__(self) -> str:
        return self.name
