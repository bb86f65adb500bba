from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from orders.states import HoldReason
from unlockshop.kernel import clock, codes
from unlockshop.kernel.money import Money
from unlockshop.kernel.money_columns import exact


class Purchase(models.Model):
    """What is paid once: a customer's basket at the moment of checkout, with what was agreed there.

    The consent columns are evidence: which terms, when, from where. ``paid_at`` is set once, with the first capture.
    """

    number = models.CharField(max_length=16, unique=True, default=codes.new_purchase_number, editable=False)
    secret = models.CharField(max_length=64, unique=True, default=codes.new_secret, editable=False)
    draft_token = models.CharField(
        max_length=64,
        unique=True,
        editable=False,
        help_text=_("The draft it came from; sending it twice buys once."),
    )
    email = models.EmailField(max_length=254, db_index=True)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text=_("The customer's, as the browser told it at the checkout. Empty: not known."),
    )
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=14, decimal_places=3)
    terms_version = models.CharField(max_length=20)
    refund_profile = models.CharField(
        max_length=40, blank=True, default="", help_text=_("The refund rules it is judged by: name and version.")
    )
    terms_accepted_at = models.DateTimeField()
    start_now_acknowledged_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the customer asked for an immediate start.")
    )
    checklist = models.JSONField(default=list, help_text=_("The statements that the customer confirmed, as shown."))
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    is_demo = models.BooleanField(default=False, help_text=_("Made with demo payments; no money moved."))
    created_at = models.DateTimeField(default=clock.now, db_index=True)
    expires_at = models.DateTimeField(help_text=_("Unpaid until then, its orders expire."))
    paid_at = models.DateTimeField(null=True, blank=True)
    frozen_for = models.CharField(
        max_length=24,
        choices=HoldReason.choices,
        blank=True,
        default="",
        help_text=_("While set, nothing of it is forwarded to a supplier."),
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(total__gte=0), name="orders_purchase_total_not_negative"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("created_at")),
                name="orders_purchase_expires_after_creation",
            ),
            models.CheckConstraint(condition=~Q(terms_version=""), name="orders_purchase_terms_accepted"),
            models.CheckConstraint(
                condition=Q(time_zone__regex=r"^[A-Za-z0-9_+/-]*$"), name="orders_purchase_time_zone_shape"
            ),
            exact("orders_purchase_total_exact", amount="total"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("purchase", args=[self.secret])

    @property
    def money(self) -> Money:
        """What the purchase costs, as frozen at checkout."""
        return Money(self.total, self.currency)
