from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Promised(models.Model):
    """What an order was told about time, frozen at checkout, and its two clocks, set when it is paid.

    ``calendar`` names the business calendar that counts; without one every hour counts. ``days_off``: the days that
    staff had taken out of it when the order was paid, as ISO dates. ``promised_until`` is the end
    of the guarantee; ``result_due_at`` is the same, or the later date that the customer was told since. ``cap_at`` is
    when the refund rules end an order by themselves that is still open; empty where they do not. ``is_guaranteed``:
    the terms of the checkout guarantee the time; elsewhere it is what is expected.
    Only ``orders.promising`` works the clocks out.
    """

    calendar = models.CharField(max_length=20, blank=True, default="", help_text=_("The calendar that counts."))
    days_off = models.JSONField(
        null=True,
        blank=True,
        help_text=_("More days that do not count, as they were known at the payment."),
    )
    hard_cap_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Business days after the guarantee at which it ends by itself.")
    )
    average_minutes = models.PositiveIntegerField()
    average_orders = models.PositiveIntegerField(
        default=0, help_text=_("How many orders the average rests on. 0: the supplier's estimate.")
    )
    average_days = models.PositiveSmallIntegerField(default=0, help_text=_("Over how many days they were counted."))
    is_guaranteed = models.BooleanField(default=True, help_text=_("The terms of its checkout guarantee the time."))
    guaranteed_minutes = models.PositiveIntegerField()
    submission_due_at = models.DateTimeField(
        null=True, blank=True, help_text=_("By when it is to be with a supplier.")
    )
    promised_until = models.DateTimeField(null=True, blank=True, help_text=_("Until when the result is guaranteed."))
    result_due_at = models.DateTimeField(
        null=True, blank=True, help_text=_("By when the customer was told to have the result.")
    )
    cap_at = models.DateTimeField(null=True, blank=True, help_text=_("When it ends by itself, if it is still open."))

    class Meta:
        abstract = True
