"""Looking into suppliers' books to learn what may be relied on: rows that workers take up when they are due."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkItem


class ProbeVerdict(models.TextChoices):
    """What following up one attempt came to."""

    OPEN = "", _("Being looked for")
    FOUND = "found", _("Listed")
    MISSING = "missing", _("Never listed")
    CONTRADICTED = "contradicted", _("Listed wrongly")
    UNCLEAR = "unclear", _("Could not be told")
    ABSENT = "absent", _("Not listed, as it should be")


class ListingProbe(WorkItem):
    """A follow-up on one attempt: when does the supplier list it under our reference?

    ``since`` is when the supplier accepted it. With ``is_watch`` the attempt was given up as never bought, and the
    supplier should never list it. ``lag_at_least`` and ``lag_at_most`` are seconds from ``since`` to the last look
    in vain and to the look that found it.
    """

    attempt = models.OneToOneField("orders.SupplierAttempt", on_delete=models.CASCADE, related_name="probe")
    supplier = models.ForeignKey("services.Supplier", on_delete=models.CASCADE, related_name="+")
    is_watch = models.BooleanField(default=False)
    since = models.DateTimeField()
    looks = models.PositiveSmallIntegerField(default=0)
    lag_at_least = models.PositiveIntegerField(default=0)
    lag_at_most = models.PositiveIntegerField(null=True, blank=True)
    verdict = models.CharField(max_length=12, choices=ProbeVerdict.choices, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["next_action_at"], name="orders_probe_due", condition=Q(next_action_at__isnull=False)
            ),
            models.Index(fields=["supplier", "since"], name="orders_probe_of_supplier"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=ProbeVerdict.values), name="orders_listingprobe_verdict_known"
            ),
            models.CheckConstraint(
                condition=~Q(verdict=ProbeVerdict.FOUND) | Q(lag_at_most__isnull=False),
                name="orders_listingprobe_found_has_lag",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attempt}: {self.get_verdict_display()}"


class BulkProbe(WorkItem):
    """A supplier's answer about many orders held against its answers about each, now and then.

    ``equal`` counts orders told the same both ways since the last difference, ``equal_ended`` those of them that had
    ended: that everything is pending proves little.
    """

    supplier = models.OneToOneField("services.Supplier", on_delete=models.CASCADE, related_name="+")
    equal = models.PositiveIntegerField(default=0)
    equal_ended = models.PositiveIntegerField(default=0)
    compared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_action_at"], name="orders_bulkprobe_due", condition=Q(next_action_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.supplier}: {self.equal}"
