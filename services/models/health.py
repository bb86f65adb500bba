"""What the shop knows of how its suppliers are doing: breaker, counts by the hour, balance, notices to staff.

Kept apart from ``Supplier``, which staff edit: these rows are written by workers all day.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock
from unlockshop.kernel.work import WorkItem


class BreakerState(models.TextChoices):
    """Whether new orders are sent to a supplier: all, none, or one to try."""

    CLOSED = "closed", _("Closed: orders go out")
    OPEN = "open", _("Open: nothing is sent")
    HALF_OPEN = "half_open", _("Half-open: one order is being tried")


class Trouble(models.TextChoices):
    """Why a breaker opened. The first five are what a supplier refuses everybody with."""

    AUTH = "auth", _("it refuses our user name or key")
    IP = "ip", _("it refuses our address")
    FUNDS = "funds", _("our credit there is used up")
    RATE = "rate", _("it asks us to slow down")
    MAINTENANCE = "maintenance", _("it is under maintenance")
    UNREACHABLE = "unreachable", _("it cannot be reached")
    UNCLEAR = "unclear", _("its answers cannot be understood")


class SupplierHealth(models.Model):
    """A supplier's breaker, shared by all workers; written by ``services.breaking`` alone.

    ``since`` is when its trouble began, or when it ended. ``trial_at``: while open, when one order may be
    tried; while half-open, when that trial counts as lost. ``failures`` counts failures in a row while closed,
    since ``failures_since``. ``wakes_orders`` tells the orders app that waiting orders may go at once.

    Questions about orders (``poll_*``) have a breaker of their own: a supplier may take no new orders and yet
    answer, or the other way round. From ``poll_after`` on one question is tried.
    """

    supplier = models.OneToOneField("services.Supplier", on_delete=models.CASCADE, related_name="health")
    breaker = models.CharField(max_length=12, choices=BreakerState.choices, default=BreakerState.CLOSED)
    trouble = models.CharField(max_length=24, choices=Trouble.choices, blank=True, default="")
    reason = models.CharField(max_length=200, blank=True, default="")
    since = models.DateTimeField(default=clock.now)
    trial_at = models.DateTimeField(null=True, blank=True)
    trial_reference = models.CharField(max_length=40, blank=True, default="")
    wait_seconds = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    failures_since = models.DateTimeField(null=True, blank=True)
    wakes_orders = models.BooleanField(default=False)
    poll_failures = models.PositiveIntegerField(default=0)
    poll_failing_since = models.DateTimeField(null=True, blank=True)
    poll_after = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "supplier health"
        constraints = [
            models.CheckConstraint(
                condition=Q(breaker__in=BreakerState.values), name="services_supplierhealth_breaker_known"
            ),
            models.CheckConstraint(
                condition=Q(breaker=BreakerState.CLOSED, trial_at__isnull=True, trouble="")
                | (~Q(breaker=BreakerState.CLOSED) & Q(trial_at__isnull=False) & ~Q(trouble="")),
                name="services_supplierhealth_open_has_trial_and_trouble",
            ),
            models.CheckConstraint(
                condition=~Q(breaker=BreakerState.HALF_OPEN) | ~Q(trial_reference=""),
                name="services_supplierhealth_half_open_has_trial",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.supplier}: {self.breaker}"


class SupplierHour(models.Model):
    """How many calls to a supplier came to one outcome in one hour, how long they took, what accepted ones cost.

    ``outcome`` is a name of ``services.tallying``. Deleted after 35 days.
    """

    supplier = models.ForeignKey("services.Supplier", on_delete=models.CASCADE, related_name="hours")
    hour = models.DateTimeField()
    outcome = models.CharField(max_length=24)
    currency = models.CharField(max_length=3, blank=True, default="")
    calls = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveBigIntegerField(default=0)
    cost = models.DecimalField(max_digits=16, decimal_places=3, default=0)

    class Meta:
        indexes = [models.Index(fields=["hour"], name="services_supplierhour_hour")]
        constraints = [
            models.UniqueConstraint(
                fields=["supplier", "hour", "outcome", "currency"], name="services_supplierhour_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.supplier} {self.hour:%Y-%m-%d %H}: {self.outcome} {self.calls}"


class SupplierBalance(WorkItem):
    """Our credit at a supplier as it last told it, and when it is asked again; written by ``services.balances``.

    ``needed`` is the cost of an order that the credit did not cover, ``needed_at`` when one last waited for it.
    """

    supplier = models.OneToOneField("services.Supplier", on_delete=models.CASCADE, related_name="balance")
    credit = models.DecimalField(max_digits=16, decimal_places=3, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    told_at = models.DateTimeField(null=True, blank=True)
    needed = models.DecimalField(max_digits=16, decimal_places=3, null=True, blank=True)
    needed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_action_at"], name="services_balance_due", condition=Q(next_action_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.supplier}: {self.credit} {self.currency}"


class NoticeKind(models.TextChoices):
    """What staff are told of: the first two once until they are over, the others each time they happen."""

    OUT_OF_CREDIT = "out_of_credit", _("Out of credit")
    LOW_BALANCE = "low_balance", _("Credit runs low")
    CAPABILITY_LOST = "capability_lost", _("Not relied on any more")
    SUPPLIER_LOSS = "supplier_loss", _("Bought for nothing")


class StaffNotice(WorkItem):
    """Something that staff must know while it lasts: at most one open row of a kind for a supplier.

    What happens and does not last has ended as soon as it is written. Shown on the landing page until ``ended_at``;
    as a work item it is the mail to the setting ``STAFF_EMAIL``.
    """

    kind = models.CharField(max_length=20, choices=NoticeKind.choices)
    supplier = models.ForeignKey("services.Supplier", on_delete=models.CASCADE, related_name="notices")
    text = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    send_started_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["next_action_at"], name="services_notice_due", condition=Q(next_action_at__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "supplier"], condition=Q(ended_at__isnull=True), name="services_staffnotice_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.supplier}"
