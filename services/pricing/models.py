"""What staff keep to price by: margins on suppliers' costs, and rates to compare costs between currencies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from unlockshop.kernel import clock
from unlockshop.kernel.money_columns import exact


def _today() -> date:
    return clock.now().date()


def _shop_currency() -> str:
    return str(settings.DEFAULT_CURRENCY)


class MarginRule(models.Model):
    """How a price is proposed from a cost, in one currency: cost + percent + fixed amount, rounded up.

    With a ``step`` the price is a multiple of it plus ``ending``: step 1 and ending 0.90 make 12.90, 13.90 and so on.
    A rule of a category goes before the one for all (``category`` empty).
    """

    category = models.ForeignKey(
        "services.Category",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="margin_rules",
        help_text=_("Empty: for all categories without a rule of their own."),
    )
    currency = models.CharField(max_length=3)
    percent = models.DecimalField(max_digits=7, decimal_places=3, default=Decimal(0))
    fixed = models.DecimalField(max_digits=12, decimal_places=3, default=Decimal(0))
    step = models.DecimalField(
        max_digits=12,
        decimal_places=3,
        null=True,
        blank=True,
        help_text=_("Prices go up in such steps. Empty: rounded up to what the currency can express."),
    )
    ending = models.DecimalField(
        max_digits=12,
        decimal_places=3,
        default=Decimal(0),
        help_text=_("What each price ends with, below one step; 0.90 with step 1 makes 12.90."),
    )

    class Meta:
        ordering = ["currency", "category__position"]
        constraints = [
            models.UniqueConstraint(fields=["category", "currency"], name="services_marginrule_unique"),
            models.UniqueConstraint(
                fields=["currency"], condition=Q(category__isnull=True), name="services_marginrule_one_for_all"
            ),
            models.CheckConstraint(
                condition=Q(percent__gte=0, fixed__gte=0, ending__gte=0), name="services_marginrule_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(step__isnull=True, ending=0) | Q(step__isnull=False, step__gt=0, ending__lt=F("step")),
                name="services_marginrule_ending_below_step",
            ),
            exact("services_marginrule_fixed_exact", amount="fixed"),
            exact("services_marginrule_step_exact", amount="step"),
            exact("services_marginrule_ending_exact", amount="ending"),
        ]

    def __str__(self) -> str:
        return f"{self.category or _('all')} ({self.currency})"


class CostRate(models.Model):
    """What one unit of a currency is worth in ``base``, by staff's word. Only for comparing suppliers' costs.

    No customer ever pays by it. ``base`` is the shop's currency when the rate was entered; a rate for another base
    is not used.
    """

    currency = models.CharField(max_length=3)
    base = models.CharField(max_length=3, default=_shop_currency, editable=False)
    rate = models.DecimalField(max_digits=18, decimal_places=8, help_text=_("What 1 of the currency is worth."))
    as_of = models.DateField(default=_today)
    set_by = models.CharField(max_length=120, blank=True, editable=False)

    class Meta:
        ordering = ["currency"]
        constraints = [
            models.UniqueConstraint(fields=["currency", "base"], name="services_costrate_unique"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="services_costrate_above_zero"),
            models.CheckConstraint(condition=~Q(currency=F("base")), name="services_costrate_of_another_currency"),
        ]

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.rate.normalize():f} {self.base}"
