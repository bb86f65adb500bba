"""What a person saw in a claim's video, and the second person above a limit."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from refunds.states import Finding, Seconding
from unlockshop.kernel import clock
from unlockshop.kernel.money import Money
from unlockshop.kernel.money_columns import exact


class VideoReview(models.Model):
    """One person's look at one video: what it shows, which IMEI was seen, what follows. The newest one counts.

    ``asked`` are the points that the claim's terms ask for, ``shown`` those that were ticked, ``missing`` the others.
    ``imei_seen`` is what was typed in, ``imei_wanted`` the order's, both normalised. A review that ``holds`` lets the
    claim be approved on its video; the database lets none hold with another IMEI or with a point missing.
    """

    video = models.ForeignKey("refunds.ClaimVideo", on_delete=models.PROTECT, related_name="reviews")
    asked = models.JSONField(default=list)
    shown = models.JSONField(default=list, blank=True)
    missing = models.CharField(max_length=300, blank=True, default="")
    imei_seen = models.CharField(max_length=40, blank=True, default="")
    imei_wanted = models.CharField(max_length=40)
    finding = models.CharField(max_length=20, choices=Finding.choices)
    holds = models.BooleanField(default=False)
    reason = models.CharField(max_length=500)
    by_label = models.CharField(max_length=254)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(finding__in=Finding.values), name="refunds_review_finding_known"),
            models.CheckConstraint(condition=~Q(by_label="") & ~Q(reason=""), name="refunds_review_names_who_and_why"),
            models.CheckConstraint(condition=~Q(imei_wanted=""), name="refunds_review_knows_the_device"),
            models.CheckConstraint(
                condition=Q(holds=False) | Q(imei_seen=F("imei_wanted"), missing=""),
                name="refunds_review_holds_only_complete",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_finding_display()} ({self.by_label})"


class SecondApproval(models.Model):
    """An approval above the limit: the first person's, until a second one confirms it or turns it down.

    One is open for a claim at most. The database refuses a second person who is the first.
    """

    claim = models.ForeignKey("refunds.Claim", on_delete=models.PROTECT, related_name="second_approvals")
    state = models.CharField(max_length=12, choices=Seconding.choices, default=Seconding.WAITING)
    amount = models.DecimalField(max_digits=14, decimal_places=3)
    currency = models.CharField(max_length=3)
    limit = models.DecimalField(max_digits=14, decimal_places=3, help_text=_("What one person may grant alone."))
    reason = models.CharField(max_length=500)
    first_by = models.CharField(max_length=254)
    first_ident = models.CharField(max_length=40, help_text=_("Who that is, whatever the e-mail address becomes."))
    first_at = models.DateTimeField(default=clock.now)
    second_by = models.CharField(max_length=254, blank=True, default="")
    second_ident = models.CharField(max_length=40, blank=True, default="")
    second_at = models.DateTimeField(null=True, blank=True)
    second_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["claim"], condition=Q(state=Seconding.WAITING), name="refunds_second_one_open"
            ),
            models.CheckConstraint(condition=Q(state__in=Seconding.values), name="refunds_second_state_known"),
            models.CheckConstraint(
                condition=~Q(first_by="") & ~Q(first_ident="") & ~Q(reason=""), name="refunds_second_names_first"
            ),
            models.CheckConstraint(
                condition=~Q(first_ident=F("second_ident")) & ~Q(first_by=F("second_by")),
                name="refunds_second_is_another",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[Seconding.CONFIRMED, Seconding.TURNED_DOWN])
                | ~Q(second_by="") & ~Q(second_ident="") & ~Q(second_reason="") & Q(second_at__isnull=False),
                name="refunds_second_decided_names_who",
            ),
            models.CheckConstraint(condition=Q(amount__gt=F("limit")), name="refunds_second_above_limit"),
            exact("refunds_second_amount_exact"),
        ]

    def __str__(self) -> str:
        return f"{self.money} ({self.get_state_display()})"

    @property
    def money(self) -> Money:
        """What the first person grants."""
        return Money(self.amount, self.currency)


class SecondCode(models.Model):
    """A code that did not work, bought once more at the shop's cost: by which order, for which claim, by whom.

    ``order`` costs the customer nothing. A former order has one at most, and so has a claim; the database says so.
    """

    claim = models.OneToOneField("refunds.Claim", on_delete=models.PROTECT, related_name="second_code")
    former = models.OneToOneField("orders.Order", on_delete=models.PROTECT, related_name="second_code")
    order = models.OneToOneField("orders.Order", on_delete=models.PROTECT, related_name="second_code_for")
    reason = models.CharField(max_length=500)
    by_label = models.CharField(max_length=254)
    at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True, help_text=_("When the claim heard what became of it."))

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(former=F("order")), name="refunds_secondcode_is_another_order"),
            models.CheckConstraint(condition=~Q(by_label="") & ~Q(reason=""), name="refunds_secondcode_names_who"),
        ]

    def __str__(self) -> str:
        return f"{self.order} for {self.former}"
