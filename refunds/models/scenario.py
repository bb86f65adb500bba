"""Scenarios that staff keep: worked decisions, facts in and decision out, that guard later versions of the rules."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock


class Origin(models.TextChoices):
    """Where a scenario came from."""

    FILE = "file", _("A file")
    CLAIM = "claim", _("A claim of this shop")


class StoredScenario(models.Model):
    """One scenario in the form of scenario files, as JSON. Only ``refunds.stored_scenarios`` writes it.

    It holds nothing that names a customer, an order or a device.
    """

    name = models.CharField(max_length=120, unique=True)
    profile = models.CharField(max_length=20)
    title = models.CharField(max_length=200, blank=True, default="")
    raw = models.JSONField()
    origin = models.CharField(max_length=10, choices=Origin.choices)
    came_from = models.CharField(max_length=200, blank=True, default="", help_text=_("The file's name."))
    claim = models.ForeignKey(
        "refunds.Claim", on_delete=models.PROTECT, related_name="scenarios", null=True, blank=True
    )
    is_active = models.BooleanField(default=True, help_text=_("Whether it is decided when rules are rehearsed."))
    reason = models.CharField(max_length=500, blank=True, default="")
    kept_at = models.DateTimeField(default=clock.now)
    kept_by = models.CharField(max_length=254)

    class Meta:
        ordering = ["name"]
        verbose_name = _("stored scenario")
        constraints = [
            models.CheckConstraint(condition=Q(origin__in=Origin.values), name="refunds_scenario_origin_known"),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(profile="") & ~Q(kept_by=""), name="refunds_scenario_says_what_and_who"
            ),
        ]

    def __str__(self) -> str:
        return self.name
