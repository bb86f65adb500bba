from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock


class PolicyVersion(models.Model):
    """A version of a refund profile that staff published: the numbers that differ from one that ships with the shop.

    The rows are append-only, and each version is followed by one other at most, so that a profile's history is a line.
    ``texts`` keeps the English clauses as they were published, ``fingerprint`` the hash over them and all numbers.
    """

    name = models.CharField(max_length=20, help_text=_("The profile, such as default."))
    version = models.CharField(max_length=18, help_text=_("Part of the terms' address; never used twice."))
    base = models.CharField(max_length=18, help_text=_("The version in force before."))
    root = models.CharField(max_length=18, help_text=_("The shipped version that the numbers below are changes of."))
    changes = models.JSONField(default=dict, help_text=_("Each changed number by its path."))
    texts = models.JSONField(default=dict, help_text=_("Each clause in English, as published."))
    fingerprint = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    published_at = models.DateTimeField(default=clock.now)
    published_by = models.CharField(max_length=254)

    class Meta:
        ordering = ["-published_at", "-pk"]
        verbose_name = _("refund rules version")
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="refunds_policyversion_once"),
            models.UniqueConstraint(fields=["name", "base"], name="refunds_policyversion_one_successor"),
            models.CheckConstraint(condition=~Q(version=F("base")), name="refunds_policyversion_not_its_own_base"),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(version="") & ~Q(base="") & ~Q(root=""), name="refunds_policyversion_named"
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(published_by=""), name="refunds_policyversion_says_who_and_why"
            ),
            models.CheckConstraint(condition=~Q(fingerprint=""), name="refunds_policyversion_has_fingerprint"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
