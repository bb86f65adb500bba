from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.states import BOUGHT_OUTCOMES, LIVE_OUTCOMES, AttemptOutcome
from unlockshop.kernel import clock


class SupplierAttempt(models.Model):
    """One try to buy an order at a supplier, committed before the call.

    ``send_before`` is the last moment at which the worker may start the call, ``lease_until`` the moment after which
    it is taken for lost. At most one attempt of an order is live, and at most one for a device and service, unless
    a re-check is meant; the database sees to both. ``placed_again_at``: when it was sent once more under the same
    reference, at a supplier that refuses duplicates, to learn what became of it.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="supplier_attempts")
    n = models.PositiveIntegerField()
    supplier = models.ForeignKey("services.Supplier", on_delete=models.PROTECT, related_name="+")
    supplier_service_id = models.CharField(max_length=80)
    cost = models.DecimalField(max_digits=12, decimal_places=3)
    cost_currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=40, unique=True)
    work_key = models.CharField(
        max_length=64, null=True, blank=True, help_text=_("Device, service and answers, while the order is open.")
    )
    outcome = models.CharField(max_length=16, choices=AttemptOutcome.choices, default=AttemptOutcome.IN_FLIGHT)
    reason_code = models.CharField(max_length=24, blank=True, default="")
    message = models.CharField(max_length=500, blank=True, default="")
    supplier_order_id = models.CharField(max_length=80, null=True, blank=True)
    lookups_absent = models.PositiveSmallIntegerField(default=0)
    placed_again_at = models.DateTimeField(null=True, blank=True)
    is_late_surprise = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    send_before = models.DateTimeField()
    lease_until = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["order_id", "n"]
        indexes = [
            models.Index(fields=["supplier", "settled_at"], name="orders_attempt_settled"),
            models.Index(
                fields=["settled_at"],
                name="orders_attempt_given_up",
                condition=Q(outcome__in=[AttemptOutcome.ABANDONED_ABSENT, AttemptOutcome.NOT_BOUGHT]),
            ),
            models.Index(
                fields=["is_late_surprise"], name="orders_attempt_surprise", condition=Q(is_late_surprise=True)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["order", "n"], name="orders_supplierattempt_n_unique"),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(outcome__in=sorted(LIVE_OUTCOMES)),
                name="orders_supplierattempt_one_live",
            ),
            models.UniqueConstraint(
                fields=["work_key"],
                condition=Q(outcome__in=sorted(LIVE_OUTCOMES), work_key__isnull=False),
                name="orders_supplierattempt_one_for_device",
            ),
            models.UniqueConstraint(
                fields=["supplier", "supplier_order_id"],
                condition=Q(supplier_order_id__isnull=False),
                name="orders_supplierattempt_supplier_id_unique",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=AttemptOutcome.values), name="orders_supplierattempt_outcome_known"
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=sorted(BOUGHT_OUTCOMES)) | Q(supplier_order_id__isnull=False),
                name="orders_supplierattempt_bought_has_id",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class SupplierExchange(models.Model):
    """One raw question and answer with a supplier, secrets masked, for staff to read."""

    attempt = models.ForeignKey(SupplierAttempt, on_delete=models.PROTECT, related_name="exchanges")
    purpose = models.CharField(max_length=16)
    request = models.TextField()
    response = models.TextField(blank=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True)
    milliseconds = models.PositiveIntegerField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.purpose} {self.at:%Y-%m-%d %H:%M:%S}"
