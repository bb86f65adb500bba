from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from refunds.states import FactName, FactStanding
from unlockshop.kernel import clock


class Fact(models.Model):
    """Something said or established about one order, or about a device whatever the order.

    An alleged fact makes a person look; only an established one may bar a claim, and it names its evidence. A fact
    that turns out wrong is withdrawn, never changed or deleted. One firm fact of a name per order or device.
    """

    name = models.CharField(max_length=32, choices=FactName.choices)
    standing = models.CharField(max_length=12, choices=FactStanding.choices)
    order = models.ForeignKey(
        "orders.Order", on_delete=models.PROTECT, related_name="facts", null=True, blank=True,
        help_text=_("Empty: it is about the device, in every order."),
    )  # fmt: skip
    identifier = models.CharField(max_length=40, db_index=True, help_text=_("The device's IMEI or number."))
    evidence = models.CharField(max_length=1000, blank=True, default="", help_text=_("What it rests on."))
    caused_delay = models.BooleanField(default=False, help_text=_("It is why the order took so long."))
    happened_at = models.DateTimeField(null=True, blank=True, help_text=_("When it came to be, if that is known."))
    by_kind = models.CharField(max_length=10)
    by_label = models.CharField(max_length=254)
    recorded_at = models.DateTimeField(default=clock.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=254, blank=True, default="")
    withdrawn_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["-recorded_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(name__in=FactName.values), name="refunds_fact_name_known"),
            models.CheckConstraint(condition=Q(standing__in=FactStanding.values), name="refunds_fact_standing_known"),
            models.CheckConstraint(condition=~Q(identifier=""), name="refunds_fact_is_about_something"),
            models.CheckConstraint(condition=~Q(by_label=""), name="refunds_fact_names_who"),
            models.CheckConstraint(
                condition=~Q(standing=FactStanding.ESTABLISHED) | ~Q(evidence=""),
                name="refunds_fact_established_has_evidence",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | ~Q(withdrawn_by="") & ~Q(withdrawn_reason=""),
                name="refunds_fact_withdrawn_says_why",
            ),
            models.UniqueConstraint(
                fields=["name", "standing", "order"],
                condition=Q(withdrawn_at__isnull=True, order__isnull=False),
                name="refunds_fact_once_per_order",
            ),
            models.UniqueConstraint(
                fields=["name", "standing", "identifier"],
                condition=Q(withdrawn_at__isnull=True, order__isnull=True),
                name="refunds_fact_once_per_device",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_name_display()} ({self.get_standing_display()})"
